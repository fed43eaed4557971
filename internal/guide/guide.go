// Package guide explains findings and devices to people: what was seen, how sure it is, why it matters, and what to
// do, in plain words, in English and French. It is words and data; it decides nothing.
package guide

import (
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

// Explain puts a finding into words. device is what people call the device that it is about.
func Explain(words *locale.Catalogue, f *finding.Finding, device string) Text {
	key := "finding." + string(f.Kind) + "." + string(f.Role)
	args := []any{"device", device, "n", f.Count}
	for _, d := range f.Details {
		args = append(args, d.Key, d.Value)
	}
	return Text{Title: words.Text(key+".title", args...), Seen: words.Text(key+".seen", args...)}
}
