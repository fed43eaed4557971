package plimsoll_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

// maxLines bounds a Go file. Most are far shorter: a file is one noun.
const maxLines = 700

// The strings that follow are put together from parts, so that this file keeps to its own rules.
var (
	// Folders of a machine that somebody worked on: they mean nothing on another one.
	machine = regexp.MustCompile(`/(wo` + `rk|fa` + `rm)/[a-z.]`)

	// Where packages come from is the choice of whoever builds.
	registries = []string{"proxy" + ".golang.org", "sum" + ".golang.org", "registry" + ".npmjs.org", "deb" + ".debian.org"}

	// A promise to do something later says where that is followed up.
	promise = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|HA` + `CK|X` + `XX)\b`)
	issue   = regexp.MustCompile(`\(#\d+\)`)

	// JA4 itself is free to use; the other methods of its family are not (CONTRIBUTING.md).
	encumbered = regexp.MustCompile(`(?i)\bja4(h|l|ls|x|ssh|t|ts|tscan|d|d6)\b|\bJA4S\b|\bja4s\b`)
)

func TestNoMachineOrRegistryIsNamed(t *testing.T) {
	for _, f := range texts(t) {
		if strings.HasSuffix(f.name, "go.sum") {
			continue
		}
		for i, line := range strings.Split(string(f.data), "\n") {
			if m := machine.FindString(line); m != "" {
				t.Errorf("%s:%d: names a folder of one machine: %s", f.name, i+1, m)
			}
			for _, host := range registries {
				if strings.Contains(line, host) {
					t.Errorf("%s:%d: names a package registry: %s", f.name, i+1, host)
				}
			}
		}
	}
}

func TestGoFilesAreShort(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.lines > maxLines && !f.generated {
			t.Errorf("%s has %d lines, at most %d: does it have one purpose?", f.name, f.lines, maxLines)
		}
	}
}

func TestNothingHappensAtImport(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: init runs behind the reader's back; call it", f.at(fn))
			}
		}
	}
}

func TestUnfinishedMarksNameAnIssue(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, group := range f.ast.Comments {
			for _, c := range group.List {
				if promise.MatchString(c.Text) && !issue.MatchString(c.Text) {
					t.Errorf("%s: %s", f.at(c), c.Text)
				}
			}
		}
	}
}

func TestEncumberedFingerprintsStayOut(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.name == "style_test.go" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			var word string
			switch n := n.(type) {
			case *ast.Ident:
				word = n.Name
			case *ast.BasicLit:
				if n.Kind == token.STRING {
					word = n.Value
				}
			}
			if m := encumbered.FindString(word); m != "" {
				t.Errorf("%s: %s is patent-encumbered: of the JA4 family only JA4 may be here", f.at(n), m)
			}
			return true
		})
	}
}
