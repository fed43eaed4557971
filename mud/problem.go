package mud

import (
	"fmt"
	"strings"

	"plimsoll.example/plimsoll/internal/locale"
)

// Level is how bad a problem is.
type Level string

// The levels.
const (
	Error   Level = "error"   // the file is not valid, and must not be applied
	Warning Level = "warning" // something will not work, or not as its author thinks
	Note    Level = "note"    // worth knowing
)

// Problem is one thing that is wrong with a file, or worth knowing of it.
type Problem struct {
	Level Level
	Code  string // stable: docs/mud.md lists them
	Path  string // JSON Pointer (RFC 6901) in the file; "" is the whole of it
	RFC   string // where that is said: a number, and a section as in "8520 §3.5"; "" where no RFC says it
	Args  []any  // for the places of the text: pairs of a name and a value
}

// Words are messages in one language. *locale.Catalogue has them, and In gives them to other programs.
type Words interface {
	// Text is the message of that key, its places filled with pairs of a name and a value.
	Text(key string, args ...any) string
}

// In are the words of a language: en or fr. Of another it is the English ones.
func In(lang string) Words { return locale.New(locale.Lang(lang)) }

// Text says the problem to a person.
func (p Problem) Text(w Words) string { return w.Text("mud.problem."+p.Code, p.Args...) }

// InvalidError is why a file is not valid.
type InvalidError struct {
	Problems []Problem // those of level Error: at least one
}

// Error tells the first problems, in English.
func (e *InvalidError) Error() string {
	const shown = 3
	var b strings.Builder
	b.WriteString("MUD file is not valid: ")
	words := In("en")
	for i, p := range e.Problems {
		if i == shown {
			fmt.Fprintf(&b, "; and %d more", len(e.Problems)-shown)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		if p.Path != "" {
			fmt.Fprintf(&b, "%q: ", p.Path)
		}
		b.WriteString(p.Text(words))
		if p.RFC != "" {
			fmt.Fprintf(&b, " (RFC %s)", p.RFC)
		}
	}
	return b.String()
}
