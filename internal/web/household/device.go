package household

import (
	"cmp"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/report"
	"plimsoll.example/plimsoll/internal/web/page"
)

// thing is the page of one device.
type thing struct {
	card
	Now       string // what is being done about it, in a sentence
	Watched   string // that nothing is done, where that is so
	Because   []string
	Proof     []string // whether it does again what it was cut off for
	Changes   []string
	Identity  string
	Reasons   []string
	Form      form
	Does      []string // in plain words
	Talks     report.Talks
	Countries string // what they tell, or why there are none
	Findings  []found
	Past      []settled // findings that were muted or done
	Choices   []choice
	Admits    []choice
	Offer     *offer
	Elsewhere *choice // where it says that its file is now
	Promise   promise
	Label     *shownLabel
	Support   support
	Care      care
	Guess     *guess
	Ones      *ones
	Hours     *hours
	Lookers   []looker
	Code      bool // the code on it can be taken
	Scan      bool // as a photograph, too
	Extras    []extra
	Calls     []string
	Contacts  []contact
	Facts     []fact
	Done      *done
	Saved     string
	Decide    bool
	Category  string // of the guide
}

// form corrects what a device is.
type form struct {
	Name, Room        string
	Kinds, Categories []option
	Rooms             []string // that others have
}

// option is one that can be chosen.
type option struct {
	Value, Text string
	Chosen      bool
}

// found is one finding in words, with what may be done about it.
type found struct {
	guide.Text
	ID    string
	State grade.State
	Word  string
	When  string
	Cells []topic
	Kind  string
	Same  string  // the finding of the same kind that says what to do; "" is this one
	Now   *choice // what ends it at once: the worst has it
}

// settled is a finding that somebody did something about.
type settled struct{ ID, Title, State, When string }

// fact is a technical one.
type fact struct {
	Name   string
	Values []string
}

// contact is somebody to call.
type contact struct {
	Name, Phone string
	Call        template.URL
}

// done is what was just decided, with the way back.
type done struct {
	Text     string
	Acts     bool // the network is to be another one by it
	Decision int64
}

func (p *Pages) device(r *page.Request, d *home.Device) (*page.View, error) {
	list, err := p.History.Findings(r.Context(), d.ID, mostFindings)
	if err != nil {
		return nil, err
	}
	now := p.Now()
	traffic, err := p.History.Traffic(r.Context(), d.ID, 24*time.Hour, p.ago(), now, mostTraffic)
	if err != nil {
		return nil, err
	}
	settings, err := p.History.Settings(r.Context())
	if err != nil {
		return nil, err
	}
	findings := make([]*home.Noted, len(list))
	for i := range list {
		findings[i] = &list[i]
	}
	words := report.Words{Catalogue: r.Words}
	id, said, signs := d.Is(), amount(traffic), open(findings)
	g := place(d, findings, said)
	t := &thing{
		card: newCard(r.Words, d, g, signs), Now: r.Words.Text("home.now."+d.Stance.Now(), "device", d.Title(), "until", d.Stance.Until.Local()),
		Identity: words.Identity(&id), Reasons: words.Reasons(&id, mostReasons, longest), Form: p.newForm(r.Words, d),
		Admits: admissions(r.Words, d.Admitted()), Choices: choices(r.Words, d, signs), Category: id.Category,
		Care: newCare(r.Words, d), Guess: newGuess(r.Words, d), Ones: p.newOnes(r.Words, d), Decide: p.may(r.Viewer, decide), Done: p.done(r, d), Saved: saved(r), Facts: facts(r.Words, d),
	}
	if p.Mode != home.Hold {
		t.Watched = r.Words.Text("household.mode.watch.device")
	}
	if d.Correction() != (home.Correction{}) {
		t.Reasons = append([]string{r.Words.Text("household.corrected")}, t.Reasons...)
	}
	if len(signs) == 0 || g.State == grade.Fine || g.State == grade.Unknown {
		for i, b := range g.Because {
			t.Because = append(t.Because, locale.Capital(r.Words.Text("grade.because."+b))+".")
			if i < len(g.WouldChange) && g.State == grade.Unknown {
				t.Changes = append(t.Changes, r.Words.Text("grade.change."+g.WouldChange[i]))
			}
		}
	}
	if d.State == home.Quarantined {
		t.Because = append(t.Because, p.why(r.Words, d, findings))
	}
	if t.Proof, err = p.proof(r, d, findings); err != nil {
		return nil, err
	}
	for _, f := range findings {
		if f.State != home.Open {
			t.Past = append(t.Past, settled{f.ID(), guide.Explain(r.Words, &f.Finding, d.Title()).Title, r.Words.Text("household.note." + string(f.State)), r.Words.Date(time.Unix(0, f.Last))})
		}
	}
	for _, f := range signs {
		t.Findings = append(t.Findings, p.newFound(r.Words, f, d))
	}
	together(t.Findings)
	if len(t.Findings) > 0 && t.Decide {
		if first := &t.Findings[0]; first.Cut > 0 || first.State == grade.Act {
			first.Now = p.cut(r.Words, d, signs)
		}
	}
	reaches, err := p.lately(r, d.ID)
	if err != nil {
		return nil, err
	}
	peers := p.peers(traffic)
	p.locate(peers, reaches)
	t.Talks, t.Does = report.NewTalks(words, &id, peers, nil), p.does(words, d, peers, said)
	if t.Lookers, err = p.lookers(r, d); err != nil {
		return nil, err
	}
	t.Code, t.Scan = t.Decide && p.Code != nil, p.Scan != nil
	if t.Hours, err = p.newHours(r.Context(), r.Words, d); err != nil {
		return nil, err
	}
	t.Countries = p.countriesNote(r.Words, t.Talks.Known, "device")
	if err := p.promises(r, t, d, said); err != nil {
		return nil, err
	}
	l, err := p.labelOf(r, d)
	if err != nil {
		return nil, err
	}
	t.Calls, t.Contacts = calls(r.Words, t.Findings), contacts(settings)
	if own := makerOf(r.Words, l); own != "" {
		general := guide.Call(r.Words, "maker")[0]
		for i := range t.Findings {
			put(t.Findings[i].Call, general, own)
		}
		put(t.Calls, general, own)
	}
	return &page.View{Template: "device.html", Title: d.Title(), Data: t, Live: true}, nil
}

const (
	mostReasons = 8
	longest     = 120 // characters of a value from the wire
)

// why is the reason of a quarantine, in words.
func (p *Pages) why(words *locale.Catalogue, d *home.Device, findings []*home.Noted) string {
	if d.Reason == "" {
		return words.Text("household.because.person")
	}
	return words.Text("household.because", "why", guide.Reason(words, named(findings, d.Reason), d.Reason, d.Title()))
}

// explain puts a finding into words. Where the gateway can cut the device off, the steps say so; what is done already is no
// step.
func (p *Pages) explain(words *locale.Catalogue, f *home.Noted, d *home.Device) guide.Text {
	if p.Mode != home.Hold || d.State == home.Refused {
		return guide.Explain(words, &f.Finding, d.Title())
	}
	t := guide.ExplainHere(words, &f.Finding, d.Title())
	if d.State == home.Quarantined && t.Cut > 0 {
		t.Do, t.Cut = slices.Delete(t.Do, t.Cut-1, t.Cut), 0
	}
	return t
}

// cut is the choice to cut a device off, nil where that does nothing: Plimsoll only watches, or it is cut off already.
func (p *Pages) cut(words *locale.Catalogue, d *home.Device, signs []*home.Noted) *choice {
	if p.Mode != home.Hold || d.State == home.Quarantined || d.State == home.Refused {
		return nil
	}
	c := quarantine(words, d, signs)
	return &c
}

func (p *Pages) newFound(words *locale.Catalogue, f *home.Noted, d *home.Device) found {
	x := found{
		Text: p.explain(words, f, d), ID: f.ID(), Kind: string(f.Kind), Cells: topics(words, string(f.Kind)),
		State: grade.Of([]grade.Sign{{ID: f.ID(), Role: f.Role, Severity: f.Severity, Confidence: f.Confidence}}, grade.Evidence{}).State,
		When:  words.Text("report.when", "n", f.Count, "first", time.Unix(0, f.First), "last", time.Unix(0, f.Last)),
	}
	if x.State == grade.Unknown { // by itself it calls for nothing
		x.State = grade.Fine
	}
	x.Word = locale.Capital(words.Text("grade." + x.State.String()))
	return x
}

// guess is what a device seems to be, which a person can settle with one tap.
type guess struct {
	Category string // that seems right; "": none does
	Yes      string
	Others   []option
}

// newGuess is nil where a person said what the device is.
func newGuess(words *locale.Catalogue, d *home.Device) *guess {
	if d.Correction().Category != "" {
		return nil
	}
	g := &guess{Category: d.Is().Category}
	if g.Category != "" {
		g.Yes = words.Text("household.guess.yes", "what", words.Text("category."+g.Category))
	}
	for _, c := range device.Categories {
		if c != g.Category {
			g.Others = append(g.Others, option{Value: c, Text: locale.Capital(words.Text("category." + c))})
		}
	}
	return g
}

// newForm is filled with what is said of a device now.
func (p *Pages) newForm(words *locale.Catalogue, d *home.Device) form {
	f := form{Name: d.Name, Room: d.Room}
	c := cmp.Or(d.Corrected, &home.Correction{})
	f.Kinds = append(f.Kinds, option{"", words.Text("household.form.seen"), c.Kind == ""})
	for _, k := range []device.Kind{device.IoT, device.General, device.Infrastructure} {
		f.Kinds = append(f.Kinds, option{string(k), locale.Capital(words.Text("kind." + string(k))), c.Kind == k})
	}
	f.Categories = append(f.Categories, option{"", words.Text("household.form.seen"), c.Category == ""})
	for _, k := range device.Categories {
		f.Categories = append(f.Categories, option{k, locale.Capital(words.Text("category." + k)), c.Category == k})
	}
	for _, x := range p.Household.Devices() {
		if x.Room != "" && !slices.Contains(f.Rooms, x.Room) {
			f.Rooms = append(f.Rooms, x.Room)
		}
	}
	slices.Sort(f.Rooms)
	return f
}

// correct takes what a person says that a device is, and where: what a form does not name stays.
func (p *Pages) correct(r *page.Request) (*page.View, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	f := r.PostForm
	kind, category := device.Kind(f.Get("kind")), f.Get("category")
	if category != "" && !slices.Contains(device.Categories, category) || !slices.Contains([]device.Kind{"", device.IoT, device.General, device.Infrastructure}, kind) {
		return nil, problem(home.ErrVerb)
	}
	if f.Has("category") && !f.Has("kind") { // one tap: what it is for says what kind it is
		kind = kindOf(category)
	}
	return p.describe(r, func(d *home.Device) {
		if f.Has("name") {
			d.Name = oneLine(f.Get("name"))
		}
		if f.Has("room") {
			d.Room = oneLine(f.Get("room"))
		}
		if f.Has("category") {
			c := d.Correction() // maker and model stay
			c.Kind, c.Category = kind, category
			d.Corrected = &c
		}
	})
}

// kindOf is the kind of all devices of a category.
func kindOf(category string) device.Kind {
	switch category {
	case "", "other":
		return ""
	case "phone", "tablet", "computer":
		return device.General
	case "router", "access-point":
		return device.Infrastructure
	}
	return device.IoT
}

// describe takes what a person says of a device, and leads to where it can be undone.
func (p *Pages) describe(r *page.Request, change func(*home.Device)) (*page.View, error) {
	d, made, err := p.Household.Describe(r.Context(), p.actor(r), r.PathValue("device"), change)
	if err != nil {
		return nil, problem(err)
	}
	if made == nil { // it was so before
		return page.See("/devices/" + d.ID + "?saved=about"), nil
	}
	return page.See(after(made)), nil
}

// oneLine is a text without ends of lines and spaces around it.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// note says what the household did about a finding.
func (p *Pages) note(r *page.Request) (*page.View, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	d, err := p.Household.Find(r.PathValue("device"))
	if err != nil {
		return nil, problem(err)
	}
	state := home.NoteState(r.PostForm.Get("state"))
	if state != home.Open && state != home.Muted && state != home.Done {
		return nil, problem(home.ErrVerb)
	}
	made, err := p.Household.Note(r.Context(), p.actor(r), d.ID, r.PathValue("finding"), state)
	if err != nil {
		return nil, err
	}
	return page.See(after(made)), nil
}

// saved is what the address of a page says was just done.
func saved(r *page.Request) string {
	switch s := r.URL.Query().Get("saved"); s {
	case "about", "known", "again", "asked", "looked", "yes":
		return r.Words.Text("household.saved." + s)
	}
	return ""
}

// done is what the address of the page says was just decided, if that is so.
func (p *Pages) done(r *page.Request, d *home.Device) *done {
	seq, err := strconv.ParseInt(r.URL.Query().Get("done"), 10, 64)
	if err != nil {
		return nil
	}
	list, err := p.History.Decisions(r.Context(), d.ID, seq+1, 1)
	if err != nil || len(list) == 0 || list[0].Seq != seq {
		return nil
	}
	x := &done{}
	switch said := strings.Fields(list[0].Argument); {
	case list[0].Verb == home.Describe:
		x.Text = r.Words.Text("household.saved.about")
	case list[0].Verb == home.NoteOn && len(said) > 1:
		x.Text = r.Words.Text("household.saved." + said[1])
	case list[0].Verb == home.Quarantine && !list[0].After.Until.IsZero():
		x.Text = r.Words.Text("home.now."+list[0].After.Now(), "device", d.Title(), "until", list[0].After.Until.Local())
	default:
		x.Text = r.Words.Text("household.done."+string(list[0].Verb), "device", d.Title())
	}
	x.Acts = list[0].Verb != home.Describe && list[0].Verb != home.NoteOn
	if list[0].Verb != home.Undo && list[0].Undone == 0 {
		x.Decision = seq
	}
	return x
}

// facts are the technical ones.
func facts(words *locale.Catalogue, d *home.Device) (list []fact) {
	add := func(key string, values ...string) {
		if values = slices.DeleteFunc(values, func(s string) bool { return s == "" }); len(values) > 0 {
			list = append(list, fact{words.Text("report.fact." + key), values})
		}
	}
	var macs, addresses []string
	for _, m := range d.MACs {
		macs = append(macs, m.String())
	}
	for _, a := range d.Addresses {
		addresses = append(addresses, a.String())
	}
	add("id", d.ID)
	add("macs", macs...)
	add("addresses", addresses...)
	add("names", slices.Clone(d.Hostnames)...)
	add("first", words.Time(d.First.Local()))
	add("last", words.Time(d.Last.Local()))
	return list
}

// together marks the findings of a kind that an earlier one explains: what is said of the kind is said once.
func together(list []found) {
	first := map[string]string{}
	for i := range list {
		f := &list[i]
		if f.Same = first[f.Kind]; f.Same == "" {
			first[f.Kind] = f.ID
		}
	}
}

// put puts one text of a list in place of another.
func put(list []string, old, now string) {
	if i := slices.Index(list, old); i >= 0 {
		list[i] = now
	}
}

// makerOf is how the maker of a device is reached, by its label; "" where that does not say.
func makerOf(words *locale.Catalogue, l *Labelled) string {
	if l == nil || l.Statement.Contact == "" {
		return ""
	}
	return words.Text("household.call.maker", "maker", report.Cut(l.Statement.Maker, longest), "contact", strings.TrimPrefix(strings.TrimPrefix(l.Statement.Contact, "mailto:"), "tel:"))
}

// calls are whom the findings say to call; without any, who helps with a device.
func calls(words *locale.Catalogue, findings []found) (list []string) {
	for i := range findings {
		for _, c := range findings[i].Call {
			if !slices.Contains(list, c) {
				list = append(list, c)
			}
		}
	}
	if len(list) == 0 {
		list = guide.Call(words, "maker", "provider", "advice")
	}
	return list
}

// contacts are those that the household named.
func contacts(s *home.Settings) (list []contact) {
	for _, c := range []home.Contact{s.Helper, s.Provider} {
		if c.Name == "" && c.Phone == "" {
			continue
		}
		x := contact{Name: c.Name, Phone: c.Phone}
		digits := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' || r == '+' {
				return r
			}
			return -1
		}, c.Phone)
		if digits != "" {
			x.Call = template.URL("tel:" + url.PathEscape(digits)) // digits alone
		}
		list = append(list, x)
	}
	return list
}
