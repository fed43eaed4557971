// Package pjl reads what printers answer in the Printer Job Language (HP, "Printer Job Language Technical
// Reference Manual"), mostly on port 9100: what they are. Jobs are passed over.
package pjl

import (
	"bytes"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/line"
)

const exit = "\x1b%-12345X" // Universal Exit Language, which goes before a job and may go before an answer

// Message.Scratch of a printer is not empty while its answer to INFO ID is to come.

// Dissect reads the answers of a printer, and recognises who sends jobs.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	known := len(m.Scratch) > 0
	if !m.Stream || len(m.Data) == 0 || !known && m.Data[0] != exit[0] && m.Data[0] != '@' {
		return 0, dissect.No
	}
	if !known {
		s := line.Match(m.Data, exit, "@PJL")
		if s == dissect.No || s == dissect.More && m.Final {
			return 0, dissect.No
		}
		if s == dissect.Next && m.FromInitiator {
			return len(m.Data), dissect.Done
		}
	}
	return line.Each(m, known, func(l []byte) dissect.State {
		l = bytes.Trim(bytes.TrimPrefix(l, []byte(exit)), " \f")
		switch {
		case !line.Text(l):
			return dissect.No
		case line.Has(l, "@PJL INFO ID"):
			m.Scratch = append(m.Scratch[:0], 'i')
		case line.Has(l, "@PJL"):
			m.Scratch = append(m.Scratch[:0], '@')
		case len(m.Scratch) == 0:
			return dissect.No
		case m.Scratch[0] == 'i' && len(l) > 0:
			out.Add("pjl.id", bytes.Trim(l, `"`))
			return dissect.Done
		}
		return dissect.Next
	})
}
