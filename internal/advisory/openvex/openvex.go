// Package openvex reads OpenVEX documents (specification 0.2.0): statements of whether products are affected.
package openvex

import (
	"fmt"
	"io"
	"strings"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/record"
	"plimsoll.example/plimsoll/internal/advisory/version"
)

type document struct {
	Context    string      `json:"@context"`
	ID         string      `json:"@id"`
	Author     string      `json:"author"`
	Timestamp  string      `json:"timestamp"`
	Updated    string      `json:"last_updated"`
	Statements []statement `json:"statements"`
}

type statement struct {
	Vulnerability struct {
		ID      string   `json:"@id"`
		Name    string   `json:"name"`
		Aliases []string `json:"aliases"`
	} `json:"vulnerability"`
	Products      []product `json:"products"`
	Status        string    `json:"status"`
	Justification string    `json:"justification"`
	Impact        string    `json:"impact_statement"`
	Supplier      string    `json:"supplier"`
	Timestamp     string    `json:"timestamp"`
}

type product struct {
	ID          string            `json:"@id"`
	Identifiers map[string]string `json:"identifiers"`
}

var says = map[string]advisory.Says{
	"not_affected": advisory.NotAffected, "affected": advisory.IsAffected, "fixed": advisory.IsFixed, "under_investigation": advisory.Investigating,
}

// Read reads one document and gives an advisory for each statement.
func Read(r io.Reader, give func(*advisory.Advisory) error) (head record.Head, err error) {
	var d document
	digest, err := record.Document(r, &d)
	if err != nil {
		return head, err
	}
	if !strings.HasPrefix(d.Context, "https://openvex.dev/ns") {
		return head, fmt.Errorf("%w: it is no OpenVEX document", record.ErrFormat)
	}
	for i := range d.Statements[:min(len(d.Statements), record.MaxAffected)] {
		s := &d.Statements[i]
		status, ok := says[s.Status]
		name := s.Vulnerability.Name
		if name == "" {
			name = s.Vulnerability.ID
		}
		if !ok || name == "" {
			head.Skipped++
			continue
		}
		voice := s.Supplier
		if voice == "" {
			voice = d.Author
		}
		a := &advisory.Advisory{
			Source: advisory.OpenVEX, Kind: advisory.Flaw, ID: record.Text(fmt.Sprintf("%s %d", d.ID, i+1)), Voice: record.Text(voice), Digest: digest,
			Names: append([]string{record.Text(name)}, record.Texts(s.Vulnerability.Aliases)...), Published: record.Time(d.Timestamp),
		}
		for _, t := range []string{d.Timestamp, d.Updated, s.Timestamp} {
			if t := record.Time(t); t.After(a.Modified) {
				a.Modified = t
			}
		}
		why := s.Justification
		if why == "" {
			why = s.Impact
		}
		for _, p := range s.Products[:min(len(s.Products), record.MaxAffected)] {
			f := p.read()
			f.Says, f.Why = status, record.Text(why)
			a.Affected = append(a.Affected, f)
		}
		head.See(a.Modified)
		if err := give(a); err != nil {
			return head, err
		}
	}
	return head, nil
}

// read finds out which product is meant. Makers of devices write package URLs of the type generic, with the maker as
// namespace and the model as name; others are packages.
func (p *product) read() (f advisory.Affected) {
	purl := p.ID
	if s := p.Identifiers["purl"]; s != "" {
		purl = s
	}
	for _, k := range []string{"cpe23", "cpe22"} {
		if s := p.Identifiers[k]; s != "" {
			f.CPEs = append(f.CPEs, record.Text(s))
		}
	}
	u, ok := advisory.ParsePURL(purl)
	if !ok {
		f.Product = record.Text(purl)
		return f
	}
	if u.Version != "" {
		f.Versions = []version.Span{version.One(record.Text(u.Version))}
	} else {
		f.All = true
	}
	if u.Type == "generic" && u.Namespace != "" {
		f.Maker, f.Product = record.Text(u.Namespace), record.Text(u.Name)
		return f
	}
	f.PURL = record.Text(purl)
	return f
}
