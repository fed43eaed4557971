package policy

import (
	"net/netip"

	"plimsoll.example/plimsoll/internal/locale"
)

// Document is a policy as schema/mud-compile.json describes it.
type Document struct {
	Schema    string          `json:"schema"`
	Device    string          `json:"device"`
	URL       string          `json:"mud_url"`
	Addresses []netip.Addr    `json:"addresses"`
	Entries   []DocumentEntry `json:"entries"`
}

// DocumentEntry is an entry of it.
type DocumentEntry struct {
	Number    int            `json:"number"` // counting from 1
	ACL       string         `json:"acl"`
	Name      string         `json:"name"`
	Origin    Origin         `json:"origin"`
	Direction Direction      `json:"direction"`
	Action    Action         `json:"action"`
	Matches   string         `json:"matches"` // beginnings, answers or nothing
	Family    string         `json:"family"`  // ipv4, ipv6 or any
	Service   string         `json:"service"` // as in Entry.Service
	Peers     []Peer         `json:"peers"`
	Addresses []netip.Prefix `json:"addresses"` // of the peers, as far as they are known
	PeerPorts [][2]uint16    `json:"peer_ports"`
	OwnPorts  [][2]uint16    `json:"own_ports"`
	Text      string         `json:"text"` // in the words of one language
}

// Document is the policy for who reads JSON.
func (p *Policy) Document(words *locale.Catalogue, printable func(string) string) *Document {
	d := &Document{
		Schema: "plimsoll.policy/1", Device: p.Device.String(), URL: printable(p.URL), Addresses: append([]netip.Addr{}, p.Own...),
		Entries: []DocumentEntry{},
	}
	for i := range p.Entries {
		e := &p.Entries[i]
		x := DocumentEntry{
			Number: i + 1, ACL: printable(e.ACL), Name: printable(e.Name), Origin: e.Origin, Direction: e.Direction, Action: e.Action,
			Matches: "beginnings", Family: "any", Service: e.Service(), Peers: []Peer{}, Addresses: append([]netip.Prefix{}, e.Prefixes...),
			PeerPorts: [][2]uint16{}, OwnPorts: [][2]uint16{}, Text: e.Describe(words, printable),
		}
		if e.Family != 0 {
			x.Family = map[uint8]string{4: "ipv4", 6: "ipv6"}[e.Family]
		}
		switch {
		case e.Never || e.Unknown && e.Action == Accept:
			x.Matches = "nothing"
		case e.Answers:
			x.Matches = "answers"
		}
		if e.Follows != "" {
			x.Addresses = hosts(p.led(e))
		}
		for _, peer := range e.Peers {
			x.Peers = append(x.Peers, Peer{peer.Class, printable(peer.Value)})
		}
		for _, r := range e.PeerPorts {
			x.PeerPorts = append(x.PeerPorts, [2]uint16{r.Low, r.High})
		}
		for _, r := range e.OwnPorts {
			x.OwnPorts = append(x.OwnPorts, [2]uint16{r.Low, r.High})
		}
		d.Entries = append(d.Entries, x)
	}
	return d
}

// led is all addresses that the name of an entry ever led to, as far as they are remembered.
func (p *Policy) led(e *Entry) (list []netip.Addr) {
	for a := range p.Until(e, 0) {
		list = append(list, a)
	}
	return list
}

// RehearsalDocument is a rehearsal as schema/mud-rehearse.json describes it.
type RehearsalDocument struct {
	Schema  string             `json:"schema"`
	Flows   RehearsalFlows     `json:"flows"`
	Stopped []RehearsalStopped `json:"stopped"`
}

// RehearsalFlows counts conversations.
type RehearsalFlows struct {
	Total   uint64 `json:"total"`
	Allowed uint64 `json:"allowed"`
	Stopped uint64 `json:"stopped"`
}

// RehearsalStopped is what would have been stopped: with one peer, about one service.
type RehearsalStopped struct {
	Flow      string    `json:"flow"` // Community ID of the first
	Peer      string    `json:"peer"`
	Service   string    `json:"service"`
	Count     uint64    `json:"count"`
	Guess     string    `json:"guess"` // in the words of one language
	Direction Direction `json:"direction"`
	Text      string    `json:"text"` // the decision and the nearest entry, likewise
}

// Document is the rehearsal of a policy for who reads JSON.
func (r *Rehearsal) Document(p *Policy, words *locale.Catalogue, printable func(string) string) *RehearsalDocument {
	d := &RehearsalDocument{
		Schema: "plimsoll.rehearse/1", Flows: RehearsalFlows{r.Flows, r.Allowed, r.Flows - r.Allowed}, Stopped: []RehearsalStopped{},
	}
	for i := range r.Stopped {
		s := &r.Stopped[i]
		q := &s.First.Packet
		d.Stopped = append(d.Stopped, RehearsalStopped{
			Flow: s.First.Flow, Peer: printable(s.Peer), Service: Service(q.Proto, q.Service()), Count: s.First.Flows,
			Guess: words.Text("policy.guess." + string(s.Why)), Direction: q.Direction,
			Text: p.Text(&s.Explanation, q, printable(s.Peer), words, printable),
		})
	}
	return d
}
