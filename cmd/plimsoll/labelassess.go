//go:build !gateway

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/assess"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

// maxEvidence bounds a file of evidence, octets.
const maxEvidence = 64 << 20

// assessment is what the flags of label assess say.
type assessment struct {
	env
	words                     *locale.Catalogue
	product, declaration, lab string
	device                    frame.MAC
	json                      bool
	out                       string
	fails                     bool
	failOn                    finding.Severity
}

func newLabelAssess(e env, words *locale.Catalogue) *cobra.Command {
	in := assessment{env: e, words: words}
	c := &cobra.Command{Use: "assess", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, files []string) error {
		switch {
		case in.product == "":
			return wrongUsage("error.assess.product")
		case in.json && in.out == "-":
			return wrongUsage("error.assess.stdout")
		}
		return in.run(files)
	}}
	f := c.Flags()
	f.StringVar(&in.product, "product", "", "")
	f.StringVar(&in.declaration, "declaration", "", "")
	f.StringVar(&in.lab, "lab", "", "")
	deviceFlag(f, &in.device)
	f.BoolVar(&in.json, "json", false, "")
	f.StringVar(&in.out, "out", "", "")
	f.Func("fail-on", "", func(s string) error {
		in.fails = true
		return in.failOn.UnmarshalText([]byte(s))
	})
	return c
}

// read reads all files: the product, what its maker declares, and the evidence.
func (in *assessment) read(files []string) (*assess.Input, error) {
	unusable := func(name string, err error) error {
		return &fault{key: "error.assess.file", args: []any{"name", name, "cause", err.Error()}}
	}
	data, err := in.readInput(in.product, maxLabel)
	if err != nil {
		return nil, err
	}
	input := &assess.Input{Lab: in.lab}
	if input.Product, err = assess.ParseProduct(data); err != nil {
		return nil, unusable(in.product, err)
	}
	if input.Catalogue, err = norms.Load(); err != nil {
		return nil, err
	}
	if in.declaration != "" {
		files = slices.Concat([]string{in.declaration}, files)
	}
	mac := ""
	if !in.device.IsZero() {
		mac = in.device.String()
	}
	for i, name := range files {
		if data, err = in.readInput(name, maxEvidence); err != nil {
			return nil, err
		}
		e, err := assess.ParseEvidence(name, data)
		if err != nil {
			return nil, unusable(name, err)
		}
		switch {
		case e.Kind == assess.Declared && input.Declaration == nil:
			input.Declaration = e.Declaration
			continue
		case e.Kind == assess.Declared:
			return nil, wrongUsage("error.assess.declaration", "name", name)
		case i == 0 && in.declaration != "":
			return nil, unusable(name, assess.ErrDeclaration)
		}
		if err := e.Find(input.Product, mac); err != nil {
			return nil, unusable(name, err)
		}
		input.Evidence = append(input.Evidence, *e)
	}
	return input, nil
}

func (in *assessment) run(files []string) error {
	input, err := in.read(files)
	if err != nil {
		return err
	}
	r, err := assess.Assess(input)
	if err != nil {
		return &fault{key: "error.assess.input", args: []any{"cause", err.Error()}}
	}
	if in.out != "" {
		s := r.Statement()
		if s.Issued == 0 {
			s.Issued = label.DayOf(time.Now())
		}
		text, err := statementText(s)
		if err != nil {
			return err
		}
		if err := in.writeOutput(in.out, text); err != nil {
			return err
		}
	}
	switch {
	case in.json:
		err = r.WriteJSON(in.env.out)
	case in.out != "-":
		err = in.tell(r)
	}
	if err != nil {
		return err
	}
	if in.fails && r.Worst() >= in.failOn {
		n := 0
		for i := range r.Norms {
			if r.Norms[i].Severity() >= in.failOn {
				n++
			}
		}
		return &fault{errFound, "error.assess.refuted", []any{"n", n}}
	}
	return nil
}

// statementText is a statement as a file.
func statementText(s *label.Statement) ([]byte, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// tell writes the result for people: what was weighed, the counts, and each norm with what is known and what would be
// better.
func (in *assessment) tell(r *assess.Result) error {
	p := pager{w: in.env.out, words: in.words}
	p.fold("", "assess.head", "maker", r.Product.Maker, "model", r.Product.Model, "gtin", r.Product.GTIN14())
	if d := r.Declaration; d != nil {
		p.fold("", "assess.declaration", "by", d.By, "date", d.Date)
	} else {
		p.fold("", "assess.declaration.none")
	}
	for i := range r.Evidence {
		e := &r.Evidence[i]
		p.fold("", "assess.evidence", "number", strconv.Itoa(i+1), "kind", in.words.Text("assess.evidence.kind."+string(e.Kind)), "name", e.Name)
	}
	s := r.Summary()
	for _, x := range []struct {
		key    string
		counts map[string]int
	}{{"assess.summary.mandatory", s.Mandatory}, {"assess.summary.others", s.Others}} {
		p.fold("", x.key, "pass", x.counts["pass"], "fail", x.counts["fail"], "open", x.counts["inconclusive"], "na", x.counts["not-applicable"])
	}
	for i := range r.Problems {
		p.fold("", "assess.problem", "text", r.Problems[i].Text(in.words))
	}
	p.fold("", "assess.legend")
	for i := range r.Norms {
		n := &r.Norms[i]
		p.line("")
		p.line(pad(n.ID, 12) + " " + levelMarks[n.Status.Level] + "  " + n.Title.In(string(in.words.Lang())))
		p.line(strings.Repeat(" ", 16) + in.words.Text("assess.class."+n.Class.String()) + " · " + in.words.Text("assess.verdict."+n.Verdict.String()))
		for k := range n.Reasons {
			text := n.Reasons[k].Text(in.words)
			if from := sources(n.Reasons[k].At); len(from) > 0 {
				text += " " + in.words.Text("assess.from", "list", from)
			}
			p.fold(strings.Repeat(" ", 16), "assess.known", "text", text)
		}
		for k := range n.Raise {
			p.fold(strings.Repeat(" ", 16), "assess.raise", "text", n.Raise[k].Text(in.words))
		}
	}
	return p.err
}

// sources are the numbers of the evidence that is pointed at.
func sources(at []assess.Pointer) (list []string) {
	for _, a := range at {
		if s := strconv.Itoa(a.Source); a.Source > 0 && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// pager writes paragraphs for people, and keeps the first error.
type pager struct {
	w     io.Writer
	words *locale.Catalogue
	err   error
}

func (p *pager) line(text string) {
	_, err := fmt.Fprintln(p.w, printable(text))
	p.err = errors.Join(p.err, err)
}

// fold writes a message as a paragraph, its second line and those after it further in.
func (p *pager) fold(indent, key string, args ...any) {
	lines := folded(p.words.Text(key, args...), pageWidth-len(indent), pageWidth-len(indent)-2)
	for i, l := range lines {
		if i > 0 {
			l = "  " + l
		}
		p.line(indent + l)
	}
}
