package inspect

import (
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/lab"
)

// Video that a device sends at home is no unknown traffic, though no port tells what it is.
func TestVideoAtHomeIsUnderstood(t *testing.T) {
	trace := scene(t, func(a *lab.Actor) { a.Watch(victim, "viewer", "secret", 2000) })
	r := judged(t, Config{}, trace.Packets)
	i := slices.IndexFunc(r.Devices, func(d Device) bool { return d.ID == macOf(trace, victim) })
	if i < 0 {
		t.Fatal("the device that sends is not there")
	}
	d := &r.Devices[i]
	if e := d.Grade.Evidence; e.Understood < 0.9 {
		t.Errorf("of what it said, %.2f is understood", e.Understood)
	}
	if !slices.ContainsFunc(d.Peers, func(p Peer) bool {
		return slices.ContainsFunc(p.Services, func(s string) bool { return strings.HasSuffix(s, " rtp") })
	}) {
		t.Errorf("nobody is told of sound or pictures: %+v", d.Peers)
	}
}
