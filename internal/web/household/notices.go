package household

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/notice"
	"plimsoll.example/plimsoll/internal/web/page"
)

// notices is the page that says what is sent out of the home, where to, and when.
type notices struct {
	Saved    string
	Tried    *attempt
	Channels []channelCard
	Add      []*channelForm // one for each kind
	Days     []option
	At       string
	From, To string // of the quiet hours; the same where there are none
	Next     string // when the digest is sent next; "": to nobody
	Budget   string
	Fixed    bool // the plan is set where the program is started
}

// attempt is how a test went.
type attempt struct {
	Good     bool
	Text, Do string
	Cause    string // as the program, or the server, says it
}

// channelCard is a channel that there is.
type channelCard struct {
	ID, Name, Title string
	Fixed           bool
	Tells           string // what is sent
	Last            string // how that went last
	Do              string // about it, where it went wrong
	Form            *channelForm
}

// channelForm is the form of a channel that there is, or may be.
type channelForm struct {
	notice.Channel
	At    string // what the IDs of its fields begin with
	Title string
	Hint  string
	Where string // what its server is called
	Has   bool   // a secret, which is not shown
	Langs []option
	words *locale.Catalogue
}

// T is a message of the catalogue.
func (f *channelForm) T(key string) string { return f.words.Text(key) }

// Asks reports whether a kind of channel has a field.
func (f *channelForm) Asks(field string) bool {
	return slices.Contains(map[notice.Kind][]string{
		notice.Mail: {"user", "to", "from"}, notice.Webhook: {}, notice.Ntfy: {"topic"}, notice.MQTT: {"user", "topic"},
	}[f.Kind], field)
}

func (p *Pages) notices(r *page.Request) (*page.View, error) { return p.showNotices(r, nil) }

func (p *Pages) showNotices(r *page.Request, t *attempt) (*page.View, error) {
	if p.Notices == nil {
		return nil, errNoWay
	}
	w := r.Words
	s := p.Notices.Settings()
	last, err := p.Notices.Last(r.Context())
	if err != nil {
		return nil, err
	}
	x := &notices{
		Saved: saved(r), Tried: t, At: s.At.String(), From: s.Quiet.From.String(), To: s.Quiet.To.String(), Fixed: p.Notices.At != nil || p.Notices.Quiet != nil,
		Budget: w.Text("household.notices.budget", "n", notice.Budget),
	}
	if len(s.Channels) > 0 {
		x.Next = w.Text("household.notices.next", "at", s.Next(p.Now().Local()))
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		x.Days = append(x.Days, option{Value: d.String(), Text: w.Text("weekday." + strings.ToLower(d.String())), Chosen: d == s.Day})
	}
	for i := range s.Channels {
		c := &s.Channels[i]
		card := channelCard{
			ID: c.ID, Name: c.Name(), Title: w.Text("notice.item", "name", w.Text("household.notices."+string(c.Kind)), "text", c.Name()), Fixed: c.Fixed, Tells: w.Text("household.notices.digest"), Form: newChannelForm(w, c, c.ID),
		}
		if c.Alerts {
			card.Tells = w.Text("household.notices.both")
		}
		if d := last[c.ID]; d != nil {
			switch {
			case d.State == notice.Sent:
				card.Last = w.Text("household.notices.sent", "at", d.At.Local())
			case d.Trouble != "":
				card.Last, card.Do = notice.Say(w, d.Trouble)
			}
		}
		x.Channels = append(x.Channels, card)
	}
	for _, k := range notice.Kinds {
		x.Add = append(x.Add, newChannelForm(w, &notice.Channel{Kind: k, Lang: w.Lang(), Alerts: true}, "new-"+string(k)))
	}
	return &page.View{Template: "notices.html", Title: w.Text("household.notices"), Data: x}, nil
}

// tongues are what languages call themselves.
var tongues = map[locale.Lang]string{locale.English: "English", locale.French: "Français"}

func newChannelForm(words *locale.Catalogue, c *notice.Channel, at string) *channelForm {
	f := &channelForm{
		Channel: *c, At: at, Title: words.Text("household.notices." + string(c.Kind)), Hint: words.Text("household.notices." + string(c.Kind) + ".hint"), Where: words.Text("household.notices.server." + string(c.Kind)), Has: c.Secret != "", words: words,
	}
	f.Secret, f.CA = "", "" // which no page has
	for _, l := range locale.Languages {
		f.Langs = append(f.Langs, option{Value: string(l), Text: tongues[l], Chosen: l == c.Lang})
	}
	return f
}

// saveNotices does what a form asks: when to send, where to, whether it arrives.
func (p *Pages) saveNotices(r *page.Request) (*page.View, error) {
	if p.Notices == nil {
		return nil, errNoWay
	}
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	f := r.PostForm
	if f.Get("do") == "test" {
		return p.tryChannel(r, f.Get("channel"))
	}
	err := p.Notices.Change(func(s *notice.Settings) error {
		switch f.Get("do") {
		case "plan":
			return readPlan(s, f.Get)
		case "put":
			id := f.Get("channel")
			if id != "" && !slices.ContainsFunc(s.Channels, func(c notice.Channel) bool { return c.ID == id }) {
				return fs.ErrNotExist
			}
			s.Put(readChannel(id, f.Get))
		case "remove":
			n := len(s.Channels)
			if s.Channels = slices.DeleteFunc(s.Channels, func(c notice.Channel) bool { return c.ID == f.Get("channel") }); len(s.Channels) == n {
				return fs.ErrNotExist
			}
		default:
			return home.ErrVerb
		}
		return nil
	})
	if errors.Is(err, notice.ErrChannel) {
		return nil, &page.Problem{Status: http.StatusUnprocessableEntity, Key: "notice.trouble." + notice.KindOf(err), Cause: err}
	}
	if err != nil {
		return nil, problem(err)
	}
	return page.See("/notices?saved=yes"), nil
}

// readPlan reads when to send.
func readPlan(s *notice.Settings, get func(string) string) (err error) {
	if s.Digest, err = notice.ParseDigest(get("day") + " " + get("at")); err != nil {
		return err
	}
	if s.Quiet.From, err = notice.ParseClock(get("from")); err != nil {
		return err
	}
	s.Quiet.To, err = notice.ParseClock(get("to"))
	return err
}

// readChannel reads where to send.
func readChannel(id string, get func(string) string) notice.Channel {
	c := notice.Channel{
		ID: id, Kind: notice.Kind(get("kind")), Topic: strings.Trim(oneLine(get("topic")), "/"), User: oneLine(get("user")), To: oneLine(get("recipient")), From: oneLine(get("sender")),
		Secret: get("secret"), CA: strings.TrimSpace(get("ca")), Lang: locale.Lang(get("lang")), Alerts: get("alerts") == "yes",
	}
	c.Server = notice.Complete(c.Kind, oneLine(get("server")))
	if c.Kind == notice.Mail {
		c.From = cmp.Or(c.From, c.Sender())
	}
	return c
}

// tryChannel sends something, and says what became of it.
func (p *Pages) tryChannel(r *page.Request, id string) (*page.View, error) {
	err := p.Notices.Test(r.Context(), id)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err == nil:
		return p.showNotices(r, &attempt{Good: true, Text: r.Words.Text("household.notices.tried")})
	}
	t := &attempt{Cause: oneLine(err.Error())}
	t.Text, t.Do = notice.Say(r.Words, notice.KindOf(err))
	return p.showNotices(r, t)
}
