//go:build !gateway

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/lab"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
)

// shownAdvisory is how long after the beginning an advisory about the camera is published, where nobody suspended its label.
const shownAdvisory = 4 * time.Minute

func newDemo(e env, words *locale.Catalogue) *cobra.Command {
	var listen string
	advisory := shownAdvisory
	c := &cobra.Command{Use: "demo", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		return demo(c.Context(), e, words, listen, advisory)
	}}
	c.Flags().StringVar(&listen, "http", upPort, "")
	c.Flags().DurationVar(&advisory, "advisory", advisory, "")
	return c
}

// registryPort is where the pages of the registry that is shown are looked for first.
const registryPort = "127.0.0.1:7390"

// showing is a played home with a registry beside it: the whole loop, made up.
type showing struct {
	env
	words    *locale.Catalogue
	registry *publicRegistry
	address  chan string // of the home, once it is there
}

// demo shows a played home and a registry. What they keep is gone when it ends.
func demo(ctx context.Context, e env, words *locale.Catalogue, listen string, advisory time.Duration) error {
	pages, labels, err := handed(e)
	if err != nil {
		return err
	}
	var alone error // why there are no networks of its own
	if pages == nil {
		if pages, labels, err = shownPorts(listen); err != nil {
			return err
		}
		defer pages.Close()
		defer labels.Close()
		args := []string{"demo", "--http", listen, "--advisory", advisory.String(), "--lang", string(words.Lang())}
		ran, err := takeStage(ctx, e, args, pages, labels)
		if ran {
			return err
		}
		alone = err
	}
	dir, remove, err := shownDir()
	if err != nil {
		return err
	}
	defer remove()
	s := &showing{env: e, words: words, address: make(chan string, 1)}
	if s.registry, err = newPublicRegistry(ctx, e, words, dir, []net.Listener{labels}, advisory); err != nil {
		return err
	}
	g := upFlags(e, words, listen)
	if g.countries, err = lab.Demo(time.Now()).Countries(); err != nil {
		return err
	}
	g.apart, g.pages.listener, g.beside = true, pages, s.beside
	g.pages.ready = func(l net.Listener, code string) { s.address <- pageAddress(l, words.Lang(), code) }
	g.lan, g.state, g.socket = "demo", filepath.Join(dir, "home"), filepath.Join(dir, "control")
	g.open = func() (source, error) { return newDemonstration(time.Now()) }
	g.registries, g.registryKeys, g.registryInterval, g.labelAction = []string{"http://" + labels.Addr().String()}, []string{s.registry.keyFile() + ".pub"}, time.Second, home.CutOff
	at := labels.Addr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	g.allow = []netip.Prefix{netip.PrefixFrom(at, at.BitLen())}
	on, err := enter(e, s, &g)
	if err != nil {
		return err
	}
	s.say("demo.hello")
	if on {
		s.say("demo.real")
	} else {
		s.say("demo.apart", "cause", alone)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.registry.run(ctx, words) })
	group.Go(func() error {
		if !s.registry.wait(ctx) {
			return nil
		}
		return g.run(ctx)
	})
	group.Go(func() error { s.invite(ctx); return nil })
	return group.Wait()
}

// shownPorts opens the ports of the home and of the registry: on this machine alone.
func shownPorts(listen string) (pages, labels net.Listener, err error) {
	addr, err := netip.ParseAddrPort(listen)
	if err != nil || !addr.Addr().IsLoopback() {
		return nil, nil, wrongUsage("error.demo.address", "address", listen)
	}
	if pages, err = freePort(listen, upPort); err != nil {
		return nil, nil, &fault{err, "error.home.http", []any{"address", listen, "cause", err.Error()}}
	}
	beside := registryPort
	if listen != upPort {
		beside = netip.AddrPortFrom(addr.Addr(), 0).String()
	}
	if labels, err = freePort(beside, registryPort); err != nil {
		_ = pages.Close()
		return nil, nil, &fault{err, "error.home.http", []any{"address", beside, "cause", err.Error()}}
	}
	return pages, labels, nil
}

// shownPrefix is how folders of demonstrations are called; shownLock is what each has in it, locked while it is used.
const (
	shownPrefix = "plimsoll-demo-"
	shownLock   = "demo.lock"
)

// shownDir makes a folder for what is shown, and removes what was left of those that were killed. What has another owner,
// or no lock, is not ours.
func shownDir() (dir string, remove func(), err error) {
	old, err := filepath.Glob(filepath.Join(os.TempDir(), shownPrefix+"*"))
	if err != nil {
		return "", nil, err
	}
	for _, name := range old {
		if x, err := os.Lstat(name); err != nil || !x.IsDir() || !owned(x) {
			continue
		}
		if lock, err := locked(filepath.Join(name, shownLock), 0); err == nil {
			_ = os.RemoveAll(name)
			_ = lock.Close()
		}
	}
	if dir, err = os.MkdirTemp("", shownPrefix); err != nil {
		return "", nil, err
	}
	// It has its name once it is locked: nobody finds it without.
	unnamed := filepath.Join(dir, "unnamed")
	lock, err := locked(unnamed, os.O_CREATE|os.O_EXCL)
	if err == nil {
		err = os.Rename(unnamed, filepath.Join(dir, shownLock))
	}
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, func() {
		// what keeps the log may be at its last checkpoint, and make a file while the folder is emptied
		for range 100 {
			if os.RemoveAll(dir) == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		_ = lock.Close()
	}, nil
}

// owned reports whether a file is of the user who runs this.
func owned(x os.FileInfo) bool {
	of, ok := x.Sys().(*syscall.Stat_t)
	return ok && int(of.Uid) == os.Geteuid()
}

// locked opens and locks a file of ours that nobody else has locked. It waits for nothing.
func locked(name string, flag int) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|flag, 0o600)
	if err != nil {
		return nil, err
	}
	x, err := f.Stat()
	if err == nil && (!x.Mode().IsRegular() || !owned(x)) {
		err = fs.ErrPermission
	}
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// say prints one line of what is shown.
func (s *showing) say(key string, args ...any) {
	fmt.Fprintln(s.out, s.words.Text(key, args...))
}

// at is an address of the registry that lets one of the cast in, to a page.
func (s *showing) at(i int, page string) string {
	return pageAddress(s.registry.listeners[0], s.words.Lang(), s.registry.codes[i]) + "&to=" + url.QueryEscape(page)
}

// invite prints who comes in where.
func (s *showing) invite(ctx context.Context) {
	select {
	case a := <-s.address:
		s.say("demo.home", "address", a)
	case <-ctx.Done():
		return
	}
	s.say("demo.registry", "address", fmt.Sprintf("http://%s/%s/", s.registry.listeners[0].Addr(), s.words.Lang()))
	s.say("demo.people")
	for i, who := range cast {
		fmt.Fprint(s.out, "  ")
		s.say("demo.person", "name", who.name, "who", s.words.Text(who.key), "address", s.at(i, "/desk"))
	}
	fmt.Fprintln(s.err, s.words.Text("up.stop"))
}

// beside gives the devices of the home their labels, and tells what happens.
func (s *showing) beside(ctx context.Context, g *gateway) error {
	camera := ""
	for _, d := range lab.Family().Devices {
		l := s.registry.labels[d.Name]
		if l == nil {
			continue
		}
		mac := d.MACs[0].String()
		if d.Name == "camera" {
			camera = mac
		}
		if err := s.bind(ctx, g, mac, l.Sign1); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("label of the %s: %w", d.Name, err)
		}
		if verb, ok := shownRules[d.Name]; ok {
			if err := g.rule(ctx, verb, d.Name, mac); err != nil && ctx.Err() == nil {
				return fmt.Errorf("rules of the %s: %w", d.Name, err)
			}
		}
	}
	s.tell(ctx, g, camera)
	return nil
}

// bind gives a device its label once it is here.
func (s *showing) bind(ctx context.Context, g *gateway, mac string, sign1 []byte) error {
	body, err := (&label.Envelope{Version: label.Version, Label: sign1}).Marshal()
	if err != nil {
		return err
	}
	for {
		if d, err := g.household.Find(mac); err == nil {
			_, err = g.labels.bind(ctx, home.Program, d, body)
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// tell prints a line for each act: the camera goes bad, its label is suspended or restored, it is cut off or let back.
func (s *showing) tell(ctx context.Context, g *gateway, camera string) {
	s.say("demo.story.soon")
	bad, status, state := false, label.Active, home.Free
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		d, err := g.household.Find(camera)
		if err != nil || d.Label == nil {
			continue
		}
		act := func(key string, args ...any) {
			s.say(key, append(args, "time", s.words.Clock(time.Now()), "device", d.Title())...)
		}
		if !bad {
			if list, err := g.store.Findings(ctx, d.ID, maxDecided); err == nil && slices.ContainsFunc(list, func(n home.Noted) bool { return n.Kind == finding.ScanHorizontal }) {
				bad = true
				act("demo.story.bad", "address", s.at(bea, "/desk/labels?gtin="+d.Label.GTIN))
			}
		}
		if d.Label.Status != status && (d.Label.Status == label.Suspended || status == label.Suspended) {
			status = d.Label.Status
			act("demo.story." + string(status))
		}
		if is := d.State == home.Quarantined; is != (state == home.Quarantined) {
			key := "demo.story.back"
			if is {
				key = "demo.story.cut"
			}
			act(key)
		}
		state = d.State
	}
}
