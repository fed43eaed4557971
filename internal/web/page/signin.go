package page

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
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
		return &View{Title: r.Words.Text("page.sign-in.title"), Data: &form{To: local(q.Get("to")), Code: digits(q.Get("code"))}}, nil
	})
	s.Open("POST /sign-in", func(r *Request) (*View, error) {
		if err := r.ParseForm(); err != nil {
			return nil, err
		}
		f := form{To: local(r.PostForm.Get("to")), Name: r.PostForm.Get("name")}
		var err error
		if code := r.PostForm.Get("code"); code != "" {
			r.begin, err = s.Door.Pair(r.Context(), digits(code), from(r.Request), r.UserAgent())
		} else {
			r.begin, err = s.Door.Enter(r.Context(), f.Name, r.PostForm.Get("password"), from(r.Request), r.UserAgent())
		}
		status := http.StatusForbidden
		switch {
		case err == nil:
			return See(f.To), nil
		case errors.Is(err, auth.ErrRefused):
			f.Wrong = r.Words.Text("page.sign-in.wrong")
		case errors.Is(err, auth.ErrOften):
			f.Wrong, status = r.Words.Text("page.sign-in.often"), http.StatusTooManyRequests
		default:
			return nil, err
		}
		return &View{Title: r.Words.Text("page.sign-in.title"), Data: &f, Status: status}, nil
	})
	s.Open("POST /sign-out", func(r *Request) (*View, error) {
		if c, err := r.Cookie(s.cookieName(r.Request)); err == nil {
			if err := s.Door.Leave(r.Context(), c.Value); err != nil {
				return nil, err
			}
		}
		r.leave = true
		return See("/sign-in"), nil
	})
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

// viewer is who asks, by the cookie of their session.
func (s *Site) viewer(r *http.Request) Viewer {
	c, err := r.Cookie(s.cookieName(r))
	if err != nil {
		return Viewer{}
	}
	x, err := s.Door.Who(r.Context(), c.Value)
	if err != nil {
		if !errors.Is(err, auth.ErrRefused) {
			s.Log.WarnContext(r.Context(), "session could not be looked up", "error", err)
		}
		return Viewer{}
	}
	return Viewer{x.User, x.Role}
}

// cookieName is that of the session. It has the name of the site in it: a browser gives cookies to all ports of a machine,
// and a home and a registry may stand on one (RFC 6265 §8.5). Where the connection is encrypted, a browser takes a cookie of
// this name from this very server alone (RFC 6265bis §4.1.3.2).
func (s *Site) cookieName(r *http.Request) string {
	if r.TLS != nil {
		return "__Host-plimsoll-" + s.Name
	}
	return "plimsoll-" + s.Name
}

// cookie gives the browser the session that began, or takes it away.
func (s *Site) cookie(w http.ResponseWriter, r *Request) {
	if r.begin == "" && !r.leave {
		return
	}
	c := &http.Cookie{
		Name: s.cookieName(r.Request), Value: r.begin, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode, MaxAge: int(auth.Absolute.Seconds()),
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

// from is where somebody asks from.
func from(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr()
}
