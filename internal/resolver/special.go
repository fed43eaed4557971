package resolver

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/miekg/dns"
)

// special is a domain that is not for the world's name servers.
type special struct {
	answer func(name string, qtype uint16) (rrs []dns.RR, exists bool) // nil: no such name
	// delegated says that the parent has an entry for the domain, so that whoever checks signatures may ask for that.
	delegated bool
}

// specials are the domains that never leave the house, by name.
func specials() map[string]special {
	m := map[string]special{
		"localhost.":     {answer: loopback},                 // RFC 6761 §6.3
		"invalid.":       {},                                 // RFC 6761 §6.4
		"test.":          {},                                 // RFC 6761 §6.2
		"local.":         {},                                 // RFC 6762 §22.1: that is for multicast DNS
		"onion.":         {},                                 // RFC 7686 §2
		"alt.":           {},                                 // RFC 9476 §3
		"internal.":      {},                                 // ICANN board resolution 2024.07.29.06
		"home.arpa.":     {delegated: true},                  // RFC 8375 §4: names of this network
		"service.arpa.":  {delegated: true},                  // RFC 9665 §10.1
		"resolver.arpa.": {answer: empty, delegated: true},   // RFC 9462 §6.4: there is no encrypted twin of ours
		"ipv4only.arpa.": {answer: noNAT64, delegated: true}, // RFC 8880 §7.1
	}
	// Reverse zones of addresses that mean something else in each network: RFC 6303 §4, RFC 7793.
	zone := special{delegated: true}
	for _, name := range []string{
		"0", "10", "127", "254.169", "2.0.192", "100.51.198", "113.0.203", "255.255.255.255", "168.192",
	} {
		m[name+".in-addr.arpa."] = zone
	}
	for i := 16; i < 32; i++ {
		m[strconv.Itoa(i)+".172.in-addr.arpa."] = zone
	}
	for i := 64; i < 128; i++ {
		m[strconv.Itoa(i)+".100.in-addr.arpa."] = zone
	}
	const zeros = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	for _, name := range []string{
		"0." + zeros, "1." + zeros, "c.f.", "d.f.", "8.e.f.", "9.e.f.", "a.e.f.", "b.e.f.", "8.b.d.0.1.0.0.2.",
	} {
		m[name+"ip6.arpa."] = zone
	}
	return m
}

const specialTTL = 300

func loopback(name string, qtype uint16) ([]dns.RR, bool) {
	return addresses(name, qtype, specialTTL, []netip.Addr{netip.IPv6Loopback(), netip.AddrFrom4([4]byte{127, 0, 0, 1})}), true
}

func empty(string, uint16) ([]dns.RR, bool) { return nil, true }

func noNAT64(name string, qtype uint16) ([]dns.RR, bool) {
	if name != "ipv4only.arpa." {
		return nil, false
	}
	return addresses(name, qtype, specialTTL, []netip.Addr{
		netip.AddrFrom4([4]byte{192, 0, 0, 170}), netip.AddrFrom4([4]byte{192, 0, 0, 171}),
	}), true
}

// addresses are the records of a type that a name has.
func addresses(name string, qtype uint16, ttl uint32, list []netip.Addr) []dns.RR {
	var rrs []dns.RR
	h := dns.RR_Header{Name: name, Rrtype: qtype, Class: dns.ClassINET, Ttl: ttl}
	for _, a := range list {
		switch {
		case a.Is4() && qtype == dns.TypeA:
			rrs = append(rrs, &dns.A{Hdr: h, A: a.AsSlice()})
		case a.Is6() && qtype == dns.TypeAAAA:
			rrs = append(rrs, &dns.AAAA{Hdr: h, AAAA: a.AsSlice()})
		}
	}
	return rrs
}

// ours answers what is not to be asked elsewhere. It returns nil for the rest.
func (r *Resolver) ours(q *query, now time.Time) (*entry, error) {
	name := q.name()
	if q.qtype == dns.TypeANY { // RFC 8482 §4.2
		rr := &dns.HINFO{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeHINFO, Class: dns.ClassINET, Ttl: specialTTL}, Cpu: "RFC8482"}
		return newEntry(q, dns.RcodeSuccess, []dns.RR{rr}, nil, now, specialTTL*time.Second)
	}
	if r.cfg.Local != nil {
		if host, ok := r.cfg.Local(plain(name)); ok {
			return host.entry(q, now)
		}
	}
	for at, last := 0, false; !last; at, last = dns.NextLabel(name, at) {
		domain := name[at:]
		s, ok := r.special[domain]
		if !ok {
			continue
		}
		if s.delegated && name == domain && q.qtype == dns.TypeDS || r.isPrivate(name) && domain != "localhost." {
			return nil, nil
		}
		var rrs []dns.RR
		exists := name == domain
		if s.answer != nil {
			rrs, exists = s.answer(name, q.qtype)
		}
		return negativeOr(q, rrs, exists, domain, now)
	}
	// A name of one label is a machine's of this network, that somebody forgot to complete: none of the root's business.
	if q.labels == 1 && !r.isPrivate(name) && (q.qtype == dns.TypeA || q.qtype == dns.TypeAAAA || q.qtype == dns.TypeHTTPS) {
		return negativeOr(q, nil, false, name, now)
	}
	return nil, nil
}

// negativeOr is an answer with records, or one that says that there are none (RFC 6303 §3).
func negativeOr(q *query, rrs []dns.RR, exists bool, domain string, now time.Time) (*entry, error) {
	var e *entry
	var err error
	if len(rrs) > 0 {
		e, err = newEntry(q, dns.RcodeSuccess, rrs, nil, now, time.Duration(rrs[0].Header().Ttl)*time.Second)
	} else {
		rcode := dns.RcodeNameError
		if exists {
			rcode = dns.RcodeSuccess
		}
		soa := &dns.SOA{
			Hdr: dns.RR_Header{Name: domain, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: specialTTL},
			Ns:  domain, Mbox: "nobody.invalid.", Serial: 1, Refresh: 3600, Retry: 1200, Expire: 604800, Minttl: specialTTL,
		}
		e, err = newEntry(q, rcode, nil, []dns.RR{soa}, now, specialTTL*time.Second)
	}
	if err != nil {
		return nil, err
	}
	for _, rr := range rrs {
		switch rr := rr.(type) {
		case *dns.A:
			e.lead(rr.A)
		case *dns.AAAA:
			e.lead(rr.AAAA)
		}
	}
	return e, nil
}

func (e *entry) lead(ip []byte) {
	if a, ok := netip.AddrFromSlice(ip); ok {
		e.answer.Addresses = append(e.answer.Addresses, a)
	}
}

// Host is what this network knows of a name: addresses, or for the name of an address (in-addr.arpa, ip6.arpa) what is
// there.
type Host struct {
	Addresses []netip.Addr
	Names     []string      // for PTR, without a dot at the end
	TTL       time.Duration // at most a day; 0: five minutes
}

func (h Host) entry(q *query, now time.Time) (*entry, error) {
	ttl := uint32(specialTTL)
	if h.TTL > 0 {
		ttl = uint32(min(h.TTL, maxTTL) / time.Second)
	}
	name := q.name()
	rrs := addresses(name, q.qtype, ttl, h.Addresses)
	if q.qtype == dns.TypePTR {
		for _, n := range h.Names {
			rrs = append(rrs, &dns.PTR{
				Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: ttl}, Ptr: dns.Fqdn(n),
			})
		}
	}
	return negativeOr(q, rrs, true, name, now)
}
