package household

import (
	"cmp"
	"context"
	"slices"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/page"
)

// shield is one of three: the Internet from the devices, the devices from the Internet, the devices from each other.
type shield struct {
	Title string
	State string // fine: all of it is in force; check: some; unknown: none
	Word  string
	Parts []part
	Count string // what was stopped
}

// part is one thing that is in force, or is not.
type part struct {
	Text  string
	On    bool
	Rules bool // it is about the devices that are held to their rules alone
	Word  string
}

// resilience is the page of the three shields.
type resilience struct {
	Verdict verdict
	Outage  *outage
	Mode    string
	Shields []shield
	Rows    []stoppedRow
	States  []fact // how many devices are in which state
	Decide  bool

	Abroad []*abroad // countries of the addresses that devices talked to
	Note   string    // what countries tell
}

// verdict is how well a home stands, why, and what would change it: no number, for that would say neither.
type verdict struct {
	State   string // of the load line
	Text    string
	Because []string // at most mostReasonsOfVerdict, the gravest first
	Change  string   // of the first of them
}

const mostReasonsOfVerdict = 3

// newVerdict judges by what is in force, by which devices are held, and by which of them get updates still.
func (p *Pages) newVerdict(r *page.Request, shields []shield) (v verdict, err error) {
	w := r.Words
	counts := map[string]int{}
	for _, s := range shields {
		if s.State != "fine" {
			counts["shields"]++
		}
	}
	for _, d := range p.Household.Devices() {
		if d.State == home.Quarantined && !d.Confirmed {
			counts["cut"]++
		}
		if d.Kind() == device.Unknown || d.Kind() == "" {
			counts["unknown"]++
		}
		if d.Kind() != device.IoT {
			continue
		}
		if d.State == home.Free {
			counts["free"]++
		}
		until, _, ok, err := p.lasts(r, d)
		if err != nil {
			return v, err
		}
		if ok && phaseOf(until, p.Now()) == ended {
			counts["ended"]++
		}
	}
	bound, of := held(p.Household.Devices())
	switch {
	case p.Mode != home.Hold:
		counts["watch"], counts["shields"] = 1, 0
	case len(shields) == 0:
		counts["dark"] = 1
	case bound == 0 && of > 0:
		counts["unheld"] = 1
	}
	v.State = "fine"
	for _, why := range []struct{ key, state string }{
		{"watch", "unknown"}, {"dark", "unknown"}, {"unheld", "check"}, {"shields", "check"}, {"cut", "check"}, {"ended", "check"}, {"free", "check"}, {"unknown", "check"},
	} {
		n := counts[why.key]
		if n == 0 || len(v.Because) == mostReasonsOfVerdict {
			continue
		}
		v.Because = append(v.Because, w.Text("household.verdict.because."+why.key, "n", n))
		if v.Change == "" {
			v.State, v.Change = why.state, w.Text("household.verdict.change."+why.key)
		}
	}
	v.Text = w.Text("household.verdict." + v.State)
	return v, nil
}

// stoppedRow is what was stopped of one device.
type stoppedRow struct {
	ID, Name         string
	Out, In, Spoofed string
	sum              uint64
}

// shields are what is in force; nil where that is not known.
func (p *Pages) shields(ctx context.Context) (*home.Shields, error) {
	if p.Mode != home.Hold {
		return &home.Shields{}, nil
	}
	if p.Shields == nil {
		return nil, nil
	}
	s, err := p.Shields(ctx)
	return &s, err
}

// held counts the smart devices that their rules bind, of those that are to be bound: what is cut off, or let in nowhere,
// needs none.
func held(devices []*home.Device) (n, all int) {
	for _, d := range devices {
		if d.Kind() != device.IoT || d.State == home.Quarantined || d.State == home.Refused {
			continue
		}
		if all++; d.State == home.Held {
			n++
		}
	}
	return n, all
}

func newShields(words *locale.Catalogue, s *home.Shields, devices []*home.Device) []shield {
	if s == nil {
		return nil
	}
	var all home.Stopped
	for _, x := range s.Stopped {
		all.Out, all.In, all.Spoofed = all.Out+x.Out, all.In+x.In, all.Spoofed+x.Spoofed
	}
	bound, of := held(devices)
	make := func(name string, count uint64, parts ...part) shield {
		x := shield{Title: words.Text("household.shield." + name), State: "fine", Parts: parts, Count: words.Text("household.shield.count", "n", count)}
		on := 0
		some := false
		for i := range parts {
			switch at := &parts[i]; {
			case !at.On:
				at.Word = words.Text("household.shield.off")
			case at.Rules && bound < of:
				at.On, some = false, true
				at.Word = words.Text("household.shield.held", "n", bound, "all", of)
			default:
				on++
				at.Word = words.Text("household.shield.on")
			}
		}
		switch {
		case on == len(parts):
		case on == 0 && !some:
			x.State = "unknown"
		default:
			x.State = "check"
		}
		x.Word = words.Text("household.shield." + x.State)
		return x
	}
	say := func(name string, on bool) part {
		return part{Text: words.Text("household.shield.part." + name), On: on}
	}
	rules := func(name string, on bool) part {
		x := say(name, on)
		x.Rules = true
		return x
	}
	live := s.Sources || s.Ceilings || s.Inbound || s.Mapping || s.Neighbours
	return []shield{
		make("internet", all.Out+all.Spoofed, say("sources", s.Sources), say("ceilings", s.Ceilings), rules("rules", live)),
		make("home", all.In, say("inbound", s.Inbound), rules("mapping", s.Mapping)),
		make("neighbours", all.Spoofed, rules("neighbours", s.Neighbours), say("addresses", s.Sources)),
	}
}

func (p *Pages) protection(r *page.Request) (*page.View, error) {
	s, err := p.shields(r.Context())
	if err != nil {
		return nil, err
	}
	x := &resilience{Mode: r.Words.Text("household.mode." + string(cmp.Or(p.Mode, home.Watch))), Shields: newShields(r.Words, s, p.Household.Devices())}
	if x.Verdict, err = p.newVerdict(r, x.Shields); err != nil {
		return nil, err
	}
	if x.Outage, err = p.newOutage(r); err != nil {
		return nil, err
	}
	counts := map[home.State]int{}
	for _, d := range p.Household.Devices() {
		counts[d.State]++
		if s == nil {
			continue
		}
		if c, ok := s.Stopped[d.ID]; ok && c != (home.Stopped{}) {
			x.Rows = append(x.Rows, stoppedRow{
				d.ID, d.Title(), r.Words.Number(int64(c.Out)), r.Words.Number(int64(c.In)), r.Words.Number(int64(c.Spoofed)), c.Out + c.In + c.Spoofed,
			})
		}
	}
	slices.SortStableFunc(x.Rows, func(a, b stoppedRow) int { return cmp.Compare(b.sum, a.sum) })
	for _, st := range []home.State{home.Held, home.Rehearsing, home.Learning, home.Free, home.Quarantined, home.Refused} {
		if counts[st] > 0 {
			x.States = append(x.States, fact{r.Words.Text("household.state." + string(st)), []string{r.Words.Number(int64(counts[st]))}})
		}
	}
	reaches, err := p.lately(r, "")
	if err != nil {
		return nil, err
	}
	x.Abroad = p.countries(r.Words, reaches)
	x.Note = p.countriesNote(r.Words, len(x.Abroad) > 0, "home")
	return &page.View{Template: "protection.html", Title: r.Words.Text("household.nav.protection"), Data: x, Live: true}, nil
}
