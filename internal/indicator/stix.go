package indicator

import (
	"errors"
	"net/netip"
	"strings"
)

// stixConfidence is what an indicator is worth that does not say it itself.
const stixConfidence = 0.7

// stix takes an indicator (STIX 2.1, Section 4.7) whose pattern is one of those that can be looked for.
func (l *loader) stix(o *object) {
	t := o.text
	if t["revoked"] == "true" {
		l.took(NotMeant, "")
		return
	}
	if p := t["pattern_type"]; p != "" && p != "stix" {
		l.took(Unsupported, "")
		return
	}
	ways, unsupported, err := pattern(t["pattern"])
	if err != nil {
		l.took(Malformed, t["pattern"])
		return
	}
	for range unsupported {
		l.took(Unsupported, "")
	}
	confidence := stixConfidence
	if c := t["confidence"]; c != "" && c != "0" {
		confidence = float64(min(number(c), 100)) / 100
	}
	reason := either(t["name"], t["description"])
	for _, way := range ways {
		r := l.record(confidence, reason)
		r.from, r.until = stamp(t["valid_from"]), stamp(t["valid_until"])
		l.way(way, r)
	}
}

// way takes conditions that must all hold: the port of an address goes with it; what else there is, is a group.
func (l *loader) way(way []condition, r record) {
	var port uint16
	list := way[:0:0]
	for _, c := range way {
		if c.what == "port" {
			port = number(c.value)
			continue
		}
		list = append(list, c)
	}
	if len(list) == 0 || len(list) > maxMembers {
		l.took(Unsupported, "")
		return
	}
	if len(list) > 1 {
		l.set.groups = append(l.set.groups, uint8(len(list)))
		r.group = int32(len(l.set.groups))
	}
	for i, c := range list {
		m := r
		m.member = uint8(i)
		var skip Skip
		switch c.what {
		case "address":
			m.port = port
			skip = l.set.addHost(c.value, m)
			if _, err := netip.ParsePrefix(c.value); err != nil {
				if _, err := netip.ParseAddr(c.value); err != nil {
					skip = Malformed
				}
			}
		case "domain":
			skip = l.set.addDomain(c.value, m)
		case "url":
			skip = l.set.addURL(c.value, m)
		case "certificate":
			skip = l.set.addDigest(certificate, c.value, m, 20, 32)
		}
		if skip != "" { // the others never suffice
			l.took(skip, c.value)
			return
		}
	}
	l.took("", "")
}

// condition is an equation of a pattern.
type condition struct{ what, value string }

// Bounds on a pattern.
const (
	maxPattern = 16 << 10 // octets
	maxWays    = 256
	maxMembers = 8
	maxNest    = 16
)

// subjects are the object paths that can be looked for.
var subjects = map[string]string{
	"domain-name:value":                     "domain",
	"ipv4-addr:value":                       "address",
	"ipv6-addr:value":                       "address",
	"url:value":                             "url",
	"network-traffic:dst_ref.value":         "address",
	"network-traffic:dst_port":              "port",
	"x509-certificate:hashes.'SHA-1'":       "certificate",
	"x509-certificate:hashes.'SHA-256'":     "certificate",
	"x509-certificate:hashes.SHA-1":         "certificate",
	"network-traffic:dst_ref.resolved_name": "",
}

// pattern reads a STIX pattern as ways to meet it, each of conditions that must all hold. A way with a condition that
// cannot be looked for is left out, and counted: without the condition it would say more than its author did.
func pattern(text string) (ways [][]condition, unsupported int, err error) {
	if len(text) > maxPattern {
		return nil, 0, errPattern
	}
	p := &patternParser{rest: text}
	e, err := p.or(0, false)
	if err == nil && p.peek() != "" {
		switch w := strings.ToUpper(p.peek()); w {
		case "FOLLOWEDBY", "REPEATS", "WITHIN", "START":
			return nil, 1, nil
		}
		err = errPattern
	}
	if err != nil {
		return nil, 0, err
	}
	for _, way := range e {
		ok := true
		for _, c := range way {
			ok = ok && c.what != ""
		}
		if ok {
			ways = append(ways, way)
		} else {
			unsupported++
		}
	}
	return ways, unsupported, nil
}

var errPattern = errors.New("no STIX pattern")

type patternParser struct{ rest string }

// peek is the token that comes next, "" at the end.
func (p *patternParser) peek() string {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	if p.rest == "" {
		return ""
	}
	switch c := p.rest[0]; {
	case strings.IndexByte("[](),", c) >= 0:
		return p.rest[:1]
	case c == '=' || c == '<' || c == '>' || c == '!':
		if len(p.rest) > 1 && p.rest[1] == '=' {
			return p.rest[:2]
		}
		return p.rest[:1]
	case c == '\'':
		return p.rest[:quoted(p.rest)]
	}
	i := 0
	for i < len(p.rest) && strings.IndexByte(" \t\r\n[](),=<>!", p.rest[i]) < 0 {
		if p.rest[i] == '\'' {
			i += quoted(p.rest[i:])
		} else {
			i++
		}
	}
	return p.rest[:i]
}

// quoted is the length of the string literal that s begins with.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '\'':
			return i + 1
		}
	}
	return len(s)
}

func (p *patternParser) next() string {
	t := p.peek()
	p.rest = p.rest[len(t):]
	return t
}

func (p *patternParser) word(w string) bool {
	if strings.EqualFold(p.peek(), w) {
		p.next()
		return true
	}
	return false
}

// or reads alternatives; inside says that it is within the brackets of an observation.
func (p *patternParser) or(nest int, inside bool) ([][]condition, error) {
	ways, err := p.and(nest, inside)
	for err == nil && p.word("OR") {
		var more [][]condition
		more, err = p.and(nest, inside)
		ways = append(ways, more...)
	}
	if len(ways) > maxWays {
		return nil, errPattern
	}
	return ways, err
}

func (p *patternParser) and(nest int, inside bool) ([][]condition, error) {
	ways, err := p.term(nest, inside)
	for err == nil && p.word("AND") {
		var more, both [][]condition
		if more, err = p.term(nest, inside); err != nil {
			break
		}
		if len(ways)*len(more) > maxWays {
			return nil, errPattern
		}
		for _, a := range ways {
			for _, b := range more {
				both = append(both, together(a, b))
			}
		}
		ways = both
	}
	return ways, err
}

// together is two lists of conditions in one. What is more than can be looked for becomes one that cannot, so that a
// pattern takes no more time than its length.
func together(a, b []condition) []condition {
	if len(a)+len(b) > 2*maxMembers {
		return []condition{{}}
	}
	return append(append([]condition{}, a...), b...)
}

func (p *patternParser) term(nest int, inside bool) ([][]condition, error) {
	if nest > maxNest {
		return nil, errPattern
	}
	switch t := p.peek(); {
	case t == "(" || t == "[" && !inside:
		p.next()
		ways, err := p.or(nest+1, inside || t == "[")
		if closing := map[string]string{"(": ")", "[": "]"}[t]; err == nil && p.next() != closing {
			err = errPattern
		}
		return ways, err
	case !inside || t == "":
		return nil, errPattern
	}
	return p.comparison()
}

// comparison reads an equation, or what it cannot look for as one of nothing.
func (p *patternParser) comparison() ([][]condition, error) {
	path := p.next()
	if !strings.Contains(path, ":") {
		return nil, errPattern
	}
	what := subjects[path]
	if p.word("NOT") {
		what = ""
	}
	op := strings.ToUpper(p.next())
	switch op {
	case "=", "IN":
	case "ISSUBSET":
		if what != "address" {
			what = ""
		}
	case "!=", "<", ">", "<=", ">=", "LIKE", "MATCHES", "ISSUPERSET":
		what = ""
	default:
		return nil, errPattern
	}
	if op != "IN" {
		v, ok := literal(p.next())
		if !ok {
			return nil, errPattern
		}
		return [][]condition{{{what, v}}}, nil
	}
	if p.next() != "(" {
		return nil, errPattern
	}
	var ways [][]condition
	for {
		v, ok := literal(p.next())
		if !ok || len(ways) > maxWays {
			return nil, errPattern
		}
		ways = append(ways, []condition{{what, v}})
		switch p.next() {
		case ",":
		case ")":
			return ways, nil
		default:
			return nil, errPattern
		}
	}
}

// literal is the value of a string, a number, or another constant.
func literal(t string) (string, bool) {
	if t == "" || strings.Contains("[](),=<>!", t) {
		return "", false
	}
	if t[0] != '\'' {
		return t, true
	}
	if len(t) < 2 || t[len(t)-1] != '\'' {
		return "", false
	}
	var b strings.Builder
	for i := 1; i < len(t)-1; i++ {
		if t[i] == '\\' && i+1 < len(t)-1 {
			i++
		}
		b.WriteByte(t[i])
	}
	return b.String(), true
}
