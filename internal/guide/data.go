package guide

import (
	"embed"
	"encoding/json"
	"fmt"
	"sync"

	"plimsoll.example/plimsoll/internal/locale"
)

// data is a folder for each language, with the same files in each, and what needs no language.
//
//go:embed en fr source.json
var data embed.FS

// A part is what some files say in each language. It is read when it is first asked for, and not written after.
type part struct{ english, french func() *locale.Catalogue }

var (
	findings = partOf("finding", "party", "value")
	cells    = partOf("category", "kind", "body")
	glossary = partOf("glossary")
)

func partOf(files ...string) part {
	return part{
		sync.OnceValue(func() *locale.Catalogue { return load(locale.English, files...) }),
		sync.OnceValue(func() *locale.Catalogue { return load(locale.French, files...) }),
	}
}

func (p part) in(l locale.Lang) *locale.Catalogue {
	if l == locale.French {
		return p.french()
	}
	return p.english()
}

// load is the catalogue of a language with the messages of those files.
func load(l locale.Lang, files ...string) *locale.Catalogue {
	c := locale.New(l)
	for _, name := range files {
		c = must(c.With(read(string(l) + "/" + name + ".json")))
	}
	return c
}

// read is a file that is part of the program.
func read(name string) []byte { return must(data.ReadFile(name)) }

// table is a file that has texts alone.
func table(name string) map[string]string {
	var m map[string]string
	if err := json.Unmarshal(read(name), &m); err != nil {
		panic(fmt.Sprintf("guide: %s: %v", name, err))
	}
	return m
}

// must is v: the data are part of the program, and its tests have read them.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("guide: %v", err))
	}
	return v
}
