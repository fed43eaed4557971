// Package feed fetches what is published of flaws, from files, folders and servers, keeps the last good copy of each feed,
// and watches them for a registry of labels.
//
// A feed is not trusted to be there, to be whole, or to be of its format. What cannot be read, has lost a tenth of its
// records, or is older than what was there before, is refused and told, and the last good copy counts on: a feed that is
// broken or held back changes no label.
package feed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/csaf"
	"plimsoll.example/plimsoll/internal/advisory/cve"
	"plimsoll.example/plimsoll/internal/advisory/dcl"
	"plimsoll.example/plimsoll/internal/advisory/euvd"
	"plimsoll.example/plimsoll/internal/advisory/kev"
	"plimsoll.example/plimsoll/internal/advisory/openvex"
	"plimsoll.example/plimsoll/internal/advisory/osv"
	"plimsoll.example/plimsoll/internal/advisory/record"
	"plimsoll.example/plimsoll/internal/advisory/sbom"
	"plimsoll.example/plimsoll/internal/advisory/securitytxt"
	"plimsoll.example/plimsoll/internal/internet"
)

// Feed is where one is.
type Feed struct {
	// Location is a file, a folder of JSON files, a zip file of them, or a URL: https, or http on the loopback.
	Location string
	// Maker is whose feed it is. Only the feed of a maker can say in its name that a product is not affected; and only of
	// its own products.
	Maker string
}

// Parse reads LOCATION or MAKER=LOCATION.
func Parse(s string) Feed {
	if maker, location, ok := strings.Cut(s, "="); ok && maker != "" && location != "" && !strings.ContainsAny(maker, "/?:\\") {
		return Feed{Location: location, Maker: maker}
	}
	return Feed{Location: s}
}

// Check says why a location is not one that is read.
func (f Feed) Check() error {
	_, err := parseURL(f.Location)
	return err
}

// What can be wrong with a feed in a way that somebody can act on.
var (
	ErrLocation = errors.New("not a location that is read")
	ErrServer   = errors.New("server’s answer is not taken")
	ErrShrank   = errors.New("feed has lost records")
	ErrBack     = errors.New("feed is older than it was")
	ErrFuture   = errors.New("feed is of a day yet to come")
	ErrUnknown  = errors.New("format is not known")
)

// parseURL is the URL of a location; nil for a file.
func parseURL(location string) (*url.URL, error) {
	if !strings.Contains(location, "://") {
		return nil, nil
	}
	u, err := url.Parse(location)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrLocation, err)
	case u.User != nil:
		return nil, fmt.Errorf("%w: a URL with a password in it", ErrLocation)
	case u.Scheme == "https" && u.Host != "", u.Scheme == "http" && internet.Loopback(u.Hostname()):
		return u, nil
	}
	return nil, fmt.Errorf("%w: %s://%s is neither https nor http on the loopback", ErrLocation, u.Scheme, u.Host)
}

// loopbackOnly reports whether an address that is connected to is on the loopback.
func loopbackOnly(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && internet.Loopback(host)
}

type reader func(io.Reader, func(*advisory.Advisory) error) (record.Head, error)

var readers = map[advisory.Source]reader{
	advisory.CVE: cve.Read, advisory.KEV: kev.Read, advisory.EUVD: euvd.Read, advisory.OSV: osv.Read, advisory.CSAF: csaf.Read,
	advisory.OpenVEX: openvex.Read, advisory.DCL: dcl.Read, advisory.SecurityTxt: securitytxt.Read,
}

// peeked is how much of a document tells its format, octets.
const peeked = 64 << 10

// marks are what the formats of JSON are known by, the surest first.
var marks = []struct {
	source advisory.Source
	mark   *regexp.Regexp
}{
	{advisory.CVE, regexp.MustCompile(`"dataType"\s*:\s*"CVE_RECORD"`)},
	{advisory.KEV, regexp.MustCompile(`"catalogVersion"\s*:|"cveID"\s*:`)},
	{advisory.OpenVEX, regexp.MustCompile(`"@context"\s*:\s*"https://openvex\.dev/ns`)},
	{advisory.CycloneDX, regexp.MustCompile(`"bomFormat"\s*:\s*"CycloneDX"`)},
	{advisory.SPDX, regexp.MustCompile(`"spdxVersion"\s*:|"@context"\s*:\s*"https://spdx\.org/rdf/3`)},
	{advisory.CSAF, regexp.MustCompile(`"csaf_version"\s*:`)},
	{advisory.EUVD, regexp.MustCompile(`"enisaUuid"\s*:|"enisaIdProduct"\s*:|"id"\s*:\s*"EUVD-|^\s*\[\s*\]|^\s*\{\s*"items"\s*:`)},
	{advisory.DCL, regexp.MustCompile(`"complianceInfo"\s*:|"vid"\s*:\s*[0-9]`)},
	{advisory.OSV, regexp.MustCompile(`"modified"\s*:`)},
}

// Recognise tells the format of a document by how it begins.
func Recognise(head []byte) (advisory.Source, error) {
	head = bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	switch {
	case len(head) == 0:
		return "", fmt.Errorf("%w: it is empty", ErrUnknown)
	case head[0] == '<' && bytes.Contains(head, []byte("cyclonedx.org/schema/bom")):
		return advisory.CycloneDX, nil
	case bytes.HasPrefix(head, []byte("SPDXVersion:")) || bytes.Contains(head, []byte("\nSPDXVersion:")):
		return advisory.SPDX, nil
	case head[0] != '{' && head[0] != '[':
		if txt.Match(head) {
			return advisory.SecurityTxt, nil
		}
		return "", fmt.Errorf("%w: it begins %.40q", ErrUnknown, head)
	}
	for _, m := range marks {
		if m.mark.Match(head) {
			return m.source, nil
		}
	}
	return "", fmt.Errorf("%w: it is JSON, of none of the formats that are read", ErrUnknown)
}

var txt = regexp.MustCompile(`(?im)^(contact|expires|-----BEGIN PGP SIGNED MESSAGE-----)`)

// content is what a feed holds.
type content struct {
	record.Head
	Source     advisory.Source
	Advisories []*advisory.Advisory
	Bills      []*sbom.Bill
}

// take reads one document into c. keep says which advisories are kept.
func (c *content) take(f *Feed, name string, peek []byte, r io.Reader, aliases *advisory.Aliases, keep func(*advisory.Advisory) bool) error {
	source, err := Recognise(peek)
	if err != nil {
		return err
	}
	c.Source = source
	if source == advisory.CycloneDX || source == advisory.SPDX {
		b, err := sbom.Read(r)
		if err != nil {
			return err
		}
		if b.Maker == "" {
			b.Maker = f.Maker
		}
		c.Bills = append(c.Bills, b)
		c.See(record.Time(b.Created))
		return nil
	}
	head, err := readers[source](r, func(a *advisory.Advisory) error {
		a.Feed = name
		a.Voice = f.voice(a, aliases)
		if !keep(a) {
			return nil
		}
		if len(c.Advisories) >= maxKept {
			return fmt.Errorf("%w: more than %d records about products that are labelled", record.ErrLarge, maxKept)
		}
		c.Advisories = append(c.Advisories, a)
		return nil
	})
	if err != nil {
		return err
	}
	c.Records += head.Records
	c.Skipped += head.Skipped
	c.Whole = c.Whole || head.Whole
	if head.Released.After(c.Released) {
		c.Released = head.Released
	}
	return nil
}

// maxKept bounds the advisories of a feed that are kept.
const maxKept = 500_000

// voice is the maker in whose name a record counts: that of the feed, if the record does not name another.
func (f *Feed) voice(a *advisory.Advisory, aliases *advisory.Aliases) string {
	if f.Maker == "" || a.Voice != "" && !aliases.Same(a.Voice, f.Maker) {
		return ""
	}
	return f.Maker
}

// standing is what is remembered of a feed when it was good last.
type standing struct {
	Location     string    `json:"location"`
	ETag         string    `json:"etag"`
	LastModified string    `json:"last_modified"`
	SHA256       string    `json:"sha256"`
	Records      int       `json:"records"`
	Whole        bool      `json:"whole"`
	Released     time.Time `json:"released"`
}

// small is how few records a feed may have before losing some means anything.
const small = 20

// accept says whether a feed can follow what was there before.
func (s *standing) accept(c *content, now time.Time) error {
	switch {
	case c.Released.After(now.Add(48 * time.Hour)):
		return fmt.Errorf("%w: %s", ErrFuture, c.Released.Format(time.DateOnly))
	case !c.Released.IsZero() && c.Released.Before(s.Released):
		return fmt.Errorf("%w: it is of %s, and was of %s", ErrBack, c.Released.Format(time.RFC3339), s.Released.Format(time.RFC3339))
	case c.Whole && s.Records > 0 && (c.Records == 0 || s.Records >= small && c.Records < s.Records-s.Records/10):
		return fmt.Errorf("%w: it has %d, and had %d", ErrShrank, c.Records, s.Records)
	}
	return nil
}
