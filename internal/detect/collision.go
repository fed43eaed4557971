package detect

import (
	"strings"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
)

var collisionThresholds = []Threshold{
	{"name.collision.span", 3600, "seconds", "within which a name is claimed by one device, by another, and by the first again"},
}

// collision finds two devices that answer to one name: who looks for the first may come to the second.
type collision struct {
	*Watch
	span  int64
	names *Table[string, holder]
}

// holder is who has a name, and who else claims it.
type holder struct {
	owner, rival Party
	owned, since int64 // when they last, and first, said so
	proof        finding.Evidence
}

func newCollision(w *Watch) Detector {
	c := &collision{w, w.Span("name.collision.span"), NewTable[string, holder](1024)}
	return Detector{Fact: c.fact, Facts: []string{"mdns.hostname", "nbns.name", "llmnr.name", "dhcp.hostname"}}
}

func (c *collision) fact(f *Fact) {
	name := strings.ToLower(strings.TrimSpace(text(f.Value)))
	name = strings.TrimSuffix(strings.TrimSuffix(name, "."), ".local")
	who := f.Sender()
	switch {
	case f.Name == "dhcp.hostname" && f.Subject != who.MAC:
		return
	case f.Name == "nbns.name" && string(f.Lookup("group")) != "0":
		return
	}
	if name == "" || device.Generic(name) || who.MAC.IsZero() || strings.Contains(name, " ") {
		return // what holds spaces is the name of a model
	}
	h, fresh := c.names.Get(name)
	switch {
	case fresh || f.Time-h.owned > c.span && h.owner.MAC != who.MAC:
		*h = holder{owner: who, owned: f.Time}
	case h.owner.MAC != who.MAC:
		if h.rival.MAC != who.MAC {
			h.rival, h.since, h.proof = who, f.Time, f.Evidence(f.Name+" "+name)
		}
	default: // the owner again
		h.owned = f.Time
		if !h.rival.IsZero() && f.Time-h.since < c.span && !twins(h.owner.MAC, h.rival.MAC) {
			c.raise(name, h, f)
		}
	}
}

// twins reports whether two devices are of one maker: its products give themselves the same name by mistake.
func twins(a, b frame.MAC) bool { return [3]byte(a[:3]) == [3]byte(b[:3]) }

func (c *collision) raise(name string, h *holder, f *Fact) {
	owner, rival := h.owner, h.rival
	s := Sighting{
		Kind: finding.NameCollision, Actor: rival, Target: owner, Key: name, Severity: finding.Low, Confidence: 0.5, First: h.since, Time: f.Time,
		Details: []finding.Detail{{Key: "name", Value: name}, {Key: "peer", Value: device.Name(owner.MAC)}}, Evidence: h.proof,
		Holds: func(v *View) bool {
			a, b := v.Owner(owner), v.Owner(rival)
			return a != nil && b != nil && a != b && !a.Randomised() && !b.Randomised()
		},
	}
	s.Evidence.Packets = append(s.Evidence.Packets[:len(s.Evidence.Packets):len(s.Evidence.Packets)], f.Number)
	c.Raise(s)
}
