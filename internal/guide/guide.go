// Package guide explains findings and devices to people: what was seen, how sure it is, why it matters, and what to
// do, in plain words, in English and French. It is words and data; it decides nothing.
//
// docs/guide.md says where the words are, the rules that they keep to, and how to add some.
package guide

import (
	"strconv"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/locale"
)

// Text is a finding in the words of one language.
type Text struct {
	Title string   `json:"title"`
	Seen  string   `json:"seen"` // what was seen, with the facts of this case
	Sure  string   `json:"sure"` // how sure that is
	Why   string   `json:"why"`  // why it matters
	Do    []string `json:"do"`   // one to three things to do
	Undo  string   `json:"undo"` // what undoes them
	Who   []string `json:"who"`  // who else must act: the maker, the shop, the provider, you
	Call  []string `json:"call"` // whom to call
}

// maxSteps is how many things a finding asks people to do.
const maxSteps = 3

// Explain puts a finding into words. device is what people call the device that it is about. A finding of a kind or
// role that is not known has the kind for a title, and no more.
func Explain(words *locale.Catalogue, f *finding.Finding, device string) Text {
	key := string(f.Kind) + "." + string(f.Role)
	parties, ok := parties[key]
	if !ok {
		return Text{Title: string(f.Kind)}
	}
	said := findings.in(words.Lang())
	args := arguments(said, f, device)
	say := func(part string) string {
		if own := key + "." + variant(f) + "." + part; said.Text(own) != own {
			return said.Text(own, args...)
		}
		return said.Text(key+"."+part, args...)
	}
	text := Text{
		Title: say("title"),
		Seen:  say("seen"),
		Sure:  said.Text("sure."+band(f.Confidence), "doubt", say("doubt")),
		Why:   say("why"),
		Undo:  say("undo"),
	}
	for step := 1; step <= maxSteps; step++ {
		part := "do." + strconv.Itoa(step)
		if s := say(part); s != key+"."+part {
			text.Do = append(text.Do, s)
		}
	}
	for _, who := range parties.who {
		text.Who = append(text.Who, said.Text("who."+who))
	}
	for _, call := range parties.call {
		text.Call = append(text.Call, said.Text("call."+call))
	}
	return text
}

// The least confidence of which people are told that a finding is almost certain, and that it is likely.
const (
	certain = 0.9
	likely  = 0.6
)

func band(confidence float64) string {
	switch {
	case confidence >= certain:
		return "very"
	case confidence >= likely:
		return "quite"
	}
	return "perhaps"
}

// variant names the texts of its own that a case has, in place of those of its kind; "": none.
func variant(f *finding.Finding) string {
	switch f.Kind {
	case finding.IndicatorMatch:
		if f.Detail("feed") == finding.FeedMining {
			return "mining"
		}
	case finding.MUDDeparture:
		if nearest, _ := f.Detail("nearest").(string); nearest != "" {
			return "nearest"
		}
	}
	return ""
}
