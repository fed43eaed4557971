package detect

import (
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/psl"
)

var tunnelThresholds = []Threshold{
	{"dns.tunnel.names", 40, "names", "of one domain, all different, in the time below, if they are looked up as addresses; what names carry must never come again, or a cache answers"},
	{"dns.tunnel.records", 16, "names", "the same, if at least half are looked up as TXT, NULL and the like, which programs seldom want and tunnels prefer"},
	{"dns.tunnel.length", 24, "octets", "of a name before its domain, on average: a label of words is shorter, 20 octets and more are what a tunnel is worth its while for"},
	{"dns.tunnel.octets", 1000, "octets", "that the names carry together"},
	{"dns.tunnel.span", 1200, "seconds", "after which counting begins anew"},
}

// dnsTunnel finds names that carry data: many of one domain, long, and all different.
type dnsTunnel struct {
	*Watch
	names, records, length, octets int
	span                           int64
	domains                        *Table[domainKey, domainUse]
	askers                         *Table[string, askers]
}

type domainKey struct {
	from   frame.MAC
	domain string
}

type domainUse struct {
	seen    distinct
	names   int
	octets  int
	odd     int // asked for as something that few programs want
	random  float64
	letters int
	first   int64
	packets [4]uint64
	record  *Record
}

// askers are who asks for names of a domain: a resolver asks for others.
type askers [4]Party

func newDNSTunnel(w *Watch) Detector {
	t := &dnsTunnel{
		Watch: w, names: int(w.Threshold("dns.tunnel.names")), records: int(w.Threshold("dns.tunnel.records")),
		length: int(w.Threshold("dns.tunnel.length")), octets: int(w.Threshold("dns.tunnel.octets")), span: w.Span("dns.tunnel.span"),
		domains: NewTable[domainKey, domainUse](1024), askers: NewTable[string, askers](256),
	}
	return Detector{Fact: t.fact, Facts: []string{"dns.query"}}
}

// carriers are domains whose owners are known to carry data in names with good intent: lists of senders of mail and of
// files, by which mail servers and virus scanners ask. Each as its owner documents it.
var carriers = []string{
	"mcafee.com", "trellix.com", "sophosxl.net", "spamhaus.org", "spamhaus.net", "spamcop.net", "sorbs.net", "surbl.org", "uribl.com", "barracudacentral.org",
	"senderbase.org", "cymru.com", "mailspike.net", "dnswl.org", "abuseat.org", "e5.sk", "eset.com", "fsapi.com", "webroot.com", "trendmicro.com",
	"kaspersky-labs.com", "avast.com", "avira.com", "bitdefender.net", "pphosted.com", "rbldns.ru", "njabl.org", "support-intelligence.net",
}

// common are the types that programs want of a name.
var common = []string{"A", "AAAA", "HTTPS", "SVCB", "PTR", "SRV", "SOA", "NS"}

// shortest is the octets of a name that is worth a look: a domain, and what it is worth the tunnel's while to put before it.
const shortest = 28

func (t *dnsTunnel) fact(f *Fact) {
	if len(f.Value) < shortest {
		return
	}
	name := strings.ToLower(string(f.Value))
	domain := t.domain(name)
	if domain == "" || slices.Contains(carriers, domain) {
		return
	}
	carried, _ := strings.CutSuffix(name, domain)
	if len(carried) < 4 {
		return
	}
	from := f.Sender()
	u, fresh := t.domains.Get(domainKey{from.MAC, domain})
	if fresh || f.Time-u.first > t.span && u.record == nil {
		*u = domainUse{first: f.Time}
	}
	if !u.seen.add(carried) && u.record == nil {
		return
	}
	if u.names < len(u.packets) {
		u.packets[u.names] = f.Number
	}
	u.names++
	u.octets += len(carried) - 1
	if !slices.Contains(common, string(f.Lookup("type"))) {
		u.odd++
	}
	sum, n := chance(carried)
	u.random += sum
	u.letters += n
	if u.record != nil {
		u.record.Add(1, f.Time)
		u.record.Set("count", u.record.Count)
		return
	}
	odd := 2*u.odd >= u.names
	least := t.names
	if odd {
		least = t.records
	}
	long := u.octets >= t.length*u.names || odd && 2*u.octets >= t.length*u.names && u.names >= 4*least
	if u.names < least || u.octets < t.octets || !long || u.letters == 0 || u.random > 0 {
		return
	}
	sure, severity := 0.8, finding.High
	if !odd {
		sure, severity = 0.6, finding.Medium
		if u.octets >= 2*t.length*u.names { // more than content networks and telemetry put there
			sure, severity = 0.8, finding.High
		}
	}
	proof := f.Evidence("names that differ, all of " + text([]byte(domain)))
	proof.Packets = append(u.packets[:len(u.packets):len(u.packets)], f.Number)
	t.note(domain, from)
	u.record = t.Raise(Sighting{
		Kind: finding.DNSTunnel, Actor: from, Key: domain, Severity: severity, Confidence: sure, Count: uint64(u.names), First: u.first, Time: f.Time, Evidence: proof,
		Details: []finding.Detail{{Key: "domain", Value: text([]byte(domain))}, {Key: "count", Value: uint64(u.names)}},
		Holds:   t.holds(domain, from),
	})
}

// domain is the registrable domain of a name, where others can be asked about it; "" for what stays at home.
func (t *dnsTunnel) domain(name string) string {
	if len(name) > 0 && strings.IndexByte(name, 0) >= 0 || strings.HasSuffix(name, ".arpa") || strings.HasSuffix(name, ".local") {
		return ""
	}
	first, _, _ := strings.Cut(name, ".")
	if top := name[strings.LastIndexByte(name, '.')+1:]; len(top) > maxTop || strings.ContainsAny(top, "0123456789") && !strings.HasPrefix(top, "xn--") {
		return first // no domain of the Internet: data for a server that is asked itself
	}
	return psl.Domain(name)
}

// maxTop is the octets of the longest top-level domain, and some.
const maxTop = 30

func (t *dnsTunnel) note(domain string, p Party) {
	list, _ := t.askers.Get(domain)
	for i := range list {
		if list[i] == p {
			return
		}
		if list[i].IsZero() {
			list[i] = p
			return
		}
	}
}

// holds is false for a resolver that asks what a device of the network had asked it for.
func (t *dnsTunnel) holds(domain string, p Party) func(*View) bool {
	return func(v *View) bool {
		d := v.Owner(p)
		if d == nil || !d.Resolver {
			return true
		}
		list := t.askers.Look(domain)
		return list == nil || !slices.ContainsFunc(list[:], func(q Party) bool {
			o := v.Owner(q)
			return o != nil && o != d && !o.Resolver
		})
	}
}
