package mud

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What a file may be. The largest one known has 95 KB, 201 entries, and is nested 12 deep.
const (
	MaxBytes    = 1 << 20 // of the file
	MaxDepth    = 32      // objects and arrays within each other
	MaxNodes    = 100_000 // values of any kind
	MaxEntries  = 4096    // of a list; entries in all access lists together
	MaxProblems = 1000    // that are told: what follows is counted
	maxString   = 4096    // octets of one text or name
	maxBinary   = 64 << 10
)

type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	array
	object
)

var kinds = [...]string{"null", "boolean", "number", "text", "array", "object"}

// node is one JSON value. Members keep their order.
type node struct {
	kind    kind
	text    string // of a text; of a number, as it is written; "true" or "false"
	names   []string
	members []*node // of an object, with their names; of an array
}

// get is the member of that name, or nil.
func (n *node) get(name string) *node {
	for i, s := range n.names {
		if s == name {
			return n.members[i]
		}
	}
	return nil
}

// set adds a member, or nothing where v is nil.
func (n *node) set(name string, v *node) {
	if v != nil {
		n.names = append(n.names, name)
		n.members = append(n.members, v)
	}
}

// write appends n as JSON. With an indent it is for people, without it has no spaces.
func (n *node) write(b *bytes.Buffer, indent, prefix string) {
	open, end := byte('['), byte(']')
	switch n.kind {
	case null:
		b.WriteString("null")
		return
	case boolean, number:
		b.WriteString(n.text)
		return
	case text:
		writeText(b, n.text)
		return
	case object:
		open, end = '{', '}'
	}
	b.WriteByte(open)
	inner := prefix + indent
	// [null] is how YANG writes a leaf without a value: it stays on its line.
	lines := indent != "" && len(n.members) > 0 && (n.kind != array || len(n.members) != 1 || n.members[0].kind != null)
	for i, m := range n.members {
		if i > 0 {
			b.WriteByte(',')
		}
		if lines {
			b.WriteByte('\n')
			b.WriteString(inner)
		}
		if n.kind == object {
			writeText(b, n.names[i])
			b.WriteByte(':')
			if indent != "" {
				b.WriteByte(' ')
			}
		}
		m.write(b, indent, inner)
	}
	if lines {
		b.WriteByte('\n')
		b.WriteString(prefix)
	}
	b.WriteByte(end)
}

// writeText writes a JSON string, with no more escapes than JSON needs.
func writeText(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // text cannot fail
	b.Truncate(b.Len() - 1)
}

// fault is why text is not JSON that this package reads.
type fault struct {
	code string
	path string
	args []any
}

func (f *fault) Error() string { return f.code }

// tree is a JSON text as nodes, within the limits.
func tree(data []byte) (*node, error) {
	if len(data) > MaxBytes {
		return nil, &fault{code: "file.size", args: []any{"limit", int64(MaxBytes)}}
	}
	if !utf8.Valid(data) {
		return nil, &fault{code: "file.utf8"}
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	t := &treeReader{decoder: d}
	n, err := t.value(0)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = &fault{code: "json.more", args: []any{"offset", d.InputOffset()}}
		}
	}
	if err == nil && !json.Valid(data) { // tokens are read a little more freely than the grammar is
		err = &fault{code: "json.syntax", args: []any{"offset", int64(len(data))}}
	}
	if err == nil {
		return n, nil
	}
	var f *fault
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &f):
		return nil, f
	case errors.As(err, &syntax):
		return nil, &fault{code: "json.syntax", path: t.pointer(), args: []any{"offset", syntax.Offset}}
	}
	return nil, &fault{code: "json.syntax", path: t.pointer(), args: []any{"offset", int64(len(data))}}
}

type treeReader struct {
	decoder *json.Decoder
	nodes   int
	path    []string
}

func (t *treeReader) pointer() string {
	var b strings.Builder
	for _, s := range t.path {
		b.WriteByte('/')
		b.WriteString(escape(s))
	}
	return b.String()
}

func (t *treeReader) value(depth int) (*node, error) {
	token, err := t.decoder.Token()
	if err != nil {
		return nil, err
	}
	if t.nodes++; t.nodes > MaxNodes {
		return nil, &fault{code: "file.nodes", path: t.pointer(), args: []any{"limit", int64(MaxNodes)}}
	}
	switch v := token.(type) {
	case json.Delim:
		if depth == MaxDepth {
			return nil, &fault{code: "file.depth", path: t.pointer(), args: []any{"limit", int64(MaxDepth)}}
		}
		if v == '[' {
			return t.array(depth)
		}
		return t.object(depth)
	case string:
		return &node{kind: text, text: v}, nil
	case json.Number:
		return &node{kind: number, text: v.String()}, nil
	case bool:
		return &node{kind: boolean, text: strconv.FormatBool(v)}, nil
	}
	return &node{kind: null}, nil
}

func (t *treeReader) array(depth int) (*node, error) {
	n := &node{kind: array}
	for t.decoder.More() {
		t.path = append(t.path, strconv.Itoa(len(n.members)))
		m, err := t.value(depth + 1)
		if err != nil {
			return nil, err
		}
		t.path = t.path[:len(t.path)-1]
		n.members = append(n.members, m)
	}
	_, err := t.decoder.Token()
	return n, err
}

func (t *treeReader) object(depth int) (*node, error) {
	n := &node{kind: object}
	seen := map[string]bool{}
	for t.decoder.More() {
		token, err := t.decoder.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // the decoder has checked that it is one
		t.path = append(t.path, name)
		if seen[name] {
			return nil, &fault{code: "json.duplicate", path: t.pointer(), args: []any{"name", name}}
		}
		seen[name] = true
		m, err := t.value(depth + 1)
		if err != nil {
			return nil, err
		}
		t.path = t.path[:len(t.path)-1]
		n.set(name, m)
	}
	_, err := t.decoder.Token()
	return n, err
}

// escape is a name as a step of a JSON Pointer (RFC 6901 §3).
func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

func unescape(step string) string {
	return strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
}
