package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/assess"
)

// Credential is a name and a password.
type Credential struct{ User, Password string }

// defaults are pairs that everybody knows: our own short choice, of such as stand in manuals of makers, and in Table 5 of
// Antonakakis et al., “Understanding the Mirai Botnet”, USENIX Security 2017. The likeliest come first.
var defaults = []Credential{
	{"admin", "admin"},
	{"admin", ""},
	{"root", "root"},
	{"admin", "password"},
	{"root", ""},
	{"admin", "12345"},
	{"admin", "1234"},
	{"admin", "123456"},
	{"root", "12345"},
	{"root", "xc3511"},
	{"root", "vizxv"},
	{"user", "user"},
	{"guest", "guest"},
	{"root", "pass"},
	{"ubnt", "ubnt"},
	{"support", "support"},
	{"root", "admin"},
	{"admin", "admin1234"},
	{"root", "password"},
	{"service", "service"},
}

// stranger is the user that no device has, for log-ins that must fail.
const stranger = "plimsoll-probe"

// MaxCredentials bounds what is tried of other units.
const MaxCredentials = 32

// ParseCredentials reads lines of USER:PASSWORD; empty ones and those that begin with # are passed over.
func ParseCredentials(r io.Reader) (list []Credential, err error) {
	s := bufio.NewScanner(io.LimitReader(r, 64<<10))
	for n := 1; s.Scan(); n++ {
		line := strings.TrimRight(s.Text(), "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		user, password, ok := strings.Cut(line, ":")
		if !ok || len(line) > 256 {
			return nil, fmt.Errorf("line %d is not USER:PASSWORD of at most 256 octets", n)
		}
		if list = append(list, Credential{user, password}); len(list) > MaxCredentials {
			return nil, fmt.Errorf("more than %d lines", MaxCredentials)
		}
	}
	return list, s.Err()
}

// answer is what a device says to a log-in.
type answer int

const (
	unknown answer = iota
	accepted
	refused
	held // it wants no more log-ins, for now
)

// login tries one log-in at a service.
type login func(ctx context.Context, c Credential) (answer, error)

// logins tries passwords at a service: those of other units, those that everybody knows, then wrong ones, to see how
// guessing is held back.
func (r *run) logins(ctx context.Context, port string, try login) {
	if !r.Logins || r.in {
		return
	}
	from := r.next()
	once := func(c Credential) answer {
		if !r.pause(ctx, r.LoginPace) {
			return unknown
		}
		a, _ := try(ctx, c)
		return a
	}
	// Who lets in a user that there is not lets in anybody: then no password tells anything.
	switch once(Credential{stranger, "a password that nobody has"}) {
	case accepted:
		r.in = true
		r.found("access.open", assess.Bad, port, "any name and password lets one in", from)
		return
	case held, unknown:
		return
	}
	for i, c := range r.Others {
		switch once(c) {
		case accepted:
			r.in = true
			r.found("login.repeated", assess.Bad, port, fmt.Sprintf("number %d of the credentials of other units, user %s", i+1, c.User), from)
			return
		case held:
			return
		}
	}
	wrong := 1 + len(r.Others)
	for i, c := range defaults[:min(len(defaults), r.Tries)] {
		switch once(c) {
		case accepted:
			r.in = true
			r.found("login.default", assess.Bad, port, fmt.Sprintf("user %s, number %d of the list of passwords that everybody knows", c.User, i+1), from)
			return
		case held:
			r.found("login.guessing", assess.Good, port, fmt.Sprintf("after %d wrong log-ins it takes no more", wrong), from)
			r.guessed = true
			return
		}
		wrong++
	}
	if ctx.Err() == nil {
		r.guessing(ctx, port, try, wrong)
	}
}

// Wrong log-ins that are answered this fast go on fast, and fewer than this many say nothing of how many more there can be.
const (
	fast      = time.Second
	leastFast = 20
)

// guessing sends wrong log-ins of a made-up user, with no pause but the pace of connections, and sees whether they are
// held back. before is how many were sent already.
func (r *run) guessing(ctx context.Context, port string, try login, before int) {
	if r.guessed || r.Tries <= 0 {
		return
	}
	r.guessed = true
	from := r.next()
	var took []time.Duration
	for i := range r.Tries {
		begun := time.Now()
		a, err := try(ctx, Credential{stranger, fmt.Sprintf("guess %d", i)})
		if ctx.Err() != nil {
			return
		}
		switch {
		case a == held:
			r.found("login.guessing", assess.Good, port, fmt.Sprintf("after %d wrong log-ins it takes no more", before+i), from)
			return
		case a == accepted:
			r.in = true
			r.found("access.open", assess.Bad, port, "any name and password lets one in", from)
			return
		case a == unknown:
			if i > 0 && err != nil && !errors.Is(err, context.Canceled) {
				r.found("login.guessing", assess.Unclear, port, fmt.Sprintf("after %d wrong log-ins it answers no more, which may have other causes", before+i), from)
			}
			return
		}
		took = append(took, time.Since(begun))
	}
	some := max(1, len(took)/4)
	first, last := median(took[:some]), median(took[len(took)-some:])
	switch {
	case last >= 2*fast && last >= 3*first:
		r.found("login.guessing", assess.Good, port, fmt.Sprintf("its answers to wrong log-ins grow from %s to %s", round(first), round(last)), from)
	case slices.Max(took) < fast && len(took) >= leastFast:
		r.found("login.guessing", assess.Bad, port, fmt.Sprintf("%d wrong log-ins were all answered within %s", len(took), round(slices.Max(took))), from)
	default:
		r.found("login.guessing", assess.Unclear, port, fmt.Sprintf("%d wrong log-ins, answered within %s to %s", len(took), round(slices.Min(took)), round(slices.Max(took))), from)
	}
}

func median(list []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
