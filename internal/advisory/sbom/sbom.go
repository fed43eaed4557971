// Package sbom reads software bills of materials: CycloneDX up to 1.7 (JSON and XML) and SPDX 2.2 and 2.3 (JSON and
// tag-value). Of SPDX 3.0 it takes the packages of a JSON-LD graph, and nothing of its profiles.
//
// It takes what flaws are matched by: which product the bill is for, and name, version and package URL of its parts.
package sbom

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/record"
)

// Bounds on a bill.
const (
	MaxParts = 100_000
	maxDepth = 64 // of parts in parts
)

// Bill is a bill of materials.
type Bill struct {
	Source  advisory.Source
	Maker   string // of the product that it is for; "" where it is not said
	Product string
	Version string
	Created string
	Parts   []advisory.Component
	Digest  string
}

// Parse reads a bill, whichever of the formats it has.
func Parse(data []byte) (*Bill, error) {
	if len(data) > record.Max {
		return nil, fmt.Errorf("%w: more than %d octets", record.ErrLarge, record.Max)
	}
	b := &Bill{Digest: record.Digest(data)}
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	var err error
	switch {
	case bytes.HasPrefix(data, []byte("{")):
		err = b.json(data)
	case bytes.HasPrefix(data, []byte("<")):
		err = b.xml(data)
	case bytes.HasPrefix(data, []byte("SPDXVersion:")) || bytes.Contains(data[:min(len(data), 4096)], []byte("\nSPDXVersion:")):
		err = b.tagValue(data)
	default:
		err = fmt.Errorf("%w: it is neither CycloneDX nor SPDX", record.ErrFormat)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Read reads a bill from r.
func Read(r io.Reader) (*Bill, error) {
	data, err := io.ReadAll(io.LimitReader(r, record.Max+1))
	if err != nil {
		return nil, err
	}
	return Parse(data)
}

func (b *Bill) add(name, version, purl string) error {
	if len(b.Parts) >= MaxParts {
		return fmt.Errorf("%w: more than %d parts", record.ErrLarge, MaxParts)
	}
	if name, version, purl = record.Text(name), record.Text(version), record.Text(purl); name+purl != "" {
		b.Parts = append(b.Parts, advisory.Component{Name: name, Version: version, PURL: purl})
	}
	return nil
}

// component is one of CycloneDX.
type component struct {
	Publisher  string      `json:"publisher" xml:"publisher"`
	Group      string      `json:"group" xml:"group"`
	Name       string      `json:"name" xml:"name"`
	Version    string      `json:"version" xml:"version"`
	PURL       string      `json:"purl" xml:"purl"`
	Supplier   named       `json:"supplier" xml:"supplier"`
	Maker      named       `json:"manufacturer" xml:"manufacturer"`
	Components []component `json:"components" xml:"components>component"`
}

type named struct {
	Name string `json:"name" xml:"name"`
}

type cycloneDX struct {
	XMLName xml.Name `json:"-"`
	Format  string   `json:"bomFormat" xml:"-"`
	Spec    string   `json:"specVersion" xml:"-"`
	Meta    struct {
		Timestamp string    `json:"timestamp" xml:"timestamp"`
		Component component `json:"component" xml:"component"`
		Maker     named     `json:"manufacturer" xml:"manufacturer"`
		Former    named     `json:"manufacture" xml:"manufacture"` // until 1.5
		Supplier  named     `json:"supplier" xml:"supplier"`
	} `json:"metadata" xml:"metadata"`
	Components []component `json:"components" xml:"components>component"`
}

func (b *Bill) cycloneDX(c *cycloneDX) error {
	m := &c.Meta
	b.Source, b.Created = advisory.CycloneDX, record.Text(m.Timestamp)
	for _, maker := range []string{m.Component.Maker.Name, m.Component.Supplier.Name, m.Component.Publisher, m.Maker.Name, m.Former.Name, m.Supplier.Name, m.Component.Group} {
		if b.Maker == "" {
			b.Maker = record.Text(maker)
		}
	}
	b.Product, b.Version = record.Text(m.Component.Name), record.Text(m.Component.Version)
	if err := b.parts(m.Component.Components, 0); err != nil {
		return err
	}
	return b.parts(c.Components, 0)
}

func (b *Bill) parts(list []component, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: parts in parts, deeper than %d", record.ErrLarge, maxDepth)
	}
	for i := range list {
		c := &list[i]
		name := c.Name
		if c.Group != "" {
			name = c.Group + "/" + name
		}
		if err := b.add(name, c.Version, c.PURL); err != nil {
			return err
		}
		if err := b.parts(c.Components, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bill) xml(data []byte) error {
	var c cycloneDX
	d := xml.NewDecoder(bytes.NewReader(data))
	if err := shallow(data); err != nil {
		return err
	}
	if err := d.Decode(&c); err != nil {
		return fmt.Errorf("%w: %w", record.ErrFormat, err)
	}
	if c.XMLName.Local != "bom" || !strings.HasPrefix(c.XMLName.Space, "http://cyclonedx.org/schema/bom/1.") {
		return fmt.Errorf("%w: its root is %q of %q, and no CycloneDX bom", record.ErrFormat, record.Text(c.XMLName.Local), record.Text(c.XMLName.Space))
	}
	return b.cycloneDX(&c)
}

// shallow refuses XML that is nested too deeply to be decoded.
func shallow(data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	depth := 0
	for {
		t, err := d.RawToken()
		if err != nil {
			return nil // at the end; or a fault that decoding tells
		}
		switch t.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
		if depth > 4*maxDepth {
			return fmt.Errorf("%w: elements in elements, deeper than %d", record.ErrLarge, 4*maxDepth)
		}
	}
}

type spdx struct {
	Version  string `json:"spdxVersion"`
	Creation struct {
		Created string `json:"created"`
	} `json:"creationInfo"`
	Describes     []string  `json:"documentDescribes"`
	Packages      []pack    `json:"packages"`
	Relationships []related `json:"relationships"`
	Graph         []element `json:"@graph"` // of 3.0
}

type pack struct {
	ID       string `json:"SPDXID"`
	Name     string `json:"name"`
	Version  string `json:"versionInfo"`
	Supplier string `json:"supplier"`
	Refs     []ref  `json:"externalRefs"`
}

type ref struct {
	Type    string `json:"referenceType"`
	Locator string `json:"referenceLocator"`
}

type related struct {
	From string `json:"spdxElementId"`
	Type string `json:"relationshipType"`
	To   string `json:"relatedSpdxElement"`
}

type element struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"software_packageVersion"`
	PURL    string `json:"software_packageUrl"`
	Outer   []struct {
		Type       string `json:"externalIdentifierType"`
		Identifier string `json:"identifier"`
	} `json:"externalIdentifier"`
}

func (b *Bill) json(data []byte) error {
	var all struct {
		cycloneDX
		spdx
	}
	if err := record.Unmarshal(data, &all); err != nil {
		return err
	}
	switch {
	case all.Format == "CycloneDX":
		return b.cycloneDX(&all.cycloneDX)
	case strings.HasPrefix(all.spdx.Version, "SPDX-2."):
		return b.spdx(&all.spdx)
	case len(all.Graph) > 0:
		b.Source = advisory.SPDX
		for _, e := range all.Graph {
			if e.Type != "software_Package" {
				continue
			}
			purl := e.PURL
			for _, o := range e.Outer {
				if purl == "" && o.Type == "packageUrl" {
					purl = o.Identifier
				}
			}
			if err := b.add(e.Name, e.Version, purl); err != nil {
				return err
			}
		}
		if len(b.Parts) > 0 {
			return nil
		}
	}
	return fmt.Errorf("%w: it is neither CycloneDX nor SPDX 2, and no SPDX 3 with packages", record.ErrFormat)
}

func (b *Bill) spdx(s *spdx) error {
	b.Source, b.Created = advisory.SPDX, record.Text(s.Creation.Created)
	described := map[string]bool{}
	for _, id := range s.Describes {
		described[id] = true
	}
	for _, r := range s.Relationships {
		if r.Type == "DESCRIBES" && r.From == "SPDXRef-DOCUMENT" {
			described[r.To] = true
		}
	}
	for i := range s.Packages {
		p := &s.Packages[i]
		if described[p.ID] && b.Product == "" {
			b.Product, b.Version, b.Maker = record.Text(p.Name), record.Text(p.Version), party(p.Supplier)
			continue
		}
		purl := ""
		for _, r := range p.Refs {
			if r.Type == "purl" && purl == "" {
				purl = r.Locator
			}
		}
		if err := b.add(p.Name, p.Version, purl); err != nil {
			return err
		}
	}
	return nil
}

// party is the name in “Organization: Example (mail@example.com)”.
func party(s string) string {
	_, name, ok := strings.Cut(s, ":")
	if !ok || s == "NOASSERTION" {
		return ""
	}
	name, _, _ = strings.Cut(name, "(")
	return record.Text(name)
}

// tagValue reads SPDX as lines of tag and value (SPDX 2.3, Annex “Tag-Value”). Texts of several lines are passed over.
func (b *Bill) tagValue(data []byte) error {
	var s spdx
	var p *pack
	in := bufio.NewScanner(bytes.NewReader(data))
	in.Buffer(nil, record.Max)
	inText := false
	for in.Scan() {
		line := strings.TrimSpace(in.Text())
		if inText {
			inText = !strings.Contains(line, "</text>")
			continue
		}
		tag, value, ok := strings.Cut(line, ":")
		if !ok || line[0] == '#' {
			continue
		}
		value = strings.TrimSpace(value)
		if strings.HasPrefix(value, "<text>") {
			inText = !strings.Contains(value, "</text>")
			value = strings.TrimSuffix(strings.TrimPrefix(value, "<text>"), "</text>")
		}
		switch tag {
		case "SPDXVersion":
			s.Version = value
		case "Created":
			s.Creation.Created = value
		case "PackageName":
			if len(s.Packages) >= MaxParts {
				return fmt.Errorf("%w: more than %d packages", record.ErrLarge, MaxParts)
			}
			s.Packages = append(s.Packages, pack{Name: value})
			p = &s.Packages[len(s.Packages)-1]
		case "FileName", "SnippetSPDXID":
			p = nil
		case "Relationship":
			if f := strings.Fields(value); len(f) == 3 && f[1] == "DESCRIBES" {
				s.Relationships = append(s.Relationships, related{f[0], f[1], f[2]})
			}
		}
		if p == nil {
			continue
		}
		switch tag {
		case "SPDXID":
			p.ID = value
		case "PackageVersion":
			p.Version = value
		case "PackageSupplier":
			p.Supplier = value
		case "ExternalRef":
			if f := strings.Fields(value); len(f) == 3 {
				p.Refs = append(p.Refs, ref{f[1], f[2]})
			}
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("%w: %w", record.ErrFormat, err)
	}
	if !strings.HasPrefix(s.Version, "SPDX-2.") {
		return fmt.Errorf("%w: its SPDXVersion is %q", record.ErrFormat, record.Text(s.Version))
	}
	return b.spdx(&s)
}
