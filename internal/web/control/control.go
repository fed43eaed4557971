// Package control is the HTTP API of the gateway, which the command line and the pages speak to. openapi.json describes
// it; a test holds the two together.
package control

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"time"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/notice"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/internal/trust"
	"plimsoll.example/plimsoll/mud"
)

//go:embed openapi.json
var openAPI []byte

// OpenAPI is the description of the API, OpenAPI 3.1.
func OpenAPI() []byte { return openAPI }

// maxBody bounds what is sent to us, octets.
const maxBody = 64 << 10

// history is what is kept of what devices did.
type history interface {
	Traffic(ctx context.Context, device string, span time.Duration, from, to time.Time, limit int) ([]home.Traffic, error)
	Reaches(ctx context.Context, device string, from time.Time, limit int) ([]home.Reach, error)
	Findings(ctx context.Context, device string, limit int) ([]home.Noted, error)
	Finding(ctx context.Context, id string) (*home.Noted, error)
	Decisions(ctx context.Context, device string, before int64, limit int) ([]*home.Decision, error)
	File(ctx context.Context, sha256 string) (*home.File, error)
}

// API answers for a household.
type API struct {
	Household *home.Household
	History   history
	Status    func() home.Status
	// Rehearse says what the file of a device would have stopped; the file that is offered, if offered is set.
	Rehearse func(ctx context.Context, d *home.Device, offered bool, words *locale.Catalogue) (*policy.RehearsalDocument, error)
	// Offer says what the file that is offered for a device would change.
	Offer func(ctx context.Context, d *home.Device, words *locale.Catalogue) (any, error)
	// Label says that a label is a device’s; Sticker looks for one that says the MUD URL of the sticker on a device, and says
	// that it is the device’s.
	Label   func(ctx context.Context, actor string, d *home.Device, envelope []byte) (*home.Decision, error)
	Sticker func(ctx context.Context, actor string, d *home.Device, s *mud.Sticker) (*home.Decision, error)
	Export  func(ctx context.Context) (*home.Export, error)
	Import  func(ctx context.Context, actor string, x *home.Export, replace bool) (*home.Decision, error)
	Code    func(role string) (string, error) // a code that lets somebody of that role into the pages
	Notices *notice.Post                      // what is sent out of the home
	Metrics http.Handler                      // nil: there are none
	Log     *slog.Logger
}

// Handler serves the API. Whoever reaches it may do all: the server in front of it decides who does, and says so with
// WithActor.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, f := range a.routes() {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			limit := int64(maxBody)
			if r.URL.Path == importPath {
				limit = home.MaxExport + 1 // beyond which ParseExport says why it reads no more
			}
			r.Body = http.MaxBytesReader(w, r.Body, limit)
			v, err := a.caught(f, r)
			if err != nil {
				a.problem(w, r, err)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "no-store")
			if err := json.NewEncoder(w).Encode(v); err != nil {
				a.Log.DebugContext(r.Context(), "answer was not taken", "error", err)
			}
		})
	}
	mux.HandleFunc("GET /api/v1/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(openAPI)
	})
	if a.Metrics != nil {
		mux.Handle("GET /metrics", a.Metrics)
	}
	return mux
}

// caught is what an operation returns, or that it panicked.
func (a *API) caught(f func(*http.Request) (any, error), r *http.Request) (v any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a defect of the program: %v\n%s", p, debug.Stack())
		}
	}()
	return f(r)
}

// routes are the operations.
func (a *API) routes() map[string]func(*http.Request) (any, error) {
	return map[string]func(*http.Request) (any, error){
		"GET /api/v1/status":                     a.status,
		"GET /api/v1/devices":                    a.devices,
		"GET /api/v1/devices/{device}":           a.device,
		"POST /api/v1/devices/{device}":          a.decide,
		"PATCH /api/v1/devices/{device}":         a.describe,
		"GET /api/v1/devices/{device}/traffic":   a.traffic,
		"GET /api/v1/devices/{device}/policy":    a.policy,
		"GET /api/v1/devices/{device}/rehearsal": a.rehearsal,
		"GET /api/v1/devices/{device}/offer":     a.offer,
		"POST /api/v1/devices/{device}/label":    a.label,
		"POST /api/v1/devices/{device}/sticker":  a.sticker,
		"GET /api/v1/findings":                   a.findings,
		"POST /api/v1/findings/{finding}":        a.note,
		"GET /api/v1/decisions":                  a.decisions,
		"POST /api/v1/codes":                     a.code,
		"GET /api/v1/notices":                    a.notices,
		"POST /api/v1/notices/{channel}/test":    a.testNotice,
		"POST /api/v1/undo":                      a.undo,
		"GET " + exportPath:                      func(r *http.Request) (any, error) { return a.Export(r.Context()) },
		"POST " + importPath:                     a.take,
	}
}

const (
	importPath = "/api/v1/import"
	exportPath = "/api/v1/export"
)

// take takes in an export.
func (a *API) take(r *http.Request) (any, error) {
	replace := r.URL.Query().Get("replace")
	if replace != "" && replace != "true" && replace != "false" {
		return nil, wrong("replace", "true or false")
	}
	x, err := home.ParseExport(r.Body)
	if err != nil {
		return nil, err
	}
	return a.Import(r.Context(), Actor(r.Context()), x, replace == "true")
}

// about is the device that a request is about, and the words that the answer is to have.
func (a *API) about(r *http.Request) (*home.Device, *locale.Catalogue, error) {
	d, err := a.Household.Find(r.PathValue("device"))
	if err != nil {
		return nil, nil, err
	}
	switch l := r.URL.Query().Get("lang"); l {
	case "", string(locale.English):
		return d, locale.New(locale.English), nil
	case string(locale.French):
		return d, locale.New(locale.French), nil
	}
	return nil, nil, wrong("lang", "en or fr")
}

func (a *API) rehearsal(r *http.Request) (any, error) {
	d, words, err := a.about(r)
	if err != nil {
		return nil, err
	}
	offered := r.URL.Query().Get("file")
	if offered != "" && offered != "offered" {
		return nil, wrong("file", "offered, or not there")
	}
	return a.Rehearse(r.Context(), d, offered != "", words)
}

func (a *API) offer(r *http.Request) (any, error) {
	d, words, err := a.about(r)
	if err != nil {
		return nil, err
	}
	if d.Offers() == nil {
		return nil, fmt.Errorf("no file is offered for %s: %w", d.Title(), fs.ErrNotExist)
	}
	return a.Offer(r.Context(), d, words)
}

// codeSchema names the shape of the answer of code.
const codeSchema = "plimsoll.home.code/1"

// code lets somebody into the pages who is not known yet.
func (a *API) code(r *http.Request) (any, error) {
	var ask struct {
		Role string `json:"role"`
	}
	if err := read(r, &ask); err != nil {
		return nil, err
	}
	code, err := a.Code(ask.Role)
	if err != nil {
		return nil, err
	}
	return map[string]any{"schema": codeSchema, "code": code, "role": ask.Role, "until": time.Now().Add(auth.CodeLasts).UTC()}, nil
}

func (a *API) notices(r *http.Request) (any, error) { return a.Notices.Report(r.Context()) }

func (a *API) testNotice(r *http.Request) (any, error) {
	return a.Notices.Try(r.Context(), r.PathValue("channel"))
}

func (a *API) status(*http.Request) (any, error) { return a.Status(), nil }

func (a *API) devices(*http.Request) (any, error) {
	return map[string]any{"devices": append([]*home.Device{}, a.Household.Devices()...)}, nil
}

func (a *API) device(r *http.Request) (any, error) { return a.Household.Find(r.PathValue("device")) }

// order is what a person wants done.
type order struct {
	Verb     home.Verb `json:"verb"`
	Argument string    `json:"argument"`
}

func (a *API) decide(r *http.Request) (any, error) {
	var o order
	if err := read(r, &o); err != nil {
		return nil, err
	}
	if o.Verb == home.Undo {
		return nil, fmt.Errorf("%w: undo has a place of its own", home.ErrVerb)
	}
	if (o.Verb == home.HoldTo || o.Verb == home.Rehearse || o.Verb == home.Bind) && o.Argument != "" {
		f, err := a.History.File(r.Context(), o.Argument)
		if err != nil {
			return nil, err
		}
		if (o.Verb == home.Bind) != (f.Origin == home.OfLabel) {
			return nil, fmt.Errorf("%w: the file %s is of another kind", home.ErrVerb, o.Argument)
		}
	}
	return a.Household.Decide(r.Context(), Actor(r.Context()), o.Verb, r.PathValue("device"), o.Argument)
}

// label takes a label for a device.
func (a *API) label(r *http.Request) (any, error) {
	d, err := a.Household.Find(r.PathValue("device"))
	if err != nil {
		return nil, err
	}
	var o struct {
		Envelope []byte `json:"envelope"`
	}
	if err := read(r, &o); err != nil {
		return nil, err
	}
	return a.Label(r.Context(), Actor(r.Context()), d, o.Envelope)
}

// sticker takes the text of the sticker on a device (RFC 9238).
func (a *API) sticker(r *http.Request) (any, error) {
	d, err := a.Household.Find(r.PathValue("device"))
	if err != nil {
		return nil, err
	}
	var o struct {
		Text string `json:"text"`
	}
	if err := read(r, &o); err != nil {
		return nil, err
	}
	s, err := mud.ParseSticker(o.Text)
	if err != nil {
		return nil, err
	}
	return a.Sticker(r.Context(), Actor(r.Context()), d, s)
}

func (a *API) undo(r *http.Request) (any, error) {
	var o struct {
		Seq int64 `json:"seq"` // 0: the last
	}
	if err := read(r, &o); err != nil {
		return nil, err
	}
	argument := ""
	if o.Seq != 0 {
		argument = strconv.FormatInt(o.Seq, 10)
	}
	return a.Household.Decide(r.Context(), Actor(r.Context()), home.Undo, "", argument)
}

// describe takes what the household says of a device.
func (a *API) describe(r *http.Request) (any, error) {
	var o struct {
		Name      *string          `json:"name"`
		Room      *string          `json:"room"`
		Corrected *home.Correction `json:"corrected"`
		MUDURL    *string          `json:"mud_url"` // by the operator’s word
		Care      *home.Care       `json:"care"`
	}
	if err := read(r, &o); err != nil {
		return nil, err
	}
	if o.MUDURL != nil {
		if _, err := mud.CheckURL(*o.MUDURL); err != nil {
			return nil, fmt.Errorf("%w: %w", errRequest, err)
		}
	}
	d, _, err := a.Household.Describe(r.Context(), Actor(r.Context()), r.PathValue("device"), func(d *home.Device) {
		if o.Name != nil {
			d.Name = *o.Name
		}
		if o.Room != nil {
			d.Room = *o.Room
		}
		if o.Corrected != nil {
			d.Corrected = o.Corrected
		}
		if o.MUDURL != nil {
			d.Says(home.MUDURL{URL: *o.MUDURL, Via: "operator", At: time.Now().UTC()})
		}
		if o.Care != nil {
			d.Care = o.Care
		}
	})
	return d, err
}

func (a *API) traffic(r *http.Request) (any, error) {
	d, err := a.Household.Find(r.PathValue("device"))
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	span, ok := map[string]time.Duration{"": time.Hour, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[q.Get("span")]
	if !ok {
		return nil, wrong("span", "minute, hour or day")
	}
	to, err := instant(q, "to", time.Now().Add(span))
	if err != nil {
		return nil, err
	}
	from, err := instant(q, "from", to.Add(-25*span))
	if err != nil {
		return nil, err
	}
	limit, err := number(q, "limit", 1000, 10_000)
	if err != nil {
		return nil, err
	}
	list, err := a.History.Traffic(r.Context(), d.ID, span, from, to, int(limit))
	if err != nil {
		return nil, err
	}
	reaches, err := a.History.Reaches(r.Context(), d.ID, from, home.MaxReaches)
	if err != nil {
		return nil, err
	}
	return map[string]any{"traffic": append([]home.Traffic{}, list...), "countries": home.CountriesOf(reaches)}, nil
}

func (a *API) policy(r *http.Request) (any, error) {
	d, err := a.Household.Find(r.PathValue("device"))
	if err != nil {
		return nil, err
	}
	if d.File == "" {
		return nil, fmt.Errorf("%w: %s", home.ErrNoFile, d.Title())
	}
	f, err := a.History.File(r.Context(), d.File)
	if err != nil {
		return nil, err
	}
	return json.RawMessage(f.Body), nil
}

func (a *API) findings(r *http.Request) (any, error) {
	q := r.URL.Query()
	if q.Has("id") {
		f, err := a.History.Finding(r.Context(), q.Get("id"))
		if errors.Is(err, fs.ErrNotExist) {
			return map[string]any{"findings": []home.Noted{}}, nil
		}
		return map[string]any{"findings": []*home.Noted{f}}, err
	}
	device := ""
	if name := q.Get("device"); name != "" {
		d, err := a.Household.Find(name)
		if err != nil {
			return nil, err
		}
		device = d.ID
	}
	limit, err := number(q, "limit", 100, 1000)
	if err != nil {
		return nil, err
	}
	list, err := a.History.Findings(r.Context(), device, int(limit))
	return map[string]any{"findings": append([]home.Noted{}, list...)}, err
}

func (a *API) note(r *http.Request) (any, error) {
	var o struct {
		State home.NoteState `json:"state"`
	}
	if err := read(r, &o); err != nil {
		return nil, err
	}
	if o.State != home.Open && o.State != home.Muted && o.State != home.Done {
		return nil, wrong("state", "open, muted or done")
	}
	f, err := a.History.Finding(r.Context(), r.PathValue("finding"))
	if err != nil {
		return nil, err
	}
	_, err = a.Household.Note(r.Context(), Actor(r.Context()), f.Device, f.ID(), o.State)
	return o, err
}

func (a *API) decisions(r *http.Request) (any, error) {
	q := r.URL.Query()
	before, err := number(q, "before", 0, 1<<62)
	if err != nil {
		return nil, err
	}
	limit, err := number(q, "limit", 100, 1000)
	if err != nil {
		return nil, err
	}
	list, err := a.History.Decisions(r.Context(), q.Get("device"), before, int(limit))
	return map[string]any{"decisions": append([]*home.Decision{}, list...)}, err
}

// errRequest is the cause of what is wrong with a request.
var errRequest = errors.New("wrong request")

func wrong(name, want string) error { return fmt.Errorf("%w: %s must be %s", errRequest, name, want) }

func read(r *http.Request, v any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", errRequest, err)
	}
	return nil
}

func number(q url.Values, name string, otherwise, most int64) (int64, error) {
	s := q.Get(name)
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > most {
		return 0, wrong(name, fmt.Sprintf("a number up to %d", most))
	}
	return n, nil
}

func instant(q url.Values, name string, otherwise time.Time) (time.Time, error) {
	s := q.Get(name)
	if s == "" {
		return otherwise, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, wrong(name, "a time as in RFC 3339")
	}
	return t, nil
}

// Problem is an answer that something is wrong (RFC 9457). Type tells programs what.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// problems are the kinds of problem, by the errors that cause them.
var problems = []struct {
	err    error
	status int
	kind   string
}{
	{errRequest, http.StatusBadRequest, "request"},
	{home.ErrUnknown, http.StatusNotFound, "device-unknown"},
	{home.ErrNoFile, http.StatusConflict, "no-file"},
	{home.ErrConsent, http.StatusConflict, "consent"},
	{home.ErrStale, http.StatusConflict, "stale"},
	{home.ErrExport, http.StatusUnprocessableEntity, "export"},
	{home.ErrVerb, http.StatusUnprocessableEntity, "verb"},
	{home.ErrKeep, http.StatusInsufficientStorage, "not-kept"},
	{home.ErrForce, http.StatusServiceUnavailable, "not-in-force"},
	{home.ErrNoRegistry, http.StatusConflict, "no-registry"},
	{home.ErrLabel, http.StatusUnprocessableEntity, "label"},
	{home.ErrOther, http.StatusUnprocessableEntity, "sticker-other"},
	{mud.ErrHostile, http.StatusUnprocessableEntity, "sticker-hostile"},
	{mud.ErrNotSticker, http.StatusUnprocessableEntity, "sticker-none"},
	{trust.ErrOtherURL, http.StatusUnprocessableEntity, "sticker-url"},
	{trust.ErrNoLabel, http.StatusUnprocessableEntity, "sticker-unknown"},
	{trust.ErrUnlogged, http.StatusUnprocessableEntity, "sticker-unlogged"},
	{trust.ErrStatus, http.StatusUnprocessableEntity, "sticker-status"},
	{trust.ErrNone, http.StatusServiceUnavailable, "registry-away"},
	{trust.ErrAway, http.StatusServiceUnavailable, "registry-away"},
	{fs.ErrNotExist, http.StatusNotFound, "not-found"},
}

func (a *API) problem(w http.ResponseWriter, r *http.Request, err error) {
	p := Problem{Type: "urn:plimsoll:problem:internal", Status: http.StatusInternalServerError, Detail: "the log of the gateway says more"}
	for _, k := range problems {
		if errors.Is(err, k.err) {
			p = Problem{Type: "urn:plimsoll:problem:" + k.kind, Status: k.status, Detail: err.Error()}
			break
		}
	}
	if p.Status >= 500 {
		a.Log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	p.Title = http.StatusText(p.Status)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}
