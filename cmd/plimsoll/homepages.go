package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"plimsoll.example/plimsoll/internal/durable"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/control"
	"plimsoll.example/plimsoll/internal/web/household"
	"plimsoll.example/plimsoll/label"
)

// pageFlags says where the pages of a home are served.
type pageFlags struct {
	listen    string // address and port; "" is nowhere
	names     []string
	public    *url.URL // where others reach them, by a proxy that ends TLS; nil: as they ask
	forwarded bool     // that proxy says who asks
	cert, key string
	ready     func(l net.Listener, code string) // told when they are; code lets the owner in
	listener  net.Listener                      // that somebody else opened, on this machine; nil: listen is
}

func (p *pageFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&p.listen, "http", "", "")
	f.StringArrayVar(&p.names, "host", nil, "")
	f.Func("public-url", "", func(s string) (err error) {
		p.public, err = parsePublic(s)
		return err
	})
	f.BoolVar(&p.forwarded, "forwarded", false, "")
	f.StringVar(&p.cert, "tls-cert", "", "")
	f.StringVar(&p.key, "tls-key", "", "")
}

// servePages opens the port of the pages, and returns what serves them. Beyond this machine they are encrypted: with the
// certificate that the flags name, or one of our own that is kept in dir.
func (g *gateway) servePages(dir string) (serve func(context.Context) error, err error) {
	p := &g.pages
	if p.listen == "" {
		return func(context.Context) error { return nil }, nil
	}
	l := p.listener
	if l == nil {
		if l, err = freePort(p.listen, upPort); err != nil {
			return nil, &fault{err, "error.home.http", []any{"address", p.listen, "cause", err.Error()}}
		}
	}
	addr, err := netip.ParseAddrPort(l.Addr().String())
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	g.served.Store(&addr)
	if !addr.Addr().IsLoopback() || p.cert != "" {
		cert, err := p.certificate(dir)
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	}
	pages := g.newPages()
	site, err := pages.Site(version(), lowered(p.names))
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	site.Door, site.Events, site.Public, site.Forwarded, site.Passkeys = g.door, &g.news, p.public, p.forwarded, newPasskeys(g.door, g.store, g.log)
	people, err := site.Handler()
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	handler := http.NewServeMux()
	handler.Handle("/", people)
	programs := control.Read(g.api().Handler(), func(ctx context.Context, secret string) (bool, error) {
		return g.store.KnowsToken(ctx, secret, time.Now())
	}, g.log)
	handler.Handle("/api/v1/", programs)
	handler.Handle("/metrics", programs)
	return func(ctx context.Context) error {
		if p.ready != nil {
			code := g.door.Code
			if g.apart {
				code = func(role string) string { return g.door.Stand(role, role) }
			}
			p.ready(l, code(pageRoles[0]))
		}
		return serveHTTP(ctx, l, handler, g.news.Close, g.log)
	}, nil
}

// parsePublic reads where others reach pages: a scheme, a name, and a port if it likes.
func parsePublic(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, err
	}
	if u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "" {
		return nil, fs.ErrInvalid
	}
	return u, nil
}

// pagesLater serves the pages as soon as that can be done.
func (g *gateway) pagesLater(ctx context.Context, dir string) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(tryAgain):
		}
		serve, err := g.servePages(dir)
		g.fault(ctx, "show the pages", err)
		if err == nil {
			return serve(ctx)
		}
	}
}

// upPort is where the pages of one’s own machine are looked for first.
const upPort = "127.0.0.1:7376"

// freePort opens the port of pages, or any other where that one is taken and nobody asked for it: it is the usual one.
func freePort(listen, usual string) (net.Listener, error) {
	l, err := net.Listen("tcp", listen)
	if errors.Is(err, syscall.EADDRINUSE) && listen == usual {
		return net.Listen("tcp", "127.0.0.1:0")
	}
	return l, err
}

// serveHTTP answers until ctx is done; streams are ended by end.
func serveHTTP(ctx context.Context, l net.Listener, handler http.Handler, end func(), log *slog.Logger) error {
	s := &http.Server{
		Handler: handler, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ReadHeaderTimeout: 20 * time.Second, // browsers open connections before they need them
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		end()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if s.Shutdown(last) != nil {
			_ = s.Close() // whoever still asks is cut off
		}
	})
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("serve pages: %w", err)
	}
	<-stopped
	return nil
}

// certificate is the one that the flags name, else our own: made once, and kept as long as it is good.
func (p *pageFlags) certificate(dir string) (tls.Certificate, error) {
	if p.cert != "" {
		c, err := tls.LoadX509KeyPair(p.cert, p.key)
		if err != nil {
			return c, &fault{err, "error.home.certificate", []any{"name", p.cert, "cause", err.Error()}}
		}
		return c, nil
	}
	name := filepath.Join(dir, "pages.pem")
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && over(data, time.Now()) {
		if data, err = ownCertificate(lowered(p.names), time.Now()); err == nil {
			err = durable.WriteFile(name, data, 0o600)
		}
	}
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate of the pages: %w", err)
	}
	c, err := tls.X509KeyPair(data, data)
	if err != nil {
		return c, &fault{err, "error.home.certificate", []any{"name", name, "cause", err.Error()}}
	}
	return c, nil
}

// over reports whether the time of a certificate is over.
func over(data []byte, now time.Time) bool {
	c, err := tls.X509KeyPair(data, data)
	return err == nil && now.After(c.Leaf.NotAfter)
}

// ownCertificate is a certificate that nobody vouches for: a browser warns once. It has the names that the flags give,
// and those of this machine.
func ownCertificate(names []string, now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Plimsoll"}, NotBefore: now.Add(-24 * time.Hour), NotAfter: now.AddDate(2, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, DNSNames: append([]string{"localhost", "plimsoll"}, names...),
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok {
			t.IPAddresses = append(t.IPAddresses, n.IP)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...), nil
}

func lowered(names []string) (list []string) {
	for _, n := range names {
		list = append(list, strings.ToLower(n))
	}
	return list
}

// tell lets pages know when what they show has changed: who is here, what is done about them, what was found.
func (g *gateway) tell(findings int) {
	h := fnv.New64a()
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(findings))
	_, _ = h.Write(n[:])
	for _, d := range g.household.Devices() {
		status := label.Status("")
		if d.Label != nil {
			status = d.Label.Status
		}
		fmt.Fprintln(h, status, d.ID, d.Title(), d.Room, d.State, d.Admission, d.Confirmed, d.File, d.Identity.Category, d.Identity.Maker, d.Waits() != "", d.Offers() != nil)
	}
	if sum := h.Sum64(); sum != g.told {
		g.told = sum
		g.news.Changed()
	}
}

// pageRoles are those that a code can be for.
var pageRoles = []string{"owner", "adult", "helper", "child", "guest"}

// code makes a code that lets one in, for whoever reaches the control socket.
func (g *gateway) code(role string) (string, error) {
	if !slices.Contains(pageRoles, role) {
		return "", fmt.Errorf("%w: %q is none of %s", home.ErrVerb, role, strings.Join(pageRoles, ", "))
	}
	return g.door.Code(role), nil
}

// newHomeCode is the verb that shows a code for coming into the pages.
func newHomeCode(e env, words *locale.Catalogue) *cobra.Command {
	r := &remote{env: e, words: words}
	role := pageRoles[0]
	c := &cobra.Command{Use: "code", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		var made struct {
			Schema string    `json:"schema"`
			Code   string    `json:"code"`
			Role   string    `json:"role"`
			Until  time.Time `json:"until"`
		}
		if err := r.call(c.Context(), http.MethodPost, "codes", map[string]string{"role": role}, &made); err != nil {
			return err
		}
		if r.json {
			return printJSON(r.out, made)
		}
		return r.print([]string{words.Text("home.code", "code", made.Code[:4]+" "+made.Code[4:], "role", made.Role, "until", words.Clock(made.Until.Local()))})
	}}
	r.flags(c)
	c.Flags().StringVar(&role, "role", role, "")
	return c
}

// pageAddress is where a browser finds the pages that a listener serves.
func pageAddress(l net.Listener, lang locale.Lang, code string) string {
	return fmt.Sprintf("http://%s/%s/sign-in?code=%s", l.Addr(), lang, code)
}

// shields are what is in force whatever the labels of devices say, and what it stopped.
func (g *gateway) shields(ctx context.Context) (home.Shields, error) {
	s := home.Shields{Stopped: map[string]home.Stopped{}}
	if g.kernel == nil {
		return s, nil
	}
	s.Sources, s.Ceilings, s.Inbound, s.Mapping, s.Neighbours = true, true, !g.inbound, true, true
	counters, err := g.kernel.Counters(ctx)
	if err != nil {
		return s, err
	}
	for _, d := range g.household.Devices() {
		var sum home.Stopped
		for _, m := range d.MACs {
			c := counters[m]
			sum.Out, sum.In, sum.Spoofed = sum.Out+c.Out, sum.In+c.In, sum.Spoofed+c.Spoofed
		}
		if sum != (home.Stopped{}) {
			s.Stopped[d.ID] = sum
		}
	}
	return s, nil
}

// labelled is the label of a device, if it has one.
func (g *gateway) labelled(ctx context.Context, d *home.Device) (*household.Labelled, error) {
	if d.LabelFile == "" {
		return nil, nil //nolint:nilnil // it has none
	}
	s, err := g.statement(ctx, d.LabelFile)
	if err != nil {
		return nil, fmt.Errorf("label of %s: %w", d.ID, err)
	}
	l := &household.Labelled{Statement: s, Status: label.Unknown}
	if d.Label != nil && d.Label.File == d.LabelFile {
		l.Status, l.AsOf, l.Registry = d.Label.Status, d.Label.AsOf, d.Label.Registry
	}
	return l, nil
}

// statement is what the label of a file says. A page of many devices asks for many: each is read once.
func (g *gateway) statement(ctx context.Context, file string) (*label.Statement, error) {
	if s, ok := g.statements.Load(file); ok {
		return s.(*label.Statement), nil
	}
	f, err := g.store.File(ctx, file)
	if err != nil {
		return nil, err
	}
	e, err := label.ParseEnvelope(f.Body)
	if err != nil {
		return nil, err
	}
	s, err := e.Statement()
	if err == nil {
		g.statements.Store(file, s)
	}
	return s, err
}
