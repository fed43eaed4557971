package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/country"
	"plimsoll.example/plimsoll/internal/enforce"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/identify"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/mudcache"
	"plimsoll.example/plimsoll/internal/nft"
	"plimsoll.example/plimsoll/internal/notice"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/internal/resolver"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/trust"
	"plimsoll.example/plimsoll/internal/web/control"
	"plimsoll.example/plimsoll/internal/web/page"
)

// gatewayFlags is what the flags of home run say.
type gatewayFlags struct {
	env
	words         *locale.Catalogue
	lan, wan      string
	mode          home.Mode
	state, socket string
	memory        int
	rehearsal     time.Duration
	learn         time.Duration // how long a device is watched before a file for it is learned; 0: none is
	logLevel      slog.Level

	pages       pageFlags
	notices     noticeFlags
	countryFile string                                // file with the countries of addresses; "": what is there
	countries   country.Table                         // of addresses on the Internet
	metricsAt   string                                // address and port at which Prometheus asks; "" is none
	open        func() (source, error)                // what it watches
	apart       bool                                  // nothing is fetched but the word of registries, and nothing confined: a played home
	beside      func(context.Context, *gateway) error // goes on while the gateway runs; nil: nothing does

	// of MUD files
	anchors, roots string
	allow          []netip.Prefix

	// of labels
	registries, registryKeys []string
	registryInterval         time.Duration
	labelAction              home.LabelAction

	// of enforcement
	unknown   nft.Treatment // of devices that were not seen yet
	lateral   enforce.Lateral
	inbound   bool   // whoever is outside may begin conversations with devices that are not held
	dnsPort   uint16 // of the resolver; 0: none
	upstreams []string
	fallback  []netip.Addr
	pagePort  uint16 // of the page for devices in quarantine; 0: none
	contact   string // whom to call about them
	lang      locale.Lang
}

func newHomeRun(e env, words *locale.Catalogue) *cobra.Command {
	g := gatewayFlags{
		env: e, words: words, mode: home.Watch, memory: inspect.DefaultMemory, rehearsal: home.Rehearsal, learn: home.Rehearsal,
		lateral: enforce.Routed, dnsPort: 53, pagePort: 8511, lang: words.Lang(),
		registryInterval: trust.Interval, labelAction: home.Tell,
	}
	g.open = g.listen
	c := &cobra.Command{Use: "run", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		switch {
		case g.lan == "":
			return wrongUsage("error.home.lan")
		case g.mode == home.Hold && g.wan == "":
			return wrongUsage("error.home.wan")
		}
		var err error
		if g.countries, err = openCountries(g.countryFile); err != nil {
			return err
		}
		if err := g.run(c.Context()); err != nil || c.Context().Err() == nil {
			return err
		}
		return errEnded
	}}
	f := c.Flags()
	f.StringVar(&g.lan, "lan", "", "")
	f.StringVar(&g.wan, "wan", "", "")
	f.Func("mode", "", func(s string) error {
		g.mode = home.Mode(s)
		if g.mode != home.Watch && g.mode != home.Hold {
			return fs.ErrInvalid
		}
		return nil
	})
	f.StringVar(&g.state, "state", "", "")
	f.StringVar(&g.socket, "socket", "", "")
	f.Func("memory", "", func(s string) (err error) {
		g.memory, err = parseSize(s)
		return err
	})
	f.DurationVar(&g.rehearsal, "rehearsal", g.rehearsal, "")
	f.DurationVar(&g.learn, "learn", g.learn, "")
	f.StringVar(&g.anchors, "anchors", "", "")
	f.StringVar(&g.roots, "roots", "", "")
	f.Func("allow", "", func(s string) error {
		p, err := netip.ParsePrefix(s)
		g.allow = append(g.allow, p)
		return err
	})
	f.StringArrayVar(&g.registries, "registry", nil, "")
	f.StringArrayVar(&g.registryKeys, "registry-key", nil, "")
	f.Func("registry-interval", "", func(s string) (err error) {
		if g.registryInterval, err = time.ParseDuration(s); err == nil && g.registryInterval < time.Second {
			return fs.ErrInvalid
		}
		return err
	})
	f.Func("label-action", "", func(s string) error {
		if g.labelAction = home.LabelAction(s); g.labelAction != home.Tell && g.labelAction != home.CutOff {
			return fs.ErrInvalid
		}
		return nil
	})
	f.StringArrayVar(&g.upstreams, "upstream", nil, "")
	f.Func("dns-port", "", func(s string) (err error) {
		g.dnsPort, err = parsePort(s)
		return err
	})
	f.Func("page-port", "", func(s string) (err error) {
		g.pagePort, err = parsePort(s)
		return err
	})
	f.StringVar(&g.contact, "contact", "", "")
	f.Func("fallback", "", func(s string) error {
		a, err := netip.ParseAddr(s)
		g.fallback = append(g.fallback, a)
		return err
	})
	f.Func("unknown", "", func(s string) error {
		t, ok := map[string]nft.Treatment{"free": nft.Free, "apart": nft.Apart, "refused": nft.Refused}[s]
		if !ok {
			return fs.ErrInvalid
		}
		g.unknown = t
		return nil
	})
	f.Func("lateral", "", func(s string) error {
		g.lateral = enforce.Lateral(s)
		if !slices.Contains([]enforce.Lateral{enforce.Routed, enforce.Isolated, enforce.Bridged}, g.lateral) {
			return fs.ErrInvalid
		}
		return nil
	})
	f.BoolVar(&g.inbound, "inbound", false, "")
	f.TextVar(&g.logLevel, "log-level", slog.LevelInfo, "")
	f.StringVar(&g.countryFile, "countries", "", "")
	f.StringVar(&g.metricsAt, "metrics", "", "")
	g.pages.flags(f)
	g.notices.flags(f)
	return c
}

// gateway is the daemon: what it is made of, and what it counts.
type gateway struct {
	gatewayFlags
	log        *slog.Logger
	store      *sqlite.Store
	cache      *mudcache.Cache
	labels     *labels
	household  *home.Household
	engine     atomic.Pointer[inspect.Engine]
	knowledge  *identify.Knowledge
	meter      home.Meter
	reaches    home.Reaches
	enforcer   *enforce.Enforcer // nil in the mode watch
	kernel     *nft.Kernel       // nil in the mode watch
	ports      *nft.Isolation    // nil in the mode watch
	resolver   atomic.Pointer[resolver.Resolver]
	changed    chan struct{} // something did, at home
	asked      chan struct{} // a device may want a file
	changes    sync.Map      // ID of a device to mud.URLChange: why the MUD URL that it says now is not taken
	since      time.Time
	added      int                // rows of traffic since there were last seen to be too many; for keep alone
	expired    map[overLease]bool // that were told; for standing alone
	rulesOf    string             // what the rules were made of that are kept as text; for keep alone
	door       *auth.Door
	news       page.Events
	told       uint64   // what pages were last told that there is, as a digest; looked at where packets are read alone
	statements sync.Map // *label.Statement by the digest of its file
	post       *notice.Post
	served     atomic.Pointer[netip.AddrPort] // where the pages are

	asks  chan func() // to be done between two blocks of packets, where the engine can be looked into
	names sync.Map    // frame.MAC to the ID of a device, or of its part: who is asked for each flow
	flows atomic.Uint64

	clockSet atomic.Uint64 // how often the clock was set

	// what only the goroutine uses that reads packets
	looked  time.Time
	joined  bool                      // a device said another MUD URL than before
	written time.Time                 // when conversations were last handed over to be kept
	urls    map[frame.MAC]home.MUDURL // that were said last
	asker   frame.MAC                 // who sent the DHCP message under way,
	address netip.Addr                // from which address

	mu     sync.Mutex
	leases []leased            // that were heard of, and not taken in yet
	unkept []policy.Remembered // conversations that changed, and were not kept yet

	troubles troubles
}

func (g gatewayFlags) run(ctx context.Context) error {
	log := slog.New(slog.NewTextHandler(g.err, &slog.HandlerOptions{Level: g.logLevel}))
	dir := stateDir(g.state, g.getenv)
	unlock, err := lockState(dir)
	if err != nil {
		return err
	}
	defer unlock()
	if g.mode == home.Hold {
		alone, err := lockNetwork()
		if err != nil {
			return err
		}
		defer alone()
	}
	d := &gateway{
		gatewayFlags: g, log: log, since: time.Now(), asks: make(chan func()), changed: make(chan struct{}, 1), asked: make(chan struct{}, 1),
	}
	if err := d.openState(ctx, dir); err != nil {
		return errors.Join(err, d.standBy(ctx, dir))
	}
	defer d.store.Close()
	if err := d.openLabels(ctx, dir); err != nil {
		return err
	}
	d.door = auth.NewDoor(d.store, time.Now)
	if err := d.openNotices(ctx, dir); err != nil {
		return err
	}
	serve, err := d.servePages(dir)
	switch {
	case err != nil && d.store.Reading() == nil && d.mode != home.Hold:
		return err
	case err != nil: // the port is taken, or it wants to keep something; the house is to be held all the same
		d.fault(ctx, "show the pages", err)
		serve = func(ctx context.Context) error { return d.pagesLater(ctx, dir) }
	}
	measure, err := d.serveMetrics()
	if err != nil {
		return err
	}
	keepRules, letGo, err := d.hold(ctx, dir)
	if err != nil {
		return err
	}
	defer letGo()
	debug.SetMemoryLimit(int64(g.memory) * 5 / 8) // the rest is the database’s, and what the limit is exceeded by
	debug.SetGCPercent(25)
	from, err := g.open()
	if err != nil {
		return deaf(g.lan, err)
	}
	if d.knowledge, err = identify.Load(); err != nil {
		return errors.Join(err, from.Close())
	}
	if !g.apart {
		d.fault(ctx, "confine the gateway", confine(d.portSettings(), dir, filepath.Dir(socketPath(g.socket, g.getenv))))
	}
	group, ctx := errgroup.WithContext(ctx)
	d.newEngine(ctx)
	group.Go(func() error { return d.watch(ctx, from) })
	group.Go(func() error { return d.keep(ctx, dir) })
	if !g.apart {
		group.Go(func() error { return d.files(ctx) })
	}
	group.Go(func() error { return d.teach(ctx) })
	group.Go(func() error { return keepRules(ctx) })
	group.Go(func() error { return d.labels.run(ctx) })
	group.Go(func() error { return d.resolve(ctx) })
	group.Go(func() error { return d.page(ctx) })
	group.Go(func() error { return serve(ctx) })
	group.Go(func() error { return measure(ctx) })
	group.Go(func() error { return d.control(ctx) })
	group.Go(func() error { return d.post.Run(ctx) })
	if g.beside != nil {
		group.Go(func() error { return g.beside(ctx, d) })
	}
	shed()
	log.InfoContext(ctx, "gateway runs", "mode", g.mode, "lan", g.lan, "wan", g.wan, "devices", d.household.Len())
	notify(g.getenv, "READY=1")
	defer notify(g.getenv, "STOPPING=1")
	return group.Wait()
}

// errEnded is that a program that runs until it is told to end was told to.
var errEnded = errors.New("ended as told")

// openState opens what is kept.
func (g *gateway) openState(ctx context.Context, dir string) error {
	name := filepath.Join(dir, "home.db")
	store, err := (*sqlite.Store)(nil), error(nil)
	if info, statErr := os.Stat(name); statErr == nil && info.Size() == 0 && g.ruled(dir) {
		err = fmt.Errorf("%w: it is empty, and a gateway ran here", sqlite.ErrDamaged) // not the same as one that was moved away
	} else {
		store, err = sqlite.Open(ctx, name)
	}
	switch {
	case errors.Is(err, sqlite.ErrDamaged):
		return &fault{err, "error.home.damaged", []any{"name", name, "cause", err.Error()}}
	case errors.Is(err, sqlite.ErrNewer):
		return &fault{err, "error.home.newer", []any{"name", name}}
	case err != nil:
		return &fault{err, "error.home.state", []any{"name", name, "cause", err.Error()}}
	}
	g.store = store
	g.household = &home.Household{Ledger: store, Now: time.Now, Elapsed: func() time.Duration { return time.Since(g.since) }, Floor: floor(), Rehearsal: g.rehearsal, LabelAction: g.labelAction}
	g.fault(ctx, "keep the state", store.Reading())
	if g.cache, err = g.newCache(dir); err == nil {
		g.cache.Log = g.log
		err = g.household.Open(ctx)
	}
	if errors.Is(err, sqlite.ErrDamaged) {
		err = &fault{err, "error.home.damaged", []any{"name", name, "cause", err.Error()}}
	}
	if err != nil {
		return errors.Join(err, store.Close())
	}
	g.name()
	return nil
}

// control answers the verbs. Where it cannot, all else goes on, and it is tried again.
func (g *gateway) control(ctx context.Context) error {
	path := socketPath(g.socket, g.getenv)
	for ctx.Err() == nil {
		err := control.Serve(ctx, path, g.api().Handler(), g.log, func() { g.fault(ctx, "answer the verbs", nil) })
		g.fault(ctx, "answer the verbs", err)
		select {
		case <-ctx.Done():
		case <-time.After(tryAgain):
		}
	}
	return nil
}

// lockState makes sure that one gateway alone uses a folder.
func lockState(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, &fault{err, "error.home.state", []any{"name", dir, "cause", err.Error()}}
	}
	f, err := os.Open(dir) // a folder can be locked where nothing can be written
	if err != nil {
		return nil, err
	}
	// One that was killed can have been starting a program, which has the lock too until it runs.
	err = insist(func() error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }, syscall.EWOULDBLOCK)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, errors.Join(&fault{key: "error.home.twice", args: []any{"name", dir}}, f.Close())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("lock %s: %w", f.Name(), err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// insist tries something for two seconds, as long as it fails for one reason.
func insist(try func() error, reason error) (err error) {
	for until := time.Now().Add(2 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if err = try(); !errors.Is(err, reason) || time.Now().After(until) {
			return err
		}
	}
}

// lockNetwork makes sure that one gateway alone makes the rules of a network, whatever its state: two would take turns.
// A name of a socket that is no file is a network's own, and goes with who has it (unix(7)).
func lockNetwork() (unlock func(), err error) {
	var l net.Listener
	err = insist(func() (err error) {
		l, err = net.Listen("unix", "@plimsoll/rules")
		return err
	}, syscall.EADDRINUSE)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &fault{key: "error.home.second"}
	case err != nil:
		return nil, fmt.Errorf("see whether another gateway holds devices here: %w", err)
	}
	return func() { _ = l.Close() }, nil
}

// How often what was seen is taken in: always, and when a device says where its MUD file is.
const (
	lookEvery = time.Second
	lookSoon  = 50 * time.Millisecond
)

// listen opens the interface of the devices.
func (g *gatewayFlags) listen() (source, error) {
	live, err := capture.OpenLive(capture.LiveConfig{Interface: g.lan, Promiscuous: true, Ports: true})
	if err != nil {
		return nil, err
	}
	return wire{live, g.lan}, nil
}

// watch reads the network. An interface that goes away may come back: until then, nothing new is seen, and what was
// decided holds.
func (g *gateway) watch(ctx context.Context, from source) error {
	for {
		err := g.engine.Load().Run(ctx, func(b *capture.Batch) error { return from.next(ctx, b) })
		err = errors.Join(err, from.Close())
		g.remember(context.WithoutCancel(ctx), g.engine.Load().Changed())
		if err == nil || ctx.Err() != nil {
			return nil
		}
		for from = nil; from == nil; {
			g.fault(ctx, "watch the network", err)
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(tryAgain):
			}
			from, err = g.open()
		}
		g.newEngine(ctx)
		g.fault(ctx, "watch the network", nil)
	}
}

// newEngine makes what reads the network. Between two blocks of packets it takes in what was seen, and does what others
// asked.
func (g *gateway) newEngine(ctx context.Context) {
	var e *inspect.Engine
	e = inspect.New(inspect.Config{
		Memory: g.memory / 4, Remember: true, Ongoing: true, // the rest is for policies, names and what the database keeps
		OnFlow: func(r *inspect.FlowRecord) error { g.count(r); return nil },
		OnFact: g.hearLease,
		OnBlock: func() {
			select {
			case f := <-g.asks:
				g.fault(ctx, "rehearse", caught(func() error { f(); return nil }))
			default:
			}
			now := time.Now()
			if since := now.Sub(g.looked); since >= lookEvery || g.joined && since >= lookSoon {
				g.looked, g.joined = now, false
				g.fault(ctx, "take in what was seen", caught(func() error {
					g.look(ctx, e.Snapshot(g.knowledge))
					g.recollect(now)
					return nil
				}))
			}
		},
	})
	remembered, err := g.store.Conversations(ctx)
	g.fault(ctx, "read conversations", err)
	e.Recall(remembered)
	g.engine.Store(e)
}

// look takes in what was seen.
func (g *gateway) look(ctx context.Context, r *inspect.Result) {
	g.fault(ctx, "read packets", g.engine.Load().Progress.Stumbled())
	list := make([]home.Sighting, 0, len(r.Devices))
	own := g.own()
	for i := range r.Devices {
		if s := sighting(&r.Devices[i]); len(s.MACs) > 0 && !slices.ContainsFunc(s.MACs, func(m frame.MAC) bool { return slices.Contains(own, m) }) {
			list = append(list, s)
		}
	}
	g.hear(list)
	news, err := g.household.Observe(ctx, list)
	g.fault(ctx, "keep devices", err)
	stir(g.changed)
	stir(g.asked)
	found := r.Found()
	for _, d := range news.Fresh {
		g.log.InfoContext(ctx, "new device", "device", d.ID, "kind", d.Kind(), "state", d.State)
	}
	g.name()
	g.fault(ctx, "keep findings", g.store.SaveFindings(ctx, g.household.Name(found)))
	g.tell(len(found)) // when it can be read
}

// own are the link-layer addresses of this machine, which is no device that anybody is to be asked about.
func (g *gateway) own() (list []frame.MAC) {
	if g.apart {
		return nil
	}
	all, _ := net.Interfaces() // where that cannot be known, it is one
	for i := range all {
		if m, err := frame.ParseMAC(all[i].HardwareAddr.String()); err == nil {
			list = append(list, m)
		}
	}
	return list
}

// name says which device a flow is of.
func (g *gateway) name() {
	here := map[frame.MAC]bool{}
	for _, d := range g.household.Devices() {
		for _, m := range d.MACs {
			here[m] = true
			if id, ok := g.names.Load(m); !ok || id != d.Under(m) {
				g.names.Store(m, d.Under(m))
			}
		}
	}
	g.names.Range(func(m, _ any) bool {
		if !here[m.(frame.MAC)] { // its device is gone, as by an import
			g.names.Delete(m)
		}
		return true
	})
}

// sighting is a device of a result, as the household takes it in.
func sighting(d *inspect.Device) home.Sighting {
	s := home.Sighting{Hostnames: d.Hostnames, Identity: d.Identity, First: at(d.First), Last: at(d.Last)}
	for _, text := range d.MACs {
		if m, err := frame.ParseMAC(text); err == nil {
			s.MACs = append(s.MACs, m)
		}
	}
	slices.Reverse(s.MACs) // the one that was seen last is in use
	for _, text := range d.Addresses {
		if a, err := netip.ParseAddr(text); err == nil {
			s.Addresses = append(s.Addresses, a)
		}
	}
	if d.MUDURL != nil {
		s.MUD = []home.MUDURL{{URL: d.MUDURL.URL, Via: d.MUDURL.Via, At: s.Last}}
	}
	return s
}

// rulesEvery is how often the rules in force are kept as text, if they changed.
const rulesEvery = 5 * time.Second

// mendEvery is how often it is tried to write to a state that could only be read.
const mendEvery = 2 * time.Second

// keep does what is due every now and then.
func (g *gateway) keep(ctx context.Context, dir string) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var kept, mended, ruled time.Time
	was := time.Now()
	lean := was
	pruned := was // what is old is known only when the clock has been right for a while
	for {
		select {
		case <-ctx.Done():
			g.keepTraffic(context.WithoutCancel(ctx))
			g.fault(context.WithoutCancel(ctx), "keep the rules", g.keepRules(dir))
			return nil
		case <-tick.C:
		}
		now := time.Now()
		// one clock is set by people and servers, the other by nobody (time.Time)
		if jump := now.Round(0).Sub(was.Round(0)) - now.Sub(was); jump.Abs() > time.Minute {
			g.log.WarnContext(ctx, "clock was set", "by", jump)
			pruned = now
			g.clockSet.Add(1)
		}
		was = now
		g.fault(ctx, "clock", unset(now))
		if now.Sub(mended) >= mendEvery {
			mended = now
			g.fault(ctx, "keep the state", errors.Join(g.store.Mend(ctx), room(dir)))
		}
		g.release(ctx)
		made, err := g.household.Tick(ctx)
		g.fault(ctx, "end rehearsals", err)
		for _, d := range made {
			g.log.InfoContext(ctx, "decided by the time that went by", "device", d.Device, "verb", d.Verb, "state", d.After.State)
		}
		if now.Sub(kept) >= 10*time.Second {
			kept = now
			g.keepTraffic(ctx)
		}
		if now.Sub(ruled) >= rulesEvery {
			ruled = now
			g.fault(ctx, "keep the rules", g.keepRules(dir))
		}
		g.mu.Lock()
		list := g.unkept
		g.unkept = nil
		g.mu.Unlock()
		g.remember(ctx, list)
		if now.Sub(lean) >= time.Minute {
			lean = now
			shed()
		}
		if now.Sub(pruned) >= time.Hour {
			pruned = now
			g.fault(ctx, "prune history", errors.Join(g.store.Prune(ctx, now), g.store.ForgetConversations(ctx, now.Add(-memory))))
		}
		notify(g.getenv, "WATCHDOG=1")
	}
}

// roomLeft is the room on the disk below which there is none, octets.
const roomLeft = 256 << 10

// room is that there is no room left in a folder.
func room(dir string) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if free := s.Bavail * uint64(s.Bsize); free < roomLeft {
		return fmt.Errorf("%s has no room left: %d octets are free", dir, free)
	}
	return nil
}

// unset is that the clock cannot be right; nil if it can.
func unset(now time.Time) error {
	if now.Before(floor()) {
		return fmt.Errorf("it says %s", now.UTC().Format(time.DateOnly))
	}
	return nil
}

// at is an instant that Result wrote.
func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
