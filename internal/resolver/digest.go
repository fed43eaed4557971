package resolver

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// How long answers are believed at most, and how many steps and addresses they may have.
const (
	maxTTL       = 24 * time.Hour
	maxNegative  = time.Hour        // RFC 2308 §5 allows up to three
	failureTTL   = 2 * time.Second  // RFC 9520 §3.2: at least one second
	blockedTTL   = 60 * time.Second // of what leads into the network and must not
	maxChain     = 16
	maxAddresses = 256
	edeBlocked   = 15 // RFC 8914 §4.16
)

var (
	errChain     = fmt.Errorf("a chain of more than %d names, or one that bites its tail", maxChain)
	errAddresses = fmt.Errorf("more than %d addresses", maxAddresses)
)

// digest makes an entry of what an upstream says. It keeps the records that answer the question, from name to name, and
// those that prove it, and nothing else: what an upstream adds unasked might be about names that are none of its
// business.
func (r *Resolver) digest(q *query, m *dns.Msg, believed bool, now time.Time) (*entry, error) {
	d := digester{q: q, byName: map[string][]dns.RR{}, end: q.name(), ttl: maxTTL}
	for _, rr := range m.Answer {
		h := rr.Header()
		if h.Class != dns.ClassINET {
			continue
		}
		h.Name = dns.CanonicalName(h.Name)
		d.byName[h.Name] = append(d.byName[h.Name], rr)
	}
	found, err := d.follow()
	if err != nil {
		return nil, err
	}
	cached := d.authority(m.Ns, found)
	if !found && !cached {
		d.ttl = 0 // RFC 2308 §5: without a SOA nobody knows how long
	}
	rcode := m.Rcode
	if found {
		rcode = dns.RcodeSuccess
	}
	for _, a := range d.addresses {
		if !r.mayLead(q.name(), a) {
			r.Counters.Rebinding.Add(1)
			e, err := newEntry(q, dns.RcodeSuccess, nil, nil, now, blockedTTL)
			if err != nil {
				return nil, err
			}
			e.ede = edeBlocked
			return e, nil
		}
	}
	e, err := newEntry(q, rcode, d.answer, d.ns, now, d.ttl)
	if err != nil {
		return nil, err
	}
	e.secure = believed && m.AuthenticatedData
	e.answer.Addresses, e.answer.Aliases = d.addresses, d.aliases
	e.dead = e.until.Add(r.cfg.Stale)
	return e, nil
}

// digester walks through an answer.
type digester struct {
	q         *query
	byName    map[string][]dns.RR
	end       string // where the chain of names has led to
	ttl       time.Duration
	answer    []dns.RR
	ns        []dns.RR
	addresses []netip.Addr
	aliases   []string
}

// follow keeps the records from the name that was asked for to the one that has what was asked for. It reports whether
// there is any.
func (d *digester) follow() (found bool, err error) {
	seen := map[string]bool{}
	for {
		if seen[d.end] || len(seen) > maxChain {
			return false, errChain
		}
		seen[d.end] = true
		d.keepDNAME()
		var alias *dns.CNAME
		for _, rr := range d.byName[d.end] {
			switch {
			case rr.Header().Rrtype == d.q.qtype:
				if err := d.keep(rr); err != nil {
					return false, err
				}
				found = true
			case d.q.dnssec && covers(rr, d.q.qtype):
				d.answer = append(d.answer, rr)
				d.shorten(rr)
			case rr.Header().Rrtype == dns.TypeCNAME && alias == nil:
				alias, _ = rr.(*dns.CNAME)
			}
		}
		if found || alias == nil {
			return found, nil
		}
		alias.Target = dns.CanonicalName(alias.Target)
		d.add(alias)
		for _, rr := range d.byName[d.end] {
			if d.q.dnssec && covers(rr, dns.TypeCNAME) {
				d.add(rr)
			}
		}
		d.aliases = append(d.aliases, plain(alias.Target))
		d.end = alias.Target
	}
}

// keepDNAME keeps a redirection of a whole domain above the current name, from which the CNAME that follows was made
// (RFC 6672 §3.1).
func (d *digester) keepDNAME() {
	for at, last := dns.NextLabel(d.end, 0); !last; at, last = dns.NextLabel(d.end, at) {
		for _, rr := range d.byName[d.end[at:]] {
			if t := rr.Header().Rrtype; t == dns.TypeDNAME || d.q.dnssec && covers(rr, dns.TypeDNAME) {
				d.add(rr)
			}
		}
	}
}

// keep adds a record of the kind that was asked for, and notes what it leads to.
func (d *digester) keep(rr dns.RR) error {
	switch rr := rr.(type) {
	case *dns.A:
		d.lead(rr.A)
	case *dns.AAAA:
		d.lead(rr.AAAA)
	case *dns.SVCB:
		d.service(rr)
	case *dns.HTTPS:
		d.service(&rr.SVCB)
	case *dns.SRV:
		d.aliases = append(d.aliases, plain(rr.Target))
	case *dns.CNAME:
		d.aliases = append(d.aliases, plain(rr.Target))
	case *dns.DNAME:
		d.aliases = append(d.aliases, plain(rr.Target))
	}
	if len(d.addresses) > maxAddresses || len(d.aliases) > maxAddresses {
		return errAddresses
	}
	d.add(rr)
	return nil
}

// service notes the target of a service binding and the addresses that it hints at (RFC 9460 §2.5, §7.3).
func (d *digester) service(rr *dns.SVCB) {
	if t := plain(rr.Target); t != "" && t != plain(d.end) {
		d.aliases = append(d.aliases, t)
	}
	for _, v := range rr.Value {
		switch v := v.(type) {
		case *dns.SVCBIPv4Hint:
			for _, ip := range v.Hint {
				d.lead(ip)
			}
		case *dns.SVCBIPv6Hint:
			for _, ip := range v.Hint {
				d.lead(ip)
			}
		}
	}
}

func (d *digester) lead(ip []byte) {
	if a, ok := netip.AddrFromSlice(ip); ok {
		d.addresses = append(d.addresses, a.Unmap())
	}
}

func (d *digester) add(rr dns.RR) {
	d.answer = append(d.answer, rr)
	d.shorten(rr)
}

// shorten makes the answer's time at most that of a record.
func (d *digester) shorten(rr dns.RR) {
	ttl := rr.Header().Ttl
	if ttl > 1<<31-1 { // RFC 2181 §8
		ttl = 0
	}
	d.ttl = min(d.ttl, time.Duration(ttl)*time.Second)
}

// authority keeps the SOA of an answer that there is nothing, and proofs for those who want them. It reports whether it
// is known how long that holds.
func (d *digester) authority(rrs []dns.RR, found bool) (cached bool) {
	for _, rr := range rrs {
		h := rr.Header()
		h.Name = dns.CanonicalName(h.Name)
		if h.Class != dns.ClassINET || found && !d.q.dnssec {
			continue
		}
		keep := false
		switch rr := rr.(type) {
		case *dns.SOA:
			if keep = !found && !cached && dns.IsSubDomain(h.Name, d.end); keep {
				cached = true
				d.ttl = min(d.ttl, maxNegative, time.Duration(rr.Minttl)*time.Second)
			}
		case *dns.NSEC, *dns.NSEC3:
			keep = d.q.dnssec
		case *dns.RRSIG:
			keep = d.q.dnssec && (rr.TypeCovered == dns.TypeSOA && !found || rr.TypeCovered == dns.TypeNSEC || rr.TypeCovered == dns.TypeNSEC3)
		}
		if keep {
			d.ns = append(d.ns, rr)
			d.shorten(rr)
		}
	}
	return cached
}

// covers reports whether a record is a signature over those of a type.
func covers(rr dns.RR, rrtype uint16) bool {
	sig, ok := rr.(*dns.RRSIG)
	return ok && sig.TypeCovered == rrtype
}

// signaturesAreWrong reports whether a SERVFAIL is because of DNSSEC, so that asking somebody who does not check would
// be wrong (RFC 8914 §4.2–4.13).
func signaturesAreWrong(m *dns.Msg) bool {
	opt := m.IsEdns0()
	if opt == nil {
		return false
	}
	for _, o := range opt.Option {
		if e, ok := o.(*dns.EDNS0_EDE); ok && (e.InfoCode == 1 || e.InfoCode == 2 || 5 <= e.InfoCode && e.InfoCode <= 12) {
			return true
		}
	}
	return false
}

// within reports whether a name is that of a domain or below; both in lower case with a dot at the end.
func within(name, domain string) bool {
	return dns.IsSubDomain(domain, name) // a dot may be within a label
}
