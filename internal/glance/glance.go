// Package glance says what a label tells at a glance: a verdict for who is about to buy, and five facts in the order in
// which buyers ask for them. What is printed on a pack and what is shown on a page say the same.
//
// A verdict is about what was promised and checked, never that a product is secure. What is not known is never counted
// in its favour.
package glance

import (
	"slices"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
)

// Verdict is advice for who is about to buy. The zero value is that of a product of which nothing is known.
type Verdict uint8

// The verdicts, as they stand on the load line from below the water up.
const (
	Unlabelled Verdict = iota
	Avoid
	Check
	Good
)

var verdicts = [...]string{"none", "avoid", "check", "good"}

// String is the word in keys and in JSON.
func (v Verdict) String() string { return verdicts[v] }

// Text is the verdict in words.
func (v Verdict) Text(words *locale.Catalogue) string {
	return words.Text("glance.verdict." + v.String())
}

// core are the norms that every product must meet that is sold in the United Kingdom or in Australia (PSTI Schedule 1):
// no shared password, somebody to report flaws to, and a day until which there are updates.
var core = []string{"etsi.5.1-1", "etsi.5.2-1", "etsi.5.3-13"}

// Reason is a key of the catalogue that says why a verdict is as it is.
type Reason string

// The reasons, the gravest first.
const (
	Withdrawn     Reason = "glance.because.withdrawn"
	Suspended     Reason = "glance.because.suspended"
	RefutedCore   Reason = "glance.because.refuted-core"
	Refuted       Reason = "glance.because.refuted"
	SupportOver   Reason = "glance.because.support-over"
	Lapsed        Reason = "glance.because.expired"
	NoSupport     Reason = "glance.because.no-support"
	NotClaimed    Reason = "glance.because.not-claimed"
	Sold          Reason = "glance.because.sold"
	MakerAlone    Reason = "glance.because.maker-alone"
	StatusUnknown Reason = "glance.because.status-unknown"
	Kept          Reason = "glance.because.kept"
)

// Rule is one by which a label is judged. The first that holds decides.
type Rule struct {
	Verdict Verdict
	Because Reason
	holds   func(*asked) bool
}

// asked is a label that is judged, with its status on a day.
type asked struct {
	*label.Statement
	status label.Status
	today  label.Day
}

// any reports whether a norm is of a class that is asked for.
func (a *asked) any(norms []string, is func(label.Class) bool) bool {
	return slices.ContainsFunc(norms, func(n string) bool { return is(a.Class(n)) })
}

// Rules are all, in the order in which they are asked.
func Rules() []Rule {
	refuted := func(c label.Class) bool { return c == label.Refuted }
	unclaimed := func(c label.Class) bool { return c == label.NotClaimed }
	byOthers := func(c label.Class) bool { return c > label.Declared }
	return []Rule{
		{Avoid, Withdrawn, func(a *asked) bool { return a.status == label.Withdrawn }},
		{Avoid, Suspended, func(a *asked) bool { return a.status == label.Suspended }},
		{Avoid, RefutedCore, func(a *asked) bool { return a.any(core, refuted) }},
		{Avoid, SupportOver, func(a *asked) bool { return a.Support != 0 && a.today > a.Support }},
		{Check, Lapsed, func(a *asked) bool { return a.status == label.Expired }},
		{Check, Refuted, func(a *asked) bool { return a.any(label.ProfileNorms(a.Profile), refuted) }},
		{Check, NoSupport, func(a *asked) bool { return a.Support == 0 }},
		{Check, NotClaimed, func(a *asked) bool { return a.any(core, unclaimed) }},
		{Check, Sold, func(a *asked) bool { return a.Practices.Has("sold") }},
		{Check, MakerAlone, func(a *asked) bool { return !a.any(label.ProfileNorms(a.Profile), byOthers) }},
		{Check, StatusUnknown, func(a *asked) bool { return a.status != label.Active }},
		{Good, Kept, func(*asked) bool { return true }},
	}
}

// Judge is the verdict on a label with its status on a day, and why. No label: nil.
func Judge(s *label.Statement, status label.Status, today label.Day) (Verdict, Reason) {
	if s == nil {
		return Unlabelled, ""
	}
	a := &asked{s, status, today}
	for _, r := range Rules() {
		if r.holds(a) {
			return r.Verdict, r.Because
		}
	}
	return Check, StatusUnknown // not reached: the last rule always holds
}

// Core are the norms that weigh most.
func Core() []string { return slices.Clone(core) }

// Topic is what a fact is about.
type Topic string

// The topics, in the order in which buyers ask.
const (
	Updates Topic = "updates"
	Senses  Topic = "senses"
	Data    Topic = "data"
	Needs   Topic = "needs"
	Checked Topic = "checked"
)

// topics are in the order in which buyers ask.
var topics = [...]Topic{Updates, Senses, Data, Needs, Checked}

// Fact is one that a label states, in words.
type Fact struct {
	Topic Topic
	Name  string // what it is about
	Text  string
	Known bool // false: the label does not say
}

// Facts are the five of a label.
func Facts(s *label.Statement, words *locale.Catalogue) []Fact {
	facts := []Fact{updates(s, words), senses(s, words), data(s, words), needs(s, words), checked(s, words)}
	for i := range facts {
		facts[i].Name = words.Text("glance.topic." + string(facts[i].Topic))
	}
	return facts
}

func updates(s *label.Statement, words *locale.Catalogue) Fact {
	if s.Support == 0 {
		return Fact{Topic: Updates, Text: words.Text("glance.updates.none")}
	}
	return Fact{Topic: Updates, Known: true, Text: words.Text("glance.updates.until", "day", words.Date(s.Support.Time()))}
}

func senses(s *label.Statement, words *locale.Catalogue) Fact {
	if s.Sensors == 0 {
		return Fact{Topic: Senses, Text: words.Text("glance.senses.none")}
	}
	return Fact{Topic: Senses, Known: true, Text: locale.Capital(words.List(named(words, "glance.sensor.", s.Sensors.Words()))) + "."}
}

// ofData are the practices that say where data goes, the gravest first.
var ofData = []string{"sold", "used-for-ads", "shared-with-others", "stored-in-cloud", "deletable"}

func data(s *label.Statement, words *locale.Catalogue) Fact {
	list := slices.DeleteFunc(slices.Clone(ofData), func(w string) bool { return !s.Practices.Has(w) })
	if len(list) == 0 {
		return Fact{Topic: Data, Text: words.Text("glance.data.none")}
	}
	return Fact{Topic: Data, Known: true, Text: locale.Capital(words.List(named(words, "glance.practice.", list))) + "."}
}

// ofUse are the practices that say what a product needs to work.
var ofUse = []string{"account-needed", "works-offline", "local-control"}

func needs(s *label.Statement, words *locale.Catalogue) Fact {
	list := slices.DeleteFunc(slices.Clone(ofUse), func(w string) bool { return !s.Practices.Has(w) })
	if len(list) == 0 {
		return Fact{Topic: Needs, Text: words.Text("glance.needs.none")}
	}
	return Fact{Topic: Needs, Known: true, Text: locale.Capital(words.List(named(words, "glance.practice.", list))) + "."}
}

// checked says by whom what was checked: the best that is known of each norm.
func checked(s *label.Statement, words *locale.Catalogue) Fact {
	var n [label.Refuted + 1]int
	for _, norm := range label.ProfileNorms(s.Profile) {
		if c := s.Class(norm); int(c) < len(n) {
			n[c]++
		}
	}
	var list []string
	for _, c := range []label.Class{label.LabTested, label.Seen, label.WebChecked, label.Declared, label.Refuted} {
		if n[c] > 0 {
			list = append(list, words.Text("glance.checked."+c.String(), "n", n[c]))
		}
	}
	if len(list) == 0 {
		return Fact{Topic: Checked, Text: words.Text("glance.checked.none")}
	}
	return Fact{Topic: Checked, Known: true, Text: words.Text("glance.checked", "list", words.List(list))}
}

// named are words in a language. What this program has no word for, a newer label has: it is shown as it is.
func named(words *locale.Catalogue, prefix string, list []string) []string {
	names := make([]string, len(list))
	for i, w := range list {
		if names[i] = words.Text(prefix + w); names[i] == prefix+w {
			names[i] = w
		}
	}
	return names
}
