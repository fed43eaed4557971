package inspect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
)

func TestJSONWrittenInPiecesIsThatOfTheWhole(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 129, 1000} {
		r := &Result{Schema: Schema, Capture: Capture{Files: []string{`,"devices":[]<&>`}}, Devices: []Device{}, Findings: []Finding{}}
		for i := range n {
			r.Devices = append(r.Devices, Device{ID: fmt.Sprint(i), Hostnames: []string{`"devices":[]`}})
		}
		var got, want bytes.Buffer
		if err := r.WriteJSON(&got); err != nil {
			t.Fatal(err)
		}
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(r); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("%d devices: got %.200s, want %.200s", n, got.String(), want.String())
		}
	}
}

func TestDevicesAreOrderedByRankThenName(t *testing.T) {
	var devices []Device
	for i := range 1000 {
		d := Device{ID: fmt.Sprint(i * 7919 % 1000)}
		d.Identity.Kind = ranks[i%len(ranks)]
		devices = append(devices, d)
	}
	order(devices)
	for i := 1; i < len(devices); i++ {
		a, b := &devices[i-1], &devices[i]
		if rank(a) > rank(b) || rank(a) == rank(b) && a.ID >= b.ID {
			t.Fatalf("device %d, %s %q, comes before %s %q", i-1, a.Identity.Kind, a.ID, b.Identity.Kind, b.ID)
		}
	}
}
