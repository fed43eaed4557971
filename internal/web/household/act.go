package household

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/page"
)

// choices are what may be done about a device as it is now.
func choices(words *locale.Catalogue, d *home.Device, signs []*home.Noted) (list []choice) {
	add := func(v home.Verb, grave bool) {
		key := "household.do." + string(v)
		list = append(list, choice{Verb: string(v), Text: words.Text(key), Means: words.Text(key + ".means"), Grave: grave})
	}
	switch d.State {
	case home.Quarantined:
		list = append(list, letBack(words, d))
		add(home.Release, false)
		if !d.Confirmed {
			add(home.Confirm, true)
		}
	case home.Rehearsing:
		add(home.HoldTo, false)
		add(home.Release, false)
	case home.Held:
		add(home.Rehearse, false)
		add(home.Release, false)
	case home.Free, home.Learning:
		if d.File != "" {
			add(home.Rehearse, false)
			add(home.HoldTo, false)
		}
	case home.Refused:
	}
	return append(list, quarantine(words, d, signs))
}

// extra is what the household lets a device do beside its rules, or who controls it.
type extra struct {
	Title string
	None  string
	Rows  []choice // each with what takes it back
	Add   string   // the verb that adds one
	Who   []option // devices at home that it can be
	Class []option // classes of controllers that are asked for
	Spans []option // how long it holds
}

// extras are exceptions and controllers.
func (p *Pages) extras(r *page.Request, d *home.Device) []extra {
	w := r.Words
	names := map[string]string{}
	var others []option
	for _, x := range p.Household.Devices() {
		names[x.ID] = x.Title()
		for _, part := range x.Parts {
			names[part.ID] = x.Title()
		}
		if x.ID != d.ID {
			others = append(others, option{Value: x.ID, Text: x.Title()})
		}
	}
	slices.SortFunc(others, func(a, b option) int { return strings.Compare(strings.ToLower(a.Text), strings.ToLower(b.Text)) })
	reach := extra{Title: w.Text("household.except"), None: w.Text("household.except.none"), Add: string(home.Except), Who: others}
	for _, e := range d.Exceptions {
		text := w.Text("household.except.row", "to", cmp.Or(names[e.Device], e.Party.String()), "service", cmp.Or(e.Service, w.Text("home.allow.all")))
		if !e.Until.IsZero() {
			text += " " + w.Text("household.except.until", "until", e.Until.Local())
		}
		reach.Rows = append(reach.Rows, choice{Verb: string(home.Disallow), Argument: e.String(), Text: text})
	}
	for _, s := range spans {
		reach.Spans = append(reach.Spans, option{Value: s.name, Text: w.Text("household.span." + s.name)})
	}
	control := extra{Title: w.Text("household.controller"), None: w.Text("household.controller.none"), Add: string(home.Control), Who: others}
	for _, c := range d.Controllers {
		text := cmp.Or(names[c.Device], c.Party.String())
		if c.Class != "" {
			text += " (" + c.Class + ")"
		}
		control.Rows = append(control.Rows, choice{Verb: string(home.Uncontrol), Argument: c.String(), Text: text})
	}
	for _, q := range p.Status().Asks {
		if q.Device == d.ID && q.About == home.AskController && q.Class != "" {
			control.Class = append(control.Class, option{Value: q.Class, Text: q.Class})
		}
	}
	return []extra{reach, control}
}

// spans are how long something may be allowed.
var spans = []struct {
	name string
	long time.Duration // 0: for ever
}{{"always", 0}, {"hour", time.Hour}, {"day", 24 * time.Hour}, {"week", 7 * 24 * time.Hour}}

// argument is that of a decision, from the fields of a form.
func (p *Pages) argument(r *page.Request, verb home.Verb) string {
	f := r.PostForm
	switch verb {
	case home.Quarantine:
		if until := cutUntil(f.Get("span"), p.Now().Local()); !until.IsZero() {
			return strings.TrimSpace(f.Get("argument") + " " + until.UTC().Format(time.RFC3339))
		}
		return f.Get("argument")
	case home.WatchOn:
		return f.Get("then")
	}
	to := cmp.Or(oneLine(f.Get("other")), f.Get("who"))
	if to == "" || f.Get("argument") != "" {
		return f.Get("argument")
	}
	words := []string{to}
	switch verb {
	case home.Except:
		words = append(words, oneLine(f.Get("service")))
		for _, s := range spans {
			if s.name == f.Get("span") && s.long > 0 {
				words = append(words, p.Now().Add(s.long).UTC().Format(time.RFC3339))
			}
		}
	case home.Control:
		words = append(words, f.Get("class"))
	}
	return strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " ")
}

// decide does what a form asks.
func (p *Pages) decide(r *page.Request) (*page.View, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	verb := home.Verb(r.PostForm.Get("verb"))
	argument := p.argument(r, verb)
	if (verb == home.HoldTo || verb == home.Rehearse) && argument != "" {
		if _, err := p.History.File(r.Context(), argument); err != nil {
			return nil, err
		}
	}
	made, err := p.Household.Decide(r.Context(), p.actor(r), verb, r.PathValue("device"), argument)
	if err != nil {
		return nil, problem(err)
	}
	return page.See(after(made)), nil
}

func (p *Pages) undo(r *page.Request) (*page.View, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	made, err := p.Household.Decide(r.Context(), p.actor(r), home.Undo, "", r.PostForm.Get("decision"))
	if err != nil {
		return nil, problem(err)
	}
	return page.See(after(made)), nil
}

// after is where a decision leads.
func after(made *home.Decision) string {
	if made.Device == "" { // a file that was taken in
		return "/history?saved=yes"
	}
	return fmt.Sprintf("/devices/%s?done=%d", made.Device, made.Seq)
}

// actor is who decides, as the audit log names them.
func (p *Pages) actor(r *page.Request) string { return "page:" + cmp.Or(r.Viewer.Name, owner) }
