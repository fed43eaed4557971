package household

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/page"
)

// overview is the first page: one sentence, at most three things to do, the devices by room.
type overview struct {
	Sentence []string // its parts, each of which stays on one line where it can
	Actions  []action
	More     string // things to do that are not shown
	Rest     string // what is said where there is nothing to do
	Rooms    []room
	Shields  []shield
	Lesson   *lesson // the next one
	Yearly   bool    // the list of once a year is due
	Faults   []string
	Detail   bool // pages of devices may be looked at
	Ask      bool // somebody else decides, and can be asked to look
	Contacts []contact
	Saved    string
}

// action is one thing to do.
type action struct {
	State  grade.State
	Device string // its ID
	Name   string
	What   string // what it is, of a new one
	Do     string
	Why    string
	// Choices answer a question here; none: the device’s page does.
	Choices []choice
	To      string // where the answers go
}

// choice is one answer that a form sends.
type choice struct {
	Verb, Argument string
	Text           string
	Means          string
	Main           bool // what is done if nobody answers
	Grave          bool

	// What is asked along with it; no Options: nothing.
	Asks    string
	Field   string
	Options []option
}

// room is the devices of one room.
type room struct {
	Name  string
	Cards []card
}

// mostActions is how many things a person is asked to do at once.
const mostActions = 3

// overview leads who is a guest to what they may see.
func (p *Pages) overview(r *page.Request) (*page.View, error) {
	if !p.may(r.Viewer, look) {
		return page.See("/guest"), nil
	}
	e, err := p.look(r.Context())
	if err != nil {
		return nil, err
	}
	status := p.Status()
	settings, err := p.History.Settings(r.Context())
	if err != nil {
		return nil, err
	}
	o := overview{Detail: p.may(r.Viewer, detail), Ask: !p.may(r.Viewer, decide), Contacts: contacts(settings), Saved: saved(r)}
	for _, f := range home.Told(status.Faults) {
		if o.Detail {
			o.Faults = append(o.Faults, r.Words.Text("home.fault."+f.Kind, "what", f.What, "cause", f.Cause))
		}
	}
	rooms := map[string][]card{}
	for _, d := range e.devices {
		rooms[d.Room] = append(rooms[d.Room], newCard(r.Words, d, e.grades[d.ID], e.findings[d.ID]))
	}
	o.Sentence = sentence(r.Words, len(e.devices), e.counts())
	most := mostActions
	if r.URL.Query().Get("all") == "yes" {
		most = len(e.devices) + mostMentions
	}
	if o.Actions, o.More, err = p.actions(r, e, status.Asks, most); err != nil {
		return nil, err
	}
	if len(o.Actions) == 0 {
		o.Rest = r.Words.Text("household.rest")
	}
	for name, cards := range rooms {
		slices.SortStableFunc(cards, func(a, b card) int {
			return cmp.Or(order(a.State)-order(b.State), strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)))
		})
		o.Rooms = append(o.Rooms, room{cmp.Or(name, r.Words.Text("household.room.none")), cards})
	}
	slices.SortFunc(o.Rooms, func(a, b room) int {
		return cmp.Or(order(a.Cards[0].State)-order(b.Cards[0].State), strings.Compare(a.Name, b.Name))
	})
	shields, err := p.shields(r.Context())
	if err != nil {
		return nil, err
	}
	o.Shields = newShields(r.Words, shields, e.devices)
	ticks, err := p.History.Ticks(r.Context(), "lessons")
	if err != nil {
		return nil, err
	}
	o.Lesson = nextLesson(r.Words, e, ticks)
	if o.Yearly, err = p.due(r, e); err != nil {
		return nil, err
	}
	return &page.View{Template: "overview.html", Title: r.Words.Text("household.title"), Data: &o, Live: true}, nil
}

// order is the place of a state where the most pressing comes first.
func order(s grade.State) int { return slices.Index(grade.States[:], s) }

// sentence is the whole home in one line: 11 devices. 9 fine, 1 to check, 1 we do not know.
func sentence(words *locale.Catalogue, n int, counts map[grade.State]int) []string {
	if n == 0 {
		return []string{words.Text("household.empty")}
	}
	var parts []string
	for _, s := range [...]grade.State{grade.Fine, grade.Check, grade.Act, grade.Unknown} {
		if n := counts[s]; n > 0 {
			parts = append(parts, words.Text("report.sentence."+s.String(), "n", n))
		}
	}
	return []string{words.Text("report.sentence.devices", "n", n), locale.Capital(strings.Join(parts, ", ")) + "."}
}

// actions are what to do first: what needs somebody now, then what is asked, then what to check; one thing a device, at most so many. Who
// may not see what devices do is told that there is something, and to show it to who may.
func (p *Pages) actions(r *page.Request, e *everything, asks []home.Question, most int) (list []action, more string, err error) {
	known := map[string]*home.Device{}
	for _, d := range e.devices {
		known[d.ID] = d
		g := e.grades[d.ID]
		worst := deciding(g, e.findings[d.ID])
		if len(worst) == 0 || d.State == home.Quarantined && d.Confirmed {
			continue
		}
		a := action{State: g.State, Device: d.ID, Name: d.Title()}
		if t := p.explain(r.Words, worst[0], d); !p.may(r.Viewer, detail) {
			a.Do, a.Why = r.Words.Text("household.grown-up"), t.Title
			a.Choices, a.To = []choice{{Text: r.Words.Text("household.ask.do"), Means: r.Words.Text("household.ask.means"), Main: true}}, "/ask"
		} else if a.Do, a.Why = t.Title, t.Seen; len(t.Do) > 0 {
			a.Do, a.Why = t.Do[0], t.Title
		}
		if d.Retest.Outcome == home.Again {
			a.Why = r.Words.Text("home.retest.again", "device", d.Title(), "since", d.Retest.Since.Local(), "at", d.Retest.At.Local())
		}
		if g.State == grade.Act && p.may(r.Viewer, decide) {
			if c := p.cut(r.Words, d, worst); c != nil {
				a.Choices, a.To = []choice{*c}, "/devices/"+d.ID
			}
		}
		list = append(list, a)
	}
	for _, q := range asks {
		d := known[q.Device]
		if d == nil || !p.may(r.Viewer, decide) {
			continue
		}
		a := action{State: grade.Unknown, Device: q.Device, Name: q.Title, Do: r.Words.Text("household.ask." + string(q.About)), Why: r.Words.Text("household.ask." + string(q.About) + ".why")}
		if q.About == home.NewDevice {
			a.What = newCard(r.Words, d, grade.Grade{}, nil).What
			a.Choices, a.To = admissions(r.Words, home.Admission(q.Default)), "/devices/"+q.Device
		}
		list = append(list, a)
	}
	endings, err := p.endings(r, e)
	if err != nil {
		return nil, "", err
	}
	requests, err := p.requests(r, known)
	if err != nil {
		return nil, "", err
	}
	list = append(append(requests, list...), endings...)
	by := []grade.State{grade.Act, grade.Unknown, grade.Check, grade.Fine}
	slices.SortStableFunc(list, func(a, b action) int { return slices.Index(by, a.State) - slices.Index(by, b.State) })
	seen := map[string]bool{}
	list = slices.DeleteFunc(list, func(a action) bool {
		again := seen[a.Device]
		seen[a.Device] = true
		return again && a.To != "/looked" // what somebody asks for is no fault of the device
	})
	if n := len(list) - most; n > 0 {
		list, more = list[:most], r.Words.Text("household.more", "n", n)
	}
	return list, more, nil
}

// admissions are the three answers to what a device may do.
func admissions(words *locale.Catalogue, now home.Admission) (list []choice) {
	for _, a := range []home.Admission{home.Full, home.DeviceOnly, home.None} {
		key := fmt.Sprintf("household.admit.%s", a)
		list = append(list, choice{
			Verb: string(home.Admit), Argument: string(a), Text: words.Text(key), Means: words.Text(key + ".means"), Main: a == now, Grave: a == home.None,
		})
	}
	return list
}
