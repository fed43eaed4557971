package household

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/glance"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/internal/report"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/mud"
)

// promise is what a device may do by its file, beside what it did.
type promise struct {
	From  string // whose word it is
	URL   string // text, not a link: a stranger wrote it
	May   []permission
	Kept  string // how it kept to it
	Stops []string
	Other string // why there is none
	Try   bool   // there is a file to rehearse
}

// permission is what is said of several peers.
type permission struct {
	Heading string
	Lines   []string
}

// offer is a file that a device could be held to.
type offer struct {
	Asks, Why string
	Changes   []change
	More      string
	Rehearsal string
	Accept    choice
}

type change struct {
	Text  string
	Grows bool // it lets the device, or others, do more
}

// shownLabel is the label of a device.
type shownLabel struct {
	Verdict string
	State   string // of the load line
	Because string
	Product string
	Facts   []glance.Fact
	Status  string
	Contact string
	Page    string // in the registry

	rules string // where the file of its rules is, by the label
}

// support is until when a device gets updates.
type support struct {
	Text  string
	Warn  bool
	Own   string // that a person noted it, where no label says
	Known bool   // somebody said that they know that it ends
}

// Bounds of what is shown of a file.
const (
	mostLines   = 40
	mostChanges = 40
	mostStops   = 8
)

// promises adds what was promised of a device to its page.
func (p *Pages) promises(r *page.Request, t *thing, d *home.Device, said home.Amount) error {
	var file *mud.File
	var err error
	if d.File != "" {
		var kept *home.File
		if file, kept, err = p.file(r, d.File); err != nil {
			return err
		}
		t.Promise.Try = true
		t.Promise.From = r.Words.Text("household.file." + kept.Origin)
		t.Promise.May = permissions(r, file)
		if kept.Origin != home.Learned {
			t.Promise.URL = file.URL
		}
	} else {
		t.Promise.Other = r.Words.Text("household.file.none")
	}
	if err := p.kept(r, t, d, said); err != nil {
		return err
	}
	if u := d.Waits(); u != "" {
		t.Elsewhere = &choice{Verb: string(home.Accept), Argument: u, Text: r.Words.Text("household.accept.url"), Means: u}
	}
	if o := d.Offers(); o != nil {
		if t.Offer, err = p.newOffer(r, d, o, file); err != nil {
			return err
		}
	}
	t.Extras = p.extras(r, d)
	if err := p.labelled(r, t, d, file); err != nil {
		return err
	}
	if u := t.Label; u != nil && u.rules != "" && file == nil {
		t.Promise.Other, t.Promise.URL = r.Words.Text("household.file.label"), report.Cut(u.rules, 2*longest)
	}
	return nil
}

// file is a MUD file that is kept.
func (p *Pages) file(r *page.Request, sha256 string) (*mud.File, *home.File, error) {
	kept, err := p.History.File(r.Context(), sha256)
	if err != nil {
		return nil, nil, err
	}
	f, err := mud.Parse(kept.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("file %s: %w", sha256, err)
	}
	return f, kept, nil
}

// permissions are what a file lets a device do, and others do with it.
func permissions(r *page.Request, f *mud.File) (list []permission) {
	lines := 0
	for _, x := range f.Permissions() {
		if lines++; lines > mostLines {
			break
		}
		heading := r.Words.Text(x.Heading())
		if n := len(list); n == 0 || list[n-1].Heading != heading {
			list = append(list, permission{Heading: heading})
		}
		at := &list[len(list)-1]
		at.Lines = append(at.Lines, report.Cut(x.Text(r.Words), 2*longest))
	}
	if len(list) == 0 {
		list = append(list, permission{Heading: r.Words.Text("mud.show.nothing")})
	}
	return list
}

// kept says how a device kept to its file, by what is remembered.
func (p *Pages) kept(r *page.Request, t *thing, d *home.Device, said home.Amount) error {
	if d.File == "" {
		return nil
	}
	x, err := p.Rehearse(r.Context(), d, false, r.Words)
	switch {
	case errors.Is(err, home.ErrNoFile), errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		p.Log.WarnContext(r.Context(), "rehearsal is left out of a page", "device", d.ID, "error", err)
		t.Promise.Kept = r.Words.Text("household.kept.busy")
	default:
		t.Promise.Kept = kept(r, x)
		for i := range x.Stopped[:min(len(x.Stopped), mostStops)] {
			t.Promise.Stops = append(t.Promise.Stops, stopped(r, &x.Stopped[i]))
		}
	}
	return nil
}

// kept sums a rehearsal up.
func kept(r *page.Request, x *policy.RehearsalDocument) string {
	switch {
	case x.Flows.Total == 0:
		return r.Words.Text("home.rehearse.nothing")
	case x.Flows.Stopped == 0:
		return r.Words.Text("household.kept.all", "n", x.Flows.Total)
	}
	return r.Words.Text("household.kept.some", "n", x.Flows.Stopped, "all", x.Flows.Total)
}

func stopped(r *page.Request, s *policy.RehearsalStopped) string {
	return r.Words.Text("household.kept.line", "peer", report.Cut(s.Peer, longest), "guess", r.Words.Text("mud.rehearse.guess", "guess", s.Guess), "n", s.Count)
}

// newOffer says what a file that is offered would change.
func (p *Pages) newOffer(r *page.Request, d *home.Device, o *home.Offer, now *mud.File) (*offer, error) {
	next, _, err := p.file(r, o.File)
	if err != nil {
		return nil, err
	}
	about := home.NewFile
	switch {
	case o.Origin == home.Learned && d.File == "":
		about = home.LearnedFile
	case o.Origin == home.Learned:
		about = home.NewBehaviour
	}
	x := &offer{
		Asks: r.Words.Text("household.ask." + string(about)), Why: strings.TrimSpace(r.Words.Text("home.offer."+o.Why) + " " + r.Words.Text("household.ask."+string(about)+".why")),
		Accept: choice{Verb: string(home.Accept), Argument: o.File, Text: r.Words.Text("household.accept")},
	}
	if now == nil {
		now = &mud.File{}
	}
	changes := mud.Diff(now, next)
	for i := range changes[:min(len(changes), mostChanges)] {
		x.Changes = append(x.Changes, change{report.Cut(changes[i].Text(r.Words), 2*longest), changes[i].Grows()})
	}
	if n := len(changes) - mostChanges; n > 0 {
		x.More = r.Words.Text("inspect.more", "n", n)
	}
	x.Rehearsal = r.Words.Text("home.rehearse.nothing")
	if o.Flows > 0 {
		x.Rehearsal = r.Words.Text("household.offer.stopped", "n", o.Stopped, "all", o.Flows)
	}
	return x, nil
}

// soon is how long before its end support is warned of.
const soon = 183 * 24 * time.Hour

// labelled adds the label of a device, and until when it gets updates.
func (p *Pages) labelled(r *page.Request, t *thing, d *home.Device, file *mud.File) error {
	l, err := p.labelOf(r, d)
	if err != nil {
		return err
	}
	until, own, ok, err := p.lasts(r, d)
	if err != nil {
		return err
	}
	now := p.Now()
	switch {
	case ok:
		if t.Support = newSupport(r, until, now); own {
			t.Support.Own = r.Words.Text("household.support.own")
		}
		ticks, err := p.History.Ticks(r.Context(), reminders)
		if err != nil {
			return err
		}
		_, t.Support.Known = ticks[reminder(d, until, now)]
	case file != nil && !file.IsSupported:
		t.Support = support{Text: r.Words.Text("household.support.file"), Warn: true}
	default:
		t.Support = support{Text: r.Words.Text("household.support.unknown")}
	}
	if l == nil {
		return nil
	}
	s := l.Statement
	verdict, reason := glance.Judge(s, l.Status, label.DayOf(now))
	t.Label = &shownLabel{
		Verdict: verdict.Text(r.Words), Because: r.Words.Text(string(reason)), Product: strings.TrimSpace(s.Maker + " " + s.Model), Facts: glance.Facts(s, r.Words),
		Page:   l.page(r.Words.Lang()),
		rules:  s.MUDURL,
		Status: r.Words.Text("household.label.status", "status", r.Words.Text("label.status."+string(l.Status)), "day", r.Words.Date(l.AsOf.Local())), Contact: s.Contact,
		State: map[glance.Verdict]string{glance.Good: "fine", glance.Check: "check", glance.Avoid: "act"}[verdict],
	}
	return nil
}

func (p *Pages) labelOf(r *page.Request, d *home.Device) (*Labelled, error) {
	if p.Label == nil {
		return nil, nil
	}
	return p.Label(r.Context(), d)
}

// phase is how far off the end of support is.
type phase uint8

// The phases.
const (
	long phase = iota
	near
	ended
)

func phaseOf(until, now time.Time) phase {
	left := until.AddDate(0, 0, 1).Sub(now)
	switch {
	case left <= 0:
		return ended
	case left <= soon:
		return near
	}
	return long
}

// newSupport says how long there are updates.
func newSupport(r *page.Request, until, now time.Time) support {
	day := r.Words.Date(until)
	switch phaseOf(until, now) {
	case ended:
		return support{Text: r.Words.Text("household.support.ended", "day", day), Warn: true}
	case near:
		return support{Text: r.Words.Text("household.support.soon", "day", day), Warn: true}
	case long:
	}
	left := glance.Left(&label.Statement{Support: label.DayOf(until)}, label.DayOf(now), r.Words) // as registries say it
	return support{Text: r.Words.Text("household.support.until", "day", day, "left", left)}
}
