package plimsoll_test

import (
	"strings"
	"testing"
)

func TestEveryPackageSaysOnceWhatItIs(t *testing.T) {
	comments := map[string]int{} // how many files of a package carry its comment
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		comments[f.pkg] += 0 // a package without a comment counts too
		if f.ast.Doc == nil {
			continue
		}
		comments[f.pkg]++
		want := "Package " + f.ast.Name.Name + " "
		if f.ast.Name.Name == "main" {
			want = "Command "
		}
		if doc := f.ast.Doc.Text(); !strings.HasPrefix(doc, want) {
			t.Errorf("%s: the package comment begins %.40q, want %q…", f.name, doc, want)
		}
	}
	for pkg, n := range comments {
		if n != 1 {
			t.Errorf("package %q has %d package comments, want one", pkg, n)
		}
	}
}
