// Package household is the pages of a home: what is here, whether it is all right, and what to do. They show what the
// gateway knows and do what its API does; nothing that they show leaves the house.
package household

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/internal/web/page"
)

//go:embed pages/*.html
var templates embed.FS

// history is what is kept of what devices did.
type history interface {
	Traffic(ctx context.Context, device string, span time.Duration, from, to time.Time, limit int) ([]home.Traffic, error)
	Findings(ctx context.Context, device string, limit int) ([]home.Noted, error)
	SetFinding(ctx context.Context, id string, state home.NoteState) error
	Decisions(ctx context.Context, device string, before int64, limit int) ([]*home.Decision, error)
	File(ctx context.Context, sha256 string) (*home.File, error)
}

// Pages are those of one home.
type Pages struct {
	Household *home.Household
	History   history
	Status    func() home.Status
	Rehearse  func(ctx context.Context, d *home.Device, offered bool, words *locale.Catalogue) (*policy.RehearsalDocument, error)
	Now       func() time.Time
	Log       *slog.Logger
}

// Site is the pages as they are served. hosts are the names that the house’s server has.
func (p *Pages) Site(version string, hosts []string) (*page.Site, error) {
	pages, err := fs.Sub(templates, "pages")
	if err != nil {
		return nil, err
	}
	s := &page.Site{
		Name: "home", Templates: pages, Hosts: hosts, Version: version, Log: p.Log, Events: &page.Events{},
		Links: []page.Link{{Key: "household.nav.home", Path: "/"}, {Key: "household.nav.history", Path: "/history"}},
	}
	s.Handle("GET /", p.overview)
	s.Handle("GET /devices/{device}", p.device)
	s.Handle("POST /devices/{device}", p.decide)
	s.Handle("POST /undo", p.undo)
	s.Handle("GET /history", p.history)
	return s, nil
}

// problem gives what the household refuses its words.
func problem(err error) error {
	for _, p := range []struct {
		cause  error
		status int
		key    string
	}{
		{home.ErrUnknown, 404, "household.error.device"},
		{home.ErrNoFile, 409, "household.error.no-file"},
		{home.ErrConsent, 409, "household.error.consent"},
		{home.ErrStale, 409, "household.error.stale"},
		{home.ErrVerb, 400, "household.error.verb"},
	} {
		if errors.Is(err, p.cause) {
			return &page.Problem{Status: p.status, Key: p.key, Cause: err}
		}
	}
	return err
}
