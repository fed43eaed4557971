//go:build !gateway

package main

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/assess"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/inspect"
)

// sureOfUpdate is the confidence from which a program in clear counts against the device by itself.
const sureOfUpdate = 0.8

// updates looks in captures at how the device fetches what it runs. No question makes a device fetch an update, so that
// this alone is seen and not asked; where nothing was fetched, nothing is said.
func updates(result *inspect.Result, target assess.Target) ([]assess.Check, error) {
	i := slices.IndexFunc(result.Devices, func(d inspect.Device) bool {
		if target.MAC != "" {
			return slices.Contains(d.MACs, target.MAC)
		}
		return slices.Contains(d.Addresses, target.Address)
	})
	if i < 0 {
		return nil, &fault{fs.ErrNotExist, "error.probe.captures", []any{"name", target.Address}}
	}
	return updateTraffic(&result.Devices[i], result.Found()), nil
}

// updateTraffic is what a device’s conversations say of how it is updated: bad where a program came in clear from a server
// that is named for updates, good where such a server was asked under encryption alone, and else unclear.
func updateTraffic(d *inspect.Device, found []finding.Finding) []assess.Check {
	const most = 16
	var list []assess.Check
	say := func(outcome, detail string) {
		if len(list) < most {
			list = append(list, assess.Check{Check: "update.traffic", Port: "capture", Outcome: outcome, Detail: detail, Exchanges: []int{}})
		}
	}
	clear := map[string]bool{}
	for _, f := range found {
		if f.Kind != finding.ClearFirmware || f.Device != d.ID || f.Role != finding.Actor {
			continue
		}
		said := map[string]string{}
		for _, x := range f.Details {
			said[x.Key] = fmt.Sprint(x.Value)
		}
		clear[said["peer"]] = true
		outcome := assess.Unclear
		if f.Confidence >= sureOfUpdate || namedForUpdates(said["peer"]) {
			outcome = assess.Bad
		}
		say(outcome, said["file"]+", "+said["peer"])
	}
	for _, p := range d.Peers {
		if clear[p.Name] || p.Scope != "internet" || !namedForUpdates(p.Name) || len(p.Services) == 0 {
			continue
		}
		if slices.ContainsFunc(p.Services, func(s string) bool { return !assess.Protects(s) }) {
			say(assess.Unclear, p.Name+", "+strings.Join(p.Services, ", "))
			continue
		}
		say(assess.Good, p.Name)
	}
	return list
}

// namedForUpdates reports whether a server’s name speaks of updating. It is usage, and no standard.
func namedForUpdates(name string) bool {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r < 'a' || r > 'z' })
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains([]string{"firmware", "fota", "fw", "ota", "update", "updates", "upgrade", "upgrades"}, w)
	})
}
