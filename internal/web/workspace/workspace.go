// Package workspace is the pages of a registry for those who write: a manufacturer hands in a product and asks for a label,
// a laboratory adds what it found, a certification body reviews and grants, the scheme’s owner suspends and restores
// (ISO/IEC 27404). Whoever comes in acts for one account; what they may do, and that two persons must decide, package
// review says.
package workspace

import (
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/picture"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/review"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
)

//go:embed pages/*.html
var templates embed.FS

// Pages are the workspaces of one registry.
type Pages struct {
	Desk   *review.Desk
	Door   *auth.Door // the role of a person is the ID of the account that they act for
	Now    func() time.Time
	Logger *slog.Logger

	drawing page.Places // a place for each picture that is drawn anew
}

// mostDrawing is how many pictures are drawn at a time: one can take some hundred megabytes.
const mostDrawing = 2

// Beside puts the pages for people beside the API: the public ones, and the workspaces. The page of a product belongs to
// both: it is what a label leads to.
func Beside(api, public, work http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.Handle("GET /{$}", public)
	mux.Handle("/static/", public)
	for _, l := range locale.Languages {
		mux.Handle("/"+string(l)+"/", public)
		mux.Handle("/"+string(l)+"/01/", api)
		for _, path := range append(page.DoorPaths(), "/desk", "/desk/") {
			mux.Handle("/"+string(l)+path, work)
		}
	}
	return mux
}

// Site is the pages as they are served. hosts are the names of the server.
func (p *Pages) Site(version string, hosts []string) (*page.Site, error) {
	pages, err := fs.Sub(templates, "pages")
	if err != nil {
		return nil, err
	}
	p.drawing = make(page.Places, mostDrawing)
	s := &page.Site{
		Name: "workspace", Templates: pages, Hosts: hosts, Version: version, Log: p.Logger, Door: p.Door, NoCodes: true, Foot: "work.foot",
		Links: []page.Link{{Key: "work.nav", Path: "/desk"}, {Key: "work.nav.audit", Path: "/desk/audit"}, {Key: "shop.nav.find", Path: "/"}},
		May: func(v page.Viewer, path string) bool {
			return path != "/desk/audit" || p.Desk.Registry.Account(v.Role).Role == registry.SchemeOwner
		},
	}
	for pattern, h := range map[string]func(*page.Request, *review.Person) (*page.View, error){
		"GET /desk":                        p.overview,
		"POST /desk":                       p.begin,
		"GET /desk/audit":                  p.audit,
		"GET /desk/cases/{id}":             p.show,
		"POST /desk/cases/{id}/files":      p.add,
		"GET /desk/cases/{id}/files/{sum}": p.file,
		"GET /desk/cases/{id}/picture.jpg": p.picture,
		"POST /desk/cases/{id}/picture":    p.depict,
		"GET /desk/cases/{id}/statement":   p.statement,
		"POST /desk/cases/{id}/ask":        p.ask,
		"POST /desk/cases/{id}/propose":    p.propose,
		"POST /desk/cases/{id}/return":     p.turnDown,
		"POST /desk/cases/{id}/confirm":    p.confirm,
		"GET /desk/labels":                 p.labels,
		"POST /desk/labels/{label}":        p.change,
	} {
		s.Handle(pattern, func(r *page.Request) (*page.View, error) {
			who, err := p.person(r)
			if err != nil {
				return nil, err
			}
			v, err := h(r, who)
			return v, problem(err)
		})
	}
	return s, nil
}

// person is who asks, with the account that they act for. One whose account is gone may do nothing.
func (p *Pages) person(r *page.Request) (*review.Person, error) {
	a := p.Desk.Registry.Account(r.Viewer.Role)
	if !slices.Contains(registry.Roles, a.Role) || a.ID == registry.Self {
		return nil, &page.Problem{Status: http.StatusForbidden, Key: "work.error.account"}
	}
	return &review.Person{Name: r.Viewer.Name, Account: a}, nil
}

// problem gives what is refused its words.
func problem(err error) error {
	return page.Explain(err, []page.Cause{
		{Err: picture.ErrForm, Status: http.StatusUnprocessableEntity, Key: "work.error.picture"},
		{Err: picture.ErrLarge, Status: http.StatusUnprocessableEntity, Key: "work.error.picture.large"},
		{Err: picture.ErrSmall, Status: http.StatusUnprocessableEntity, Key: "work.error.picture.small"},
		{Err: review.ErrEyes, Status: http.StatusConflict, Key: "work.error.eyes"},
		{Err: review.ErrNoKey, Status: http.StatusConflict, Key: "work.error.no-key"},
		{Err: review.ErrState, Status: http.StatusConflict, Key: "work.error.state"},
		{Err: review.ErrStale, Status: http.StatusConflict, Key: "work.error.stale"},
		{Err: review.ErrDiffer, Status: http.StatusConflict, Key: "work.error.differ"},
		{Err: registry.ErrReused, Status: http.StatusConflict, Key: "work.error.stale"},
		{Err: review.ErrMany, Status: http.StatusTooManyRequests, Key: "work.error.many"},
		{Err: registry.ErrUnknown, Status: http.StatusNotFound, Key: "page.error.missing"},
		{Err: registry.ErrRole, Status: http.StatusForbidden, Key: "work.error.role"},
		{Err: registry.ErrStatus, Status: http.StatusConflict, Key: "work.error.status"},
		{Err: registry.ErrNumber, Status: http.StatusConflict, Key: "work.error.stale"},
		{Err: registry.ErrBusy, Status: http.StatusServiceUnavailable, Key: "work.error.busy"},
		{Err: registry.ErrRepair, Status: http.StatusServiceUnavailable, Key: "work.error.busy"},
		{Err: label.ErrUntrusted, Status: http.StatusForbidden, Key: "work.error.signature"},
		{Err: label.ErrSignature, Status: http.StatusUnprocessableEntity, Key: "work.error.signature"},
		{Err: label.ErrChange, Status: http.StatusUnprocessableEntity, Key: "work.error.text"},
		{Err: label.ErrStatement, Status: http.StatusUnprocessableEntity, Key: "work.error.text"},
		{Err: registry.ErrText, Status: http.StatusUnprocessableEntity, Key: "work.error.text"},
	})
}
