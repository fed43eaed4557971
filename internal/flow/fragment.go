package flow

import (
	"math"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
)

// Bounds on datagrams that wait for their fragments (RFC 8900 §3.6 tells why there must be some).
const (
	maxDatagrams   = 32               // for each shard
	maxDatagram    = 65535            // octets of one
	maxFragments   = 128              // of one: enough for 65,535 octets at the smallest MTU of IPv4 hosts, 576
	maxWaiting     = 192 << 10        // octets of all
	fragmentExpiry = 30 * time.Second // RFC 791 §3.2 and RFC 8200 §4.5 allow up to 60
)

// Datagram is one that was sent in fragments.
type Datagram struct {
	Head    frame.Frame // of the fragment that came first
	Wire    uint32      // octets on the wire of all its fragments
	Count   uint64      // fragments
	First   int64       // capture time of the first
	Payload []byte      // what follows the IP header; valid until the next call
}

// Fragments joins the fragments of datagrams. The zero value is ready.
type Fragments struct {
	list    [maxDatagrams]assembly
	waiting int    // octets of memory that the assemblies take
	spare   []byte // of the datagram that was completed last
	Lost    uint64 // datagrams that were never complete, or whose fragments overlap
}

type assembly struct {
	src, dst frame.Addr
	id       uint32
	proto    uint8
	used     bool
	refused  bool // what more comes of it is counted, no more
	total    int  // octets, known once the last fragment came; else -1
	have     int
	parts    []part
	data     []byte
	head     Datagram
}

type part struct{ from, to int }

// Add keeps the fragment f, whose captured payload is b, and returns the datagram that it completes, if any.
// abandoned is called for one that had to make room; overlapping fragments are refused (RFC 5722).
func (fr *Fragments) Add(f *frame.Frame, b []byte, now int64, wire uint32, abandoned func(*Datagram)) *Datagram {
	a := fr.find(f, now, abandoned)
	a.head.Count++
	a.head.Wire += min(wire, math.MaxUint32-a.head.Wire)
	if a.refused {
		return nil
	}
	p := part{int(f.FragOffset), int(f.FragOffset) + len(b)}
	for _, q := range a.parts {
		if p == q && f.MoreFragments == (a.total != p.to) {
			return nil // a copy
		}
		if p.from < q.to && q.from < p.to {
			fr.refuse(a)
			return nil
		}
	}
	switch {
	case len(b) < int(f.PayloadWire), // cut by the capture
		p.to > maxDatagram,
		len(a.parts) == maxFragments,
		f.MoreFragments && len(b) == 0,
		!f.MoreFragments && (a.total >= 0 || p.to < len(a.data)), // a second end, or one within
		a.total >= 0 && p.to > a.total:
		fr.refuse(a)
		return nil
	}
	if !f.MoreFragments {
		a.total = p.to
	}
	if p.from == 0 {
		a.head.Head = *f
	}
	a.parts = append(a.parts, p)
	a.have += len(b)
	if p.to > len(a.data) {
		fr.grow(a, p.to, abandoned)
	}
	copy(a.data[p.from:], b)
	if a.have != a.total {
		return nil
	}
	a.head.Payload, fr.spare = a.data, a.data
	fr.release(a)
	a.used = false
	return &a.head
}

// find is the assembly that a fragment belongs to, which begins one where there is none.
func (fr *Fragments) find(f *frame.Frame, now int64, abandoned func(*Datagram)) *assembly {
	a := &fr.list[0] // the one to begin in: one that is free, else the oldest
	for i := range fr.list {
		x := &fr.list[i]
		if x.used && now-x.head.First > int64(fragmentExpiry) {
			fr.abandon(x, abandoned)
		}
		if x.used && x.id == f.FragID && x.proto == f.Proto && x.src == f.Src && x.dst == f.Dst {
			return x
		}
		if a.used && (!x.used || x.head.First < a.head.First) {
			a = x
		}
	}
	if a.used {
		fr.abandon(a, abandoned)
	}
	*a = assembly{
		src: f.Src, dst: f.Dst, id: f.FragID, proto: f.Proto, used: true, total: -1,
		parts: a.parts[:0], head: Datagram{Head: *f, First: now},
	}
	return a
}

// grow makes a's data n octets long. Others that wait longest are abandoned until there is room.
func (fr *Fragments) grow(a *assembly, n int, abandoned func(*Datagram)) {
	if n > cap(a.data) {
		size := min(max(n, 2*cap(a.data)), maxDatagram)
		for fr.waiting+size-cap(a.data) > maxWaiting {
			var oldest *assembly
			for i := range fr.list {
				if x := &fr.list[i]; x != a && x.used && x.data != nil && (oldest == nil || x.head.First < oldest.head.First) {
					oldest = x
				}
			}
			fr.abandon(oldest, abandoned) // there is one: a alone is far below the bound
		}
		data := fr.spare[:0]
		fr.spare = nil
		if cap(data) < size {
			data = make([]byte, 0, size)
		}
		fr.waiting += cap(data) - cap(a.data)
		a.data = append(data, a.data...)
	}
	a.data = a.data[:n]
}

func (fr *Fragments) release(a *assembly) {
	fr.waiting -= cap(a.data)
	a.data = nil
}

// refuse makes sure that a is never completed.
func (fr *Fragments) refuse(a *assembly) {
	a.refused = true
	fr.release(a)
}

// Flush abandons all that is not complete.
func (fr *Fragments) Flush(abandoned func(*Datagram)) {
	for i := range fr.list {
		if fr.list[i].used {
			fr.abandon(&fr.list[i], abandoned)
		}
	}
}

func (fr *Fragments) abandon(a *assembly, abandoned func(*Datagram)) {
	a.used = false
	fr.Lost++
	fr.release(a)
	a.head.Payload = nil
	abandoned(&a.head)
}
