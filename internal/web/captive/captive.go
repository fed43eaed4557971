// Package captive is the page that a device in quarantine gets instead of any other: why it is cut off, what to do, whom
// to call. It is in English and in French, and needs nothing else: no script, no other file, no other server.
//
// Whoever asks may be malware. It is told nothing of other devices, what it sends is not read beyond the head of a
// request, and it has few connections, for a short time. Who is not in quarantine gets no page.
package captive

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
)

//go:embed page.html
var pageSource string

//go:embed page.css
var style string

// Config is what the page says.
type Config struct {
	// Device is the device with an address, and the names of the servers that repair it; nil if nobody in quarantine has
	// the address.
	Device func(client netip.Addr) (d *home.Device, servers []string)
	// Why is why a device is in quarantine, in words; nil: its reason as it is.
	Why     func(ctx context.Context, d *home.Device, words *locale.Catalogue) string
	Contact string      // whom to call; "" says: who looks after this network
	Lang    locale.Lang // for who asks for none that there is
	Log     *slog.Logger
}

// Page answers requests for any page at all. Any number of goroutines may use it.
type Page struct {
	cfg    Config
	tmpl   *template.Template
	words  map[locale.Lang]*locale.Catalogue
	policy string
}

// New makes the page.
func New(cfg Config) (*Page, error) {
	tmpl, err := template.New("captive").Parse(pageSource)
	if err != nil {
		return nil, fmt.Errorf("read the template of the page: %w", err)
	}
	sum := sha256.Sum256([]byte(style))
	p := &Page{
		cfg: cfg, tmpl: tmpl, words: map[locale.Lang]*locale.Catalogue{},
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	}
	for _, l := range locale.Languages {
		p.words[l] = locale.New(l)
	}
	return p, nil
}

// said is what the template is given.
type said struct {
	Lang                      locale.Lang
	Style                     template.CSS
	Name, ID, Reason, Contact string
	Servers                   []string
	Since, Until              time.Time
	words                     *locale.Catalogue
}

// T is a message.
func (s *said) T(key string, args ...any) string { return s.words.Text(key, args...) }

// ServeHTTP answers with the page, whatever is asked for. So phones and computers, which ask for a known page to see
// whether they are on the Internet, show it by themselves: they await another answer.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", p.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store") // or it would stay where another page is, when that can be had again
	h.Set("Vary", "Accept-Language")
	h.Set("Connection", "close")
	d, servers := p.device(r.RemoteAddr)
	if d == nil {
		http.Error(w, http.StatusText(http.StatusForbidden), http.StatusForbidden)
		return
	}
	lang := locale.Accepted(r.Header.Get("Accept-Language"), p.cfg.Lang)
	why := d.Reason
	if p.cfg.Why != nil {
		why = p.cfg.Why(r.Context(), d, p.words[lang])
	}
	var body bytes.Buffer
	err := p.tmpl.Execute(&body, &said{
		Lang: lang, Style: template.CSS(style), words: p.words[lang], Name: clean(d.Title()), ID: d.ID, Reason: clean(why), Contact: clean(p.cfg.Contact),
		Servers: servers, Since: d.Since.Local(), Until: d.Stance.Until,
	})
	if err != nil {
		p.cfg.Log.ErrorContext(r.Context(), "the page of quarantine cannot be written", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(lang))
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.WriteHeader(http.StatusNetworkAuthenticationRequired) // RFC 6585 §6: what was sent went nowhere
	}
	_, _ = w.Write(body.Bytes())
}

func (p *Page) device(remote string) (*home.Device, []string) {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return nil, nil
	}
	return p.cfg.Device(at.Addr().Unmap())
}

// maxText bounds what strangers wrote that is shown, in octets.
const maxText = 500

// clean is what strangers wrote, as it is shown.
func clean(s string) string {
	s = strings.Map(locale.Visible, strings.ToValidUTF8(s, ""))
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}

// Bounds of connections: all at a time, and those of one address.
const (
	maxConnections = 64
	maxOfOne       = 6
)

// Serve answers on a listener until ctx is done.
func (p *Page) Serve(ctx context.Context, l net.Listener) error {
	s := &http.Server{
		Handler: p, ReadHeaderTimeout: 3 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, IdleTimeout: time.Second,
		MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(p.cfg.Log.Handler(), slog.LevelDebug),
	}
	s.SetKeepAlivesEnabled(false)
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	if err := s.Serve(&bounded{Listener: l, open: map[netip.Addr]int{}}); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the page of quarantine: %w", err)
	}
	return nil
}

// bounded is a listener that hangs up on who has too many connections.
type bounded struct {
	net.Listener
	mu   sync.Mutex
	open map[netip.Addr]int
	all  int
}

func (b *bounded) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		var from netip.Addr
		if at, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil {
			from = at.Addr().Unmap()
		}
		b.mu.Lock()
		full := b.all >= maxConnections || b.open[from] >= maxOfOne
		if !full {
			b.all++
			b.open[from]++
		}
		b.mu.Unlock()
		if full {
			_ = c.Close()
			continue
		}
		return &counted{Conn: c, done: func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.all--
			if b.open[from]--; b.open[from] == 0 {
				delete(b.open, from)
			}
		}}, nil
	}
}

// counted is a connection whose end is told, once.
type counted struct {
	net.Conn
	once sync.Once
	done func()
}

func (c *counted) Close() error {
	c.once.Do(c.done)
	return c.Conn.Close()
}
