// Package household is the pages of a home: what is here, whether it is all right, and what to do. They show what the
// gateway knows and do what its API does; nothing that they show leaves the house.
package household

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/country"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/notice"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
)

//go:embed pages/*.html
var templates embed.FS

// history is what is kept of what devices did, and of what the household said.
type history interface {
	Traffic(ctx context.Context, device string, span time.Duration, from, to time.Time, limit int) ([]home.Traffic, error)
	Amounts(ctx context.Context, from, to time.Time) ([]home.Amount, error)
	Reaches(ctx context.Context, device string, from time.Time, limit int) ([]home.Reach, error)
	Findings(ctx context.Context, device string, limit int) ([]home.Noted, error)
	OpenFindings(ctx context.Context, limit int) ([]home.Noted, error)
	Decisions(ctx context.Context, device string, before int64, limit int) ([]*home.Decision, error)
	File(ctx context.Context, sha256 string) (*home.File, error)

	// What the household says of itself, and which points of lists it did.

	Settings(ctx context.Context) (*home.Settings, error)
	SaveSettings(ctx context.Context, s *home.Settings) error
	Tokens(ctx context.Context) ([]home.Token, error)
	ChangeTokens(ctx context.Context, change func([]home.Token) ([]home.Token, error)) error
	Ticks(ctx context.Context, list string) (map[string]home.Tick, error)
	Tick(ctx context.Context, list, item string, t *home.Tick) error
}

// Labelled is the label of a device, with its status.
type Labelled struct {
	Statement *label.Statement
	Status    label.Status
	AsOf      time.Time // when that was its status
	Registry  string    // URL of the one that says so; "": none does
}

// page is the address at which the registry shows the product in a language; "" where none is known (GS1 Digital Link).
func (l *Labelled) page(lang locale.Lang) string {
	if l.Registry == "" {
		return ""
	}
	return l.Registry + "/" + string(lang) + "/01/" + l.Statement.GTIN14()
}

// Pages are those of one home.
type Pages struct {
	Household *home.Household
	History   history
	Mode      home.Mode // whether anything is stopped, as long as the gateway runs; "" is home.Watch
	Status    func() home.Status
	// Rehearse says what the file of a device would have stopped; the file that is offered, if offered is set.
	Rehearse func(ctx context.Context, d *home.Device, offered bool, words *locale.Catalogue) (*policy.RehearsalDocument, error)
	Now      func() time.Time
	Log      *slog.Logger

	// What follows may be nil.

	People  auth.Store // of the door of the site
	Shields func(ctx context.Context) (home.Shields, error)
	Label   func(ctx context.Context, d *home.Device) (*Labelled, error) // nil, nil: it has none
	// Code takes the text of the code on a device, or on its box: its label, or its sticker. Scan is the text of the code on
	// a photograph.
	Code   func(ctx context.Context, actor string, d *home.Device, text string) (*home.Decision, error)
	Scan   func(photo []byte) (string, error)
	Export func(ctx context.Context) (*home.Export, error)
	Import func(ctx context.Context, actor string, x *home.Export, replace bool) (*home.Decision, error)

	Tokens bool // programs can read what the gateway knows, at the address of the pages, if they show a token

	Notices *notice.Post // what is sent out of the home

	Countries country.Table // of addresses on the Internet

	site     *page.Site
	scanning page.Places // a place for the photograph that is read
}

// route is one address, and the right that it takes.
type route struct {
	pattern string
	right   right
	handler page.Handler
}

func (p *Pages) routes() []route {
	return []route{
		{"GET /", visit, p.overview},
		{"GET /devices/{device}", detail, p.seen(p.device)},
		{"POST /devices/{device}", decide, p.decide},
		{"POST /devices/{device}/about", decide, p.correct},
		{"POST /devices/{device}/care", decide, p.noteCare},
		{"POST /devices/{device}/code", decide, p.code},
		{"POST /devices/{device}/known", decide, p.know},
		{"POST /devices/{device}/findings/{finding}", decide, p.note},
		{"GET /devices/{device}/rehearsal", detail, p.seen(p.rehearsal)},
		{"GET /devices/{device}/letter/{to}", detail, p.seen(p.letter)},
		{"GET /devices/{device}/evidence.json", detail, p.seen(p.evidence)},
		{"POST /undo", decide, p.undo},
		{"POST /ask", look, p.ask},
		{"POST /looked", decide, p.looked},
		{"GET /plan", look, p.plan},
		{"GET /protection", detail, p.protection},
		{"GET /history", detail, p.history},
		{"GET /week", detail, p.week},
		{"GET /calendar", detail, p.calendar},
		{"GET /calendar/updates.ics", detail, p.ics},
		{"GET /lists/{list}", detail, p.list},
		{"POST /lists/{list}", decide, p.tick},
		{"GET /guide", look, p.guide},
		{"GET /guide/words", look, p.glossary},
		{"GET /guide/safe", visit, p.safe},
		{"GET /guide/stage/{stage}", look, p.stage},
		{"GET /guide/about/{about}", look, p.about},
		{"GET /lessons", look, p.lessons},
		{"GET /lessons/{lesson}", look, p.lesson},
		{"POST /lessons/{lesson}", look, p.learned},
		{"GET /settings", set, p.settings},
		{"POST /settings", set, p.saveSettings},
		{"GET /notices", set, p.notices},
		{"POST /notices", set, p.saveNotices},
		{"GET /carry", carry, p.carry},
		{"GET /carry/home.json", carry, p.export},
		{"POST /carry", carry, p.take},
		{"GET /people", govern, p.persons},
		{"POST /people", govern, p.savePerson},
		{"GET /tokens", govern, p.tokens},
		{"POST /tokens", govern, p.saveToken},
		{"GET /sessions", visit, p.sessions},
		{"POST /sessions", visit, p.endSession},
		{"GET /guest", visit, p.guest},
	}
}

// Site is the pages as they are served. hosts are the names that the house’s server has. Where it has no door, everybody
// who reaches it is an owner.
func (p *Pages) Site(version string, hosts []string) (*page.Site, error) {
	pages, err := fs.Sub(templates, "pages")
	if err != nil {
		return nil, err
	}
	s := &page.Site{
		Name: "home", Templates: pages, Hosts: hosts, Version: version, Log: p.Log, Events: &page.Events{},
		Links: []page.Link{
			{Key: "household.nav.home", Path: "/"},
			{Key: "household.nav.protection", Path: "/protection"},
			{Key: "household.nav.week", Path: "/week"},
			{Key: "household.nav.history", Path: "/history"},
			{Key: "household.nav.guide", Path: "/guide"},
			{Key: "household.nav.guest", Path: "/guest"},
			{Key: "household.nav.settings", Path: "/settings"},
			{Key: "household.nav.sessions", Path: "/sessions"},
		},
	}
	p.site, p.scanning = s, make(page.Places, 1)
	rights := map[string]right{}
	for _, x := range p.routes() {
		if path, ok := cutGet(x.pattern); ok {
			rights[path] = x.right
		}
		if x.pattern == "GET /guest" { // the household can open it to everybody
			s.Open(x.pattern, x.handler)
			continue
		}
		s.Handle(x.pattern, p.guard(x))
	}
	rights["/"] = look // it leads guests away
	s.May = func(v page.Viewer, path string) bool {
		return p.may(v, rights[path]) && (path != "/sessions" || p.People != nil)
	}
	return s, nil
}

// guard lets those in who have the right, and tells pages that are looked at what a form changed.
func (p *Pages) guard(x route) page.Handler {
	return func(r *page.Request) (*page.View, error) {
		if !p.may(r.Viewer, x.right) {
			return nil, fs.ErrPermission
		}
		v, err := x.handler(r)
		if err == nil && r.Method == http.MethodPost && p.site.Events != nil {
			p.site.Events.Changed()
		}
		return v, err
	}
}

// problem gives what the household refuses its words.
func problem(err error) error {
	return page.Explain(err, []page.Cause{
		{Err: home.ErrUnknown, Status: http.StatusNotFound, Key: "household.error.device"},
		{Err: home.ErrNoFile, Status: http.StatusConflict, Key: "household.error.no-file"},
		{Err: home.ErrConsent, Status: http.StatusConflict, Key: "household.error.consent"},
		{Err: home.ErrStale, Status: http.StatusConflict, Key: "household.error.stale"},
		{Err: home.ErrExport, Status: http.StatusUnprocessableEntity, Key: "household.error.export"},
		{Err: home.ErrForce, Status: http.StatusServiceUnavailable, Key: "household.error.force"},
		{Err: home.ErrVerb, Status: http.StatusBadRequest, Key: "household.error.verb"},
	})
}
