package mud

import (
	"bytes"
	"encoding/base64"
	"math"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// json is the node without spaces.
func (n *node) json() string {
	var b bytes.Buffer
	n.write(&b, "", "")
	return b.String()
}

// text reads a string of at most limit characters.
func (r *reader) text(p place, limit int) string {
	if p.kind != text {
		r.wrong(p, text)
		return ""
	}
	for _, c := range p.text {
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' || unicode.Is(unicode.Noncharacter_Code_Point, c) {
			r.bad(p, "yang.character") // RFC 7950 §9.4
			return ""
		}
	}
	if n := utf8.RuneCountInString(p.text); n > limit {
		r.bad(p, "yang.length", "n", int64(n), "limit", int64(limit))
		return ""
	}
	return p.text
}

// name reads the name of an access list or entry: 1 to 64 characters (RFC 8519 §4.1).
func (r *reader) name(p place) string {
	s := r.text(p, maxString)
	if n := utf8.RuneCountInString(s); n > 64 {
		r.tell("acl.name-length", p.path, "n", int64(n))
	}
	if s == "" && p.kind == text {
		r.bad(p, "yang.empty")
	}
	return s
}

// uri reads a URI (RFC 6991).
func (r *reader) uri(p place) string {
	s := r.text(p, maxString)
	if s == "" {
		if p.kind == text {
			r.bad(p, "yang.empty")
		}
		return ""
	}
	if u, err := url.Parse(s); err != nil || u.Scheme == "" || strings.ContainsFunc(s, notInURI) {
		r.bad(p, "yang.uri", "value", s)
		return ""
	}
	return s
}

// reference reads a URI, or one that is relative to the MUD URL (draft-ietf-iotops-mud-acceptable-urls §4).
func (r *reader) reference(p place) string {
	s := r.text(p, maxString)
	u, err := url.Parse(s)
	if err != nil || s == "" || strings.ContainsFunc(s, notInURI) {
		r.bad(p, "yang.uri", "value", s)
		return ""
	}
	if u.Scheme == "" {
		r.tell("signature.relative", p.path, "value", s)
	}
	return s
}

func notInURI(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune("<>\"{}|\\^`", c) }

// boolean reads true or false.
func (r *reader) boolean(p place) bool {
	s := p.text
	switch {
	case p.kind == boolean:
	case p.kind == text && (s == "true" || s == "false"):
		r.tell("draft.boolean", p.path, "value", s)
	default:
		r.wrong(p, boolean)
	}
	return s == "true"
}

// empty reads YANG's leaf without a value: it is there, or it is not (RFC 7951 §6.9).
func (r *reader) empty(p place) bool {
	switch {
	case p.kind == array && len(p.members) == 1 && p.members[0].kind == null:
	case p.kind == array && len(p.members) == 0, p.kind == null, p.kind == boolean && p.text == "true":
		r.tell("draft.empty", p.path, "name", last(p.path))
	default:
		r.bad(p, "yang.empty-leaf", "name", last(p.path))
		return false
	}
	return true
}

// number reads an integer from low to high, in any spelling that means one.
func (r *reader) number(p place, low, high uint32) (uint32, bool) {
	s := p.text
	switch p.kind {
	case text:
		r.tell("draft.number", p.path, "value", s)
	case number:
	default:
		r.wrong(p, number)
		return 0, false
	}
	n, ok := integer(s)
	if !ok || n < uint64(low) || n > uint64(high) {
		r.bad(p, "yang.number", "value", s, "low", strconv.Itoa(int(low)), "high", strconv.Itoa(int(high)))
		return 0, false
	}
	return uint32(n), true
}

// integer is what a JSON number means, or a number in YANG's own spellings (RFC 7950 §9.2.1), if it is a whole one that is not negative.
func integer(s string) (uint64, bool) {
	if hex, ok := strings.CutPrefix(strings.ToLower(s), "0x"); ok {
		n, err := strconv.ParseUint(hex, 16, 32)
		return n, err == nil
	}
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		return n, true
	}
	if !strings.ContainsAny(s, ".eE-") || strings.ContainsAny(s, "_xXpPnN") {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64) // 1e3, 4.0, -0
	if err != nil || f < 0 || f > math.MaxUint32 || f != math.Trunc(f) {
		return 0, false
	}
	return uint64(f), true
}

func (r *reader) u8(p place, high uint32) *uint8 {
	n, ok := r.number(p, 0, high)
	if !ok {
		return nil
	}
	v := uint8(n)
	return &v
}

func (r *reader) u16(p place, low uint32) *uint16 {
	n, ok := r.number(p, low, math.MaxUint16)
	if !ok {
		return nil
	}
	v := uint16(n)
	return &v
}

func (r *reader) u32(p place, high uint32) *uint32 {
	n, ok := r.number(p, 0, high)
	if !ok {
		return nil
	}
	return &n
}

// time reads a date-and-time (RFC 6991 §3). Its pattern is RFC 3339's, with the time zone.
func (r *reader) time(p place) time.Time {
	if p.kind != text {
		r.wrong(p, text)
		return time.Time{}
	}
	s := p.text
	if seconds := len("2006-01-02T15:04"); len(s) > seconds+3 && s[seconds:seconds+3] == ":60" {
		s = s[:seconds] + ":59" + s[seconds+3:] // a leap second: Go has none
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil && strings.IndexByte(s, ',') < 0 && len(s) >= len("2006-01-02T15:04:05Z") && t.Year() > 0 {
		return t
	}
	if t, ok := offCalendar(s); ok {
		r.tell("time.calendar", p.path, "value", p.text, "right", t.Format(time.DateOnly))
		return t
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 0 {
			r.tell("draft.time", p.path, "value", p.text)
			return t
		}
	}
	r.bad(p, "yang.time", "value", p.text)
	return time.Time{}
}

var dateAndTime = regexp.MustCompile(`^(\d{4})-(\d{2})-(\d{2})(T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2}))$`)

// offCalendar reads what the pattern of date-and-time lets pass although no calendar has that day: a day and month that were
// swapped, or a day after the month's last.
func offCalendar(s string) (time.Time, bool) {
	m := dateAndTime.FindStringSubmatch(s)
	if m == nil || m[1] == "0000" {
		return time.Time{}, false
	}
	month, _ := strconv.Atoi(m[2])
	day, _ := strconv.Atoi(m[3])
	if month > 12 && day <= 12 {
		month, day = day, month
	}
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return time.Time{}, false
	}
	year, _ := strconv.Atoi(m[1])
	t, err := time.Parse(time.RFC3339Nano, time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)+m[4])
	return t, err == nil
}

// oneOf reads a word of an enumeration.
func (r *reader) oneOf(p place, words ...string) string {
	if p.kind != text {
		r.wrong(p, text)
		return ""
	}
	if !slices.Contains(words, p.text) {
		r.bad(p, "yang.word", "value", p.text, "words", words)
		return ""
	}
	return p.text
}

// bits reads a set of words, which YANG writes with spaces between (RFC 7951 §6.5), in the order of the model.
func (r *reader) bits(p place, words ...string) []string {
	if p.kind != text {
		r.wrong(p, text)
		return nil
	}
	given := strings.Fields(p.text)
	var set []string
	for _, w := range words {
		if slices.Contains(given, w) {
			set = append(set, w)
		}
	}
	if len(set) != len(given) || len(set) == 0 {
		r.bad(p, "yang.word", "value", p.text, "words", words)
		return nil
	}
	return set
}

// binary reads base64 (RFC 7951 §6.6).
func (r *reader) binary(p place) []byte {
	if p.kind != text {
		r.wrong(p, text)
		return nil
	}
	b, err := base64.StdEncoding.Strict().DecodeString(p.text)
	if err != nil || len(b) == 0 || len(b) > maxBinary {
		r.bad(p, "yang.binary")
		return nil
	}
	return b
}

// prefix reads an address prefix of that family. Bits below its length are cleared.
func (r *reader) prefix(p place, v6 bool) netip.Prefix {
	if p.kind != text {
		r.wrong(p, text)
		return netip.Prefix{}
	}
	family := "IPv4"
	if v6 {
		family = "IPv6"
	}
	pre, err := netip.ParsePrefix(p.text)
	if err != nil {
		a, other := netip.ParseAddr(p.text)
		if other != nil || a.Zone() != "" {
			r.bad(p, "yang.prefix", "value", p.text, "family", family)
			return netip.Prefix{}
		}
		pre = netip.PrefixFrom(a, a.BitLen())
	}
	if pre.Addr().Is4() == v6 || pre.Addr().Is4In6() {
		r.bad(p, "yang.prefix", "value", p.text, "family", family)
		return netip.Prefix{}
	}
	if err != nil {
		r.tell("draft.prefix-length", p.path, "value", p.text, "right", pre.String())
	}
	if m := pre.Masked(); m != pre {
		r.tell("acl.host-bits", p.path, "value", p.text, "right", m.String())
		pre = m
	}
	return pre
}

// mac reads an EUI-48.
func (r *reader) mac(p place) net.HardwareAddr {
	if p.kind != text {
		r.wrong(p, text)
		return nil
	}
	a, err := net.ParseMAC(p.text)
	if err != nil || len(a) != 6 || len(p.text) != 17 || p.text[2] != ':' {
		r.bad(p, "yang.mac", "value", p.text)
		return nil
	}
	return a
}

// host reads an inet:host (RFC 6991): a name or an address. A port may follow where the RFC speaks of an authority.
// The names of some files begin with "*.", which is no host but is understood by all.
func (r *reader) host(p place, port bool) string {
	s := r.text(p, maxString)
	if p.kind != text {
		return ""
	}
	host := strings.TrimSuffix(strings.ToLower(s), ".")
	name := host
	if port {
		if before, after, ok := strings.Cut(name, ":"); ok && !strings.Contains(after, ":") {
			if n, err := strconv.ParseUint(after, 10, 16); err == nil && n > 0 {
				name = before
			}
		}
	}
	if wild, ok := strings.CutPrefix(name, "*."); ok {
		r.tell("dns.wildcard", p.path, "value", s)
		name = wild
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return host
	}
	if !domain(name) {
		r.bad(p, "yang.host", "value", s)
		return ""
	}
	return host
}

// domain reports whether s is a domain name, in lower case: letters, digits, hyphens, and the underlines that are in use.
func domain(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range label {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// identity reads the name of a YANG identity, without its module's name.
func (r *reader) identity(p place, module string) string {
	return strings.TrimPrefix(r.text(p, maxString), module+":")
}

// ethertypes are the names of RFC 8519 §4.3 for what is met in a home.
var ethertypes = map[string]uint16{
	"ipv4": 0x0800, "arp": 0x0806, "wlan": 0x0842, "rarp": 0x8035, "vlan": 0x8100, "ipv6": 0x86dd, "lacp": 0x8809,
	"mpls-unicast": 0x8847, "mpls-multicast": 0x8848, "pppoe-discovery": 0x8863, "pppoe-session": 0x8864,
	"eap": 0x888e, "profinet": 0x8892, "ethercat": 0x88a4, "provider-bridging": 0x88a8, "lldp": 0x88cc,
	"homeplug-av-mme": 0x88e1, "macsec": 0x88e5,
}

// ethertype reads one: a number, or a name.
func (r *reader) ethertype(p place) *uint16 {
	if p.kind != text {
		return r.u16(p, 0)
	}
	if v, ok := ethertypes[p.text]; ok {
		return &v
	}
	if n, ok := integer(p.text); ok && n <= math.MaxUint16 {
		v := uint16(n)
		r.tell("draft.ethertype", p.path, "value", p.text)
		return &v
	}
	r.bad(p, "yang.ethertype", "value", p.text)
	return nil
}
