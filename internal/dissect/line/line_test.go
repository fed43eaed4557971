package line

import (
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
)

func TestCutTakesOneLineAndItsEnd(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
		n              int
	}{
		{"CR LF", "USER a\r\nPASS b\r\n", "USER a", 8},
		{"LF alone", "USER a\nPASS", "USER a", 7},
		{"empty line", "\r\nx", "", 2},
		{"no end yet", "USER a\r", "", 0},
		{"nothing", "", "", 0},
		{"only the last CR belongs to the end", "a\r\r\n", "a\r", 4},
	} {
		text, n := Cut([]byte(tt.in))
		if string(text) != tt.want || n != tt.n {
			t.Errorf("%s: Cut(%q) = %q, %d, want %q, %d", tt.name, tt.in, text, n, tt.want, tt.n)
		}
	}
	if _, n := Cut(append(make([]byte, Max), '\n')); n != 0 {
		t.Errorf("a line longer than Max was cut at %d", n)
	}
}

func TestWord(t *testing.T) {
	word, rest := Word([]byte("  LOGIN   me  you"))
	if string(word) != "LOGIN" || string(rest) != "me  you" {
		t.Errorf("got %q, %q", word, rest)
	}
	if word, rest := Word([]byte("NOOP")); string(word) != "NOOP" || rest != nil {
		t.Errorf("got %q, %q", word, rest)
	}
}

func TestKeywordsAreFoundInAnyCase(t *testing.T) {
	if !Is([]byte("uSeR"), "USER") || Is([]byte("USERS"), "USER") || Is([]byte("USE"), "USER") {
		t.Error("Is is wrong")
	}
	if !Contains([]byte("ready, esMTP here"), "ESMTP") || Contains([]byte("ESMT"), "ESMTP") {
		t.Error("Contains is wrong")
	}
}

func TestMatchWaitsForTheRestOfAKeyword(t *testing.T) {
	for in, want := range map[string]dissect.State{
		"USER me": dissect.Next, "ehlo you": dissect.Next, "E": dissect.More, "EH": dissect.More, "": dissect.More,
		"USERS": dissect.No, "x": dissect.No,
	} {
		if got := Match([]byte(in), "USER ", "EHLO "); got != want {
			t.Errorf("Match(%q) = %d, want %d", in, got, want)
		}
	}
}

func TestEachStopsWhereLinesDo(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		known    bool
		final    bool
		say      dissect.State
		n        int
		s        dissect.State
		said     int
	}{
		{"two lines and a half", "a\nb\nc", false, false, dissect.Next, 4, dissect.Next, 2},
		{"half a line", "abc", false, false, dissect.Next, 0, dissect.More, 0},
		{"half a line at the end", "abc", false, true, dissect.Next, 0, dissect.No, 0},
		{"half a line at the end of what is known", "abc", true, true, dissect.Next, 3, dissect.Done, 0},
		{"foreign", "a\nb\n", false, false, dissect.No, 0, dissect.No, 1},
		{"enough", "a\nb\n", false, false, dissect.Done, 4, dissect.Done, 1},
		{"TLS follows", "a\n\x16\x03\x01\n", false, false, dissect.Next, 2, dissect.Next, 1},
		{"endless line", strings.Repeat("a", Max), true, false, dissect.Next, Max, dissect.Done, 0},
	} {
		said := 0
		n, s := Each(&dissect.Message{Data: []byte(tt.in), Final: tt.final}, tt.known, func([]byte) dissect.State {
			said++
			return tt.say
		})
		if n != tt.n || s != tt.s || said != tt.said {
			t.Errorf("%s: got %d, %d, %d lines, want %d, %d, %d lines", tt.name, n, s, said, tt.n, tt.s, tt.said)
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add([]byte("220 ready\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, n := Cut(b)
		if n < 0 || n > len(b) || len(text) > n || (n > 0 && b[n-1] != '\n') {
			t.Fatalf("Cut(%q) = %q, %d", b, text, n)
		}
		word, rest := Word(text)
		if len(word)+len(rest) > len(text) {
			t.Fatalf("Word(%q) = %q, %q", text, word, rest)
		}
	})
}
