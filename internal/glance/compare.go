package glance

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

// MostCompared is how many products a person can hold beside each other.
const MostCompared = 3

// Side is a product that is compared: its label, or nil where it has none, and the status of that.
type Side struct {
	Label  *label.Statement
	Status label.Status
}

// Row is one thing that products are compared by.
type Row struct {
	Topic  string   `json:"topic"` // verdict, a Topic, or a norm
	Name   string   `json:"name"`
	Values []string `json:"values"` // in words, in the order of the products
	Known  []bool   `json:"known"`  // false: the label does not say
}

func (r *Row) add(value string, known bool) {
	r.Values, r.Known = append(r.Values, value), append(r.Known, known)
}

// Compare puts products beside each other, in the order in which buyers ask: the verdict, the five facts, the norms that
// any label speaks of. Where one at least says something else, the row is among those that differ.
func Compare(sides []Side, today label.Day, catalogue *norms.Catalogue, words *locale.Catalogue) (different, same []Row) {
	for _, r := range rows(sides, today, catalogue, words) {
		if slices.ContainsFunc(r.Values, func(v string) bool { return v != r.Values[0] }) {
			different = append(different, r)
		} else {
			same = append(same, r)
		}
	}
	return different, same
}

func rows(sides []Side, today label.Day, catalogue *norms.Catalogue, words *locale.Catalogue) []Row {
	list := []Row{{Topic: "verdict", Name: words.Text("glance.verdict")}}
	for _, t := range topics {
		list = append(list, Row{Topic: string(t), Name: words.Text("glance.topic." + string(t))})
	}
	var claimed []string
	for _, side := range sides {
		v, _ := Judge(side.Label, side.Status, today)
		list[0].add(v.Text(words), v != Unlabelled)
		if side.Label == nil {
			for i := range topics {
				list[1+i].add(words.Text("glance.unknown"), false)
			}
			continue
		}
		for i, f := range Facts(side.Label, words) {
			list[1+i].add(f.Text, f.Known)
		}
		for _, n := range label.ProfileNorms(side.Label.Profile) {
			if side.Label.Class(n) != label.NotClaimed && !slices.Contains(claimed, n) {
				claimed = append(claimed, n)
			}
		}
	}
	for _, id := range claimed {
		r := Row{Topic: id, Name: id}
		if n, ok := catalogue.Norm(id); ok {
			r.Name = n.Title.In(string(words.Lang()))
		}
		for _, side := range sides {
			c := label.NotClaimed
			if side.Label != nil {
				c = side.Label.Class(id)
			}
			r.add(words.Text("glance.class."+c.String()), c != label.NotClaimed)
		}
		list = append(list, r)
	}
	return list
}

// Left is how long there will be security updates from a day on, in years and months; "" where the label does not say.
func Left(s *label.Statement, today label.Day, words *locale.Catalogue) string {
	switch {
	case s == nil || s.Support == 0:
		return ""
	case s.Support < today:
		return words.Text("glance.left.over")
	}
	months := 0
	for end := s.Support.Time(); !today.Time().AddDate(0, months+1, 0).After(end); {
		months++
	}
	var parts []string
	if n := months / 12; n > 0 {
		parts = append(parts, words.Text("glance.left.years", "n", n))
	}
	if n := months % 12; n > 0 {
		parts = append(parts, words.Text("glance.left.months", "n", n))
	}
	if len(parts) == 0 {
		return words.Text("glance.left.days")
	}
	return words.Text("glance.left", "list", words.List(parts))
}

// EachYear is what a price comes to for each year of security updates that is left; false where none is left, or the
// label does not say. What is left of the last day counts.
func EachYear(price float64, s *label.Statement, today label.Day) (float64, bool) {
	if s == nil || s.Support == 0 || s.Support < today || price <= 0 || math.IsInf(price, 0) || math.IsNaN(price) {
		return 0, false
	}
	const year = 365.25 * 24 * float64(time.Hour)
	left := s.Support.Time().AddDate(0, 0, 1).Sub(today.Time())
	return price / (float64(left) / year), true
}

// Price reads a price as somebody types it, with a point or a comma.
func Price(text string) (float64, bool) {
	p, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(text), ",", "."), 64)
	return p, err == nil && p > 0 && p <= 1e7
}
