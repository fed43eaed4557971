package eve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/identify"
	"plimsoll.example/plimsoll/internal/inspect"
)

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile("../../schema/eve.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lines are what is written of a result, each checked against the schema.
func lines(t *testing.T, r *inspect.Result) (list []map[string]any) {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r); err != nil {
		t.Fatal(err)
	}
	s := schema(t)
	for line := range strings.Lines(b.String()) {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%v\n%s", err, line)
		}
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	return list
}

// at is a value somewhere in a line: alert.severity.
func at(m map[string]any, path string) string {
	var v any = m
	for _, key := range strings.Split(path, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	if f, ok := v.(float64); ok {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprint(v)
}

func TestAttackIsAnAlertThatASIEMTakes(t *testing.T) {
	h, err := capture.OpenHistory([]string{"../../testdata/attack.pcap"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	k, err := identify.Load()
	if err != nil {
		t.Fatal(err)
	}
	e := inspect.New(inspect.Config{})
	if err := e.Run(context.Background(), h.Next); err != nil {
		t.Fatal(err)
	}
	list := lines(t, e.Result(k, []string{"attack.pcap"}, nil, false))
	i := slices.IndexFunc(list, func(m map[string]any) bool { return at(m, "plimsoll.kind") == "scan.horizontal" })
	if i < 0 {
		t.Fatalf("no scan among %d alerts", len(list))
	}
	for path, want := range map[string]string{
		"event_type": "alert", "proto": "TCP", "src_ip": "192.168.1.23", "dest_port": "23", "pcap_filename": "attack.pcap",
		"alert.signature_id": "1876001", "alert.severity": "1", "alert.category": "Detection of a Network Scan",
		"plimsoll.device.name": "DS-2CD2042WD-I", "plimsoll.device.category": "camera", "plimsoll.role": "actor",
	} {
		if got := at(list[i], path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if at(list[i], "flow_id") == "<nil>" || at(list[i], "community_id") == "<nil>" || at(list[i], "pcap_cnt") == "<nil>" {
		t.Error("the flow cannot be found again")
	}
}

func result(findings ...inspect.Finding) *inspect.Result {
	for i := range findings {
		f := &findings[i]
		f.ID, f.Device, f.First, f.Last, f.Count = fmt.Sprint(i), "d", f.Detected, f.Detected, 1
		f.Text = map[string]guide.Text{"en": {Title: "t"}, "fr": {Title: "t"}}
	}
	return &inspect.Result{Findings: findings, Devices: []inspect.Device{{
		ID: "d", Addresses: []string{"192.0.2.7", "fe80::7"}, Identity: device.Identity{Kind: device.IoT},
	}}}
}

func TestAlertsAreInTheOrderInWhichTheyWereRaised(t *testing.T) {
	var times []string
	for _, m := range lines(t, result(
		inspect.Finding{Kind: finding.TLSWeak, Role: finding.Actor, Detected: "2026-05-04T18:00:02Z"},
		inspect.Finding{Kind: finding.SpoofARP, Role: finding.Actor, Detected: "2026-05-04T18:00:00.25Z"},
	)) {
		times = append(times, at(m, "timestamp"))
	}
	if want := []string{"2026-05-04T18:00:00.250000+0000", "2026-05-04T18:00:02.000000+0000"}; !slices.Equal(times, want) {
		t.Errorf("got %v, want %v", times, want)
	}
}

// A finding about what does not speak IP still says whose address it is about, at the right end.
func TestWhereNothingSpeaksIPTheDeviceIsNamed(t *testing.T) {
	list := lines(t, result(
		inspect.Finding{Kind: finding.SpoofARP, Role: finding.Actor, Detected: "2026-05-04T18:00:00Z", Evidence: []inspect.Evidence{{Packets: []uint64{7}}}},
		inspect.Finding{Kind: finding.SpoofARP, Role: finding.Target, Detected: "2026-05-04T18:00:01Z"},
	))
	if at(list[0], "src_ip") != "192.0.2.7" || at(list[0], "dest_ip") != "<nil>" || at(list[0], "pcap_cnt") != "7" {
		t.Errorf("who does it: %v", list[0])
	}
	if at(list[1], "dest_ip") != "192.0.2.7" || at(list[1], "src_ip") != "<nil>" {
		t.Errorf("who suffers it: %v", list[1])
	}
}

// Somebody's rules match these numbers: each kind has one of its own, and the documentation has all.
func TestEachKindHasItsNumber(t *testing.T) {
	doc, err := os.ReadFile("../../docs/eve.md")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[int]finding.Kind{}
	for _, a := range finding.Kinds() {
		s := of(a.Kind)
		if other, used := ids[s.id]; used || s.id == 1876000 {
			t.Errorf("%s has the number %d, as %s has", a.Kind, s.id, other)
		}
		ids[s.id] = a.Kind
		if !strings.Contains(string(doc), fmt.Sprintf("| %d | `%s` |", s.id, a.Kind)) {
			t.Errorf("docs/eve.md does not say that %d is %s", s.id, a.Kind)
		}
	}
}
