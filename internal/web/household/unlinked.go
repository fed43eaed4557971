package household

import (
	"net/netip"
	"regexp"
	"strings"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/report"
)

// linked are texts that may have a link-layer address in them: an IPv6 address or one with colons, one with other marks
// between, one with none.
var linked = regexp.MustCompile(`(?i)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,}|[0-9a-f]{2}(?:[-_][0-9a-f]{2}){5}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}|[0-9a-f]{12,}`)

// Where a link-layer address stands in the place of an IP address (RFC 6666, as of conversations that are not of IP), and
// where half of one does (RFC 4291 §2.7.1).
var (
	discarded = netip.MustParsePrefix("100::/64")
	solicited = netip.MustParsePrefix("ff02::1:ff00:0/104")
)

// unlinked is a text without link-layer addresses, by which a device could be followed: of an IPv6 address that is made of
// one (RFC 4291, appendix A) its prefix is left.
func unlinked(text string) string {
	return linked.ReplaceAllStringFunc(text, func(s string) string {
		if !strings.Contains(s, ":") {
			if len(s) > 12 && !strings.ContainsAny(s, "-_.") { // a hash
				return s
			}
			return "…"
		}
		whole := s
		if strings.HasSuffix(s, ":") && !strings.HasSuffix(s, "::") { // that of a sentence
			s = s[:len(s)-1]
		}
		if _, err := frame.ParseMAC(s); err == nil {
			return "…" + whole[len(s):]
		}
		a, err := netip.ParseAddr(s)
		if err != nil {
			return whole
		}
		b, bits := a.As16(), 0
		switch {
		case solicited.Contains(a):
			bits = solicited.Bits()
		case discarded.Contains(a) || b[11] == 0xff && b[12] == 0xfe:
			bits = 64
		default:
			return whole
		}
		p, err := a.Prefix(bits)
		if err != nil {
			return whole
		}
		return p.String() + whole[len(s):]
	})
}

// outwardName is what a device is called to strangers: as the household calls it, or it calls itself, else what it is.
func outwardName(words *locale.Catalogue, d *home.Device) string {
	if d.Name != "" || len(d.Hostnames) > 0 {
		return unlinked(d.Title())
	}
	id := d.Is()
	return report.Words{Catalogue: words}.What(&id)
}
