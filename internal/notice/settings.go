package notice

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/durable"
)

// Settings are what an owner said: where to send, and when.
type Settings struct {
	Channels []Channel `json:"channels"`
	Plan
}

// Plan is when something is sent, in local time.
type Plan struct {
	Digest
	Quiet Span `json:"quiet"` // when nothing interrupts
}

// Digest is when the digest is sent.
type Digest struct {
	Day time.Weekday `json:"day"`
	At  Clock        `json:"at"`
}

// Clock is a time of the day, minutes since midnight.
type Clock int

// Span is from a time of the day to another, which may be on the next day. From one to the same is no time at all.
type Span struct {
	From Clock `json:"from"`
	To   Clock `json:"to"`
}

// DefaultPlan is Sunday at 18:00, and quiet from 22:00 to 7:00.
var DefaultPlan = Plan{Digest{time.Sunday, 18 * 60}, Span{22 * 60, 7 * 60}}

// maxChannels and maxSettings bound what is kept.
const (
	maxChannels = 16
	maxSettings = 1 << 20
)

// ParseClock reads "18:00".
func ParseClock(s string) (Clock, error) {
	t, err := time.Parse("15:04", strings.TrimSpace(s))
	if err != nil {
		return 0, &Trouble{Kind: "setting.clock", Cause: fmt.Errorf("%w: %q is no time of the day", ErrChannel, s)}
	}
	return Clock(t.Hour()*60 + t.Minute()), nil
}

// String is as ParseClock reads it.
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c/60, c%60) }

// ParseDigest reads when the digest is sent: "sunday 18:00", or "sun 18:00".
func ParseDigest(s string) (Digest, error) {
	name, clock, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s)), " ")
	for d := time.Sunday; d <= time.Saturday; d++ {
		if full := strings.ToLower(d.String()); name == full || name == full[:3] {
			at, err := ParseClock(clock)
			return Digest{d, at}, err
		}
	}
	return Digest{}, &Trouble{Kind: "setting.day", Cause: fmt.Errorf("%w: %q is no day of the week", ErrChannel, name)}
}

// ParseSpan reads "22:00-07:00"; "none" is never.
func ParseSpan(s string) (x Span, err error) {
	if s == "none" {
		return x, nil
	}
	from, to, _ := strings.Cut(s, "-")
	if x.From, err = ParseClock(from); err == nil {
		x.To, err = ParseClock(to)
	}
	return x, err
}

// String is as ParseSpan reads it.
func (s Span) String() string {
	if s.From == s.To {
		return "none"
	}
	return s.From.String() + "-" + s.To.String()
}

// holds reports whether a time is within the span.
func (s Span) holds(t time.Time) bool {
	now := Clock(t.Hour()*60 + t.Minute())
	if s.From <= s.To {
		return now >= s.From && now < s.To
	}
	return now >= s.From || now < s.To
}

// last is when the digest was due last, at a time.
func (d Digest) last(now time.Time) time.Time {
	back := (int(now.Weekday()) - int(d.Day) + 7) % 7
	due := time.Date(now.Year(), now.Month(), now.Day()-back, int(d.At)/60, int(d.At)%60, 0, 0, now.Location())
	if due.After(now) {
		due = time.Date(now.Year(), now.Month(), now.Day()-back-7, int(d.At)/60, int(d.At)%60, 0, 0, now.Location())
	}
	return due
}

// Next is when the digest is due next, after a time.
func (d Digest) Next(now time.Time) time.Time {
	last := d.last(now)
	return time.Date(last.Year(), last.Month(), last.Day()+7, last.Hour(), last.Minute(), 0, 0, now.Location())
}

// Check says what is wrong with settings.
func (s *Settings) Check() error {
	if len(s.Channels) > maxChannels {
		return &Trouble{Kind: "setting.many", Cause: fmt.Errorf("%w: more than %d", ErrChannel, maxChannels)}
	}
	for i := range s.Channels {
		if err := s.Channels[i].Check(); err != nil {
			return err
		}
	}
	const day = 24 * 60
	if s.Day < time.Sunday || s.Day > time.Saturday || min(s.At, s.Quiet.From, s.Quiet.To) < 0 || max(s.At, s.Quiet.From, s.Quiet.To) >= day {
		return &Trouble{Kind: "setting.clock", Cause: fmt.Errorf("%w: no such time", ErrChannel)}
	}
	return nil
}

// ParseSettings reads what is kept.
func ParseSettings(data []byte) (*Settings, error) {
	s := &Settings{Plan: DefaultPlan}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("settings of notices: %w", err)
	}
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("settings of notices: %w", err)
	}
	return s, nil
}

// load reads them from a file; it is no fault that there is none.
func load(name string) (*Settings, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &Settings{Plan: DefaultPlan}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("settings of notices: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSettings))
	if err != nil {
		return nil, fmt.Errorf("settings of notices: %w", err)
	}
	return ParseSettings(data)
}

// save keeps them where their owner alone may read them, for there are secrets in it.
func (s *Settings) save(name string) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.WriteFile(name, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("settings of notices: %w", err)
	}
	return nil
}

// Put adds a channel, or changes the one of its ID. Where it has no secret or certificate, that one’s stays.
func (s *Settings) Put(c Channel) {
	i := slices.IndexFunc(s.Channels, func(x Channel) bool { return x.ID == c.ID })
	if i < 0 {
		var b [4]byte
		_, _ = rand.Read(b[:]) // which never fails
		c.ID = hex.EncodeToString(b[:])
		s.Channels = append(s.Channels, c)
		return
	}
	if was := s.Channels[i]; c.Server == was.Server && c.User == was.User { // a secret goes to nobody that it was not given for
		if c.Secret == "" {
			c.Secret = was.Secret
		}
		if c.CA == "" {
			c.CA = was.CA
		}
	}
	s.Channels[i] = c
}
