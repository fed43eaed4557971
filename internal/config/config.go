// Package config reads the configuration file: TOML 1.0, a section for each verb, and the line of each setting. What
// verbs and flags there are is for its caller to know.
package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// MaxBytes is the size of the largest file that Parse reads.
const MaxBytes = 64 << 10

// maxDepth bounds how deep tables may lie in each other; verbs have two parts.
const maxDepth = 8

// A Setting is one key of a file, or a section as such.
type Setting struct {
	Section []string // the verb in its parts, such as mud, fetch; empty: for all verbs
	Name    string   // of the flag; "" for the section itself
	Line    int      // from 1
	Values  []string // as a flag takes them, in order; nil where the value is nothing that a flag could take
	List    bool     // it was written as a list
}

// Key is the section and the name, as in mud.fetch.state.
func (s *Setting) Key() string {
	if s.Name == "" {
		return strings.Join(s.Section, ".")
	}
	return strings.Join(slices.Concat(s.Section, []string{s.Name}), ".")
}

// SyntaxError says why a file is no TOML, in the words of the TOML parser.
type SyntaxError struct {
	Line, Column int // from 1
	Text         string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Text) }

// Parse reads a file of at most MaxBytes octets. The settings are in the order of their lines. An error is a
// *SyntaxError.
func Parse(data []byte) ([]Setting, error) {
	if len(data) > MaxBytes {
		return nil, &SyntaxError{1, 1, fmt.Sprintf("more than %d octets", MaxBytes)}
	}
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		if at, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, column := at.Position()
			return nil, &SyntaxError{line, column, strings.TrimPrefix(at.Error(), "toml: ")}
		}
		return nil, &SyntaxError{1, 1, strings.TrimPrefix(err.Error(), "toml: ")}
	}
	var (
		list    []Setting
		section []string
		p       unstable.Parser
	)
	p.Reset(data)
	for p.NextExpression() {
		e := p.Expression()
		path, line := key(&p, e)
		switch e.Kind {
		case unstable.Table:
			section = path
			list = append(list, Setting{Section: path, Line: line})
		case unstable.ArrayTable: // no verb has several sections
			section = path
			list = append(list, Setting{Section: path[:len(path)-1], Name: path[len(path)-1], Line: line, List: true})
		case unstable.KeyValue:
			path = slices.Concat(section, path)
			if value, ok := at(tree, path); ok {
				list = gather(list, path, value, line)
			}
		}
	}
	if err := p.Error(); err != nil {
		return nil, &SyntaxError{1, 1, err.Error()}
	}
	return list, nil
}

// Line writes a setting as a line of a file: one value, or a list of any number.
func Line(name string, list bool, values ...string) (string, error) {
	var value any = values
	if !list {
		value = values[0]
	}
	line, err := toml.Marshal(map[string]any{name: value})
	return strings.TrimSuffix(string(line), "\n"), err
}

// key is the name of an expression in its parts, and the line on which it stands.
func key(p *unstable.Parser, e *unstable.Node) (path []string, line int) {
	for it := e.Key(); it.Next(); {
		n := it.Node()
		path = append(path, string(n.Data))
		line = p.Shape(n.Raw).Start.Line
	}
	return path, line
}

// at is what a path leads to. Nothing is found below a list of tables.
func at(tree map[string]any, path []string) (any, bool) {
	for _, part := range path[:len(path)-1] {
		next, ok := tree[part].(map[string]any)
		if !ok {
			return nil, false
		}
		tree = next
	}
	value, ok := tree[path[len(path)-1]]
	return value, ok
}

// gather appends the settings that a value is: one, or those of an inline table.
func gather(list []Setting, path []string, value any, line int) []Setting {
	table, ok := value.(map[string]any)
	if ok && len(path) <= maxDepth {
		list = append(list, Setting{Section: path, Line: line})
		for _, name := range slices.Sorted(maps.Keys(table)) {
			list = gather(list, slices.Concat(path, []string{name}), table[name], line)
		}
		return list
	}
	s := Setting{Section: path[:len(path)-1], Name: path[len(path)-1], Line: line}
	items, isList := value.([]any)
	if !isList {
		items = []any{value}
	}
	s.List = isList
	s.Values = make([]string, 0, len(items))
	for _, item := range items {
		text, ok := scalar(item)
		if !ok {
			s.Values = nil
			break
		}
		s.Values = append(s.Values, text)
	}
	return append(list, s)
}

// scalar is a value as it would be written after a flag. Dates and tables would not.
func scalar(value any) (text string, ok bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	}
	return "", false
}
