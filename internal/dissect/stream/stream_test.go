package stream

import (
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
)

// byLength reads units that begin with their length; 0 is foreign, and 'D' ends the interest.
func byLength(b []byte) (int, dissect.State) {
	switch n := int(b[0]); {
	case n == 0:
		return 0, dissect.No
	case n == 'D':
		return 0, dissect.Done
	case n > len(b):
		return 0, dissect.More
	default:
		return n, dissect.Next
	}
}

func TestEach(t *testing.T) {
	for _, tt := range []struct {
		name, in     string
		known, final bool
		n            int
		s            dissect.State
	}{
		{"whole units", "\x01\x02x\x01", false, false, 4, dissect.Next},
		{"a unit and a part", "\x01\x04x", false, false, 1, dissect.Next},
		{"a part", "\x04x", false, false, 0, dissect.More},
		{"a part at the end", "\x04x", false, true, 0, dissect.No},
		{"a part at the end of what is known", "\x04x", true, true, 2, dissect.Done},
		{"a unit and a part at the end", "\x01\x04x", false, true, 3, dissect.Done},
		{"foreign", "\x00\x01", false, false, 0, dissect.No},
		{"foreign after what is known", "\x00\x01", true, false, 2, dissect.Done},
		{"foreign after a unit", "\x01\x00", false, false, 2, dissect.Done},
		{"done", "\x01Dx", false, false, 3, dissect.Done},
		{"done at once", "Dx", false, false, 2, dissect.Done},
	} {
		n, s := Each(&dissect.Message{Data: []byte(tt.in), Final: tt.final}, tt.known, byLength)
		if n != tt.n || s != tt.s {
			t.Errorf("%s: got %d, %d, want %d, %d", tt.name, n, s, tt.n, tt.s)
		}
	}
}

func FuzzEach(f *testing.F) {
	f.Add([]byte("\x01\x02x\x01"), true, false)
	f.Fuzz(func(t *testing.T, b []byte, known, final bool) {
		n, s := Each(&dissect.Message{Data: b, Final: final}, known, byLength)
		if n < 0 || n > len(b) || s == dissect.More && (final || n > 0) || s == dissect.Next && n == 0 && len(b) > 0 {
			t.Fatalf("%x: %d, %d", b, n, s)
		}
	})
}
