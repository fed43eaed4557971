package cve_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/internal/advisory/cve"
	"plimsoll.example/plimsoll/internal/advisory/record/recordtest"
	"plimsoll.example/plimsoll/internal/advisory/version"
)

const sample = `{"dataType": "CVE_RECORD", "dataVersion": "5.1", "cveMetadata": {"cveId": "CVE-2026-0001", "state": "PUBLISHED", "datePublished": "2026-11-20T10:00:00.000Z",
 "dateUpdated": "2026-11-21T10:00:00.000Z"}, "containers": {"cna": {"title": "Command injection", "affected": [
  {"vendor": "Example Cameras", "product": "EX-210", "defaultStatus": "unaffected", "cpes": ["cpe:2.3:h:example:ex-210:*:*:*:*:*:*:*:*"], "versions": [VERSIONS]}],
  "descriptions": [{"lang": "en", "value": "d"}]},
 "adp": [{"affected": [{"vendor": "example", "product": "ex-210_firmware", "versions": [{"version": "*", "status": "affected"}]}],
  "metrics": [{"other": {"type": "ssvc", "content": {"options": [{"Exploitation": "active"}, {"Automatable": "yes"}]}}}]}]}}`

func read(t *testing.T, versions string) (spans []version.Span, fixed []string) {
	t.Helper()
	list, _ := recordtest.All(t, cve.Read, strings.Replace(sample, "VERSIONS", versions, 1))
	return list[0].Affected[0].Versions, list[0].Affected[0].Fixed
}

func TestTheMakersOwnListCounts(t *testing.T) {
	list, head := recordtest.All(t, cve.Read, strings.Replace(sample, "VERSIONS", "", 1))
	a := list[0]
	if len(list) != 1 || len(a.Affected) != 1 || a.Affected[0].Maker != "Example Cameras" || !a.Exploited || a.Title != "Command injection" || head.Released.Day() != 21 {
		t.Errorf("%+v %+v", a, head)
	}
}

// The forms of versions are those of the CVE Record Format, and those that records misuse.
func TestVersionsAreReadInEveryForm(t *testing.T) {
	for name, c := range map[string]struct {
		versions string
		spans    []version.Span
		fixed    []string
	}{
		"one":                   {`{"version": "1.2", "status": "affected"}`, []version.Span{version.One("1.2")}, nil},
		"less than":             {`{"version": "3.0", "status": "affected", "lessThan": "3.2.1"}`, []version.Span{{From: "3.0", Before: "3.2.1"}}, []string{"3.2.1"}},
		"from the first":        {`{"version": "0", "status": "affected", "lessThanOrEqual": "3.2"}`, []version.Span{{Last: "3.2"}}, nil},
		"unspecified start":     {`{"version": "unspecified", "status": "affected", "lessThan": "3.2"}`, []version.Span{{Before: "3.2"}}, []string{"3.2"}},
		"to the end":            {`{"version": "2.0", "status": "affected", "lessThan": "*"}`, []version.Span{{From: "2.0"}}, nil},
		"all":                   {`{"version": "*", "status": "affected"}`, []version.Span{{}}, nil},
		"not said":              {`{"version": "n/a", "status": "affected"}`, nil, nil},
		"unaffected is passed":  {`{"version": "1.2", "status": "unaffected"}`, nil, nil},
		"in words":              {`{"version": "< 1.2.3", "status": "affected"}`, []version.Span{{Before: "1.2.3"}}, []string{"1.2.3"}},
		"in words, with before": {`{"version": "1.0 through 1.2", "status": "affected"}`, []version.Span{{From: "1.0", Last: "1.2"}}, nil},
		"changes": {
			`{"version": "1.0", "status": "affected", "lessThan": "3.0", "changes": [{"at": "1.5", "status": "unaffected"}, {"at": "2.0", "status": "affected"}]}`,
			[]version.Span{{From: "1.0", Before: "1.5"}, {From: "2.0", Before: "3.0"}},
			[]string{"1.5", "3.0"},
		},
	} {
		spans, fixed := read(t, c.versions)
		if d := cmp.Diff(c.spans, spans) + cmp.Diff(c.fixed, fixed); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestWithADefaultOfAffectedOnlyWhatIsNamedIsGood(t *testing.T) {
	text := strings.Replace(strings.Replace(sample, "VERSIONS", `{"version": "2.0", "status": "unaffected", "lessThan": "2.5"}, {"version": "3.1", "status": "unaffected"}`, 1), `"unaffected", "cpes"`, `"affected", "cpes"`, 1)
	list, _ := recordtest.All(t, cve.Read, text)
	want := []version.Span{{Before: "2.0"}, {From: "2.5", Before: "3.1"}, {After: "3.1"}}
	if d := cmp.Diff(want, list[0].Affected[0].Versions); d != "" {
		t.Error(d)
	}
	list, _ = recordtest.All(t, cve.Read, strings.Replace(strings.Replace(sample, "VERSIONS", "", 1), `"unaffected", "cpes"`, `"affected", "cpes"`, 1))
	if !list[0].Affected[0].All {
		t.Error("with nothing named, all versions are affected")
	}
}

func TestARejectedRecordIsWithdrawn(t *testing.T) {
	list, _ := recordtest.All(t, cve.Read, `{"dataType": "CVE_RECORD", "cveMetadata": {"cveId": "CVE-2026-0001", "state": "REJECTED", "dateRejected": "2026-11-22T00:00:00Z"},
		"containers": {"cna": {"rejectedReasons": [{"lang": "en", "value": "r"}]}}}`)
	if !list[0].Withdrawn || len(list[0].Affected) != 0 {
		t.Errorf("%+v", list[0])
	}
}

func FuzzRead(f *testing.F) {
	recordtest.Fuzz(f, cve.Read, strings.Replace(sample, "VERSIONS", `{"version": "1.0", "status": "affected", "lessThan": "3.0", "changes": [{"at": "1.5", "status": "unaffected"}]}`, 1))
}
