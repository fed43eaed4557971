package labelart

import (
	"fmt"
	"strings"

	"plimsoll.example/plimsoll/internal/glance"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/mud"
)

// Words are the catalogues of the languages on one sheet, the first of them first. Both have the same room.
type Words [2]*locale.Catalogue

// Measures, in millimetres.
const (
	margin = 4
	module = 0.33 // of a QR code: the smallest that the phones of most people read from a hand’s distance
	gutter = 2.5  // between columns
)

// Shelf is the tag for the shelf of a shop, of size A7: what it is, the verdict as it was on the day of issue, until when
// there are updates, the other facts, and the way to what is true today. link is that of the QR code (label.Link).
func Shelf(s *label.Statement, link string, words Words) (*Drawing, error) {
	return Tag(s, link, Today{label.Active, s.Issued}, words)
}

// Today is how a label stands on a day.
type Today struct {
	Status label.Status
	Day    label.Day
}

// Tag is the same as it is on another day.
func Tag(s *label.Statement, link string, today Today, words Words) (*Drawing, error) {
	const width, height = 74, 105
	p := newPen(width, height)
	y := p.heading(margin, margin, width-2*margin, s)
	y = p.verdict(margin, y+1, width-2*margin, s, today, words)
	for _, w := range words {
		f := glance.Facts(s, w)[0]
		y = p.paragraph(black, face{p.bold, 3.3}, margin, y, width-2*margin, 1, joined(w, f.Name, f.Text))
	}
	y += 1
	side := p.way(margin-1, height-margin+1, width-margin, s, today.Day, link, words)
	p.columns(margin, y, width-2*margin, height-margin-side-y, s, words, 1)
	return p.done(words[0].Text("label.print.title", "name", s.Model))
}

// Pack is the mark on a pack. It has no verdict, which would outlive what it is about: the facts, and the way to the
// verdict of today.
func Pack(s *label.Statement, link string, words Words) (*Drawing, error) {
	const width, height = 104, 50
	p := newPen(width, height)
	side := p.code(0, 1, module, link)
	x := side + 1
	y := p.heading(x, margin-1, width-x-margin, s)
	p.columns(x, y+0.5, width-x-margin, height-y-margin+2, s, words, 0)
	p.loadline(side/2, (side+height)/2, min(6, (height-side)/2-2), glance.Unlabelled)
	if side > height-8 {
		p.fail(fmt.Errorf("the QR code is %.0f mm wide, and a pack has room for %d", side, height-8))
	}
	return p.done(words[0].Text("label.print.title", "name", s.Model))
}

// Body is the sticker for the body of a device, with the QR code of RFC 9238 that a gateway reads.
func Body(sticker *mud.Sticker, words Words) (*Drawing, error) {
	payload, err := sticker.Payload()
	if err != nil {
		return nil, err
	}
	const width, height = 74, 30
	p := newPen(width, height)
	side := p.code(0, 0, 0.5, payload)
	x, y := side+1, 2.0
	w := width - x - 2
	y = p.paragraph(black, face{p.bold, 2.8}, x, y, w, 2, sticker.Brand+" "+sticker.Model)
	for _, words := range words {
		y = p.paragraph(black, face{p.regular, 1.9}, x, y+0.5, w, 3, words.Text("label.print.body"))
	}
	for _, words := range words {
		y = p.paragraph(grey, face{p.regular, 1.7}, x, y+0.3, w, 3, words.Text("label.print.body.no-proof"))
	}
	if side > height || y > height {
		p.fail(fmt.Errorf("the sticker has more to say than has room on %d × %d mm", width, height))
	}
	return p.done(words[0].Text("label.print.title", "name", sticker.Model))
}

// joined is a fact on one line: what it is about, and what.
func joined(words *locale.Catalogue, name, text string) string {
	return words.Text("label.print.fact", "name", name, "text", text)
}

// heading says which product it is, and returns where the next thing begins.
func (p *pen) heading(x, y, w float64, s *label.Statement) float64 {
	y = p.paragraph(grey, face{p.regular, 2.6}, x, y, w, 1, s.Maker)
	f := face{p.bold, 4.4}
	for f.size > 3.2 && p.width(f, s.Model) > w {
		f.size *= 0.95
	}
	return p.paragraph(black, f, x, y, w, 2, s.Model)
}

// verdict draws the verdict of a day by four cues: word, shape, height on the load line, colour.
func (p *pen) verdict(x, y, w float64, s *label.Statement, today Today, words Words) float64 {
	const h = 11.5
	v, _ := glance.Judge(s, today.Status, today.Day)
	look := looks[v]
	p.box(look.fill, x, y, w-h-1, h)
	look.shape(p, x+h/2, y+h/2, h/2-2, look.text, look.fill)
	ty := y + 0.9
	for _, words := range words {
		ty = p.paragraph(look.text, face{p.bold, 3.9}, x+h, ty, w-2*h-2, 1, v.Text(words))
	}
	p.loadline(x+w-h/2, y+h/2, h/2, v)
	return y + h + 1.5
}

// looks are how verdicts look. No two differ by colour alone.
var looks = map[glance.Verdict]struct {
	fill, text ink
	shape      func(p *pen, x, y, r float64, line, ground ink)
}{
	glance.Unlabelled: {pale, black, (*pen).ring},
	glance.Avoid:      {maroon, white, (*pen).octagon},
	glance.Check:      {amber, black, (*pen).triangle},
	glance.Good:       {blue, white, (*pen).tick},
}

func (p *pen) ring(x, y, r float64, line, ground ink) {
	p.disc(line, x, y, r)
	p.disc(ground, x, y, r*0.75)
}

func (p *pen) tick(x, y, r float64, line, ground ink) {
	p.disc(line, x, y, r)
	p.stroke(ground, point{x - 0.5*r, y}, point{x - 0.1*r, y + 0.45*r}, 0.22*r)
	p.stroke(ground, point{x - 0.17*r, y + 0.4*r}, point{x + 0.5*r, y - 0.4*r}, 0.22*r)
}

func (p *pen) triangle(x, y, r float64, line, ground ink) {
	p.polygon(line, point{x, y - r}, point{x + r, y + 0.8*r}, point{x - r, y + 0.8*r})
	p.box(ground, x-0.09*r, y-0.35*r, 0.18*r, 0.6*r)
	p.box(ground, x-0.09*r, y+0.4*r, 0.18*r, 0.18*r)
}

func (p *pen) octagon(x, y, r float64, line, ground ink) {
	const k = 0.4142 // half of a side, in radii of the inner circle
	p.polygon(line, point{x - k*r, y - r}, point{x + k*r, y - r}, point{x + r, y - k*r}, point{x + r, y + k*r},
		point{x + k*r, y + r}, point{x - k*r, y + r}, point{x - r, y + k*r}, point{x - r, y - k*r})
	p.stroke(ground, point{x - 0.4*r, y - 0.4*r}, point{x + 0.4*r, y + 0.4*r}, 0.2*r)
	p.stroke(ground, point{x - 0.4*r, y + 0.4*r}, point{x + 0.4*r, y - 0.4*r}, 0.2*r)
}

// loadline draws the mark of a ship’s hull, and where the water stands: high above the line is what to avoid. Without a
// verdict there is no water.
func (p *pen) loadline(x, y, r float64, v glance.Verdict) {
	p.disc(black, x, y, 0.8*r)
	p.disc(white, x, y, 0.62*r)
	p.box(black, x-r, y-0.07*r, 2*r, 0.14*r)
	level := map[glance.Verdict]float64{glance.Good: 0.75, glance.Check: 0.1, glance.Avoid: -0.75}
	if at, ok := level[v]; ok {
		p.polygon(black, point{x - r, y + at*r - 0.2*r}, point{x - 0.65*r, y + at*r}, point{x - r, y + at*r + 0.2*r})
		p.polygon(black, point{x + r, y + at*r - 0.2*r}, point{x + 0.65*r, y + at*r}, point{x + r, y + at*r + 0.2*r})
	}
}

// columns draws the facts from a number on, a language in each column, as large as there is room for.
func (p *pen) columns(x, y, w, h float64, s *label.Statement, words Words, from int) {
	column := (w - gutter) / 2
	size := 2.4
	for ; size > least && p.err == nil; size *= 0.97 {
		if p.tall(size, column, glance.Facts(s, words[0])[from:]) <= h && p.tall(size, column, glance.Facts(s, words[1])[from:]) <= h {
			break
		}
	}
	for i, w := range words {
		cx, cy := x+float64(i)*(column+gutter), y
		for _, f := range glance.Facts(s, w)[from:] {
			colour := black
			if !f.Known {
				colour = grey
			}
			cy = p.paragraph(black, face{p.bold, size}, cx, cy, column, 2, f.Name)
			cy = p.paragraph(colour, face{p.regular, size}, cx, cy, column, 9, f.Text) + 0.25*size
		}
		if cy > y+h+size {
			p.fail(fmt.Errorf("%s %s has more to say than there is room for", s.Maker, s.Model))
		}
	}
}

// tall is how high a column of facts becomes.
func (p *pen) tall(size, w float64, facts []glance.Fact) (h float64) {
	for _, f := range facts {
		lines := len(p.wrap(face{p.bold, size}, w, f.Name)) + len(p.wrap(face{p.regular, size}, w, f.Text))
		h += float64(lines)*1.25*size + 0.25*size
	}
	return h
}

// way draws the QR code with its lower left corner at (x, bottom), and beside it how to find the same by typing. It
// returns how high that is.
func (p *pen) way(x, bottom, right float64, s *label.Statement, day label.Day, link string, words Words) float64 {
	const room = 38
	side := p.code(x, bottom-p.measure(link), module, link)
	if side > room {
		p.fail(fmt.Errorf("the QR code is %.0f mm wide, and the tag has room for %d", side, room))
	}
	y := bottom - side + 1
	for _, w := range words {
		says := w.Text("label.print.asof", "day", w.Date(day.Time()))
		if day != s.Issued {
			says = w.Text("label.print.today", "day", w.Date(day.Time()))
		}
		y = p.paragraph(black, face{p.regular, 2.2}, x+side+0.5, y, right-x-side-0.5, 6, says) + 0.5
	}
	typed, _, _ := strings.Cut(link, "#")
	p.paragraph(black, face{p.bold, 2.2}, x+side+0.5, y, right-x-side-0.5, 3, strings.ToLower(strings.TrimPrefix(typed, "HTTPS://")))
	return side
}

// measure is how wide the QR code of a text will be.
func (p *pen) measure(text string) float64 {
	q := &pen{d: &Drawing{}}
	side := q.code(0, 0, module, text)
	p.fail(q.err)
	return side
}
