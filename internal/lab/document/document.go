// Package document puts what was measured into a document, between two lines that mark its place.
package document

import (
	"fmt"
	"os"
	"strings"
)

// Document is a text around the part that is measured.
type Document struct{ path, before, after string }

// Open takes a document apart at the lines <!-- name --> and, below it, <!-- /name -->.
func Open(path, name string) (Document, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Document{}, err
	}
	d, ok := split(string(b), name)
	if !ok {
		begin, end := Markers(name)
		return Document{}, fmt.Errorf("%s has no line %s with a line %s below it", path, begin, end)
	}
	d.path = path
	return d, nil
}

// Markers are the lines between which a document takes what was measured.
func Markers(name string) (begin, end string) {
	return "<!-- " + name + " -->", "<!-- /" + name + " -->"
}

func split(text, name string) (d Document, ok bool) {
	begin, end := Markers(name)
	before, rest, ok := strings.Cut(text, "\n"+begin+"\n")
	if !ok {
		return d, false
	}
	at := strings.Index("\n"+rest, "\n"+end+"\n")
	if at < 0 {
		return d, false
	}
	return Document{before: before + "\n" + begin + "\n", after: rest[at:]}, true
}

// with is the document with that part.
func (d Document) with(part string) string { return d.before + "\n" + part + "\n" + d.after }

// Write puts a part, which ends with its line, into the document.
func (d Document) Write(part string) error { return os.WriteFile(d.path, []byte(d.with(part)), 0o644) }
