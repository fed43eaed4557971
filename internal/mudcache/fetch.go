package mudcache

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/internet"
	"plimsoll.example/plimsoll/mud"
)

// Bounds on what a server may do to us.
const (
	MaxFile       = mud.MaxBytes
	MaxURL        = 2048 // octets
	maxRedirects  = 3
	maxHeader     = 32 << 10
	fetchTimeout  = 30 * time.Second // for one file, redirects included
	headerTimeout = 10 * time.Second
)

// What can go wrong in a way that somebody can act on.
var (
	ErrURL       = errors.New("not a URL that is fetched")
	ErrAddress   = internet.ErrAddress
	ErrRedirect  = errors.New("redirect is not followed")
	ErrServer    = errors.New("server’s answer is not a MUD file")
	ErrTooLarge  = errors.New("file is too large")
	ErrTransport = errors.New("no connection that can be trusted")
)

// faults are those of a fetch.
var faults = [...]error{ErrURL, ErrAddress, ErrRedirect, ErrServer, ErrTooLarge, ErrTransport}

// Fetcher gets files from where makers keep them. The servers are not trusted: neither to be public, nor to answer
// soon, briefly, or at all.
type Fetcher struct {
	// Roots are who may vouch for a server; nil means the system's.
	Roots *x509.CertPool
	// Allow are addresses that may be connected to although they are not on the Internet, such as a lab's.
	Allow []netip.Prefix
	// Now and Floor tell a wrong clock, by which certificates cannot be judged: see mud.Trust. A nil Now is time.Now.
	Now   func() time.Time
	Floor time.Time
	// Agent is what we call ourselves to servers.
	Agent string
}

// answer is one file as a server gave it.
type answer struct {
	Body         []byte
	NotModified  bool
	ETag         string
	LastModified string
	MaxAge       time.Duration
	Notes        []string // in what the server departs from RFC 8520, harmlessly
}

// get fetches one file. Its errors wrap those above, or mud.ErrClock.
func (f *Fetcher) get(ctx context.Context, link string, limit int64, types []string, etag, modified string) (*answer, error) {
	u, err := parseURL(link)
	if err != nil {
		return nil, fmt.Errorf("fetch %.200q: %w", link, err)
	}
	if f.now().Before(f.Floor) {
		return nil, fmt.Errorf("fetch %s: %w: it says %s, when certificates cannot be judged", u, mud.ErrClock, f.now().UTC().Format(time.DateOnly))
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	a, err := f.do(ctx, u, limit, types, etag, modified)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", u, err)
	}
	return a, nil
}

func (f *Fetcher) now() time.Time {
	if f.Now == nil {
		return time.Now()
	}
	return f.Now()
}

// parseURL is the URL in the form under which its file is kept, if it can be a MUD URL (RFC 8520 §6). The URL of a
// signature is held to the same.
func parseURL(link string) (*url.URL, error) {
	if len(link) > MaxURL {
		return nil, fmt.Errorf("%w: it has %d octets, at most %d are taken", ErrURL, len(link), MaxURL)
	}
	u, err := mud.CheckURL(link)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrURL, err)
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

func (f *Fetcher) do(ctx context.Context, u *url.URL, limit int64, types []string, etag, modified string) (*answer, error) {
	transport := &http.Transport{
		// No proxy: through one, the addresses behind it could not be judged.
		DialContext:            (&net.Dialer{Timeout: headerTimeout, ControlContext: internet.Judge(f.Allow)}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: f.Roots, MinVersion: tls.VersionTLS12, Time: f.now},
		TLSHandshakeTimeout:    headerTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // a small answer stays small
		DisableKeepAlives:      true,
		ForceAttemptHTTP2:      true,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		switch {
		case len(via) > maxRedirects:
			return fmt.Errorf("%w: there are more than %d", ErrRedirect, maxRedirects)
		case r.URL.Scheme != "https" || !strings.EqualFold(authority(r.URL), authority(u)):
			return fmt.Errorf("%w: it leads from %s to %s://%s", ErrRedirect, u.Host, r.URL.Scheme, r.URL.Host)
		}
		return nil
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrURL, err)
	}
	r.Header.Set("Accept", strings.Join(types, ", "))
	r.Header.Set("User-Agent", f.Agent)
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	} else if modified != "" {
		r.Header.Set("If-Modified-Since", modified)
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, reason(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotModified {
		if etag+modified == "" { // it was not asked whether anything changed: there is nothing that this could confirm
			return nil, fmt.Errorf("%w: it answers %s to who has no file", ErrServer, resp.Status)
		}
		return &answer{NotModified: true, MaxAge: maxAge(resp.Header)}, nil
	}
	return read(resp, limit, types)
}

// authority is the host and port of a URL, the port written out.
func authority(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// reason says which of our errors err is, where it is none yet.
func reason(err error) error {
	for _, ours := range []error{ErrAddress, ErrRedirect} {
		if errors.Is(err, ours) {
			return err
		}
	}
	var (
		invalid *tls.CertificateVerificationError
		dns     *net.DNSError
	)
	switch {
	case errors.As(err, &invalid):
		return fmt.Errorf("%w: the server’s certificate is not good: %w", ErrTransport, invalid.Err)
	case errors.As(err, &dns):
		return fmt.Errorf("%w: find the server: %w", ErrTransport, err)
	case errors.Is(err, context.Canceled):
		return err
	}
	return fmt.Errorf("%w: %w", ErrTransport, err)
}

// lax are the media types that servers of MUD files send for want of a better one.
var lax = []string{"application/json", "text/json", "text/plain", "application/octet-stream", "binary/octet-stream", ""}

// read takes the server's answer, up to the limit.
func read(resp *http.Response, limit int64, types []string) (*answer, error) {
	a := &answer{ETag: resp.Header.Get("ETag"), LastModified: resp.Header.Get("Last-Modified"), MaxAge: maxAge(resp.Header)}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: it answers %s", ErrServer, resp.Status)
	}
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, fmt.Errorf("%w: it is encoded with %.40q, which was not asked for", ErrServer, e)
	}
	header := resp.Header.Get("Content-Type")
	kind, params, err := mime.ParseMediaType(header)
	if err != nil {
		kind = ""
	}
	switch {
	case slices.Contains(types, kind):
	case slices.Contains(lax, kind):
		a.Notes = append(a.Notes, fmt.Sprintf("the server calls it %q, not %s (RFC 8520 §16.3)", header, types[0]))
	default:
		return nil, fmt.Errorf("%w: its media type is %.80q, not %s", ErrServer, header, types[0])
	}
	if c := params["charset"]; c != "" && !strings.EqualFold(c, "utf-8") && !strings.EqualFold(c, "us-ascii") {
		return nil, fmt.Errorf("%w: its characters are %.40q, not UTF-8", ErrServer, c)
	}
	if resp.ContentLength > limit {
		return nil, fmt.Errorf("%w: it has %d octets, at most %d are read", ErrTooLarge, resp.ContentLength, limit)
	}
	if a.Body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1)); err != nil {
		return nil, fmt.Errorf("%w: read answer: %w", ErrTransport, err)
	}
	if int64(len(a.Body)) > limit {
		return nil, fmt.Errorf("%w: it has more than %d octets", ErrTooLarge, limit)
	}
	return a, nil
}

// maxAge is how long the server says that its answer stays good (RFC 9111 §5.2.2.1).
func maxAge(h http.Header) time.Duration {
	for part := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(strings.ToLower(part)), "max-age="); ok {
			if s, err := strconv.ParseUint(v, 10, 31); err == nil {
				return time.Duration(s) * time.Second
			}
		}
	}
	return 0
}
