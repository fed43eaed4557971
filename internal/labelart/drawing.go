// Package labelart draws the printed forms of a label: the tag of a shop’s shelf, the mark on a pack, and the sticker on
// the body of a device, as SVG and PDF. The facts that matter are printed, not only behind the code; and letters are
// drawn as shapes, so that every printer puts the same on paper.
package labelart

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Drawing is what is to be printed: shapes on a sheet, in millimetres from its upper left corner.
type Drawing struct {
	Width, Height float64
	Title, Says   string // what it is, and all that it says, for who cannot see it
	shapes        []shape
}

// shape is a path, filled with a colour.
type shape struct {
	fill ink
	path []step
}

type ink [3]uint8

// step is one of a path: a point to go to, to draw a line to, or, with two control points, a curve; or the end of it.
type step struct {
	op     byte // M, L, C or Z
	points [3]point
}

type point struct{ x, y float64 }

// SVG is the drawing for a screen or a printer.
func (d *Drawing) SVG() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%smm" height="%smm" viewBox="0 0 %s %s" role="img" aria-labelledby="label-title label-says">`+"\n",
		millimetres(d.Width), millimetres(d.Height), millimetres(d.Width), millimetres(d.Height))
	fmt.Fprintf(&b, "<title id=\"label-title\">%s</title>\n<desc id=\"label-says\">%s</desc>\n", html.EscapeString(d.Title), html.EscapeString(d.Says))
	for _, s := range d.shapes {
		fmt.Fprintf(&b, `<path fill="#%02x%02x%02x" d="`, s.fill[0], s.fill[1], s.fill[2])
		for _, t := range s.path {
			b.WriteByte(t.op)
			for i, p := range t.points[:operands[t.op]] {
				if i > 0 {
					b.WriteByte(' ')
				}
				b.WriteString(millimetres(p.x) + " " + millimetres(p.y))
			}
		}
		b.WriteString("\"/>\n")
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// operands are how many points a step has.
var operands = map[byte]int{'M': 1, 'L': 1, 'C': 3, 'Z': 0}

func millimetres(x float64) string {
	s := strconv.FormatFloat(x, 'f', 3, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// pointsPerMillimetre turns millimetres into the points of PDF: 72 an inch.
const pointsPerMillimetre = 72 / 25.4

// PDF is the drawing as a document of one page (ISO 32000-1), in the true size.
func (d *Drawing) PDF() ([]byte, error) {
	var page bytes.Buffer
	z := zlib.NewWriter(&page)
	fmt.Fprintf(z, "%.5f 0 0 %.5f 0 %.3f cm\n", pointsPerMillimetre, -pointsPerMillimetre, d.Height*pointsPerMillimetre) // y goes down here, up there
	for _, s := range d.shapes {
		fmt.Fprintf(z, "%.4f %.4f %.4f rg\n", float64(s.fill[0])/255, float64(s.fill[1])/255, float64(s.fill[2])/255)
		for _, t := range s.path {
			for _, p := range t.points[:operands[t.op]] {
				fmt.Fprintf(z, "%s %s ", millimetres(p.x), millimetres(p.y))
			}
			fmt.Fprintln(z, pdfOperators[t.op])
		}
		fmt.Fprintln(z, "f")
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("pack the page: %w", err)
	}
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /DisplayDocTitle true >> >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %.3f %.3f] /Resources << >> /Contents 4 0 R >>", d.Width*pointsPerMillimetre, d.Height*pointsPerMillimetre),
		fmt.Sprintf("<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream", page.Len(), page.Bytes()),
		fmt.Sprintf("<< /Title %s /Subject %s /Producer (Plimsoll) >>", pdfText(d.Title), pdfText(d.Says)),
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R /Info 5 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table)
	return b.Bytes(), nil
}

var pdfOperators = map[byte]string{'M': "m", 'L': "l", 'C': "c", 'Z': "h"}

// pdfText is a text string: UTF-16, big-endian, in hexadecimal (ISO 32000-1 §7.9.2.2).
func pdfText(s string) string {
	var b strings.Builder
	b.WriteString("<FEFF")
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", u)
	}
	b.WriteByte('>')
	return b.String()
}
