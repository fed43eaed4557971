package dissect_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const catalogue = "../../docs/facts.md"

var (
	factName = regexp.MustCompile(`^[a-z][a-z0-9]*\.[a-z][a-z0-9_]*$`)
	code     = regexp.MustCompile("`([^`]*)`")
)

// set is a set of words.
type set map[string]bool

func (s set) sorted() []string { return slices.Sorted(maps.Keys(s)) }

// documented reads the tables of the facts that protocols say: the names, and the fields of each.
func documented(t *testing.T) map[string]set {
	t.Helper()
	text, err := os.ReadFile(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Said by protocols\n")
	if !ok {
		t.Fatalf("%s has no section of what protocols say", catalogue)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	facts := map[string]set{}
	for row := range strings.Lines(section) {
		if !strings.HasPrefix(row, "| `") {
			continue
		}
		cells := strings.Split(row, "|") // and an empty one on either side
		name := strings.Trim(cells[1], " `")
		if len(cells) != 5+2 || !factName.MatchString(name) || facts[name] != nil {
			t.Errorf("not a row of the catalogue, or there already: %s", row)
			continue
		}
		facts[name] = set{}
		for _, m := range code.FindAllStringSubmatch(cells[3], -1) {
			facts[name][m[1]] = true
		}
	}
	return facts
}

// told reads the sources of the dissectors: by folder, the names of facts and the keys of fields. A name is any
// text that looks like one, because some are handed on before they are added. A key is what is given to
// a method that adds a field.
func told(t *testing.T) (names, keys map[string]set) {
	t.Helper()
	names, keys = map[string]set{}, map[string]set{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		dir := filepath.Dir(path)
		if err != nil || dir == "." || dir == "dissecttest" || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if names[dir] == nil {
			names[dir], keys[dir] = set{}, set{}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.BasicLit:
				if s, ok := literal(n); ok && factName.MatchString(s) {
					names[dir][s] = true
				}
			case *ast.CallExpr:
				method, _ := n.Fun.(*ast.SelectorExpr)
				if method == nil || len(n.Args) == 0 {
					break
				}
				switch method.Sel.Name {
				case "Add", "AddString", "AddAddr", "AddUint":
					if s, ok := literal(n.Args[0]); ok && !factName.MatchString(s) {
						t.Errorf("%s: %q is no name for a fact", path, s)
					}
				case "Field", "FieldString", "FieldAddr", "FieldUint":
					if s, ok := literal(n.Args[0]); ok {
						keys[dir][s] = true
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names, keys
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil
}

func TestCatalogueIsComplete(t *testing.T) {
	facts := documented(t)
	names, keys := told(t)
	all := set{}
	for dir, in := range names {
		fields := set{}
		for _, name := range in.sorted() {
			all[name] = true
			if facts[name] == nil {
				t.Errorf("%s tells %s, which is not in %s", dir, name, catalogue)
			}
			maps.Copy(fields, facts[name])
		}
		for _, key := range keys[dir].sorted() {
			if len(in) > 0 && !fields[key] {
				t.Errorf("%s tells a field %s, which none of its facts has in %s", dir, key, catalogue)
			}
		}
	}
	for name := range facts {
		if !all[name] {
			t.Errorf("%s is in %s, and nothing tells it", name, catalogue)
		}
	}
}
