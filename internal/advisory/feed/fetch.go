package feed

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Bounds on what a server may do to us.
const (
	MaxBytes      = 1 << 30 // octets of a feed
	fetchTimeout  = 2 * time.Minute
	headerTimeout = 10 * time.Second
	maxRedirects  = 3
)

// Fetcher gets feeds from servers.
type Fetcher struct {
	Roots *x509.CertPool // who may vouch for a server; nil: the system’s
	Agent string         // what we call ourselves: some servers refuse the names of libraries
	Limit int64          // octets of a feed; 0: MaxBytes
}

// busy is a server that asks to be left alone for a while.
type busy struct {
	error
	after time.Duration
}

// Unwrap is what the server answered.
func (b busy) Unwrap() error { return b.error }

// get fetches a feed into a new file in dir, unless it is as it was. The caller removes the file.
func (f *Fetcher) get(ctx context.Context, u *url.URL, dir string, last *standing) (file string, now standing, changed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	now = *last
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: headerTimeout}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: f.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    headerTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		MaxResponseHeaderBytes: 64 << 10,
		DisableKeepAlives:      true,
		ForceAttemptHTTP2:      true,
	}
	if u.Scheme == "http" {
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := (&net.Dialer{Timeout: headerTimeout}).DialContext(ctx, network, address)
			if err == nil && !loopbackOnly(c.RemoteAddr().String()) {
				return nil, errors.Join(fmt.Errorf("%w: %s leads to %s, which is not on the loopback", ErrLocation, u.Host, c.RemoteAddr()), c.Close())
			}
			return c, err
		}
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		switch {
		case len(via) > maxRedirects:
			return fmt.Errorf("%w: more than %d redirects", ErrServer, maxRedirects)
		case r.URL.Scheme != u.Scheme || u.Scheme == "http" && r.URL.Host != u.Host:
			return fmt.Errorf("%w: a redirect to %s://%s", ErrServer, r.URL.Scheme, r.URL.Host)
		}
		return nil
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", now, false, fmt.Errorf("%w: %w", ErrLocation, err)
	}
	r.Header.Set("User-Agent", f.Agent)
	r.Header.Set("Accept", "application/json, application/zip, application/octet-stream, text/plain, */*;q=0.1")
	if last.ETag != "" {
		r.Header.Set("If-None-Match", last.ETag)
	} else if last.LastModified != "" {
		r.Header.Set("If-Modified-Since", last.LastModified)
	}
	resp, err := client.Do(r)
	if err != nil {
		return "", now, false, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && last.SHA256 != "":
		return "", now, false, nil
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable:
		return "", now, false, busy{fmt.Errorf("%w: %s", ErrServer, resp.Status), retryAfter(resp.Header.Get("Retry-After"))}
	case resp.StatusCode != http.StatusOK:
		return "", now, false, fmt.Errorf("%w: it answers %s", ErrServer, resp.Status)
	}
	file, now.SHA256, err = f.save(resp, dir)
	if err != nil {
		return "", *last, false, err
	}
	now.Location, now.ETag, now.LastModified = u.String(), resp.Header.Get("ETag"), resp.Header.Get("Last-Modified")
	return file, now, now.SHA256 != last.SHA256, nil
}

// save writes the body of an answer to a file of its own.
func (f *Fetcher) save(resp *http.Response, dir string) (name, digest string, err error) {
	limit := f.Limit
	if limit == 0 {
		limit = MaxBytes
	}
	if resp.ContentLength > limit {
		return "", "", fmt.Errorf("%w: it has %d octets, at most %d are read", ErrServer, resp.ContentLength, limit)
	}
	out, err := os.CreateTemp(dir, "fetch-*.part")
	if err != nil {
		return "", "", err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, sum), io.LimitReader(resp.Body, limit+1))
	err = errors.Join(err, out.Close())
	if err == nil && n > limit {
		err = fmt.Errorf("%w: it has more than %d octets", ErrServer, limit)
	}
	if err != nil {
		return "", "", errors.Join(err, os.Remove(out.Name()))
	}
	return out.Name(), hex.EncodeToString(sum.Sum(nil)), nil
}

// retryAfter is how long a server asks to wait (RFC 9110 §10.2.3), at most an hour.
func retryAfter(s string) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 31)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, time.Hour)
}
