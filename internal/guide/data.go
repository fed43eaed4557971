package guide

import (
	"embed"
	"fmt"
	"sync"

	"plimsoll.example/plimsoll/internal/locale"
)

// data is a folder for each language, with the same files in each.
//
//go:embed en fr
var data embed.FS

// Each part is read when it is first asked for, and not written after.
var (
	findingsEnglish = sync.OnceValue(func() *locale.Catalogue { return load(locale.English, "finding", "party", "value") })
	findingsFrench  = sync.OnceValue(func() *locale.Catalogue { return load(locale.French, "finding", "party", "value") })
)

func findings(l locale.Lang) *locale.Catalogue {
	if l == locale.French {
		return findingsFrench()
	}
	return findingsEnglish()
}

// load is the catalogue of a language with the messages of those files.
func load(l locale.Lang, files ...string) *locale.Catalogue {
	c := locale.New(l)
	for _, name := range files {
		b, err := data.ReadFile(string(l) + "/" + name + ".json")
		if err == nil {
			c, err = c.With(b)
		}
		if err != nil {
			panic(fmt.Sprintf("guide: %s/%s.json: %v", l, name, err)) // it is part of the program
		}
	}
	return c
}
