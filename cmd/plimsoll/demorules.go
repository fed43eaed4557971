//go:build !gateway

package main

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"time"

	"plimsoll.example/plimsoll/internal/home"
)

//go:embed demo/*.mud.json
var shownFiles embed.FS

// shownRules are the devices of the played home that have rules from the beginning, for nobody waits three days for a
// demonstration: the thermostat is held to all that it needs, the rules of the hub lack a place that it calls, and are tried.
var shownRules = map[string]home.Verb{"thermostat": home.HoldTo, "hub": home.Rehearse}

// rule takes in the rules of a device that is here, as a file that somebody chose: nothing is fetched.
func (g *gateway) rule(ctx context.Context, verb home.Verb, name, mac string) error {
	body, err := shownFiles.ReadFile("demo/" + name + ".mud.json")
	if err != nil {
		return err
	}
	d, err := g.household.Find(mac)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	f := &home.File{SHA256: hex.EncodeToString(sum[:]), At: time.Now().UTC(), Origin: "operator", Body: body}
	if err := g.store.SaveFile(ctx, f); err != nil {
		return fmt.Errorf("keep the rules of the %s: %w", name, err)
	}
	_, err = g.household.Decide(ctx, home.Program, verb, d.ID, f.SHA256)
	return err
}
