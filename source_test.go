package plimsoll_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// maxText bounds the files that are read as text: data files are larger, and are not prose.
const maxText = 1 << 20

// text is one file that people read.
type text struct {
	name string // relative to the module's root, with slashes
	data []byte
}

// texts are the files of the source tree that hold text. It walks the tree itself, so that it needs neither git
// nor a checkout.
func texts(t *testing.T) []text {
	t.Helper()
	var list []text
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name == ".git" && d.IsDir() {
			return fs.SkipDir
		}
		if d.IsDir() || name == ".git" { // a file in a work tree of its own
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		if info, err := d.Info(); err != nil || info.Size() > maxText {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if bytes.IndexByte(data, 0) < 0 {
			list = append(list, text{filepath.ToSlash(name), data})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// source is one parsed Go file of the module.
type source struct {
	name      string
	pkg       string // its folder: the package's path in the module
	test      bool
	generated bool
	lines     int
	ast       *ast.File
	set       *token.FileSet
}

func (s *source) at(n ast.Node) string { return s.set.Position(n.Pos()).String() }

func goFiles(t *testing.T) []*source {
	t.Helper()
	var list []*source
	set := token.NewFileSet()
	for _, f := range texts(t) {
		if path.Ext(f.name) != ".go" || strings.Contains(f.name, "testdata/") || strings.HasPrefix(f.name, "tools/") {
			continue
		}
		tree, err := parser.ParseFile(set, f.name, f.data, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
			continue
		}
		dir := path.Dir(f.name)
		if dir == "." {
			dir = ""
		}
		list = append(list, &source{
			name:      f.name,
			pkg:       dir,
			test:      strings.HasSuffix(f.name, "_test.go"),
			generated: ast.IsGenerated(tree),
			lines:     bytes.Count(f.data, []byte("\n")),
			ast:       tree,
			set:       set,
		})
	}
	return list
}
