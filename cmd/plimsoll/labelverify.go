//go:build !gateway

package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
)

// labelVerdict is what schema/label-verify.json describes.
type labelVerdict struct {
	Schema       string           `json:"schema"`
	Genuine      bool             `json:"genuine"`
	Issuer       string           `json:"issuer"`
	Product      *label.Statement `json:"product"`
	Issued       string           `json:"issued"`
	IssuedProof  string           `json:"issued_proof"`
	Status       label.Status     `json:"status"`
	StatusAsOf   string           `json:"status_as_of"`
	SupportUntil string           `json:"support_until"`
	MUDURL       string           `json:"mud_url"`
	Problems     []string         `json:"problems"`
}

func newLabelVerify(e env, words *locale.Catalogue) *cobra.Command {
	var bundle, registry, issuer string
	var asJSON, offline bool
	c := &cobra.Command{Use: "verify", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.label.file")
		}
		trust, err := labelTrust(bundle, registry, issuer)
		if err != nil {
			return err
		}
		envelope, gtin, err := e.readLabel(args[0])
		if err != nil {
			if asJSON {
				return errors.Join(printJSON(e.out, newLabelVerdict(words, &label.Verdict{Status: label.Unknown}, err)), err)
			}
			return err
		}
		v, err := trust.Verify(envelope, gtin, time.Now())
		if err != nil {
			err = &fault{errUnverified, notGenuine(err), nil}
		}
		if asJSON {
			if printErr := printJSON(e.out, newLabelVerdict(words, v, err)); printErr != nil {
				return printErr
			}
		}
		switch {
		case err != nil:
			return err
		case !asJSON:
			if err := tellLabel(e, words, v); err != nil {
				return err
			}
		}
		if v.Status != label.Active {
			return &fault{errFound, "error.label.status", []any{"status", words.Text("label.status." + string(v.Status))}}
		}
		return nil
	}}
	f := c.Flags()
	f.StringVar(&bundle, "bundle", "", "")
	f.StringVar(&registry, "registry-key", "", "")
	f.StringVar(&issuer, "issuer-key", "", "")
	f.BoolVar(&offline, "offline", false, "") // no verb of label uses a network: the promise is kept either way
	f.BoolVar(&asJSON, "json", false, "")
	return c
}

// notGenuine is the key of the words for why a label is not genuine.
func notGenuine(err error) string {
	for cause, key := range map[error]string{
		label.ErrUntrusted: "error.label.not-genuine.untrusted",
		label.ErrProof:     "error.label.not-genuine.proof",
		label.ErrStatement: "error.label.not-genuine.statement",
	} {
		if errors.Is(err, cause) {
			return key
		}
	}
	return "error.label.not-genuine.signature"
}

// labelProblem says what keeps a verdict from being better.
func labelProblem(words *locale.Catalogue, p label.Problem) string {
	return words.Text("label.problem."+string(p.Kind), "day", words.Date(p.Day.Time()))
}

// labelTrust is what a label is held against: a bundle, or one issuer’s key alone, by which nothing is known of status.
func labelTrust(bundle, registry, issuer string) (*label.Trust, error) {
	switch {
	case bundle != "" && registry != "" && issuer == "":
		return readBundle(bundle, registry)
	case issuer != "" && bundle == "" && registry == "":
		key, err := readPublicKey(issuer)
		if err != nil {
			return nil, err
		}
		return &label.Trust{Bundle: &label.Bundle{Version: label.Version, Issuers: []label.Issuer{{Name: issuer, Key: key}}}}, nil
	}
	return nil, wrongUsage("error.label.trust")
}

func newLabelVerdict(words *locale.Catalogue, v *label.Verdict, err error) labelVerdict {
	r := labelVerdict{
		Schema: "plimsoll.label.verify/1", Genuine: v.Genuine, Issuer: v.Issuer, Product: v.Statement, IssuedProof: v.IssuedProof,
		Status: v.Status, StatusAsOf: rfc3339(v.StatusAsOf), Problems: []string{},
	}
	for _, p := range v.Problems {
		r.Problems = append(r.Problems, labelProblem(words, p))
	}
	if s := v.Statement; s != nil {
		r.Issued, r.MUDURL = s.Issued.String(), s.MUDURL
		if s.Support != 0 {
			r.SupportUntil = s.Support.String()
		}
	}
	if err != nil {
		r.Problems = append(r.Problems, explain(err, words))
	}
	return r
}

// tellLabel says the verdict: genuine, issued on, status as of; never more.
func tellLabel(e env, words *locale.Catalogue, v *label.Verdict) error {
	s := v.Statement
	lines := []string{words.Text("label.genuine", "issuer", v.Issuer, "day", words.Date(s.Issued.Time()))}
	lines = append(lines, labelLines(words, s)...)
	if !v.StatusAsOf.IsZero() {
		lines = append(lines, words.Text("label.status", "status", words.Text("label.status."+string(v.Status)), "day", words.Date(v.StatusAsOf)))
	}
	for _, p := range v.Problems {
		lines = append(lines, labelProblem(words, p))
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(e.out, printable(l)); err != nil {
			return err
		}
	}
	return nil
}
