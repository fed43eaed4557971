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
	Cut   int      `json:"-"`    // which thing to do is to cut the device off, counted from 1; 0: none is, or not here
}

// maxSteps is how many things a finding asks people to do.
const maxSteps = 3

// Explain puts a finding into words. device is what people call the device that it is about. A finding of a kind or
// role that is not known has the kind for a title, and no more.
func Explain(words *locale.Catalogue, f *finding.Finding, device string) Text {
	return explain(words, f, device, false)
}

// ExplainHere does the same where the reader can cut the device off by a press: nobody has to look for its plug.
func ExplainHere(words *locale.Catalogue, f *finding.Finding, device string) Text {
	return explain(words, f, device, true)
}

// Reason is why a device is, or was, cut off: the finding that it was for, in words, or with nil what a person said.
func Reason(words *locale.Catalogue, f *finding.Finding, said, device string) string {
	if f == nil {
		return said
	}
	return Explain(words, f, device).Title
}

func explain(words *locale.Catalogue, f *finding.Finding, device string, here bool) Text {
	key := string(f.Kind) + "." + string(f.Role)
	parties, ok := parties[key]
	if !ok {
		return Text{Title: string(f.Kind)}
	}
	said := findings.in(words.Lang())
	args := arguments(said, f, device)
	own := func(part string) (string, bool) {
		own := key + "." + variant(f) + "." + part
		text := said.Text(own, args...)
		return text, text != own
	}
	say := func(part string) string {
		if text, ok := own(part); ok {
			return text
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
		s := say(part)
		if s == key+"."+part {
			continue
		}
		if here {
			cut, ok := own(part + ".here")
			if _, differs := own(part); !ok && !differs {
				cut = said.Text(key + "." + part + ".here")
				ok = cut != key+"."+part+".here"
			}
			if ok {
				s, text.Cut, text.Undo = cut, len(text.Do)+1, said.Text("here.undo")
			}
		}
		text.Do = append(text.Do, s)
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
