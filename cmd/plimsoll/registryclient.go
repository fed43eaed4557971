//go:build !gateway

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"plimsoll.example/plimsoll/internal/web/public"
)

// registryClient speaks to a registry.
type registryClient struct {
	base   string
	client *http.Client
}

// maxAnswer bounds what a registry answers, octets.
const maxAnswer = 16 << 20

// newRegistryClient is one for the registry at a URL: https, or http on this machine.
func newRegistryClient(at string) (*registryClient, error) {
	u, err := url.Parse(at)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, wrongUsage("error.registry.url", "url", at)
	}
	a, err := netip.ParseAddr(u.Hostname())
	here := u.Hostname() == "localhost" || err == nil && a.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !here) {
		return nil, wrongUsage("error.registry.url", "url", at)
	}
	return &registryClient{strings.TrimSuffix(at, "/"), logClient()}, nil
}

// do sends a request and reads the answer. Problems are faults.
func (c *registryClient) do(ctx context.Context, method, path string, body any, header map[string]string) ([]byte, error) {
	var in io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		in = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, in)
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	a, err := c.client.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &fault{key: "error.registry.unreached", args: []any{"url", c.base, "cause", err.Error()}}
	}
	defer a.Body.Close()
	data, err := readAll(a.Body, maxAnswer, &fault{key: "error.large", args: []any{"name", c.base + path, "limit", uint64(maxAnswer)}})
	if err != nil {
		return nil, err
	}
	if a.StatusCode < 300 {
		return data, nil
	}
	var p public.Problem
	if json.Unmarshal(data, &p) != nil || p.Detail == "" {
		p.Detail = a.Status
	}
	var cause error
	switch a.StatusCode {
	case http.StatusNotFound:
		cause = fs.ErrNotExist
	case http.StatusForbidden:
		cause = fs.ErrPermission
	}
	return nil, &fault{cause, "error.registry.refused", []any{"url", c.base, "cause", p.Detail}}
}
