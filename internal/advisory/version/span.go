package version

// Span is a run of versions: from From on, "" or "0" being the first of all, or from what follows After; up to but not with
// Before, or up to and with Last; with neither, to the end of all.
type Span struct {
	From   string `json:"from,omitempty"`
	After  string `json:"after,omitempty"`
	Before string `json:"before,omitempty"`
	Last   string `json:"last,omitempty"`
}

// One is the span of a single version.
func One(v string) Span { return Span{From: v, Last: v} }

// Answer is whether a version or a range lies in spans. The zero value is that it cannot be said.
type Answer uint8

// The answers.
const (
	CannotSay Answer = iota
	Outside
	Partly // some versions of a range do, others do not
	Inside
)

var answers = [...]string{"cannot-say", "outside", "partly", "inside"}

// String is the word in JSON.
func (a Answer) String() string { return answers[a%4] }

// MarshalText writes the word.
func (a Answer) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Range is versions from From to To, both included; "" leaves an end open.
type Range struct{ From, To string }

// point is a version, what follows one, or an end of all versions.
type point struct {
	v     string
	after int // 1: what follows it
	end   int // -1 the first of all, 1 the last of all
}

// maxCompared bounds how often a version is held against a span: of what is beyond it nothing can be said.
const maxCompared = 1 << 18

// In says whether the versions of a range lie in one of the spans, by an order. One certain yes counts more than what
// cannot be said of other spans.
//
// Spans include their start, so a span and the range overlap if and only if the later of their starts is in both:
// those are the points that are looked at, and the range's end.
func (r Range) In(spans []Span, order Order) Answer {
	from, to := point{end: -1}, point{end: 1}
	if r.From != "" {
		from = point{v: r.From}
	}
	if r.To != "" {
		to = point{v: r.To}
	}
	points := []point{from, to}
	doubt := false
	for _, s := range spans {
		p := s.start()
		low, ok1 := compare(p, from, order)
		high, ok2 := compare(p, to, order)
		switch {
		case ok1 && low <= 0, ok2 && high > 0: // at or before the range’s start, or beyond its end
		case ok1 && ok2:
			points = append(points, p)
		default:
			doubt = true
		}
		// What follows a span is outside, if no other span holds it.
		if p, ends := s.next(); ends {
			low, ok1 := compare(p, from, order)
			high, ok2 := compare(p, to, order)
			if ok1 && ok2 && low > 0 && high <= 0 {
				points = append(points, p)
			}
		}
	}
	inside, outside := false, false
	for i, p := range points {
		if (i+1)*len(spans) > maxCompared {
			doubt = true
			break
		}
		switch p.in(spans, order) {
		case Inside:
			inside = true
		case Outside:
			outside = true
		default:
			doubt = true
		}
		if inside && (outside || doubt) {
			return Partly
		}
	}
	switch {
	case inside && doubt:
		return Partly
	case inside:
		return Inside
	case doubt:
		return CannotSay
	}
	return Outside
}

func (s Span) start() point {
	if s.After != "" {
		return point{v: s.After, after: 1}
	}
	if s.From == "" || s.From == "0" {
		return point{end: -1}
	}
	return point{v: s.From}
}

// next is the first point that is not in a span any more.
func (s Span) next() (p point, ends bool) {
	if s.Before != "" {
		return point{v: s.Before}, true
	}
	return point{v: s.Last, after: 1}, s.Last != ""
}

// in says whether a version is in one of the spans.
func (p point) in(spans []Span, order Order) Answer {
	doubt := false
	for _, s := range spans {
		low, ok := compare(s.start(), p, order)
		if ok && low > 0 {
			continue
		}
		sure := ok
		switch {
		case s.Before != "":
			o, ok := compare(p, point{v: s.Before}, order)
			if ok && o >= 0 {
				continue
			}
			sure = sure && ok
		case s.Last != "":
			o, ok := compare(p, point{v: s.Last}, order)
			if ok && o > 0 {
				continue
			}
			sure = sure && ok
		}
		if sure {
			return Inside
		}
		doubt = true
	}
	if doubt {
		return CannotSay
	}
	return Outside
}

func compare(a, b point, order Order) (int, bool) {
	if a.end != 0 || b.end != 0 {
		return sign(a.end - b.end), true
	}
	o, ok := order(a.v, b.v)
	if o == 0 {
		o = sign(a.after - b.after)
	}
	return o, ok
}
