// Package csaf reads advisories of the Common Security Advisory Framework 2.0, its profile VEX among them.
//
// A maker’s advisory names products by a tree of branches and by relationships, and says of each whether it is affected.
// Of CSAF 2.1 it takes what is as in 2.0.
package csaf

import (
	"fmt"
	"io"
	"strings"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/record"
	"plimsoll.example/plimsoll/internal/advisory/version"
)

// Bounds on a document, beside those of package record.
const (
	maxDepth    = 32                      // of branches of the product tree
	maxStatuses = 64 * record.MaxAffected // products that its vulnerabilities speak of, together
	maxReasons  = 16 * record.MaxAffected // products that are given a reason, together; others have none
)

type document struct {
	Document struct {
		Category  string `json:"category"`
		Title     string `json:"title"`
		Version   string `json:"csaf_version"`
		Publisher struct {
			Category string `json:"category"`
			Name     string `json:"name"`
		} `json:"publisher"`
		Tracking struct {
			ID      string `json:"id"`
			Initial string `json:"initial_release_date"`
			Current string `json:"current_release_date"`
			Status  string `json:"status"`
		} `json:"tracking"`
	} `json:"document"`
	Tree struct {
		Branches      []branch       `json:"branches"`
		Names         []product      `json:"full_product_names"`
		Relationships []relationship `json:"relationships"`
		Groups        []struct {
			ID       string   `json:"group_id"`
			Products []string `json:"product_ids"`
		} `json:"product_groups"`
	} `json:"product_tree"`
	Vulnerabilities []vulnerability `json:"vulnerabilities"`

	groups  map[string][]string // products of each group
	reasons int                 // that were given
}

type branch struct {
	Category string   `json:"category"`
	Name     string   `json:"name"`
	Product  *product `json:"product"`
	Branches []branch `json:"branches"`
}

type product struct {
	ID     string `json:"product_id"`
	Name   string `json:"name"`
	Helper struct {
		CPE    string   `json:"cpe"`
		PURL   string   `json:"purl"`
		PURLs  []string `json:"purls"`
		Models []string `json:"model_numbers"`
	} `json:"product_identification_helper"`
}

type relationship struct {
	Category  string  `json:"category"`
	Reference string  `json:"product_reference"`
	To        string  `json:"relates_to_product_reference"`
	Product   product `json:"full_product_name"`
}

type vulnerability struct {
	CVE    string                  `json:"cve"`
	Title  string                  `json:"title"`
	IDs    []struct{ Text string } `json:"ids"`
	Status map[string][]string     `json:"product_status"`
	Flags  []struct {
		Label    string   `json:"label"`
		Products []string `json:"product_ids"`
		Groups   []string `json:"group_ids"`
	} `json:"flags"`
	Threats []struct {
		Category string   `json:"category"`
		Details  string   `json:"details"`
		Products []string `json:"product_ids"`
		Groups   []string `json:"group_ids"`
	} `json:"threats"`
	Remediations []struct {
		Category string   `json:"category"`
		Details  string   `json:"details"`
		Products []string `json:"product_ids"`
	} `json:"remediations"`
}

// says are the members of product_status, and what each comes to (CSAF 2.0 §3.2.3.9).
var says = map[string]advisory.Says{
	"known_affected": advisory.IsAffected, "first_affected": advisory.IsAffected, "last_affected": advisory.IsAffected,
	"known_not_affected": advisory.NotAffected, "fixed": advisory.IsFixed, "first_fixed": advisory.IsFixed,
	"recommended": "", "under_investigation": advisory.Investigating,
}

// Read reads one advisory and gives one for each of its vulnerabilities.
func Read(r io.Reader, give func(*advisory.Advisory) error) (head record.Head, err error) {
	var d document
	digest, err := record.Document(r, &d)
	if err != nil {
		return head, err
	}
	t := &d.Document.Tracking
	if d.Document.Version == "" || t.ID == "" {
		return head, fmt.Errorf("%w: it is no CSAF document: csaf_version or tracking id is missing", record.ErrFormat)
	}
	if t.Status == "draft" { // CSAF 2.0 §3.2.1.12.7: not to be acted upon
		return head, fmt.Errorf("%w: it is a draft", record.ErrFormat)
	}
	tree, err := d.tree()
	if err != nil {
		return head, err
	}
	d.groups = map[string][]string{}
	for _, g := range d.Tree.Groups {
		d.groups[g.ID] = append(d.groups[g.ID], g.Products...)
	}
	voice, statuses := "", 0
	if d.Document.Publisher.Category == "vendor" {
		voice = record.Text(d.Document.Publisher.Name)
	}
	for i := range d.Vulnerabilities[:min(len(d.Vulnerabilities), record.MaxAffected)] {
		v := &d.Vulnerabilities[i]
		a := &advisory.Advisory{
			Source: advisory.CSAF, Kind: advisory.Flaw, ID: record.Text(t.ID), Title: record.Text(v.Title), Published: record.Time(t.Initial),
			Modified: record.Time(t.Current), Voice: voice, Digest: digest,
		}
		if a.Title == "" {
			a.Title = record.Text(d.Document.Title)
		}
		if v.CVE != "" {
			a.ID, a.Names = record.Text(t.ID+" "+v.CVE), []string{record.Text(v.CVE)}
		}
		for _, id := range v.IDs[:min(len(v.IDs), 64)] {
			a.Names = append(a.Names, record.Text(id.Text))
		}
		a.Affected = d.statuses(tree, v)
		if statuses += len(a.Affected); statuses > maxStatuses {
			return head, fmt.Errorf("%w: it speaks of products more than %d times", record.ErrLarge, maxStatuses)
		}
		head.See(a.Modified)
		if err := give(a); err != nil {
			return head, err
		}
	}
	if len(d.Vulnerabilities) == 0 {
		head.See(record.Time(t.Current))
	}
	return head, nil
}

// statuses are what a vulnerability says of each product.
func (d *document) statuses(tree map[string]advisory.Affected, v *vulnerability) (list []advisory.Affected) {
	why := d.why(v)
	fixed := d.fixes(tree, v)
	for _, member := range []string{"known_affected", "first_affected", "last_affected", "known_not_affected", "fixed", "first_fixed", "under_investigation"} {
		for _, id := range v.Status[member] {
			f, ok := tree[id]
			if !ok || len(list) >= record.MaxAffected {
				continue
			}
			f.Says, f.Why = says[member], why[id]
			if f.Says == advisory.IsAffected {
				f.Fixed = fixed[key(f)]
			}
			list = append(list, f)
		}
	}
	return list
}

// why says why products are not affected: the label of a flag, or the words of a threat (VEX: §4.5).
func (d *document) why(v *vulnerability) map[string]string {
	why := map[string]string{}
	note := func(text string, products, groups []string) {
		text = record.Text(text)
		for i := -1; i < len(groups) && d.reasons < maxReasons; i++ {
			if i >= 0 {
				products = d.groups[groups[i]]
			}
			products = products[:min(len(products), maxReasons-d.reasons)]
			d.reasons += len(products)
			for _, id := range products {
				why[id] = text
			}
		}
	}
	for _, t := range v.Threats {
		if t.Category == "impact" {
			note(t.Details, t.Products, t.Groups)
		}
	}
	for _, f := range v.Flags {
		note(f.Label, f.Products, f.Groups)
	}
	return why
}

// fixes are the versions that mend a product, by its maker and name.
func (d *document) fixes(tree map[string]advisory.Affected, v *vulnerability) map[string][]string {
	fixed := map[string][]string{}
	for _, member := range []string{"first_fixed", "fixed", "recommended"} {
		for _, id := range v.Status[member] {
			f, ok := tree[id]
			if !ok || len(f.Versions) != 1 || len(fixed[key(f)]) >= 16 {
				continue
			}
			if from := f.Versions[0].From; from != "" {
				fixed[key(f)] = append(fixed[key(f)], from)
			}
		}
	}
	return fixed
}

func key(f advisory.Affected) string { return f.Maker + "\x00" + f.Product + "\x00" + f.Hardware }

// tree is what each product identifier stands for.
func (d *document) tree() (map[string]advisory.Affected, error) {
	m := map[string]advisory.Affected{}
	for _, p := range d.Tree.Names[:min(len(d.Tree.Names), 16*record.MaxAffected)] {
		m[p.ID] = p.read(advisory.Affected{Product: record.Text(p.Name)})
	}
	for i := range d.Tree.Branches {
		if err := d.Tree.Branches[i].walk(advisory.Affected{}, m, 0); err != nil {
			return nil, err
		}
	}
	for _, r := range d.Tree.Relationships[:min(len(d.Tree.Relationships), 16*record.MaxAffected)] {
		part, ok1 := m[r.Reference]
		whole, ok2 := m[r.To]
		if !ok1 || !ok2 {
			continue
		}
		f := r.Product.read(whole)
		switch r.Category {
		case "installed_on", "installed_with": // firmware on hardware: the product is the hardware, the version that of the firmware
			f.Versions, f.All = part.Versions, part.All
		default: // a component of a product: what is said is said of the product
			f.Versions, f.All = whole.Versions, whole.All
		}
		m[r.Product.ID] = f
	}
	return m, nil
}

func (b *branch) walk(at advisory.Affected, m map[string]advisory.Affected, depth int) error {
	if depth > maxDepth || len(m) > 64*record.MaxAffected {
		return fmt.Errorf("%w: its product tree is deeper than %d branches or has too many products", record.ErrLarge, maxDepth)
	}
	name := record.Text(b.Name)
	switch b.Category {
	case "vendor":
		at.Maker = name
	case "product_name":
		at.Product, at.All = name, true
	case "product_version":
		at.Versions, at.All = []version.Span{version.One(name)}, false
	case "product_version_range":
		at.Versions, at.All = ranged(name), false
	case "host_name", "architecture", "language", "legacy", "patch_level", "platform", "service_pack", "specification":
		// They set variants apart that a label does not know: what is said is then true of some only.
		if at.Product != "" {
			at.Product, at.All = at.Product+" "+name, false
		}
	case "product_family":
		if at.Product == "" {
			at.Product = name + " series"
		}
	}
	if b.Product != nil {
		m[b.Product.ID] = b.Product.read(at)
	}
	for i := range b.Branches {
		if err := b.Branches[i].walk(at, m, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// ranged reads a version range, in VERS or in words (CSAF 2.0 §3.1.2.2.2).
func ranged(s string) []version.Span {
	if spans, ok := version.ParseVERS(s); ok {
		return spans
	}
	s = strings.TrimPrefix(s, "vers:")
	if span, ok := version.ParseSpan(s); ok {
		return []version.Span{span}
	}
	return nil
}

func (p *product) read(at advisory.Affected) advisory.Affected {
	if p.Helper.CPE != "" {
		at.CPEs = []string{record.Text(p.Helper.CPE)}
	}
	if at.PURL = record.Text(p.Helper.PURL); at.PURL == "" && len(p.Helper.PURLs) > 0 {
		at.PURL = record.Text(p.Helper.PURLs[0])
	}
	if len(p.Helper.Models) == 1 && !strings.ContainsAny(p.Helper.Models[0], "*?") { // exactly this model
		at.Product = record.Text(p.Helper.Models[0])
	}
	return at
}
