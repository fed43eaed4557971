//go:build !gateway

package main

import (
	"context"
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
	var k labelKeys
	var asJSON bool
	c := &cobra.Command{Use: "verify", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.label.file")
		}
		verify, err := k.open(c.Context(), e)
		if err != nil {
			return err
		}
		v, err := verify(args[0], time.Now())
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
	f.StringVar(&k.bundle, "bundle", "", "")
	f.StringVar(&k.registryKey, "registry-key", "", "")
	f.StringVar(&k.issuer, "issuer-key", "", "")
	f.StringVar(&k.registry, "registry", "", "")
	f.StringVar(&k.policy, "policy", "", "")
	f.BoolVar(&k.offline, "offline", false, "")
	f.BoolVar(&asJSON, "json", false, "")
	return c
}

// labelKeys is by whose word a label is verified, as flags say it.
type labelKeys struct {
	bundle, registryKey, issuer string
	registry, policy            string // with a network
	offline                     bool   // which all is that names no registry
}

// open gets ready to verify labels, by what registry says now or by what is at hand. What it gives says a verdict in any
// case.
func (k *labelKeys) open(ctx context.Context, e env) (func(arg string, now time.Time) (*label.Verdict, error), error) {
	told := func(v *label.Verdict, err error) (*label.Verdict, error) {
		for _, cause := range []error{label.ErrUntrusted, label.ErrProof, label.ErrStatement, label.ErrSignature} {
			if errors.Is(err, cause) {
				return v, &fault{errUnverified, notGenuine(err), nil}
			}
		}
		return v, err
	}
	nothing := &label.Verdict{Status: label.Unknown}
	if k.registry == "" && k.policy == "" {
		trust, err := labelTrust(k.bundle, k.registryKey, k.issuer)
		if err != nil {
			return nil, err
		}
		return func(arg string, now time.Time) (*label.Verdict, error) {
			envelope, gtin, err := e.readLabel(arg)
			if err != nil {
				return nothing, err
			}
			return told(trust.Verify(envelope, gtin, now))
		}, nil
	}
	if k.offline || k.registry == "" || k.registryKey == "" || k.bundle != "" || k.issuer != "" {
		return nil, wrongUsage("error.label.trust")
	}
	o, err := newOnline(ctx, k.registry, k.registryKey, k.policy)
	if err != nil {
		return nil, err
	}
	return func(arg string, now time.Time) (*label.Verdict, error) {
		envelope, gtin, err := e.readLabel(arg)
		if err != nil && gtin != "" {
			envelope, err = o.newest(ctx, gtin)
		}
		if err != nil {
			return nothing, err
		}
		return told(o.verify(ctx, envelope, gtin, now))
	}, nil
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
