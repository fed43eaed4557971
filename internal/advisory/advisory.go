// Package advisory tells which products what is published of flaws is about, how sure that is, and what follows for
// their labels.
//
// Feeds become Advisories (the packages below this one read them, package feed fetches them). Join puts those together
// that are about the same flaw. An Index finds the products that a flaw is in: by maker, model and version, each step
// with its reason; never by CPE alone, for those are missing for most consumer devices, and wrong for many others.
// Decide says what follows: below a precision that is stated and measured nothing is suspended, but an advisory is
// opened for a person. Nothing here reads a clock.
//
// docs/advisories.md explains all of it.
package advisory

import (
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/advisory/version"
	"plimsoll.example/plimsoll/label"
)

// Source is the form that an advisory was published in.
type Source string

// The sources, by the word in JSON.
const (
	CVE         Source = "cve"          // CVE List V5
	KEV         Source = "kev"          // CISA Known Exploited Vulnerabilities
	EUVD        Source = "euvd"         // ENISA EU Vulnerability Database
	OSV         Source = "osv"          // Open Source Vulnerability format
	CSAF        Source = "csaf"         // Common Security Advisory Framework 2.0
	OpenVEX     Source = "openvex"      // Vulnerability Exploitability eXchange
	CycloneDX   Source = "cyclonedx"    // bill of materials
	SPDX        Source = "spdx"         // bill of materials
	SecurityTxt Source = "security.txt" // RFC 9116
	DCL         Source = "dcl"          // Matter Distributed Compliance Ledger
)

// Kind is what an advisory is about.
type Kind string

// The kinds.
const (
	Flaw        Kind = "flaw"
	Certificate Kind = "certificate" // of a product, and what became of it
	Contact     Kind = "contact"     // for who finds a flaw
)

// Advisory is one record of a feed. Its texts were written by strangers: they are bounded, and escaped before they are shown.
type Advisory struct {
	Source    Source
	Kind      Kind
	ID        string   // in its source
	Names     []string // of the same flaw in all sources, ID included: CVE-2026-0001
	Title     string
	Published time.Time // zero where it is not said
	Modified  time.Time
	Withdrawn bool // whoever published it took it back
	Exploited bool // in the wild, by the word of the source
	// Voice is the maker in whose name the record speaks, or "": of another’s product a record is hearsay.
	Voice    string
	Affected []Affected
	Expires  label.Day // of a contact; 0: not said
	Feed     string    // where it came from
	Digest   string    // SHA-256 of the record as it stood there, hexadecimal
}

// Says is what an advisory says of a product.
type Says string

// What is said.
const (
	IsAffected    Says = "affected"
	NotAffected   Says = "not-affected"
	IsFixed       Says = "fixed"
	Investigating Says = "investigating"
)

// Affected is a product, or a part of products, that an advisory names.
type Affected struct {
	Says     Says
	Maker    string // as written; "" where it is not said
	Product  string // name or names, as written
	Hardware string // revision; "" where all are meant, or none is said
	Matter   Matter
	CPEs     []string // hints, and no more
	PURL     string   // of a package, without version
	System   string   // ecosystem, in OSV’s words: how versions are compared
	// Versions are those that what is said is true of. None and not All: the source does not tell.
	Versions []version.Span
	All      bool
	Fixed    []string // versions that mend it
	Why      string   // for NotAffected: the justification, a word of the format
}

// Matter is a product’s numbers in Matter’s ledger; zero where it has none.
type Matter struct {
	Vendor  uint16 `json:"vendor"`
	Product uint16 `json:"product"`
}

// Component is a part in a bill of materials.
type Component struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
}

// Product is what a label is about.
type Product struct {
	ID         string        `json:"id"` // whatever the caller knows it by; unique
	GTIN       string        `json:"gtin"`
	Maker      string        `json:"maker"`
	Model      string        `json:"model"`
	Names      []string      `json:"names"` // that it is sold under, beside its model
	Hardware   string        `json:"hardware"`
	Firmware   version.Range `json:"firmware"`
	Matter     Matter        `json:"matter"`
	CPEs       []string      `json:"cpes"`
	Components []Component   `json:"components"`
	Support    label.Day     `json:"support_until"` // 0: not said
	Expires    label.Day     `json:"expires"`       // of its label; 0: does not
}

// Of is the product of a statement, by its GTIN.
func Of(s *label.Statement) Product {
	return Product{
		ID: s.GTIN14(), GTIN: s.GTIN14(), Maker: s.Maker, Model: s.Model, Hardware: s.Hardware,
		Firmware: version.Range{From: s.Firmware.From, To: s.Firmware.To}, Support: s.Support, Expires: s.Expires,
	}
}

// Case is all that is said of one flaw.
type Case struct {
	ID         string // the CVE identifier, where it has one
	Advisories []*Advisory
}

// Exploited reports whether somebody who may know says that it is used in the wild.
func (c *Case) Exploited() bool {
	return slices.ContainsFunc(c.Advisories, func(a *Advisory) bool { return a.Exploited && !a.Withdrawn })
}

// Withdrawn reports whether nobody stands by it any more.
func (c *Case) Withdrawn() bool {
	return !slices.ContainsFunc(c.Advisories, func(a *Advisory) bool { return !a.Withdrawn })
}

// Title is what it is called, by the first that calls it anything.
func (c *Case) Title() string {
	for _, a := range c.Advisories {
		if a.Title != "" {
			return a.Title
		}
	}
	return ""
}

// Join makes cases of advisories: those that share a name are of one. The order does not matter.
func Join(list []*Advisory) []*Case {
	parent := map[string]string{}
	root := func(n string) string {
		for parent[n] != n {
			parent[n] = parent[parent[n]]
			n = parent[n]
		}
		return n
	}
	for _, a := range list {
		for _, n := range a.names() {
			if _, ok := parent[n]; !ok {
				parent[n] = n
			}
			parent[root(n)] = root(a.names()[0])
		}
	}
	cases := map[string]*Case{}
	for _, a := range list {
		r := root(a.names()[0])
		c := cases[r]
		if c == nil {
			c = &Case{}
			cases[r] = c
		}
		c.Advisories = append(c.Advisories, a)
	}
	out := make([]*Case, 0, len(cases))
	for _, c := range cases {
		c.name()
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *Case) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// names are those that join an advisory to others. Only flaws are joined: CVE names are everybody’s, others are their
// source’s own.
func (a *Advisory) names() []string {
	list := []string{string(a.Source) + ":" + a.ID}
	if a.Kind != Flaw {
		return list
	}
	for _, n := range a.Names {
		n = strings.ToUpper(n)
		if isCVE(n) || strings.HasPrefix(n, "GHSA-") || strings.HasPrefix(n, "EUVD-") {
			list = append(list, n)
		}
	}
	return list
}

// isCVE reports whether a name is one of the CVE List and nothing else (CVE Record Format, cveId): cases are known by it.
func isCVE(name string) bool {
	year, number, ok := strings.Cut(strings.TrimPrefix(name, "CVE-"), "-")
	digits := func(s string) bool { return strings.Trim(s, "0123456789") == "" }
	return ok && strings.HasPrefix(name, "CVE-") && len(year) == 4 && len(number) >= 4 && len(number) <= 19 && digits(year) && digits(number)
}

// name orders the advisories of a case and names it: by the CVE, the lowest one.
func (c *Case) name() {
	slices.SortFunc(c.Advisories, func(a, b *Advisory) int {
		if o := strings.Compare(string(a.Source), string(b.Source)); o != 0 {
			return o
		}
		if o := strings.Compare(a.ID, b.ID); o != 0 {
			return o
		}
		return strings.Compare(a.Feed+a.Digest, b.Feed+b.Digest)
	})
	for _, a := range c.Advisories {
		for _, n := range a.Names {
			if n = strings.ToUpper(n); isCVE(n) && (c.ID == "" || n < c.ID) {
				c.ID = n
			}
		}
	}
	if c.ID == "" {
		c.ID = c.Advisories[0].ID
	}
}
