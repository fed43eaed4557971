package household

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/page"
)

// allowed is what each role may do, address by address: this table is the promise, and roles must keep it.
var allowed = map[string]string{
	"GET /":                                     "owner adult helper child guest", // whom it leads to their page
	"GET /devices/{device}":                     "owner adult helper",
	"POST /devices/{device}":                    "owner adult helper",
	"POST /devices/{device}/about":              "owner adult helper",
	"POST /devices/{device}/care":               "owner adult helper",
	"POST /devices/{device}/code":               "owner adult helper",
	"POST /devices/{device}/known":              "owner adult helper",
	"POST /devices/{device}/findings/{finding}": "owner adult helper",
	"GET /devices/{device}/rehearsal":           "owner adult helper",
	"GET /devices/{device}/letter/{to}":         "owner adult helper",
	"GET /devices/{device}/evidence.json":       "owner adult helper",
	"POST /undo":                                "owner adult helper",
	"POST /ask":                                 "owner adult helper child",
	"POST /looked":                              "owner adult helper",
	"GET /plan":                                 "owner adult helper child",
	"GET /protection":                           "owner adult helper",
	"GET /history":                              "owner adult helper",
	"GET /week":                                 "owner adult helper",
	"GET /calendar":                             "owner adult helper",
	"GET /calendar/updates.ics":                 "owner adult helper",
	"GET /lists/{list}":                         "owner adult helper",
	"POST /lists/{list}":                        "owner adult helper",
	"GET /guide":                                "owner adult helper child",
	"GET /guide/words":                          "owner adult helper child",
	"GET /guide/safe":                           "owner adult helper child guest",
	"GET /guide/stage/{stage}":                  "owner adult helper child",
	"GET /guide/about/{about}":                  "owner adult helper child",
	"GET /lessons":                              "owner adult helper child",
	"GET /lessons/{lesson}":                     "owner adult helper child",
	"POST /lessons/{lesson}":                    "owner adult helper child",
	"GET /settings":                             "owner",
	"POST /settings":                            "owner",
	"GET /notices":                              "owner",
	"POST /notices":                             "owner",
	"GET /carry":                                "owner adult",
	"GET /carry/home.json":                      "owner adult",
	"POST /carry":                               "owner adult",
	"GET /people":                               "owner",
	"POST /people":                              "owner",
	"GET /tokens":                               "owner",
	"POST /tokens":                              "owner",
	"GET /sessions":                             "owner adult helper child guest",
	"POST /sessions":                            "owner adult helper child guest",
	"GET /guest":                                "owner adult helper child guest",
}

// store is who signs in, in a test of rights alone.
type store map[auth.Digest]*auth.Session

func (s store) User(context.Context, string) (*auth.User, error) { return nil, fs.ErrNotExist }
func (s store) SaveUser(context.Context, *auth.User) error       { return nil }
func (s store) ChangeUser(context.Context, string, func(*auth.User) error) error {
	return fs.ErrNotExist
}
func (s store) Sessions(context.Context, string) ([]auth.Visit, error) { return nil, nil }
func (s store) EndSession(_ context.Context, d auth.Digest) error      { delete(s, d); return nil }
func (s store) Session(_ context.Context, d auth.Digest) (*auth.Session, error) {
	if x := s[d]; x != nil {
		return x, nil
	}
	return nil, fs.ErrNotExist
}

func (s store) SaveSession(_ context.Context, d auth.Digest, x *auth.Session) error {
	s[d] = x
	return nil
}

func (s store) RenewSession(ctx context.Context, d auth.Digest, x *auth.Session) error {
	return s.SaveSession(ctx, d, x)
}

// Every address is asked by every role, and by somebody whose role nobody knows.
func TestEveryAddressKeepsToTheTableOfRights(t *testing.T) {
	p := &Pages{Log: slog.New(slog.DiscardHandler), Now: time.Now}
	reached := errors.New("reached")
	p.site = &page.Site{Name: "home", Templates: templates, Door: auth.NewDoor(store{}, time.Now), Log: p.Log}
	seen := map[string]bool{}
	for _, x := range p.routes() {
		seen[x.pattern] = true
		if _, ok := allowed[x.pattern]; !ok {
			t.Errorf("%s is not in the table", x.pattern)
		}
		x.handler = func(*page.Request) (*page.View, error) {
			return nil, &page.Problem{Status: http.StatusTeapot, Key: "page.nav", Cause: reached}
		}
		p.site.Handle(x.pattern, p.guard(x))
	}
	handler, err := p.site.Handler()
	if err != nil {
		t.Fatal(err)
	}
	for pattern, who := range allowed {
		if !seen[pattern] {
			t.Errorf("%s is in the table, and no address", pattern)
			continue
		}
		for _, role := range []string{owner, adult, helper, child, guest, "stranger", ""} {
			token, err := p.site.Door.Begin(t.Context(), "x", role, "test")
			if err != nil {
				t.Fatal(err)
			}
			method, path, _ := strings.Cut(pattern, " ")
			path = strings.NewReplacer("{device}", "d", "{finding}", "f", "{to}", "maker", "{list}", "l", "{stage}", "s", "{about}", "a", "{lesson}", "l").Replace(path)
			r := httptest.NewRequest(method, "http://localhost/"+string(locale.English)+path, nil)
			r.AddCookie(&http.Cookie{Name: "plimsoll-home", Value: token})
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			want := http.StatusForbidden
			if role != "" && strings.Contains(" "+who+" ", " "+role+" ") {
				want = http.StatusTeapot
			}
			if w.Code != want {
				t.Errorf("%s as %q: %d, want %d", pattern, role, w.Code, want)
			}
		}
	}
}
