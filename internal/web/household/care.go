package household

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
)

// care is what the household notes of a device.
type care struct {
	Rows    []fact
	Bought  string // as a form has days (HTML, input type date); "" is none
	Support string
	Note    string
	Offline []option
}

func newCare(w *locale.Catalogue, d *home.Device) care {
	n := d.Noted()
	x := care{Bought: home.DayOrNone(n.Bought), Support: home.DayOrNone(n.Support), Note: n.Note}
	for _, o := range []home.Offline{"", home.WorksOffline, home.StopsOffline} {
		x.Offline = append(x.Offline, option{string(o), w.Text("household.care.offline." + cmp.Or(string(o), "untried")), o == n.Offline})
	}
	add := func(key, value string) {
		if value != "" {
			x.Rows = append(x.Rows, fact{w.Text("household.care." + key), []string{value}})
		}
	}
	if n.Bought != 0 {
		add("bought", w.Date(n.Bought.Time()))
	}
	if n.Support != 0 {
		add("support", w.Date(n.Support.Time()))
	}
	if n.Offline != "" {
		add("offline", w.Text("household.care.offline."+string(n.Offline)))
	}
	add("note", n.Note)
	return x
}

// noteCare takes what a person notes of a device: what a form does not name stays.
func (p *Pages) noteCare(r *page.Request) (*page.View, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	f := r.PostForm
	days := map[string]label.Day{}
	for _, name := range []string{"bought", "support"} {
		var d label.Day
		if text := oneLine(f.Get(name)); text != "" {
			if err := d.UnmarshalText([]byte(text)); err != nil {
				return nil, &page.Problem{Status: http.StatusBadRequest, Key: "household.error.day", Cause: err}
			}
		}
		days[name] = d
	}
	v, err := p.describe(r, func(d *home.Device) {
		c := d.Noted()
		if f.Has("bought") {
			c.Bought = days["bought"]
		}
		if f.Has("support") {
			c.Support = days["support"]
		}
		if f.Has("offline") {
			c.Offline = home.Offline(f.Get("offline"))
		}
		if f.Has("note") {
			c.Note = strings.TrimSpace(strings.ReplaceAll(f.Get("note"), "\r\n", "\n"))
		}
		d.Care = &c
	})
	if err == nil && f.Get("from") == "outage" { // the drill goes on with the next device
		return page.See("/lessons/outage?saved=about"), nil
	}
	return v, err
}

// lasts is until when a device gets updates: by its label, or else by what a person noted. ok is false where nobody says.
func (p *Pages) lasts(r *page.Request, d *home.Device) (until time.Time, own, ok bool, err error) {
	l, err := p.labelOf(r, d)
	switch {
	case err != nil:
	case l != nil && l.Statement.Support != 0:
		return l.Statement.Support.Time(), false, true, nil
	case d.Noted().Support != 0:
		return d.Noted().Support.Time(), true, true, nil
	}
	return time.Time{}, false, false, err
}

// reminders is the list of those who know that the updates of a device end, each a point of its own.
const reminders = "support"

// reminder is the point of that list for a device: it is another one when support ends than before, or when the day is.
func reminder(d *home.Device, until, now time.Time) string {
	return fmt.Sprintf("%s %s %t", d.ID, until.Format(time.DateOnly), phaseOf(until, now) == ended)
}

// endings are the devices whose updates end within six months, or ended, and of which nobody said that they know.
func (p *Pages) endings(r *page.Request, e *everything) (list []action, err error) {
	if !p.may(r.Viewer, decide) {
		return nil, nil
	}
	ticks, err := p.History.Ticks(r.Context(), reminders)
	if err != nil {
		return nil, err
	}
	now := p.Now()
	for _, d := range e.devices {
		until, _, ok, err := p.lasts(r, d)
		if err != nil {
			return nil, err
		}
		if !ok || phaseOf(until, now) == long {
			continue
		}
		if _, known := ticks[reminder(d, until, now)]; known {
			continue
		}
		list = append(list, action{
			State: grade.Check, Device: d.ID, Name: d.Title(), Do: r.Words.Text("household.support.do"), Why: newSupport(r, until, now).Text,
			To: "/devices/" + d.ID + "/known", Choices: []choice{{Text: r.Words.Text("household.support.known"), Means: r.Words.Text("household.support.known.means")}},
		})
	}
	return list, nil
}

// know notes that somebody knows until when a device gets updates, or that they want to be told again.
func (p *Pages) know(r *page.Request) (*page.View, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	d, err := p.Household.Find(r.PathValue("device"))
	if err != nil {
		return nil, problem(err)
	}
	until, _, ok, err := p.lasts(r, d)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, problem(home.ErrStale)
	}
	again, tick, to := r.PostForm.Get("again") == "yes", &home.Tick{At: p.Now().UTC(), By: p.actor(r)}, "?saved=known"
	if again {
		tick, to = nil, "?saved=again"
	}
	if err := p.History.Tick(r.Context(), reminders, reminder(d, until, p.Now()), tick); err != nil {
		return nil, err
	}
	return page.See("/devices/" + d.ID + to), nil
}
