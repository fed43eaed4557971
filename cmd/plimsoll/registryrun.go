//go:build !gateway

package main

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"plimsoll.example/plimsoll/internal/advisory/feed"
	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/durable"
	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/postgres"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/review"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/web/public"
	"plimsoll.example/plimsoll/norms"
)

// registryFlags is what the flags of registry run say.
type registryFlags struct {
	env
	state, database, listen, metrics string
	url, name                        string
	key, logKey, policy              string
	certificate, certificateKey      string
	forwarded                        bool
	rate                             float64
	publish                          time.Duration
	feeds                            []string
	feedInterval                     time.Duration
	logLevel                         slog.Level

	// of one that is shown
	listeners []net.Listener                                        // that are served; none: listen is
	beside    func(context.Context, *review.Desk, *auth.Door) error // goes on while the registry runs
}

func newRegistryRun(e env, words *locale.Catalogue) *cobra.Command {
	g := registryFlags{env: e, rate: 50, publish: 2 * time.Second, feedInterval: feed.Interval}
	c := &cobra.Command{Use: "run", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		if (g.certificate == "") != (g.certificateKey == "") {
			return wrongUsage("error.registry.tls")
		}
		if g.rate <= 0 || g.publish < 100*time.Millisecond || g.feedInterval < time.Second {
			return wrongUsage("error.registry.rates")
		}
		for _, location := range g.feeds {
			if err := feed.Parse(location).Check(); err != nil {
				return wrongUsage("error.registry.feed", "name", location, "cause", err.Error())
			}
		}
		return g.run(c.Context(), words)
	}}
	f := c.Flags()
	f.StringVar(&g.state, "state", "", "")
	f.StringVar(&g.database, "database", "", "")
	f.StringVar(&g.listen, "listen", "127.0.0.1:7390", "")
	f.StringVar(&g.metrics, "metrics", "", "")
	f.StringVar(&g.url, "public-url", "", "")
	f.StringVar(&g.name, "org", "", "")
	f.StringVar(&g.key, "key", "", "")
	f.StringVar(&g.logKey, "log-key", "", "")
	f.StringVar(&g.policy, "policy", "", "")
	f.StringVar(&g.certificate, "tls-cert", "", "")
	f.StringVar(&g.certificateKey, "tls-key", "", "")
	f.BoolVar(&g.forwarded, "forwarded", false, "")
	f.Float64Var(&g.rate, "rate", g.rate, "")
	f.DurationVar(&g.publish, "publish", g.publish, "")
	f.StringArrayVar(&g.feeds, "feed", nil, "")
	f.DurationVar(&g.feedInterval, "feed-interval", g.feedInterval, "")
	f.TextVar(&g.logLevel, "log-level", slog.LevelInfo, "")
	return c
}

func (g *registryFlags) run(ctx context.Context, words *locale.Catalogue) (err error) {
	log := slog.New(slog.NewTextHandler(g.err, &slog.HandlerOptions{Level: g.logLevel}))
	at := &url.URL{Scheme: "http"}
	if g.url != "" {
		g.url = strings.TrimSuffix(g.url, "/")
		if at, err = url.Parse(g.url); err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" {
			return wrongUsage("error.registry.url", "url", g.url)
		}
	}
	listeners := g.listeners
	if len(listeners) == 0 {
		l, err := g.bind(ctx)
		if err != nil {
			return err
		}
		listeners = []net.Listener{l}
	}
	defer func() {
		for _, l := range listeners {
			_ = l.Close() // it is closed already where it was served
		}
	}()
	if g.url == "" {
		at.Host = listeners[0].Addr().String()
		g.url = at.String()
	}
	if g.name == "" {
		g.name = at.Hostname()
	}
	dir := filepath.Join(stateDir(g.state, g.getenv), "registry")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	store, err := openRegistry(ctx, g.database, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	labels, err := g.openLog(ctx, dir, at.Hostname(), log)
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, labels.Close(end))
	}()
	key, err := g.signingKey(dir)
	if err != nil {
		return err
	}
	transparent := registry.Transparent{Log: labels}
	reg, err := registry.Open(ctx, registry.Config{
		Name: g.name, URL: g.url, Key: key, Store: store, Log: transparent, Now: time.Now, Logger: log, Publish: g.publish,
		Watchers: g.watchers(dir, log),
	})
	if err != nil {
		return err
	}
	catalogue, err := norms.Load()
	if err != nil {
		return err
	}
	site, err := public.New(public.Config{
		Registry: reg, Proofs: transparent, Files: labellog.Handler(filepath.Join(dir, "log")), Norms: catalogue, Logger: log, Rate: g.rate, Now: time.Now,
	})
	if err != nil {
		return err
	}
	desk, door := g.newDesk(reg, store, catalogue, dir, log), auth.NewDoor(store, time.Now)
	handler, err := g.withPages(site.Handler(), desk, door, store, transparent, at)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	// Whoever is being answered is answered before the registry stops.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error { return reg.Run(running) })
	group.Go(func() error {
		defer stop()
		served, ctx := errgroup.WithContext(ctx)
		for _, l := range listeners {
			served.Go(func() error { return serve(ctx, l, handler) })
		}
		return served.Wait()
	})
	if g.beside != nil {
		group.Go(func() error { return g.beside(ctx, desk, door) })
	}
	if err := g.serveMetrics(ctx, group, site); err != nil {
		stop()
		return errors.Join(err, group.Wait())
	}
	log.InfoContext(ctx, "registry runs", "url", g.url, "listen", listeners[0].Addr().String(), "accounts", len(reg.Accounts()), "leaves", labels.Size())
	notify(g.getenv, "READY=1")
	defer notify(g.getenv, "STOPPING=1")
	return group.Wait()
}

// watchers are what changes labels by rules.
func (g *registryFlags) watchers(dir string, log *slog.Logger) []func(context.Context, *registry.Registry) error {
	if len(g.feeds) == 0 {
		return nil
	}
	return []func(context.Context, *registry.Registry) error{watchFeeds(g.feeds, filepath.Join(dir, "feeds"), g.feedInterval, log)}
}

// bind listens, with TLS where there is a certificate. Beyond this machine it must be.
func (g *registryFlags) bind(ctx context.Context) (net.Listener, error) {
	host, _, err := net.SplitHostPort(g.listen)
	if err != nil {
		return nil, wrongUsage("error.registry.address", "address", g.listen)
	}
	if a, err := netip.ParseAddr(host); g.certificate == "" && host != "localhost" && (err != nil || !a.IsLoopback()) {
		return nil, wrongUsage("error.registry.exposed", "address", g.listen)
	}
	var c tls.Certificate
	if g.certificate != "" {
		if c, err = tls.LoadX509KeyPair(g.certificate, g.certificateKey); err != nil {
			return nil, &fault{key: "error.registry.certificate", args: []any{"name", g.certificate, "cause", err.Error()}}
		}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", g.listen)
	if err != nil {
		return nil, &fault{key: "error.registry.listen", args: []any{"address", g.listen, "cause", err.Error()}}
	}
	if g.certificate == "" {
		return l, nil
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS12}), nil
}

// openRegistry opens the database of a registry: PostgreSQL by its URL, else a file.
func openRegistry(ctx context.Context, database, dir string) (registryStore, error) {
	if strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://") {
		s, err := postgres.Open(ctx, database)
		switch {
		case errors.Is(err, postgres.ErrNewer):
			return nil, &fault{key: "error.registry.newer", args: []any{"name", "PostgreSQL"}}
		case err != nil:
			return nil, &fault{key: "error.registry.database", args: []any{"cause", err.Error()}}
		}
		return s, nil
	}
	if database == "" {
		database = filepath.Join(dir, "registry.db")
	}
	s, err := sqlite.OpenRegistry(ctx, database)
	switch {
	case errors.Is(err, sqlite.ErrNewer):
		return nil, &fault{key: "error.registry.newer", args: []any{"name", database}}
	case errors.Is(err, sqlite.ErrDamaged):
		return nil, &fault{key: "error.home.damaged", args: []any{"name", database, "cause", err.Error()}}
	case err != nil:
		return nil, err
	}
	return s, nil
}

// openLog opens the log, and makes its key where there is none yet.
func (g *registryFlags) openLog(ctx context.Context, dir, host string, log *slog.Logger) (*labellog.Log, error) {
	name := g.logKey
	if name == "" {
		name = filepath.Join(dir, "log.key")
		if err := makeIfMissing(name, keyLog, host+"/log"); err != nil {
			return nil, err
		}
	}
	private, err := readNoteKey(name)
	if err != nil {
		return nil, err
	}
	signer, err := labellog.LogSigner(private)
	if err != nil {
		return nil, logFault(err, name)
	}
	o := labellog.Options{Log: log}
	if g.policy != "" {
		if o.Policy, err = readPolicy(g.policy); err != nil {
			return nil, err
		}
	}
	labellog.LogTo(quiet())
	// Its work goes on while the registry is stopped in order.
	l, err := labellog.Open(context.WithoutCancel(ctx), filepath.Join(dir, "log"), signer, o)
	if err != nil {
		return nil, logFault(err, filepath.Join(dir, "log"))
	}
	return l, nil
}

// signingKey is that of the registry, which is made where there is none yet.
func (g *registryFlags) signingKey(dir string) (ed25519.PrivateKey, error) {
	name := g.key
	if name == "" {
		name = filepath.Join(dir, "registry.key")
		if err := makeIfMissing(name, keyRegistry, ""); err != nil {
			return nil, err
		}
	}
	return readSigningKey(name)
}

// readSigningKey reads the private Ed25519 key of a PEM file.
func readSigningKey(name string) (ed25519.PrivateKey, error) {
	signer, err := readKey(name)
	if err != nil {
		return nil, err
	}
	key, ok := signer.(ed25519.PrivateKey)
	if !ok {
		return nil, &fault{key: "error.key.ed25519", args: []any{"name", name}}
	}
	return key, nil
}

// makeIfMissing makes a key in a file that is not there, and puts the public one beside it.
func makeIfMissing(name, kind, origin string) error {
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	private, known, err := makeKey(kind, origin)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(name+".pub", known, 0o644); err != nil {
		return err
	}
	return durable.WriteFile(name, private, 0o600)
}

// serveMetrics serves Prometheus where it was asked for: it is not for the public.
func (g *registryFlags) serveMetrics(ctx context.Context, group *errgroup.Group, site *public.Site) error {
	if g.metrics == "" {
		return nil
	}
	r := prometheus.NewRegistry()
	r.MustRegister(site.Collectors()...)
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", g.metrics)
	if err != nil {
		return &fault{key: "error.registry.listen", args: []any{"address", g.metrics, "cause", err.Error()}}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
	group.Go(func() error { return serve(ctx, l, mux) })
	return nil
}
