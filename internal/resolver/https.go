package resolver

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// https asks by DNS over HTTPS (RFC 8484), with HTTP/2 where the server has it.
type https struct {
	url       string
	client    *http.Client
	transport *http.Transport
}

func newHTTPS(to netip.AddrPort, name, path string, conf *tls.Config) *https {
	if path == "" {
		path = "/dns-query"
	}
	var d net.Dialer
	t := &http.Transport{
		// The server's address is configured, whatever its name.
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "tcp", to.String())
		},
		TLSClientConfig:        conf,
		TLSHandshakeTimeout:    dialTime,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: idleUpstream, PingTimeout: dialTime},
		DisableCompression:     true,
		IdleConnTimeout:        time.Minute,
		MaxConnsPerHost:        8,
		MaxIdleConnsPerHost:    8,
		MaxResponseHeaderBytes: 16 << 10,
	}
	host := name
	if a, err := netip.ParseAddr(name); err == nil && a.Is6() {
		host = "[" + name + "]"
	}
	return &https{
		url: "https://" + host + path, transport: t,
		client: &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

func (h *https) exchange(ctx context.Context, query []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(query)) // identifier 0: RFC 8484 §4.1
	if err != nil {
		return nil, fmt.Errorf("ask by HTTPS: %w", err)
	}
	const kind = "application/dns-message"
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Accept", kind)
	req.Header.Set("User-Agent", "") // RFC 8484 §8.2: nothing that tells homes apart
	resp, err := h.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask by HTTPS: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the upstream answers with HTTP status %d", resp.StatusCode)
	}
	if got := resp.Header.Get("Content-Type"); got != kind {
		return nil, fmt.Errorf("the upstream answers with %q, not with DNS", got)
	}
	reply, err := io.ReadAll(io.LimitReader(resp.Body, dns.MaxMsgSize+1))
	if err != nil {
		return nil, fmt.Errorf("read an answer by HTTPS: %w", err)
	}
	if len(reply) > dns.MaxMsgSize {
		return nil, errTooLong
	}
	if !answers(reply, query, false) {
		return nil, errors.New("the upstream answers another question")
	}
	return reply, nil
}

func (h *https) close() { h.transport.CloseIdleConnections() }
