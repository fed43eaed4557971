package labelart

import (
	"plimsoll.example/plimsoll/internal/glance"
	"plimsoll.example/plimsoll/internal/locale"
)

// Column is a product of a comparison.
type Column struct {
	Name    string // maker and model
	Verdict glance.Verdict
}

// Comparison draws products beside each other, to be sent to somebody as a picture: verdicts, then what differs. foot says
// as of when, and where it comes from. What the picture says is its alternative text, too.
func Comparison(columns []Column, rows []glance.Row, foot string, words *locale.Catalogue) (*Drawing, error) {
	tall := 0.0
	for {
		p := newPen(comparisonWidth, max(tall, 20))
		end := p.comparison(columns, rows, foot, words)
		if tall > 0 || p.err != nil {
			return p.done(words.Text("glance.compared"))
		}
		tall = end + margin // now it is known how tall it must be
	}
}

const comparisonWidth = 150

func (p *pen) comparison(columns []Column, rows []glance.Row, foot string, words *locale.Catalogue) float64 {
	w := (comparisonWidth - 2*margin - gutter*float64(len(columns)-1)) / float64(len(columns))
	left := func(i int) float64 { return margin + float64(i)*(w+gutter) }
	y := 0.0
	for i, c := range columns {
		y = max(y, p.paragraph(black, face{p.bold, 4}, left(i), margin, w, 4, c.Name))
	}
	const h = 11
	for i, c := range columns {
		look := looks[c.Verdict]
		p.box(look.fill, left(i), y+1, w, h)
		look.shape(p, left(i)+h/2, y+1+h/2, h/2-2, look.text, look.fill)
		p.paragraph(look.text, face{p.bold, 3.8}, left(i)+h, y+3.5, w-2*h, 1, c.Verdict.Text(words))
		p.loadline(left(i)+w-h/2, y+1+h/2, h/2-0.5, c.Verdict)
	}
	y += h + 3
	for _, r := range rows {
		if r.Topic == "verdict" {
			continue
		}
		p.box(pale, margin, y, comparisonWidth-2*margin, 0.3)
		y = p.paragraph(black, face{p.bold, 3}, margin, y+1, comparisonWidth-2*margin, 2, r.Name)
		end := y
		for i, v := range r.Values {
			colour := black
			if !r.Known[i] {
				colour = grey
			}
			end = max(end, p.paragraph(colour, face{p.regular, 3.2}, left(i), y, w, 12, v))
		}
		y = end + 1
	}
	return p.paragraph(grey, face{p.regular, 2.6}, margin, y+1, comparisonWidth-2*margin, 4, foot)
}
