package advisory

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

//go:embed aliases.json
var aliasData []byte

// Aliases are the names that makers and products go by in records. The file is reviewed as code is: an alias that is
// wrong suspends labels.
type Aliases struct {
	makers   map[string]string   // key of a name: key of the maker
	others   map[string][]string // keys of a maker: those of whom else its products were sold by
	products map[string][]string // maker’s key and a model: what else it is called
}

// LoadAliases reads the list that is part of the program.
func LoadAliases() (*Aliases, error) { return ParseAliases(aliasData) }

// ParseAliases reads a list of aliases: JSON of the form of aliases.json.
func ParseAliases(data []byte) (*Aliases, error) {
	var file struct {
		Makers []struct {
			Name, Source string
			Aliases      []string
		}
		Related []struct{ Name, Other, Why, Source string }
		// Products are by the maker’s name and its model.
		Products []struct {
			Maker, Model, Source string
			Aliases              []string
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("read aliases: %w", err)
	}
	a := &Aliases{makers: map[string]string{}, others: map[string][]string{}, products: map[string][]string{}}
	for _, m := range file.Makers {
		if m.Source == "" {
			return nil, fmt.Errorf("read aliases: maker %q: no source", m.Name)
		}
		for _, n := range append(m.Aliases, m.Name) {
			k := makerKey(n)
			if other := a.makers[k]; k == "" || other != "" && other != makerKey(m.Name) {
				return nil, fmt.Errorf("read aliases: %q stands for %q and %q, or for nobody", n, other, m.Name)
			}
			a.makers[k] = makerKey(m.Name)
		}
	}
	for _, r := range file.Related {
		x, y := a.maker(r.Name), a.maker(r.Other)
		if r.Source == "" || r.Why == "" || x == "" || y == "" || x == y {
			return nil, fmt.Errorf("read aliases: %q and %q: no source or reason, or nobody", r.Name, r.Other)
		}
		a.others[x], a.others[y] = append(a.others[x], y), append(a.others[y], x)
	}
	for _, p := range file.Products {
		if p.Source == "" || len(p.Aliases) == 0 {
			return nil, fmt.Errorf("read aliases: product %q: no source, or no alias", p.Model)
		}
		k := a.productKey(a.maker(p.Maker), p.Model)
		a.products[k] = append(a.products[k], p.Aliases...)
	}
	return a, nil
}

// maker is the key of a maker by any of its names.
func (a *Aliases) maker(name string) string {
	k := makerKey(name)
	if known := a.makers[k]; known != "" {
		return known
	}
	return k
}

// Same reports whether two names are one maker’s.
func (a *Aliases) Same(x, y string) bool { return a.maker(x) != "" && a.maker(x) == a.maker(y) }

// keys are those of all names of a maker.
func (a *Aliases) keys(maker string) []string {
	list := []string{maker}
	for k, m := range a.makers {
		if m == maker && k != maker {
			list = append(list, k)
		}
	}
	slices.Sort(list)
	return list
}

func (a *Aliases) productKey(maker, name string) string {
	m := parseModel(name, a.keys(maker))
	return maker + "/" + strings.Join(m.core, " ")
}

// names are what a product is called: its model, the names it has, and its aliases.
func (a *Aliases) names(p *Product) []string {
	list := append([]string{p.Model}, p.Names...)
	return append(list, a.products[a.productKey(a.maker(p.Maker), p.Model)]...)
}
