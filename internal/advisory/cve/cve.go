// Package cve reads records of the CVE List V5: JSON of the CVE Record Format 5.0 to 5.2.
package cve

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/record"
	"plimsoll.example/plimsoll/internal/advisory/version"
)

type document struct {
	DataType string `json:"dataType"`
	Metadata struct {
		ID        string `json:"cveId"`
		State     string `json:"state"`
		Published string `json:"datePublished"`
		Updated   string `json:"dateUpdated"`
		Rejected  string `json:"dateRejected"`
	} `json:"cveMetadata"`
	Containers struct {
		CNA container   `json:"cna"`
		ADP []container `json:"adp"`
	} `json:"containers"`
}

type container struct {
	Title        string        `json:"title"`
	Affected     []affected    `json:"affected"`
	Descriptions []description `json:"descriptions"`
	Metrics      []struct {
		Other struct {
			Type    string `json:"type"`
			Content struct {
				Options []map[string]string `json:"options"`
			} `json:"content"`
		} `json:"other"`
	} `json:"metrics"`
}

type description struct{ Lang, Value string }

type affected struct {
	Vendor     string      `json:"vendor"`
	Product    string      `json:"product"`
	Package    string      `json:"packageName"`
	PURL       string      `json:"packageURL"`
	CPEs       []string    `json:"cpes"`
	Default    string      `json:"defaultStatus"`
	Collection string      `json:"collectionURL"`
	Versions   []statement `json:"versions"`
}

// statement is one entry of versions: a version, or a run of them, and what is true of it.
type statement struct {
	Version         string   `json:"version"`
	Status          string   `json:"status"`
	Type            string   `json:"versionType"`
	LessThan        string   `json:"lessThan"`
	LessThanOrEqual string   `json:"lessThanOrEqual"`
	Changes         []change `json:"changes"`
}

type change struct{ At, Status string }

// Read reads one record.
func Read(r io.Reader, give func(*advisory.Advisory) error) (head record.Head, err error) {
	var d document
	digest, err := record.Document(r, &d)
	if err != nil {
		return head, err
	}
	if d.DataType != "CVE_RECORD" || !strings.HasPrefix(d.Metadata.ID, "CVE-") {
		return head, fmt.Errorf("%w: it is no record of the CVE List V5", record.ErrFormat)
	}
	id := record.Text(d.Metadata.ID)
	a := &advisory.Advisory{
		Source: advisory.CVE, Kind: advisory.Flaw, ID: id, Names: []string{id}, Digest: digest, Published: record.Time(d.Metadata.Published),
		Modified: record.Time(d.Metadata.Updated), Withdrawn: d.Metadata.State == "REJECTED",
	}
	if t := record.Time(d.Metadata.Rejected); t.After(a.Modified) {
		a.Modified = t
	}
	a.Title = record.Text(d.Containers.CNA.Title)
	for _, t := range d.Containers.CNA.Descriptions {
		if a.Title == "" && strings.HasPrefix(t.Lang, "en") {
			a.Title = record.Text(t.Value)
		}
	}
	for i, c := range append([]container{d.Containers.CNA}, d.Containers.ADP...) {
		for _, f := range c.Affected[:min(len(c.Affected), record.MaxAffected)] {
			// Who enriches a record names products by CPE, from a distance: the maker’s own list counts where there is one.
			if i > 0 && len(d.Containers.CNA.Affected) > 0 {
				continue
			}
			a.Affected = append(a.Affected, f.read())
		}
		for _, m := range c.Metrics {
			for _, o := range m.Other.Content.Options { // CISA’s decision tree: SSVC
				a.Exploited = a.Exploited || m.Other.Type == "ssvc" && o["Exploitation"] == "active"
			}
		}
	}
	head.See(a.Modified)
	return head, give(a)
}

func (f *affected) read() advisory.Affected {
	out := advisory.Affected{
		Says: advisory.IsAffected, Maker: record.Text(f.Vendor), Product: record.Text(f.Product), CPEs: record.Texts(f.CPEs), PURL: record.Text(f.PURL),
	}
	if out.Product == "" {
		out.Product = record.Text(f.Package)
	}
	var good []version.Span
	for _, s := range f.Versions[:min(len(f.Versions), record.MaxVersions)] {
		bad, ok, fixed := s.runs()
		out.Versions = append(out.Versions, bad...)
		good = append(good, ok...)
		out.Fixed = append(out.Fixed, fixed...)
		if s.Type != "" && s.Type != "custom" && out.System == "" {
			out.System = s.Type
		}
	}
	switch f.Default {
	case "affected":
		if len(good) == 0 {
			out.All = true
		} else {
			out.Versions = append(out.Versions, without(good)...)
		}
	case "unaffected":
	default: // unknown, or not said: what the versions say is all that is said
	}
	slices.Sort(out.Fixed)
	out.Fixed = slices.Compact(out.Fixed)
	out.Fixed = out.Fixed[:min(len(out.Fixed), 16)]
	return out
}

// runs are the versions that a statement calls affected, and those that it calls unaffected. A change ends one and begins
// another (CVE Record Format, “changes”).
func (s *statement) runs() (bad, good []version.Span, fixed []string) {
	from := record.Text(s.Version)
	span := version.Span{From: from, Last: from}
	ranged := s.LessThan != "" || s.LessThanOrEqual != ""
	switch {
	case s.LessThan != "":
		span = version.Span{From: from, Before: end(s.LessThan)}
	case s.LessThanOrEqual != "":
		span = version.Span{From: from, Last: end(s.LessThanOrEqual)}
	}
	switch strings.ToLower(from) {
	case "*", "-", "0", "all", "any", "unspecified", "n/a", "all versions", "":
		word := strings.ToLower(from)
		switch {
		case ranged:
			span.From = ""
		case word == "unspecified" || word == "n/a" || word == "":
			return nil, nil, nil // nothing is said
		case word != "0":
			span = version.Span{}
		}
	default:
		if !ranged {
			span = words(from)
		}
	}
	add := func(sp version.Span, status string) {
		switch status {
		case "affected":
			bad = append(bad, sp)
		case "unaffected":
			good = append(good, sp)
		}
	}
	status := s.Status
	for _, c := range s.Changes[:min(len(s.Changes), 64)] {
		at := record.Text(c.At)
		add(version.Span{From: span.From, Before: at}, status)
		if status == "affected" && c.Status == "unaffected" {
			fixed = append(fixed, at)
		}
		span.From, status = at, c.Status
	}
	add(span, status)
	if status == "affected" && span.Before != "" {
		fixed = append(fixed, span.Before)
	}
	return bad, good, fixed
}

// end is the end of a run; * is that of all versions.
func end(s string) string {
	if s = record.Text(s); s == "*" {
		return ""
	}
	return s
}

// words reads what many records write into the one version: “< 1.2.3”, “1.0 through 1.2”, “<= 2.0”, “1.2.3 and earlier”.
func words(s string) version.Span {
	sp, ok := version.ParseSpan(s)
	if !ok {
		return version.One(s)
	}
	return sp
}

// without is what is left of all versions when runs are taken out that begin and end in the order of the list; where they
// cannot be taken out, all but the runs is not known, and nothing is said.
func without(good []version.Span) (bad []version.Span) {
	slices.SortStableFunc(good, func(a, b version.Span) int {
		if a.From == "" || b.From == "" {
			return strings.Compare(a.From, b.From)
		}
		o, _ := version.Compare(a.From, b.From)
		return o
	})
	at := version.Span{}
	for _, g := range good {
		if g.From != "" {
			at.Before = g.From
			if at.From != at.Before {
				bad = append(bad, at)
			}
		}
		switch {
		case g.Before != "":
			at = version.Span{From: g.Before}
		case g.Last != "":
			at = version.Span{After: g.Last}
		default:
			return bad
		}
	}
	return append(bad, at)
}
