package device

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestPrintable(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"camera-1", 100, "camera-1"},
		{"", 100, ""},
		{"Caméra du salon, 客厅", 100, "Caméra du salon, 客厅"},
		{"a\x00b\nc\x7f", 100, `a\x00b\x0ac\x7f`},
		{"\x1b[31mred", 100, `\x1b[31mred`},
		{`C:\x41`, 100, `C:\\x41`},
		{"\xff\xfe", 100, `\xff\xfe`},
		{"left\u202eright", 100, `left\xe2\x80\xaeright`}, // turns the text round
		{"zero\u200bwidth", 100, `zero\xe2\x80\x8bwidth`},
		{"one\u00a0word", 100, `one\xc2\xa0word`},
		{"\ufffd", 100, "\ufffd"},
		{"abcdef", 6, "abcdef"},
		{"abcdef", 5, "abcde…"},
		{"abcdef", 0, "…"},
		{"ééé", 5, "éé…"}, // not half a character
		{"é客é", 4, "é…"},
		{"客客", 3, "客…"},
		{"\x80\x80\x80\x80\x80\x80\x80\x80", 6, `\x80\x80…`},
	} {
		if got := Printable([]byte(c.in), c.limit); got != c.want {
			t.Errorf("%q, at most %d octets: %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add([]byte("camera-1"), 5)
	f.Add([]byte("Caméra \x00\xff\u202e客厅\\"), 9)
	f.Add([]byte(strings.Repeat("é", 300)), 255)
	f.Fuzz(func(t *testing.T, b []byte, limit int) {
		if limit < 0 || limit > 4096 {
			limit = 256
		}
		s := Printable(b, limit)
		if !utf8.ValidString(s) {
			t.Fatalf("%q is not UTF-8", s)
		}
		for _, r := range s {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q: %U can't be printed", s, r)
			}
		}
		if len(s) > 4*min(len(b), limit)+len("…") {
			t.Fatalf("%d octets of %d", len(s), len(b))
		}
		if len(b) <= limit && utf8.Valid(b) && strings.ContainsFunc(string(b), func(r rune) bool { return !unicode.IsPrint(r) || r == '\\' }) == (s == string(b)) {
			t.Fatalf("%q became %q", b, s)
		}
	})
}
