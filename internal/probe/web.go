package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"plimsoll.example/plimsoll/internal/assess"
)

// page is what an HTTP server answered.
type page struct {
	status int
	header http.Header
	body   []byte
	n      int // number of the exchange
}

// ask makes one request of the device. It follows no redirect, and goes nowhere but to that port of the device.
func (r *run) ask(ctx context.Context, method string, port uint16, secure bool, path, body string, header map[string]string, what string) (*page, error) {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	c, err := r.dial(ctx, "tcp", port, what)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var used atomic.Bool
	dial := func(context.Context, string, string) (net.Conn, error) {
		if used.Swap(true) {
			return nil, errors.New("one connection is enough")
		}
		return lent{c}, nil
	}
	transport := &http.Transport{
		DialContext: dial, DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 32 << 10,
		TLSClientConfig: loose(tls.VersionTLS10, tls.VersionTLS13), TLSHandshakeTimeout: r.talk, ResponseHeaderTimeout: r.talk,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport: transport, Timeout: r.talk,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	host := netip.AddrPortFrom(r.Address.WithZone(""), port).String()
	q, err := http.NewRequestWithContext(ctx, method, scheme+"://"+host+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	q.Header.Set("User-Agent", "plimsoll-probe")
	for k, v := range header {
		if strings.EqualFold(k, "SOAPAction") {
			q.Header["SOAPACTION"] = []string{v} // as UPnP devices expect it
			continue
		}
		q.Header.Set(k, v)
	}
	resp, err := client.Do(q)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxExchange))
	if err != nil && len(text) == 0 && resp.StatusCode == http.StatusOK {
		return nil, err
	}
	c.received("%d %s", resp.StatusCode, resp.Header.Get("Server"))
	return &page{resp.StatusCode, resp.Header, text, c.n}, nil
}

// configurations are where devices are known to keep what they are set to. They are read only.
var configurations = []string{"/config.json", "/api/config", "/system.ini", "/cgi-bin/config"}

// secrets are lines of a configuration that hold a secret. The secret itself is not kept.
var secrets = regexp.MustCompile(`(?i)["'<]?\b((?:wifi|wlan|admin|user|ftp|smtp|ddns)?[_-]?(?:password|passwd|pwd|psk|passphrase|wpa_?key))["']?\s*[:=>]\s*["']?[^\s"',}<]{1,}`)

// web looks at an HTTP server. It says "http", or "" if it is none.
func (r *run) web(ctx context.Context, port uint16, secure bool) string {
	from, name := r.next(), portName("tcp", port)
	p, err := r.ask(ctx, http.MethodGet, port, secure, "/", "", nil, "GET /")
	if err != nil {
		return ""
	}
	switch challenge := challengeOf(p); {
	case challenge.scheme == "basic":
		if !secure {
			r.found("login.clear", assess.Bad, name, "HTTP without TLS asks for a password by Basic", from)
		}
		r.logins(ctx, name, r.webLogin(port, secure))
	case challenge.scheme == "digest":
		if challenge.weak() {
			r.found("login.weak", assess.Bad, name, "HTTP asks for a password by Digest with MD5", from)
		}
		r.logins(ctx, name, r.webLogin(port, secure))
	}
	for _, path := range configurations {
		from := r.next()
		p, err := r.ask(ctx, http.MethodGet, port, secure, path, "", nil, "GET "+path)
		if err != nil {
			break
		}
		if m := secrets.FindSubmatch(p.body); p.status == http.StatusOK && m != nil && !strings.Contains(p.header.Get("Content-Type"), "html") {
			r.found("access.open", assess.Bad, name, path+" is given to anybody", from)
			r.found("discovery.leak", assess.Bad, name, fmt.Sprintf("%s tells a secret: %s", path, m[1]), from)
		}
	}
	return "http"
}

// webLogin tries log-ins by what the server asks for.
func (r *run) webLogin(port uint16, secure bool) login {
	return func(ctx context.Context, k Credential) (answer, error) {
		p, err := r.ask(ctx, http.MethodGet, port, secure, "/", "", nil, "ask how to log in")
		if err != nil {
			return unknown, err
		}
		if a := said(p.status); a != refused {
			return a, nil
		}
		field := challengeOf(p).answer(k, http.MethodGet, "/")
		if field == "" {
			return unknown, nil
		}
		p, err = r.ask(ctx, http.MethodGet, port, secure, "/", "", map[string]string{"Authorization": field}, "log in")
		if err != nil {
			return unknown, err
		}
		if k.User == stranger && p.status >= 300 && p.status < 400 {
			return unknown, nil // it may be sent in, or back to where one logs in
		}
		return said(p.status), nil
	}
}

// said is what a status says to a log-in (RFC 9110, Section 15).
func said(status int) answer {
	switch {
	case status == http.StatusUnauthorized:
		return refused
	case status == http.StatusTooManyRequests, status == http.StatusLocked:
		return held
	case status >= 200 && status < 400, status == http.StatusNotFound:
		return accepted
	}
	return unknown
}

// loose is a TLS client that takes any certificate, as what is looked at is the server and not whom it belongs to.
func loose(from, to uint16) *tls.Config {
	c := &tls.Config{InsecureSkipVerify: true, MinVersion: from, MaxVersion: to} //nolint:gosec // see above
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		c.CipherSuites = append(c.CipherSuites, s.ID)
	}
	c.Time = time.Now
	return c
}
