// Package resolver answers the DNS queries of a network by asking others, and sees to it that nobody is told an address
// before the gateway lets its device go there.
//
// An answer goes out only when Commit has returned: so a device can never be faster than the rule that lets it connect
// (RFC 9726 §4). It holds for answers from the cache too. A query that the cache can answer costs no allocation and no
// parsing of the answer: it is kept as it goes out, and only its identifier, the letters of its question, its flags
// and its times to live are written anew.
package resolver

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"plimsoll.example/plimsoll/internal/internet"
)

// Config is what a resolver is told. Its functions are called by many goroutines at a time.
type Config struct {
	Listen    []netip.AddrPort // where it answers, by UDP and TCP
	Upstreams []string         // whom it asks, in this order: as 9.9.9.9, tls://NAME@ADDRESS, https://NAME@ADDRESS/PATH
	Roots     *x509.CertPool   // who vouches for encrypted upstreams; nil: those of the system
	CacheSize int              // octets of answers that are kept; 0: DefaultCacheSize
	Rate      int              // queries of one client in a second; 0: DefaultRate; below: any number
	Stale     time.Duration    // how long after its end an answer may be given while no upstream answers; 0: never

	// Inside reports whether an address is of this network. Only such clients are answered, and names of the Internet
	// must not lead to such addresses. It must not wait. This machine's loopback is always inside. Nil means the
	// addresses that homes use: RFC 1918, fc00::/7, and those of a link.
	Inside func(netip.Addr) bool
	// Private are domains whose names may lead to private addresses: a company's own, or those of services that do so
	// to give devices at home a certificate.
	Private []string
	// Local is asked for each name, in lower case and without a dot at the end, before others are. What it knows is
	// answered from here. A name of home.arpa that it does not know does not exist. Nil knows nothing.
	Local func(name string) (Host, bool)
	// Allow reports whether a client may ask for a name, in lower case and without a dot at the end. One that may not is
	// refused, and nobody is asked: so a device in quarantine has no way out through the names that it asks for. It must
	// not wait. Nil allows all.
	Allow func(client netip.Addr, name string) bool
	// Instead is the addresses that a client is told of for names that it may not ask for, where it is to be told why: those
	// of a page. With nil, or none, it is refused.
	Instead func(client netip.Addr) []netip.Addr

	// Commit is called before an answer that leads anywhere goes to a client, and returns when the client may connect
	// to what it has been told, until a.Until at least; or when ctx is done, which is within seconds. With an error the client is told that the resolver failed, and to
	// try again. It is called for each such answer, also when it comes from the cache, unless Standing says that there is
	// no need. Nil commits nothing.
	Commit func(ctx context.Context, client netip.Addr, a *Answer) error
	// Standing reports whether what Commit would do stands already. It must not wait. With it, answers from the cache go
	// out at once; nil means that it never stands.
	Standing func(client netip.Addr, a *Answer) bool
	// Asked is told of each query that was answered. It must not wait. Nil is told nothing.
	Asked func(client netip.Addr, q Question)

	Log *slog.Logger // nil: none
}

// What a resolver has if it is not told.
const (
	DefaultCacheSize = 4 << 20 // octets: some ten thousand answers
	DefaultRate      = 500     // queries a second
)

// Question is what a client asked.
type Question struct {
	Name   string // in lower case, without a dot at the end
	Type   uint16 // RR type, as 1 for A
	Rcode  int    // the code of the answer
	Cached bool
}

// Answer is what a name leads to. It is not to be changed, nor kept beyond Until.
type Answer struct {
	Name      string       // that was asked for, in lower case, without a dot at the end
	Aliases   []string     // the names that it leads to, in order: by CNAME, DNAME, SVCB, HTTPS, SRV
	Addresses []netip.Addr // by A, AAAA, and the hints of SVCB and HTTPS
	Until     time.Time    // the end of the first of its records; no client is told a longer time
}

// Counters count since the start.
type Counters struct {
	Queries    atomic.Uint64 // that came
	Hits       atomic.Uint64 // that the cache could answer
	Stale      atomic.Uint64 // that were answered with something whose time was over
	Asked      atomic.Uint64 // that went to upstreams
	Malformed  atomic.Uint64
	Outside    atomic.Uint64 // from clients that are not of this network
	Limited    atomic.Uint64 // dropped, because the client asks too much
	Busy       atomic.Uint64 // dropped or failed, because too much is under way
	Disallowed atomic.Uint64 // that Allow refused
	Failed     atomic.Uint64 // that no upstream could answer
	Held       atomic.Uint64 // whose answer could not be committed
	Rebinding  atomic.Uint64 // answers that would have led into the network
	Panics     atomic.Uint64 // queries and answers that a defect of ours made us stumble over
}

// Resolver is a forwarder. Make one with New.
type Resolver struct {
	Counters Counters

	cfg       Config
	upstreams []*upstream
	special   map[string]special
	reserved  []netip.Prefix
	cache     *cache
	limits    *limits
	slots     chan struct{} // of queries that upstreams are asked
	waiting   [64]atomic.Int32
	bound     chan []netip.AddrPort

	mu      sync.Mutex
	pending map[string]*call

	group sync.WaitGroup  // of all that Run has started
	life  context.Context // of Run
}

// Bounds.
const (
	maxAsked   = 1024            // different queries that upstreams are asked at a time
	maxWaiting = 256             // queries of a client that wait at a time; a few clients share one such bound
	queryTime  = 5 * time.Second // that a client waits at most
	commitTime = 3 * time.Second // that Commit has
)

// New checks a configuration. Its error says all that is wrong with it.
func New(cfg Config) (*Resolver, error) {
	r := &Resolver{
		cfg: cfg, special: specials(), reserved: reserved(), slots: make(chan struct{}, maxAsked), pending: map[string]*call{},
		bound: make(chan []netip.AddrPort, 1),
	}
	if cfg.CacheSize <= 0 {
		r.cfg.CacheSize = DefaultCacheSize
	}
	if cfg.Log == nil {
		r.cfg.Log = slog.New(slog.DiscardHandler)
	}
	if r.cfg.Inside == nil {
		r.cfg.Inside = internet.Home
	}
	if cfg.Rate == 0 {
		r.cfg.Rate = DefaultRate
	}
	if r.cfg.Rate > 0 {
		r.limits = newLimits(r.cfg.Rate, time.Now())
	}
	r.cache = newCache(r.cfg.CacheSize)
	var errs []error
	for _, s := range cfg.Upstreams {
		u, err := newUpstream(s, cfg.Roots)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r.upstreams = append(r.upstreams, u)
	}
	if len(cfg.Upstreams) == 0 {
		errs = append(errs, errors.New("no upstream is named"))
	}
	if len(cfg.Listen) == 0 {
		errs = append(errs, errors.New("no address to listen on is named"))
	}
	r.cfg.Private = slices.Clone(cfg.Private)
	for i, d := range cfg.Private {
		if _, ok := dns.IsDomainName(d); !ok || d == "" {
			errs = append(errs, fmt.Errorf("private domain %q: not a domain name", d))
		}
		r.cfg.Private[i] = dns.CanonicalName(d)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("set up the resolver: %w", err)
	}
	return r, nil
}

// Flush forgets all answers.
func (r *Resolver) Flush() { r.cache.clear() }

// call is a question that upstreams are being asked, for all who want to know.
type call struct {
	done  chan struct{} // when closed, the rest may be read
	entry *entry
	err   error
}

var errOverload = errors.New("too many queries are under way")

// find returns the answer to a query: what is ours, what is known, or what upstreams say. Its error says why there is
// none.
func (r *Resolver) find(ctx context.Context, q *query) (e *entry, cached bool, err error) {
	now := time.Now()
	if e, err := r.ours(q, now); e != nil || err != nil {
		return e, false, err
	}
	known := r.cache.get(q.cacheKey())
	if known != nil && known.fresh(now) {
		return known, true, nil
	}
	c, err := r.begin(q, known)
	if err != nil {
		return nil, false, err
	}
	var tired <-chan time.Time
	if known.servable(now) {
		timer := time.NewTimer(staleWait)
		defer timer.Stop()
		tired = timer.C
	}
	select { // within queryTime, which bounds consult
	case <-c.done:
		return c.entry, false, c.err
	case now := <-tired:
		return known.revived(now), true, nil
	case <-ctx.Done():
		return nil, false, fmt.Errorf("wait for upstreams: %w", ctx.Err())
	}
}

// servable reports whether an answer whose time is over may be given if there is no other.
func (e *entry) servable(now time.Time) bool {
	return e != nil && now.Before(e.dead) && e.rcode != dns.RcodeServerFailure
}

// begin asks upstreams, unless they are being asked the same already.
func (r *Resolver) begin(q *query, known *entry) (*call, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.pending[string(q.cacheKey())]; c != nil {
		return c, nil
	}
	select {
	case r.slots <- struct{}{}:
	default:
		r.Counters.Busy.Add(1)
		return nil, errOverload
	}
	c := &call{done: make(chan struct{})}
	key := string(q.cacheKey())
	r.pending[key] = c
	own := *q // who asks may be gone before the answer is here
	r.group.Go(func() {
		c.err = errPanic // unless it returns
		r.guard(func() { c.entry, c.err = r.consult(&own, known) })
		r.mu.Lock()
		delete(r.pending, key)
		r.mu.Unlock()
		close(c.done)
		<-r.slots
	})
	return c, nil
}

var errPanic = errors.New("a defect of the program")

// guard does something with what strangers sent. One message that makes us stumble must not end the resolution of names.
func (r *Resolver) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			r.Counters.Panics.Add(1)
			r.cfg.Log.Error("a DNS message revealed a defect of the program", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	f()
}

// persist does something until it returns: where a message makes it stumble, it goes on with the next.
func (r *Resolver) persist(f func() error) (err error) {
	for returned := false; !returned; {
		r.guard(func() { err = f(); returned = true })
	}
	return err
}

// consult asks upstreams, and remembers what they say, or that they say nothing.
func (r *Resolver) consult(q *query, known *entry) (*entry, error) {
	ctx, cancel := context.WithTimeout(r.life, queryTime)
	defer cancel()
	m, from, err := r.askAny(ctx, q)
	now := time.Now()
	var e *entry
	if err == nil {
		e, err = r.digest(q, m, from.secure, now)
	}
	switch {
	case err == nil:
		if e.fresh(now) {
			r.cache.put(q.cacheKey(), e)
		}
		return e, nil
	case r.life.Err() != nil:
		return nil, err
	case known.servable(now):
		e = known.revived(now)
		r.cache.put(q.cacheKey(), e)
		return e, nil
	}
	// RFC 9520: who does not know does not ask all the time.
	if e, packErr := newEntry(q, dns.RcodeServerFailure, nil, nil, now, failureTTL); packErr == nil {
		r.cache.put(q.cacheKey(), e)
	}
	return nil, err
}

// quick answers from memory what can be answered at once. It appends to dst, and returns the entry that it used, or nil.
func (r *Resolver) quick(dst, msg []byte, q *query, client netip.Addr, now time.Time, limit int) ([]byte, *entry) {
	e := r.cache.get(q.cacheKey())
	if e == nil || !e.fresh(now) || r.cfg.Allow != nil && !r.cfg.Allow(client, e.answer.Name) {
		return dst, nil
	}
	if e.leads() && r.cfg.Commit != nil && (r.cfg.Standing == nil || !r.cfg.Standing(client, &e.answer)) {
		return dst, nil
	}
	r.count(e)
	return e.append(dst, msg, q, now, limit), e
}

func (r *Resolver) count(e *entry) {
	r.Counters.Hits.Add(1)
	if e.ede == edeStale {
		r.Counters.Stale.Add(1)
	}
}

// thorough answers a query, however long it takes. It is told to whom only when what it leads to is committed.
func (r *Resolver) thorough(ctx context.Context, msg []byte, q *query, client netip.Addr, limit int) (out []byte, asked Question) {
	out = q.refusal(nil, msg, dns.RcodeServerFailure, noEDE)
	asked.Rcode = dns.RcodeServerFailure
	r.guard(func() { out, asked = r.answer(ctx, msg, q, client, limit) })
	return out, asked
}

func (r *Resolver) answer(ctx context.Context, msg []byte, q *query, client netip.Addr, limit int) ([]byte, Question) {
	asked := Question{Name: plain(q.name()), Type: q.qtype}
	fail := func(rcode, ede int) ([]byte, Question) {
		asked.Rcode = rcode
		return q.refusal(nil, msg, rcode, ede), asked
	}
	if r.cfg.Allow != nil && !r.cfg.Allow(client, asked.Name) {
		r.Counters.Disallowed.Add(1)
		if e := r.instead(client, q); e != nil {
			asked.Rcode = e.rcode
			return e.append(make([]byte, 0, len(e.wire)+optSize+6), msg, q, time.Now(), limit), asked
		}
		return fail(dns.RcodeRefused, edeBlocked)
	}
	if q.qtype != dns.TypeANY && (q.qtype == 0 || q.qtype == dns.TypeOPT || 128 <= q.qtype && q.qtype < 256) {
		return fail(dns.RcodeNotImplemented, noEDE) // transfers and other questions that are none
	}
	e, cached, err := r.find(ctx, q)
	if err != nil {
		r.Counters.Failed.Add(1)
		r.cfg.Log.DebugContext(ctx, "DNS query failed", "type", q.qtype, "error", err)
		return fail(dns.RcodeServerFailure, noEDE)
	}
	if cached {
		r.count(e)
	}
	if err := r.commit(ctx, client, e); err != nil {
		r.Counters.Held.Add(1)
		r.cfg.Log.WarnContext(ctx, "DNS answer held back", "client", client, "error", err)
		return fail(dns.RcodeServerFailure, noEDE)
	}
	asked.Rcode, asked.Cached = e.rcode, cached
	return e.append(make([]byte, 0, len(e.wire)+optSize+6), msg, q, time.Now(), limit), asked
}

// instead is the answer to a question that a client may not ask, or nil. It is over at once: soon the client may.
func (r *Resolver) instead(client netip.Addr, q *query) *entry {
	if r.cfg.Instead == nil {
		return nil
	}
	list := r.cfg.Instead(client)
	if len(list) == 0 || q.qtype != dns.TypeA && q.qtype != dns.TypeAAAA {
		return nil
	}
	e, err := Host{Addresses: list, TTL: time.Second}.entry(q, time.Now())
	if err != nil {
		return nil
	}
	return e
}

// commit returns when the client may go where an answer leads.
func (r *Resolver) commit(ctx context.Context, client netip.Addr, e *entry) error {
	if r.cfg.Commit == nil || !e.leads() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	if err := r.cfg.Commit(ctx, client, &e.answer); err != nil {
		return fmt.Errorf("commit an answer: %w", err)
	}
	return nil
}
