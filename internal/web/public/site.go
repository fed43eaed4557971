// Package public is the registry as everybody meets it: a page for each product, an HTTP API, and the files with which
// labels are verified. openapi.json describes the API; a test holds the two together.
//
// Whoever writes signs what is written, so that there are no sessions and no secrets here. Whoever reads is not asked who
// they are, and is not noted.
package public

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

//go:embed openapi.json
var openAPI []byte

// OpenAPI is the description of the API, OpenAPI 3.1.
func OpenAPI() []byte { return openAPI }

// Proofs are what the log can prove about an entry.
type Proofs interface {
	// Proof is a C2SP tlog-proof of a leaf.
	Proof(ctx context.Context, index uint64) ([]byte, error)
	// Landmark is the path of a label to the landmark of its day, or nil while the day is not over.
	Landmark(ctx context.Context, day label.Day, index uint64) (*label.Proof, error)
}

// Config is what a site is made of.
type Config struct {
	Registry *registry.Registry
	Proofs   Proofs
	Files    http.Handler // serves the log: checkpoint, tile/…, landmark/…
	Norms    *norms.Catalogue
	Logger   *slog.Logger
	Rate     float64 // writes a second of one account, and of one address
	Now      func() time.Time
	// Words are the messages of a language; nil: those of the program.
	Words func(locale.Lang) *locale.Catalogue
}

// Site serves a registry.
type Site struct {
	Config
	pages    *pages
	limits   *limits
	dumps    chan struct{} // a place for each dump under way
	requests *prometheus.CounterVec
	seconds  prometheus.Histogram
}

// New makes the site of a registry.
func New(c Config) (*Site, error) {
	if c.Words == nil {
		c.Words = locale.New
	}
	p, err := newPages(c.Norms, c.Words)
	if err != nil {
		return nil, err
	}
	return &Site{
		Config: c, pages: p, limits: newLimits(c.Rate), dumps: make(chan struct{}, 2),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "plimsoll", Subsystem: "registry", Name: "requests_total", Help: "Requests that were answered, by operation and class of status.",
		}, []string{"operation", "status"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "plimsoll", Subsystem: "registry", Name: "request_seconds", Help: "How long answers took.",
			Buckets: []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5},
		}),
	}, nil
}

// answer is what an operation gives.
type answer struct {
	status int    // 0: 200
	media  string // "": JSON of value
	body   []byte
	value  any
	header map[string]string
	age    time.Duration // how long it may be kept by others
	etag   string        // "": by the body
}

type operation struct {
	pattern string
	do      func(http.ResponseWriter, *http.Request) (*answer, error) // a nil answer: it was given already
}

// operations are all, by the name that openapi.json has.
func (s *Site) operations() map[string]operation {
	return map[string]operation{
		"products":    {"GET /api/v1/products", s.products},
		"product":     {"GET /api/v1/products/{gtin}", s.product},
		"labels":      {"GET /api/v1/labels", s.labels},
		"label":       {"GET /api/v1/labels/{id}", s.label},
		"envelope":    {"GET /api/v1/labels/{id}/envelope", s.envelope},
		"proof":       {"GET /api/v1/log/{index}/proof", s.proof},
		"evidence":    {"GET /api/v1/evidence/{hash}", s.evidence},
		"picture":     {"GET " + registry.Pictures + "{hash}", s.picture},
		"compare":     {"GET /api/v1/compare", s.compare},
		"issuers":     {"GET /api/v1/issuers", s.issuers},
		"nextIndex":   {"GET /api/v1/issuers/{account}", s.nextIndex},
		"statusList":  {"GET /api/v1/status-list", s.statusList},
		"bundle":      {"GET /api/v1/bundle", s.bundle},
		"feedAtom":    {"GET /api/v1/feed.atom", s.feedAtom},
		"feedJSON":    {"GET /api/v1/feed.json", s.feedJSON},
		"dump":        {"GET /api/v1/dump", s.dump},
		"key":         {"GET /api/v1/key", s.key},
		"health":      {"GET /api/v1/health", s.health},
		"openapi":     {"GET /api/v1/openapi.json", s.openapi},
		"grant":       {"POST /api/v1/labels", s.grant},
		"change":      {"POST /api/v1/labels/{id}/changes", s.change},
		"page":        {"GET /01/{gtin}", s.page},
		"pageEnglish": {"GET /en/01/{gtin}", s.page},
		"pageFrench":  {"GET /fr/01/{gtin}", s.page},
	}
}

// Patterns are what is served, by the name of the operation.
func (s *Site) Patterns() map[string]string {
	all := map[string]string{}
	for name, o := range s.operations() {
		all[name] = o.pattern
	}
	return all
}

// Handler serves the site.
func (s *Site) Handler() http.Handler {
	mux := http.NewServeMux()
	for name, o := range s.operations() {
		mux.HandleFunc(o.pattern, s.serve(name, o.do))
	}
	if s.Files != nil {
		for _, path := range []string{"/checkpoint", "/tile/", "/landmark/"} {
			mux.Handle("GET "+path, s.Files)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Access-Control-Allow-Origin", "*") // what is here is public, and nothing is kept in a browser
		mux.ServeHTTP(w, r)
	})
}

// serve answers requests by an operation.
func (s *Site) serve(name string, do func(http.ResponseWriter, *http.Request) (*answer, error)) http.HandlerFunc {
	var done [6]prometheus.Counter
	for class := range done {
		done[class] = s.requests.WithLabelValues(name, fmt.Sprintf("%dxx", class))
	}
	return func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		status := s.answer(w, r, do)
		s.seconds.Observe(time.Since(began).Seconds())
		done[status/100].Inc()
	}
}

func (s *Site) answer(w http.ResponseWriter, r *http.Request, do func(http.ResponseWriter, *http.Request) (*answer, error)) int {
	a, err := do(w, r)
	if err != nil {
		return s.problem(w, r, err)
	}
	if a == nil {
		return http.StatusOK
	}
	if a.media == "" {
		a.media = "application/json"
		if a.body, err = json.Marshal(a.value); err != nil {
			return s.problem(w, r, err)
		}
	}
	h := w.Header()
	h.Set("Content-Type", a.media)
	for k, v := range a.header {
		h.Set(k, v)
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		if a.etag == "" {
			a.etag = etag(a.body)
		}
		h.Set("ETag", a.etag)
		if a.age > 0 {
			h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(a.age/time.Second)))
		} else {
			h.Set("Cache-Control", "no-cache")
		}
		if r.Header.Get("If-None-Match") == a.etag {
			w.WriteHeader(http.StatusNotModified)
			return http.StatusNotModified
		}
	} else {
		h.Set("Cache-Control", "no-store")
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	w.WriteHeader(a.status)
	if _, err := w.Write(a.body); err != nil {
		s.Logger.DebugContext(r.Context(), "answer was not taken", "error", err)
	}
	return a.status
}

func etag(body []byte) string {
	sum := sha256.Sum256(body)
	return fmt.Sprintf(`"%x"`, sum[:12])
}

// errRequest is the cause of what is wrong with a request, errRate of one too many.
var (
	errRequest = errors.New("wrong request")
	errRate    = errors.New("too many requests")
	errLarge   = errors.New("request is too large")
)

func wrong(name, want string) error { return fmt.Errorf("%w: %s must be %s", errRequest, name, want) }

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
	{errRate, http.StatusTooManyRequests, "rate"},
	{errLarge, http.StatusRequestEntityTooLarge, "large"},
	{registry.ErrUnknown, http.StatusNotFound, "not-found"},
	{registry.ErrRole, http.StatusForbidden, "not-permitted"},
	{label.ErrUntrusted, http.StatusForbidden, "key-unknown"},
	{label.ErrSignature, http.StatusForbidden, "signature"},
	{registry.ErrNumber, http.StatusConflict, "number"},
	{registry.ErrIndex, http.StatusConflict, "index"},
	{registry.ErrStatus, http.StatusConflict, "status"},
	{registry.ErrReused, http.StatusUnprocessableEntity, "idempotency-key"},
	{registry.ErrDay, http.StatusUnprocessableEntity, "day"},
	{registry.ErrText, http.StatusUnprocessableEntity, "not-valid"},
	{label.ErrStatement, http.StatusUnprocessableEntity, "statement"},
	{label.ErrChange, http.StatusUnprocessableEntity, "change"},
	{registry.ErrBusy, http.StatusServiceUnavailable, "busy"},
	{registry.ErrRepair, http.StatusServiceUnavailable, "repair"},
}

func (s *Site) problem(w http.ResponseWriter, r *http.Request, err error) int {
	p := Problem{Type: "urn:plimsoll:problem:internal", Status: http.StatusInternalServerError, Detail: "the log of the registry says more"}
	for _, k := range problems {
		if errors.Is(err, k.err) {
			p = Problem{Type: "urn:plimsoll:problem:" + k.kind, Status: k.status, Detail: err.Error()}
			break
		}
	}
	if p.Status >= 500 && r.Context().Err() == nil {
		s.Logger.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	p.Title = http.StatusText(p.Status)
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
	return p.Status
}

// Collectors are the metrics of the site, and of its registry.
func (s *Site) Collectors() []prometheus.Collector {
	list := []prometheus.Collector{s.requests, s.seconds}
	c := s.Registry.Counts()
	for name, x := range map[string]struct {
		help string
		get  func() float64
	}{
		"grants_total":     {"Labels that were granted.", func() float64 { return float64(c.Granted.Load()) }},
		"changes_total":    {"Changes of labels.", func() float64 { return float64(c.Changed.Load()) }},
		"refusals_total":   {"Grants and changes that were refused on their way in.", func() float64 { return float64(c.Refused.Load()) }},
		"reconciled_total": {"Entries that were found pending, and brought in order.", func() float64 { return float64(c.Reconciled.Load()) }},
		"faults_total":     {"Times that store or log failed.", func() float64 { return float64(c.Failed.Load()) }},
	} {
		list = append(list, prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "plimsoll", Subsystem: "registry", Name: name, Help: x.help}, x.get))
	}
	gauge := func(name, help string, get func() float64) {
		list = append(list, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "plimsoll", Subsystem: "registry", Name: name, Help: help}, get))
	}
	gauge("under_way", "Entries that are neither acknowledged nor refused yet.", func() float64 { return float64(s.Registry.UnderWay()) })
	gauge("published_seconds", "When the last bundle was made, seconds since the Unix epoch.", func() float64 {
		if p := s.Registry.Publication(); p != nil {
			return float64(p.Made.Unix())
		}
		return 0
	})
	return list
}
