package securitytxt_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/record"
	"plimsoll.example/plimsoll/internal/advisory/record/recordtest"
	"plimsoll.example/plimsoll/internal/advisory/securitytxt"
)

const sample = "# ours\r\nContact: mailto:security@cameras.example\r\nContact: https://cameras.example/report\r\nExpires: 2027-05-31T00:00:00z\r\nPreferred-Languages: en, fr\r\n" +
	"Canonical: https://cameras.example/.well-known/security.txt\r\nPolicy: https://cameras.example/policy\r\nCSAF: https://cameras.example/csaf/provider-metadata.json\r\nX-Other: y\r\n"

const signed = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n" + sample + "- -----\n-----BEGIN PGP SIGNATURE-----\nabc\n-----END PGP SIGNATURE-----\n"

func TestAGoodFileHasNoProblem(t *testing.T) {
	for _, text := range []string{sample, signed} {
		f, problems, err := securitytxt.Parse([]byte(text))
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		if f.Signed != (text == signed) || len(f.Contact) != 2 || len(f.PreferredLanguages) != 2 || len(f.CSAF) != 1 || f.Expires.Year() != 2027 {
			t.Errorf("%+v", f)
		}
		at := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
		if p := f.Check(at, "https://cameras.example/.well-known/security.txt"); len(p) > 0 {
			t.Error(p)
		}
		if p := f.Check(at.AddDate(1, 0, 0), "https://other.example/security.txt"); !slices.Equal(p, []securitytxt.Problem{securitytxt.Expired, securitytxt.OtherCanonical}) {
			t.Error(p)
		}
		if p := f.Check(at.AddDate(-1, 0, 0), ""); !slices.Equal(p, []securitytxt.Problem{securitytxt.FarExpires}) {
			t.Error(p)
		}
	}
}

func TestWhatTheRFCRequiresIsMissed(t *testing.T) {
	for text, want := range map[string]securitytxt.Problem{
		"Contact: mailto:a@b.example":                                                   securitytxt.NoExpires,
		"Expires: 2027-05-31T00:00:00Z":                                                 securitytxt.NoContact,
		"Contact: a@b.example\nExpires: 2027-05-31T00:00:00Z":                           securitytxt.BadContact,
		"Contact: http://b.example/\nExpires: 2027-05-31T00:00:00Z":                     securitytxt.BadContact,
		"Contact: mailto:a@b.example\nExpires: soon":                                    securitytxt.BadExpires,
		"Contact: tel:+1\nExpires: 2027-05-31T00:00:00Z\nExpires: 2028-05-31T00:00:00Z": securitytxt.TwiceExpires,
		"Contact: tel:+1\nPreferred-Languages: en\nPreferred-Languages: fr":             securitytxt.TwiceLanguages,
		"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nContact: tel:+1":           securitytxt.SignatureCut,
		strings.Repeat("Contact: tel:+1\n", 100):                                        securitytxt.ManyFields,
	} {
		if _, problems, err := securitytxt.Parse([]byte(text)); err != nil || !slices.Contains(problems, want) {
			t.Errorf("%.60q: %v %v, want %s", text, problems, err, want)
		}
	}
	for _, text := range []string{"", "<html>", "hello: x", strings.Repeat("#", securitytxt.MaxFile+1)} {
		if _, _, err := securitytxt.Parse([]byte(text)); !errors.Is(err, record.ErrFormat) && !errors.Is(err, record.ErrLarge) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func TestItsEndIsAnAdvisory(t *testing.T) {
	list, _ := recordtest.All(t, securitytxt.Read, sample)
	if a := list[0]; a.Kind != advisory.Contact || a.Expires.String() != "2027-05-31" {
		t.Errorf("%+v", a)
	}
}

func FuzzRead(f *testing.F) { recordtest.Fuzz(f, securitytxt.Read, sample, signed) }
