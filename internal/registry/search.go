package registry

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Query is what is looked for among products. What is empty does not count.
type Query struct {
	Words    []string // the beginnings of words of maker and model, each of them
	Maker    string   // by its words, all of them
	Category string
	After    uint64 // GTIN, of the last that was seen
	Limit    int
}

// Bounds of a query.
const (
	MaxQuery      = 256 // octets
	maxWords      = 6
	maxWord       = 32    // octets
	MaxCandidates = 20000 // products that one word is followed to
)

// Words takes a text apart as it is searched: small letters without accents, and digits; at most so many words.
func Words(text string) (list []string) {
	if len(text) > MaxQuery {
		text = text[:MaxQuery]
	}
	plain := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
	for _, w := range strings.FieldsFunc(plain, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }) {
		for len(w) > maxWord {
			w = w[:strings.LastIndexFunc(w, func(rune) bool { return true })]
		}
		if w != "" && len(list) < maxWords {
			list = append(list, w)
		}
	}
	return list
}

// Words are those that a product is found by.
func (p *Product) Words() []string { return append(Words(p.Maker), Words(p.Model)...) }

// Term is one word of a query.
type Term struct {
	Word  string // how a word begins
	Maker bool   // of the maker’s name
}

// Above is above every word that begins so.
func (t Term) Above() string { return t.Word + "\U0010ffff" }

// Kind is the highest kind of word that counts: those of makers are of kind 0, of models of kind 1.
func (t Term) Kind() int {
	if t.Maker {
		return 0
	}
	return 1
}

// Terms are the words of a query, the longest first: it leads to the fewest products.
func (q *Query) Terms() (list []Term) {
	for _, w := range q.Words {
		list = append(list, Term{Word: w})
	}
	for _, w := range Words(q.Maker) {
		list = append(list, Term{w, true})
	}
	slices.SortStableFunc(list, func(a, b Term) int { return len(b.Word) - len(a.Word) })
	return list
}
