package tls

import (
	"crypto"
	cryptotls "crypto/tls"
	"crypto/x509"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
)

// tap keeps what is written to a connection, and never blocks its writer: both sides may write at once.
type tap struct {
	net.Conn
	mu      sync.Mutex // guards written
	written []byte
	queue   chan []byte
}

func newTap(c net.Conn) *tap {
	t := &tap{Conn: c, queue: make(chan []byte, 100)}
	go func() {
		for b := range t.queue {
			if _, err := t.Conn.Write(b); err != nil {
				return // the other end has closed
			}
		}
	}()
	return t
}

func (c *tap) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written = append(c.written, b...)
	c.queue <- slices.Clone(b)
	return len(b), nil
}

// shake has the TLS of the standard library shake hands with itself, and returns what each side said.
func shake(t *testing.T, client, server *cryptotls.Config) (fromClient, fromServer []byte) {
	t.Helper()
	a, b := net.Pipe()
	here, there := newTap(a), newTap(b)
	defer close(here.queue)
	defer close(there.queue)
	done := make(chan error, 1)
	go func() {
		s := cryptotls.Server(there, server)
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("hello"))
		}
		done <- err
	}()
	c := cryptotls.Client(here, client)
	if _, err := c.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	here.mu.Lock()
	defer here.mu.Unlock()
	there.mu.Lock()
	defer there.mu.Unlock()
	return here.written, there.written
}

func TestRealHandshakes(t *testing.T) {
	key := newKey(t, "ecdsa-p256")
	der := certify(t, key, nil, "camera.example")
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	own := cryptotls.Certificate{Certificate: [][]byte{der}, PrivateKey: crypto.PrivateKey(key)}

	for _, tt := range []struct {
		name           string
		version        uint16
		curves         []cryptotls.CurveID // of the server
		client, server []string
	}{
		{
			"1.2 with certificates of both", cryptotls.VersionTLS12, nil,
			[]string{"tls.sni", "tls.version 1.2", "tls.alpn h2,http/1.1", "tls.ja3", "tls.ja4 t12d", "tls.offer 0303", "tls.certificate camera-42 side=client"},
			[]string{"tls.version 1.2", "tls.cipher TLS_ECDHE_ECDSA_WITH_", "tls.alpn h2", "tls.ja3s", "tls.certificate camera-42 side=server"},
		},
		{
			"1.3", cryptotls.VersionTLS13, nil,
			[]string{"tls.sni", "tls.version 1.3", "tls.alpn h2,http/1.1", "tls.ja3", "tls.ja4 t13d", "tls.offer 0304"},
			[]string{"tls.version 1.3", "tls.cipher TLS_", "tls.ja3s"},
		},
		{
			"1.3 with a retry", cryptotls.VersionTLS13,
			[]cryptotls.CurveID{cryptotls.CurveP521},
			[]string{"tls.sni", "tls.version 1.3", "tls.alpn h2,http/1.1", "tls.ja3", "tls.ja4 t13d", "tls.offer 0304"},
			[]string{"tls.version 1.3", "tls.cipher TLS_", "tls.ja3s", "tls.version 1.3", "tls.cipher TLS_", "tls.ja3s"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, server := shake(t,
				&cryptotls.Config{
					ServerName: "camera.example", RootCAs: roots, NextProtos: []string{"h2", "http/1.1"}, MaxVersion: tt.version,
					Certificates: []cryptotls.Certificate{own}, Time: leaf.NotBefore.UTC,
				},
				&cryptotls.Config{
					Certificates: []cryptotls.Certificate{own}, NextProtos: []string{"h2"}, ClientAuth: cryptotls.RequireAnyClientCert,
					CurvePreferences: tt.curves, Time: leaf.NotBefore.UTC,
				})
			for _, side := range []struct {
				stream    []byte
				want      []string
				initiator bool
			}{{client, tt.client, true}, {server, tt.server, false}} {
				for _, size := range []int{1, 100, 1448, 1 << 16} {
					got, state := cut(t, side.stream, size, side.initiator)
					if state != dissect.Done || !slices.EqualFunc(got, side.want, strings.HasPrefix) {
						t.Errorf("segments of %d: state %d\n got %s\nwant %s", size, state, got, side.want)
					}
				}
			}
		})
	}
}
