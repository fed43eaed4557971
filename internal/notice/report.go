package notice

import (
	"context"
	"time"

	"plimsoll.example/plimsoll/internal/locale"
)

// The schemas of what programs are told about channels.
const (
	ReportSchema = "plimsoll.home.notices/1"
	TrialSchema  = "plimsoll.home.notice-test/1"
)

// Report is where something is sent to, and how that goes; no secret is in it.
type Report struct {
	Schema   string          `json:"schema"`
	Channels []ChannelReport `json:"channels"`
	Next     *time.Time      `json:"next"` // when the digest is sent next; null: to nobody
}

// ChannelReport is how one channel stands.
type ChannelReport struct {
	ID     string      `json:"id"`
	Kind   Kind        `json:"kind"`
	Name   string      `json:"name"`
	Lang   locale.Lang `json:"lang"`
	Alerts bool        `json:"alerts"`
	Fixed  bool        `json:"fixed"` // it is set where the program is started
	Last   *Outcome    `json:"last"`  // delivery; null is none
}

// Outcome is how a delivery stands.
type Outcome struct {
	At      time.Time `json:"at"`
	State   State     `json:"state"`
	Tries   int       `json:"tries"`
	Trouble string    `json:"trouble"` // "" is none
}

// Trial is how a test went.
type Trial struct {
	Schema  string `json:"schema"`
	Channel string `json:"channel"`
	Sent    bool   `json:"sent"`
	Trouble string `json:"trouble"`
	Cause   string `json:"cause"` // as the program, or the server, says it
}

// Report is how all channels stand.
func (p *Post) Report(ctx context.Context) (*Report, error) {
	last, err := p.Last(ctx)
	if err != nil {
		return nil, err
	}
	s := p.Settings()
	r := &Report{Schema: ReportSchema, Channels: []ChannelReport{}}
	for i := range s.Channels {
		c := &s.Channels[i]
		x := ChannelReport{ID: c.ID, Kind: c.Kind, Name: c.Name(), Lang: c.Lang, Alerts: c.Alerts, Fixed: c.Fixed}
		if d := last[c.ID]; d != nil {
			x.Last = &Outcome{d.At, d.State, d.Tries, d.Trouble}
		}
		r.Channels = append(r.Channels, x)
	}
	if len(r.Channels) > 0 {
		next := s.Next(p.Now().Local()).UTC()
		r.Next = &next
	}
	return r, nil
}

// Try is Test for programs. The error is that there is no such channel.
func (p *Post) Try(ctx context.Context, id string) (*Trial, error) {
	if _, err := p.find(id); err != nil {
		return nil, err
	}
	t := &Trial{Schema: TrialSchema, Channel: id, Sent: true}
	if err := p.Test(ctx, id); err != nil {
		t.Sent, t.Trouble, t.Cause = false, KindOf(err), err.Error()
	}
	return t, nil
}
