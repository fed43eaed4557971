package device

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/frame"
)

// What is kept in little memory is what was said, with its details, whatever the octets; and what is said again is found.
func TestSaidIsWhatWasSaid(t *testing.T) {
	known := &facts{ids: map[string]uint8{}}
	var s said
	var want []Observation
	for i := range 300 {
		var f dissect.Facts
		f.Begin(frame.MAC{2, 0, 0, 0, 0, 1}, int64(i), uint64(i))
		value := strings.Repeat("é\x00", i) + fmt.Sprint(i)
		f.AddString(fmt.Sprintf("fact.%d", i%7), value)
		o := Observation{
			Fact: fmt.Sprintf("fact.%d", i%7), Value: Printable([]byte(value)[:min(len(value), dissect.MaxValue)], maxText), Packet: uint64(i), File: 3, Seq: uint64(i), Count: 1,
		}
		for k := range i % (maxDetails + 3) {
			f.FieldString(fmt.Sprintf("key%d", k), strings.Repeat("x", k))
			if k < maxDetails {
				o.Detail = append(o.Detail, Detail{fmt.Sprintf("key%d", k), strings.Repeat("x", k)})
			}
		}
		id, _ := known.id(o.Fact)
		hash := uint64(i) * 0x9e3779b97f4a7c15
		if s.find(hash) != nil {
			t.Fatalf("%d is there already", i)
		}
		s.add(saying{hash: hash, fact: id, packet: uint64(i), file: 3, seq: uint64(i), count: 1}, &f, 0)
		want = append(want, o)
	}
	for i := range want {
		if x := s.find(uint64(i) * 0x9e3779b97f4a7c15); x == nil || x.packet != uint64(i) {
			t.Errorf("%d is not found", i)
		}
	}
	ignore := cmpopts.IgnoreUnexported(Observation{})
	if diff := cmp.Diff(want, s.observations(known), ignore); diff != "" {
		t.Error(diff)
	}
	var some []Observation
	for _, o := range want {
		if o.Fact == "fact.3" {
			some = append(some, o)
		}
	}
	if diff := cmp.Diff(some, s.of("fact.3", known), ignore); diff != "" {
		t.Error(diff)
	}
}
