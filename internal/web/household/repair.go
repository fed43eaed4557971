package household

import (
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/enforce"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/page"
)

// cuts are how long a device may be cut off.
var cuts = []string{"decide", "tomorrow", "week"}

// morning is the hour at which what is cut off until tomorrow is back.
const morning = 7

// cutUntil is when that is over; zero: when a person says so.
func cutUntil(name string, now time.Time) time.Time {
	switch name {
	case "tomorrow":
		return time.Date(now.Year(), now.Month(), now.Day()+1, morning, 0, 0, 0, now.Location())
	case "week":
		return now.AddDate(0, 0, 7)
	}
	return time.Time{}
}

// quarantine is the choice to cut a device off, for a reason and for how long; of one that is cut off, for how long from now.
func quarantine(words *locale.Catalogue, d *home.Device, signs []*home.Noted) choice {
	c := choice{Verb: string(home.Quarantine), Text: words.Text("household.do.quarantine"), Means: words.Text("household.do.quarantine.means"), Grave: true, Field: "span", Asks: words.Text("household.cut")}
	if d.State == home.Quarantined {
		c.Argument, c.Text, c.Means = d.Reason, words.Text("household.do.quarantine.other"), words.Text("household.do.quarantine.other.means")
		c.Grave = false
	} else if len(signs) > 0 {
		c.Argument = signs[0].ID()
	}
	for _, name := range cuts {
		c.Options = append(c.Options, option{Value: name, Text: words.Text("household.cut." + name)})
	}
	return c
}

// letBack is the choice to end a quarantine, and to look whether the device does the same again.
func letBack(words *locale.Catalogue, d *home.Device) choice {
	c := choice{Verb: string(home.WatchOn), Text: words.Text("household.do.watch"), Means: words.Text("household.do.watch.means")}
	if d.Kind() == device.IoT { // others are cut off by a person alone
		c.Field, c.Asks = "then", words.Text("household.again")
		for _, a := range []home.LabelAction{home.Tell, home.CutOff} {
			c.Options = append(c.Options, option{Value: string(a), Text: words.Text("household.again." + string(a))})
		}
	}
	return c
}

// named is the finding of that ID, or nil.
func named(list []*home.Noted, id string) *finding.Finding {
	if i := slices.IndexFunc(list, func(f *home.Noted) bool { return f.ID() == id }); i >= 0 {
		return &list[i].Finding
	}
	return nil
}

// proof is what became of a device since it was cut off, or since it was let back: whether it does again what it was cut off
// for.
func (p *Pages) proof(r *page.Request, d *home.Device, findings []*home.Noted) (list []string, err error) {
	add := func(key string, args ...any) {
		list = append(list, r.Words.Text(key, append(args, "device", d.Title())...))
	}
	x := &d.Retest
	if d.State == home.Quarantined {
		if x.Outcome == home.Again {
			add("home.retest.again", "since", x.Since.Local(), "at", x.At.Local())
		}
		if f := named(findings, d.Reason); f != nil && f.Role == finding.Actor {
			if last := time.Unix(0, f.Last); last.After(d.Since) {
				add("household.repair.tries", "at", last)
			} else {
				add("household.repair.quiet")
			}
		}
		updates, err := p.updates(r, d)
		if err != nil {
			return nil, err
		}
		return append(list, updates...), nil
	}
	if x.Until.IsZero() {
		return nil, nil
	}
	add("home.retest."+x.Stands(d.Last), "since", x.Since.Local(), "until", x.Until.Local(), "at", x.At.Local())
	if why := guide.Reason(r.Words, named(findings, x.For), x.For, d.Title()); why != "" {
		add("household.retest.for", "why", why)
	}
	if x.Going() {
		add("home.retest.then." + string(x.Then()))
	}
	return list, nil
}

// updates says whether a device that is cut off reached the servers of its updates.
func (p *Pages) updates(r *page.Request, d *home.Device) ([]string, error) {
	if d.File == "" {
		return nil, nil
	}
	f, _, err := p.file(r, d.File)
	if err != nil {
		return nil, err
	}
	servers := enforce.Repair(f)
	if len(servers) == 0 {
		return nil, nil
	}
	span := home.Spans[0] // the shortest that goes back so far
	for _, s := range home.Spans[1:] {
		if p.Now().Sub(d.Since) > span.Keep {
			span = s
		}
	}
	traffic, err := p.History.Traffic(r.Context(), d.ID, span.Span, d.Since, p.Now(), mostTraffic)
	if err != nil {
		return nil, err
	}
	for _, t := range slices.Backward(traffic) {
		if slices.Contains(servers, t.Peer) && t.In > 0 {
			return []string{r.Words.Text("household.repair.updates", "server", t.Peer, "at", t.At.Local())}, nil
		}
	}
	return []string{r.Words.Text("household.repair.none", "server", strings.Join(servers, ", "))}, nil
}

// weighed is a finding as it weighs since its device was let back from a quarantine that was for it: not as much while the
// device is watched and does it no more, and nothing when that is proved.
func weighed(d *home.Device, f *home.Noted, all []*home.Noted) (s grade.Sign, counts bool) {
	s = grade.Sign{ID: f.ID(), Role: f.Role, Severity: f.Severity, Confidence: f.Confidence}
	x := &d.Retest
	if x.Until.IsZero() || x.Outcome == home.Again || !time.Unix(0, f.Last).Before(x.Since) {
		return s, true
	}
	if of := named(all, x.For); f.ID() != x.For && (of == nil || of.Kind != f.Kind) {
		return s, true
	}
	s.Severity = min(s.Severity, finding.Medium)
	return s, x.Going()
}
