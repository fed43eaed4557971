package mud

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Sticker is what a QR code tells of a device (RFC 9238). A sticker proves nothing: anybody can print one, and put it
// on anything.
type Sticker struct {
	Brand   string           // B000: should be mfg-name
	Product string           // B001: "" is none
	Model   string           // B002: should be model-name
	URL     string           // M180: the MUD URL, without a query
	MAC     net.HardwareAddr // M06C: EUI-48 or EUI-64; nil is none

	Dropped string   // the query that was cut from the URL, "" is none
	Skipped []string // the identifiers of records that are not known
}

// The separators of ISO/IEC 15434, and the identifiers of the reverse-logistics standard SQRL that RFC 9238 uses.
const (
	stickerStart = "[)>\x1e06\x1d12N"
	recordEnd    = "\x1f"
	formatEnd    = "\x1e"
	messageEnd   = "\x04"
	groupEnd     = "\x1c" // FS: what was said before is void

	idBrand, idProduct, idModel, idURL, idMAC = "B000", "B001", "B002", "M180", "M06C"
)

// maxSticker is in octets: the largest QR code holds 4296 characters.
const maxSticker = 4296

// Payload is the text of the QR code. It is an error where something that must be there is missing, or is not text that a QR
// code of this kind can hold.
func (s *Sticker) Payload() (string, error) {
	var errs []error
	var b strings.Builder
	b.WriteString(stickerStart)
	for _, r := range []struct{ id, name, value string }{
		{idBrand, "brand", s.Brand},
		{idProduct, "product", s.Product},
		{idModel, "model", s.Model},
		{idURL, "MUD URL", s.URL},
		{idMAC, "MAC address", strings.ToUpper(strings.ReplaceAll(s.MAC.String(), ":", ""))},
	} {
		switch {
		case r.value == "" && (r.id == idProduct || r.id == idMAC):
			continue
		case r.value == "":
			errs = append(errs, fmt.Errorf("a sticker needs a %s", r.name))
		case !printableASCII(r.value):
			errs = append(errs, fmt.Errorf("%s %q: a sticker holds ASCII letters, digits and marks alone", r.name, r.value))
		}
		b.WriteString(r.id)
		b.WriteString(r.value)
		b.WriteString(recordEnd)
	}
	if s.URL != "" {
		u, err := CheckURL(s.URL)
		switch {
		case err != nil:
			errs = append(errs, err)
		case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(s.URL, "#"):
			errs = append(errs, fmt.Errorf("MUD URL %q: readers of stickers drop a query or fragment; use a URL without", s.URL))
		}
	}
	if n := len(s.MAC); n != 0 && n != 6 && n != 8 {
		errs = append(errs, fmt.Errorf("MAC address of %d octets: a sticker holds 6 or 8", n))
	}
	b.WriteString(formatEnd)
	b.WriteString(messageEnd)
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	if b.Len() > maxSticker {
		return "", fmt.Errorf("%d characters are more than a QR code holds", b.Len())
	}
	return b.String(), nil
}

func printableASCII(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' })
}

// The reasons to refuse a sticker.
var (
	ErrNotSticker = errors.New("this is not a sticker of RFC 9238")
	ErrHostile    = errors.New("this sticker leads where no maker’s would")
)

// ParseSticker reads the text of a QR code. Records that are not known are skipped, and FS begins anew. The error wraps
// ErrNotSticker where it is no such text or lacks what it must have, and ErrHostile where the MUD URL must not be fetched:
// it is not https, names a user, has odd characters, or leads to an address or name that is not on the Internet.
func ParseSticker(text string) (*Sticker, error) {
	if len(text) > maxSticker {
		return nil, fmt.Errorf("%w: it has %d characters", ErrNotSticker, len(text))
	}
	body, ok := strings.CutPrefix(text, stickerStart)
	if !ok {
		return nil, fmt.Errorf("%w: it does not begin as one", ErrNotSticker)
	}
	body, ok = strings.CutSuffix(strings.TrimRight(body, "\r\n"), messageEnd)
	if !ok {
		return nil, fmt.Errorf("%w: its end is missing", ErrNotSticker)
	}
	body, _, ok = strings.Cut(body, formatEnd) // another format may follow
	if !ok {
		return nil, fmt.Errorf("%w: its end is missing", ErrNotSticker)
	}
	// FS before all was said voids it; after that, another device's records follow, and the first stands.
	var s *Sticker
	var err error
	for group := range strings.SplitSeq(body, groupEnd) {
		if s, err = stickerRecords(group); err == nil || errors.Is(err, ErrHostile) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

func stickerRecords(group string) (*Sticker, error) {
	s := &Sticker{}
	seen := map[string]bool{}
	for record := range strings.SplitSeq(group, recordEnd) {
		if record == "" {
			continue
		}
		// A record may say several things, joined by +. A + is in names and URLs too: only an identifier after it parts.
		for _, r := range joined(record) {
			if len(r) < 4 || !identifier(r[:4]) {
				return nil, fmt.Errorf("%w: %q is no record", ErrNotSticker, r)
			}
			id, value := r[:4], r[4:]
			if seen[id] && known(id) {
				return nil, fmt.Errorf("%w: it says %s twice", ErrNotSticker, id)
			}
			seen[id] = true
			if !printableASCII(value) {
				return nil, fmt.Errorf("%w: %s has characters that it may not", cmp.Or(hostileIf(id == idURL), ErrNotSticker), id)
			}
			if err := s.take(id, value); err != nil {
				return nil, err
			}
		}
	}
	for _, must := range []struct{ id, value string }{{idBrand, s.Brand}, {idModel, s.Model}, {idURL, s.URL}} {
		if must.value == "" {
			return nil, fmt.Errorf("%w: it lacks %s", ErrNotSticker, must.id)
		}
	}
	return s, nil
}

func hostileIf(b bool) error {
	if b {
		return ErrHostile
	}
	return nil
}

func known(id string) bool {
	switch id {
	case idBrand, idProduct, idModel, idURL, idMAC:
		return true
	}
	return false
}

// joined parts a record at each + after which one of the known identifiers stands.
func joined(record string) (parts []string) {
	from := 0
	for i := 1; i+5 <= len(record); i++ {
		if record[i] == '+' && known(record[i+1:i+5]) {
			parts = append(parts, record[from:i])
			from = i + 1
		}
	}
	return append(parts, record[from:])
}

// identifier reports whether s is a letter and three letters or digits.
func identifier(s string) bool {
	for i, c := range s {
		letter, digit := c >= 'A' && c <= 'Z', c >= '0' && c <= '9'
		if !letter && (i == 0 || !digit) {
			return false
		}
	}
	return true
}

// take keeps what a record says.
func (s *Sticker) take(id, value string) (err error) {
	switch id {
	case idBrand:
		s.Brand = value
	case idProduct:
		s.Product = value
	case idModel:
		s.Model = value
	case idURL:
		s.URL, s.Dropped, err = stickerURL(value)
	case idMAC:
		s.MAC, err = stickerMAC(value)
	default:
		s.Skipped = append(s.Skipped, id)
	}
	return err
}

// stickerMAC reads 12 or 16 hexadecimal digits, with colons, hyphens or spaces anywhere between.
func stickerMAC(value string) (net.HardwareAddr, error) {
	digits := strings.NewReplacer(":", "", "-", "", " ", "").Replace(value)
	if n := len(digits); n == 12 || n == 16 {
		var b strings.Builder
		for i := 0; i < n; i += 2 {
			if i > 0 {
				b.WriteByte(':')
			}
			b.WriteString(digits[i : i+2])
		}
		if a, err := net.ParseMAC(b.String()); err == nil {
			return a, nil
		}
	}
	return nil, fmt.Errorf("%w: %q is no MAC address", ErrNotSticker, value)
}

// stickerURL is the MUD URL without its query, if it leads to the Internet.
func stickerURL(value string) (clean, dropped string, err error) {
	u, err := CheckURL(value)
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrHostile, err)
	}
	if !public(u) {
		return "", "", fmt.Errorf("%w: %q is not on the Internet", ErrHostile, u.Hostname())
	}
	if dotted(u) {
		return "", "", fmt.Errorf("%w: the path of %q climbs", ErrHostile, value)
	}
	dropped = u.RawQuery
	if u.Fragment != "" {
		return "", "", fmt.Errorf("%w: %q has a fragment", ErrHostile, value)
	}
	u.RawQuery, u.ForceQuery = "", false
	return u.String(), dropped, nil
}

// private are the top of names that are not on the Internet (RFC 6761, RFC 6762, RFC 8375, and what routers use).
var private = []string{
	"local", "localhost", "localdomain", "lan", "home", "internal", "intranet", "corp", "private", "home.arpa", "test", "invalid",
	"onion", "alt", "in-addr.arpa", "ip6.arpa",
}

// special are the address blocks beyond those that netip knows which lead nowhere or elsewhere (RFC 6890, RFC 6598, RFC 6052).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("fec0::/10"),
}

// public reports whether a host can be a maker's server on the Internet. Names are judged by themselves: what they resolve to
// is for whoever connects.
func public(u *url.URL) bool {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		a = a.Unmap()
		for _, p := range special {
			if p.Contains(a) {
				return false
			}
		}
		return a.IsGlobalUnicast() && !a.IsPrivate() && a.Zone() == ""
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == host || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") { // 127.1, 0x7f.1: some resolvers take them for addresses
		return false
	}
	for _, p := range private {
		if host == p || strings.HasSuffix(host, "."+p) {
			return false
		}
	}
	return true
}
