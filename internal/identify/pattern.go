package identify

import "errors"

// A pattern says what a whole value looks like. Letters match in either case.
//
//	*      any text, also none, as little as will do
//	?      any one octet
//	#      one decimal digit
//	%      one hexadecimal digit
//	( )    what is between is captured; at most one pair
//	\x     x itself
//
// Matching takes time in proportion to the product of the lengths of pattern and value, at most.

// match reports whether the whole of v looks like p, and which part of v was captured: v[from:to].
func match(p, v string) (from, to int, ok bool) {
	pi, vi := 0, 0
	star, mark := -1, 0 // the last star passed, and how far into v it reaches
	var starFrom int    // the capture as it was at that star
	for {
		if pi < len(p) {
			switch c := p[pi]; c {
			case '*':
				star, mark, starFrom = pi, vi, from
				pi++
				if pi == len(p) {
					return from, to, true
				}
				continue
			case '(':
				from = vi
				pi++
				continue
			case ')':
				to = vi
				pi++
				continue
			case '\\':
				if vi < len(v) && lower(v[vi]) == lower(p[pi+1]) {
					pi, vi = pi+2, vi+1
					continue
				}
			default:
				if vi < len(v) && one(c, v[vi]) {
					pi, vi = pi+1, vi+1
					continue
				}
			}
		} else if vi == len(v) {
			return from, to, true
		}
		if star < 0 || mark == len(v) {
			return 0, 0, false
		}
		mark++ // let the star take one octet more
		pi, vi, from = star+1, mark, starFrom
	}
}

func one(p, v byte) bool {
	switch p {
	case '?':
		return true
	case '#':
		return '0' <= v && v <= '9'
	case '%':
		v = lower(v)
		return '0' <= v && v <= '9' || 'a' <= v && v <= 'f'
	}
	return lower(p) == lower(v)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

var (
	errEscape  = errors.New("pattern ends in a backslash")
	errCapture = errors.New("pattern has parentheses that are not one pair")
	errEmpty   = errors.New("pattern is empty")
)

// checkPattern reports what is wrong with p; match relies on it being nil.
func checkPattern(p string) error {
	if p == "" {
		return errEmpty
	}
	opened, closed := 0, 0
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '\\':
			if i++; i == len(p) {
				return errEscape
			}
		case '(':
			opened++
		case ')':
			if closed++; closed > opened {
				return errCapture
			}
		}
	}
	if opened > 1 || opened != closed {
		return errCapture
	}
	return nil
}

// hasCapture reports whether the valid pattern p captures.
func hasCapture(p string) bool {
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '\\':
			i++
		case '(':
			return true
		}
	}
	return false
}

// grams calls yield with each three octets, in lower case, that every value like p has.
func grams(p string, yield func(gram uint32)) {
	var gram uint32
	run := 0
	for i := 0; i < len(p); i++ {
		c := p[i]
		switch c {
		case '(', ')':
			continue // of no width
		case '*', '?', '#', '%':
			run = 0
			continue
		case '\\':
			i++
			c = p[i]
		}
		gram = (gram<<8 | uint32(lower(c))) & 0xffffff
		if run++; run >= 3 {
			yield(gram)
		}
	}
}
