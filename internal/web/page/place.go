package page

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// hostname is the name by which somebody asks, as names are compared.
func hostname(r *http.Request) string {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
}

// public is where others reach the site, if that is said and r came by that name. A proxy that ends TLS is seen by that
// alone: what a request says of itself is believed nowhere, for anybody can say it.
func (s *Site) public(r *http.Request) *url.URL {
	if s.Public != nil && hostname(r) == strings.ToLower(s.Public.Hostname()) {
		return s.Public
	}
	return nil
}

// secure reports whether the browser’s connection is encrypted, by us or by a proxy before us.
func (s *Site) secure(r *http.Request) bool {
	if p := s.public(r); p != nil && p.Scheme == "https" {
		return true
	}
	return r.TLS != nil
}

// Origin is where a browser sees the site (RFC 6454 §4): scheme, name and, where it is not the usual one, port.
func (s *Site) Origin(r *http.Request) string {
	u := url.URL{Scheme: "http", Host: strings.ToLower(r.Host)}
	if p := s.public(r); p != nil {
		u.Host = strings.ToLower(p.Host)
	}
	usual := ":80"
	if s.secure(r) {
		u.Scheme, usual = "https", ":443"
	}
	u.Host = strings.TrimSuffix(u.Host, usual)
	return u.String()
}

// from is where somebody asks from. Of what a proxy says only the last address counts: it added that one itself, the others
// came to it.
func (s *Site) from(r *http.Request) netip.Addr {
	if s.Forwarded && r.TLS == nil && s.public(r) != nil {
		if said := r.Header.Values("X-Forwarded-For"); len(said) > 0 {
			last := said[len(said)-1]
			a, err := netip.ParseAddr(strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:]))
			if err == nil {
				return a
			}
		}
	}
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr()
}

// keyless is why browsers allow no passkey at an origin, as the end of a key of the catalogue; "" where they do: at names
// alone, and encrypted or on this very machine (WebAuthn Level 3 §5.1.2, Secure Contexts §3.1).
func keyless(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return "name"
	}
	host := u.Hostname()
	a, err := netip.ParseAddr(host)
	switch {
	case err == nil && a.Unmap().IsLoopback():
		return "loopback"
	case err == nil:
		return "address"
	case strings.HasSuffix(host, "."):
		return "name"
	case host != "localhost" && u.Scheme != "https":
		return "open"
	}
	return ""
}
