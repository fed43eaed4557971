package finding_test

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plimsoll.example/plimsoll/internal/finding"
)

func TestAFindingThatWasKeptSaysTheSame(t *testing.T) {
	want := finding.Finding{
		Kind: finding.ScanHorizontal, Device: "02:00:00:00:00:01", Role: finding.Actor, Key: "tcp/23", Severity: finding.High, Confidence: 0.9,
		First: 1, Last: 3, Detected: 2, Count: 40,
		Details: []finding.Detail{
			{Key: "service", Value: "tcp/23"}, {Key: "count", Value: uint64(1) << 60}, {Key: "span", Value: 3 * time.Second}, {Key: "names", Value: []string{"a", "b"}},
		},
		Evidence: []finding.Evidence{{Packets: []uint64{1, 2}, Flow: "1:abc", Note: "SYN"}},
	}
	data, err := json.Marshal(&want)
	if err != nil {
		t.Fatal(err)
	}
	var got finding.Finding
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
		t.Error(diff)
	}
	if got.ID() != want.ID() {
		t.Error("another ID")
	}
}

func TestADetailOfAnotherTypeIsNotKeptSilently(t *testing.T) {
	if _, err := json.Marshal(finding.Detail{Key: "x", Value: 3.5}); err == nil {
		t.Error("kept, and it would be read as something else")
	}
}
