package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/norms"
)

// newNorms shows the catalogue of norms.
func newNorms(e env, words *locale.Catalogue) *cobra.Command {
	c := &cobra.Command{Use: "norms", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return wrongUsage("error.verb", "name", "norms "+args[0])
		}
		return c.Help()
	}}
	c.AddCommand(newNormsList(e, words), newNormsShow(e, words), newNormsMap(e, words))
	return c
}

func newNormsList(e env, words *locale.Catalogue) *cobra.Command {
	var filters []func(norms.Norm) bool
	c := newNormsVerb("list", e, words, func(p normsPage, args []string) error {
		if len(args) > 0 {
			return wrongUsage("error.norms.args", "name", args[0])
		}
		list := slices.Clone(p.catalogue.All())
		for _, keep := range filters {
			list = slices.DeleteFunc(list, func(n norms.Norm) bool { return !keep(n) })
		}
		return p.print(list, nil, p.list)
	})
	filter := func(flag string, allowed func(value string) bool, keep func(n norms.Norm, value string) bool) {
		c.Flags().Func(flag, "", func(value string) error {
			if !allowed(value) {
				return strconv.ErrSyntax
			}
			filters = append(filters, func(n norms.Norm) bool { return keep(n, value) })
			return nil
		})
	}
	oneOf := func(values ...string) func(string) bool {
		return func(value string) bool { return slices.Contains(values, value) }
	}
	filter("source", oneOf("etsi", "nist8425", "ota", "psti", "ctia", "owasp", "cra"),
		func(n norms.Norm, value string) bool { return prefix(n.ID) == value })
	filter("pillar", oneOf("labelling", "education", "resiliency"),
		func(n norms.Norm, value string) bool { return string(n.Pillar) == value })
	filter("assessment", oneOf("observe", "probe", "declare"),
		func(n norms.Norm, value string) bool {
			way := norms.Assessment(value)
			return n.Assessment == way || slices.Contains(n.Also, way)
		})
	filter("checked", oneOf("verified", "unverified", "text-missing"),
		func(n norms.Norm, value string) bool { return string(n.State) == value })
	return c
}

func newNormsShow(e env, words *locale.Catalogue) *cobra.Command {
	return newNormsVerb("show", e, words, func(p normsPage, ids []string) error {
		if len(ids) == 0 {
			return wrongUsage("error.norms.none")
		}
		var (
			list   []norms.Norm
			kernel []norms.Shared
		)
		for _, id := range ids {
			n, ok := p.catalogue.Norm(id)
			shared := p.catalogue.Kernel(id)
			switch {
			case ok:
				list = append(list, n)
			case id == "" || len(shared) == 0:
				return &fault{fs.ErrNotExist, "error.norms.unknown", []any{"name", id}}
			default:
				kernel = append(kernel, shared...)
			}
		}
		return p.print(list, kernel, p.show)
	})
}

func newNormsMap(e env, words *locale.Catalogue) *cobra.Command {
	return newNormsVerb("map", e, words, func(p normsPage, args []string) error {
		if len(args) > 0 {
			return wrongUsage("error.norms.args", "name", args[0])
		}
		kernel := p.catalogue.Kernel("")
		list := slices.DeleteFunc(slices.Clone(p.catalogue.All()), func(n norms.Norm) bool {
			return len(p.catalogue.Kernel(n.ID)) == 0
		})
		return p.print(list, kernel, p.table)
	})
}

// newNormsVerb is a verb that reads the catalogue, loaded for it.
func newNormsVerb(name string, e env, words *locale.Catalogue, run func(normsPage, []string) error) *cobra.Command {
	p := normsPage{env: e, words: words}
	c := &cobra.Command{Use: name, Args: cobra.ArbitraryArgs}
	c.Flags().BoolVar(&p.json, "json", false, "")
	c.RunE = func(_ *cobra.Command, args []string) (err error) {
		if p.catalogue, err = norms.Load(); err != nil {
			return err
		}
		p.w = bufio.NewWriter(p.out)
		return errors.Join(run(p, args), p.w.Flush())
	}
	return c
}

// prefix is the short name of a norm's source.
func prefix(id string) string {
	name, _, _ := strings.Cut(id, ".")
	return name
}

// normsSchema names the shape of normsResult, which schema/norms.json describes.
const normsSchema = "plimsoll.norms/1"

// normsResult is what the verbs print with --json.
type normsResult struct {
	Schema  string         `json:"schema"`
	Sources []norms.Source `json:"sources"` // of the norms
	Norms   []norms.Norm   `json:"norms"`
	Kernel  []norms.Shared `json:"kernel"` // what was asked for, and all that the norms have part in
}

// normsPage writes a part of the catalogue, for people or for programs.
type normsPage struct {
	env
	words     *locale.Catalogue
	json      bool
	catalogue *norms.Catalogue
	w         *bufio.Writer // keeps its first error for Flush
}

// print writes norms and kernel norms in the form that was asked for.
func (p *normsPage) print(list []norms.Norm, kernel []norms.Shared, page func([]norms.Norm, []norms.Shared)) error {
	if !p.json {
		page(list, kernel)
		return nil
	}
	r := normsResult{normsSchema, []norms.Source{}, list, []norms.Shared{}}
	if r.Norms == nil {
		r.Norms = []norms.Norm{}
	}
	for _, s := range p.catalogue.Sources() {
		if slices.ContainsFunc(list, func(n norms.Norm) bool { return n.Source == s.ID }) {
			r.Sources = append(r.Sources, s)
		}
	}
	for _, k := range p.catalogue.Kernel("") {
		if slices.ContainsFunc(kernel, func(asked norms.Shared) bool { return asked.ID == k.ID }) ||
			slices.ContainsFunc(list, func(n norms.Norm) bool { return slices.Contains(k.Norms, n.ID) }) {
			r.Kernel = append(r.Kernel, k)
		}
	}
	out := json.NewEncoder(p.w)
	out.SetEscapeHTML(false)
	return out.Encode(r)
}

func (p *normsPage) in(w norms.Words) string { return w.In(string(p.words.Lang())) }

func (p *normsPage) line(parts ...string) {
	for _, s := range parts {
		p.w.WriteString(s)
	}
	p.w.WriteByte('\n')
}

// pageWidth is how wide a page for people may be, in characters.
const pageWidth = 80

// fold writes text as a paragraph: its first line after indent, the others after hang.
func (p *normsPage) fold(indent, hang, text string) {
	p.line(indent, strings.Join(folded(text, pageWidth-len(indent), pageWidth-len(hang)), "\n"+hang))
}

// folded is text in lines of at most those many characters, a longer word aside. No-break spaces are kept.
func folded(text string, first, others int) []string {
	lines, width := []string{""}, 0
	for _, word := range strings.Split(text, " ") {
		n := utf8.RuneCountInString(word)
		limit := others
		if len(lines) == 1 {
			limit = first
		}
		last := len(lines) - 1
		switch {
		case width == 0:
			lines[last], width = word, n
		case width+1+n > limit:
			lines, width = append(lines, word), n
		default:
			lines[last] += " " + word
			width += 1 + n
		}
	}
	return lines
}

// levelMarks are the levels in one character.
var levelMarks = map[norms.Level]string{
	norms.Mandatory: "M", norms.Recommended: "R", norms.Outcome: "O", norms.OTARequired: "M", norms.OTAAdvised: "R",
	norms.Category1: "1", norms.Category2: "2", norms.Category3: "3", norms.Risk: "!", norms.LevelUnknown: " ",
}

// mark says that an entry was not wholly checked.
func mark(n *norms.Norm) string {
	if n.State == norms.Verified {
		return " "
	}
	return "?"
}

// list writes a line for each norm, by source.
func (p *normsPage) list(list []norms.Norm, _ []norms.Shared) {
	source, unchecked := "", 0
	for i := range list {
		n := &list[i]
		if n.Source != source {
			if source != "" {
				p.line()
			}
			source = n.Source
			s, _ := p.catalogue.Source(source)
			p.fold("", "  ", p.in(s.Title)+", "+s.Edition+" ("+p.in(s.Publisher)+")")
		}
		if n.State != norms.Verified {
			unchecked++
		}
		p.line(pad(n.ID, 15), " ", levelMarks[n.Status.Level], " ", mark(n), " ", p.in(n.Title))
	}
	if len(list) > 0 {
		p.line()
	}
	p.fold("", "", p.words.Text("norms.count", "n", len(list))+" "+p.words.Text("norms.unchecked", "n", unchecked))
	if len(list) > 0 {
		p.fold("", "", p.words.Text("norms.legend"))
	}
}

// show writes norms whole.
func (p *normsPage) show(list []norms.Norm, kernel []norms.Shared) {
	for i := range list {
		if i > 0 {
			p.line()
		}
		p.norm(&list[i])
	}
	for i := range kernel {
		if i > 0 || len(list) > 0 {
			p.line()
		}
		p.shared(&kernel[i])
	}
}

// entry writes one thing that is known of a norm.
func (p *normsPage) entry(key string, args ...any) {
	p.fold("  ", "    ", p.words.Text("norms."+key, args...))
}

func (p *normsPage) norm(n *norms.Norm) {
	s, _ := p.catalogue.Source(n.Source)
	p.fold(n.ID+"  ", "  ", p.in(n.Title))
	p.fold("  ", "  ", p.in(n.Text))
	if n.Reason != nil {
		p.entry("state."+string(n.State), "reason", p.in(*n.Reason))
	}
	p.line()
	p.entry("source", "title", p.in(s.Title), "edition", s.Edition, "publisher", p.in(s.Publisher), "number", n.SourceID)
	status := p.words.Text("norms.level." + strings.ToLower(string(n.Status.Level)))
	if n.Status.Level == norms.Mandatory || n.Status.Level == norms.Recommended {
		status += " (" + n.Status.String() + ")"
	}
	p.entry("status", "status", status)
	if n.Status.From != "" {
		p.entry("from", "date", n.Status.From)
	}
	for _, key := range n.Status.Conditions {
		p.entry("condition", "key", key, "text", p.in(s.Conditions[key]))
	}
	for _, key := range n.Status.Features {
		p.entry("feature", "key", key, "text", p.in(s.Features[key]))
	}
	for _, h := range n.History {
		if h.Absent {
			p.entry("former.absent", "edition", h.Edition)
		} else {
			p.entry("former", "edition", h.Edition, "number", h.SourceID, "status", h.Status)
		}
	}
	if n.State == norms.TextMissing {
		p.fold("  ", "    ", p.in(n.How))
	} else {
		p.assessed(n)
	}
	var shared []string
	for _, k := range p.catalogue.Kernel(n.ID) {
		others := slices.DeleteFunc(slices.Clone(k.Norms), func(id string) bool { return id == n.ID })
		shared = append(shared, others...)
		p.entry("kernel", "title", p.in(k.Title), "id", k.ID, "list", strings.Join(others, ", "))
		p.members(&k)
	}
	related := slices.DeleteFunc(p.catalogue.Relatives(n.ID), func(id string) bool { return slices.Contains(shared, id) })
	if len(related) > 0 {
		p.entry("related", "list", strings.Join(related, ", "))
	}
	var basis []string
	for _, r := range s.References {
		if slices.Contains(n.Sources, r.ID) {
			basis = append(basis, p.in(r.Text))
		}
	}
	p.entry("basis", "list", strings.Join(basis, "; "))
	p.entry("where", "url", s.URL)
}

// assessed writes how one finds out whether a norm is met.
func (p *normsPage) assessed(n *norms.Norm) {
	p.entry("pillar", "pillar", p.words.Text("norms.pillar."+string(n.Pillar)))
	ways := []string{p.words.Text("norms.assessment." + string(n.Assessment))}
	for _, way := range n.Also {
		ways = append(ways, p.words.Text("norms.assessment."+string(way)))
	}
	p.entry("how", "ways", ways, "text", p.in(n.How))
	p.entry("channel", "channel", p.words.Text("norms.channel."+string(n.Channel)))
	p.entry("evidence", "power", p.words.Text("norms.evidence."+string(n.Evidence)))
}

func (p *normsPage) shared(k *norms.Shared) {
	p.fold(k.ID+"  ", "  ", p.in(k.Title))
	p.fold("  ", "  ", p.in(k.Text))
	p.line()
	for _, id := range k.Norms {
		n, _ := p.catalogue.Norm(id)
		p.line("  ", pad(id, 15), " ", mark(&n), " ", p.in(n.Title))
	}
	p.members(k)
	if k.Note != nil {
		p.fold("  ", "  ", p.in(*k.Note))
	}
}

// members names what CTA-2120 has for a kernel norm.
func (p *normsPage) members(k *norms.Shared) {
	if len(k.CTA) > 0 {
		p.entry("members", "list", strings.Join(k.CTA, ", "))
	}
}

// table writes the kernel: a row for each of its norms, a column for each source.
func (p *normsPage) table(_ []norms.Norm, kernel []norms.Shared) {
	head, columns := []string{p.words.Text("norms.asked")}, []int{0}
	for _, n := range p.catalogue.All() {
		if name := prefix(n.ID); name != head[len(head)-1] {
			head, columns = append(head, name), append(columns, len(name))
		}
	}
	rows := [][][]string{} // of rows, of cells, of lines
	for i := range kernel {
		cells := make([][]string, len(head))
		for _, id := range kernel[i].Norms {
			n, _ := p.catalogue.Norm(id)
			column := slices.Index(head, prefix(id))
			cell := strings.TrimPrefix(id, prefix(id)+".") + strings.TrimSpace(mark(&n))
			cells[column] = append(cells[column], cell)
			columns[column] = max(columns[column], len(cell))
		}
		rows = append(rows, cells)
	}
	columns[0] = pageWidth
	for _, width := range columns[1:] {
		columns[0] -= width + 1
	}
	p.row(head, columns)
	for i, cells := range rows {
		k := &kernel[i]
		cells[0] = folded(p.in(k.Title), columns[0], columns[0])
		if len(k.CTA) > 0 {
			for _, line := range folded(strings.Join(k.CTA, " "), columns[0]-2, columns[0]-2) {
				cells[0] = append(cells[0], "  "+line)
			}
		}
		p.line()
		for line := range slices.MaxFunc(cells, func(a, b []string) int { return len(a) - len(b) }) {
			texts := make([]string, len(cells))
			for c := range cells {
				if line < len(cells[c]) {
					texts[c] = cells[c][line]
				}
			}
			p.row(texts, columns)
		}
	}
	p.line()
	p.fold("", "", p.words.Text("norms.map.legend"))
}

// row writes the cells of a line under each other's.
func (p *normsPage) row(cells []string, columns []int) {
	line := ""
	for i, cell := range cells {
		line += pad(cell, columns[i]) + " "
	}
	p.line(strings.TrimRight(line, " "))
}

// pad fills s with spaces.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
