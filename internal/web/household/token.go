package household

import (
	"errors"
	"net/http"
	"slices"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/web/page"
)

// readers is the page of the programs that may read what the gateway knows.
type readers struct {
	Rows   []reader
	Secret string // of the one that was made just now: it is shown once
	Name   string // of it
	Where  string // the address that it reads at
	Saved  string
}

type reader struct{ ID, Name, Since, Used string }

func (p *Pages) tokens(r *page.Request) (*page.View, error) { return p.showTokens(r, "", "") }

func (p *Pages) showTokens(r *page.Request, name, secret string) (*page.View, error) {
	if !p.Tokens {
		return nil, errNoWay
	}
	list, err := p.History.Tokens(r.Context())
	if err != nil {
		return nil, err
	}
	x := &readers{Secret: secret, Name: name, Where: p.site.Origin(r.Request) + "/api/v1/", Saved: saved(r)}
	for _, t := range list {
		row := reader{ID: t.ID, Name: t.Name, Since: r.Words.Text("household.people.since", "day", r.Words.Date(t.Since.Local())), Used: r.Words.Text("household.tokens.unused")}
		if !t.Used.IsZero() {
			row.Used = r.Words.Text("household.tokens.used", "time", r.Words.Time(t.Used.Local()))
		}
		x.Rows = append(x.Rows, row)
	}
	return &page.View{Template: "tokens.html", Title: r.Words.Text("household.tokens"), Data: x}, nil
}

// saveToken makes a token, or takes one away.
func (p *Pages) saveToken(r *page.Request) (*page.View, error) {
	if !p.Tokens {
		return nil, errNoWay
	}
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	f := r.PostForm
	switch f.Get("do") {
	case "add":
		name := oneLine(f.Get("name"))
		if !isName(name) {
			return nil, &page.Problem{Status: http.StatusBadRequest, Key: "household.error.name"}
		}
		t, secret := home.NewToken(name, p.actor(r), p.Now())
		err := p.History.ChangeTokens(r.Context(), func(list []home.Token) ([]home.Token, error) {
			if len(list) >= home.MaxTokens {
				return nil, home.ErrTokens
			}
			return append(list, t), nil
		})
		if errors.Is(err, home.ErrTokens) {
			return nil, &page.Problem{Status: http.StatusConflict, Key: "household.error.tokens", Cause: err}
		}
		if err != nil {
			return nil, err
		}
		return p.showTokens(r, name, secret)
	case "remove":
		err := p.History.ChangeTokens(r.Context(), func(list []home.Token) ([]home.Token, error) {
			return slices.DeleteFunc(list, func(t home.Token) bool { return t.ID == f.Get("token") }), nil
		})
		if err != nil {
			return nil, err
		}
		return page.See("/tokens?saved=yes"), nil
	}
	return nil, problem(home.ErrVerb)
}
