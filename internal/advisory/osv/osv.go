// Package osv reads records of the Open Source Vulnerability format, and says which versions they are about as its
// specification does.
package osv

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/record"
	"plimsoll.example/plimsoll/internal/advisory/version"
)

// Record is one record (OSV schema 1.7).
type Record struct {
	Schema    string     `json:"schema_version"`
	ID        string     `json:"id"`
	Modified  string     `json:"modified"`
	Published string     `json:"published"`
	Withdrawn string     `json:"withdrawn"`
	Aliases   []string   `json:"aliases"`
	Summary   string     `json:"summary"`
	Affected  []Affected `json:"affected"`
}

// Affected is one package.
type Affected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
		PURL      string `json:"purl"`
	} `json:"package"`
	Ranges   []Range  `json:"ranges"`
	Versions []string `json:"versions"`
}

// Range is a list of events on the line of versions.
type Range struct {
	Type   string  `json:"type"` // SEMVER, ECOSYSTEM or GIT
	Events []Event `json:"events"`
}

// Event is one of them; one of the fields is set.
type Event struct {
	Introduced   string `json:"introduced"`
	Fixed        string `json:"fixed"`
	LastAffected string `json:"last_affected"`
	Limit        string `json:"limit"`
}

func (e *Event) version() string {
	for _, v := range []string{e.Introduced, e.Fixed, e.LastAffected, e.Limit} {
		if v != "" {
			return v
		}
	}
	return ""
}

// Read reads one record.
func Read(r io.Reader, give func(*advisory.Advisory) error) (head record.Head, err error) {
	var o Record
	digest, err := record.Document(r, &o)
	if err != nil {
		return head, err
	}
	if o.ID == "" || o.Modified == "" {
		return head, fmt.Errorf("%w: it is no OSV record: id and modified are missing", record.ErrFormat)
	}
	a := &advisory.Advisory{
		Source: advisory.OSV, Kind: advisory.Flaw, ID: record.Text(o.ID), Names: append([]string{record.Text(o.ID)}, record.Texts(o.Aliases)...),
		Title: record.Text(o.Summary), Published: record.Time(o.Published), Modified: record.Time(o.Modified), Withdrawn: o.Withdrawn != "", Digest: digest,
	}
	for i := range o.Affected[:min(len(o.Affected), record.MaxAffected)] {
		if f, ok := o.Affected[i].read(); ok {
			a.Affected = append(a.Affected, f)
		}
	}
	head.See(a.Modified)
	return head, give(a)
}

func (f *Affected) read() (out advisory.Affected, ok bool) {
	out = advisory.Affected{Says: advisory.IsAffected, System: record.Text(f.Package.Ecosystem), PURL: record.Text(f.Package.PURL)}
	if out.PURL == "" {
		out.PURL = advisory.PackageURL(out.System, record.Text(f.Package.Name))
	}
	if p, ok := advisory.ParsePURL(out.PURL); ok && p.Version != "" { // the schema’s purl has none
		out.PURL = strings.TrimSuffix(out.PURL, "@"+p.Version)
	}
	if out.PURL == "" {
		return out, false
	}
	for _, v := range f.Versions[:min(len(f.Versions), record.MaxVersions)] {
		out.Versions = append(out.Versions, version.One(record.Text(v)))
	}
	for i := range f.Ranges[:min(len(f.Ranges), record.MaxVersions)] {
		r := &f.Ranges[i]
		out.Versions = append(out.Versions, r.Spans(f.order(r))...)
		for _, e := range r.Events[:min(len(r.Events), record.MaxVersions)] {
			if e.Fixed != "" && r.Type != "GIT" && len(out.Fixed) < 16 {
				out.Fixed = append(out.Fixed, record.Text(e.Fixed))
			}
		}
	}
	return out, true
}

// order is how the versions of a range are compared. Commits are not: that takes the repository.
func (f *Affected) order(r *Range) version.Order {
	switch r.Type {
	case "SEMVER":
		return version.SemVer
	case "ECOSYSTEM":
		return version.Of(f.Package.Ecosystem)
	}
	return nil
}

// Vulnerable says whether a version is affected: the function IsVulnerable of the specification (OSV schema, “Evaluation”),
// with one answer more: that versions cannot be compared.
func (f *Affected) Vulnerable(v string) version.Answer {
	if slices.Contains(f.Versions, v) {
		return version.Inside
	}
	doubt := false
	for i := range f.Ranges {
		r := &f.Ranges[i]
		order := f.order(r)
		if order == nil {
			continue
		}
		switch r.includes(v, order) {
		case version.Inside:
			return version.Inside
		case version.CannotSay:
			doubt = true
		}
	}
	if doubt {
		return version.CannotSay
	}
	return version.Outside
}

// includes is BeforeLimits and IncludedInRanges of the specification for one range.
func (r *Range) includes(v string, order version.Order) version.Answer {
	comparable := true
	compare := func(a, b string) int {
		if a == "0" || b == "0" { // 0 sorts before any other version
			switch {
			case a == b:
				return 0
			case a == "0":
				return -1
			}
			return 1
		}
		o, ok := order(a, b)
		comparable = comparable && ok
		return o
	}
	before, limits := false, false
	for _, e := range r.Events {
		if e.Limit != "" {
			limits = true
			before = before || e.Limit == "*" || compare(v, e.Limit) < 0
		}
	}
	vulnerable := false
	for _, e := range r.sorted(compare) {
		switch {
		case e.Introduced != "" && compare(v, e.Introduced) >= 0:
			vulnerable = true
		case e.Fixed != "" && compare(v, e.Fixed) >= 0:
			vulnerable = false
		case e.LastAffected != "" && compare(v, e.LastAffected) > 0:
			vulnerable = false
		}
	}
	switch {
	case !comparable:
		return version.CannotSay
	case vulnerable && (before || !limits):
		return version.Inside
	}
	return version.Outside
}

func (r *Range) sorted(compare func(a, b string) int) []Event {
	events := slices.DeleteFunc(slices.Clone(r.Events), func(e Event) bool { return e.Limit != "" && e.Introduced+e.Fixed+e.LastAffected == "" })
	slices.SortStableFunc(events, func(a, b Event) int { return compare(a.version(), b.version()) })
	return events
}

// Spans are the versions that a range is about. For commits there are none.
func (r *Range) Spans(order version.Order) (list []version.Span) {
	if order == nil || len(r.Events) > record.MaxVersions {
		return nil
	}
	compare := func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == "0":
			return -1
		case b == "0":
			return 1
		}
		o, _ := order(a, b)
		return o
	}
	var open *version.Span
	for _, e := range r.sorted(compare) {
		switch {
		case e.Introduced != "":
			if open == nil {
				open = &version.Span{From: record.Text(e.Introduced)}
			}
		case open == nil:
		case e.Fixed != "":
			open.Before = record.Text(e.Fixed)
			list, open = append(list, *open), nil
		case e.LastAffected != "":
			open.Last = record.Text(e.LastAffected)
			list, open = append(list, *open), nil
		}
	}
	if open != nil {
		list = append(list, *open)
	}
	return r.limited(list, compare)
}

// limited cuts spans at the highest of the limits.
func (r *Range) limited(list []version.Span, compare func(a, b string) int) (out []version.Span) {
	limit := ""
	for _, e := range r.Events {
		switch {
		case e.Limit == "*":
			return list
		case e.Limit != "" && (limit == "" || compare(e.Limit, limit) > 0):
			limit = e.Limit
		}
	}
	if limit == "" {
		return list
	}
	for _, s := range list {
		if compare(s.From, limit) >= 0 {
			continue
		}
		if s.Before == "" && s.Last == "" || s.Before != "" && compare(s.Before, limit) > 0 || s.Last != "" && compare(s.Last, limit) >= 0 {
			s.Before, s.Last = record.Text(limit), ""
		}
		out = append(out, s)
	}
	return out
}
