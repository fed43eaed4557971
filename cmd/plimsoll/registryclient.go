//go:build !gateway

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

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

// patience is how often a request is sent that a registry is too busy for, and asks to be sent again.
const patience = 8

// do sends a request and reads the answer; a registry that is busy, or only beginning, is asked again when it says. What
// it refuses otherwise is a fault. To send what it took already changes nothing (docs/registry.md).
func (c *registryClient) do(ctx context.Context, method, path string, body any, header map[string]string) ([]byte, error) {
	var in []byte
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		in = data
	}
	for left := patience; ; left-- {
		data, again, err := c.send(ctx, method, path, in, header)
		if again == 0 || left == 1 {
			return data, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(again):
		}
	}
}

// maxWait bounds for how long a registry may ask to be left alone.
const maxWait = 5 * time.Second

// send sends a request once. If the registry asks for it to be sent again, again is when.
func (c *registryClient) send(ctx context.Context, method, path string, body []byte, header map[string]string) (data []byte, again time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
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
			return nil, 0, ctx.Err()
		}
		return nil, 0, &fault{key: "error.registry.unreached", args: []any{"url", c.base, "cause", err.Error()}}
	}
	defer a.Body.Close()
	data, err = readAll(a.Body, maxAnswer, &fault{key: "error.large", args: []any{"name", c.base + path, "limit", uint64(maxAnswer)}})
	if err != nil {
		return nil, 0, err
	}
	if a.StatusCode < 300 {
		return data, 0, nil
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
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if s, err := strconv.Atoi(a.Header.Get("Retry-After")); err == nil && s > 0 && s <= int(maxWait/time.Second) {
			again = time.Duration(s) * time.Second
		}
	}
	return nil, again, &fault{cause, "error.registry.refused", []any{"url", c.base, "cause", p.Detail}}
}
