package labellog

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// MaxPolicy bounds the file of a policy, octets.
const MaxPolicy = 64 << 10

// maxMembers bounds witnesses and groups of a policy: a note holds at most 100 signatures.
const maxMembers = 90

// ErrPolicy is the cause where a file is not a policy.
var ErrPolicy = errors.New("policy is not valid")

// Policy says whose log is believed, and how many of which witnesses must have cosigned (C2SP tlog-policy).
type Policy struct {
	quorum    *member
	verifiers []note.Verifier
	logs      map[note.Verifier]bool
	text      string // for Tessera: nothing but witnesses and their quorum
	urls      bool   // every witness has a URL
}

// Logs are the keys of the logs that the policy names.
func (p *Policy) Logs() (list []note.Verifier) {
	for _, v := range p.verifiers {
		if p.logs[v] {
			list = append(list, v)
		}
	}
	return list
}

// member is a witness or a group of members.
type member struct {
	verifier note.Verifier // of a witness
	k        int           // how many of a group must have cosigned
	of       []*member
}

// satisfied tells whether enough have cosigned, and since when.
func (m *member) satisfied(times map[note.Verifier]time.Time) (at time.Time, ok bool) {
	if m.verifier != nil {
		at, ok = times[m.verifier]
		return at, ok
	}
	var have []time.Time
	for _, o := range m.of {
		if t, ok := o.satisfied(times); ok {
			have = append(have, t)
		}
	}
	if len(have) < m.k {
		return at, false
	}
	slices.SortFunc(have, time.Time.Compare)
	if m.k > 0 {
		at = have[m.k-1]
	}
	return at, true
}

// ParsePolicy reads a policy, line by line: “log VKEY [URL]”, “witness NAME VKEY [URL]”, “group NAME any|all|K
// MEMBER…” of what was named before, and one “quorum NAME|none”. A number sign at the beginning of a line makes it a
// comment. The error wraps ErrPolicy.
func ParsePolicy(data []byte) (*Policy, error) {
	if len(data) > MaxPolicy {
		return nil, fmt.Errorf("%w: it has %d octets, and at most %d are read", ErrPolicy, len(data), MaxPolicy)
	}
	p := &parser{Policy: Policy{logs: map[note.Verifier]bool{}}, named: map[string]*member{}, grouped: map[string]bool{}, reached: map[string]bool{}}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if err := p.line(f); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrPolicy, number, err)
		}
	}
	if len(p.logs) == 0 {
		return nil, fmt.Errorf("%w: it names no log", ErrPolicy)
	}
	if p.quorum == nil {
		return nil, fmt.Errorf("%w: it has no line quorum", ErrPolicy)
	}
	p.urls = len(p.reached) == len(p.verifiers)-len(p.logs)
	return &p.Policy, nil
}

type parser struct {
	Policy
	named   map[string]*member
	grouped map[string]bool // a member belongs to one group
	reached map[string]bool // URLs of witnesses
}

func (p *parser) line(f []string) error {
	switch {
	case f[0] == "log" && (len(f) == 2 || len(f) == 3):
		v, err := note.NewVerifier(f[1])
		if err != nil {
			return fmt.Errorf("key %.120q: %w", f[1], err)
		}
		if len(p.logs) == maxMembers {
			return errors.New("there are too many logs")
		}
		p.logs[v] = true
		return p.verifier(v)
	case f[0] == "witness" && (len(f) == 3 || len(f) == 4):
		return p.witness(f)
	case f[0] == "group" && len(f) > 3:
		return p.group(f)
	case f[0] == "quorum" && len(f) == 2:
		if p.quorum != nil {
			return errors.New("there is a quorum already")
		}
		p.text += strings.Join(f, " ") + "\n"
		if f[1] == "none" {
			p.quorum = &member{}
			return nil
		}
		if p.quorum = p.named[f[1]]; p.quorum == nil {
			return fmt.Errorf("nothing is named %.80q", f[1])
		}
		return nil
	}
	return fmt.Errorf("it begins with %.40q and has %d words: log, witness, group and quorum are known", f[0], len(f))
}

func (p *parser) witness(f []string) error {
	v, err := fnote.NewVerifierForCosignatureV1(f[2])
	if err != nil {
		return fmt.Errorf("key %.120q: %w", f[2], err)
	}
	if len(f) == 4 {
		u, err := url.Parse(f[3])
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("%.120q is no URL of a witness", f[3])
		}
		if p.reached[f[3]] {
			return fmt.Errorf("two witnesses are at %.120q", f[3])
		}
		p.reached[f[3]] = true
	}
	p.text += strings.Join(f, " ") + "\n"
	return errors.Join(p.verifier(v), p.name(f[1], &member{verifier: v}))
}

func (p *parser) group(f []string) error {
	g := &member{}
	for _, name := range f[3:] {
		m := p.named[name]
		if m == nil {
			return fmt.Errorf("nothing is named %.80q", name)
		}
		if p.grouped[name] {
			return fmt.Errorf("%.80q is in a group already", name)
		}
		p.grouped[name] = true
		g.of = append(g.of, m)
	}
	switch f[2] {
	case "any":
		g.k = 1
	case "all":
		g.k = len(g.of)
	default:
		k, err := strconv.ParseUint(f[2], 10, 8)
		if err != nil || k < 1 || k > uint64(len(g.of)) {
			return fmt.Errorf("%.20q of %d members: any, all, or a number of them", f[2], len(g.of))
		}
		g.k = int(k)
	}
	p.text += strings.Join(f, " ") + "\n"
	return p.name(f[1], g)
}

func (p *parser) name(name string, m *member) error {
	if slices.Contains([]string{"log", "witness", "group", "quorum", "any", "all", "none"}, name) || p.named[name] != nil {
		return fmt.Errorf("the name %.80q is taken", name)
	}
	if len(p.named) == maxMembers {
		return errors.New("there are too many witnesses and groups")
	}
	p.named[name] = m
	return nil
}

func (p *parser) verifier(v note.Verifier) error {
	for _, o := range p.verifiers {
		if o.Name() == v.Name() && o.KeyHash() == v.KeyHash() {
			return fmt.Errorf("the key of %.80q is there twice", v.Name())
		}
	}
	p.verifiers = append(p.verifiers, v)
	return nil
}
