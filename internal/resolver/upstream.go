package resolver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// transport carries a query to a server and its answer back. The message's identifier is the transport's to choose.
type transport interface {
	exchange(ctx context.Context, query []byte) (reply []byte, err error)
	close()
}

// upstream is a server that we ask, and how it has been of late.
type upstream struct {
	name string
	transport
	secure bool        // nobody between us and it can lie
	old    atomic.Bool // it does not know EDNS

	mu    sync.Mutex
	fails int // in a row
	back  time.Time
	last  error
}

// newUpstream makes an upstream from one of
//
//	9.9.9.9, 9.9.9.9:53, udp://9.9.9.9       plain DNS, by UDP, and by TCP where that is needed (RFC 1035, RFC 7766)
//	tls://dns.quad9.net@9.9.9.9              DNS over TLS (RFC 7858)
//	https://dns.quad9.net@9.9.9.9/dns-query  DNS over HTTPS (RFC 8484)
//
// A server that speaks TLS is told by its name and its address: its name cannot be looked up before it is asked. The
// name may be left out where its certificate has the address.
func newUpstream(s string, roots *x509.CertPool) (*upstream, error) {
	full := s
	if !strings.Contains(s, "://") {
		if a, err := netip.ParseAddr(s); err == nil && a.Is6() {
			full = "[" + s + "]"
		}
		full = "udp://" + full
	}
	u, err := url.Parse(full)
	if err != nil {
		return nil, fmt.Errorf("upstream %q: %w", s, err)
	}
	ports := map[string]string{"udp": "53", "tls": "853", "https": "443"}
	port, ok := ports[u.Scheme]
	if !ok {
		return nil, fmt.Errorf("upstream %q: %q is not a way to ask: use udp, tls or https", s, u.Scheme)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	if _, err := netip.ParseAddr(u.Hostname()); err != nil {
		return nil, fmt.Errorf("upstream %q: needs an address, as in %s://dns.example@192.0.2.1", s, u.Scheme)
	}
	at, err := netip.ParseAddrPort("[" + u.Hostname() + "]:" + port)
	if err != nil {
		at, err = netip.ParseAddrPort(u.Hostname() + ":" + port)
	}
	if err != nil || at.Port() == 0 {
		return nil, fmt.Errorf("upstream %q: no such port", s)
	}
	if u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Path != "" || u.Scheme == "udp" && u.User != nil {
		return nil, fmt.Errorf("upstream %q: has more than an address", s)
	}
	name := at.Addr().WithZone("").String()
	if u.User != nil {
		name = u.User.Username()
	}
	conf := &tls.Config{
		ServerName: name, RootCAs: roots, MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(4),
	}
	up := &upstream{name: s, secure: u.Scheme != "udp"}
	switch u.Scheme {
	case "udp":
		up.transport = &datagram{to: at, stream: newStream(at, nil)}
	case "tls":
		up.transport = newStream(at, conf)
	case "https":
		up.transport = newHTTPS(at, name, u.EscapedPath(), conf)
	}
	return up, nil
}

// How an upstream that does not answer is left alone.
const (
	failsTillDown = 2
	firstRest     = time.Second
	longestRest   = time.Minute
)

func (u *upstream) worked() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.fails, u.back, u.last = 0, time.Time{}, nil
}

func (u *upstream) failed(now time.Time, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.last = err
	if now.Before(u.back) { // known already
		return
	}
	if u.fails++; u.fails >= failsTillDown {
		u.back = now.Add(min(firstRest<<min(u.fails-failsTillDown, 10), longestRest))
	}
}

// down reports whether it is better to ask others.
func (u *upstream) down(now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return now.Before(u.back)
}

// UpstreamState says how an upstream has been of late.
type UpstreamState struct {
	Name  string // as it was configured
	Fails int    // how often in a row it did not answer
	Last  error  // why not; nil if it did
}

// Upstreams says how the upstreams have been of late, in the order of the configuration.
func (r *Resolver) Upstreams() []UpstreamState {
	var list []UpstreamState
	for _, u := range r.upstreams {
		u.mu.Lock()
		list = append(list, UpstreamState{u.name, u.fails, u.last})
		u.mu.Unlock()
	}
	return list
}

// rejection is an answer that answers nothing.
type rejection struct {
	rcode int
	final bool // others would say the same, or should not be asked
}

func (e *rejection) Error() string { return "the upstream answers " + dns.RcodeToString[e.rcode] }

// ask asks one upstream.
func (u *upstream) ask(ctx context.Context, q *query) (*dns.Msg, error) {
	for {
		edns := !u.old.Load()
		reply, err := u.exchange(ctx, q.forward(edns, u.secure))
		if err != nil {
			return nil, err
		}
		var m dns.Msg
		if err := m.Unpack(reply); err != nil {
			return nil, fmt.Errorf("read the upstream's answer: %w", err)
		}
		switch {
		case m.Truncated:
			return nil, errors.New("the upstream's answer is cut off")
		case m.Rcode == dns.RcodeSuccess, m.Rcode == dns.RcodeNameError:
			return &m, nil
		case edns && (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented) && m.IsEdns0() == nil:
			u.old.Store(true) // RFC 6891 §7
			continue
		}
		return nil, &rejection{m.Rcode, m.Rcode == dns.RcodeServerFailure && signaturesAreWrong(&m)}
	}
}

// How long an upstream is waited for before another is asked as well. The second wait is twice the first, and so on.
const patience = 700 * time.Millisecond

type outcome struct {
	m    *dns.Msg
	from *upstream
	err  error
}

// askAny asks the upstreams in their order, those that did not answer of late last, until one answers.
func (r *Resolver) askAny(ctx context.Context, q *query) (*dns.Msg, *upstream, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	now := time.Now()
	order := slices.Clone(r.upstreams)
	slices.SortStableFunc(order, func(a, b *upstream) int {
		switch x, y := a.down(now), b.down(now); {
		case x == y:
			return 0
		case x:
			return 1
		default:
			return -1
		}
	})
	rounds := max(3, 2*len(order))
	outcomes := make(chan outcome, rounds)
	begun, running := 0, 0
	wait := patience
	timer := time.NewTimer(wait)
	defer timer.Stop()
	begin := func() {
		u := order[begun%len(order)]
		begun++
		running++
		r.Counters.Asked.Add(1)
		r.group.Go(func() { outcomes <- r.attempt(ctx, u, q) })
	}
	begin()
	var errs []error
	for running > 0 {
		select {
		case o := <-outcomes:
			running--
			if o.err == nil {
				return o.m, o.from, nil
			}
			errs = append(errs, fmt.Errorf("%s: %w", o.from.name, o.err))
			if rej := (*rejection)(nil); errors.As(o.err, &rej) && (rej.final || begun >= len(order)) {
				if rej.final || running == 0 {
					return nil, nil, errors.Join(errs...)
				}
				continue // each was asked: asking again gives the same
			}
			if begun < rounds {
				begin()
			}
		case <-timer.C:
			if begun < rounds {
				begin()
				wait *= 2
				timer.Reset(wait)
			}
		case <-ctx.Done():
			return nil, nil, errors.Join(append(errs, ctx.Err())...)
		}
	}
	return nil, nil, errors.Join(errs...)
}

// attempt asks one upstream and remembers how that went.
func (r *Resolver) attempt(ctx context.Context, u *upstream, q *query) outcome {
	start := time.Now()
	var m *dns.Msg
	err := errPanic // unless it returns
	r.guard(func() { m, err = u.ask(ctx, q) })
	now := time.Now()
	var rej *rejection
	switch {
	case err == nil || errors.As(err, &rej):
		u.worked()
	case ctx.Err() == nil || now.Sub(start) >= patience: // not one that another was merely faster than
		u.failed(now, err)
	}
	return outcome{m, u, err}
}
