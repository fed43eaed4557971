// Package qr draws QR codes and reads them from pictures (ISO/IEC 18004), and bar codes of products (ISO/IEC 15420).
package qr

import (
	"fmt"
	"html"
	"strings"

	"rsc.io/qr"
	"rsc.io/qr/coding"
)

// quiet is how many modules around a code must stay white (ISO/IEC 18004 §6.3.8).
const quiet = 4

// Code is a drawing of one QR code.
type Code struct{ code *qr.Code }

// scale is how many pixels a module has in a picture.
const scale = 8

// Encode makes the code of a text, with the redundancy of level M: 15 % of it may be lost.
func Encode(text string) (*Code, error) {
	if len(text) > most {
		return nil, fmt.Errorf("text of %d octets as a QR code: no code holds so much", len(text))
	}
	parts := segments(text)
	for v := coding.Version(coding.MinVersion); v <= coding.MaxVersion; v++ {
		bits := 0
		for _, p := range parts {
			bits += p.Bits(v)
		}
		if bits > v.DataBytes(coding.M)*8 {
			continue
		}
		plan, err := coding.NewPlan(v, coding.M, 0)
		if err != nil {
			return nil, fmt.Errorf("text of %d octets as a QR code: %w", len(text), err)
		}
		c, err := plan.Encode(parts...)
		if err != nil {
			return nil, fmt.Errorf("text of %d octets as a QR code: %w", len(text), err)
		}
		return &Code{&qr.Code{Bitmap: c.Bitmap, Size: c.Size, Stride: c.Stride, Scale: scale}}, nil
	}
	return nil, fmt.Errorf("text of %d octets as a QR code: no code holds so much", len(text))
}

// most is how many digits the largest code holds.
const most = 7089

// worth is how many characters of a denser kind are worth a segment of their own, whose head takes some 20 bits.
const worth = 16

// segments takes a text apart by how its characters can be packed: 10 bits for three digits, 11 for two of the
// alphanumeric characters, 8 for any octet (ISO/IEC 18004 §7.4).
func segments(text string) (list []coding.Encoding) {
	for len(text) > 0 {
		digits, alpha := run(text, func(s string) bool { return coding.Num(s).Check() == nil }), run(text, func(s string) bool { return coding.Alpha(s).Check() == nil })
		switch {
		case digits >= worth || digits == len(text):
			list, text = append(list, coding.Num(text[:digits])), text[digits:]
			continue
		case alpha >= worth || alpha == len(text):
			list, text = append(list, coding.Alpha(text[:alpha])), text[alpha:]
			continue
		}
		n := max(1, alpha) // octets, up to where something denser begins
		for n < len(text) {
			if rest := text[n:]; run(rest, func(s string) bool { return coding.Alpha(s).Check() == nil }) >= worth {
				break
			}
			n++
		}
		list, text = append(list, coding.String(text[:n])), text[n:]
	}
	return list
}

// run is how many characters at the beginning of a text are of a kind.
func run(text string, of func(string) bool) (n int) {
	for n < len(text) && of(text[n:n+1]) {
		n++
	}
	return n
}

// Dark reports whether a module is dark, counted from the upper left.
func (c *Code) Dark(x, y int) bool { return c.code.Black(x, y) }

// Size is how many modules wide and high the code is, without the white around it.
func (c *Code) Size() int { return c.code.Size }

// PNG is a picture of it, 8 pixels a module.
func (c *Code) PNG() []byte {
	return c.code.PNG()
}

// SVG is a drawing of it, in black on white. title and description are for who cannot see it.
func (c *Code) SVG(title, description string) string {
	n := c.code.Size + 2*quiet
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="qr-title qr-desc" shape-rendering="crispEdges">`+"\n", n, n, 8*n, 8*n)
	fmt.Fprintf(&b, "<title id=\"qr-title\">%s</title>\n<desc id=\"qr-desc\">%s</desc>\n", html.EscapeString(title), html.EscapeString(description))
	fmt.Fprintf(&b, "<path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>\n<path fill=\"#000\" d=\"", n, n)
	for y := range c.code.Size {
		for x := 0; x < c.code.Size; x++ {
			if !c.code.Black(x, y) {
				continue
			}
			from := x
			for x < c.code.Size && c.code.Black(x, y) {
				x++
			}
			fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
		}
	}
	b.WriteString("\"/>\n</svg>\n")
	return b.String()
}

// Text draws it with characters, two modules in each, for a terminal: what is white in the code is drawn, so that it
// can be read where letters are light on dark.
func (c *Code) Text() string {
	var b strings.Builder
	white := func(x, y int) bool { return !c.code.Black(x, y) } // beyond the edges, too
	for y := -quiet; y < c.code.Size+quiet; y += 2 {
		for x := -quiet; x < c.code.Size+quiet; x++ {
			switch top, bottom := white(x, y), white(x, y+1); {
			case top && bottom:
				b.WriteString("█")
			case top:
				b.WriteString("▀")
			case bottom:
				b.WriteString("▄")
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
