package trust

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/internet"
)

// Bounds on what a server may do to us.
const (
	fetchTimeout  = 30 * time.Second
	headerTimeout = 10 * time.Second
	maxHeader     = 32 << 10
	maxAnswer     = 1 << 20 // octets of an answer in JSON
)

// What can be wrong with a registry in a way that somebody can act on.
var (
	ErrURL     = errors.New("not the address of a registry")
	ErrServer  = errors.New("answer of the registry is not good")
	ErrAway    = errors.New("the registry cannot be reached")
	ErrUnknown = errors.New("the registry does not know it")
)

// CheckURL says why a registry cannot be at a URL: it must be https, or http to an address that is allowed.
func CheckURL(text string, allow []netip.Prefix) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%w: %.200q", ErrURL, text)
	}
	if u.Scheme == "https" {
		return nil
	}
	a, err := netip.ParseAddr(u.Hostname())
	if u.Scheme != "http" || err != nil || !slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return fmt.Errorf("%w: %.200q is not https", ErrURL, text)
	}
	return nil
}

func (s *Source) connect() error {
	if err := CheckURL(s.URL, s.Allow); err != nil {
		return err
	}
	s.client = &http.Client{
		Timeout: fetchTimeout,
		Transport: &http.Transport{
			// No proxy: through one, the addresses behind it could not be judged.
			DialContext:            (&net.Dialer{Timeout: headerTimeout, ControlContext: internet.Judge(s.Allow)}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: s.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    headerTimeout,
			ResponseHeaderTimeout:  headerTimeout,
			MaxResponseHeaderBytes: maxHeader,
			MaxIdleConns:           1,
			IdleConnTimeout:        2 * time.Minute, // longer than Interval: to ask again costs no handshake
			DisableCompression:     true,            // a small answer stays small
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return nil
}

// answer is what a registry answered.
type answer struct {
	body      []byte
	tag       string
	unchanged bool
}

// get asks a registry for something. The error wraps ErrAway, ErrServer or ErrUnknown.
func (s *Source) get(ctx context.Context, path, tag string, limit int64) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(s.URL, "/")+path, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrURL, err)
	}
	r.Header.Set("User-Agent", s.Agent)
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && tag != "":
		return &answer{unchanged: true}, nil
	case resp.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("%w: %s%s", ErrUnknown, s.URL, path)
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return nil, fmt.Errorf("%w: %s answers %s", ErrAway, s.URL, resp.Status)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: %s answers %s", ErrServer, s.URL, resp.Status)
	case resp.ContentLength > limit:
		return nil, fmt.Errorf("%w: %s%s has %d octets, at most %d are read", ErrServer, s.URL, path, resp.ContentLength, limit)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%w: read answer: %w", ErrAway, err)
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("%w: %s%s has more than %d octets", ErrServer, s.URL, path, limit)
	}
	return &answer{body: body, tag: resp.Header.Get("ETag")}, nil
}

func (s *Source) getJSON(ctx context.Context, path string, v any) error {
	a, err := s.get(ctx, path, "", maxAnswer)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(a.body, v); err != nil {
		return fmt.Errorf("%w: %s%s: %w", ErrServer, s.URL, path, err)
	}
	return nil
}
