// Package indicator reads lists of what attackers use, in the formats in which they are published, and answers whether
// an address, a name, a URL, a client or a certificate is on one.
//
// A careless list must not raise an alarm about everybody. So these are never taken: addresses that the Internet does
// not route, networks wider than /8 or, of IPv6, /16, or such that hold a well-known resolver; names below which
// strangers register theirs, such as com or github.io, unless as a whole name with a path; the well-known names in
// known.go themselves, though a name below one of them counts for itself alone. What is not taken is counted.
package indicator

import (
	"hash/maphash"
	"net/netip"
	"strings"

	"plimsoll.example/plimsoll/internal/psl"
)

// Limit is how many entries a Set takes if not told otherwise: about 40 MiB.
const Limit = 400_000

// kind is what an entry is about.
type kind uint8

const (
	domain kind = iota + 1
	address
	url
	ja3
	certificate
)

// Set is the entries of all lists. Look-ups do not change it, and may come from several goroutines when it is loaded.
type Set struct {
	Limit int // entries at most; 0: Limit

	seed    maphash.Seed
	index   map[uint64]int32 // the first entry of a value, in list
	list    []record
	feeds   []string
	reasons []string
	known   map[string]uint32 // place of a text in reasons
	groups  []uint8           // of conditions that must hold together: how many
	bits    [2][129]bool      // lengths of the prefixes there are, of IPv4 and IPv6
}

// record is an entry in few octets. Times are seconds since the epoch; 0: not told.
type record struct {
	next        int32 // entry of the same value, +1
	group       int32 // +1
	reason      uint32
	from, until uint32 // when it is valid
	seen        uint32 // when whoever published it saw it last
	feed        uint16
	port        uint16 // of an address; 0: any
	confidence  uint8  // hundredths
	member      uint8  // of the group
	exact       bool   // of a domain: no name below it
}

// Match is an entry that was found.
type Match struct {
	Value      string  // what is on the list
	Feed       string  // the list
	Reason     string  // why, in the words of the list: the name of a malware family, mostly
	Confidence float64 // in [0,1]: what the list says, or else what its format is worth
	// Group says that the entry is one condition of several that must all hold; 0: it stands alone.
	Group, Member, Members int
}

// stale is the age from which an address counts half: addresses are given to others. abuse.ch itself drops those that
// were not seen for 30 days from its block lists.
const stale = 180 * 24 * 3600

// Len is the number of entries.
func (s *Set) Len() int { return len(s.list) }

func (s *Set) hash(k kind, value string) uint64 {
	return maphash.String(s.seed, value) ^ uint64(k)*0x9e3779b97f4a7c15
}

// add appends an entry. It reports false when the set is full.
func (s *Set) add(k kind, value string, r record) bool {
	limit := s.Limit
	if limit == 0 {
		limit = Limit
	}
	if len(s.list) >= limit {
		return false
	}
	if s.index == nil {
		s.seed, s.index = maphash.MakeSeed(), map[uint64]int32{}
	}
	h := s.hash(k, value)
	r.next = s.index[h]
	s.list = append(s.list, r)
	s.index[h] = int32(len(s.list))
	return true
}

// maxReasons bounds the different reasons.
const maxReasons = 1 << 16

// reason is the place of a text, one copy of which serves all; of no text when there are too many.
func (s *Set) reason(text string) uint32 {
	if s.known == nil {
		s.known = map[string]uint32{"": 0}
		s.reasons = []string{""}
	}
	if i, ok := s.known[text]; ok || len(s.reasons) >= maxReasons {
		return i
	}
	i := uint32(len(s.reasons))
	s.reasons = append(s.reasons, text)
	s.known[text] = i
	return i
}

// maxSame bounds how many entries of one value are looked at, the last ones first.
const maxSame = 4096

// find is the surest entry of a value that is valid at a time, capture time in ns.
func (s *Set) find(k kind, value string, at int64, fits func(*record) bool) (m Match, ok bool) {
	if s == nil || s.index == nil {
		return m, false
	}
	now := uint32(max(0, at/1e9))
	for i, n := s.index[s.hash(k, value)], 0; i > 0 && n < maxSame; n++ {
		r := &s.list[i-1]
		i = r.next
		if now < r.from || r.until > 0 && now >= r.until || fits != nil && !fits(r) {
			continue
		}
		c := float64(r.confidence) / 100
		if k == address && r.seen > 0 && int64(now)-int64(r.seen) > stale {
			c /= 2
		}
		if ok && c <= m.Confidence {
			continue
		}
		ok = true
		m = Match{Value: value, Feed: s.feeds[r.feed], Reason: s.reasons[r.reason], Confidence: c}
		if r.group > 0 {
			m.Group, m.Member, m.Members = int(r.group), int(r.member), int(s.groups[r.group-1])
		}
	}
	return m, ok
}

// maxLabels bounds how many names above a name are looked for.
const maxLabels = 16

// Domain looks for a name, or one that it is below.
func (s *Set) Domain(name string, at int64) (Match, bool) {
	if s.empty() {
		return Match{}, false
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for n, at0 := name, 0; at0 < maxLabels; at0++ {
		below := at0 > 0
		if m, ok := s.find(domain, n, at, func(r *record) bool { return !below || !r.exact }); ok {
			return m, true
		}
		_, rest, more := strings.Cut(n, ".")
		if !more {
			break
		}
		n = rest
	}
	return Match{}, false
}

// empty reports whether there is nothing to find, also for a nil set.
func (s *Set) empty() bool { return s == nil || len(s.list) == 0 }

// Address looks for an address with a port, for the longest prefix that holds it.
func (s *Set) Address(a netip.Addr, port uint16, at int64) (Match, bool) {
	if s.empty() {
		return Match{}, false
	}
	a = a.Unmap().WithZone("")
	for bits := a.BitLen(); bits >= 8; bits-- {
		if !s.bits[family(a)][bits] {
			continue
		}
		p, _ := a.Prefix(bits) // of fitting length
		if m, ok := s.find(address, p.String(), at, func(r *record) bool { return r.port == 0 || r.port == port }); ok {
			if p.IsSingleIP() {
				m.Value = a.String()
			}
			return m, true
		}
	}
	return Match{}, false
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// URL looks for what a host was asked for, by the path without query: an entry is met by its own path, and by paths
// below it where it ends with a slash. A part of a path that the dissector did not tell, written *, meets none.
func (s *Set) URL(host, path string, at int64) (Match, bool) {
	if s.empty() {
		return Match{}, false
	}
	u := strings.ToLower(host) + path
	if m, ok := s.find(url, u, at, nil); ok {
		return m, true
	}
	first := len(host)
	for range maxLabels {
		i := strings.LastIndexByte(strings.TrimSuffix(u, "/"), '/')
		if i <= first {
			break
		}
		u = u[:i+1]
		if m, ok := s.find(url, u, at, nil); ok {
			return m, true
		}
	}
	return Match{}, false
}

// JA3 looks for the fingerprint of a client, in hexadecimal.
func (s *Set) JA3(digest string, at int64) (Match, bool) {
	return s.find(ja3, strings.ToLower(digest), at, nil)
}

// Certificate looks for the SHA-1 or SHA-256 of a certificate, in hexadecimal.
func (s *Set) Certificate(digest string, at int64) (Match, bool) {
	return s.find(certificate, strings.ToLower(digest), at, nil)
}

// Skip is why an entry of a list was not taken.
type Skip string

// The reasons for not taking an entry.
const (
	Malformed   Skip = "malformed"   // it is no address, name, URL or digest
	Private     Skip = "private"     // the Internet does not route it
	WellKnown   Skip = "well-known"  // it would be met in each home
	TooWide     Skip = "too-wide"    // a network as wide, or a name below which strangers register theirs
	Unsupported Skip = "unsupported" // of a type that is not looked for
	NotMeant    Skip = "not-meant"   // revoked, deleted, or not for detection
	Full        Skip = "full"        // there are as many entries as fit
)

// addDomain takes a name.
func (s *Set) addDomain(name string, r record) Skip {
	name = strings.ToLower(strings.Trim(strings.TrimPrefix(name, "*."), "."))
	if !isName(name) {
		return Malformed
	}
	switch {
	case psl.IsSuffix(name):
		return TooWide
	case !strings.Contains(name, "."), local(name):
		return Private
	case wellKnown[name]:
		return WellKnown
	}
	r.exact = r.exact || wellKnown[psl.Domain(name)]
	if !s.add(domain, name, r) {
		return Full
	}
	return ""
}

// isName reports whether s can be a name on the Internet: letters, digits, hyphens and low lines, and a last label that
// is no number.
func isName(s string) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	label, letter := 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if label == 0 {
				return false
			}
			label, letter = 0, false
			continue
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			letter = true
		case c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
		if label++; label > 63 {
			return false
		}
	}
	return label > 0 && letter
}

// local reports whether a name means something in a home alone: RFC 6762, RFC 8375, RFC 6761, and the like.
func local(name string) bool {
	_, top, _ := strings.Cut(name[strings.LastIndexByte(name, '.'):], ".")
	return strings.HasSuffix(name, ".home.arpa") || strings.HasSuffix(name, ".in-addr.arpa") || strings.HasSuffix(name, ".ip6.arpa") ||
		localTops[top] || name == "localhost.localdomain"
}

// addPrefix takes an address or a network.
func (s *Set) addPrefix(p netip.Prefix, r record) Skip {
	a := p.Addr()
	if a.Is4In6() {
		if p.Bits() < 96 {
			return TooWide
		}
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	p = netip.PrefixFrom(p.Addr().WithZone(""), p.Bits()).Masked()
	least := 8
	if !p.Addr().Is4() {
		least = 16
	}
	if !p.IsValid() {
		return Malformed
	}
	if p.Bits() < least {
		return TooWide
	}
	for _, q := range unrouted {
		if q.Overlaps(p) {
			return Private
		}
	}
	for _, k := range knownAddresses {
		if p.Contains(k) {
			return WellKnown
		}
	}
	if !s.add(address, p.String(), r) {
		return Full
	}
	s.bits[family(p.Addr())][p.Bits()] = true
	return ""
}

// addURL takes a URL: as a host and a path. Without a path it is its host. The port stays out of it, as who looks does
// not always know it; so does the query, which is not among the facts. A host that is an address is taken for itself
// too, for half: there, everything serves who put it up.
func (s *Set) addURL(text string, r record) Skip {
	_, rest, ok := strings.Cut(text, "://")
	if !ok || len(text) > maxURL {
		return Malformed
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, query, asks := strings.Cut(rest, "?")
	host, path, _ := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	host, port := splitPort(strings.ToLower(host))
	ip, err := netip.ParseAddr(host)
	if err == nil {
		host = ip.String()
	}
	if path == "" && !asks {
		if err == nil {
			r.port = port
			return s.addPrefix(netip.PrefixFrom(ip, ip.BitLen()), r)
		}
		return s.addDomain(host, r)
	}
	if path == "" && query != "" && wellKnown[psl.Domain(host)] {
		return WellKnown
	}
	if err == nil {
		half := r
		half.confidence /= 2
		half.port = port
		if skip := s.addPrefix(netip.PrefixFrom(ip, ip.BitLen()), half); skip != "" {
			return skip
		}
	} else if !isName(host) {
		return Malformed
	} else if !strings.Contains(host, ".") || local(host) {
		return Private
	}
	if !s.add(url, host+"/"+path, r) {
		return Full
	}
	return ""
}

// maxURL bounds a URL, octets.
const maxURL = 2048

// splitPort takes the port from a host; 0: there is none.
func splitPort(host string) (string, uint16) {
	if ap, err := netip.ParseAddrPort(host); err == nil {
		return ap.Addr().String(), ap.Port()
	}
	if h, p, ok := strings.Cut(host, ":"); ok && !strings.Contains(p, ":") {
		return h, number(p)
	}
	return strings.Trim(host, "[]"), 0
}

func number(s string) uint16 {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' || n > 65535 {
			return 0
		}
		n = n*10 + int(s[i]-'0')
	}
	if n > 65535 {
		return 0
	}
	return uint16(n)
}

// addDigest takes a digest of so many octets.
func (s *Set) addDigest(k kind, digest string, r record, octets ...int) Skip {
	digest = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(digest), ":", ""))
	for i := range len(digest) {
		if c := digest[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return Malformed
		}
	}
	for _, n := range octets {
		if len(digest) == 2*n {
			if !s.add(k, digest, r) {
				return Full
			}
			return ""
		}
	}
	return Malformed
}

// addHost takes what may be an address, a network, an address with a port, or a name.
func (s *Set) addHost(text string, r record) Skip {
	text = strings.TrimSpace(text)
	if p, err := netip.ParsePrefix(text); err == nil {
		return s.addPrefix(p, r)
	}
	host, port := splitPort(text)
	if a, err := netip.ParseAddr(host); err == nil {
		if port != 0 {
			r.port = port
		}
		return s.addPrefix(netip.PrefixFrom(a.WithZone(""), a.BitLen()), r)
	}
	return s.addDomain(host, r)
}
