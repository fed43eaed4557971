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
				return errors.Join(printJSON(e.out, newLabelVerdict(&label.Verdict{Status: label.Unknown}, errors.New(explain(err, words)))), err)
			}
			return err
		}
		v, err := trust.Verify(envelope, gtin, time.Now())
		if asJSON {
			if printErr := printJSON(e.out, newLabelVerdict(v, err)); printErr != nil {
				return printErr
			}
		}
		switch {
		case err != nil:
			return &fault{errUnverified, "error.label.not-genuine", []any{"cause", err.Error()}}
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
		return &label.Trust{Bundle: &label.Bundle{Version: label.Version, Made: time.Now(), Issuers: []label.Issuer{{Name: issuer, Key: key}}}}, nil
	}
	return nil, wrongUsage("error.label.trust")
}

func newLabelVerdict(v *label.Verdict, err error) labelVerdict {
	r := labelVerdict{
		Schema: "plimsoll.label.verify/1", Genuine: v.Genuine, Issuer: v.Issuer, Product: v.Statement, IssuedProof: v.IssuedProof,
		Status: v.Status, StatusAsOf: rfc3339(v.StatusAsOf), Problems: append([]string{}, v.Problems...),
	}
	if s := v.Statement; s != nil {
		r.Issued, r.MUDURL = s.Issued.String(), s.MUDURL
		if s.Support != 0 {
			r.SupportUntil = s.Support.String()
		}
	}
	if err != nil {
		r.Problems = append(r.Problems, err.Error())
	}
	return r
}

// tellLabel says the verdict: genuine, issued on, status as of; never more.
func tellLabel(e env, words *locale.Catalogue, v *label.Verdict) error {
	s := v.Statement
	lines := []string{words.Text("label.genuine", "issuer", v.Issuer, "day", words.Date(s.Issued.Time()))}
	lines = append(lines, labelLines(words, s)...)
	lines = append(lines, words.Text("label.status", "status", words.Text("label.status."+string(v.Status)), "day", words.Date(v.StatusAsOf)))
	for _, p := range v.Problems {
		lines = append(lines, words.Text("label.problem", "text", p))
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(e.out, printable(l)); err != nil {
			return err
		}
	}
	return nil
}
