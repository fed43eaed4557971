// Package version compares the versions of firmware and software, and says when that cannot be done.
//
// Makers number as they please: 1.2.3, v1.04B05, 2023.11, 20231104, 1.1.4 Build 20230219. A wrong answer suspends a
// label that is in order or lets one stand that is not, so where two readings of a version disagree, the answer is that
// they cannot be compared.
package version

import (
	"strconv"
	"strings"
	"unicode"
)

// MaxLen bounds a version, octets. What is longer is compared with nothing but itself.
const MaxLen = 128

// Compare orders two versions: -1, 0 or 1. ok is false where it cannot be said.
func Compare(a, b string) (order int, ok bool) {
	a, b = clean(a), clean(b)
	switch {
	case a == "" || b == "" || len(a) > MaxLen || len(b) > MaxLen:
		return 0, a != "" && a == b
	case a == b:
		return 0, true
	}
	x, y := split(a), split(b)
	if !x.starts() || !y.starts() || x.dated() != y.dated() {
		return 0, false
	}
	for i := range max(len(x), len(y)) {
		switch {
		case i >= len(x):
			order, ok = ends(y[i:], x)
			return -order, ok
		case i >= len(y):
			return ends(x[i:], y)
		}
		order, ok = x[i].compare(y[i], i == 0)
		if !ok || order != 0 {
			return order, ok
		}
	}
	return 0, true
}

// clean takes off what says only that a version follows.
func clean(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	for _, prefix := range []string{"firmware", "version", "release", "ver.", "ver", "fw", "v"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok {
			if rest = strings.TrimLeft(rest, " .:"); rest != "" && rest[0] >= '0' && rest[0] <= '9' {
				s = rest
			}
		}
	}
	return s
}

// part is a run of digits or of letters, with what stands before it.
type part struct {
	before string // what separates it from the part before it: "" where digits meet letters
	digits string // without leading zeros, "0" at least; "" for letters
	zeros  int    // how many were there
	word   string
}

type parts []part

func split(s string) (list parts) {
	for len(s) > 0 {
		var p part
		i := strings.IndexFunc(s, func(r rune) bool { return unicode.IsDigit(r) || unicode.IsLetter(r) })
		if i < 0 {
			return append(list, part{before: s, word: "?"})
		}
		p.before, s = s[:i], s[i:]
		if s[0] >= '0' && s[0] <= '9' {
			n := len(s) - len(strings.TrimLeft(s, "0123456789"))
			p.digits = strings.TrimLeft(s[:n], "0")
			p.zeros = n - len(p.digits)
			if p.digits == "" {
				p.digits, p.zeros = "0", n-1
			}
			s = s[n:]
		} else {
			n := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
			if n < 0 {
				n = len(s)
			}
			if n == 0 { // a digit of another script
				return append(list, part{word: "?"})
			}
			p.word, s = s[:n], s[n:]
		}
		list = append(list, p)
	}
	return list
}

// starts reports whether it begins as a version does: with a number.
func (l parts) starts() bool { return len(l) > 0 && l[0].digits != "" }

// dated reports whether a version begins with a date or a year: those are not on one scale with 1, 2, 3.
func (l parts) dated() string {
	d := l[0].digits
	year, _ := strconv.Atoi(d[:min(4, len(d))])
	switch {
	case l[0].zeros > 0 || year < 1990 || year > 2100:
		return ""
	case len(d) == 4:
		return "year"
	case len(d) == 8 && d[4:6] >= "01" && d[4:6] <= "12" && d[6:] >= "01" && d[6:] <= "31":
		return "date"
	}
	return ""
}

// compare orders two parts of the same place.
func (p part) compare(q part, first bool) (int, bool) {
	switch {
	case sort(p.before) != sort(q.before):
		return 0, false
	case p.digits != "" && q.digits != "":
		order := number(p.digits, q.digits)
		if first || p.zeros == 0 && q.zeros == 0 {
			return order, true
		}
		// 1.04 comes before 1.10 however one reads it; before 1.1 it does only for who reads decimals.
		decimal := strings.Compare(fraction(p), fraction(q))
		return order, order == decimal
	case p.digits != "" || q.digits != "":
		return 0, false
	case p.word == q.word:
		return 0, p.word != "?"
	case early[p.word] > 0 && early[q.word] > 0:
		return sign(early[p.word] - early[q.word]), early[p.word] != early[q.word]
	case letter(p) && letter(q):
		return strings.Compare(p.word, q.word), true
	}
	return 0, false
}

// fraction is the digits read as those after a decimal point.
func fraction(p part) string {
	return strings.TrimRight(strings.Repeat("0", p.zeros)+p.digits, "0")
}

// sort is the kind of a separator: makers mix those within a kind.
func sort(before string) string {
	switch strings.TrimSpace(before) {
	case "", ".":
		return strings.TrimSpace(before)
	case "-", "_":
		return "-"
	case "+":
		return "+"
	}
	return strings.TrimSpace(before)
}

func letter(p part) bool {
	return len(p.word) == 1 && p.before == "" && p.word[0] >= 'a' && p.word[0] <= 'z'
}

// number orders runs of digits without leading zeros, of any length.
func number(a, b string) int {
	if len(a) != len(b) {
		if len(a) < len(b) {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

// early are the words for what came before a version, in their order; late those for what came after it.
var (
	early = map[string]int{"dev": 1, "alpha": 2, "beta": 3, "pre": 4, "preview": 4, "rc": 5}
	late  = map[string]bool{"build": true, "rev": true, "patch": true, "hotfix": true, "update": true, "sp": true, "post": true, "p": true, "u": true}
)

// ends says what more there is in a version than in another that it begins like: the order of the longer one.
func ends(more, rest parts) (order int, ok bool) {
	for _, p := range more {
		switch {
		case p.digits == "0" && sort(p.before) == ".": // 1.2 is 1.2.0
			continue
		case p.digits != "" && p.before == ".":
			return 1, true
		case early[p.word] > 0:
			return -1, true
		case late[p.word]:
			return 1, true
		case letter(p) && p.word > "b" && rest[len(rest)-1].digits != "": // a and b may be alpha and beta
			return 1, true
		}
		return 0, false
	}
	return 0, true
}
