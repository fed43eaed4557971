package main

import (
	"fmt"
	"os"
	"strings"
)

// The markers between which a document takes the table.
const (
	begin = "<!-- measured -->"
	end   = "<!-- /measured -->"
)

// document is a text around the part that is measured.
type document struct{ before, after string }

// read takes a document apart.
func read(path string) (document, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return document{}, err
	}
	d, ok := split(string(b))
	if !ok {
		return document{}, fmt.Errorf("%s has no line %s with a line %s below it", path, begin, end)
	}
	return d, nil
}

func split(text string) (d document, ok bool) {
	before, rest, ok := strings.Cut(text, "\n"+begin+"\n")
	if !ok {
		return d, false
	}
	at := strings.Index("\n"+rest, "\n"+end+"\n")
	if at < 0 {
		return d, false
	}
	return document{before + "\n" + begin + "\n", rest[at:]}, true
}

// with is the document with that part.
func (d document) with(part string) string { return d.before + "\n" + part + "\n" + d.after }

func (d document) write(path, part string) error {
	return os.WriteFile(path, []byte(d.with(part)), 0o644)
}
