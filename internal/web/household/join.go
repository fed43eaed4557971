package household

import (
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
)

// ones is what may be, or was, said of a device: that it is the same as another.
type ones struct {
	Likely []choice // the devices that may be the same, each with why
	Others []option
	Parts  []choice // what was said to be one, and can be two again
}

// newOnes is nil where there is no other device.
func (p *Pages) newOnes(words *locale.Catalogue, d *home.Device) *ones {
	o := &ones{}
	for _, l := range p.Household.Likely(d) {
		var because []string
		for _, s := range l.Because {
			because = append(because, words.Text("household.join.because."+string(s)))
		}
		o.Likely = append(o.Likely, choice{
			Verb: string(home.Join), Argument: l.Device.ID, Text: words.Text("household.join.do", "device", l.Device.Title()), Means: strings.Join(because, " "),
		})
	}
	for _, x := range p.Household.Devices() {
		if x.ID != d.ID {
			o.Others = append(o.Others, option{Value: x.ID, Text: x.Title()})
		}
	}
	slices.SortFunc(o.Others, func(a, b option) int { return strings.Compare(strings.ToLower(a.Text), strings.ToLower(b.Text)) })
	if len(d.Parts) > 0 {
		for _, x := range d.Parts[1:] {
			text := x.Title()
			if m := x.MACs[0].String(); m != text {
				text += " (" + m + ")"
			}
			o.Parts = append(o.Parts, choice{Verb: string(home.Split), Argument: x.ID, Text: text})
		}
	}
	if len(o.Others)+len(o.Parts) == 0 {
		return nil
	}
	return o
}
