// Package dissecttest shows messages to dissectors as the engine does, and holds every dissector to the
// contract of package dissect while it does so.
package dissecttest

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/frame"
)

// The link-layer addresses of the two sides of a message whose addresses the test left zero.
var (
	Sender   = frame.MAC{0x02, 0, 0, 0, 0, 0x0a}
	Receiver = frame.MAC{0x02, 0, 0, 0, 0, 0x0b}
)

// Hex is the octets that s spells in hexadecimal; white space is for the reader.
func Hex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Call shows one message to fn, fails the test if fn breaks the contract, and returns the facts as lines
// "name value key=value …", ending with "@" and the subject when that is not the sender.
func Call(t testing.TB, fn dissect.Func, m *dissect.Message) (lines []string, n int, s dissect.State) {
	t.Helper()
	if m.SrcMAC.IsZero() && m.DstMAC.IsZero() {
		m.SrcMAC, m.DstMAC = Sender, Receiver
	}
	data := bytes.Clone(m.Data)
	m.Scratch = bytes.Clone(m.Scratch) // what a fuzzer made can share memory with the message
	var out dissect.Facts
	out.Begin(m.SrcMAC, m.Time, 1)
	n, s = fn(m, &out)
	switch {
	case !bytes.Equal(data, m.Data):
		t.Fatalf("message changed from %x to %x", data, m.Data)
	case n < 0 || n > len(data):
		t.Fatalf("consumed %d octets of %d", n, len(data))
	case s > dissect.Done:
		t.Fatalf("state %d", s)
	case n == 0 && out.Len() > 0 && (s == dissect.No || s == dissect.More):
		t.Fatalf("state %d with %d facts", s, out.Len())
	case s == dissect.More && !m.Stream && len(m.Scratch) == 0:
		t.Fatal("a datagram left incomplete with nothing remembered")
	case s == dissect.More && m.Final:
		t.Fatal("waiting for more after the end")
	case s == dissect.Next && m.Stream && n == 0:
		t.Fatal("next with nothing consumed")
	case len(m.Scratch) > dissect.MaxScratch:
		t.Fatalf("%d octets of scratch", len(m.Scratch))
	case out.Len() > len(data)+len(m.Scratch)+1:
		t.Fatalf("%d facts from %d octets", out.Len(), len(data))
	}
	return render(&out, m.SrcMAC), n, s
}

func render(f *dissect.Facts, sender frame.MAC) []string {
	var lines []string
	for i := range f.Len() {
		var b strings.Builder
		b.WriteString(f.At(i).Name)
		b.WriteByte(' ')
		b.Write(f.Value(i))
		f.Fields(i, func(key string, value []byte) {
			b.WriteString(" " + key + "=")
			b.Write(value)
		})
		if s := f.At(i).Subject; s != sender {
			b.WriteString(" @" + s.String())
		}
		lines = append(lines, b.String())
	}
	return lines
}

// Stream shows fn one direction of a TCP flow that arrives in segments, as the engine does: what is
// not consumed is shown again with what follows it, and the last segment is followed by the end.
// It returns the facts, and the last state.
func Stream(t testing.TB, fn dissect.Func, m dissect.Message, segments ...[]byte) ([]string, dissect.State) {
	t.Helper()
	m.Stream = true
	var held []byte
	var all []string
	var last dissect.State
	for i := 0; i <= len(segments); i++ {
		m.Final = i == len(segments)
		if !m.Final {
			held = append(held, segments[i]...)
		}
		for len(held) > 0 {
			m.Data = slices.Clone(held)
			m.Final = m.Final || len(held) >= dissect.MaxStream
			lines, n, s := Call(t, fn, &m)
			all, last = append(all, lines...), s
			held = held[n:]
			if s == dissect.No || s == dissect.Done {
				return all, s
			}
			if s == dissect.More {
				break
			}
		}
	}
	return all, last
}

// SplitAgrees fails the test if what fn says of a stream depends on how it is cut into segments.
func SplitAgrees(t testing.TB, fn dissect.Func, m dissect.Message, data []byte, size int) {
	t.Helper()
	if len(data) >= dissect.MaxStream {
		return // where the bound falls depends on the segments
	}
	whole, s1 := Stream(t, fn, m, data)
	split, s2 := Stream(t, fn, m, Split(data, size)...)
	if !slices.Equal(whole, split) || s1 != s2 {
		t.Errorf("%x: at once (state %d)\n     %s\nby %d octets (state %d)\n     %s",
			data, s1, strings.Join(whole, "\n     "), size, s2, strings.Join(split, "\n     "))
	}
}

// Split cuts data into segments of size octets, the last of which may be shorter.
func Split(data []byte, size int) [][]byte {
	return slices.Collect(slices.Chunk(data, max(size, 1)))
}

// Equal fails the test if the facts got differ from those wanted.
func Equal(t testing.TB, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("facts:\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}
