package labelart

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	"plimsoll.example/plimsoll/internal/qr"
)

// ErrLetter is the cause where a text has a letter that cannot be drawn: the typeface has Latin, Greek and Cyrillic.
var ErrLetter = errors.New("has a letter that cannot be printed: write it in Latin, Greek or Cyrillic letters")

// The colours of states differ in lightness too, and none stands alone: a word and a shape say the same.
var (
	black  = ink{0x1b, 0x1b, 0x1b}
	grey   = ink{0x55, 0x5b, 0x63}
	white  = ink{0xff, 0xff, 0xff}
	blue   = ink{0x0b, 0x5f, 0xa5}
	amber  = ink{0xff, 0xc2, 0x47}
	maroon = ink{0x8e, 0x1b, 0x1b}
	pale   = ink{0xdd, 0xe3, 0xea}
)

// pen draws. The first error stays, and nothing is drawn after it.
type pen struct {
	d             *Drawing
	regular, bold *sfnt.Font
	buf           sfnt.Buffer
	says          []string
	err           error
}

func newPen(width, height float64) *pen {
	p := &pen{d: &Drawing{Width: width, Height: height}}
	if p.regular, p.err = sfnt.Parse(goregular.TTF); p.err == nil {
		p.bold, p.err = sfnt.Parse(gobold.TTF)
	}
	p.box(white, 0, 0, width, height)
	return p
}

func (p *pen) done(title string) (*Drawing, error) {
	p.d.Title, p.d.Says = title, strings.Join(p.says, "\n")
	return p.d, p.err
}

func (p *pen) fill(c ink, path ...step) { p.d.shapes = append(p.d.shapes, shape{c, path}) }

func (p *pen) box(c ink, x, y, w, h float64) {
	p.polygon(c, point{x, y}, point{x + w, y}, point{x + w, y + h}, point{x, y + h})
}

func (p *pen) polygon(c ink, points ...point) { p.fill(c, outline(points)...) }

func outline(points []point) (path []step) {
	for i, at := range points {
		op := byte('L')
		if i == 0 {
			op = 'M'
		}
		path = append(path, step{op, [3]point{at}})
	}
	return append(path, step{op: 'Z'})
}

// disc is a circle of four curves.
func (p *pen) disc(c ink, x, y, r float64) {
	const k = 0.5522847498 // of the radius: how far the control points are, for the least error
	q := k * r
	p.fill(c, step{'M', [3]point{{x + r, y}}},
		step{'C', [3]point{{x + r, y + q}, {x + q, y + r}, {x, y + r}}}, step{'C', [3]point{{x - q, y + r}, {x - r, y + q}, {x - r, y}}},
		step{'C', [3]point{{x - r, y - q}, {x - q, y - r}, {x, y - r}}}, step{'C', [3]point{{x + q, y - r}, {x + r, y - q}, {x + r, y}}}, step{op: 'Z'})
}

// stroke is a straight line of a thickness.
func (p *pen) stroke(c ink, from, to point, thick float64) {
	length := math.Hypot(to.x-from.x, to.y-from.y)
	dx, dy := (to.y-from.y)/length*thick/2, (from.x-to.x)/length*thick/2
	p.polygon(c, point{from.x + dx, from.y + dy}, point{to.x + dx, to.y + dy}, point{to.x - dx, to.y - dy}, point{from.x - dx, from.y - dy})
}

// face is a typeface in a size: millimetres from line to line are 1.25 times that.
type face struct {
	font *sfnt.Font
	size float64
}

// units are those in which the letters of a face are measured.
const units = 2048

// width is how wide a text is, in millimetres.
func (p *pen) width(f face, text string) (w float64) {
	for _, r := range text {
		i, err := f.font.GlyphIndex(&p.buf, r)
		if err != nil || i == 0 {
			p.fail(fmt.Errorf("%.80q %w (%c)", text, ErrLetter, r))
			return 0
		}
		a, err := f.font.GlyphAdvance(&p.buf, i, fixed.I(units), font.HintingNone)
		p.fail(err)
		w += float64(a) / 64 / units * f.size
	}
	return w
}

func (p *pen) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// line draws one line of text, whose letters stand on y.
func (p *pen) line(c ink, f face, x, y float64, text string) {
	var path []step
	for _, r := range text {
		i, err := f.font.GlyphIndex(&p.buf, r)
		if err != nil || i == 0 {
			p.fail(fmt.Errorf("%.80q %w (%c)", text, ErrLetter, r))
			return
		}
		segments, err := f.font.LoadGlyph(&p.buf, i, fixed.I(units), nil)
		if err != nil {
			p.fail(fmt.Errorf("draw %c: %w", r, err))
			return
		}
		at := func(q fixed.Point26_6) point {
			return point{x + float64(q.X)/64/units*f.size, y + float64(q.Y)/64/units*f.size}
		}
		var here point
		for n, s := range segments {
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				if n > 0 {
					path = append(path, step{op: 'Z'})
				}
				here = at(s.Args[0])
				path = append(path, step{'M', [3]point{here}})
			case sfnt.SegmentOpLineTo:
				here = at(s.Args[0])
				path = append(path, step{'L', [3]point{here}})
			case sfnt.SegmentOpQuadTo: // as a curve of the third degree
				q, end := at(s.Args[0]), at(s.Args[1])
				path = append(path, step{'C', [3]point{
					{here.x + 2*(q.x-here.x)/3, here.y + 2*(q.y-here.y)/3}, {end.x + 2*(q.x-end.x)/3, end.y + 2*(q.y-end.y)/3}, end,
				}})
				here = end
			case sfnt.SegmentOpCubeTo:
				here = at(s.Args[2])
				path = append(path, step{'C', [3]point{at(s.Args[0]), at(s.Args[1]), here}})
			}
		}
		if len(segments) > 0 {
			path = append(path, step{op: 'Z'})
		}
		x += p.width(f, string(r))
	}
	if len(path) > 0 {
		p.fill(c, path...)
	}
}

// paragraph draws a text in lines that fit into w, the first at y below which the letters begin, and returns where the
// next begins. With more than most lines it is drawn smaller, until it fits or nobody could read it.
func (p *pen) paragraph(c ink, f face, x, y, w float64, most int, text string) float64 {
	p.says = append(p.says, text)
	lines := p.wrap(f, w, text)
	for len(lines) > most && f.size > least {
		f.size *= 0.95
		lines = p.wrap(f, w, text)
	}
	if len(lines) > most {
		p.fail(fmt.Errorf("%.80q is too long to be printed", text))
		return y
	}
	for _, l := range lines {
		p.line(c, f, x, y+f.size, l)
		y += 1.25 * f.size
	}
	return y
}

// least is the smallest size of letters that is printed, millimetres: about five points.
const least = 1.7

// wrap breaks a text at its spaces. A word that is too long for a line is broken where it must be.
func (p *pen) wrap(f face, w float64, text string) (lines []string) {
	line := ""
	for _, word := range strings.Split(text, " ") {
		for p.err == nil && p.width(f, word) > w {
			n := 0
			for i := range word {
				if i > 0 && p.width(f, word[:i]) > w {
					break
				}
				n = i
			}
			if n == 0 {
				break
			}
			if line != "" {
				lines, line = append(lines, line), ""
			}
			lines, word = append(lines, word[:n]), word[n:]
		}
		switch {
		case line == "":
			line = word
		case p.width(f, line+" "+word) <= w:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// code draws a QR code with the white around it that readers need, and returns how wide it is.
func (p *pen) code(x, y, module float64, text string) float64 {
	c, err := qr.Encode(text)
	if err != nil {
		p.fail(err)
		return 0
	}
	const quiet = 4
	var path []step
	for row := range c.Size() {
		for col := 0; col < c.Size(); col++ {
			from := col
			for col < c.Size() && c.Dark(col, row) {
				col++
			}
			if col > from {
				l, t := x+float64(from+quiet)*module, y+float64(row+quiet)*module
				r, b := x+float64(col+quiet)*module, t+module
				path = append(path, outline([]point{{l, t}, {r, t}, {r, b}, {l, b}})...)
			}
		}
	}
	side := float64(c.Size()+2*quiet) * module
	p.box(white, x, y, side, side)
	p.fill(ink{}, path...)
	return side
}
