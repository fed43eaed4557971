// Package cta2120 reads and writes the label file of CTA-2120, the data of the United States’ Cyber Trust Mark, schema
// version 1.0.0.
//
// Nothing of a file is lost: Import takes what a label’s statement has a place for, and keeps the rest as it stood; Export
// puts both together. What a label says beyond CTA-2120 goes into the member plimsoll_label, which the schema leaves room
// for, so that a label is not lost either. The published schema has defects that let wrong files pass and leave required
// members undefined: schema/cta-2120-corrected.json mends them, and docs/advisories.md names each. What Export writes is
// valid by both.
package cta2120

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/label"
)

// Schema names the shape of Import in JSON.
const Schema = "plimsoll.cta-2120/1"

// ErrMissing is the cause where CTA-2120 requires a member that neither the label nor an imported file has, and that
// cannot be called not stated.
var ErrMissing = errors.New("CTA-2120 requires what the label does not say")

// MaxFile bounds a file, octets.
const MaxFile = 1 << 20

// ErrFile is the cause where octets are no label file of CTA-2120.
var ErrFile = errors.New("not a CTA-2120 label file")

// Import is a label file as we hold it: what a statement of a label can say, and the rest.
type Import struct {
	Schema string `json:"schema"`
	// Statement is what the file says in the terms of a label. What CTA-2120 has no member for is missing in it, the GTIN
	// first of all, unless the file has a plimsoll_label.
	Statement Claims `json:"statement"`
	// Rest are all members of the file, as they stand there, but for those that Statement says in full.
	Rest map[string]json.RawMessage `json:"rest"`
}

// Claims are what a file says that a label’s statement has a place for.
type Claims struct {
	Maker   string           `json:"maker"`
	Model   string           `json:"model"`
	Support label.Day        `json:"support_until,omitzero"`
	Issued  label.Day        `json:"issued,omitzero"`
	Contact string           `json:"contact"`
	Label   *label.Statement `json:"label,omitempty"` // where the file was written from one
}

// members that Claims say in full, so long as they are as Export writes them.
const (
	makerMember   = "manufacturer_name"
	modelMember   = "product_model"
	supportMember = "support_date"
	issuedMember  = "authorization_date"
	contactMember = "security_contact"
	ownMember     = "plimsoll_label"
)

// own is the member for what CTA-2120 has none for.
type own struct {
	Statement *label.Statement `json:"statement"`
	Label     string           `json:"label,omitempty"`  // COSE_Sign1, base64
	Status    string           `json:"status,omitempty"` // as of the day of modified
}

// Read reads a label file.
func Read(r io.Reader) (*Import, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > MaxFile:
		return nil, fmt.Errorf("%w: it has more than %d octets", ErrFile, MaxFile)
	}
	return Parse(data)
}

// Parse reads a label file. It does not check it by the schema: what is missing or misspelt is kept as it is.
func Parse(data []byte) (*Import, error) {
	in := &Import{Schema: Schema, Rest: map[string]json.RawMessage{}}
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	if err := members(d, in.Rest); err != nil {
		return nil, fmt.Errorf("%w: at octet %d: %w", ErrFile, d.InputOffset(), err)
	}
	var version string
	if json.Unmarshal(in.Rest["schema_version"], &version) != nil || in.Rest[makerMember] == nil {
		return nil, fmt.Errorf("%w: schema_version or %s is missing", ErrFile, makerMember)
	}
	s := &in.Statement
	in.text(makerMember, &s.Maker)
	in.text(modelMember, &s.Model)
	in.text(contactMember, &s.Contact)
	in.day(supportMember, &s.Support)
	in.day(issuedMember, &s.Issued)
	var o own
	if raw := in.Rest[ownMember]; raw != nil && json.Unmarshal(raw, &o) == nil {
		s.Label = o.Statement // the member stays in the rest: it may hold more
	}
	return in, nil
}

// members reads an object into m, and refuses a name that is there twice: only one of the two would be kept.
func members(d *json.Decoder, m map[string]json.RawMessage) error {
	t, err := d.Token()
	if err != nil || t != json.Delim('{') {
		return errors.Join(err, errors.New("it is no JSON object"))
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		if m[name] != nil {
			return fmt.Errorf("%.60q is there twice", name)
		}
		if len(m) >= 1024 {
			return errors.New("it has more than 1024 members")
		}
		m[name] = raw
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	return nil
}

// text moves a member that is a text from the rest to where it belongs.
func (in *Import) text(name string, to *string) {
	var s *string
	if raw := in.Rest[name]; raw != nil && json.Unmarshal(raw, &s) == nil && s != nil && *s != "" && !strings.ContainsRune(*s, '\ufffd') {
		*to = *s
		delete(in.Rest, name)
	}
}

// day moves a date that is written as Export writes it; another stays.
func (in *Import) day(name string, to *label.Day) {
	var s string
	if json.Unmarshal(in.Rest[name], &s) != nil {
		return
	}
	var d label.Day
	if d.UnmarshalText([]byte(s)) == nil && d != 0 && d.String() == s {
		*to = d
		delete(in.Rest, name)
	}
}

// Export writes the file again: all that was imported, and what the statement says now.
func (in *Import) Export() ([]byte, error) {
	file := map[string]any{}
	for name, raw := range in.Rest {
		file[name] = raw
	}
	s := &in.Statement
	for name, value := range map[string]string{makerMember: s.Maker, modelMember: s.Model, contactMember: s.Contact} {
		if value != "" {
			file[name] = value
		}
	}
	for name, day := range map[string]label.Day{supportMember: s.Support, issuedMember: s.Issued} {
		if day != 0 {
			file[name] = day
		}
	}
	return write(file)
}

func write(file map[string]any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(file); err != nil {
		return nil, fmt.Errorf("write CTA-2120 label file: %w", err)
	}
	return out.Bytes(), nil
}

// unstated is what Export says where CTA-2120 requires a member that a label has nothing for.
const unstated = "Not stated by the label."

// Granted is what is known of a label beside its statement.
type Granted struct {
	Statement *label.Statement
	Sign1     []byte // its COSE_Sign1; nil where it is not at hand
	URL       string // that its QR code leads to
	Issuer    string // name of who granted it; "" where it is not known
	Status    label.Status
	// With is a file that was imported for the same product: what the label has nothing for is taken from there.
	With *Import
}

// New makes a label file of a label. What a label does not say is called not stated, and never made up.
func New(g *Granted) ([]byte, error) {
	s := g.Statement
	file := map[string]any{}
	if g.With != nil {
		for name, raw := range g.With.Rest {
			file[name] = raw
		}
	}
	missing := func(name string, value any) {
		if _, ok := file[name]; !ok {
			file[name] = value
		}
	}
	note := map[string]string{"text": unstated}
	party := func(name string) map[string]string {
		if name == "" {
			name = unstated
		}
		return map[string]string{"name": name, "contact": unstated}
	}
	issued := s.Issued.Time().Format(time.RFC3339)
	own := own{Statement: s, Status: string(g.Status)}
	if len(g.Sign1) > 0 {
		own.Label = base64.StdEncoding.EncodeToString(g.Sign1)
	}
	file["schema_version"] = "1.0.0"
	file[makerMember], file[modelMember], file[issuedMember] = s.Maker, s.Model, s.Issued
	file[ownMember] = own
	file["version_and_model_numbers"] = models(s)
	file["sensor_data_collection"] = sensing(s, file["sensor_data_collection"])
	if s.Support != 0 {
		file[supportMember] = s.Support
	} else if g.With != nil && g.With.Statement.Support != 0 {
		file[supportMember] = g.With.Statement.Support
	} else {
		return nil, fmt.Errorf("%w: %s", ErrMissing, supportMember)
	}
	switch {
	case contact(s.Contact) != "":
		file[contactMember] = contact(s.Contact)
	case g.With != nil && g.With.Statement.Contact != "":
		file[contactMember] = g.With.Statement.Contact
	default:
		return nil, fmt.Errorf("%w: %s", ErrMissing, contactMember)
	}
	for _, m := range []string{"delete_data", "account_deactivation", "encryption_and_key_management", "general_user_information", "securing_this_product"} {
		missing(m, note)
	}
	missing("QR_code_url", g.URL)
	missing("product_name", s.Model)
	missing("authorized_by", party(g.Issuer))
	missing("tested_by", party(""))
	missing("access_control", map[string]any{"password_options": []string{"not_disclosed"}})
	update, other := "Not disclosed", ""
	if s.Practices.Has("automatic-updates") {
		update, other = "Other", "Automatic. The label does not state whether one may opt out."
	}
	if _, ok := file["security_update_information"]; !ok && other != "" {
		file["security_update_information_other"] = other
	}
	missing("security_update_information", map[string]any{"update_default": update, "update_options": []string{update}})
	bill := map[string]bool{"sbom_maintained": s.SBOMURL != "", "hbom_maintained": false}
	missing("sbom_hbom_maintained", bill)
	missing("sbom_hbom_available", bill)
	missing("created", issued)
	missing("modified", issued)
	return write(file)
}

// contact is one in the form that CTA-2120 takes: a URL, or a mail address without scheme.
func contact(s string) string {
	if mail, ok := strings.CutPrefix(s, "mailto:"); ok {
		return mail
	}
	if strings.HasPrefix(s, "https://") || strings.Contains(s, "@") {
		return s
	}
	return ""
}

// models is what the member says whose form the published schema forgot.
func models(s *label.Statement) string {
	text := s.Model
	if s.Hardware != "" {
		text += ", hardware " + s.Hardware
	}
	switch f := s.Firmware; {
	case f.From == "" && f.To == "":
	case f.To == "":
		text += ", firmware from " + f.From
	default:
		text += ", firmware " + f.From + " to " + f.To
	}
	return text
}

// kinds are the three sensors that CTA-2120 knows, and our words for them.
var kinds = []struct {
	sensing string
	ours    []string
}{{"audio", []string{"audio"}}, {"images", []string{"video", "images"}}, {"position", []string{"position"}}}

// sensing says of each of the three sensors whether the product has it. What a file said of them beside stays; and all that
// it said, where the label states no sensors at all: then nothing is known.
func sensing(s *label.Statement, was any) []map[string]any {
	words := s.Sensors.Words()
	var old []map[string]any
	if raw, ok := was.(json.RawMessage); ok {
		_ = json.Unmarshal(raw, &old) // of another form: written anew
	}
	var list []map[string]any
	for _, k := range kinds {
		m := map[string]any{"sensing": k.sensing, "has": false}
		for _, o := range old {
			if o["sensing"] == k.sensing {
				m = o
			}
		}
		if s.Sensors != 0 {
			m["has"] = slices.ContainsFunc(k.ours, func(w string) bool { return slices.Contains(words, w) })
		}
		list = append(list, m)
	}
	return list
}
