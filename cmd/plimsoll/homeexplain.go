package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/report"
	"plimsoll.example/plimsoll/mud"
)

// explanation is what `home explain --json` prints.
type explanation struct {
	Device   *home.Device   `json:"device"`
	Findings []home.Noted   `json:"findings"`
	Traffic  []home.Traffic `json:"traffic"`
	// Countries are, by peer, those that its addresses are registered in (ISO 3166-1 alpha-2).
	Countries map[string][]string `json:"countries,omitempty"`

	Questions []home.Question `json:"questions"`
	Offer     *offered        `json:"offer,omitempty"` // what the file that is offered would change
}

// explain says what a device is, what it does, and what was found.
func (r *remote) explain(ctx context.Context, name string) error {
	var x explanation
	if err := r.call(ctx, http.MethodGet, "devices/"+url.PathEscape(name), nil, &x.Device); err != nil {
		return err
	}
	id := url.PathEscape(x.Device.ID)
	var findings struct{ Findings []home.Noted }
	var traffic struct {
		Traffic   []home.Traffic
		Countries map[string][]string
	}
	if err := r.call(ctx, http.MethodGet, "findings?limit=20&device="+id, nil, &findings); err != nil {
		return err
	}
	if err := r.call(ctx, http.MethodGet, "devices/"+id+"/traffic?span=day", nil, &traffic); err != nil {
		return err
	}
	var status home.Status
	var all struct{ Devices []*home.Device }
	if err := errors.Join(r.call(ctx, http.MethodGet, "status", nil, &status), r.call(ctx, http.MethodGet, "devices", nil, &all)); err != nil {
		return err
	}
	x.Questions = slices.DeleteFunc(append([]home.Question{}, status.Asks...), func(q home.Question) bool { return q.Device != x.Device.ID })
	if x.Device.Offers() != nil {
		if err := r.call(ctx, http.MethodGet, "devices/"+id+"/offer?lang="+string(r.words.Lang()), nil, &x.Offer); err != nil {
			return err
		}
	}
	x.Findings, x.Traffic = append([]home.Noted{}, findings.Findings...), append([]home.Traffic{}, traffic.Traffic...)
	x.Countries = traffic.Countries
	if r.json {
		return printJSON(r.out, x)
	}
	d := x.Device
	lines := []string{
		r.words.Text("home.explain.is", "device", d.Title(), "what", r.kind(d), "maker", d.Identity.Maker, "model", d.Identity.Model),
		r.words.Text("home.now."+d.Now(), "device", d.Title(), "until", d.Stance.Until.Local()),
	}
	if d.State == home.Quarantined {
		key := "home.explain.unconfirmed"
		if d.Confirmed {
			key = "home.explain.confirmed"
		}
		why, err := r.why(ctx, d)
		if err != nil {
			return err
		}
		lines = append(lines, r.words.Text(key, "why", why))
	}
	if x := &d.Retest; !x.Until.IsZero() {
		lines = append(lines, r.words.Text("home.retest."+x.Stands(d.Last), "device", d.Title(), "since", x.Since.Local(), "until", x.Until.Local(), "at", x.At.Local()))
		if x.Going() {
			lines = append(lines, r.words.Text("home.retest.then."+string(x.Then())))
		}
	}
	lines = append(lines, r.labelled(d)...)
	lines = append(lines, r.beside(d, all.Devices)...)
	if len(d.Controllers) > 0 {
		lines = append(lines, r.controlled(d, all.Devices)...)
	}
	for i := range x.Questions {
		lines = append(lines, "", r.question(&x.Questions[i]))
		if about := x.Questions[i].About; x.Offer != nil && (about == home.NewFile || about == home.LearnedFile || about == home.NewBehaviour) {
			lines = append(lines, r.changes(x.Offer)...)
		}
	}
	for i := range x.Findings {
		t := guide.Explain(r.words, &x.Findings[i].Finding, d.Title())
		lines = append(lines, "", t.Title, t.Seen, t.Why)
		for _, step := range t.Do {
			lines = append(lines, "  - "+step)
		}
	}
	for i := range x.Traffic {
		if i == 0 {
			lines = append(lines, "", r.words.Text("home.explain.talks"))
		}
		t := &x.Traffic[i]
		about := t.Service
		if codes := x.Countries[t.Peer]; len(codes) > 0 {
			about += " · " + strings.Join(report.Countries(r.words, codes), ", ")
		}
		lines = append(lines, "  "+t.Peer+" ("+about+"): "+r.words.Size(locale.Octets(t.Out+t.In)))
	}
	if len(x.Countries) > 0 {
		lines = append(lines, "", report.CountriesNote(r.words, time.Time{}))
	}
	return r.print(lines)
}

// changes says what a file that is offered would change, and what it would have stopped.
func (r *remote) changes(o *offered) (lines []string) {
	heading := mud.Change("")
	for _, c := range o.Diff.Changes {
		if c.Change != heading {
			heading = c.Change
			lines = append(lines, r.words.Text("mud.diff."+string(heading)))
		}
		lines = append(lines, "  "+c.Text)
	}
	if o.Rehearsal != nil {
		lines = append(lines, r.rehearsed(o.Rehearsal)...)
	}
	return lines
}

// why is the reason of a quarantine, in words.
func (r *remote) why(ctx context.Context, d *home.Device) (string, error) {
	var of struct{ Findings []home.Noted }
	if err := r.call(ctx, http.MethodGet, "findings?id="+url.QueryEscape(d.Reason), nil, &of); err != nil {
		return "", err
	}
	var f *finding.Finding
	if len(of.Findings) > 0 {
		f = &of.Findings[0].Finding
	}
	return guide.Reason(r.words, f, d.Reason, d.Title()), nil
}
