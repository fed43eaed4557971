// Package page is what all pages of Plimsoll share: an address for each language, the layout, the headers that keep a
// page to itself, forms that change something, news for pages that are looked at, and errors in words.
//
// Pages are made on the server and work without a script. Whoever asks by a name that the site does not have is turned
// away, so that a page elsewhere cannot reach into a home by a name of its own (DNS rebinding); a form of another site
// changes nothing (http.CrossOriginProtection).
package page

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"runtime/debug"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/asset"
)

//go:embed layout.html
var layout string

//go:embed signin.html
var signIn string

// Link is a way to go that all pages of a site have.
type Link struct {
	Key  string // of its name in the catalogue
	Path string // without the language: "/devices"
}

// Site is a set of pages.
type Site struct {
	Name      string   // of its catalogue keys: home, registry
	Templates fs.FS    // *.html, each a definition of "main" and, if it likes, of others
	Links     []Link   // in the order in which they are shown
	Hosts     []string // the names that it has, beside addresses and localhost
	Public    *url.URL // where others reach it, for a proxy that ends TLS, and as another name; nil: as they ask
	Forwarded bool     // the proxy of Public adds to X-Forwarded-For who asks; it counts attempts to come in alone
	Version   string   // of the program
	Foot      string   // key of what stands below each page; "": page.foot
	NoCodes   bool     // nobody comes in by a code from a terminal
	// Words are the messages of a language; nil: those of the program.
	Words  func(locale.Lang) *locale.Catalogue
	Events *Events // the news that pages follow; nil: they follow none
	// Door is where people come in; nil: everybody may see every page.
	Door *auth.Door
	// Passkeys are those of the people of the door; nil: the site has none.
	Passkeys Passkeys
	// May says which of Links are shown to whom; nil: all to everybody. It forbids nothing: handlers do.
	May func(v Viewer, path string) bool
	Log *slog.Logger

	routes    map[string]Handler
	open      map[string]bool // the patterns of pages for everybody
	templates map[string]*template.Template
	words     map[locale.Lang]*locale.Catalogue
	mux       *http.ServeMux
}

// Viewer is who looks at a page; the zero value is somebody who is not known.
type Viewer struct {
	Name string
	Role string
}

// Request is what a handler is asked.
type Request struct {
	*http.Request
	Words  *locale.Catalogue
	Viewer Viewer
	begin  string // token of a session that the handler began, for the cookie
	leave  bool   // the session ends
}

// Handler makes a page of one address. Errors become pages in words: fs.ErrNotExist one that says so.
type Handler func(r *Request) (*View, error)

// View is what is shown.
type View struct {
	Template string // the file in Templates
	Title    string // in words
	Data     any
	Status   int    // 0: 200
	To       string // instead of a page: the path that is gone to, without the language (RFC 9110 §15.4.4)
	Live     bool   // the page follows the news
	Cache    string // Cache-Control; "" is no-store
	File     *File  // instead of a page
}

// File is what a browser keeps instead of showing it.
type File struct {
	Name string // under which it is kept
	Type string // media type
	Body []byte
	Show bool   // the browser shows it, as a picture in a page
	Keep string // Cache-Control; "" is no-store
}

// See is a way to another page, after something was changed.
func See(path string) *View { return &View{To: path} }

// Problem is an error in words.
type Problem struct {
	Status int
	Key    string // of the catalogue
	Args   []any
	Cause  error
}

// Error is for logs.
func (p *Problem) Error() string { return fmt.Sprintf("%s %v: %v", p.Key, p.Args, p.Cause) }

// Unwrap is the cause.
func (p *Problem) Unwrap() error { return p.Cause }

// Cause is an error that a site has words for.
type Cause struct {
	Err    error
	Status int
	Key    string // of the catalogue; its place {cause} is the error
}

// Explain gives an error the words of the first cause that it wraps; one that wraps none stays as it is.
func Explain(err error, causes []Cause) error {
	for _, c := range causes {
		if errors.Is(err, c.Err) {
			return &Problem{Status: c.Status, Key: c.Key, Args: []any{"cause", err.Error()}, Cause: err}
		}
	}
	return err
}

// Handle adds a page, before Handler is called: "GET /devices/{id}" is served at /en/devices/{id} and /fr/devices/{id}.
func (s *Site) Handle(pattern string, h Handler) {
	if s.routes == nil {
		s.routes = map[string]Handler{}
	}
	s.routes[pattern] = h
}

// Open adds a page for everybody, also for who is not known.
func (s *Site) Open(pattern string, h Handler) {
	s.Handle(pattern, h)
	if s.open == nil {
		s.open = map[string]bool{}
	}
	s.open[pattern] = true
}

// maxForm bounds what a form sends, octets: a photograph at most.
const maxForm = 12 << 20

// Handler serves the site. The error says which template is wrong.
func (s *Site) Handler() (http.Handler, error) {
	if err := s.parse(); err != nil {
		return nil, err
	}
	s.words = map[locale.Lang]*locale.Catalogue{}
	words := s.Words
	if words == nil {
		words = locale.New
	}
	if s.Door != nil {
		s.signIn()
	}
	if s.Door != nil && s.Passkeys != nil {
		s.addPasskeys()
	}
	mux := http.NewServeMux()
	s.mux = mux
	for _, l := range locale.Languages {
		s.words[l] = words(l)
		for pattern, h := range s.routes {
			method, path, ok := strings.Cut(pattern, " ")
			if !ok {
				return nil, fmt.Errorf("page %q has no method", pattern)
			}
			if path == "/" {
				path = "/{$}"
			}
			mux.Handle(method+" /"+string(l)+path, s.serve(l, h, s.open[pattern]))
		}
		mux.Handle("/"+string(l)+"/", s.serve(l, func(*Request) (*View, error) { return nil, fs.ErrNotExist }, true))
	}
	mux.HandleFunc("GET "+asset.ScriptPath(), asset.ServeScript)
	mux.HandleFunc("GET /{$}", s.choose)
	if s.Events != nil {
		mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
			if s.Door != nil && s.viewer(r) == (Viewer{}) {
				http.Error(w, "sign in first", http.StatusForbidden)
				return
			}
			s.Events.ServeHTTP(w, r)
		})
	}
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, s.language(r), &Problem{Status: http.StatusForbidden, Key: "page.error.origin"})
	}))
	return s.known(guard.Handler(mux)), nil
}

// known turns away who asks by a name that is not the site’s.
func (s *Site) known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostname(r)
		_, err := netip.ParseAddr(host)
		if err != nil && host != "localhost" && !slices.Contains(s.Hosts, host) && s.public(r) == nil {
			headers(w.Header())
			http.Error(w, "this is not the name of this server", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// parse reads the templates, each with the layout and those whose names begin with an underscore.
func (s *Site) parse() error {
	base, err := template.New("layout").Parse(layout + signIn)
	if err != nil {
		return fmt.Errorf("layout of pages: %w", err)
	}
	names, err := fs.Glob(s.Templates, "*.html")
	if err != nil {
		return err
	}
	for _, n := range names {
		if strings.HasPrefix(n, "_") {
			if base, err = base.ParseFS(s.Templates, n); err != nil {
				return fmt.Errorf("template %s: %w", n, err)
			}
		}
	}
	s.templates = map[string]*template.Template{}
	for _, n := range append(names, "") {
		t, err := base.Clone()
		if err == nil && n != "" && !strings.HasPrefix(n, "_") {
			t, err = t.ParseFS(s.Templates, n)
		}
		if err != nil {
			return fmt.Errorf("template %s: %w", n, err)
		}
		s.templates[n] = t
	}
	return nil
}

// choose leads to the language that the browser asks for.
func (s *Site) choose(w http.ResponseWriter, r *http.Request) {
	headers(w.Header())
	w.Header().Set("Vary", "Accept-Language")
	http.Redirect(w, r, "/"+string(s.language(r))+"/", http.StatusFound)
}

// language is that of the address, else the first of the browser’s that the site speaks.
func (s *Site) language(r *http.Request) locale.Lang {
	for _, l := range locale.Languages {
		if strings.HasPrefix(r.URL.Path, "/"+string(l)+"/") {
			return l
		}
	}
	return locale.Accepted(r.Header.Get("Accept-Language"), locale.English)
}

func (s *Site) serve(l locale.Lang, h Handler, open bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		req := &Request{Request: r, Words: s.words[l]}
		if s.Door != nil {
			if req.Viewer = s.viewer(r); !open && req.Viewer == (Viewer{}) {
				s.ask(w, r, l)
				return
			}
		}
		v, err := answer(h, req)
		if err == nil {
			s.setCookie(w, req)
		}
		switch {
		case err != nil:
			s.fail(w, r, l, err)
		case v.File != nil:
			headers(w.Header())
			w.Header().Set("Content-Type", v.File.Type)
			kind := "attachment"
			if v.File.Show {
				kind = "inline"
				w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
			}
			w.Header().Set("Content-Disposition", mime.FormatMediaType(kind, map[string]string{"filename": v.File.Name}))
			if v.File.Keep != "" {
				w.Header().Set("Cache-Control", v.File.Keep)
			}
			_, _ = w.Write(v.File.Body) // who went away needs no file
		case v.To != "":
			headers(w.Header())
			http.Redirect(w, r, "/"+string(l)+v.To, http.StatusSeeOther)
		default:
			s.show(w, r, l, v, req.Viewer)
		}
	})
}

// answer asks a handler. A defect of one page is an error like others: told in the log with its place, and to whoever asked
// in words.
func answer(h Handler, r *Request) (v *View, err error) {
	defer func() {
		if p := recover(); p != nil {
			v, err = nil, fmt.Errorf("defect: %v\n%s", p, debug.Stack())
		}
	}()
	return h(r)
}

// headers keep a page to itself.
func headers(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+asset.Source(Style)+"; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; "+
		"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types plimsoll")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	h.Set("Cache-Control", "no-store")
}

// Style is that of every page, inside it: so that there is one request before the first paint.
var Style = asset.Base + asset.Pages

// Model is all that a template is given.
type Model struct {
	*View
	Lang   locale.Lang
	Viewer Viewer
	site   *Site
	words  *locale.Catalogue
	path   string // without the language
	query  string
}

// T is a message of the catalogue.
func (m *Model) T(key string, args ...any) string { return m.words.Text(key, args...) }

// Path is an address of this site, in this language.
func (m *Model) Path(path string) string { return "/" + string(m.Lang) + path }

// In is the address of this page in another language.
func (m *Model) In(l string) string { return "/" + l + m.path + m.query }

// Here reports whether a link leads to this page, or to the one above it that is next.
func (m *Model) Here(path string) bool {
	over := func(path string) bool { return m.path == path || path != "/" && strings.HasPrefix(m.path, path+"/") }
	return over(path) && !slices.ContainsFunc(m.site.Links, func(l Link) bool { return len(l.Path) > len(path) && over(l.Path) })
}

// Site is the name of the site.
func (m *Model) Site() string { return m.site.Name }

// Links are the ways to go that this viewer has.
func (m *Model) Links() []Link {
	if m.site.May == nil {
		return m.site.Links
	}
	return slices.DeleteFunc(slices.Clone(m.site.Links), func(l Link) bool { return !m.site.May(m.Viewer, l.Path) })
}

// Known reports whether it is known who looks, and so can leave.
func (m *Model) Known() bool { return m.Viewer != (Viewer{}) }

// Foot is what stands below the page.
func (m *Model) Foot() string { return m.words.Text(cmp.Or(m.site.Foot, "page.foot")) }

// Codes reports whether people come in by a code, too.
func (m *Model) Codes() bool { return !m.site.NoCodes }

// Version is that of the program.
func (m *Model) Version() string { return m.site.Version }

// Follows reports whether the page follows the news.
func (m *Model) Follows() bool { return m.Live && m.site.Events != nil }

// Style is that of the page.
func (m *Model) Style() template.CSS { return template.CSS(Style) }

// Shapes are the marks of states.
func (m *Model) Shapes() template.HTML { return template.HTML(asset.Shapes) }

// Script is where the script is.
func (m *Model) Script() string { return asset.ScriptPath() }

func (s *Site) show(w http.ResponseWriter, r *http.Request, l locale.Lang, v *View, viewer Viewer) {
	m := &Model{View: v, Lang: l, Viewer: viewer, site: s, words: s.words[l], path: strings.TrimPrefix(r.URL.Path, "/"+string(l))}
	if r.Method == http.MethodPost {
		m.path = s.above(r, l)
	} else if r.URL.RawQuery != "" {
		m.query = "?" + r.URL.RawQuery
	}
	t, ok := s.templates[v.Template]
	if !ok {
		s.Log.ErrorContext(r.Context(), "page has no template", "template", v.Template)
		http.Error(w, "page is missing", http.StatusInternalServerError)
		return
	}
	var b bytes.Buffer // a page that fails half-way is not shown
	if err := t.ExecuteTemplate(&b, "layout", m); err != nil {
		s.Log.ErrorContext(r.Context(), "page could not be made", "template", v.Template, "error", err)
		if v.Template == "" {
			http.Error(w, "page could not be made", http.StatusInternalServerError)
			return
		}
		s.fail(w, r, l, err)
		return
	}
	h := w.Header()
	headers(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(l))
	if v.Cache != "" {
		h.Set("Cache-Control", v.Cache)
	}
	w.WriteHeader(cmp.Or(v.Status, http.StatusOK))
	if _, err := w.Write(bytes.Map(locale.Visible, b.Bytes())); err != nil {
		s.Log.DebugContext(r.Context(), "page was not taken", "error", err)
	}
}

// above is the path of the page that a form was on, or of one above it: what answers a form cannot be asked for by a link.
func (s *Site) above(r *http.Request, l locale.Lang) string {
	language := "/" + string(l)
	for p := r.URL.Path; len(p) > len(language); p = path.Dir(p) {
		if _, pattern := s.mux.Handler(&http.Request{Method: http.MethodGet, Host: r.Host, URL: &url.URL{Path: p}}); strings.HasPrefix(pattern, http.MethodGet+" ") {
			return strings.TrimPrefix(p, language)
		}
	}
	return "/"
}

// fail shows an error in words.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, l locale.Lang, err error) {
	var p *Problem
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &p):
	case errors.Is(err, fs.ErrNotExist):
		p = &Problem{Status: http.StatusNotFound, Key: "page.error.missing"}
	case errors.Is(err, fs.ErrPermission):
		p = &Problem{Status: http.StatusForbidden, Key: "page.error.permission"}
	case errors.As(err, &large):
		p = &Problem{Status: http.StatusRequestEntityTooLarge, Key: "page.error.large"}
	case errors.Is(err, context.Canceled):
		return
	default:
		p = &Problem{Status: http.StatusInternalServerError, Key: "page.error.fault"}
	}
	if p.Status >= http.StatusInternalServerError {
		s.Log.ErrorContext(r.Context(), "page failed", "path", r.URL.Path, "error", err)
	}
	words := s.words[l]
	s.show(w, r, l, &View{Title: words.Text("page.error.title"), Data: words.Text(p.Key, p.Args...), Status: p.Status}, Viewer{})
}
