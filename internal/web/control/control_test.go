package control_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/notice"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/trust"
	"plimsoll.example/plimsoll/internal/web/control"
	"plimsoll.example/plimsoll/mud"
)

// gateway is a household served on a real socket, from a real database.
type gateway struct {
	*home.Household
	store  *sqlite.Store
	client *http.Client
	device *home.Device
}

func serve(t *testing.T) *gateway {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "home.db"))
	if err != nil {
		t.Fatal(err)
	}
	h := &home.Household{Ledger: store, Now: time.Now, Rehearsal: time.Hour}
	if err := h.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	d, _ := h.See(frame.MAC{2, 0, 0, 0, 0, 1}, func(d *home.Device) {
		d.Identity, d.First, d.Last = device.Identity{Kind: device.IoT, Category: "camera"}, time.Now(), time.Now()
	})
	if err := store.Save(t.Context(), h.Devices()); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	post := &notice.Post{Dir: dir, Ledger: store, Source: quiet{}, Now: time.Now, Log: log, Link: func(locale.Lang) string { return "" }}
	if err := post.Open(); err != nil {
		t.Fatal(err)
	}
	if err := post.Change(func(s *notice.Settings) error {
		s.Put(notice.Channel{Kind: notice.Webhook, Server: "http://127.0.0.1:1/hook", Secret: "s3cr3t", Lang: locale.English, Alerts: true})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	api := &control.API{
		Notices:   post,
		Household: h, History: store, Log: log,
		Label: func(context.Context, string, *home.Device, []byte) (*home.Decision, error) { return nil, home.ErrLabel },
		Sticker: func(context.Context, string, *home.Device, *mud.Sticker) (*home.Decision, error) {
			return nil, trust.ErrOtherURL
		},
		Status: func() home.Status {
			return home.Status{Schema: home.StatusSchema, Mode: home.Hold, Since: time.Now(), Devices: map[home.State]int{home.Learning: 1}}
		},
		Code: func(string) (string, error) { return "12345678", nil },
		Rehearse: func(context.Context, *home.Device, bool, *locale.Catalogue) (*policy.RehearsalDocument, error) {
			return nil, home.ErrNoFile
		},
		Offer:  func(context.Context, *home.Device, *locale.Catalogue) (any, error) { return nil, home.ErrNoFile },
		Export: func(ctx context.Context) (*home.Export, error) { return h.Export(ctx, "test") },
		Import: h.Import,
	}
	socket := filepath.Join(dir, "run", "control")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- control.Serve(ctx, socket, api.Handler(), log, func() {}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = store.Close()
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if c, err := net.Dial("unix", socket); err == nil {
			_ = c.Close()
			break
		}
	}
	return &gateway{h, store, control.Client(socket), d}
}

// quiet is a home that has nothing to say.
type quiet struct{}

func (quiet) Home(context.Context) (string, error) { return "", nil }

func (quiet) Week(context.Context, *locale.Catalogue) (*notice.Week, error) {
	return &notice.Week{}, nil
}
func (quiet) Causes(context.Context, *locale.Catalogue) ([]notice.Cause, error) { return nil, nil }

func (quiet) Counts(context.Context) (map[string]int, error) { return nil, nil }

// Whoever asks where something is sent is not told a secret; a test says what is wrong.
func TestNoticesAreToldWithoutTheirSecrets(t *testing.T) {
	g := serve(t)
	status, body := g.call(t, "GET", "/api/v1/notices", "")
	var r notice.Report
	if err := json.Unmarshal([]byte(body), &r); err != nil || status != http.StatusOK || len(r.Channels) != 1 || r.Channels[0].Name != "127.0.0.1:1" || r.Next == nil {
		t.Fatalf("%d %s %v", status, body, err)
	}
	if strings.Contains(body, "s3cr3t") || strings.Contains(body, "/hook") {
		t.Error(body)
	}
	if status, body = g.call(t, "POST", "/api/v1/notices/"+r.Channels[0].ID+"/test", ""); status != http.StatusOK || !strings.Contains(body, `"sent":false,"trouble":"refused"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, body = g.call(t, "POST", "/api/v1/notices/none/test", ""); status != http.StatusNotFound {
		t.Errorf("%d %s", status, body)
	}
}

// A token opens what a program may know, and what is not named for it is closed: where something is sent, all of a home at
// once, and whatever an API is given later.
func TestATokenOpensWhatIsNamedForIt(t *testing.T) {
	var reached bool
	api := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })
	read := control.Read(api, func(context.Context, string) (bool, error) { return true, nil }, slog.New(slog.DiscardHandler))
	closed := []string{"/api/v1/notices", "/api/v1/export"}
	paths := []string{"/metrics", "/api/v1/openapi.json", "/api/v1/later", "/api/v1/notices/", "/api/v1//notices", "/api/v1/devices/../notices", "/api/v1/%6eotices"}
	closed = append(closed, paths[2:]...)
	for pattern, methods := range describe(t).Paths {
		if methods["get"] != nil {
			paths = append(paths, parameter.ReplaceAllString(pattern, "nothing"))
		}
	}
	for _, path := range paths {
		reached = false
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer x")
		w := httptest.NewRecorder()
		read.ServeHTTP(w, r)
		if want := !slices.Contains(closed, path); reached != want {
			t.Errorf("%s: open %t, want %t", path, reached, want)
		}
	}
}

// call speaks to the gateway, and holds the answer against the description of the operation.
func (g *gateway) call(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://gateway"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := g.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	validate(t, method, path, resp.StatusCode, data)
	return resp.StatusCode, string(data)
}

// document is the part of the description that the tests go by.
type document struct {
	Paths map[string]map[string]json.RawMessage
}

func describe(t *testing.T) (d document) {
	t.Helper()
	if err := json.Unmarshal(control.OpenAPI(), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

var parameter = regexp.MustCompile(`\{[a-z]+\}`)

func validate(t *testing.T, method, path string, status int, data []byte) {
	t.Helper()
	path, _, _ = strings.Cut(path, "?")
	for pattern, methods := range describe(t).Paths {
		if !regexp.MustCompile("^"+parameter.ReplaceAllString(pattern, "[^/]+")+"$").MatchString(path) || methods[strings.ToLower(method)] == nil {
			continue
		}
		escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace
		at := "#/paths/" + escape(pattern) + "/" + strings.ToLower(method) + "/responses/200/content/application~1json/schema"
		if status != http.StatusOK {
			at = "#/components/schemas/problem"
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(control.OpenAPI()))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource("openapi.json", doc); err != nil {
			t.Fatal(err)
		}
		s, err := c.Compile("openapi.json" + at)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", method, path, err, data)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s %s: %v\n%s", method, path, err, data)
		}
		return
	}
	t.Errorf("%s %s is not described", method, path)
}

func TestACountryIsNamedOnceForADeviceThatIsTwo(t *testing.T) {
	g := serve(t)
	other, _ := g.See(frame.MAC{2, 0, 0, 0, 0, 2}, func(d *home.Device) { d.First, d.Last = time.Now(), time.Now() })
	if err := g.store.Save(t.Context(), g.Devices()); err != nil {
		t.Fatal(err)
	}
	var reaches []home.Reach
	for _, id := range []string{g.device.ID, other.ID} {
		for _, code := range []string{"US", "CA"} {
			reaches = append(reaches, home.Reach{Device: id, Peer: "a.example", Country: code, First: time.Now(), Last: time.Now()})
		}
	}
	if err := g.store.AddReaches(t.Context(), reaches); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Decide(t.Context(), "uid:0", home.Join, g.device.ID, other.ID); err != nil {
		t.Fatal(err)
	}
	status, body := g.call(t, "GET", "/api/v1/devices/"+g.device.ID+"/traffic", "")
	if status != 200 || !strings.Contains(body, `"countries":{"a.example":["CA","US"]}`) {
		t.Errorf("%d %s", status, body)
	}
}

func TestEachOperationAnswersAsDescribed(t *testing.T) {
	g := serve(t)
	f := home.Noted{State: home.Open, Finding: finding.Finding{Kind: finding.TLSWeak, Device: g.device.ID, Role: finding.Actor}}
	if err := g.store.SaveFindings(t.Context(), []home.Noted{f}); err != nil {
		t.Fatal(err)
	}
	if err := g.store.SaveFile(t.Context(), &home.File{SHA256: "ab", Body: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	if err := g.store.AddTraffic(t.Context(), []home.Traffic{{At: time.Now(), Device: g.device.ID, Peer: "p", Service: "tcp/443"}}); err != nil {
		t.Fatal(err)
	}
	device := "/api/v1/devices/" + g.device.ID
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/api/v1/status", "", 200, `"mode":"hold"`},
		{"GET", "/api/v1/devices", "", 200, g.device.ID},
		{"GET", "/api/v1/devices/02:00:00:00:00:01", "", 200, g.device.ID},
		{"GET", "/api/v1/devices/nobody", "", 404, "device-unknown"},
		{"GET", device + "/policy", "", 409, "no-file"},
		{"GET", device + "/rehearsal", "", 409, "no-file"},
		{"POST", device, `{"verb":"hold","argument":"ab"}`, 200, `"state":"held"`},
		{"GET", device + "/policy", "", 200, "{}"},
		{"POST", device, `{"verb":"quarantine","argument":"scan.horizontal"}`, 200, `"confirmed":true`},
		{"POST", device, `{"verb":"dance"}`, 422, "verb"},
		{"POST", device, `{"verb":"undo"}`, 422, "verb"},
		{"POST", device, `{"verb":`, 400, "request"},
		{"POST", device, `{"verb":"hold","colour":"blue"}`, 400, "request"},
		{"POST", "/api/v1/undo", `{}`, 200, `"verb":"undo"`},
		{"POST", "/api/v1/undo", `{"seq":1}`, 200, `"verb":"undo"`},
		{"POST", "/api/v1/undo", `{"seq":1}`, 409, "stale"},
		{"POST", "/api/v1/undo", `{"seq":99}`, 404, "not-found"},
		{"PATCH", device, `{"name":"Front door","room":"Hall","corrected":{"kind":"iot","maker":"Ring","model":"","category":"doorbell"}}`, 200, `"name":"Front door"`},
		{"PATCH", device, `{"name":"` + strings.Repeat("x", 200) + `"}`, 422, "verb"},
		{"PATCH", device, `{"mud_url":"https://lamps.example/l.json"}`, 200, `"via":"operator"`},
		{"PATCH", device, `{"mud_url":"http://lamps.example/l.json"}`, 400, "request"},
		{"GET", "/api/v1/decisions?limit=1", "", 200, `"verb":"describe"`},
		{"GET", device + "/traffic?span=minute", "", 200, `"peer":"p"`},
		{"GET", device + "/traffic?span=week", "", 400, "request"},
		{"GET", device + "/traffic?from=noon", "", 400, "request"},
		{"GET", "/api/v1/findings?device=front+door", "", 200, "tls.weak"},
		{"GET", "/api/v1/findings?id=" + f.ID(), "", 200, "tls.weak"},
		{"GET", "/api/v1/findings?id=it+flickers", "", 200, `{"findings":[]}`},
		{"POST", "/api/v1/findings/" + f.ID(), `{"state":"muted"}`, 200, "muted"},
		{"POST", "/api/v1/findings/" + f.ID(), `{"state":"lost"}`, 400, "request"},
		{"POST", "/api/v1/findings/none", `{"state":"done"}`, 404, "not-found"},
		{"GET", "/api/v1/decisions?limit=9", "", 200, `"undo"`},
		{"GET", "/api/v1/decisions?limit=-2", "", 400, "request"},
		{"POST", device, `{"verb":"hold","argument":"nothing"}`, 404, "not-found"},
		{"POST", device, `{"verb":"except","argument":"ntp.example udp/123 2099-01-01T00:00:00Z"}`, 200, `"service":"udp/123"`},
		{"POST", device, `{"verb":"except","argument":"ntp"}`, 422, "verb"},
		{"POST", device, `{"verb":"disallow","argument":"ntp.example"}`, 200, `"verb":"disallow"`},
		{"POST", device, `{"verb":"controller","argument":"10.0.0.9 urn:example:hub"}`, 200, `"class":"urn:example:hub"`},
		{"POST", device, `{"verb":"no-controller","argument":"10.0.0.9 urn:example:hub"}`, 200, `"verb":"no-controller"`},
		{"POST", device, `{"verb":"accept","argument":"ab"}`, 422, "verb"},
		{"GET", device + "/offer", "", 404, "not-found"},
		{"GET", device + "/rehearsal?lang=de", "", 400, "request"},
		{"GET", device + "/rehearsal?file=other", "", 400, "request"},
		{"POST", device, `{"verb":"hold","argument":"ab"}`, 200, `"state":"held"`},
		{"POST", device, `{"verb":"quarantine","argument":"scan.horizontal"}`, 200, `"confirmed":true`},
		{"POST", device, `{"verb":"confirm"}`, 200, `"state":"quarantined"`},
		{"POST", device, `{"verb":"watch"}`, 200, `"state":"rehearsing"`},
		{"POST", device, `{"verb":"watch"}`, 422, "verb"},
		{"POST", device, `{"verb":"quarantine","argument":"again"}`, 200, `"reason":"again"`},
		{"POST", device, `{"verb":"release"}`, 200, `"state":"free"`},
		{"POST", device, `{"verb":"import"}`, 422, "verb"},
		{"POST", device, `{"verb":"label","argument":""}`, 200, `"verb":"label"`},
		{"POST", device, `{"verb":"label","argument":"ab"}`, 422, "verb"}, // a MUD file is no label
		{"POST", device, `{"verb":"label-action","argument":"quarantine"}`, 200, `"label_action":"quarantine"`},
		{"POST", device, `{"verb":"label-action","argument":"dance"}`, 422, "verb"},
		{"POST", device + "/label", `{"envelope":"AA=="}`, 422, "problem:label"},
		{"POST", device + "/label", `{"envelope":1}`, 400, "request"},
		{"POST", device + "/sticker", `{"text":"https://maker.example"}`, 422, "sticker-none"},
		{"POST", device + "/sticker", `{"text":"[)>\u001e06\u001d12NB000Lamps\u001fB002LP\u001fM180https://lamps.example/l\u001f\u001e\u0004"}`, 422, "sticker-url"},
	} {
		status, body := g.call(t, c.method, c.path, c.body)
		if status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s %s %s: %d %s; want %d with %s", c.method, c.path, c.body, status, body, c.status, c.want)
		}
	}
}

func TestTheActorIsWhoTheKernelSaysItIs(t *testing.T) {
	g := serve(t)
	_, body := g.call(t, "POST", "/api/v1/devices/"+g.device.ID, `{"verb":"release"}`)
	if want := fmt.Sprintf(`"actor":"uid:%d"`, os.Getuid()); !strings.Contains(body, want) {
		t.Errorf("%s; want %s", body, want)
	}
}

func TestTheDescriptionAndTheCodeHaveTheSameOperations(t *testing.T) {
	g := serve(t)
	for pattern, methods := range describe(t).Paths {
		for method := range methods {
			if method == "parameters" {
				continue
			}
			path := parameter.ReplaceAllString(pattern, "nothing")
			r, err := http.NewRequestWithContext(t.Context(), strings.ToUpper(method), "http://gateway"+path, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := g.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if kind := resp.Header.Get("Content-Type"); !slices.Contains([]string{"application/json", "application/problem+json"}, kind) {
				t.Errorf("%s %s is described, and answers %d %s", method, pattern, resp.StatusCode, kind)
			}
		}
	}
}

func TestWhatIsExportedIsTakenInAgainAndUndone(t *testing.T) {
	g := serve(t)
	g.call(t, "POST", "/api/v1/devices/"+g.device.ID, `{"verb":"release"}`)
	status, body := g.call(t, "GET", "/api/v1/export", "")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile("../../../schema/home-export.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("%v\n%s", err, body)
	}
	g.call(t, "POST", "/api/v1/devices/"+g.device.ID, `{"verb":"admit","argument":"none"}`)
	status, made := g.call(t, "POST", "/api/v1/import?replace=true", body)
	if d, _ := g.Find(g.device.ID); status != http.StatusOK || !strings.Contains(made, `"verb":"import"`) || d.State != home.Free {
		t.Fatalf("%d %s: %s", status, made, d.State)
	}
	status, undone := g.call(t, "POST", "/api/v1/undo", `{}`)
	if d, _ := g.Find(g.device.ID); status != http.StatusOK || d.State != home.Refused {
		t.Errorf("%d %s: %s", status, undone, d.State)
	}
	if _, body := g.call(t, "GET", "/api/v1/decisions", ""); !strings.Contains(body, `"import"`) {
		t.Error("the log does not say that a file was taken in")
	}
	for path, wrong := range map[string]string{
		"import": strings.Replace(body, `"decisions":`, `"colour":`, 1), "import?replace=perhaps": body,
	} {
		if status, answer := g.call(t, "POST", "/api/v1/"+path, wrong); status != http.StatusUnprocessableEntity && status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
}

func TestTooMuchIsNotRead(t *testing.T) {
	g := serve(t)
	status, _ := g.call(t, "POST", "/api/v1/undo", `{"seq":`+strings.Repeat(" ", 100<<10)+`1}`)
	if status != http.StatusBadRequest {
		t.Errorf("status %d", status)
	}
}

// An operation that reveals a defect is answered so, and the next one is answered.
func TestADefectCostsOneRequest(t *testing.T) {
	var log bytes.Buffer
	api := &control.API{Log: slog.New(slog.NewTextHandler(&log, nil)), Status: func() home.Status { panic("a defect, for a test") }}
	for range 2 {
		w := httptest.NewRecorder()
		api.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/status", nil))
		if w.Code != http.StatusInternalServerError || w.Header().Get("Content-Type") != "application/problem+json" || strings.Contains(w.Body.String(), "for a test") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if !strings.Contains(log.String(), "a defect, for a test") {
		t.Errorf("the log does not say what: %s", log.String())
	}
}
