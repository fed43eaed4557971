package page

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/auth"
)

// Passkeys makes passkeys, and judges what they sign. Questions and answers are JSON, as browsers have them
// (WebAuthn Level 3 §5.1); origin is where the browser sees the site.
type Passkeys interface {
	Make(ctx context.Context, origin, name, role string, from netip.Addr) (question []byte, err error)
	Keep(ctx context.Context, origin, name, title string, answer []byte) error
	Ask(origin string, from netip.Addr) (question []byte, err error)
	Enter(ctx context.Context, origin string, answer []byte, agent string) (token string, err error)
}

// maxSignIn bounds what somebody sends who is not known yet, octets: an answer about a passkey at most.
const maxSignIn = 128 << 10

// Bounds of the name of a passkey, letters.
const maxTitle = 40

// keyring is the page of somebody’s passkeys.
type keyring struct {
	Keys    []key
	Keyless string // why there can be none here, in words
	There   string // where there can be
	Full    bool
	Wrong   string // why it did not work
	Saved   string
	Title   string // that was given
}

type key struct {
	ID, Name, Host, Made, Used string
	Copied                     bool
}

// causes are the words for a passkey that is refused.
var causes = []Cause{
	{auth.ErrRefused, http.StatusForbidden, "page.passkey.error.refused"},
	{auth.ErrOften, http.StatusTooManyRequests, "page.sign-in.often"},
	{auth.ErrAnswer, http.StatusBadRequest, "page.passkey.error.refused"},
	{auth.ErrLate, http.StatusConflict, "page.passkey.error.late"},
	{auth.ErrCopied, http.StatusForbidden, "page.passkey.error.copied"},
	{auth.ErrMany, http.StatusConflict, "page.passkey.error.many"},
	{auth.ErrHas, http.StatusConflict, "page.passkey.error.has"},
	{errTitle, http.StatusBadRequest, "page.passkey.error.title"},
}

var errTitle = errors.New("a passkey has a name")

// addPasskeys adds the pages of passkeys: for coming in, and for those that somebody has.
func (s *Site) addPasskeys() {
	s.Open("POST /sign-in/passkey", s.question(func(r *Request, origin string) ([]byte, error) {
		return s.Passkeys.Ask(origin, s.from(r.Request))
	}))
	s.Handle("POST /passkeys/new", s.question(func(r *Request, origin string) ([]byte, error) {
		return s.Passkeys.Make(r.Context(), origin, r.Viewer.Name, r.Viewer.Role, s.from(r.Request))
	}))
	s.Handle("GET /passkeys", func(r *Request) (*View, error) {
		return s.showPasskeys(r, &keyring{Saved: r.URL.Query().Get("saved")})
	})
	s.Handle("POST /passkeys", s.changePasskeys)
}

// question serves what a script asks the browser, where there can be passkeys.
func (s *Site) question(ask func(r *Request, origin string) ([]byte, error)) Handler {
	return func(r *Request) (*View, error) {
		origin := s.Origin(r.Request)
		if why := keyless(origin); why != "" {
			return nil, &Problem{Status: http.StatusConflict, Key: "page.passkey.none." + why}
		}
		q, err := ask(r, origin)
		if err != nil {
			return nil, Explain(err, causes)
		}
		return &View{File: &File{Name: "passkey.json", Type: "application/json", Body: q}}, nil
	}
}

// Keyring reports whether the page is that of somebody’s passkeys.
func (m *Model) Keyring() bool {
	_, ok := m.Data.(*keyring)
	return ok
}

// Passkeys reports whether the site has passkeys at all.
func (m *Model) Passkeys() bool { return m.site.Passkeys != nil }

func (s *Site) showPasskeys(r *Request, k *keyring) (*View, error) {
	list, err := s.Door.Passkeys(r.Context(), r.Viewer.Name)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		x := key{ID: base64.RawURLEncoding.EncodeToString(p.ID), Name: p.Name, Host: p.Host, Made: r.Words.Date(p.Made.Local()), Copied: p.Copied}
		if !p.Used.IsZero() {
			x.Used = r.Words.Date(p.Used.Local())
		}
		k.Keys = append(k.Keys, x)
	}
	k.Full = len(list) >= auth.MostPasskeys
	k.Keyless, k.There = s.keyless(r)
	return &View{Title: r.Words.Text("page.passkeys"), Data: k}, nil
}

// keyless says in words why there can be no passkey where somebody is, and where there can be, if we know.
func (s *Site) keyless(r *Request) (why, there string) {
	origin := s.Origin(r.Request)
	key := keyless(origin)
	if key == "" {
		return "", ""
	}
	if u, err := url.Parse(origin); err == nil && key == "loopback" {
		u.Host = strings.TrimSuffix("localhost:"+u.Port(), ":")
		there = u.String() + "/" + string(r.Words.Lang()) + "/sign-in"
	} else if p := s.Public; p != nil && keyless(p.String()) == "" {
		there = p.Scheme + "://" + p.Host + "/" + string(r.Words.Lang()) + "/sign-in"
	}
	return r.Words.Text("page.passkey.none." + key), there
}

// changePasskeys keeps a passkey that a browser made, takes one away, or ends what somebody began elsewhere.
func (s *Site) changePasskeys(r *Request) (*View, error) {
	r.Body = http.MaxBytesReader(nil, r.Body, maxSignIn)
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	f, name, here := r.PostForm, r.Viewer.Name, s.token(r.Request)
	switch f.Get("do") {
	case "add":
		title := strings.Join(strings.Fields(f.Get("name")), " ")
		err := errTitle
		if title != "" && utf8.RuneCountInString(title) <= maxTitle {
			err = s.Passkeys.Keep(r.Context(), s.Origin(r.Request), name, title, []byte(f.Get("answer")))
		}
		var p *Problem
		if errors.As(Explain(err, causes), &p) {
			v, err := s.showPasskeys(r, &keyring{Wrong: r.Words.Text(p.Key), Title: title})
			if v != nil {
				v.Status = p.Status
			}
			return v, err
		}
		return See("/passkeys?saved=added"), err
	case "remove":
		id, err := base64.RawURLEncoding.DecodeString(f.Get("id"))
		if err != nil {
			return nil, fs.ErrNotExist
		}
		return See("/passkeys?saved=removed"), s.Door.RemovePasskey(r.Context(), name, id, here)
	case "leave":
		return See("/passkeys?saved=left"), s.Door.LeaveAll(r.Context(), name, here)
	}
	return nil, fs.ErrNotExist
}
