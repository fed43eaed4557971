package locale

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
	"time"
)

//go:generate go run ./gen

//go:embed en.gz
var english []byte

//go:embed fr.gz
var french []byte

// Catalogue speaks one language. It is read-only: any number of goroutines may use it.
type Catalogue struct {
	lang     Lang
	messages map[string]message
}

// message is one text; one is empty where the number of things does not matter.
type message struct{ one, other string }

func (m *message) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, &m.other)
	}
	var forms struct{ One, Other string }
	err := json.Unmarshal(b, &forms)
	m.one, m.other = forms.One, forms.Other
	return err
}

// New is the catalogue of a language; of one that Plimsoll does not speak, the English one. Its messages are read once.
func New(l Lang) *Catalogue {
	if l == French {
		return inFrench()
	}
	return inEnglish()
}

var (
	inEnglish = sync.OnceValue(func() *Catalogue { return unpack(English, english) })
	inFrench  = sync.OnceValue(func() *Catalogue { return unpack(French, french) })
)

// unpack reads what ./gen made of a file of messages: of each its key, its text for one and its text, all ended by NUL.
func unpack(l Lang, data []byte) *Catalogue {
	var b strings.Builder
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err == nil {
		_, err = io.Copy(&b, r)
	}
	if err != nil {
		panic(fmt.Sprintf("locale: %s.gz: %v", l, err)) // it is part of the program
	}
	rest := b.String()
	next := func() (text string) {
		text, rest, _ = strings.Cut(rest, "\x00")
		return text
	}
	c := &Catalogue{lang: l, messages: make(map[string]message, strings.Count(rest, "\x00")/3)}
	for rest != "" {
		key, one, other := next(), next(), next()
		c.messages[key] = message{one, other}
	}
	return c
}

// With is a catalogue of the same language that has the messages of c and those of data, which is of the same form
// as en.json. Where both have a key, that of data counts. c stays as it is.
func (c *Catalogue) With(data []byte) (*Catalogue, error) {
	more := &Catalogue{lang: c.lang, messages: maps.Clone(c.messages)}
	if err := json.Unmarshal(data, &more.messages); err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return more, nil
}

// Lang is the language that c speaks.
func (c *Catalogue) Lang() Lang { return c.lang }

// Text is the message of that key, its places filled with the arguments: pairs of a name and a value.
//
//	c.Text("inspect.seen", "name", d.Name, "n", d.Packets, "size", locale.Octets(d.Bytes))
//
// A value is written by its type: text as it is, integers with their thousands apart, and time.Time,
// time.Duration, []string, Octets and Fraction as the methods of c do. A number that names something
// (a port, a year) is not a count: pass it as text. A key that is missing is its own message, and a place
// without a value stays as it is, so that a mistake is seen and harms nothing.
func (c *Catalogue) Text(key string, args ...any) string {
	m, ok := c.messages[key]
	if !ok {
		return key
	}
	text := m.other
	if m.one != "" && c.isOne(value(args, "n")) {
		text = m.one
	}
	return c.fill(text, args)
}

// fill puts values into the places of text. Values are not looked at again: they may come from the wire.
func (c *Catalogue) fill(text string, args []any) string {
	if strings.IndexByte(text, '{') < 0 {
		return text
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, ok := strings.Cut(rest, "}")
		v := value(args, name)
		if !ok || v == nil {
			b.WriteByte('{')
			text = rest
			continue
		}
		b.WriteString(c.format(v))
		text = after
	}
}

// value is the value of the argument called name, or nil.
func value(args []any, name string) any {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == name {
			return args[i+1]
		}
	}
	return nil
}

// isOne reports whether the language speaks of n things in the form for one.
func (c *Catalogue) isOne(n any) bool {
	i, ok := integer(n)
	return ok && (i == 1 || i == 0 && c.lang == French)
}

func (c *Catalogue) format(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []string:
		return c.List(v)
	case Octets:
		return c.Size(v)
	case Fraction:
		return c.Percent(v)
	case time.Duration:
		return c.Duration(v)
	case time.Time:
		return c.Time(v)
	case float64:
		return c.Decimal(v, 2)
	case uint64:
		return c.group(fmt.Sprint(v)) // may be larger than an int64
	}
	if n, ok := integer(v); ok {
		return c.Number(n)
	}
	return fmt.Sprint(v)
}

func integer(v any) (n int64, ok bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case uint64:
		return int64(min(v, 1<<62)), true
	case int32:
		return int64(v), true
	case uint32:
		return int64(v), true
	case uint16:
		return int64(v), true
	}
	return 0, false
}
