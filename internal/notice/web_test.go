package notice_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"plimsoll.example/plimsoll/internal/notice"
)

// post is what somebody was sent.
type post struct {
	path string
	head http.Header
	body []byte
}

// receiver takes what is posted, with TLS and a certificate of its own.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	posts  []post
	answer func(w http.ResponseWriter, r *http.Request) // nil: all is well
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	x := &receiver{}
	x.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		x.mu.Lock()
		defer x.mu.Unlock()
		x.posts = append(x.posts, post{r.Method + " " + r.URL.Path, r.Header, body})
		if x.answer != nil {
			x.answer(w, r)
		}
	}))
	t.Cleanup(x.Close)
	return x
}

func (x *receiver) all() []post {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.posts)
}

func (x *receiver) ca() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: x.Certificate().Raw}))
}

func (x *receiver) hook() notice.Channel {
	return notice.Channel{Kind: notice.Webhook, Server: x.URL + "/plimsoll?key=s3cr3t", Secret: "token", CA: x.ca(), Alerts: true}
}

func TestAWebhookIsSentWhatTheSchemaSays(t *testing.T) {
	x := newReceiver(t)
	h := newHouse(t)
	id := h.add(t, x.hook())
	h.steps(t, 8*time.Hour, time.Hour)
	if err := h.Test(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	list := x.all()
	if len(list) != 2 {
		t.Fatalf("%d posts", len(list))
	}
	validate(t, "home-week.json", list[0].body)
	validate(t, "home-alert.json", list[1].body)
	for _, p := range list {
		if p.path != "POST /plimsoll" || p.head.Get("Authorization") != "Bearer token" || p.head.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v", p.path, p.head)
		}
		var doc struct{ ID string }
		if err := json.Unmarshal(p.body, &doc); err != nil || doc.ID != p.head.Get("Idempotency-Key") || doc.ID == "" {
			t.Errorf("%v %v", doc, err)
		}
	}
}

// ntfy is asked as docs.ntfy.sh/publish says of JSON: at its root, with the topic inside.
func TestNtfyIsAskedAsItsDocumentationSays(t *testing.T) {
	x := newReceiver(t)
	h := newHouse(t)
	h.add(t, notice.Channel{Kind: notice.Ntfy, Server: x.URL, Topic: "our-home", Secret: "tk_1", CA: x.ca(), Alerts: true})
	h.steps(t, 2*time.Hour, time.Minute)
	h.causes = []notice.Cause{{Key: "k", Since: h.now, Class: notice.Harm, Device: "d1", Name: "porch", What: "It is trying the doors", Do: "Cut it off."}}
	h.steps(t, time.Minute, time.Minute)
	h.steps(t, 6*time.Hour, time.Hour)
	list := x.all()
	if len(list) != 2 {
		t.Fatalf("%d posts, faults %v", len(list), h.faults)
	}
	type message struct {
		Topic, Title, Message, Click string
		Priority                     int
		Tags                         []string
	}
	want := []message{
		{"our-home", "porch: It is trying the doors", "The Élm\nporch: It is trying the doors Cut it off.", "https://plimsoll.home/en/", 4, []string{"rotating_light"}},
		{"our-home", "Your home this week: 3 devices.", "", "https://plimsoll.home/en/", 2, []string{"calendar"}},
	}
	for i, p := range list {
		var got message
		if err := json.Unmarshal(p.body, &got); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			if !strings.Contains(got.Message, "Do it.") || !strings.Contains(got.Message, "New this week: 1") || strings.Contains(got.Message, "\u202e") {
				t.Errorf("%q", got.Message)
			}
			got.Message = ""
		}
		if got.Topic != want[i].Topic || got.Title != want[i].Title || got.Message != want[i].Message || got.Click != want[i].Click || got.Priority != want[i].Priority || !slices.Equal(got.Tags, want[i].Tags) {
			t.Errorf("%+v\nwant %+v", got, want[i])
		}
		if p.path != "POST /" || p.head.Get("Authorization") != "Bearer tk_1" {
			t.Errorf("%s %v", p.path, p.head)
		}
	}
}

// A redirect is not followed: it could lead to whatever is at home.
func TestARedirectIsNotFollowed(t *testing.T) {
	inside := newReceiver(t)
	x := newReceiver(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		x.answer = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside.URL, status) }
		h := newHouse(t)
		if err := h.Test(t.Context(), h.add(t, x.hook())); kind(err) != "moved" {
			t.Errorf("%d: %v", status, err)
		}
	}
	if n := len(inside.all()); n != 0 {
		t.Errorf("%d requests were led astray", n)
	}
}

func TestWhatIsWrongWithAWebhookIsSaid(t *testing.T) {
	x := newReceiver(t)
	flood := func(w http.ResponseWriter, _ *http.Request) {
		for range 200 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}
	status := func(code int) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, c := range map[string]struct {
		want   string
		answer func(http.ResponseWriter, *http.Request)
		change func(*notice.Channel)
	}{
		"nothing":           {"", status(204), nil},
		"a token":           {"password", status(401), nil},
		"no such address":   {"rejected", status(404), nil},
		"too often":         {"rejected", status(429), nil},
		"endless answer":    {"", flood, nil},
		"headers too large": {"nonsense", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, nil},
		"another authority": {"certificate", nil, func(c *notice.Channel) { c.CA = "" }},
		"nobody":            {"refused", nil, func(c *notice.Channel) { c.Server = "https://127.0.0.1:" + freePort(t) }},
	} {
		x.mu.Lock()
		x.answer = c.answer
		x.mu.Unlock()
		h := newHouse(t)
		ch := x.hook()
		if c.change != nil {
			c.change(&ch)
		}
		err := h.Test(t.Context(), h.add(t, ch))
		if kind(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), "token")) {
			t.Errorf("%s: the error has a secret: %v", name, err)
		}
	}
}

// What repeats a request is no server of HTTP, and what it repeats is not told: the path is often a secret.
func TestAServerThatRepeatsTheRequestIsNotQuoted(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	h := newHouse(t)
	err = h.Test(t.Context(), h.add(t, notice.Channel{Kind: notice.Webhook, Server: "http://" + l.Addr().String() + "/s3cr3t"}))
	if kind(err) != "nonsense" || strings.Contains(err.Error(), "s3cr3t") {
		t.Error(err)
	}
}

// A name that leads out of the house is called by nothing that is not encrypted, whatever it is called.
func TestWhatIsNotEncryptedStaysInTheHouse(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer plain.Close()
	h := newHouse(t)
	if err := h.Test(t.Context(), h.add(t, notice.Channel{Kind: notice.Webhook, Server: plain.URL})); err != nil {
		t.Errorf("at home: %v", err)
	}
	for _, server := range []string{"http://hooks.example/x", "http://192.0.2.1/x", "http://[2001:db8::1]/", "http://localhost.example.com/"} {
		err := h.Change(func(s *notice.Settings) error {
			s.Put(notice.Channel{Kind: notice.Webhook, Server: server, Lang: "en"})
			return nil
		})
		if kind(err) != "setting.plain" {
			t.Errorf("%s: %v", server, err)
		}
	}
	// 0.0.0.0 is this machine, and is not at home by its number
	if err := h.Change(func(s *notice.Settings) error {
		s.Put(notice.Channel{Kind: notice.MQTT, Server: "mqtt://0.0.0.0", Topic: "x", Lang: "en"})
		return nil
	}); kind(err) != "setting.plain" {
		t.Error(err)
	}
}

// validate holds a document to the schema that is published of it.
func validate(t *testing.T, schema string, body []byte) {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile("../../schema/" + schema)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%v\n%s", err, body)
	}
}
