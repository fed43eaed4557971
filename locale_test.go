package plimsoll_test

import (
	"encoding/json"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var messageKey = regexp.MustCompile(`^[a-z0-9_-]+([.][a-z0-9_-]+)+$`)

// messages are those of the program, by key; guide’s are among them where all is set.
func messages(t *testing.T, all bool) map[string]any {
	t.Helper()
	names := []string{"internal/locale/en.json"}
	if all {
		guide, err := filepath.Glob("internal/guide/en/*.json")
		if err != nil || len(guide) == 0 {
			t.Fatal("no messages in internal/guide/en: ", err)
		}
		names = append(names, guide...)
	}
	m := map[string]any{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return m
}

// literals are the texts in the code, outside of tests.
func literals(t *testing.T, each func(at string, text string)) {
	t.Helper()
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					each(f.at(lit), text)
				}
			}
			return true
		})
	}
}

// Messages are asked for by key, which the compiler cannot check.
func TestMessagesThatTheCodeAsksForExist(t *testing.T) {
	have := messages(t, true)
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			fn, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || fn.Sel.Name != "Text" {
				return true
			}
			if lit, ok := call.Args[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				key, err := strconv.Unquote(lit.Value)
				if _, found := have[key]; err == nil && messageKey.MatchString(key) && !found {
					t.Errorf("%s: no message %s", f.at(lit), key)
				}
			}
			return true
		})
	}
}

var asked = regexp.MustCompile(`\.T "([^"]+)"`)

func TestMessagesThatTemplatesAskForExist(t *testing.T) {
	have, n := messages(t, false), 0
	for _, f := range texts(t) {
		if !strings.HasSuffix(f.name, ".html") || !strings.HasPrefix(f.name, "internal/web/") {
			continue
		}
		for _, m := range asked.FindAllStringSubmatch(string(f.data), -1) {
			n++
			if _, found := have[m[1]]; !found {
				t.Errorf("%s: no message %s", f.name, m[1])
			}
		}
	}
	if n < 100 {
		t.Errorf("templates ask for %d messages: are they all looked at?", n)
	}
}

// A message is reported only if it is sure that nobody asks for it: neither by its key, nor by a beginning of it that
// ends with a dot, nor by a key of either kind with a literal ending.
func TestEveryMessageIsAskedFor(t *testing.T) {
	whole, beginnings, endings := map[string]bool{}, []string{}, []string{}
	take := func(_, text string) {
		text, _, _ = strings.Cut(text, "%")
		switch {
		case strings.HasPrefix(text, ".") && len(text) > 1:
			endings = append(endings, text)
		case strings.HasSuffix(text, ".") && messageKey.MatchString(text+"x"):
			beginnings = append(beginnings, text)
		case messageKey.MatchString(text):
			whole[text] = true
		}
	}
	literals(t, take)
	for _, f := range texts(t) {
		if strings.HasSuffix(f.name, ".html") {
			for _, m := range asked.FindAllStringSubmatch(string(f.data), -1) {
				take("", m[1])
			}
		}
	}
	begins := func(key string) bool {
		return whole[key] || slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(key, b) })
	}
	for key := range messages(t, false) {
		used := begins(key) || slices.ContainsFunc(endings, func(e string) bool {
			base, found := strings.CutSuffix(key, e)
			return found && begins(base)
		})
		if !used {
			t.Errorf("nobody asks for the message %s", key)
		}
	}
}
