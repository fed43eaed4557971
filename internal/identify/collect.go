package identify

import (
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/oui"
)

// collect finds the entries that speak of the device.
func (k *Knowledge) collect(s *Subject, w *scratch) {
	if device.IsSynthetic(s.MAC) {
		// a device without a link-layer address, which the capture does not have
	} else if s.Randomised || s.MAC.IsLocal() {
		k.look(w, w.derive(factLocal, s.MAC.String()[:len("00:00:00")]))
	} else if assignee, _ := oui.Lookup(s.MAC); assignee != "" && !unassigned(s.MAC) {
		w.assignee = assignee
		at := w.derive(factAssignee, assignee)
		if known := k.lookLongest(w, at, w.observation(s, at), k.facts[factAssignee], assignee); !known {
			k.lookEcho(s, w, assignee)
		}
	}
	known := w.n // by the address alone
	var names breadth
	role, carries := false, false
	for i := range s.Observations {
		o := &s.Observations[i]
		if o.Fact == "mdns.service" {
			if instance := o.Lookup("instance"); instance != "" {
				k.lookAs(w, int32(i), o, k.facts[factInstance], instance)
			}
		}
		f, ok := k.facts[o.Fact]
		if !ok {
			continue
		}
		if f.shape == shapeDomain {
			names.add(o.Value)
		}
		role = role || f.family == familyRole
		switch o.Fact {
		case "net.gateway", "net.dhcp_server", "net.resolver":
			carries = true
		}
		k.lookAs(w, int32(i), o, f, o.Value)
	}
	if !role && w.n > known {
		k.look(w, w.derive(factRole, "none"))
	}
	if text := names.text(); text != "" {
		k.look(w, w.derive(factBreadth, text))
	}
	if carries {
		k.weighRouted(s, w)
	}
	k.weighClouds(w)
}

// unassigned reports whether the address is of the very first block. It is Xerox's, but what carries it are
// laboratories, tests, and devices that nobody gave an address.
func unassigned(m frame.MAC) bool { return m[0]|m[1]|m[2] == 0 }

// derive adds an observation of our own and returns its place.
func (w *scratch) derive(name, value string) int32 {
	w.own[w.nOwn] = device.Observation{Fact: name, Value: value}
	w.nOwn++
	return int32(-w.nOwn)
}

func (w *scratch) observation(s *Subject, from int32) *device.Observation {
	if from < 0 {
		return &w.own[-1-from]
	}
	return &s.Observations[from]
}

func (k *Knowledge) look(w *scratch, from int32) {
	o := &w.own[-1-from]
	if f, ok := k.facts[o.Fact]; ok {
		k.lookAs(w, from, o, f, o.Value)
	}
}

// lookAs finds the entries of fact f that value matches.
func (k *Knowledge) lookAs(w *scratch, from int32, o *device.Observation, f fact, value string) {
	switch f.shape {
	case shapeHost:
		if dot := strings.IndexByte(value, '.'); dot > 0 {
			value = value[:dot]
		}
	case shapeDomain:
		if colon := strings.LastIndexByte(value, ':'); colon > 0 {
			value = value[:colon]
		}
		if i, ok := k.domains.find(value); ok {
			k.hit(w, i, from, o, "")
		}
	case shapeOrganisation:
		k.lookLongest(w, from, o, f, value)
		return
	}
	k.index.find(k.entries, f.id, value, func(i uint16, captured string) { k.hit(w, i, from, o, captured) })
}

// fits reports whether the condition holds. What an observation does not tell does not speak against it,
// but an address without an assignee does.
func (c *where) fits(w *scratch, o *device.Observation) bool {
	v := o.Lookup(c.field)
	if c.field == fieldAssignee {
		v = w.assignee
	} else if v == "" {
		return true
	}
	_, _, ok := match(c.like, v)
	return ok
}

// lookLongest finds, of the patterns that value matches, the longest alone. It reports whether that
// speaks of this value and not of all.
func (k *Knowledge) lookLongest(w *scratch, from int32, o *device.Observation, f fact, value string) (known bool) {
	best, length, text := -1, -1, ""
	k.index.find(k.entries, f.id, value, func(i uint16, captured string) {
		n := len(k.entries[i].pattern)
		if k.entries[i].maker == "$1" {
			n = 0 // speaks of all
		}
		if n > length {
			best, length, text = int(i), n, captured
		}
	})
	if best >= 0 {
		k.hit(w, uint16(best), from, o, text)
	}
	return length > 0
}

// hit notes that entry i speaks, once for each entry: the first observation tells.
func (k *Knowledge) hit(w *scratch, i uint16, from int32, o *device.Observation, captured string) {
	e := &k.entries[i]
	if e.where != nil && !e.where.fits(w, o) {
		return
	}
	if w.n == maxHits {
		return
	}
	for j := range w.hits[:w.n] {
		if w.hits[j].entry == i {
			return
		}
	}
	maker := e.maker
	if strings.Contains(maker, "$1") {
		maker = oui.Short(strings.Replace(maker, "$1", captured, 1))
	}
	w.hits[w.n] = hit{entry: i, from: from, maker: maker, captured: captured, damp: 1}
	w.n++
}

// lookEcho finds out whether the device itself mentions the assignee of its address, which says that
// this is the maker, known or not.
func (k *Knowledge) lookEcho(s *Subject, w *scratch, assignee string) {
	f, ok := k.facts[factEcho]
	if !ok {
		return
	}
	word, _, _ := strings.Cut(oui.Short(assignee), " ")
	if len(word) < 4 {
		return
	}
	for i := range s.Observations {
		o := &s.Observations[i]
		family := familyOf(o.Fact)
		if f, ok := k.facts[o.Fact]; ok {
			family = f.family
		}
		switch family {
		case familyName, familyMDNS, familyUPnP, familyCloud, familyHTTP:
		default:
			continue
		}
		if containsFold(o.Value, word) {
			k.lookAs(w, int32(i), o, f, assignee)
			return
		}
	}
}

// weighRouted lowers the weight of what may have been said by those whose traffic the device carries.
func (k *Knowledge) weighRouted(s *Subject, w *scratch) {
	for j := range w.hits[:w.n] {
		h := &w.hits[j]
		switch k.entries[h.entry].family {
		case familyCloud, familyHTTP, familyTLS, familyBanner, familyOther:
			h.damp = second
		case familyName:
			switch w.observation(s, h.from).Fact {
			case "snmp.sysname", "smb.hostname", "mqtt.client_id":
				h.damp = second
			}
		}
	}
}

// weighClouds lowers the weight of the names that a device talks to where they are of several makers, as
// those are that the apps of a telephone talk to.
func (k *Knowledge) weighClouds(w *scratch) {
	var makers [maxMakers]string
	n := 0
	for j := range w.hits[:w.n] {
		e := &k.entries[w.hits[j].entry]
		if e.family == familyCloud && e.maker != "" && n < len(makers) && !slices.Contains(makers[:n], e.maker) {
			makers[n] = e.maker
			n++
		}
	}
	if n < 2 {
		return
	}
	own := "" // whom the address, the names and the services speak for
	for j := range w.hits[:w.n] {
		e := &k.entries[w.hits[j].entry]
		if e.family != familyCloud && e.maker != "" && e.makerSure >= 0.8 && slices.Contains(makers[:n], e.maker) {
			own = e.maker
			break
		}
	}
	for j := range w.hits[:w.n] {
		e := &k.entries[w.hits[j].entry]
		if e.family == familyCloud && e.maker != "" && e.maker != own {
			w.hits[j].damp /= float32(n)
		}
	}
	if n >= 3 {
		k.look(w, w.derive(factClouds, [...]string{"3", "4", "5 or more"}[min(n, 5)-3]))
	}
}
