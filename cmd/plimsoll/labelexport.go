//go:build !gateway

package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/cta2120"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
)

// exporting is what the flags of label export say.
type exporting struct {
	env
	format, resolver, with, key, out string
}

// newLabelExport writes a label in the forms of others.
func newLabelExport(e env) *cobra.Command {
	in := &exporting{env: e}
	forms := map[string]func(*label.Envelope, *label.Statement) ([]byte, error){"cta-2120": in.cta, "csv": in.csv, "vc": in.vc}
	c := &cobra.Command{Use: "export", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.label.file")
		}
		write := forms[in.format]
		if write == nil {
			return wrongUsage("error.label.export.format")
		}
		envelope, _, err := in.readLabel(args[0])
		if err != nil {
			return err
		}
		s, err := envelope.Statement()
		if err != nil {
			return &fault{errUnverified, "error.label.unreadable", []any{"name", args[0], "cause", err.Error()}}
		}
		data, err := write(envelope, s)
		if err != nil {
			return err
		}
		return in.writeOutput(in.out, data)
	}}
	f := c.Flags()
	f.Func("format", "", func(s string) error {
		if forms[s] == nil {
			return fs.ErrInvalid
		}
		in.format = s
		return nil
	})
	f.StringVar(&in.resolver, "resolver", "", "")
	f.StringVar(&in.with, "with", "", "")
	f.StringVar(&in.key, "issuer-key", "", "")
	f.StringVar(&in.out, "out", "-", "")
	return c
}

// cta is the label file of CTA-2120. Nothing in it is verified; the label itself goes with it.
func (in *exporting) cta(envelope *label.Envelope, s *label.Statement) ([]byte, error) {
	if in.resolver == "" {
		return nil, wrongUsage("error.label.resolver")
	}
	url, _, _ := strings.Cut(label.Link(in.resolver, s, nil), "#")
	g := &cta2120.Granted{Statement: s, Sign1: envelope.Label, URL: "https" + strings.TrimPrefix(url, "HTTPS"), Status: label.Unknown}
	if in.with != "" {
		data, err := readFile(in.with, cta2120.MaxFile)
		if err != nil {
			return nil, err
		}
		if g.With, err = cta2120.Parse(data); err != nil {
			return nil, &fault{key: "error.label.cta", args: []any{"name", in.with, "cause", err.Error()}}
		}
	}
	data, err := cta2120.New(g)
	if errors.Is(err, cta2120.ErrMissing) {
		_, member, _ := strings.Cut(err.Error(), ": ")
		return nil, &fault{key: "error.label.cta.missing", args: []any{"member", member}}
	}
	return data, err
}

// csv is a table with a row for each norm of the label’s profile, the norms that are not claimed among them.
func (in *exporting) csv(_ *label.Envelope, s *label.Statement) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	rows := [][]string{{"gtin", "maker", "model", "hardware", "firmware_from", "firmware_to", "issued", "support_until", "profile", "norm", "class"}}
	support := ""
	if s.Support != 0 {
		support = s.Support.String()
	}
	for _, n := range label.ProfileNorms(s.Profile) {
		rows = append(rows, []string{
			s.GTIN14(), cell(s.Maker), cell(s.Model), cell(s.Hardware), cell(s.Firmware.From), cell(s.Firmware.To), s.Issued.String(), support,
			strconv.FormatUint(uint64(s.Profile), 10), n, s.Class(n).String(),
		})
	}
	err := w.WriteAll(rows)
	return out.Bytes(), err
}

// cell is a text such that no program for tables takes it for a formula: makers’ texts are strangers’.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// credential is a label in the Verifiable Credentials Data Model 2.0, as JSON. It carries no proof of that data model: what
// the issuer signed is the COSE_Sign1, which is named as a related resource and is in it whole.
type credential struct {
	Context      []string       `json:"@context"`
	Type         []string       `json:"type"`
	Issuer       string         `json:"issuer"`
	ValidFrom    string         `json:"validFrom"`
	ValidUntil   string         `json:"validUntil,omitempty"`
	Subject      map[string]any `json:"credentialSubject"`
	RelatedFiles []related      `json:"relatedResource"`
}

type related struct {
	ID        string `json:"id"`
	MediaType string `json:"mediaType"`
	DigestSRI string `json:"digestSRI"`
}

// vc is the label as a credential. A credential names its issuer: so the label must be genuine by that issuer’s key.
func (in *exporting) vc(envelope *label.Envelope, s *label.Statement) ([]byte, error) {
	if in.key == "" {
		return nil, wrongUsage("error.label.export.issuer")
	}
	trust, err := labelTrust("", "", in.key)
	if err != nil {
		return nil, err
	}
	if _, err := trust.Verify(envelope, "", time.Now()); err != nil {
		return nil, &fault{errUnverified, notGenuine(err), nil}
	}
	subject, err := twinOf(s)
	if err != nil {
		return nil, err
	}
	subject["id"] = "https://id.gs1.org/01/" + s.GTIN14()
	subject["type"] = "ProductLabel"
	sum := sha256.Sum256(envelope.Label)
	c := credential{
		Context:   []string{"https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/undefined-terms/v2"},
		Type:      []string{"VerifiableCredential", "ProductLabelCredential"},
		Issuer:    didKey(trust.Bundle.Issuers[0].Key),
		ValidFrom: s.Issued.Time().Format(time.RFC3339),
		Subject:   subject,
		RelatedFiles: []related{{
			ID:        "data:application/cose;base64," + base64.StdEncoding.EncodeToString(envelope.Label),
			MediaType: "application/cose", DigestSRI: "sha256-" + base64.StdEncoding.EncodeToString(sum[:]),
		}},
	}
	if s.Expires != 0 {
		c.ValidUntil = (s.Expires + 1).Time().Format(time.RFC3339) // the day is included
	}
	return indented(c)
}

// twinOf is the statement as JSON has it.
func twinOf(s *label.Statement) (map[string]any, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	m := map[string]any{}
	return m, d.Decode(&m)
}

func indented(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return out.Bytes(), err
}

// didKey is the identifier of an Ed25519 key by itself (did:key): its multicodec prefix and octets in base58btc.
func didKey(k ed25519.PublicKey) string {
	const digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	n, base, rest := new(big.Int).SetBytes(append([]byte{0xed, 0x01}, k...)), big.NewInt(58), new(big.Int)
	var out []byte
	for n.Sign() > 0 {
		n.DivMod(n, base, rest)
		out = append([]byte{digits[rest.Int64()]}, out...)
	}
	return "did:key:z" + string(out)
}

// newLabelImport reads a label file of CTA-2120.
func newLabelImport(e env, words *locale.Catalogue) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "import", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.label.cta.file")
		}
		data, err := e.readInput(args[0], cta2120.MaxFile)
		if err != nil {
			return err
		}
		in, err := cta2120.Parse(data)
		if err != nil {
			return &fault{key: "error.label.cta", args: []any{"name", args[0], "cause", err.Error()}}
		}
		if asJSON {
			return printJSON(e.out, in)
		}
		s := &in.Statement
		lines := []string{words.Text("label.import.product", "maker", s.Maker, "model", s.Model)}
		if s.Support != 0 {
			lines = append(lines, words.Text("label.support", "day", words.Date(s.Support.Time())))
		}
		if s.Contact != "" {
			lines = append(lines, words.Text("label.import.contact", "contact", s.Contact))
		}
		lines = append(lines, words.Text("label.import.rest", "n", len(in.Rest)), words.Text("label.import.declared"))
		for _, l := range lines {
			if _, err := fmt.Fprintln(e.out, printable(l)); err != nil {
				return err
			}
		}
		return nil
	}}
	c.Flags().BoolVar(&asJSON, "json", false, "")
	return c
}
