// Package dcl reads rows of Matter’s Distributed Compliance Ledger, as its REST interface answers: models, their software
// versions, and what became of their certificates.
//
// The answers carry no proof of the ledger’s state: what they say is declared, by the word of the node that was asked.
package dcl

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/record"
	"plimsoll.example/plimsoll/internal/advisory/version"
)

// Model is a product of a vendor.
type Model struct {
	VID        uint16 `json:"vid"`
	PID        uint16 `json:"pid"`
	DeviceType int64  `json:"deviceTypeId"`
	Name       string `json:"productName"`
	Label      string `json:"productLabel"`
	Part       string `json:"partNumber"`
	SupportURL string `json:"supportUrl"`
	ProductURL string `json:"productUrl"`
}

// Compliance is the state of a certificate for one software version of a model.
type Compliance struct {
	VID         uint16    `json:"vid"`
	PID         uint16    `json:"pid"`
	Software    int64     `json:"softwareVersion"`
	Version     string    `json:"softwareVersionString"`
	Type        string    `json:"certificationType"`
	Status      int       `json:"softwareVersionCertificationStatus"`
	Date        string    `json:"date"`
	Reason      string    `json:"reason"`
	Certificate string    `json:"cDCertificateId"`
	History     []History `json:"history"`
}

// History is a state that a certificate had before.
type History struct {
	Status int    `json:"softwareVersionCertificationStatus"`
	Date   string `json:"date"`
	Reason string `json:"reason"`
}

// The states of a certificate. There is none for a suspension.
const (
	Provisional = 1
	Certified   = 2
	Revoked     = 3
)

var statuses = map[int]string{0: "test", Provisional: "provisional", Certified: "certified", Revoked: "revoked"}

// Word is the word for the state of a certificate.
func (c *Compliance) Word() string {
	if s := statuses[c.Status]; s != "" {
		return s
	}
	return "status-" + strconv.Itoa(c.Status)
}

// Rows are those of an answer.
type Rows struct {
	Models      []Model
	Compliances []Compliance
	Skipped     int
}

// maxRows bounds the rows of an answer: the interface gives them in pages.
const maxRows = 100_000

// Parse reads an answer: one row or a page of them.
func Parse(data []byte) (*Rows, error) {
	if len(data) > record.Max {
		return nil, fmt.Errorf("%w: more than %d octets", record.ErrLarge, record.Max)
	}
	var answer struct {
		Model      json.RawMessage `json:"model"`
		Compliance json.RawMessage `json:"complianceInfo"`
	}
	if err := record.Unmarshal(data, &answer); err != nil {
		return nil, err
	}
	if answer.Model == nil && answer.Compliance == nil {
		return nil, fmt.Errorf("%w: it has neither model nor complianceInfo", record.ErrFormat)
	}
	r := &Rows{}
	var err error
	if r.Models, err = rows[Model](answer.Model, &r.Skipped); err == nil {
		r.Compliances, err = rows[Compliance](answer.Compliance, &r.Skipped)
	}
	return r, err
}

// rows reads one row, or a list of them.
func rows[T any](raw json.RawMessage, skipped *int) (list []T, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	one := []json.RawMessage{raw}
	if raw[0] == '[' {
		if err := record.Unmarshal(raw, &one); err != nil {
			return nil, err
		}
	}
	if len(one) > maxRows {
		return nil, fmt.Errorf("%w: %d rows, at most %d are read", record.ErrLarge, len(one), maxRows)
	}
	for _, raw := range one {
		var row T
		if record.Unmarshal(raw, &row) != nil {
			*skipped++
			continue
		}
		list = append(list, row)
	}
	return list, nil
}

// Read reads an answer and gives an advisory for each certificate: whether it is revoked.
func Read(r io.Reader, give func(*advisory.Advisory) error) (head record.Head, err error) {
	data, err := io.ReadAll(io.LimitReader(r, record.Max+1))
	if err != nil {
		return head, err
	}
	all, err := Parse(data)
	if err != nil {
		return head, err
	}
	digest := record.Digest(data)
	head.Skipped = all.Skipped
	names := map[advisory.Matter]string{}
	for _, m := range all.Models {
		names[advisory.Matter{Vendor: m.VID, Product: m.PID}] = record.Text(m.Name)
		head.Records++
	}
	for _, c := range all.Compliances {
		key := advisory.Matter{Vendor: c.VID, Product: c.PID}
		a := &advisory.Advisory{
			Source: advisory.DCL, Kind: advisory.Certificate, ID: fmt.Sprintf("%d/%d/%d/%s", c.VID, c.PID, c.Software, record.Text(c.Type)),
			Title: record.Text(c.Type + " " + c.Word() + " " + c.Reason), Modified: record.Time(c.Date), Digest: digest,
		}
		f := advisory.Affected{Says: advisory.NotAffected, Product: names[key], Matter: key, Why: c.Word()}
		if c.Status == Revoked {
			f.Says = advisory.IsAffected
		}
		if v := record.Text(c.Version); v != "" {
			f.Versions = []version.Span{version.One(v)}
		}
		a.Affected = []advisory.Affected{f}
		head.See(a.Modified)
		if err := give(a); err != nil {
			return head, err
		}
	}
	return head, nil
}
