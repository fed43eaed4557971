package conformance

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"plimsoll.example/plimsoll/internal/certtest"
	"plimsoll.example/plimsoll/mud"
)

// save writes a certificate into a folder, and returns its name.
func save(t *testing.T, h *certtest.Holder, dir, name string) string {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// maker is the server of a maker’s MUD files.
type maker struct {
	root, signer *certtest.Holder
	at           netip.Addr

	mu    sync.Mutex
	files map[string][]byte
	asked map[string]int
}

// newMaker runs a server on an address of the Internet. Its certificate is good, unless change makes it otherwise.
func newMaker(t *testing.T, n *namespace, root *certtest.Holder, at netip.Addr, change func(*x509.Certificate)) *maker {
	t.Helper()
	m := &maker{root: root, at: at, files: map[string][]byte{}, asked: map[string]int{}}
	m.signer = certtest.Issue(t, root, "signer", nil)
	serveTLS(t, n, root, at, change, m)
	return m
}

// serveTLS serves at an address, on port 443.
func serveTLS(t *testing.T, n *namespace, root *certtest.Holder, at netip.Addr, change func(*x509.Certificate), handler http.Handler) (base string) {
	t.Helper()
	server := certtest.Issue(t, root, "server", func(c *x509.Certificate) {
		c.IPAddresses = []net.IP{at.AsSlice()}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if change != nil {
			change(c)
		}
	})
	err := n.do(func() error {
		l, err := net.Listen("tcp", netip.AddrPortFrom(at, 443).String())
		if err != nil {
			return err
		}
		h := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
		t.Cleanup(func() { _ = h.Close() })
		go func() {
			_ = h.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{server.Cert.Raw}, PrivateKey: server.Key}}}))
		}()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return "https://" + at.String()
}

func (m *maker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	body, ok := m.files[r.URL.Path]
	m.asked[r.URL.Path]++
	m.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/mud+json")
	if strings.HasSuffix(r.URL.Path, ".p7s") {
		w.Header().Set("Content-Type", "application/pkcs7-signature")
	}
	_, _ = w.Write(body)
}

// times is how often a file was asked for, timesOf anything.
func (m *maker) times(name string) int { return m.timesOf("/" + name + ".json") }

func (m *maker) timesOf(path string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked[path]
}

// publish puts a file on the server, signed, and says where it is. spoil may alter it after it was signed.
func (m *maker) publish(t *testing.T, name string, from, to []entry, by *certtest.Holder, spoil func([]byte) []byte) (url string) {
	t.Helper()
	body := mudFile(t, m.base(), name, from, to)
	signature, err := mud.Sign(body, by.Cert, by.Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	if spoil != nil {
		body = spoil(body)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files["/"+name+".json"], m.files["/"+name+".p7s"] = body, signature
	return m.url(name)
}

func (m *maker) base() string {
	if m.at.Is6() {
		return "https://[" + m.at.String() + "]"
	}
	return "https://" + m.at.String()
}

// url is the MUD URL of a file.
func (m *maker) url(name string) string { return m.base() + "/" + name + ".json" }

// entry is the matches of what a MUD file allows, or, with drop, forbids. What is said of ip is said of both families.
type entry map[string]any

// mudFile is a MUD file.
func mudFile(t *testing.T, base, name string, from, to []entry) []byte {
	t.Helper()
	type object = map[string]any
	lists, policies := []object{}, object{}
	for _, d := range []struct {
		direction string
		entries   []entry
	}{{"from", from}, {"to", to}} {
		use := []object{}
		for _, family := range []string{"ipv4", "ipv6"} {
			aces := []object{}
			for i, e := range d.entries {
				matches, action := object{}, "accept"
				for k, v := range e {
					switch {
					case k == "drop":
						action = "drop"
						continue
					case k == "ip":
						k = family
					case strings.HasPrefix(k, "ipv") && k != family:
						continue
					}
					matches[k] = v
				}
				aces = append(aces, object{
					"name": fmt.Sprint(d.direction, i), "matches": matches, "actions": object{"forwarding": action},
				})
			}
			id := d.direction + family
			lists = append(lists, object{"name": id, "type": family + "-acl-type", "aces": object{"ace": aces}})
			use = append(use, object{"name": id})
		}
		policies[d.direction+"-device-policy"] = object{"access-lists": object{"access-list": use}}
	}
	head := object{
		"mud-version": 1, "mud-url": base + "/" + name + ".json", "mud-signature": base + "/" + name + ".p7s", "cache-validity": 24,
		"last-update": "2026-11-01T00:00:00+00:00", "is-supported": true, "systeminfo": name, "mfg-name": "Example Lamps", "model-name": name,
	}
	for k, v := range policies {
		head[k] = v
	}
	body, err := json.Marshal(object{"ietf-mud:mud": head, "ietf-access-control-list:acls": object{"acl": lists}})
	if err != nil {
		t.Fatal(err)
	}
	return body
}
