package identify

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/device"
)

// A MUD file lists the names that a device talks to: those alone, with no address and no name of its
// own, must never lead astray.
func TestCloudsAloneDoNotMislead(t *testing.T) {
	k := load(t)
	var all score
	lines(t, "mud/manifest.jsonl", func(row struct {
		Path, Role string
		Device     struct{ Make, Model, Category, Label string }
	},
	) {
		want := truth{row.Device.Make, row.Device.Model, row.Device.Category}
		if want.category == "" {
			want = labelled(row.Device.Label)
		}
		if row.Role != "mud" || want.category == "" {
			return
		}
		data, err := os.ReadFile(shared + row.Path)
		if err != nil {
			t.Fatal(err)
		}
		var file any
		if json.Unmarshal(data, &file) != nil {
			return
		}
		var s Subject
		for _, name := range namesIn(file, nil) {
			s.Observations = append(s.Observations, device.Observation{Fact: "dns.query", Value: name, Packet: 1})
		}
		if len(s.Observations) == 0 {
			return
		}
		id := k.Identify(s)
		all.add(want, id)
		t.Logf("%s %v: %s / %s / %s (%.2f) %s", row.Path, want, id.Maker, id.Model, id.Category, id.Confidence, id.Kind)
	})
	t.Logf("%d devices: %v", all.devices, &all)
	if all.categoryRight*100 < all.category*85 || all.makerRight*100 < all.maker*95 {
		t.Errorf("too much is wrong: %v", &all)
	}
}

// labelled is the truth of the files whose label is a word.
func labelled(label string) truth {
	for _, l := range []struct {
		has string
		truth
	}{
		{"mi_b", truth{"Xiaomi", "bulb", "light"}},
		{"tplink_bulb", truth{"TP-Link", "bulb", "light"}},
		{"tplink_plug", truth{"TP-Link", "plug", "plug"}},
		{"tp_plug", truth{"TP-Link", "plug", "plug"}},
		{"t_wemo_plug", truth{"Belkin", "plug", "plug"}},
		{"t_vemo_plug", truth{"Belkin", "plug", "plug"}},
		{"imilab", truth{"Xiaomi", "camera", "camera"}},
		{"echo", truth{"Amazon", "Echo", "speaker"}},
		{"fire_tv", truth{"Amazon", "Fire TV", "streamer"}},
		{"lifx", truth{"LIFX", "bulb", "light"}},
		{"magichome", truth{"MagicHome", "strip", "light"}},
		{"nest_tstat", truth{"Nest", "thermostat", "thermostat"}},
		{"ring_doorbell", truth{"Ring", "doorbell", "doorbell"}},
		{"sengled_hub", truth{"Sengled", "hub", "hub"}},
		{"smartthings_hub", truth{"Samsung", "hub", "hub"}},
		{"xiaomi_hub", truth{"Xiaomi", "hub", "hub"}},
		{"blink_security_hub", truth{"Blink", "hub", "hub"}},
	} {
		if strings.Contains(label, l.has) {
			return l.truth
		}
	}
	return truth{}
}

// namesIn collects the domain names of a MUD file.
func namesIn(v any, names []string) []string {
	switch v := v.(type) {
	case map[string]any:
		for key, x := range v {
			if name, ok := x.(string); ok && strings.HasSuffix(key, "dnsname") && !slices.Contains(names, name) {
				names = append(names, name)
			}
			names = namesIn(x, names)
		}
	case []any:
		for _, x := range v {
			names = namesIn(x, names)
		}
	}
	slices.Sort(names)
	return names
}
