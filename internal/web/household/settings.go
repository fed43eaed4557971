package household

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/web/page"
)

// preferences is the page of settings.
type preferences struct {
	home.Settings
	Saved  string
	People bool // there is a page of people
	Tokens bool // and one of programs that read
	Tells  bool // something can be sent
}

func (p *Pages) settings(r *page.Request) (*page.View, error) {
	s, err := p.History.Settings(r.Context())
	if err != nil {
		return nil, err
	}
	return &page.View{
		Template: "settings.html", Title: r.Words.Text("household.nav.settings"),
		Data: &preferences{*s, saved(r), p.People != nil && p.may(r.Viewer, govern), p.Tokens && p.may(r.Viewer, govern), p.Notices != nil},
	}, nil
}

func (p *Pages) saveSettings(r *page.Request) (*page.View, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	f := r.PostForm
	s := &home.Settings{
		Name: oneLine(f.Get("name")), GuestPage: f.Get("guest_page") == "yes",
		Provider: home.Contact{Name: oneLine(f.Get("provider_name")), Phone: oneLine(f.Get("provider_phone"))},
		Helper:   home.Contact{Name: oneLine(f.Get("helper_name")), Phone: oneLine(f.Get("helper_phone"))},
	}
	if err := s.Check(); err != nil {
		return nil, problem(err)
	}
	if err := p.History.SaveSettings(r.Context(), s); err != nil {
		return nil, err
	}
	return page.See("/settings?saved=yes"), nil
}

// carried is the page that takes all out of the home, and into it.
type carried struct {
	Out, In bool // there is a way
}

func (p *Pages) carry(r *page.Request) (*page.View, error) {
	return &page.View{Template: "carry.html", Title: r.Words.Text("household.carry"), Data: &carried{p.Export != nil, p.Import != nil}}, nil
}

func (p *Pages) export(r *page.Request) (*page.View, error) {
	if p.Export == nil {
		return nil, errNoWay
	}
	x, err := p.Export(r.Context())
	if err != nil {
		return nil, err
	}
	body, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return nil, err
	}
	return &page.View{File: &page.File{Name: "plimsoll-home-" + p.Now().UTC().Format("2006-01-02") + ".json", Type: "application/json", Body: body}}, nil
}

// errNoWay is the answer where the program that serves the pages has no such thing.
var errNoWay = &page.Problem{Status: http.StatusNotFound, Key: "household.error.absent"}

// take takes in what a home exported, as it is read: it is not kept anywhere before it was checked.
func (p *Pages) take(r *page.Request) (*page.View, error) {
	if p.Import == nil {
		return nil, errNoWay
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, problem(errors.Join(home.ErrExport, err))
	}
	replace := false
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, problem(home.ErrExport)
		}
		if err != nil {
			return nil, err
		}
		switch part.FormName() {
		case "how":
			var b strings.Builder
			if _, err := io.Copy(&b, io.LimitReader(part, 16)); err != nil {
				return nil, err
			}
			replace = b.String() == "replace"
		case "file":
			x, err := home.ParseExport(part)
			if err != nil {
				return nil, problem(err)
			}
			if !p.may(r.Viewer, set) { // what the home says of itself is not theirs to say
				x.Settings = nil
			}
			if _, err := p.Import(r.Context(), p.actor(r), x, replace); err != nil {
				return nil, problem(err)
			}
			return page.See("/history?saved=yes"), nil
		}
	}
}
