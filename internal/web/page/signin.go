package page

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/locale"
)

// form is what the page for coming in shows.
type form struct {
	Wrong string // why it did not work before
	To    string // where they wanted to go, without the language
	Code  string // that the address carries: a button is enough
	Name  string
	// Keyless is why there is no passkey here, in words, and There where one can be.
	Keyless, There string
}

// Form reports whether the page is the one for coming in.
func (m *Model) Form() bool {
	_, ok := m.Data.(*form)
	return ok
}

// signIn adds the pages for coming and going. Coming in changes something, so it takes a form, also by a link that
// carries a code.
func (s *Site) signIn() {
	s.Open("GET /sign-in", func(r *Request) (*View, error) {
		q := r.URL.Query()
		return s.showForm(r, &form{To: local(q.Get("to")), Code: digits(q.Get("code"))}, 0)
	})
	s.Open("POST /sign-in", func(r *Request) (*View, error) {
		r.Body = http.MaxBytesReader(nil, r.Body, maxSignIn)
		if err := r.ParseForm(); err != nil {
			return nil, err
		}
		f := form{To: local(r.PostForm.Get("to")), Name: r.PostForm.Get("name")}
		if err := s.enter(r, f.Name); err != nil {
			var p *Problem
			if !errors.As(err, &p) {
				return nil, err
			}
			f.Wrong = r.Words.Text(p.Key)
			return s.showForm(r, &f, p.Status)
		}
		return See(f.To), nil
	})
	s.Open("POST /sign-out", func(r *Request) (*View, error) {
		if err := s.Door.Leave(r.Context(), s.token(r.Request)); err != nil {
			return nil, err
		}
		r.leave = true
		return See("/sign-in"), nil
	})
}

// DoorPaths are those of the pages for coming in and going, and of passkeys, without the language.
func DoorPaths() []string {
	var s Site
	s.signIn()
	s.addPasskeys()
	paths := map[string]bool{}
	for pattern := range s.routes {
		_, path, _ := strings.Cut(pattern, " ")
		paths[path] = true
	}
	return slices.Sorted(maps.Keys(paths))
}

// enter lets somebody in by what the form has: a passkey, a code, or a name and a password.
func (s *Site) enter(r *Request, name string) (err error) {
	f := r.PostForm
	switch answer, code := f.Get("answer"), f.Get("code"); {
	case answer != "" && s.Passkeys != nil:
		r.begin, err = s.Passkeys.Enter(r.Context(), s.Origin(r.Request), []byte(answer), r.UserAgent())
		return Explain(err, causes)
	case code != "":
		r.begin, err = s.Door.Pair(r.Context(), digits(code), s.from(r.Request), r.UserAgent())
	default:
		r.begin, err = s.Door.Enter(r.Context(), name, f.Get("password"), s.from(r.Request), r.UserAgent())
	}
	return Explain(err, []Cause{{auth.ErrRefused, http.StatusForbidden, "page.sign-in.wrong"}, {auth.ErrOften, http.StatusTooManyRequests, "page.sign-in.often"}})
}

func (s *Site) showForm(r *Request, f *form, status int) (*View, error) {
	if s.Passkeys != nil {
		f.Keyless, f.There = s.keyless(r)
	}
	return &View{Title: r.Words.Text("page.sign-in.title"), Data: f, Status: status}, nil
}

// ask leads who is not known to the page for coming in; a form that they sent is lost.
func (s *Site) ask(w http.ResponseWriter, r *http.Request, l locale.Lang) {
	to := "/"
	if r.Method == http.MethodGet {
		to = strings.TrimPrefix(r.URL.RequestURI(), "/"+string(l))
	}
	headers(w.Header())
	http.Redirect(w, r, "/"+string(l)+"/sign-in?"+url.Values{"to": {to}}.Encode(), http.StatusSeeOther)
}

// token is that of the session that the browser has; "" is none.
func (s *Site) token(r *http.Request) string {
	c, err := r.Cookie(s.cookie(r))
	if err != nil {
		return ""
	}
	return c.Value
}

// viewer is who asks, by the cookie of their session.
func (s *Site) viewer(r *http.Request) Viewer {
	x, err := s.Door.Who(r.Context(), s.token(r))
	if err != nil {
		if !errors.Is(err, auth.ErrRefused) {
			s.Log.WarnContext(r.Context(), "session could not be looked up", "error", err)
		}
		return Viewer{}
	}
	return Viewer{x.User, x.Role}
}

// cookie is the name of that of the session. It has the name of the site in it: a browser gives cookies to all ports of a
// machine, and a home and a registry may stand on one (RFC 6265 §8.5). Where the connection is encrypted, a browser takes a
// cookie of this name from this very server alone, and sends it encrypted alone (RFC 6265bis §4.1.3.2).
func (s *Site) cookie(r *http.Request) string {
	if s.secure(r) {
		return "__Host-plimsoll-" + s.Name
	}
	return "plimsoll-" + s.Name
}

// setCookie gives the browser the session that began, or takes it away.
func (s *Site) setCookie(w http.ResponseWriter, r *Request) {
	if r.begin == "" && !r.leave {
		return
	}
	c := &http.Cookie{
		Name: s.cookie(r.Request), Value: r.begin, Path: "/", HttpOnly: true, Secure: s.secure(r.Request), SameSite: http.SameSiteStrictMode, MaxAge: int(auth.Absolute.Seconds()),
	}
	if r.leave {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// local is a path of this site, without the language; another becomes the first page.
func local(path string) string {
	u, err := url.Parse(path)
	if err != nil || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n") || u.Host != "" || u.Scheme != "" {
		return "/"
	}
	return path
}

// digits are those of a code, however it was written.
func digits(code string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, code[:min(len(code), 32)])
}
