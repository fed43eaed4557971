package probe

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"plimsoll.example/plimsoll/internal/assess"
	"plimsoll.example/plimsoll/internal/certtest"
	"plimsoll.example/plimsoll/internal/frame"
)

// serve answers each connection to a port of its own.
func serve(t *testing.T, handle func(net.Conn)) uint16 {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(20 * time.Second))
				handle(c)
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String()).Port()
}

// telnetServer asks for a name and a password, and lets these in.
func telnetServer(user, password string) func(net.Conn) {
	return func(c net.Conn) {
		in := bufio.NewReader(c)
		ask := func(prompt string) (string, error) {
			if _, err := c.Write([]byte(prompt)); err != nil {
				return "", err
			}
			var line []byte
			for {
				b, err := in.ReadByte()
				if err != nil {
					return "", err
				}
				switch {
				case b == iac:
					if _, err := in.Discard(2); err != nil {
						return "", err
					}
				case b == '\n':
					return strings.TrimSpace(string(line)), nil
				default:
					line = append(line, b)
				}
			}
		}
		_, _ = c.Write([]byte{iac, will, 1, iac, do, 31})
		u, err := ask("camera login: ")
		if err != nil {
			return
		}
		p, err := ask("Password: ")
		if err != nil {
			return
		}
		if u == user && p == password {
			_, _ = c.Write([]byte("\r\nBusyBox v1.19\r\n\r\n# "))
			_, _ = io.Copy(io.Discard, in)
			return
		}
		_, _ = ask("\r\nLogin incorrect\r\ncamera login: ")
	}
}

// probe looks at ports of this machine: what Run does not ask about addresses, Allowed does.
func probe(t *testing.T, change func(*Config), ports ...uint16) *assess.Transcript {
	t.Helper()
	c := DefaultConfig()
	c.Address, c.Ports, c.Only, c.Pace, c.LoginPace = netip.MustParseAddr("127.0.0.1"), ports, true, 0, 0
	c.greet = 500 * time.Millisecond
	if change != nil {
		change(&c)
	}
	x, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	// What is written can be read again, and is what was written.
	text, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := assess.ParseTranscript(text); err != nil {
		t.Fatal(err)
	}
	return x
}

// outcome is what came out of a check, or "".
func outcome(x *assess.Transcript, check string) string {
	for _, c := range x.Checks {
		if c.Check == check {
			return c.Outcome
		}
	}
	return ""
}

func expect(t *testing.T, x *assess.Transcript, want map[string]string) {
	t.Helper()
	for _, a := range assess.Checks() {
		if got := outcome(x, a.Check); got != want[a.Check] {
			t.Errorf("%s: %q, want %q", a.Check, got, want[a.Check])
		}
	}
	if t.Failed() {
		for _, c := range x.Checks {
			t.Logf("%+v", c)
		}
		for _, e := range x.Exchanges {
			t.Logf("%+v", e)
		}
	}
}

func TestTelnetWithAPasswordThatEverybodyKnowsIsFound(t *testing.T) {
	x := probe(t, nil, serve(t, telnetServer("root", "xc3511")))
	expect(t, x, map[string]string{"legacy.service": "bad", "login.clear": "bad", "login.default": "bad"})
	text, _ := json.Marshal(x)
	if strings.Contains(string(text), "xc3511") {
		t.Error("the password is in the transcript")
	}
	logins := 0
	for _, e := range x.Exchanges {
		if e.Sent == "log in" {
			logins++
		}
	}
	if logins != 11 { // one that must fail, and ten of the list
		t.Errorf("%d log-ins: it did not stop at the first that worked", logins)
	}
}

func TestTelnetWithoutALoginIsAWayIn(t *testing.T) {
	x := probe(t, nil, serve(t, func(c net.Conn) {
		_, _ = c.Write([]byte("\r\nwelcome\r\n~ # "))
		_, _ = io.Copy(io.Discard, c)
	}))
	expect(t, x, map[string]string{"legacy.service": "bad", "access.open": "bad", "debug.open": "bad"})
}

func TestGuessingWithoutEndIsFound(t *testing.T) {
	x := probe(t, nil, serve(t, telnetServer("root", "a good one")))
	expect(t, x, map[string]string{"legacy.service": "bad", "login.clear": "bad", "login.guessing": "bad"})
	x = probe(t, func(c *Config) { c.Tries = 5 }, serve(t, telnetServer("root", "a good one")))
	expect(t, x, map[string]string{"legacy.service": "bad", "login.clear": "bad", "login.guessing": "unclear"})
	x = probe(t, func(c *Config) { c.Logins = false }, serve(t, telnetServer("root", "root")))
	expect(t, x, map[string]string{"legacy.service": "bad", "login.clear": "bad"})
}

func TestThePasswordOfAnotherUnitIsTried(t *testing.T) {
	x := probe(t, func(c *Config) { c.Others = []Credential{{"admin", "sticker-of-another"}} }, serve(t, telnetServer("admin", "sticker-of-another")))
	expect(t, x, map[string]string{"legacy.service": "bad", "login.clear": "bad", "login.repeated": "bad"})
	text, _ := json.Marshal(x)
	if strings.Contains(string(text), "sticker-of-another") {
		t.Error("the owner’s secret is in the transcript")
	}
}

func port(t *testing.T, s *httptest.Server) uint16 {
	t.Helper()
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String()).Port()
}

// guarded asks for a password by Basic, and after some wrong ones for patience.
func guarded(user, password string, patience int32) http.Handler {
	var wrong atomic.Int32
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, p, ok := r.BasicAuth()
		switch {
		case patience > 0 && wrong.Load() >= patience:
			http.Error(w, "wait", http.StatusTooManyRequests)
		case ok && u == user && p == password:
			fmt.Fprint(w, "<html>welcome</html>")
		default:
			if ok {
				wrong.Add(1)
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="camera"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
		}
	})
}

func TestHTTPLogins(t *testing.T) {
	x := probe(t, nil, port(t, httptest.NewServer(guarded("admin", "12345", 0))))
	expect(t, x, map[string]string{"login.clear": "bad", "login.default": "bad"})
	x = probe(t, nil, port(t, httptest.NewServer(guarded("admin", "long and good", 6))))
	expect(t, x, map[string]string{"login.clear": "bad", "login.guessing": "good"})
	if !slices.ContainsFunc(x.Checks, func(c assess.Check) bool { return c.Detail == "after 6 wrong log-ins it takes no more" }) {
		t.Errorf("%+v", x.Checks)
	}
	x = probe(t, nil, port(t, httptest.NewServer(guarded("admin", "long and good", 0))))
	expect(t, x, map[string]string{"login.clear": "bad", "login.guessing": "bad"})
}

func TestALoginThatTakesAnythingIsNoDefaultPassword(t *testing.T) {
	x := probe(t, nil, port(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))))
	expect(t, x, map[string]string{"login.clear": "bad", "access.open": "bad"})
}

func TestWhoIsSentElsewhereIsNotSaidToBeLetIn(t *testing.T) {
	x := probe(t, nil, port(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); ok {
			http.Redirect(w, r, "/login.html?wrong", http.StatusFound)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))))
	expect(t, x, map[string]string{"login.clear": "bad"})
}

func TestDigestIsAnswered(t *testing.T) {
	x := probe(t, nil, port(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := challenge{"digest", map[string]string{"realm": "cam", "nonce": "abc", "qop": "auth"}}
		if r.Header.Get("Authorization") == c.answer(Credential{"admin", "admin"}, "GET", "/") {
			return
		}
		w.Header().Set("WWW-Authenticate", `Digest realm="cam", nonce="abc", qop="auth"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))))
	expect(t, x, map[string]string{"login.weak": "bad", "login.default": "bad"})
	// RFC 7616, Section 3.9.1, of which only the client’s nonce is our own; RFC 2617, Section 3.5, without qop.
	c := parseChallenge([]string{`Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`})
	if got := c.answer(Credential{"Mufasa", "Circle Of Life"}, "GET", "/dir/index.html"); !strings.Contains(got, `response="670fd8c2df070c60b045671b8b24ff02"`) {
		t.Error(got)
	}
}

func TestASecretInAConfigurationIsFoundAndNotKept(t *testing.T) {
	x := probe(t, nil, port(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/config.json" {
			fmt.Fprint(w, `{"ssid": "home", "wifi_password": "hunter22"}`)
			return
		}
		fmt.Fprint(w, "<form><input type=password></form>")
	}))))
	expect(t, x, map[string]string{"access.open": "bad", "discovery.leak": "bad"})
	if text, _ := json.Marshal(x); strings.Contains(string(text), "hunter22") {
		t.Error("the secret is in the transcript")
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var visited atomic.Bool
	elsewhere := port(t, httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited.Store(true) })))
	x := probe(t, nil, port(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, fmt.Sprintf("http://127.0.0.1:%d/", elsewhere), http.StatusFound)
	}))))
	expect(t, x, nil)
	if visited.Load() {
		t.Error("it went where the device sent it")
	}
}

func tlsServer(t *testing.T, from, to uint16, suites ...uint16) uint16 {
	t.Helper()
	h := certtest.Issue(t, nil, "device", nil)
	config := &tls.Config{
		MinVersion: from, MaxVersion: to, CipherSuites: suites, //nolint:gosec // a bad device
		Certificates: []tls.Certificate{{Certificate: [][]byte{h.Cert.Raw}, PrivateKey: h.Key}},
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.TLS = config
	s.StartTLS()
	return port(t, s)
}

func TestTheQualityOfTLS(t *testing.T) {
	for _, tt := range []struct {
		name     string
		from, to uint16
		suites   []uint16
		want     map[string]string
	}{
		{"sound", tls.VersionTLS12, tls.VersionTLS13, nil, map[string]string{"tls.version": "good"}},
		{"the newest alone", tls.VersionTLS13, tls.VersionTLS13, nil, map[string]string{"tls.version": "good"}},
		{"old too", tls.VersionTLS10, tls.VersionTLS13, nil, map[string]string{"tls.version": "bad"}},
		{"broken suites", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, map[string]string{"tls.version": "unclear", "tls.cipher": "bad"}},
	} {
		x := probe(t, nil, tlsServer(t, tt.from, tt.to, tt.suites...))
		t.Run(tt.name, func(t *testing.T) { expect(t, x, tt.want) })
		if len(x.Keys) != 1 || x.Keys[0].Kind != "tls" || !x.Open[0].TLS || x.Open[0].Service != "http" {
			t.Errorf("%s: keys %v, open %v", tt.name, x.Keys, x.Open)
		}
	}
}

func TestSSHShowsItsKeyAndTakesNoDefault(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	server := func(password string) uint16 {
		config := &ssh.ServerConfig{PasswordCallback: func(c ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
			if c.User() == "root" && string(p) == password {
				return nil, nil
			}
			return nil, errors.New("no")
		}}
		config.AddHostKey(signer)
		return serve(t, func(c net.Conn) {
			if _, _, requests, err := ssh.NewServerConn(c, config); err == nil {
				ssh.DiscardRequests(requests)
			}
		})
	}
	x := probe(t, nil, server("root"))
	expect(t, x, map[string]string{"login.default": "bad"})
	y := probe(t, func(c *Config) { c.Logins = false }, server("good"))
	expect(t, y, nil)
	if len(x.Keys) != 1 || len(y.Keys) != 1 || x.Keys[0].SHA256 != y.Keys[0].SHA256 {
		t.Errorf("keys %v and %v", x.Keys, y.Keys)
	}
}

func TestFTPAndMQTTAndRTSP(t *testing.T) {
	ftp := func(pass string) func(net.Conn) {
		return func(c net.Conn) {
			fmt.Fprint(c, "220 camera FTP server\r\n")
			in := bufio.NewScanner(c)
			for in.Scan() {
				word, rest, _ := strings.Cut(in.Text(), " ")
				switch {
				case word == "USER":
					fmt.Fprint(c, "331 who?\r\n")
				case rest == pass:
					fmt.Fprint(c, "230-hello\r\n230 in\r\n")
				default:
					fmt.Fprint(c, "530 no\r\n")
				}
			}
		}
	}
	x := probe(t, nil, serve(t, ftp("probe@")))
	expect(t, x, map[string]string{"legacy.service": "bad", "access.open": "bad"})
	x = probe(t, nil, serve(t, ftp("1234")))
	expect(t, x, map[string]string{"legacy.service": "bad", "login.clear": "bad", "login.default": "bad"})

	mqtt := func(code byte) func(net.Conn) {
		return func(c net.Conn) {
			b := make([]byte, 256)
			n, err := c.Read(b)
			if err != nil || n < 10 || b[0] != 0x10 || string(b[4:8]) != "MQTT" {
				return
			}
			_, _ = c.Write([]byte{0x20, 2, 0, code})
		}
	}
	r := &run{Config: Config{Address: netip.MustParseAddr("127.0.0.1"), Now: time.Now, talk: time.Second, greet: time.Second}, t: &assess.Transcript{}, begun: time.Now()}
	if r.mqtt(t.Context(), serve(t, mqtt(0))); outcome(r.t, "access.open") != "bad" {
		t.Errorf("an MQTT server for anybody: %v", r.t.Checks)
	}
	r.t = &assess.Transcript{}
	if r.mqtt(t.Context(), serve(t, mqtt(5))); outcome(r.t, "access.open") != "" || outcome(r.t, "login.clear") != "bad" {
		t.Errorf("an MQTT server that asks: %v", r.t.Checks)
	}
	r.t = &assess.Transcript{}
	r.rtsp(t.Context(), serve(t, func(c net.Conn) {
		if _, err := bufio.NewReader(c).ReadString('\n'); err == nil {
			fmt.Fprint(c, "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 22\r\n\r\nv=0\r\nm=video 0 RTP 96\r\n")
		}
	}))
	if outcome(r.t, "access.open") != "bad" {
		t.Errorf("an open camera: %v %v", r.t.Checks, r.t.Exchanges)
	}
	r.t = &assess.Transcript{}
	r.adb(t.Context(), serve(t, func(c net.Conn) {
		if _, err := io.ReadFull(c, make([]byte, 24)); err == nil {
			_, _ = c.Write(adbHello())
		}
	}))
	if outcome(r.t, "debug.open") != "bad" {
		t.Errorf("an open debug bridge: %v", r.t.Checks)
	}
}

// gateway is a UPnP gateway; it answers a search at the port that it returns.
func gateway(t *testing.T, obeys, forgets bool) (udp uint16, open *atomic.Int32, adds *atomic.Int32) {
	t.Helper()
	open, adds = &atomic.Int32{}, &atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			fmt.Fprint(w, `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><manufacturer>Example</manufacturer><modelName>RT-9</modelName>
				<serviceList><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>/ctl</controlURL></service></serviceList></device></root>`)
			return
		}
		action := r.Header.Get("SOAPACTION")
		switch {
		case strings.Contains(action, "#AddPortMapping") && obeys:
			open.Store(1)
			adds.Add(1)
		case strings.Contains(action, "#DeletePortMapping") && obeys && !forgets:
			open.Store(0)
		case strings.Contains(action, "#GetSpecific") && open.Load() == 1:
		default:
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	web := port(t, s)
	u, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := u.ReadFrom(b)
			if err != nil {
				return
			}
			if strings.HasPrefix(string(b[:n]), "M-SEARCH") {
				_, _ = u.WriteTo([]byte("HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nLOCATION: http://127.0.0.1:"+strconv.Itoa(int(web))+"/d.xml\r\n\r\n"), from)
			}
		}
	}()
	return netip.MustParseAddrPort(u.LocalAddr().String()).Port(), open, adds
}

func TestAHoleInTheFirewallIsAskedForAndClosedAgain(t *testing.T) {
	udp, open, adds := gateway(t, true, false)
	x := probe(t, func(c *Config) { c.Datagrams = map[string]uint16{"ssdp": udp} })
	expect(t, x, map[string]string{"change.open": "bad"})
	if adds.Load() != 1 || open.Load() != 0 {
		t.Errorf("asked %d times, and it is open: %v", adds.Load(), open.Load() == 1)
	}
	if len(x.Told.Models) != 1 || x.Told.Models[0] != "RT-9" {
		t.Errorf("it told %+v", x.Told)
	}
	udp, _, adds = gateway(t, true, false)
	x = probe(t, func(c *Config) { c.Datagrams, c.Changes = map[string]uint16{"ssdp": udp}, false })
	expect(t, x, nil)
	if adds.Load() != 0 {
		t.Error("it asked for a change that nobody wanted")
	}
	udp, _, _ = gateway(t, false, false)
	expect(t, probe(t, func(c *Config) { c.Datagrams = map[string]uint16{"ssdp": udp} }), nil)
	udp, _, _ = gateway(t, true, true)
	x = probe(t, func(c *Config) { c.Datagrams = map[string]uint16{"ssdp": udp} })
	if outcome(x, "change.open") != "bad" || !strings.Contains(x.Checks[0].Detail, "may still be there") {
		t.Errorf("what could not be taken back is not said: %+v", x.Checks)
	}
}

func TestWhereADeviceSendsItIsNotAsked(t *testing.T) {
	for _, location := range []string{"http://192.0.2.1/d.xml", "https://127.0.0.1/", "file:///etc/passwd", "http://camera.example/", "http://127.0.0.1:99999/", ":"} {
		r := &run{Config: Config{Address: netip.MustParseAddr("127.0.0.1"), Now: time.Now, talk: time.Second, greet: time.Second}, t: &assess.Transcript{}, begun: time.Now()}
		if r.upnp(t.Context(), location); len(r.t.Exchanges) != 0 {
			t.Errorf("%s: %+v", location, r.t.Exchanges)
		}
	}
}

// A device that wants to cost us time or memory does not.
func TestHostileDevicesAreBounded(t *testing.T) {
	for name, handle := range map[string]func(net.Conn){
		"a slow drip": func(c net.Conn) {
			for {
				if _, err := c.Write([]byte{'x'}); err != nil {
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
		},
		"an endless banner": func(c net.Conn) {
			b := make([]byte, 64<<10)
			for i := range b {
				b[i] = 'A'
			}
			for {
				if _, err := c.Write(b); err != nil {
					return
				}
			}
		},
		"garbage for TLS": func(c net.Conn) {
			_, _ = c.Read(make([]byte, 512))
			_, _ = c.Write([]byte("\x16\x03\x03\xff\xff" + strings.Repeat("\x02", 65535)))
		},
		"an endless head": func(c net.Conn) {
			_, _ = c.Read(make([]byte, 512))
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\n"))
			for {
				if _, err := c.Write([]byte("X-Y: " + strings.Repeat("z", 1000) + "\r\n")); err != nil {
					return
				}
			}
		},
		"an endless page": func(c net.Conn) {
			_, _ = c.Read(make([]byte, 512))
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
			for {
				if _, err := c.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		},
		"endless options of Telnet": func(c net.Conn) {
			for {
				if _, err := c.Write([]byte{iac, do, 1, iac, will, 1, iac, sb}); err != nil {
					return
				}
			}
		},
		"a prompt without end": func(c net.Conn) {
			for {
				if _, err := c.Write([]byte("login: ")); err != nil {
					return
				}
			}
		},
		"nothing at all": func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := probe(t, func(c *Config) { c.Tries, c.talk = 2, time.Second }, serve(t, handle))
			for _, e := range x.Exchanges {
				if e.OctetsIn > maxExchange || e.TookMS > 2500 {
					t.Errorf("%+v", e)
				}
				if len(e.Received) > 4*maxText {
					t.Errorf("%d octets in the transcript", len(e.Received))
				}
			}
			for _, c := range x.Checks {
				if c.Outcome == assess.Good || c.Check == "login.default" {
					t.Errorf("it came out %+v", c)
				}
			}
		})
	}
}

func TestAProbeThatIsBrokenOffSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := DefaultConfig()
	c.Address, c.Only, c.Ports = netip.MustParseAddr("127.0.0.1"), true, []uint16{serve(t, telnetServer("root", "x"))}
	c.Progress = func(string) { cancel() }
	x, err := Run(ctx, c)
	if err != nil || x.Whole || x.SHA256 != x.Digest() || outcome(x, "login.guessing") != "" {
		t.Errorf("%v, %+v", err, x)
	}
}

func TestOnlyTheOwnNetworkIsProbed(t *testing.T) {
	links := []Link{
		{"eth0", netip.MustParseAddr("192.168.1.10"), netip.MustParsePrefix("192.168.1.0/24")},
		{"eth0", netip.MustParseAddr("fe80::1"), netip.MustParsePrefix("fe80::/64")},
		{"eth1", netip.MustParseAddr("fd00:1::1"), netip.MustParsePrefix("fd00:1::/64")},
		{"eth1", netip.MustParseAddr("203.0.113.9"), netip.MustParsePrefix("203.0.113.0/24")},
	}
	for text, want := range map[string]error{
		"192.168.1.20": nil, "fd00:1::7": nil, "fe80::7%eth0": nil, "::ffff:192.168.1.20": nil,
		"192.168.2.20": ErrOffLink, "10.0.0.1": ErrOffLink, "fe80::7": ErrOffLink, "fe80::7%wlan0": ErrOffLink, "192.168.1.10": ErrOwn,
		"203.0.113.20": ErrPublic, "8.8.8.8": ErrPublic, "2001:db8::1": ErrPublic, "127.0.0.1": ErrPublic, "::1": ErrPublic, "224.0.0.251": ErrPublic, "0.0.0.0": ErrPublic,
		"::ffff:8.8.8.8": ErrPublic, "64:ff9b::c0a8:114": ErrPublic,
	} {
		if iface, err := Allowed(netip.MustParseAddr(text), links); !errors.Is(err, want) || (want == nil) != (iface != "") {
			t.Errorf("%s: %q, %v; want %v", text, iface, err, want)
		}
	}
}

func TestADeviceIsFoundByAnyOfItsNames(t *testing.T) {
	m := frame.MAC{2, 0, 0x5e, 0x10, 0, 1}
	known := map[netip.Addr]frame.MAC{netip.MustParseAddr("fe80::7"): m, netip.MustParseAddr("192.168.1.20"): m, netip.MustParseAddr("192.168.1.21"): {2}}
	lookup := func(_ context.Context, name string) ([]netip.Addr, error) {
		if name != "lamp.local" {
			return nil, errors.New("no such name")
		}
		return []netip.Addr{netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("192.168.1.20")}, nil
	}
	for asked, want := range map[string]string{"192.168.1.20": "192.168.1.20", "02:00:5e:10:00:01": "192.168.1.20", "lamp.local.": "192.168.1.20"} {
		a, mac, err := Resolve(t.Context(), asked, known, lookup)
		if err != nil || a.String() != want || mac != m {
			t.Errorf("%s: %s %s %v", asked, a, mac, err)
		}
	}
	for _, asked := range []string{"02:00:5e:99:99:99", "lamp.example"} {
		if _, _, err := Resolve(t.Context(), asked, known, lookup); !errors.Is(err, ErrNobody) {
			t.Errorf("%s: %v", asked, err)
		}
	}
}
