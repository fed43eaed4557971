package version

import (
	"net/url"
	"regexp"
	"strings"
)

var (
	operator = regexp.MustCompile(`<=|>=|=<|=>|≤|≥|<|>|==|=`)
	oneWord  = regexp.MustCompile(`^[0-9a-z][0-9a-z._+~:-]*(?: (?:build|rev|patch|hotfix|update|beta|rc|sp)[ .-]?[0-9][0-9a-z._-]*)?$`)
	earlier  = regexp.MustCompile(`^(\S+)(?: and|,| or)? (?:earlier|prior|below|previous|older|lower|before)(?: versions?)?$`)
	later    = regexp.MustCompile(`^(\S+)(?: and|,| or)? (?:later|above|newer|higher|after|up)(?: versions?)?$`)
	between  = regexp.MustCompile(`^(?:from |between )?(\S+) (?:through|thru|to|until|and|-|–) (\S+)$`)
	upTo     = regexp.MustCompile(`^(?:versions? )?(?:up to(?: and including)?|through|until|≤) (\S+)$`)
	priorTo  = regexp.MustCompile(`^(?:all )?(?:versions? )?(?:before|prior to|below|earlier than|older than) (\S+)$`)
	all      = regexp.MustCompile(`^(?:\*|all|any|all versions|any version)$`)
)

// ParseSpan reads the ways in which records write a run of versions into one text: “< 1.2”, “>= 1.0, < 1.2”, “1.0 ≤1.5”,
// “1.2 and earlier”, “1.0 through 1.5”, a version alone. ok is false for all others.
func ParseSpan(s string) (span Span, ok bool) {
	s = strings.ToLower(strings.Join(strings.Fields(s), " "))
	if len(s) > 2*MaxLen || s == "" || s == "-" || s == "n/a" || s == "unspecified" || s == "unknown" {
		return span, false
	}
	if all.MatchString(s) {
		return span, true
	}
	for _, w := range []struct {
		re   *regexp.Regexp
		span func(m []string) Span
	}{
		{upTo, func(m []string) Span { return Span{Last: m[1]} }},
		{priorTo, func(m []string) Span { return Span{Before: m[1]} }},
		{earlier, func(m []string) Span { return Span{Last: m[1]} }},
		{later, func(m []string) Span { return Span{From: m[1]} }},
		{between, func(m []string) Span { return Span{From: m[1], Last: m[2]} }},
	} {
		if m := w.re.FindStringSubmatch(s); m != nil && !operator.MatchString(s) {
			span = w.span(m)
			return span, span.plain()
		}
	}
	if !operator.MatchString(s) {
		return One(s), oneWord.MatchString(s)
	}
	return operators(s)
}

// operators reads versions with comparisons before them; the first may stand without: that is the start.
func operators(s string) (span Span, ok bool) {
	at := operator.FindAllStringIndex(s, -1)
	first := strings.Trim(s[:at[0][0]], " ,;")
	if first != "" {
		span.From = first
	}
	for i, a := range at {
		end := len(s)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		v := strings.Trim(s[a[1]:end], " ,;&")
		v = strings.TrimSuffix(v, " and")
		var place *string
		switch s[a[0]:a[1]] {
		case "<":
			place = &span.Before
		case "<=", "=<", "≤":
			place = &span.Last
		case ">":
			place = &span.After
		case ">=", "=>", "≥":
			place = &span.From
		default:
			if len(at) > 1 || first != "" {
				return span, false
			}
			span = One(v)
			return span, span.plain()
		}
		if *place != "" || v == "" {
			return span, false
		}
		*place = v
	}
	return span, span.plain() && (span.From == "" || span.After == "") && (span.Before == "" || span.Last == "")
}

// plain reports whether the ends of a span are versions, as far as one can tell.
func (s Span) plain() bool {
	for _, v := range []string{s.From, s.After, s.Before, s.Last} {
		if v != "" && !oneWord.MatchString(v) {
			return false
		}
	}
	return true
}

// ParseVERS reads a range in the form vers:SCHEME/>=1.0|<1.2 (ECMA-427 VERS), whose constraints stand in order. ok is
// false for what is none, or excludes single versions.
func ParseVERS(s string) (spans []Span, ok bool) {
	rest, ok := strings.CutPrefix(s, "vers:")
	if !ok || len(s) > 4096 {
		return nil, false
	}
	_, rest, ok = strings.Cut(rest, "/")
	if !ok {
		return nil, false
	}
	var open *Span
	for c := range strings.SplitSeq(rest, "|") {
		c, err := url.PathUnescape(strings.TrimSpace(c))
		if err != nil || c == "" || strings.HasPrefix(c, "!=") {
			return nil, false
		}
		v := strings.TrimSpace(strings.TrimLeft(c, "<>="))
		switch op := strings.TrimSpace(strings.TrimSuffix(c, v)); {
		case c == "*":
			return []Span{{}}, true
		case v == "":
			return nil, false
		case op == ">" || op == ">=":
			if open != nil {
				return nil, false
			}
			open = &Span{From: v}
			if op == ">" {
				open = &Span{After: v}
			}
		case op == "<" || op == "<=":
			if open == nil {
				open = &Span{}
			}
			if op == "<" {
				open.Before = v
			} else {
				open.Last = v
			}
			spans, open = append(spans, *open), nil
		default:
			if open != nil {
				return nil, false
			}
			spans = append(spans, One(v))
		}
	}
	if open != nil {
		spans = append(spans, *open)
	}
	return spans, len(spans) > 0
}
