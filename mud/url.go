package mud

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// MaxURLInDHCP is how many octets of a MUD URL an option of DHCPv4, or an LLDP TLV, can carry (RFC 8520 §10, §12).
const MaxURLInDHCP = 255

// CheckURL judges whether s can be a MUD URL: https, with a host, and nothing that hides where it leads (RFC 8520 §6).
// The error says in English what is wrong.
func CheckURL(s string) (*url.URL, error) {
	if strings.ContainsFunc(s, notInURI) {
		return nil, fmt.Errorf("URL %q has characters that no URL has", s)
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("URL %q cannot be read", s)
	case u.Scheme != "https":
		return nil, fmt.Errorf("URL %q is not an https URL", s)
	case u.User != nil:
		return nil, fmt.Errorf("URL %q names a user", s)
	case u.Hostname() == "":
		return nil, fmt.Errorf("URL %q has no host", s)
	}
	host := strings.ToLower(u.Hostname())
	if _, err := netip.ParseAddr(host); err != nil && !domain(strings.TrimSuffix(host, ".")) {
		return nil, fmt.Errorf("URL %q has a host that is neither a name nor an address", s)
	}
	return u, nil
}

// Authority is the part of a MUD URL that names the maker: host, or host:port where the port is not the usual one,
// in lower case (RFC 8520 §4.1). It is "" where s is no MUD URL.
func Authority(s string) string {
	u, err := CheckURL(s)
	if err != nil {
		return ""
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if p := u.Port(); p != "" && p != "443" {
		host += ":" + p
	}
	return host
}

// SignatureURL is where the signature is: mud-signature, which may be relative to the MUD URL. It is "" where the file has none.
func (f *File) SignatureURL() string {
	base, err := url.Parse(f.URL)
	if f.Signature == "" || err != nil {
		return ""
	}
	u, err := base.Parse(f.Signature)
	if err != nil {
		return ""
	}
	return u.String()
}

// URLChange is what to make of a device that tells another MUD URL than before. The words are stable.
type URLChange string

// The changes. All but SameURL and NextURL need a person's consent.
const (
	SameURL        URLChange = "same"            // it is the URL known
	NextURL        URLChange = "next"            // a later file of the same device: it may replace the one known
	InvalidURL     URLChange = "invalid"         // it is no MUD URL
	OtherAuthority URLChange = "other-authority" // it is on another host: another maker, or malware
	OtherPath      URLChange = "other-path"      // it is beside the path: it may be another product's file
	OtherSigner    URLChange = "other-signer"    // the file there is not signed by who signed the one known
	OldURL         URLChange = "old"             // the device had it before and left it: perhaps to get old rights back
)

// JudgeURL tells whether the file at next may replace the one at root: the mud-url in the file that is trusted for the device.
// It may if the two are the same up to the last slash of the path, the same entity signed both (the same subject, under the
// same pinned authority), and the device did not leave it earlier: before lists what it had.
// URLs from DHCP and LLDP can be set by malware: that is what this is for (draft-ietf-iotops-mud-acceptable-urls §4).
func JudgeURL(root, next string, before []string, sameSigner bool) URLChange {
	if root == next {
		return SameURL
	}
	a, err := CheckURL(root)
	if err != nil {
		return InvalidURL
	}
	b, err := CheckURL(next)
	switch {
	case err != nil || b.Fragment != "" || b.RawQuery != "" || b.ForceQuery || dotted(b):
		return InvalidURL
	case Authority(root) != Authority(next):
		return OtherAuthority
	case base(a) != base(b):
		return OtherPath
	case !sameSigner:
		return OtherSigner
	case slices.Contains(before, next):
		return OldURL
	}
	return NextURL
}

// base is the path up to its last slash.
func base(u *url.URL) string {
	p := cmp.Or(u.EscapedPath(), "/")
	return p[:strings.LastIndexByte(p, '/')+1]
}

// dotted reports whether a path climbs, or has a slash or dot in disguise.
func dotted(u *url.URL) bool {
	for segment := range strings.SplitSeq(u.Path, "/") { // unescaped
		if segment == "." || segment == ".." {
			return true
		}
	}
	p := strings.ToLower(u.EscapedPath())
	return strings.Contains(p, "%2f") || strings.Contains(p, "%5c")
}
