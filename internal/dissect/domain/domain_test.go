package domain

import (
	"bytes"
	"testing"
)

func TestAppend(t *testing.T) {
	for _, test := range []struct {
		name, wire, text, rest string
		ok                     bool
	}{
		{"name", "\x04lamp\x07example\x00", "lamp.example", "", true},
		{"two names", "\x01a\x00\x01b\x00", "a", "\x01b\x00", true},
		{"partial", "\x04lamp", "lamp", "", true},
		{"root", "\x00", "", "", true},
		{"nothing", "", "", "", false},
		{"cut", "\x05lamp", "", "", false},
		{"pointer", "\xc0\x0c", "", "", false},
	} {
		text, rest, ok := Append(nil, []byte(test.wire))
		if ok != test.ok || ok && (string(text) != test.text || string(rest) != test.rest) {
			t.Errorf("%s: got %q, %q, %v", test.name, text, rest, ok)
		}
	}
}

func TestTooLong(t *testing.T) {
	label := append([]byte{63}, bytes.Repeat([]byte("x"), 63)...)
	if _, _, ok := Append(nil, append(bytes.Repeat(label, 4), 0)); ok {
		t.Error("a name of 257 octets was accepted")
	}
}

func FuzzAppend(f *testing.F) {
	f.Add([]byte("\x04lamp\x07example\x00\x01b"))
	f.Add([]byte("\x3f\x00"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		text, rest, ok := Append(nil, wire)
		if len(text) >= maxWire || !bytes.HasSuffix(wire, rest) || ok && len(wire) > 0 && len(rest) == len(wire) {
			t.Errorf("%q: got %q, %q, %v", wire, text, rest, ok)
		}
	})
}
