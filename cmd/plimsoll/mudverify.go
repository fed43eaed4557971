//go:build !gateway

package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/mudcache"
	"plimsoll.example/plimsoll/mud"
)

// verification is what schema/mud-verify.json describes.
type verification struct {
	Schema   string   `json:"schema"`
	File     string   `json:"file"`
	SHA256   string   `json:"sha256"`
	Verified bool     `json:"verified"`
	Signer   string   `json:"signer"`
	Signed   string   `json:"signed"`  // RFC 3339; "" where the signer does not say
	Expired  bool     `json:"expired"` // a certificate has expired since
	Chain    []string `json:"chain"`
	Problem  string   `json:"problem"` // "", signature, trust or clock
	Text     string   `json:"text"`    // what the problem is
}

func newMUDVerify(e env, words *locale.Catalogue) *cobra.Command {
	var signature, anchors, intermediates, device string
	var asJSON bool
	c := &cobra.Command{Use: "verify", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.mud.file")
		}
		if signature == "" || anchors == "" {
			return wrongUsage("error.mud.verify.flags")
		}
		file, err := readFile(args[0], mudcache.MaxFile)
		if err != nil {
			return err
		}
		p7s, err := readFile(signature, mud.MaxSignature)
		if err != nil {
			return err
		}
		trust, err := readTrust(anchors, intermediates, device)
		if err != nil {
			return err
		}
		s, err := mud.VerifySignature(file, p7s, trust)
		v := verification{Schema: "plimsoll.mud.verify/1", File: args[0], Chain: []string{}}
		v.fill(file, s, err)
		if asJSON {
			return errors.Join(printJSON(e.out, v), err)
		}
		if err != nil {
			return err
		}
		return v.tell(e, words, s)
	}}
	f := c.Flags()
	f.StringVar(&signature, "signature", "", "")
	f.StringVar(&anchors, "anchors", "", "")
	f.StringVar(&intermediates, "intermediates", "", "")
	f.StringVar(&device, "device-certificate", "", "")
	f.BoolVar(&asJSON, "json", false, "")
	return c
}

// readTrust reads what a signature is held against.
func readTrust(anchors, intermediates, device string) (mud.Trust, error) {
	trust := mud.Trust{Now: time.Now(), Floor: floor()}
	var err error
	if trust.Anchors, err = readCertificates(anchors); err != nil {
		return trust, err
	}
	if intermediates != "" {
		if trust.Intermediates, err = readCertificates(intermediates); err != nil {
			return trust, err
		}
	}
	if device != "" {
		list, err := readCertificates(device)
		if err != nil {
			return trust, err
		}
		if trust.Signer, err = mud.Mudsigner(list[0]); err != nil {
			return trust, fmt.Errorf("%s: %w", device, err)
		}
	}
	return trust, nil
}

func (v *verification) fill(file []byte, s *mud.Signature, err error) {
	sum := sha256.Sum256(file)
	v.SHA256, v.Verified = hex.EncodeToString(sum[:]), err == nil
	switch {
	case errors.Is(err, mud.ErrSignature):
		v.Problem = "signature"
	case errors.Is(err, mud.ErrUntrusted):
		v.Problem = "trust"
	case errors.Is(err, mud.ErrClock):
		v.Problem = "clock"
	}
	if err != nil {
		v.Text = err.Error()
	}
	if s == nil {
		return
	}
	v.Signer, v.Expired = s.Signer.Subject.String(), s.Expired
	v.Signed = rfc3339(s.Time)
	for _, c := range s.Chain {
		v.Chain = append(v.Chain, c.Subject.String())
	}
}

func (v *verification) tell(e env, words *locale.Catalogue, s *mud.Signature) error {
	lines := []string{words.Text("mud.verify.good", "name", v.File, "signer", v.Signer)}
	if v.Signed != "" {
		lines = append(lines, words.Text("mud.verify.signed", "when", s.Time))
	}
	if v.Expired {
		lines = append(lines, words.Text("mud.verify.expired", "when", ends(s.Chain)))
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(e.out, printable(l)); err != nil {
			return err
		}
	}
	return nil
}

// ends is when the first certificate of a chain expires.
func ends(chain []*x509.Certificate) time.Time {
	first := chain[0].NotAfter
	for _, c := range chain {
		if c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	return first
}
