package inspect

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"plimsoll.example/plimsoll/internal/lab"
)

// What is really printed, of captures of every format and link type, is what the published schemas say.
func TestOutputKeepsToItsSchema(t *testing.T) {
	list := captures(t)
	formats, err := filepath.Glob(testdata + "/formats/*")
	if err != nil || len(formats) == 0 {
		t.Fatal("no captures of every format")
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	compile := func(name string) *jsonschema.Schema {
		s, err := c.Compile("../../schema/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	whole, flow, fact := compile("inspect.json"), compile("flow.json"), compile("fact.json")
	flows, facts := 0, 0
	for _, path := range append(list, formats...) {
		got := look(t, Config{}, path)
		check(t, path, whole, got.JSON)
		for line := range strings.Lines(got.Flows) {
			check(t, path, flow, line)
			flows++
		}
		for line := range strings.Lines(got.Facts) {
			check(t, path, fact, line)
			facts++
		}
	}
	if flows == 0 || facts == 0 {
		t.Errorf("%d flows and %d facts", flows, facts)
	}
}

func check(t *testing.T, path string, s *jsonschema.Schema, text string) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, text)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%s: %v\n%.600s", path, err, text)
	}
}

// The truth of the generated captures is what the inspection finds.
func TestGeneratedHomeIsSeenAsItIs(t *testing.T) {
	for _, name := range []string{"home.pcapng", "attack.pcap"} {
		var r Result
		if err := json.Unmarshal([]byte(look(t, Config{}, filepath.Join(testdata, name)).JSON), &r); err != nil {
			t.Fatal(err)
		}
		truth := readTruth(t, strings.TrimSuffix(name, filepath.Ext(name)))
		if len(r.Devices) != len(truth) {
			t.Errorf("%s: %d devices, want %d", name, len(r.Devices), len(truth))
		}
		for _, want := range truth {
			d := find(r.Devices, want.MACs[0])
			if d == nil {
				t.Errorf("%s: %s is not in the inventory", name, want.Name)
				continue
			}
			if len(d.MACs) != len(want.MACs) {
				t.Errorf("%s: %s has %v, want %v", name, want.Name, d.MACs, want.MACs)
			}
			if c := d.Identity.Category; c != want.Category && c != "" {
				t.Errorf("%s: %s is called a %s, it is a %s", name, want.Name, c, want.Category)
			}
			if m := d.Identity.Maker; want.Maker != "" && m != "" && !strings.Contains(m, want.Maker) && !strings.Contains(want.Maker, m) {
				t.Errorf("%s: %s is said to be made by %s, it is by %s", name, want.Name, m, want.Maker)
			}
			for _, a := range want.Addresses {
				if !slices.Contains(d.Addresses, a) && name == "home.pcapng" { // an attack is too short to show them all
					t.Errorf("%s: %s has %v, %s is missing", name, want.Name, d.Addresses, a)
				}
			}
			for _, a := range d.Addresses {
				if !slices.Contains(want.Addresses, a) {
					t.Errorf("%s: %s is said to have %s, it has %v", name, want.Name, a, want.Addresses)
				}
			}
			var url *MUDURL
			if want.MUD != nil {
				url = &MUDURL{want.MUD.URL, want.MUD.Via}
			}
			if diff := cmp.Diff(url, d.MUDURL); diff != "" {
				t.Errorf("%s: MUD URL of %s: %s", name, want.Name, diff)
			}
		}
	}
}

func readTruth(t *testing.T, name string) []lab.DeviceTruth {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(testdata, name+".truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var truth lab.Truth
	if err := json.Unmarshal(b, &truth); err != nil {
		t.Fatal(err)
	}
	return truth.Devices
}

func find(devices []Device, mac string) *Device {
	for i := range devices {
		if slices.Contains(devices[i].MACs, mac) {
			return &devices[i]
		}
	}
	return nil
}
