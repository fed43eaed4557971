package mud

import (
	"cmp"
	"fmt"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Title is what to call the device: the maker's and model's names, else systeminfo, else the MUD URL. It has no characters that
// move a terminal or turn text around.
func (f *File) Title() string {
	name := strings.TrimSpace(plain(f.MfgName) + " " + plain(f.ModelName))
	return cmp.Or(name, strings.TrimSpace(plain(f.SystemInfo)), plain(f.URL))
}

// plain is s without control and formatting characters, cut at 120 characters.
func plain(s string) string {
	s = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsPrint(c):
			return c
		case unicode.IsSpace(c):
			return ' '
		}
		return unicode.ReplacementChar
	}, s)
	return short(s, 120)
}

// short is s, cut to n characters.
func short(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// The layout of the picture, in pixels.
const (
	rowHeight   = 46
	pictureTop  = 20
	deviceWidth = 190
	arrowWidth  = 330
	peerWidth   = 360
	margin      = 12
	totalWidth  = 2*margin + deviceWidth + arrowWidth + peerWidth
)

// SVG draws who may talk to whom: the device at the left, each peer at the right, an arrow from who may begin. What the file
// forbids has a broken line and a cross. A title and a description say the same to who cannot see it. It uses the
// colours of its surroundings, and no script, style or link.
func (f *File) SVG(w Words) string {
	list := f.Permissions()
	height := 2*pictureTop + max(1, len(list))*rowHeight
	var b strings.Builder
	title := w.Text("mud.show.picture", "name", f.Title())
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="mud-title mud-desc" font-family="system-ui, sans-serif" font-size="13" fill="currentColor" stroke="none">`+"\n",
		totalWidth, height, totalWidth, height)
	fmt.Fprintf(&b, "<title id=\"mud-title\">%s</title>\n<desc id=\"mud-desc\">%s</desc>\n", html.EscapeString(title), html.EscapeString(f.Describe(w)))
	box(&b, margin, pictureTop, deviceWidth, height-2*pictureTop-8)
	words(&b, margin+deviceWidth/2, height/2, "middle", short(f.Title(), 24))
	if len(list) == 0 {
		words(&b, margin+deviceWidth+20, height/2, "start", w.Text("mud.show.nothing"))
	}
	for i, p := range list {
		y := pictureTop + i*rowHeight
		middle := y + rowHeight/2 - 4
		left, right := margin+deviceWidth, margin+deviceWidth+arrowWidth
		box(&b, right, y, peerWidth, rowHeight-8)
		words(&b, right+10, middle+5, "start", short(p.Peer.Text(w), 50))
		dash := ""
		if !p.Allowed {
			dash = ` stroke-dasharray="6 5"`
		}
		fmt.Fprintf(&b, `<path d="M%d %dH%d" stroke="currentColor" stroke-width="1.5"%s/>`+"\n", left, middle, right, dash)
		if p.Starts == DeviceStarts || p.Starts == EitherStarts {
			fmt.Fprintf(&b, `<path d="M%d %dl-9 -5v10z"/>`+"\n", right, middle)
		}
		if p.Starts != DeviceStarts {
			fmt.Fprintf(&b, `<path d="M%d %dl9 -5v10z"/>`+"\n", left, middle)
		}
		if !p.Allowed {
			x := (left + right) / 2
			fmt.Fprintf(&b, `<path d="M%d %dl12 12m0 -12l-12 12" stroke="currentColor" stroke-width="2.5"/>`+"\n", x-6, middle-6)
		}
		var names []string
		for _, s := range p.Services {
			names = append(names, s.Text(w))
		}
		words(&b, left+14, middle-5, "start", short(strings.Join(names, ", "), 46))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func box(b *strings.Builder, x, y, w, h int) {
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" rx="6" fill="none" stroke="currentColor" stroke-width="1.5"/>`+"\n", x, y, w, h)
}

func words(b *strings.Builder, x, y int, anchor, s string) {
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="%s">%s</text>`+"\n", x, y, anchor, html.EscapeString(plain(s)))
}

// Describe says in plain words what the file allows and forbids, line by line.
func (f *File) Describe(w Words) string {
	list := f.Permissions()
	if len(list) == 0 {
		return w.Text("mud.show.nothing") + "\n"
	}
	var b strings.Builder
	heading := ""
	for _, p := range list {
		if h := w.Text(p.Heading()); h != heading {
			heading = h
			b.WriteString(h + "\n")
		}
		b.WriteString("  " + line(p.Text(w)) + "\n")
	}
	return b.String()
}

// line is s without what would break a line or move a terminal.
func line(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) || unicode.Is(unicode.Zs, c) {
			return c
		}
		return unicode.ReplacementChar
	}, s)
}

// Heading is the key of what is said of a permission.
func (p Permission) Heading() string {
	if p.Allowed {
		return "mud.show.may." + string(p.Starts)
	}
	return "mud.show.maynot." + string(p.Starts)
}

// HTML is a page of its own, with the picture and the same as a table. lang is its language: en or fr.
func (f *File) HTML(w Words, lang string) string {
	var b strings.Builder
	e := html.EscapeString
	title := w.Text("mud.show.picture", "name", f.Title())
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>%s</title>\n", e(lang), e(title))
	b.WriteString("<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}" +
		"svg{max-width:100%;height:auto}table{border-collapse:collapse}th,td{text-align:left;vertical-align:top;padding:.3rem 1rem .3rem 0;border-bottom:1px solid}</style>\n</head>\n<body>\n<main>\n")
	fmt.Fprintf(&b, "<h1>%s</h1>\n", e(title))
	fmt.Fprintf(&b, "<p>%s</p>\n", e(w.Text("mud.show.from", "url", plain(f.URL))))
	if !f.IsSupported {
		fmt.Fprintf(&b, "<p><strong>%s</strong></p>\n", e(w.Text("mud.problem.support.ended")))
	}
	b.WriteString(f.SVG(w))
	fmt.Fprintf(&b, "<table>\n<caption>%s</caption>\n<thead><tr><th scope=\"col\">%s</th><th scope=\"col\">%s</th><th scope=\"col\">%s</th></tr></thead>\n<tbody>\n",
		e(title), e(w.Text("mud.show.column.what")), e(w.Text("mud.show.column.who")), e(w.Text("mud.show.column.about")))
	for _, p := range f.Permissions() {
		var names []string
		for _, s := range p.Services {
			names = append(names, s.Text(w))
		}
		fmt.Fprintf(&b, "<tr><td>%s</td><td>%s</td><td>%s</td></tr>\n", e(strings.TrimRight(w.Text(p.Heading()), "\u00a0:")), e(plain(p.Peer.Text(w))), e(strings.Join(names, ", ")))
	}
	fmt.Fprintf(&b, "</tbody>\n</table>\n<p>%s</p>\n</main>\n</body>\n</html>\n", e(w.Text("mud.show.defaults")))
	return b.String()
}

// Dot is a graph for Graphviz.
func (f *File) Dot(w Words) string {
	var b strings.Builder
	quote := func(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(line(s)) + `"` }
	b.WriteString("digraph mud {\n  rankdir=LR;\n  node [shape=box];\n")
	fmt.Fprintf(&b, "  device [label=%s, style=bold];\n", quote(f.Title()))
	nodes := map[Peer]int{}
	for _, p := range f.Permissions() {
		n, ok := nodes[p.Peer]
		if !ok {
			n = len(nodes)
			nodes[p.Peer] = n
			fmt.Fprintf(&b, "  p%d [label=%s];\n", n, quote(p.Peer.Text(w)))
		}
		var names []string
		for _, s := range p.Services {
			names = append(names, s.Text(w))
		}
		direction := map[Starts]string{DeviceStarts: "forward", PeerStarts: "back", EitherStarts: "both", AnswersOnly: "back"}[p.Starts]
		style := "solid"
		if !p.Allowed {
			style = "dashed"
		}
		fmt.Fprintf(&b, "  device -> p%d [dir=%s, style=%s, label=%s];\n", n, direction, style, quote(strings.Join(names, ", ")))
	}
	b.WriteString("}\n")
	return b.String()
}
