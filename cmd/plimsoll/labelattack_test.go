//go:build !gateway

package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/label"
)

// printed is a label with its proof, and what it is held against, in a folder.
type printed struct {
	*office
	dir     string
	at      string // of its registry
	day     label.Day
	bundle  *label.Bundle
	said    *label.Statement
	another *label.Envelope // which was granted on the same day
}

func print1(t *testing.T) *printed {
	t.Helper()
	p := &printed{office: &office{registry: seeded("registry"), issuer: seeded("issuer")}, dir: t.TempDir(), day: label.DayOf(time.Now()) - 3}
	server := httptest.NewServer(p.office)
	t.Cleanup(server.Close)
	p.at = server.URL
	p.said = &label.Statement{Version: label.Version, GTIN: 9506000134352, Maker: "Example Lamps", Model: "LP-110", Profile: 1, Issued: p.day}
	p.said.SetClass("etsi.5.1-1", label.Declared)
	other := *p.said
	other.GTIN, other.Model, other.Index = 12345678905, "LP-9", 1
	var signed [][]byte
	for _, s := range []*label.Statement{p.said, &other} {
		signed = append(signed, p.sign(t, s, p.issuer))
	}
	root, proofs := label.Landmark(p.day, signed)
	p.envelope = &label.Envelope{Version: label.Version, Label: signed[0], Proof: proofs[0]}
	p.another = &label.Envelope{Version: label.Version, Label: signed[1], Proof: proofs[1]}
	p.bundle = &label.Bundle{
		Version: label.Version, Registry: "Example Registry", Made: time.Now().UTC().Truncate(time.Second), FirstDay: p.day, Landmarks: [][32]byte{root},
		Issuers: []label.Issuer{{Name: "Example Body", Key: publicOf(p.issuer), From: p.day}},
	}
	if err := p.bundle.SetStatuses([]label.Status{label.Active, label.Active}); err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]ed25519.PrivateKey{"registry.pem": p.registry, "other.pem": seeded("stranger")} {
		der, err := x509.MarshalPKIXPublicKey(publicOf(k))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(p.dir, name), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	}
	p.publish(t, p.registry)
	p.put(t, p.envelope)
	return p
}

func (p *printed) sign(t *testing.T, s *label.Statement, by ed25519.PrivateKey) []byte {
	t.Helper()
	sign1, err := label.Sign(s, by)
	if err != nil {
		t.Fatal(err)
	}
	return sign1
}

// publish gives the bundle out.
func (p *printed) publish(t *testing.T, by ed25519.PrivateKey) {
	t.Helper()
	data, err := p.bundle.Sign(by)
	if err != nil {
		t.Fatal(err)
	}
	p.office.bundle = data
	write(t, filepath.Join(p.dir, "trust.bundle"), string(data))
}

// put is what is found on the pack.
func (p *printed) put(t *testing.T, e *label.Envelope) {
	t.Helper()
	data, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(p.dir, "found.label"), string(data))
}

// What somebody does to a label, and what is said of it, with and without a network. docs/labelling.md lists the same.
func TestAttacksOnALabelAreSaidWithTheirExitCode(t *testing.T) {
	const (
		offline = "label verify DIR/found.label --offline --bundle DIR/trust.bundle --registry-key DIR/registry.pem"
		online  = "label verify DIR/found.label --registry AT --registry-key DIR/registry.pem"
	)
	both := []string{offline, online}
	for name, c := range map[string]struct {
		attack func(*testing.T, *printed)
		by     []string
		want   int
		says   string
	}{
		"none": {func(*testing.T, *printed) {}, both, exitDone, "Genuine: granted by Example Body"},
		"forged": {func(t *testing.T, p *printed) {
			p.put(t, &label.Envelope{Version: label.Version, Label: p.sign(t, p.said, seeded("stranger"))})
		}, both, exitUnverified, "nobody whom you trust could grant it"},
		"altered": {func(t *testing.T, p *printed) {
			p.put(t, &label.Envelope{Version: label.Version, Label: bytes.Replace(p.envelope.Label, []byte("LP-110"), []byte("LP-999"), 1), Proof: p.envelope.Proof})
		}, both, exitUnverified, "its signature is wrong"},
		"replayed with another’s proof": {func(t *testing.T, p *printed) {
			p.put(t, &label.Envelope{Version: label.Version, Label: p.envelope.Label, Proof: p.another.Proof})
		}, both, exitUnverified, "not in the log"},
		"wrong key": {func(*testing.T, *printed) {}, []string{
			strings.Replace(offline, "registry.pem", "other.pem", 1), strings.Replace(online, "registry.pem", "other.pem", 1),
		}, exitUnverified, "the registry did not sign it"},
		"wrong log": {func(t *testing.T, p *printed) {
			p.bundle.Landmarks[0] = [32]byte{1}
			p.publish(t, p.registry)
		}, both, exitUnverified, "not in the log"},
		"forged bundle": {func(t *testing.T, p *printed) { p.publish(t, seeded("stranger")) }, both, exitUnverified, "the registry did not sign it"},
		"rolled back": {func(t *testing.T, p *printed) {
			p.bundle.Made = p.bundle.Made.Add(-time.Hour)
			data, err := p.bundle.Sign(p.registry)
			if err != nil {
				t.Fatal(err)
			}
			p.office.bundle = data
		}, []string{"registry bundle --registry AT --registry-key DIR/registry.pem --out DIR/trust.bundle"}, exitUnverified, "older than the one that is kept"},
		"split view": {func(t *testing.T, p *printed) {
			p.bundle.Landmarks[0] = [32]byte{1}
			data, err := p.bundle.Sign(p.registry)
			if err != nil {
				t.Fatal(err)
			}
			p.office.bundle = data
		}, []string{"registry bundle --registry AT --registry-key DIR/registry.pem --out DIR/trust.bundle"}, exitUnverified, "another log than the one that is kept"},
		"back-dated": {func(t *testing.T, p *printed) {
			s := *p.said
			s.Issued--
			p.bundle.Issuers[0].From--
			late := p.sign(t, &s, p.issuer)
			root, proofs := label.Landmark(p.day, [][]byte{late})
			p.bundle.Landmarks[0] = root
			p.publish(t, p.registry)
			p.put(t, &label.Envelope{Version: label.Version, Label: late, Proof: proofs[0]})
		}, both, exitUnverified, "not in the log of the day that it names"},
		"granted and not logged": {func(t *testing.T, p *printed) {
			s := *p.said
			s.Model = "LP-111"
			p.put(t, &label.Envelope{Version: label.Version, Label: p.sign(t, &s, p.issuer)})
		}, []string{online}, exitUnverified, "not in the log"},
		"stale bundle": {func(t *testing.T, p *printed) {
			p.bundle.Made = time.Now().Add(-label.Stale - time.Hour)
			p.publish(t, p.registry)
		}, both, exitFound, "not active: not known"},
		"suspended": {func(t *testing.T, p *printed) {
			if err := p.bundle.SetStatuses([]label.Status{label.Suspended, label.Active}); err != nil {
				t.Fatal(err)
			}
			p.publish(t, p.registry)
		}, both, exitFound, "not active: suspended"},
		"swapped sticker": {func(t *testing.T, p *printed) {
			data, err := p.another.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			link := label.Link("id.example", &label.Statement{GTIN: 9506000134352}, data)
			write(t, filepath.Join(p.dir, "found.label"), link)
		}, both, exitUnverified, "another product"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := print1(t)
			c.attack(t, p)
			for _, by := range c.by {
				args := strings.Fields(strings.NewReplacer("DIR", p.dir, "AT", p.at).Replace(by))
				code, stdout, stderr := call(t, nil, args...)
				if code != c.want || !strings.Contains(stdout+stderr, c.says) {
					t.Errorf("plimsoll %s: exit %d, want %d with %q:\n%s%s", by, code, c.want, c.says, stdout, stderr)
				}
				if strings.HasPrefix(by, "label verify") && name != "wrong key" && name != "forged bundle" {
					_, stdout, _ := call(t, nil, append(args, "--json")...)
					validate(t, "label-verify.json", stdout)
				}
			}
		})
	}
}

func TestALinkThatCarriesNoLabelIsLookedUpAtTheRegistry(t *testing.T) {
	p := print1(t)
	link := "https://id.example/01/09506000134352"
	code, stdout, stderr := call(t, nil, "label", "verify", link, "--registry", p.at, "--registry-key", filepath.Join(p.dir, "registry.pem"))
	if code != exitDone || !strings.Contains(stdout, "LP-110") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	if code, _, _ := call(t, nil, "label", "verify", link, "--bundle", filepath.Join(p.dir, "trust.bundle"), "--registry-key", filepath.Join(p.dir, "registry.pem")); code != exitUnverified {
		t.Errorf("with no network: exit %d", code)
	}
	if code, _, _ := call(t, nil, "label", "verify", link, "--offline", "--registry", p.at, "--registry-key", filepath.Join(p.dir, "registry.pem")); code != exitUsage {
		t.Errorf("--offline asks nobody: exit %d", code)
	}
}
