package inspect

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

// maxDepartures bounds the findings of one device: people read the worst. The last one counts the rest.
const maxDepartures = 20

// departures hold each device against its MUD file.
func (e *Engine) departures(r *Result, devices []*device.Device, n *device.Network) []finding.Finding {
	if e.cfg.MUD == nil {
		return nil
	}
	base := situation(devices, n)
	english := locale.New(locale.English)
	var list []finding.Finding
	for i := range r.Devices {
		out := &r.Devices[i]
		f, by, controllers := e.cfg.MUD.of(out)
		if f == nil {
			continue
		}
		at := slices.IndexFunc(devices, func(d *device.Device) bool { return d.ID() == out.ID })
		if at < 0 {
			continue
		}
		e.held = append(e.held, Held{out.ID, f.name, by, f.file.URL})
		h := holding{device: devices[at], network: n, words: english}
		its := controllers.into(base)
		h.policy = compileFor(f.file, &its, h.device)
		list = append(list, h.judge(e.talks)...)
	}
	return list
}

// compileFor is the policy of a device in the network, as it is judged by: a capture may not show all of the networks
// that are local, so every private address is taken for one.
func compileFor(f *mud.File, base *policy.Context, d *device.Device) *policy.Policy {
	c := base.Of(d.MAC)
	c.Local = slices.Concat(c.Local, policy.Homes())
	if len(c.Gateway)+len(c.Resolvers) == 0 { // too little was seen to know who serves names and time
		for _, p := range c.Peers {
			for _, a := range p.Addresses {
				if a.IsPrivate() || a.IsLinkLocalUnicast() {
					c.Resolvers, c.TimeServers = append(c.Resolvers, a), append(c.TimeServers, a)
				}
			}
		}
	}
	return policy.Compile(f, &c)
}

// holding is one device and what it may do.
type holding struct {
	device  *device.Device
	network *device.Network
	policy  *policy.Policy
	words   *locale.Catalogue // of notes, which are in English
}

// macs are the link-layer addresses of the device.
func macs(d *device.Device) []frame.MAC { return append([]frame.MAC{d.MAC}, d.MACs...) }

// own are the conversations of the device itself: a router's addresses stand for others too.
func own(t *talks, d *device.Device) []policy.Conversation {
	list := t.of(macs(d))
	if !d.Gateway {
		return list
	}
	return slices.DeleteFunc(list, func(c policy.Conversation) bool {
		return !slices.ContainsFunc(d.Own(), func(a device.Address) bool { return a.Addr == c.Own })
	})
}

func (h *holding) judge(t *talks) []finding.Finding {
	rehearsal := h.policy.Rehearse(own(t, h.device))
	var list []finding.Finding
	spoken := map[string]bool{}
	for i := range rehearsal.Stopped {
		s := &rehearsal.Stopped[i]
		spoken[s.Peer] = true
		list = append(list, h.stopped(s))
	}
	list = append(list, h.questions(t, spoken)...)
	slices.SortStableFunc(list, func(a, b finding.Finding) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(a.First, b.First))
	})
	if len(list) > maxDepartures {
		last := &list[maxDepartures-1]
		for _, f := range list[maxDepartures:] {
			last.Count += f.Count
			last.First, last.Last = min(last.First, f.First), max(last.Last, f.Last)
		}
		list = list[:maxDepartures]
	}
	return list
}

// stopped is the finding that something the policy would have stopped is.
func (h *holding) stopped(s *policy.Stopped) finding.Finding {
	c := &s.First
	service := device.ServiceName(c.Proto, c.Service())
	if c.Protocol != "" {
		service += " " + c.Protocol
	}
	peer := s.Peer
	if host := h.network.Host(c.Peer); host != nil {
		if names := host.Hostnames(); len(names) > 0 {
			peer = names[0]
		}
	}
	peer = printable(peer)
	severity, confidence := h.weigh(s)
	nearest := ""
	if s.Nearest > 0 {
		nearest = printable(h.policy.Entries[s.Nearest-1].Brief())
	}
	return finding.Finding{
		Kind: finding.MUDDeparture, Device: h.device.ID(), Role: finding.Actor, Key: strings.TrimSpace(c.Direction.String() + " " + service + " " + s.Peer + " " + s.Hello),
		Severity: severity, Confidence: confidence, First: c.First, Last: c.Last, Detected: c.First, Count: c.Flows,
		Details: []finding.Detail{{Key: "peer", Value: peer}, {Key: "service", Value: service}, {Key: "nearest", Value: nearest}},
		Evidence: []finding.Evidence{{
			Packets: []uint64{c.Number}, File: c.File, Flow: c.Flow,
			Note: h.policy.Text(&s.Explanation, &c.Packet, peer, h.words, printable), Ends: ends(c),
		}},
	}
}

// ends are the ends of a conversation, from the one that began it.
func ends(c *policy.Conversation) finding.Ends {
	own, peer := netip.AddrPortFrom(c.Own.Netip(), c.OwnPort), netip.AddrPortFrom(c.Peer.Netip(), c.PeerPort)
	if c.Direction == policy.ToDevice {
		own, peer = peer, own
	}
	return finding.Ends{Proto: c.Proto, From: own, To: peer}
}

func printable(s string) string { return device.Printable([]byte(s), 253) }

// weigh says how bad a departure is, by where it goes, and how sure it is that it is one.
func (h *holding) weigh(s *policy.Stopped) (finding.Severity, float64) {
	c := &s.First
	confidence := 0.9
	if s.Differs == policy.LeafPeer && !c.Told && h.policy.Entries[s.Nearest-1].Follows != "" {
		confidence = 0.4 // it may have been told the address before the capture began
	}
	switch h.network.Scope(c.Peer) {
	case "internet":
		switch {
		case confidence < 0.5:
			return finding.Low, confidence
		case c.Direction == policy.ToDevice && c.Answered:
			return finding.High, confidence
		}
		return finding.Medium, confidence
	case "multicast":
		return finding.Info, confidence
	}
	return finding.Low, confidence
}

// questions are the findings that names are which the device asked for, and which its file does not speak of. A file
// without names says nothing of them, and of a name whose host was then called, the call itself is told.
func (h *holding) questions(t *talks, spoken map[string]bool) []finding.Finding {
	if _, any := h.policy.Knows(""); !any {
		return nil
	}
	sites := map[string]bool{}
	for i := range h.policy.Entries {
		if name := strings.TrimPrefix(h.policy.Entries[i].Follows, "*."); name != "" {
			sites[site(name)] = true
		}
	}
	var list []finding.Finding
	for k, q := range t.asked {
		if !slices.Contains(macs(h.device), k.device) || spoken[k.name] || sites[site(k.name)] || household(k.name) {
			continue
		}
		if follows, _ := h.policy.Knows(k.name); follows {
			continue
		}
		list = append(list, finding.Finding{
			Kind: finding.MUDDeparture, Device: h.device.ID(), Role: finding.Actor, Key: "name " + k.name,
			Severity: finding.Low, Confidence: 0.6, First: q.first, Last: q.last, Detected: q.first, Count: q.count,
			Details: []finding.Detail{{Key: "peer", Value: k.name}, {Key: "service", Value: "dns"}, {Key: "nearest", Value: ""}},
			Evidence: []finding.Evidence{{
				Packets: []uint64{q.number}, File: q.file, Note: fmt.Sprintf("asks for the name %s; no entry speaks of it, nor of another one of its site", k.name),
			}},
		})
	}
	slices.SortFunc(list, func(a, b finding.Finding) int { return cmp.Compare(a.Key, b.Key) })
	return list
}

// site is the part of a name that somebody registered, with all that lies below it.
func site(name string) string {
	if s, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return s
	}
	return name
}

// household reports whether a name is not one of the Internet's: of the local network, or of an address.
func household(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil || !strings.Contains(name, ".") {
		return true
	}
	for _, suffix := range []string{".arpa", ".local", ".lan", ".home", ".localdomain", ".internal", ".test", ".invalid"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// Held are the devices that were held against a MUD file. It may be asked after Result.
func (e *Engine) Held() []Held { return e.held }
