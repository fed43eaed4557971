package resolver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// world is a name server that knows zone files, and does other things if told.
type world struct {
	mu      sync.Mutex
	records map[string][]dns.RR // by name
	asked   []*dns.Msg
	reply   func(m, query *dns.Msg, network string) *dns.Msg // changes an answer; nil drops it
}

func newWorld(t testing.TB, zone string) *world {
	t.Helper()
	w := &world{records: map[string][]dns.RR{}}
	p := dns.NewZoneParser(strings.NewReader(zone), ".", "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		name := dns.CanonicalName(rr.Header().Name)
		w.records[name] = append(w.records[name], rr)
	}
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) set(f func(m, query *dns.Msg, network string) *dns.Msg) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reply = f
}

// count is how often a name was asked for.
func (w *world) count(name string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.asked {
		if strings.EqualFold(m.Question[0].Name, name) {
			n++
		}
	}
	return n
}

func (w *world) last() *dns.Msg {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[len(w.asked)-1]
}

func (w *world) answer(query *dns.Msg, network string) *dns.Msg {
	w.mu.Lock()
	w.asked = append(w.asked, query.Copy())
	m := new(dns.Msg).SetReply(query)
	m.RecursionAvailable = true
	m.Compress = true
	q := query.Question[0]
	name := dns.CanonicalName(q.Name)
	exists := false
	for range 20 {
		var alias *dns.CNAME
		for _, rr := range w.records[name] {
			exists = true
			if c, ok := rr.(*dns.CNAME); ok {
				alias = c
			}
			if rr.Header().Rrtype == q.Qtype || rr.Header().Rrtype == dns.TypeCNAME {
				m.Answer = append(m.Answer, dns.Copy(rr))
			}
		}
		if alias == nil || q.Qtype == dns.TypeCNAME {
			break
		}
		name = dns.CanonicalName(alias.Target)
	}
	if !exists {
		m.Rcode = dns.RcodeNameError
	}
	if len(m.Answer) == 0 {
		soa, _ := dns.NewRR("example. 300 IN SOA ns.example. root.example. 1 2 3 4 60")
		if strings.HasSuffix(name, "example.") {
			m.Ns = append(m.Ns, soa)
		}
	}
	change := w.reply
	w.mu.Unlock()
	if o := query.IsEdns0(); o != nil {
		m.SetEdns0(1232, o.Do())
	}
	if change != nil {
		m = change(m, query, network)
	}
	if m != nil && network == "udp" && m.Len() > 1232 {
		m = m.Copy()
		m.Answer, m.Truncated = nil, true
	}
	return m
}

func (w *world) ServeDNS(rw dns.ResponseWriter, query *dns.Msg) {
	if m := w.answer(query, rw.RemoteAddr().Network()); m != nil {
		_ = rw.WriteMsg(m)
	}
}

// listen makes the world answer by UDP and TCP, and returns where.
func (w *world) listen(t testing.TB) string {
	t.Helper()
	p, l := samePort(t)
	w.serve(t, &dns.Server{PacketConn: p})
	w.serve(t, &dns.Server{Listener: l})
	return p.LocalAddr().String()
}

// samePort is a port by UDP and by TCP. What is free by one may not be by the other.
func samePort(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 20 {
		p, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if l, err := net.Listen("tcp", p.LocalAddr().String()); err == nil {
			return p, l
		}
		_ = p.Close()
	}
	t.Fatal("no port is free by UDP and TCP")
	return nil, nil
}

func (w *world) serve(t testing.TB, s *dns.Server) {
	t.Helper()
	started := make(chan struct{})
	s.Handler, s.NotifyStartedFunc = w, func() { close(started) }
	done := make(chan struct{})
	go func() { defer close(done); _ = s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = s.Shutdown(); <-done })
}

// certify makes a certificate for a name, and who vouches for it.
func certify(t testing.TB, name string, end time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: end.Add(-48 * time.Hour),
		NotAfter: end, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// listenTLS makes the world answer by DNS over TLS.
func (w *world) listenTLS(t testing.TB, cert tls.Certificate) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	w.serve(t, &dns.Server{Listener: l})
	return l.Addr().String()
}

// listenHTTPS makes the world answer by DNS over HTTPS. It counts the requests by the version of HTTP.
func (w *world) listenHTTPS(t testing.TB, cert tls.Certificate, versions *sync.Map) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		versions.Store(req.Proto, true)
		body, _ := io.ReadAll(req.Body)
		var m dns.Msg
		if req.Method != http.MethodPost || req.URL.Path != "/dns-query" || m.Unpack(body) != nil {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		reply := w.answer(&m, "https")
		out, _ := reply.Pack()
		rw.Header().Set("Content-Type", "application/dns-message")
		_, _ = rw.Write(out)
	}))
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// start runs a resolver on a free port of loopback, and returns where. It must stop without leaving anything behind.
func start(t testing.TB, cfg Config) (*Resolver, string) {
	t.Helper()
	if cfg.Listen == nil {
		cfg.Listen = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}
	}
	if cfg.Rate == 0 {
		cfg.Rate = -1
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	ready, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	at, err := r.Ready(ready)
	if err != nil {
		t.Fatal(err, <-done)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		leaks(t, r)
	})
	return r, at[0].String()
}

// owner finds in a stack whose code it is; a value that may be an old one has a question mark.
var owner = regexp.MustCompile(`\(\*Resolver\)\.\w+\((0x[0-9a-f]+)[,)]`)

// leaks fails if code of a resolver still runs. Those of others may.
func leaks(t testing.TB, r *Resolver) {
	t.Helper()
	whose := fmt.Sprintf("%p", r)
	var stacks string
	for range 100 {
		stacks = ""
		buf := make([]byte, 1<<20)
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if !strings.Contains(g, whose) || strings.Contains(g, "resolver.leaks(") {
				continue
			}
			if m := owner.FindStringSubmatch(g); m != nil && m[1] != whose {
				continue // of another, on whose stack the value lies from before
			}
			stacks += g + "\n\n"
		}
		if stacks == "" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("still running after Run returned:\n%s", stacks)
}

func ask(name string, qtype uint16) *dns.Msg { return new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype) }

// exchange sends a query and waits for its answer.
func exchange(t testing.TB, network, at string, m *dns.Msg) *dns.Msg {
	t.Helper()
	c := &dns.Client{Net: network, Timeout: 10 * time.Second}
	reply, _, err := c.Exchange(m, at)
	if err != nil {
		t.Fatalf("%s by %s: %v", m.Question[0].Name, network, err)
	}
	return reply
}

// addressesOf are the addresses in an answer, in order.
func addressesOf(m *dns.Msg) (list []string) {
	for _, rr := range m.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			list = append(list, rr.A.String())
		case *dns.AAAA:
			list = append(list, rr.AAAA.String())
		}
	}
	return list
}

// dialerFrom dials from one of loopback's many addresses.
func dialerFrom(network, from string) *net.Dialer {
	ip := net.ParseIP(from)
	if network == "tcp" {
		return &net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: ip}}
	}
	return &net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.UDPAddr{IP: ip}}
}
