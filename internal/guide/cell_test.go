package guide

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/locale"
)

// abouts are all that the guide has nine cells on.
func abouts() []string {
	list := slices.Clone(device.Categories)
	for _, k := range finding.Kinds() {
		list = append(list, string(k.Kind))
	}
	return list
}

// Bounds on the length of a cell, in words and in letters: enough to say something, short enough to be read.
const (
	fewestWords = 12
	mostWords   = 50
	mostLetters = 260
)

func TestEveryCategoryAndKindHasNineCellsInEachLanguage(t *testing.T) {
	for _, lang := range locale.Languages {
		words, count := locale.New(lang), 0
		for _, about := range abouts() {
			list := Cells(words, about)
			count += len(list)
			for i, c := range list {
				if c.Topic != Topics[i/3] || c.Stage != Stages[i%3] {
					t.Errorf("%s %s: cell %d is of %s, %s", lang, about, i, c.Topic, c.Stage)
				}
				switch n := len(strings.Fields(c.Text)); {
				case n < fewestWords, n > mostWords, len([]rune(c.Text)) > mostLetters:
					t.Errorf("%s %s %s %s: %d words, %d letters: %q", lang, about, c.Topic, c.Stage, n, len([]rune(c.Text)), c.Text)
				}
				if n := len(stop.FindAllString(c.Text, -1)); n < 1 || n > 4 || !regexp.MustCompile(`[.?!]$`).MatchString(c.Text) {
					t.Errorf("%s %s %s %s: %d sentences: %q", lang, about, c.Topic, c.Stage, n, c.Text)
				}
			}
		}
		if want := len(abouts()) * 9; count != want {
			t.Errorf("%s: %d cells, want %d", lang, count, want)
		}
	}
	for _, name := range []string{"category", "kind"} {
		want := len(device.Categories) * 9
		if name == "kind" {
			want = len(finding.Kinds()) * 9
		}
		if got := len(keys(t, "en/"+name+".json")); got != want {
			t.Errorf("%s.json has %d texts, want %d", name, got, want)
		}
	}
}

func TestWhatTheGuideDoesNotKnowHasNoCells(t *testing.T) {
	for _, about := range []string{"", "toaster", "scan", "body"} {
		if list := Cells(locale.New(locale.English), about); list != nil {
			t.Errorf("%q has %d cells", about, len(list))
		}
	}
}

// A text that is only another one with the name of the thing changed says nothing of that thing.
func TestNoCellIsACopyOfAnother(t *testing.T) {
	const most = 0.3 // of the runs of three words that two texts have, those that they share
	for _, lang := range locale.Languages {
		type cell struct {
			name string
			runs map[string]bool
		}
		var all []cell
		words := locale.New(lang)
		for _, about := range abouts() {
			for _, c := range Cells(words, about) {
				all = append(all, cell{about + "." + c.Topic + "." + c.Stage, runs(c.Text, words, about)})
			}
		}
		worst := 0.0
		for i, a := range all {
			for _, b := range all[:i] {
				s := likeness(a.runs, b.runs)
				worst = max(worst, s)
				if s > most {
					t.Errorf("%s: %s and %s are alike (%.2f)", lang, a.name, b.name, s)
				}
			}
		}
		t.Logf("%s: %d cells, the two most alike share %.2f", lang, len(all), worst)
	}
}

// runs are the runs of three words in a text, in which what it is about has no name.
func runs(text string, words *locale.Catalogue, about string) map[string]bool {
	text = strings.ToLower(text)
	text = strings.ReplaceAll(text, strings.ToLower(words.Text("category."+about)), "thing")
	list := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, w := range list {
		if w == about || w == about+"s" {
			list[i] = "thing"
		}
	}
	set := map[string]bool{}
	for i := range max(0, len(list)-2) {
		set[strings.Join(list[i:i+3], " ")] = true
	}
	return set
}

// likeness is the share of what two sets have of what either has.
func likeness(a, b map[string]bool) float64 {
	both := 0
	for k := range a {
		if b[k] {
			both++
		}
	}
	return float64(both) / float64(len(a)+len(b)-both)
}

func TestNoSentenceIsSaidTwice(t *testing.T) {
	for _, lang := range locale.Languages {
		words, seen := locale.New(lang), map[string]string{}
		for _, about := range abouts() {
			for _, c := range Cells(words, about) {
				for _, sentence := range stop.Split(c.Text, -1) {
					name := about + "." + c.Topic + "." + c.Stage
					if before, ok := seen[sentence]; ok && sentence != "" {
						t.Errorf("%s: %s and %s say %q", lang, before, name, sentence)
					}
					seen[sentence] = name
				}
			}
		}
	}
}

func TestCopiesAreFound(t *testing.T) {
	words := locale.New(locale.English)
	a := runs("Ask the maker how long this camera gets updates, and where its pictures go.", words, "camera")
	b := runs("Ask the maker how long this printer gets updates, and where its pictures go.", words, "printer")
	if s := likeness(a, b); s != 1 {
		t.Errorf("the same text with another name is alike by %v only", s)
	}
}

func TestCellsAreReadWithEase(t *testing.T) {
	for _, lang := range locale.Languages {
		words := locale.New(lang)
		worst, which := 0.0, ""
		for _, about := range abouts() {
			var all []string
			for _, c := range Cells(words, about) {
				all = append(all, c.Text)
				if g := grade(lang, c.Text); g > maxGrade && count(lang, c.Text).words >= leastWords {
					t.Errorf("%s %s %s %s: grade %.1f: %q", lang, about, c.Topic, c.Stage, g, c.Text)
				}
			}
			if g := grade(lang, all...); g > worst {
				worst, which = g, about
			}
		}
		if worst > maxGrade {
			t.Errorf("%s %s: grade %.1f", lang, which, worst)
		}
		t.Logf("%s: the hardest is %s, of grade %.1f", lang, which, worst)
	}
}

func TestSourcesAreOfCellsAndBodiesThatExist(t *testing.T) {
	provision := regexp.MustCompile(`^etsi\.(5\.\d+|6)-\d+$`)
	bodies, all := keys(t, "en/body.json"), slices.Concat(keys(t, "en/category.json"), keys(t, "en/kind.json"))
	for key, body := range table("source.json") {
		if !slices.Contains(all, key) {
			t.Errorf("a source for %s, which is no cell", key)
		}
		if !provision.MatchString(body) && !slices.Contains(bodies, "body."+body) {
			t.Errorf("%s: nothing is known of %s", key, body)
		}
	}
	for _, c := range Cells(locale.New(locale.French), "camera") {
		if c.Topic == "security" && c.Stage == "use" && c.Source != "ETSI EN 303 645, disposition 5.1-1" {
			t.Errorf("the source is %q", c.Source)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for name, files := range map[string][]string{"findings": {"finding", "party", "value"}, "cells": {"category", "kind", "body"}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				load(locale.French, files...)
			}
		})
	}
}

func BenchmarkExplain(b *testing.B) {
	words, list := locale.New(locale.French), cases()
	for i := 0; b.Loop(); i++ {
		Explain(words, list[i%len(list)], "camera")
	}
}
