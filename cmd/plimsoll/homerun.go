package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/enforce"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/identify"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/mudcache"
	"plimsoll.example/plimsoll/internal/nft"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/internal/resolver"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/trust"
	"plimsoll.example/plimsoll/internal/web/control"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/mud"
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

	pages pageFlags
	open  func() (source, error) // what it watches
	apart bool                   // nothing is fetched, and nothing confined: a played home

	// of MUD files
	anchors, roots string
	allow          []netip.Prefix

	// of labels
	registries, registryKeys []string
	registryInterval         time.Duration
	labelAction              home.LabelAction

	// of enforcement
	unknown   nft.Treatment // of devices that were not seen yet
	inbound   bool          // whoever is outside may begin conversations with devices that are not held
	dnsPort   uint16        // of the resolver; 0: none
	upstreams []string
	fallback  []netip.Addr
}

func newHomeRun(e env, words *locale.Catalogue) *cobra.Command {
	g := gatewayFlags{env: e, words: words, mode: home.Watch, memory: inspect.DefaultMemory, rehearsal: home.Rehearsal, learn: home.Rehearsal, dnsPort: 53, registryInterval: trust.Interval, labelAction: home.Tell}
	g.open = g.listen
	c := &cobra.Command{Use: "run", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		switch {
		case g.lan == "":
			return wrongUsage("error.home.lan")
		case g.mode == home.Hold && g.wan == "":
			return wrongUsage("error.home.wan")
		}
		return g.run(c.Context())
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
	f.BoolVar(&g.inbound, "inbound", false, "")
	f.TextVar(&g.logLevel, "log-level", slog.LevelInfo, "")
	g.pages.flags(f)
	return c
}

// gateway is the daemon: what it is made of, and what it counts.
type gateway struct {
	gatewayFlags
	log       *slog.Logger
	store     *sqlite.Store
	cache     *mudcache.Cache
	labels    *labels
	household *home.Household
	engine    *inspect.Engine
	meter     home.Meter
	enforcer  *enforce.Enforcer // nil in the mode watch
	resolver  atomic.Pointer[resolver.Resolver]
	changed   chan struct{} // something did, at home
	changes   sync.Map      // ID of a device to mud.URLChange: why the MUD URL that it says now is not taken
	expired   sync.Map      // ID of a device and address to the end of the lease that is over
	files256  sync.Map      // SHA-256 to *mud.File
	since     time.Time
	door      *auth.Door
	news      page.Events
	told      uint64 // what pages were last told that there is, as a digest; looked at where packets are read alone

	asks  chan func() // to be done between two blocks of packets, where the engine can be looked into
	names sync.Map    // frame.MAC to the ID of a device: who is asked for each flow
	flows atomic.Uint64

	// what only the goroutine uses that reads packets
	looked  time.Time
	written time.Time                 // when conversations were last handed over to be kept
	urls    map[frame.MAC]home.MUDURL // that were said last
	asker   frame.MAC                 // who sent the DHCP message under way,
	address netip.Addr                // from which address

	mu     sync.Mutex
	leases []leased            // that were heard of, and not taken in yet
	unkept []policy.Remembered // conversations that changed, and were not kept yet
	faults map[string]string   // by what does not work
}

func (g gatewayFlags) run(ctx context.Context) error {
	log := slog.New(slog.NewTextHandler(g.err, &slog.HandlerOptions{Level: g.logLevel}))
	dir := stateDir(g.state, g.getenv)
	unlock, err := lockState(dir)
	if err != nil {
		return err
	}
	defer unlock()
	store, err := sqlite.Open(ctx, filepath.Join(dir, "home.db"))
	switch {
	case errors.Is(err, sqlite.ErrDamaged):
		return &fault{key: "error.home.damaged", args: []any{"name", filepath.Join(dir, "home.db"), "cause", err.Error()}}
	case errors.Is(err, sqlite.ErrNewer):
		return &fault{key: "error.home.newer", args: []any{"name", filepath.Join(dir, "home.db")}}
	case err != nil:
		return err
	}
	defer store.Close()
	d := &gateway{
		gatewayFlags: g, log: log, store: store, since: time.Now().UTC(), asks: make(chan func()), changed: make(chan struct{}, 1), faults: map[string]string{},
		household: &home.Household{Ledger: store, Now: time.Now, Rehearsal: g.rehearsal, LabelAction: g.labelAction},
	}
	if d.cache, err = g.newCache(dir); err != nil {
		return err
	}
	d.cache.Log = log
	sources, err := g.newSources(dir, &trust.Source{Allow: g.allow, Roots: d.cache.Fetcher.Roots, Agent: d.cache.Fetcher.Agent, Now: time.Now})
	if err != nil {
		return err
	}
	d.labels = newLabels(d, sources)
	if err := d.household.Open(ctx); err != nil {
		return err
	}
	d.name()
	d.door = auth.NewDoor(store, time.Now)
	serve, err := d.servePages(dir)
	if err != nil {
		return err
	}
	keepRules, letGo, err := d.hold(ctx, dir)
	if err != nil {
		return err
	}
	defer letGo()
	from, err := g.open()
	if err != nil {
		return deaf(g.lan, err)
	}
	defer from.Close()
	knowledge, err := identify.Load()
	if err != nil {
		return err
	}
	if !g.apart {
		d.fault(ctx, "confine the gateway", confine(dir, filepath.Dir(socketPath(g.socket, g.getenv))))
	}
	group, ctx := errgroup.WithContext(ctx)
	d.engine = d.newEngine(ctx, knowledge)
	remembered, err := store.Conversations(ctx)
	if err != nil {
		return err
	}
	d.engine.Recall(remembered)
	group.Go(func() error { return d.watch(ctx, from) })
	group.Go(func() error { return d.keep(ctx) })
	if !g.apart {
		group.Go(func() error { return d.files(ctx) })
	}
	group.Go(func() error { return d.teach(ctx) })
	group.Go(func() error { return keepRules(ctx) })
	group.Go(func() error { return d.labels.run(ctx) })
	group.Go(func() error { return d.resolve(ctx) })
	group.Go(func() error { return serve(ctx) })
	group.Go(func() error {
		return control.Serve(ctx, socketPath(g.socket, g.getenv), d.api().Handler(), log)
	})
	log.InfoContext(ctx, "gateway runs", "mode", g.mode, "lan", g.lan, "wan", g.wan, "devices", d.household.Len())
	notify(g.getenv, "READY=1")
	defer notify(g.getenv, "STOPPING=1")
	err = group.Wait()
	d.remember(context.WithoutCancel(ctx), d.engine.Changed())
	return err
}

// lockState makes sure that one gateway alone uses a folder.
func lockState(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	// One that was killed can have been starting a program, which has the lock too until it runs.
	for until := time.Now().Add(2 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(until) {
			break
		}
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, errors.Join(&fault{key: "error.home.twice", args: []any{"name", dir}}, f.Close())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("lock %s: %w", f.Name(), err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// listen opens the interface of the devices.
func (g *gatewayFlags) listen() (source, error) {
	live, err := capture.OpenLive(capture.LiveConfig{Interface: g.lan, Promiscuous: true})
	if err != nil {
		return nil, err
	}
	return wire{live, g.lan}, nil
}

// lookEvery is how often what was seen is taken in.
const lookEvery = time.Second

// watch reads the network.
func (g *gateway) watch(ctx context.Context, from source) error {
	if err := g.engine.Run(ctx, func(b *capture.Batch) error { return from.next(ctx, b) }); err != nil && ctx.Err() == nil {
		return fmt.Errorf("watch %s: %w", g.lan, err)
	}
	return nil
}

// newEngine makes what reads the network. Between two blocks of packets it takes in what was seen, and does what others
// asked.
func (g *gateway) newEngine(ctx context.Context, knowledge *identify.Knowledge) *inspect.Engine {
	return inspect.New(inspect.Config{
		Memory: g.memory, Remember: true, Ongoing: true,
		OnFlow: func(r *inspect.FlowRecord) error { g.count(r); return nil },
		OnFact: g.hearLease,
		OnBlock: func() {
			select {
			case f := <-g.asks:
				f()
			default:
			}
			if now := time.Now(); now.Sub(g.looked) >= lookEvery {
				g.looked = now
				g.look(ctx, g.engine.Snapshot(knowledge))
				g.recollect(now)
			}
		},
	})
}

// look takes in what was seen.
func (g *gateway) look(ctx context.Context, r *inspect.Result) {
	list := make([]home.Sighting, 0, len(r.Devices))
	for i := range r.Devices {
		if s := sighting(&r.Devices[i]); len(s.MACs) > 0 {
			list = append(list, s)
		}
	}
	g.hear(list)
	news, err := g.household.Observe(ctx, list)
	g.fault(ctx, "keep devices", err)
	g.stir()
	found := r.Found()
	g.tell(len(found))
	for _, d := range news.Fresh {
		g.log.InfoContext(ctx, "new device", "device", d.ID, "kind", d.Kind(), "state", d.State)
	}
	g.name()
	g.fault(ctx, "keep findings", g.store.SaveFindings(ctx, g.household.Name(found)))
}

// name says which device a flow is of.
func (g *gateway) name() {
	for _, d := range g.household.Devices() {
		for _, m := range d.MACs {
			if id, ok := g.names.Load(m); !ok || id != d.ID {
				g.names.Store(m, d.ID)
			}
		}
	}
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

// count adds a flow to what its devices did.
func (g *gateway) count(r *inspect.FlowRecord) {
	g.flows.Add(1)
	for side := range 2 {
		id, ok := g.names.Load(r.MAC[side])
		if !ok {
			continue
		}
		peer := r.Addr[1-side].Netip().String()
		if side == flow.Orig && len(r.Names) > 0 {
			peer = r.Names[0]
		}
		scope := "internet"
		if a := r.Addr[1-side]; device.IsLocal(&a) {
			scope = "lan"
		}
		g.meter.Add(home.Traffic{
			At: time.Unix(0, r.First), Device: id.(string), Peer: peer, Scope: scope, Service: device.ServiceName(r.Proto, r.Port[flow.Resp]),
			Began: side == flow.Orig, Flows: 1, Out: r.Octets[side], In: r.Octets[1-side],
		})
	}
}

// keep does what is due every now and then.
func (g *gateway) keep(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var kept, pruned time.Time
	for {
		select {
		case <-ctx.Done():
			g.keepTraffic(context.WithoutCancel(ctx))
			return nil
		case <-tick.C:
		}
		now := time.Now()
		g.release(ctx)
		made, err := g.household.Tick(ctx)
		g.fault(ctx, "end rehearsals", err)
		for _, d := range made {
			g.log.InfoContext(ctx, "rehearsal is over", "device", d.Device)
		}
		if now.Sub(kept) >= 10*time.Second {
			kept = now
			g.keepTraffic(ctx)
		}
		g.mu.Lock()
		list := g.unkept
		g.unkept = nil
		g.mu.Unlock()
		g.remember(ctx, list)
		if now.Sub(pruned) >= time.Hour {
			pruned = now
			g.fault(ctx, "prune history", errors.Join(g.store.Prune(ctx, now), g.store.ForgetConversations(ctx, now.Add(-memory))))
		}
		notify(g.getenv, "WATCHDOG=1")
	}
}

func (g *gateway) keepTraffic(ctx context.Context) {
	list := g.meter.Take()
	if len(list) == 0 {
		return
	}
	err := g.store.AddTraffic(ctx, list)
	if err != nil {
		g.meter.Return(list)
	}
	g.fault(ctx, "keep traffic", err)
}

// fault notes that something does not work, or works again; it is logged once.
func (g *gateway) fault(ctx context.Context, what string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	was, broken := g.faults[what]
	switch {
	case err == nil && broken:
		delete(g.faults, what)
		g.log.InfoContext(ctx, "works again", "what", what)
	case err != nil && ctx.Err() == nil:
		g.faults[what] = err.Error()
		if was != err.Error() {
			g.log.ErrorContext(ctx, "does not work", "what", what, "error", err)
		}
	}
}

func (g *gateway) status() home.Status {
	s := home.Status{
		Schema: home.StatusSchema, Mode: g.mode, Version: version(), Since: g.since, LAN: g.lan, WAN: g.wan, Devices: map[home.State]int{},
		Asks: []home.Question{}, Faults: []string{}, Seen: map[string]int{"flows": int(g.flows.Load())},
	}
	for _, d := range g.household.Devices() {
		s.Devices[d.State]++
	}
	s.Asks = append(append(s.Asks, g.household.Questions()...), g.controllerless(context.Background())...)
	for i := range s.Asks {
		if why, ok := g.changes.Load(s.Asks[i].Device); ok && s.Asks[i].About == home.OtherURL {
			s.Asks[i].Why = string(why.(mud.URLChange))
		}
	}
	s.Registries = g.labels.status()
	if list, err := g.store.Findings(context.Background(), "", 1000); err == nil {
		for _, f := range list {
			if f.State == home.Open {
				s.Findings++
			}
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, what := range slices.Sorted(maps.Keys(g.faults)) {
		s.Faults = append(s.Faults, what+": "+g.faults[what])
	}
	return s
}

func (g *gateway) api() *control.API {
	return &control.API{
		Household: g.household, History: g.store, Status: g.status, Rehearse: g.rehearse, Offer: g.offer, Label: g.labels.bind, Sticker: g.labels.sticker,
		Export: g.export, Import: g.take, Code: g.code, Metrics: g.metrics(), Log: g.log,
	}
}

// metrics are counters in the text format of Prometheus, version 0.0.4. None names a device or whom it talks to. They are
// few: a library for them would be a tenth of the program.
func (g *gateway) metrics() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		for _, m := range []struct {
			name, kind, help string
			value            uint64
		}{
			{"devices", "gauge", "Devices of the home.", uint64(g.household.Len())},
			{"faults", "gauge", "What does not work.", uint64(len(g.status().Faults))},
			{"flows_total", "counter", "Flows that ended.", g.flows.Load()},
			{"packets_total", "counter", "Packets that were seen.", g.engine.Progress.Packets.Load()},
		} {
			fmt.Fprintf(w, "# HELP plimsoll_%[1]s %[3]s\n# TYPE plimsoll_%[1]s %[2]s\nplimsoll_%[1]s %[4]d\n", m.name, m.kind, m.help, m.value)
		}
	})
}

// at is an instant that Result wrote.
func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
