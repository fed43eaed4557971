package lab

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/lab/wire"
)

// Service is something that a device offers by DNS-SD (RFC 6763).
type Service struct {
	Type     string // "_hap._tcp"
	Instance string
	Port     uint16
	TXT      []string
}

var (
	mdns4  = netip.MustParseAddrPort("224.0.0.251:5353")
	mdns6  = netip.MustParseAddrPort("[ff02::fb]:5353")
	llmnr4 = netip.MustParseAddrPort("224.0.0.252:5355")
)

// Announce joins the group of mDNS, probes for the host name, and tells all services twice (RFC 6762, Section 8).
func (a *Actor) Announce() {
	a.join(mdns4.Addr())
	host := a.Host + ".local"
	probe := message{question: host, qtype: 255, qclass: 0x8001}
	probe.authority = a.addresses(1)
	a.multicast(probe.pack())
	a.Wait(250 * time.Millisecond)
	for range 2 {
		m := message{flags: 0x8400, answers: a.records(nil)}
		a.multicast(m.pack())
		a.Wait(time.Second)
	}
	a.called(host)
}

// Farewell tells that the services go away.
func (a *Actor) Farewell() {
	m := message{flags: 0x8400, answers: a.records(nil)}
	for i := range m.answers {
		m.answers[i].ttl = 0
	}
	a.multicast(m.pack())
}

// Browse asks who offers services of some types; those who do answer.
func (a *Actor) Browse(types ...string) {
	m := message{}
	for _, t := range types {
		m.questions = append(m.questions, rr{name: t + ".local", kind: typePTR})
	}
	a.multicast(m.pack())
	for _, b := range a.play.actors {
		if b == a || b.began > a.now || b.Host == "" || !slices.ContainsFunc(b.Services, func(s Service) bool { return slices.Contains(types, s.Type) }) {
			continue
		}
		b.at(a.now+int64(20+b.rng.IntN(100))*int64(time.Millisecond), func() {
			m := message{flags: 0x8400, answers: b.records(types)}
			b.multicast(m.pack())
		})
	}
	a.Wait(150 * time.Millisecond)
}

// at lets a do something at another time than its own.
func (a *Actor) at(t int64, do func()) {
	a.Meanwhile(func() {
		a.now = t
		do()
	})
}

// multicast sends a message to the group of mDNS, over IPv4 and, where a has it, over IPv6.
func (a *Actor) multicast(b []byte) {
	a.cast(5353, mdns4, b)
	if a.local.IsValid() {
		a.cast(5353, mdns6, b)
	}
}

// records are those of the services of some types, or of all.
func (a *Actor) records(types []string) []rr {
	var list, rest []rr
	host := a.Host + ".local"
	for _, s := range a.Services {
		if types != nil && !slices.Contains(types, s.Type) {
			continue
		}
		kind := s.Type + ".local"
		name := s.Instance + "." + kind
		var txt []byte
		for _, t := range s.TXT {
			txt = append(append(txt, byte(len(t))), t...)
		}
		if txt == nil {
			txt = []byte{0}
		}
		srv := binary.BigEndian.AppendUint16([]byte{0, 0, 0, 0}, s.Port)
		list = append(list, rr{name: kind, kind: typePTR, ttl: 4500, target: name})
		rest = append(rest,
			rr{name: name, kind: typeSRV, class: classFlush, ttl: 120, head: srv, target: host},
			rr{name: name, kind: typeTXT, class: classFlush, ttl: 4500, tail: txt})
	}
	list = append(list, rest...)
	return append(list, a.addresses(classFlush)...)
}

func (a *Actor) addresses(class uint16) []rr {
	host := a.Host + ".local"
	list := []rr{{name: host, kind: typeA, class: class, ttl: 120, tail: a.v4.AsSlice()}}
	if a.local.IsValid() {
		list = append(list, rr{name: host, kind: typeAAAA, class: class, ttl: 120, tail: a.local.AsSlice()})
	}
	return list
}

// join tells the routers that a wants what is sent to an IPv4 group (RFC 3376, Section 4.2).
func (a *Actor) join(group netip.Addr) {
	routers := netip.MustParseAddr("224.0.0.22")
	report := append([]byte{0, 0, 0, 1, 4, 0, 0, 0}, group.AsSlice()...)
	a.play.ip(a.now, &a.host, wire.Group(routers), wire.IP{Src: a.v4, Dst: routers, Proto: wire.ProtoIGMP, Hops: 1, Alert: true}, wire.ICMP(0x22, 0, report))
	a.Between(time.Millisecond, 10*time.Millisecond)
}

// LLMNR asks the link for a name of one label (RFC 4795).
func (a *Actor) LLMNR(name string) {
	m := message{id: uint16(a.rng.Uint32()), question: name, qtype: typeA}
	src := netip.AddrPortFrom(a.v4, a.newPort())
	a.play.ip(a.now, &a.host, wire.Group(llmnr4.Addr()), wire.IP{Src: a.v4, Dst: llmnr4.Addr(), Proto: wire.ProtoUDP, Hops: 1}, wire.UDP(src, llmnr4, m.pack()))
	a.Wait(100 * time.Millisecond)
}

// NBNS asks everyone for a NetBIOS name, or registers it (RFC 1002, Section 4.2).
func (a *Actor) NBNS(name string, suffix byte, register bool) {
	var padded [16]byte
	copy(padded[:], "                ")
	copy(padded[:15], name)
	padded[15] = suffix
	label := make([]byte, 0, 32)
	for _, c := range padded {
		label = append(label, 'A'+c>>4, 'A'+c&15)
	}
	m := message{id: uint16(a.rng.Uint32()), flags: 0x0110, question: string(label), qtype: 32}
	if register {
		m.flags = 0x2910
		m.extra = []rr{{name: string(label), kind: 32, ttl: 300000, tail: append([]byte{0, 0}, a.v4.AsSlice()...)}}
	}
	a.cast(137, netip.AddrPortFrom(a.broadcast(), 137), m.pack())
}
