package assess

import (
	"encoding/json"
	"io"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
)

// ResultSchema names the form of a result, which schema/label-assess.json describes.
const ResultSchema = "plimsoll.label.assess/1"

type resultJSON struct {
	Schema      string           `json:"schema"`
	Product     map[string]any   `json:"product"` // the statement, without a day of issue that nobody said
	Category    string           `json:"category"`
	Lab         string           `json:"lab"`
	Declaration *declarationJSON `json:"declaration"`
	Evidence    []evidenceJSON   `json:"evidence"`
	Summary     Summary          `json:"summary"`
	Norms       []normJSON       `json:"norms"`
	Problems    []saidJSON       `json:"problems"`
}

type declarationJSON struct {
	By     string `json:"by"`
	Date   string `json:"date"`
	SHA256 string `json:"sha256"`
}

type evidenceJSON struct {
	Number int    `json:"number"` // from 1
	Name   string `json:"name"`
	Kind   Kind   `json:"kind"`
	SHA256 string `json:"sha256"`
	Device string `json:"device"`
	First  string `json:"first"`
	Last   string `json:"last"`
}

type normJSON struct {
	Norm    string      `json:"norm"`
	Level   string      `json:"level"`
	Class   label.Class `json:"class"`
	Verdict Verdict     `json:"verdict"`
	Reasons []saidJSON  `json:"reasons"`
	Raise   []saidJSON  `json:"raise"`
	First   string      `json:"first"`
	Last    string      `json:"last"`
	Sources int         `json:"sources"`
}

type saidJSON struct {
	Code     string            `json:"code"`
	Text     map[string]string `json:"text"`
	Evidence []Pointer         `json:"evidence,omitempty"`
}

// Summary counts norms.
type Summary struct {
	Classes   map[string]int `json:"classes"`   // of all, by class
	Mandatory map[string]int `json:"mandatory"` // that must be met, by verdict
	Others    map[string]int `json:"others"`
}

// Summary counts the norms.
func (r *Result) Summary() Summary {
	s := Summary{map[string]int{}, map[string]int{}, map[string]int{}}
	for c := label.NotClaimed; c <= label.Refuted; c++ {
		s.Classes[c.String()] = 0
	}
	for _, v := range verdicts {
		s.Mandatory[v], s.Others[v] = 0, 0
	}
	for i := range r.Norms {
		n := &r.Norms[i]
		s.Classes[n.Class.String()]++
		if n.Mandatory() {
			s.Mandatory[n.Verdict.String()]++
		} else {
			s.Others[n.Verdict.String()]++
		}
	}
	return s
}

// WriteJSON writes the result as schema/label-assess.json describes it, with its texts in both languages.
func (r *Result) WriteJSON(w io.Writer) error {
	var speakers []*locale.Catalogue
	for _, l := range locale.Languages {
		speakers = append(speakers, locale.New(l))
	}
	say := func(list []Said) []saidJSON {
		out := []saidJSON{}
		for i := range list {
			s := saidJSON{Code: list[i].Key, Text: map[string]string{}, Evidence: list[i].At}
			for _, c := range speakers {
				s.Text[string(c.Lang())] = list[i].Text(c)
			}
			out = append(out, s)
		}
		return out
	}
	product, err := r.product()
	if err != nil {
		return err
	}
	out := resultJSON{
		Schema: ResultSchema, Product: product, Category: r.Product.Category, Lab: r.Lab, Evidence: []evidenceJSON{},
		Summary: r.Summary(), Norms: []normJSON{}, Problems: say(r.Problems),
	}
	if d := r.Declaration; d != nil {
		out.Declaration = &declarationJSON{d.By, d.Date, d.SHA256}
	}
	for i := range r.Evidence {
		e := &r.Evidence[i]
		out.Evidence = append(out.Evidence, evidenceJSON{i + 1, e.Name, e.Kind, e.SHA256, e.Device, e.First, e.Last})
	}
	for i := range r.Norms {
		n := &r.Norms[i]
		out.Norms = append(out.Norms, normJSON{
			n.ID, string(n.Status.Level), n.Class, n.Verdict, say(n.Reasons), say(n.Raise), n.First, n.Last, n.Sources,
		})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

// product is the statement in JSON.
func (r *Result) product() (members map[string]any, err error) {
	s := r.Statement()
	text, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(text, &members)
	}
	if s.Issued == 0 {
		delete(members, "issued")
	}
	return members, err
}
