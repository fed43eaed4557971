package assess

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

// DeclarationSchema names the form of a declaration, which schema/declaration.json describes.
const DeclarationSchema = "plimsoll.declaration/1"

// Declaration is what a maker says of a product: the Implementation Conformance Statement (ICS) and the Implementation
// eXtra Information for Testing (IXIT) of ETSI TS 103 701, V2.1.1, Annex A, and the documents that it names.
type Declaration struct {
	Schema    string     `json:"schema"`
	By        string     `json:"by"`   // who declares
	Date      string     `json:"date"` // RFC 3339, a day
	GTIN      string     `json:"gtin"`
	Model     string     `json:"model"`
	Firmware  string     `json:"firmware,omitempty"`
	ICS       ICS        `json:"ics"`
	IXIT      IXIT       `json:"ixit"`
	Documents []Document `json:"documents,omitempty"`

	SHA256 string `json:"-"` // of the file
}

// ICS says what is there and what is not.
type ICS struct {
	Conditions map[string]bool `json:"conditions,omitempty"` // of EN 303 645, Table B.1, by their number, such as "15"
	Features   map[string]bool `json:"features,omitempty"`   // by their letter, such as "a"
	Provisions []Provision     `json:"provisions"`
}

// Support is what a maker says about a provision.
type Support string

// The answers of the pro forma.
const (
	Supported     Support = "yes"
	NotSupported  Support = "no"
	DoesNotApply  Support = "n/a"
	supportUnsaid Support = ""
)

// Provision is one row of the ICS.
type Provision struct {
	Provision     string   `json:"provision"` // number in EN 303 645, such as "5.1-1"; or any norm’s identifier, such as "psti.1"
	Support       Support  `json:"support"`
	Detail        string   `json:"detail,omitempty"`        // how it is met
	Justification string   `json:"justification,omitempty"` // why it is not met, or not applicable
	Documents     []string `json:"documents,omitempty"`     // identifiers
}

// Document is something that the maker hands in, known by its digest.
type Document struct {
	ID     string   `json:"id"`
	Title  string   `json:"title"`
	Kind   string   `json:"kind"` // policy, manual, design, test-report, certificate or other
	By     string   `json:"by,omitempty"`
	URL    string   `json:"url,omitempty"`
	SHA256 string   `json:"sha256"`
	Covers []string `json:"covers,omitempty"` // provisions that a test report passed
}

// ErrDeclaration is the cause where a declaration is not one.
var ErrDeclaration = errors.New("not a declaration")

// maxProvisions bounds rows, of the ICS and of each table of the IXIT.
const maxProvisions = 512

// ParseDeclaration reads a declaration. What it does not know it refuses. sha256 is the digest of data.
func ParseDeclaration(data []byte, sha256 string) (*Declaration, error) {
	d := &Declaration{SHA256: sha256}
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	if err := in.Decode(d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDeclaration, err)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows at octet %d", ErrDeclaration, in.InputOffset())
	}
	if d.Schema != DeclarationSchema {
		return nil, fmt.Errorf("%w: its schema is %.60q, not %s", ErrDeclaration, d.Schema, DeclarationSchema)
	}
	return d, nil
}

// norm is the norm that a provision’s number stands for.
func norm(c *norms.Catalogue, provision string) (norms.Norm, bool) {
	if n, ok := c.Norm("etsi." + provision); ok {
		return n, true
	}
	return c.Norm(provision)
}

var kindsOfDocument = []string{"policy", "manual", "design", "test-report", "certificate", "other"}

// check says all that is wrong with a declaration.
func (d *Declaration) check(c *norms.Catalogue) error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrDeclaration}, args...)...))
	}
	if strings.TrimSpace(d.By) == "" {
		wrong("by: nobody declares it")
	}
	if _, err := time.Parse(time.DateOnly, d.Date); err != nil {
		wrong("date: %.40q is not as 2026-11-20", d.Date)
	}
	if len(d.GTIN) != 14 || !label.ValidGTIN(d.GTIN) {
		wrong("gtin: %.20q is not one of 14 digits, or its check digit is wrong", d.GTIN)
	}
	source, _ := c.Source(etsi)
	for kind, list := range map[string]struct {
		said  map[string]bool
		known map[string]norms.Words
	}{"conditions": {d.ICS.Conditions, source.Conditions}, "features": {d.ICS.Features, source.Features}} {
		for _, key := range slices.Sorted(maps.Keys(list.said)) {
			if _, ok := list.known[key]; !ok {
				wrong("ics.%s: EN 303 645 has no %.20q", kind, key)
			}
		}
	}
	documents := map[string]bool{}
	for i := range d.Documents {
		x := &d.Documents[i]
		switch {
		case x.ID == "" || documents[x.ID]:
			wrong("documents[%d]: its id %.40q is missing, or is there twice", i, x.ID)
		case !isDigest(x.SHA256):
			wrong("documents[%d] %.40s: %.80q is no SHA-256 in 64 small hexadecimal digits", i, x.ID, x.SHA256)
		case !slices.Contains(kindsOfDocument, x.Kind):
			wrong("documents[%d] %.40s: its kind %.40q is none of %s", i, x.ID, x.Kind, strings.Join(kindsOfDocument, ", "))
		case x.URL != "" && !isWeb(x.URL):
			wrong("documents[%d] %.40s: %.80q is no URL", i, x.ID, x.URL)
		}
		documents[x.ID] = true
		for _, p := range x.Covers {
			if _, ok := norm(c, p); !ok {
				wrong("documents[%d] %.40s: covers %.20q, and there is no such provision", i, x.ID, p)
			}
		}
	}
	seen := map[string]bool{}
	if len(d.ICS.Provisions) > maxProvisions {
		wrong("ics.provisions: %d rows, at most %d are taken", len(d.ICS.Provisions), maxProvisions)
	}
	for i := range d.ICS.Provisions {
		p := &d.ICS.Provisions[i]
		if _, ok := norm(c, p.Provision); !ok {
			wrong("ics.provisions[%d]: there is no provision %.20q", i, p.Provision)
		} else if seen[p.Provision] {
			wrong("ics.provisions[%d]: %s is there twice", i, p.Provision)
		}
		seen[p.Provision] = true
		if p.Support != Supported && p.Support != NotSupported && p.Support != DoesNotApply {
			wrong("ics.provisions[%d] %.20s: support %.20q is none of yes, no, n/a", i, p.Provision, p.Support)
		}
		for _, id := range p.Documents {
			if !documents[id] {
				wrong("ics.provisions[%d] %.20s: there is no document %.40q", i, p.Provision, id)
			}
		}
	}
	d.IXIT.check(wrong)
	return errors.Join(errs...)
}

func isDigest(s string) bool {
	return len(s) == 64 && !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}

func isWeb(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
