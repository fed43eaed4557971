package household

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/notice"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
)

// as is a request of the home itself, which may see all.
func (p *Pages) as(ctx context.Context, words *locale.Catalogue) *page.Request {
	return &page.Request{Request: (&http.Request{}).WithContext(ctx), Words: words, Viewer: page.Viewer{Role: owner}}
}

// Home is what the home is called.
func (p *Pages) Home(ctx context.Context) (string, error) {
	s, err := p.History.Settings(ctx)
	if err != nil {
		return "", err
	}
	return s.Name, nil
}

// Week is the digest as it is sent: what the page of the week says.
func (p *Pages) Week(ctx context.Context, words *locale.Catalogue) (*notice.Week, error) {
	x, err := p.digest(p.as(ctx, words))
	if err != nil {
		return nil, err
	}
	name, err := p.Home(ctx)
	if err != nil {
		return nil, err
	}
	w := &notice.Week{
		Home: name, From: p.ago().UTC(), To: p.Now().UTC(), Sentence: strings.Join(x.Sentence, " "), Devices: x.all.stand(),
		Actions: []notice.Action{}, More: x.More, New: mentioned(x.New), Found: mentioned(x.Found), Labels: mentioned(x.Labels), Support: mentioned(x.Support),
	}
	for _, a := range x.Actions {
		w.Actions = append(w.Actions, notice.Action{Device: a.Device, Name: a.Name, State: a.State.String(), Do: a.Do, Why: a.Why})
	}
	return w, nil
}

// Counts are how many devices stand where.
func (p *Pages) Counts(ctx context.Context) (map[string]int, error) {
	e, err := p.look(ctx)
	if err != nil {
		return nil, err
	}
	return e.stand(), nil
}

// stand are those counts by the name of each state.
func (e *everything) stand() map[string]int {
	n, counts := map[string]int{}, e.counts()
	for _, s := range grade.States {
		n[s.String()] = counts[s]
	}
	return n
}

// counts are how many devices stand where.
func (e *everything) counts() map[grade.State]int {
	n := map[grade.State]int{}
	for _, g := range e.grades {
		n[g.State]++
	}
	return n
}

func mentioned(list []mention) []notice.Mention {
	all := make([]notice.Mention, len(list))
	for i, m := range list {
		all[i] = notice.Mention{Device: m.ID, Name: m.Name, Text: m.Text}
	}
	return all
}

// changedLabels are those whose status changed since.
func changedLabels(words *locale.Catalogue, devices []*home.Device, since time.Time) (list []mention) {
	for _, d := range devices {
		if l := d.Label; l != nil && l.Since.After(since) {
			list = append(list, mention{d.ID, d.Title(), words.Text("household.week.label", "status", words.Text("label.status."+string(l.Status)), "day", l.Since.Local())})
		}
	}
	return list
}

// Causes are what may interrupt somebody: that a device does harm, that it was cut off or its label is good no more, that a
// new one asks to be let in. What the household said is normal, or decided itself, is none.
func (p *Pages) Causes(ctx context.Context, words *locale.Catalogue) (list []notice.Cause, err error) {
	e, err := p.look(ctx)
	if err != nil {
		return nil, err
	}
	asks := p.Status().Asks
	for _, d := range e.devices {
		add := func(class notice.Class, key string, since time.Time, what, do string) {
			list = append(list, notice.Cause{Key: key, Since: since, Class: class, Device: d.ID, Name: d.Title(), What: what, Do: do})
		}
		if d.State == home.Quarantined && d.Confirmed { // by a person: what remains, the program cut off
			continue
		}
		for _, f := range deciding(e.grades[d.ID], e.findings[d.ID]) {
			if f.Severity < finding.High || slices.Contains(home.LabelKinds, f.Kind) {
				continue
			}
			t := p.explain(words, f, d)
			do := ""
			if len(t.Do) > 0 {
				do = t.Do[0]
			}
			add(notice.Harm, "harm "+f.ID(), time.Unix(0, f.First), t.Title, do)
		}
		if d.State == home.Quarantined {
			add(notice.Cut, "cut "+d.ID+" "+d.Since.UTC().Format(time.RFC3339Nano), d.Since, words.Text("notice.cut"), words.Text("notice.cut.do"))
		}
		if l := d.Label; l != nil && (l.Status == label.Suspended || l.Status == label.Withdrawn) {
			kind := map[label.Status]finding.Kind{label.Suspended: finding.LabelSuspended, label.Withdrawn: finding.LabelWithdrawn}[l.Status]
			add(notice.Cut, "label "+d.ID+" "+string(l.Status)+" "+l.Since.UTC().Format(time.RFC3339Nano), l.Since, guide.Title(words, string(kind)), words.Text("notice.label.do"))
		}
		if slices.ContainsFunc(asks, func(q home.Question) bool { return q.Device == d.ID && q.About == home.NewDevice }) {
			add(notice.Newcomer, "new "+d.ID, d.First, words.Text("notice.newcomer", "what", newCard(words, d, grade.Grade{}, nil).What), words.Text("notice.newcomer.do"))
		}
	}
	return list, nil
}
