//go:build !gateway

package main

import (
	"slices"
	"testing"

	"plimsoll.example/plimsoll/internal/lab"
	"plimsoll.example/plimsoll/mud"
)

// The devices of the played home that have rules are there, and what they have is whole.
func TestTheRulesOfTheDemonstrationAreOfItsDevices(t *testing.T) {
	devices := lab.Family().Devices
	for name := range shownRules {
		i := slices.IndexFunc(devices, func(d lab.Device) bool { return d.Name == name })
		if i < 0 {
			t.Errorf("%s is no device", name)
			continue
		}
		body, err := shownFiles.ReadFile("demo/" + name + ".mud.json")
		if err != nil {
			t.Fatal(err)
		}
		f, err := mud.Parse(body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if says := devices[i].DHCP.MUD; len(f.Permissions()) == 0 || says != "" && says != f.URL {
			t.Errorf("%s: %d permissions, of %s, and the device says %q", name, len(f.Permissions()), f.URL, says)
		}
	}
}
