// Package probe asks a device on the owner’s own network, with the owner’s consent, what a stranger on that network could
// find out: what is open, whether passwords that everybody knows let one in, whether guessing is held back, what can be
// read or changed without a log-in, and how good its TLS is. It writes a transcript (assess.Transcript) of all that it did.
//
// It is gentle: one connection at a time, a pause before each, few log-ins, and none after the first that succeeds. It
// leaves nothing behind: what it changes, to see that it can, it takes back. A hostile device costs it bounded time and
// memory. Secrets are not written down.
package probe

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/assess"
)

// Config is whom to probe, and how.
type Config struct {
	Target    assess.Target
	Address   netip.Addr    // of the target; see Allowed
	Pace      time.Duration // pause before each connection
	LoginPace time.Duration // pause before each log-in
	Tries     int           // wrong log-ins at most, at one service
	Ports     []uint16      // TCP ports to try besides the list
	Only      bool          // Ports alone, not the list
	Logins    bool          // try passwords, and how guessing is held back
	Changes   bool          // ask for changes, and take them back
	Others    []Credential  // of other units of the product: they must not let one in
	Datagrams map[string]uint16
	Progress  func(step string) // what is looked at; nil: nobody wants to know
	Now       func() time.Time  // nil: the system’s clock

	talk, greet time.Duration // talkTime and greetTime, but for tests
}

// Bounds on what a device can cost.
const (
	maxPorts    = 256
	maxExchange = 64 << 10        // octets that one connection may bring
	talkTime    = 8 * time.Second // one connection, from its beginning to its end
	dialTime    = 1500 * time.Millisecond
	greetTime   = 1500 * time.Millisecond
	maxText     = 200 // octets of a text in the transcript
	MaxTime     = 30 * time.Minute
)

// DefaultConfig is gentle.
func DefaultConfig() Config {
	return Config{Pace: 100 * time.Millisecond, LoginPace: time.Second, Tries: 20, Logins: true, Changes: true}
}

// Run probes the device. When ctx ends the transcript is of what was done until then, and says that it is not whole; what
// was changed is taken back nevertheless.
func Run(ctx context.Context, c Config) (*assess.Transcript, error) {
	if !c.Address.IsValid() {
		return nil, fmt.Errorf("probe: no address")
	}
	if len(c.Ports) > maxPorts {
		return nil, fmt.Errorf("probe: %d ports, at most %d are tried", len(c.Ports), maxPorts)
	}
	ctx, cancel := context.WithTimeout(ctx, MaxTime)
	defer cancel()
	c.talk, c.greet = cmp.Or(c.talk, talkTime), cmp.Or(c.greet, greetTime)
	if c.Now == nil {
		c.Now = time.Now
	}
	r := &run{Config: c, begun: c.Now(), t: &assess.Transcript{
		Schema: assess.TranscriptSchema, Device: c.Target,
		Settings: assess.Settings{PaceMS: c.Pace.Milliseconds(), LoginPaceMS: c.LoginPace.Milliseconds(), Tries: c.Tries},
		Tried:    []string{}, Open: []assess.Service{}, Told: assess.Told{Makers: []string{}, Models: []string{}},
		Keys: []assess.Key{}, Checks: []assess.Check{}, Exchanges: []assess.Exchange{},
	}}
	r.t.Device.Address = c.Address.String()
	r.t.Started = r.begun.UTC().Format(time.RFC3339)
	r.datagrams(ctx)
	r.streams(ctx)
	r.t.Whole = ctx.Err() == nil
	Seal(r.t, r.Now())
	return r.t, nil
}

// Seal notes when a transcript ended, and its digest.
func Seal(t *assess.Transcript, at time.Time) {
	t.Ended = at.UTC().Format(time.RFC3339)
	t.SHA256 = t.Digest()
}

// run is a probe under way.
type run struct {
	Config
	t       *assess.Transcript
	begun   time.Time
	in      bool // a log-in has succeeded: no more are tried
	guessed bool // guessing was looked at, once
}

// pause waits; it reports false when there is no more time.
func (r *run) pause(ctx context.Context, d time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (r *run) step(name string) {
	if r.Progress != nil {
		r.Progress(name)
	}
}

// found notes what came out of a check. The last exchanges, from the given one on, show it.
func (r *run) found(check, outcome, port, detail string, from int) {
	for i := range r.t.Checks { // the same again says no more
		if c := &r.t.Checks[i]; c.Check == check && c.Port == port && c.Outcome == outcome && c.Detail == detail {
			return
		}
	}
	c := assess.Check{Check: check, Port: port, Outcome: outcome, Detail: show(detail), Exchanges: []int{}}
	for n := max(from, 1); n <= len(r.t.Exchanges); n++ {
		if r.t.Exchanges[n-1].Port == port && len(c.Exchanges) < 32 {
			c.Exchanges = append(c.Exchanges, n)
		}
	}
	r.t.Checks = append(r.t.Checks, c)
}

// next is the number that the next exchange will have.
func (r *run) next() int { return len(r.t.Exchanges) + 1 }

func (r *run) key(port, kind, digest string) {
	k := assess.Key{Port: port, Kind: kind, SHA256: digest}
	if !slices.Contains(r.t.Keys, k) {
		r.t.Keys = append(r.t.Keys, k)
	}
}

// told notes what the device says that it is.
func (r *run) told(maker, model string) {
	add := func(list *[]string, s string) {
		if s = show(s); s != "" && len(*list) < 16 && !slices.Contains(*list, s) {
			*list = append(*list, s)
		}
	}
	add(&r.t.Told.Makers, maker)
	add(&r.t.Told.Models, model)
}
