package plimsoll_test

import (
	"encoding/json"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

var messageKey = regexp.MustCompile(`^[a-z0-9_-]+([.][a-z0-9_-]+)+$`)

// Messages are asked for by key, which the compiler cannot check.
func TestMessagesThatTheCodeAsksForExist(t *testing.T) {
	names, err := filepath.Glob("internal/guide/en/*.json")
	if err != nil || len(names) == 0 {
		t.Fatal("no messages in internal/guide/en: ", err)
	}
	messages := map[string]any{}
	for _, name := range append(names, "internal/locale/en.json") {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &messages); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
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
				if _, found := messages[key]; err == nil && messageKey.MatchString(key) && !found {
					t.Errorf("%s: no message %s", f.at(lit), key)
				}
			}
			return true
		})
	}
}
