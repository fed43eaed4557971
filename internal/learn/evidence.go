package learn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"time"
)

// Schema names the shape of Evidence, which schema/learn.json describes.
const Schema = "plimsoll.learn/1"

// EvidenceSuffix ends the name of a file of Evidence, in place of the .json of the learned file.
const EvidenceSuffix = ".evidence.json"

// Evidence is kept beside a learned file: what proves each entry, and what is needed to learn on.
type Evidence struct {
	Schema  string    `json:"schema"`
	Device  string    `json:"device"`  // link-layer address
	Sources []Source  `json:"sources"` // what was learned from
	Enough  Enough    `json:"enough"`
	Entries []Proof   `json:"entries"`
	LeftOut []LeftOut `json:"left_out"`
	Lost    uint64    `json:"lost"` // conversations that there was no room for
	Items   []Record  `json:"items"`
}

// Source is a capture, told apart from others by what is in it, so that none counts twice.
type Source struct {
	First   time.Time `json:"first"` // of its packets
	Last    time.Time `json:"last"`
	Packets uint64    `json:"packets"`
}

// Proof is how often, and when, what an entry allows was seen.
type Proof struct {
	Entry     string       `json:"entry"` // the name of the ACE, in each list that has it
	Flows     uint64       `json:"flows"`
	Packets   uint64       `json:"packets"`
	Answered  uint64       `json:"answered"`
	First     time.Time    `json:"first"`
	Last      time.Time    `json:"last"`
	Days      []string     `json:"days"`
	Addresses []netip.Addr `json:"addresses"` // some of the peer’s
}

// Record is an item with its count.
type Record struct {
	item
	count
}

func (e *entry) proof(name string) Proof {
	return Proof{
		Entry: name, Flows: e.Flows, Packets: e.Packets, Answered: e.count.Answered, First: e.First, Last: e.Last,
		Days: e.Days, Addresses: append([]netip.Addr{}, e.Addresses...),
	}
}

func (l *Learner) records() []Record {
	list := make([]Record, 0, len(l.items))
	for _, k := range l.sorted() {
		list = append(list, Record{k, *l.items[k]})
	}
	return list
}

// MaxEvidence bounds the file of an Evidence, octets.
const MaxEvidence = 16 << 20

// ParseEvidence reads what was kept beside a learned file.
func ParseEvidence(data []byte) (*Evidence, error) {
	if len(data) > MaxEvidence {
		return nil, fmt.Errorf("read evidence: it has %d octets, at most %d are read", len(data), MaxEvidence)
	}
	e := &Evidence{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(e); err != nil {
		return nil, fmt.Errorf("read evidence: octet %d: %w", d.InputOffset(), err)
	}
	if e.Schema != Schema {
		return nil, fmt.Errorf("read evidence: its schema is %.40q, and this program knows %s", e.Schema, Schema)
	}
	if len(e.Items) > maxItems {
		return nil, fmt.Errorf("read evidence: it has %d items, at most %d are read", len(e.Items), maxItems)
	}
	for i := range e.Items {
		if !e.Items[i].possible() {
			return nil, fmt.Errorf("read evidence: item %d cannot have been seen", i)
		}
	}
	return e, nil
}

// possible reports whether a record is one that Add could have made.
func (r *Record) possible() bool {
	switch {
	case r.Flows == 0 || r.count.Answered > r.Flows || len(r.Days) > maxDays || len(r.Addresses) > maxAddresses,
		r.First.Year() < 1970 || r.Last.Year() > 9999 || r.Last.Before(r.First),
		!slices.Contains([]Scope{Internet, Local, Multicast, Broadcast}, r.Scope),
		(r.Proto == icmp || r.Proto == icmpv6) && r.Port > 255, !r.V4 && !r.V6,
		!slices.IsSortedFunc(r.count.Addresses, netip.Addr.Compare), !slices.IsSorted(r.Days),
		r.From != 0 && r.Proto != udp:
		return false
	}
	if a, err := netip.ParseAddr(r.Peer); err == nil {
		return a.Zone() == "" && a.String() == r.Peer && a.Is4() == r.V4 && a.Is6() == r.V6
	}
	return r.Peer == "" || r.Scope == Internet && hostName.MatchString(r.Peer) && len(r.Peer) <= 253
}

// hostName is a name that may stand in a MUD file (RFC 6991, domain-name).
var hostName = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$`)

// Resume goes on from what was learned before.
func (l *Learner) Resume(e *Evidence) {
	l.Lost += e.Lost
	for _, r := range e.Items {
		if l.items == nil {
			l.items = map[item]*count{}
		}
		n := l.items[r.item]
		if n == nil {
			n = &count{}
			l.items[r.item] = n
		}
		n.add(&r.count)
	}
}

// Knows reports whether a capture was learned from.
func (e *Evidence) Knows(s Source) bool {
	for _, k := range e.Sources {
		if k.First.Equal(s.First) && k.Last.Equal(s.Last) && k.Packets == s.Packets {
			return true
		}
	}
	return false
}
