package guide

import (
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/locale"
)

// Term is a word that not everybody knows, and what it means.
type Term struct {
	Forms   []string `json:"forms"` // as the texts have it; the first is what the glossary lists it by
	Meaning string   `json:"meaning"`
}

// Glossary is every term that the texts use and that needs to be explained, in alphabetical order.
func Glossary(words *locale.Catalogue) []Term {
	said := glossary.in(words.Lang())
	var list []Term
	for key := range table("en/glossary.json") {
		if name, ok := strings.CutSuffix(key, ".term"); ok {
			list = append(list, Term{strings.Split(said.Text(key), ", "), said.Text(name + ".meaning")})
		}
	}
	slices.SortFunc(list, func(a, b Term) int { return strings.Compare(strings.ToLower(a.Forms[0]), strings.ToLower(b.Forms[0])) })
	return list
}
