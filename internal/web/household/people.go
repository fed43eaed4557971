package household

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/page"
)

// persons is the page of who may look at the pages.
type persons struct {
	People  []person
	Roles   []option
	Rights  []fact // of each role
	Code    string // that lets Invited in once
	Invited string
	Link    string // that carries it
	Saved   string
}

type person struct {
	Name     string
	Role     string // in words
	Roles    []option
	Since    string
	Password bool
	Self     bool // who looks: their own role stays
	Passkeys int
}

var nameForm = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ._’-]*$`)

// isName is that a person may be called so: the same name in a log and in an address.
func isName(name string) bool {
	return utf8.RuneCountInString(name) <= home.MaxPerson && nameForm.MatchString(name)
}

func (p *Pages) persons(r *page.Request) (*page.View, error) { return p.showPersons(r, "", "") }

func (p *Pages) showPersons(r *page.Request, invited, code string) (*page.View, error) {
	if p.People == nil || p.site.Door == nil {
		return nil, errNoWay
	}
	list, err := p.People.Users(r.Context())
	if err != nil {
		return nil, err
	}
	w := r.Words
	x := &persons{Saved: saved(r), Roles: roleOptions(w, adult), Invited: invited, Code: code}
	if code != "" {
		x.Link = p.site.Origin(r.Request) + "/" + string(w.Lang()) + "/sign-in?" + url.Values{"code": {code}}.Encode()
	}
	for _, u := range list {
		x.People = append(x.People, person{u.Name, w.Text("household.role." + u.Role), roleOptions(w, u.Role), w.Date(u.Since.Local()), u.Password != "", u.Name == r.Viewer.Name, len(u.Passkeys)})
	}
	for _, role := range roles {
		x.Rights = append(x.Rights, fact{w.Text("household.role." + role.name), []string{w.Text("household.role." + role.name + ".may")}})
	}
	return &page.View{Template: "people.html", Title: w.Text("household.people"), Data: x}, nil
}

func roleOptions(w *locale.Catalogue, now string) (list []option) {
	for _, role := range roles {
		list = append(list, option{role.name, w.Text("household.role." + role.name), role.name == now})
	}
	return list
}

// savePerson adds somebody, changes their role or password, makes a code that lets them in, or takes them away. Whoever has
// another role must come in anew: a session keeps the one that it began with.
func (p *Pages) savePerson(r *page.Request) (*page.View, error) {
	if p.People == nil || p.site.Door == nil {
		return nil, errNoWay
	}
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	f, ctx := r.PostForm, r.Context()
	name, do := oneLine(f.Get("name")), f.Get("do")
	if !isName(name) {
		return nil, &page.Problem{Status: http.StatusBadRequest, Key: "household.error.name"}
	}
	if name == r.Viewer.Name && (do == "remove" || do == "role") {
		return nil, &page.Problem{Status: http.StatusConflict, Key: "household.error.self"}
	}
	u, err := p.People.User(ctx, name)
	known := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	role := f.Get("role")
	switch {
	case do == "add" && !known && isRole(role) && !isRole(name): // who comes in by a code of the terminal is called by the role
		u = &auth.User{Name: name, Role: role, Since: p.Now().UTC()}
		if err := p.People.SaveUser(ctx, u); err != nil {
			return nil, err
		}
		return p.showPersons(r, name, p.site.Door.Invite(name, role))
	case do == "add":
		return nil, &page.Problem{Status: http.StatusConflict, Key: "household.error.name"}
	case !known:
		return nil, fs.ErrNotExist
	case do == "code":
		return p.showPersons(r, name, p.site.Door.Invite(name, u.Role))
	case do == "role" && isRole(role):
		err := p.People.ChangeUser(ctx, name, func(u *auth.User) error {
			u.Role = role
			return nil
		})
		if err := errors.Join(err, p.site.Door.LeaveAll(ctx, name, "")); err != nil {
			return nil, err
		}
	case do == "passkeys":
		if err := p.site.Door.Reset(ctx, name); err != nil {
			return nil, err
		}
	case do == "password":
		err := p.site.Door.SetPassword(ctx, name, f.Get("password"))
		if errors.Is(err, auth.ErrPassword) {
			return nil, &page.Problem{Status: http.StatusBadRequest, Key: "household.error.password"}
		}
		if err != nil {
			return nil, err
		}
	case do == "remove":
		if err := p.People.DeleteUser(ctx, name); err != nil {
			return nil, err
		}
	default:
		return nil, &page.Problem{Status: http.StatusBadRequest, Key: "household.error.verb"}
	}
	return page.See("/people?saved=yes"), nil
}

// called is what somebody is called where they are spoken of: who comes in by a code of the terminal has the name of a role.
func called(w *locale.Catalogue, name string) string {
	if isRole(name) {
		return w.Text("household.role." + name)
	}
	return name
}

func isRole(name string) bool {
	for _, r := range roles {
		if r.name == name {
			return true
		}
	}
	return false
}

// visits is the page of who is in, and where.
type visits struct {
	Own   []seat
	Other []seat // for who may see that
	Saved string
}

type seat struct {
	ID, Person, Agent, Began, Last string
}

func (p *Pages) sessions(r *page.Request) (*page.View, error) {
	if p.People == nil {
		return nil, errNoWay
	}
	of := r.Viewer.Name
	if p.may(r.Viewer, govern) {
		of = ""
	}
	list, err := p.People.Sessions(r.Context(), of)
	if err != nil {
		return nil, err
	}
	x := &visits{Saved: saved(r)}
	for _, v := range list {
		s := seat{hex.EncodeToString(v.ID[:]), called(r.Words, v.User), v.Agent, r.Words.Time(v.Began.Local()), r.Words.Time(v.Last.Local())}
		if v.User == r.Viewer.Name {
			x.Own = append(x.Own, s)
		} else {
			x.Other = append(x.Other, s)
		}
	}
	return &page.View{Template: "sessions.html", Title: r.Words.Text("household.sessions"), Data: x}, nil
}

func (p *Pages) endSession(r *page.Request) (*page.View, error) {
	if p.People == nil {
		return nil, errNoWay
	}
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	var id auth.Digest
	if b, err := hex.DecodeString(r.PostForm.Get("session")); err != nil || copy(id[:], b) != len(id) || len(b) != len(id) {
		return nil, fs.ErrNotExist
	}
	of := r.Viewer.Name
	if p.may(r.Viewer, govern) {
		of = ""
	}
	list, err := p.People.Sessions(r.Context(), of)
	if err != nil {
		return nil, err
	}
	for _, v := range list {
		if v.ID == id { // one’s own, or one may
			if err := p.People.EndSession(r.Context(), id); err != nil {
				return nil, err
			}
			return page.See("/sessions?saved=yes"), nil
		}
	}
	return nil, fs.ErrNotExist
}
