package osv_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"plimsoll.example/plimsoll/internal/advisory/osv"
	"plimsoll.example/plimsoll/internal/advisory/record/recordtest"
	"plimsoll.example/plimsoll/internal/advisory/version"
)

const sample = `{"schema_version": "1.7.0", "id": "EXAMPLE-2026-1", "modified": "2026-11-26T15:00:00Z", "aliases": ["CVE-2026-0001"], "summary": "s", "affected": [
 {"package": {"ecosystem": "Debian:12", "name": "busybox", "purl": "pkg:deb/debian/busybox"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1:1.35.0-4"}]}]},
 {"package": {"ecosystem": "npm", "name": "@a/b"}, "versions": ["9.9.9"], "ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.0"}, {"last_affected": "1.2.0"}, {"introduced": "2.0.0"}, {"fixed": "2.1.0"}]},
  {"type": "GIT", "events": [{"introduced": "0"}, {"fixed": "deadbeef"}]}]}]}`

func TestPackagesAreTakenWithTheirRanges(t *testing.T) {
	list, _ := recordtest.All(t, osv.Read, sample)
	a := list[0]
	if len(a.Affected) != 2 || a.Affected[1].PURL != "pkg:npm/%40a/b" || a.Affected[0].Fixed[0] != "1:1.35.0-4" || len(a.Affected[1].Versions) != 3 {
		t.Errorf("%+v", a)
	}
}

// The cases are those that the specification’s evaluation settles.
func TestVersionsAreEvaluatedAsTheSpecificationSays(t *testing.T) {
	var r osv.Record
	if err := json.Unmarshal([]byte(sample), &r); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		affected int
		v        string
		want     version.Answer
	}{
		{0, "1.30.0-1", version.Inside},
		{0, "1:1.35.0-3", version.Inside},
		{0, "1:1.35.0-4", version.Outside},
		{1, "0.9.0", version.Outside},
		{1, "1.0.0", version.Inside},
		{1, "1.2.0", version.Inside},
		{1, "1.2.1-rc.1", version.Outside},
		{1, "2.0.0-alpha", version.Outside},
		{1, "2.0.9", version.Inside},
		{1, "2.1.0", version.Outside},
		{1, "9.9.9", version.Inside}, // listed
		{1, "one", version.CannotSay},
	} {
		if got := r.Affected[c.affected].Vulnerable(c.v); got != c.want {
			t.Errorf("%s: %s, want %s", c.v, got, c.want)
		}
	}
	limited := osv.Affected{Ranges: []osv.Range{{Type: "SEMVER", Events: []osv.Event{{Introduced: "1.0.0"}, {Limit: "2.0.0"}, {Limit: "1.5.0"}}}}}
	for v, want := range map[string]version.Answer{"1.9.0": version.Inside, "2.0.0": version.Outside, "0.1.0": version.Outside} {
		if got := limited.Vulnerable(v); got != want {
			t.Errorf("with limits, %s: %s", v, got)
		}
	}
}

// The runs that matching uses hold the same versions as the specification’s function.
func TestSpansAreWhatTheEventsSay(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	v := func() string { return fmt.Sprintf("%d.%d.0", random.IntN(4), random.IntN(4)) }
	for range 5000 {
		r := osv.Range{Type: "SEMVER"}
		for range 1 + random.IntN(5) {
			switch random.IntN(5) {
			case 0, 1:
				r.Events = append(r.Events, osv.Event{Introduced: v()})
			case 2:
				r.Events = append(r.Events, osv.Event{Fixed: v()})
			case 3:
				r.Events = append(r.Events, osv.Event{LastAffected: v()})
			case 4:
				r.Events = append(r.Events, osv.Event{Limit: v()})
			}
		}
		if twice(r.Events) {
			continue // the order of events at one version is not defined
		}
		f := osv.Affected{Ranges: []osv.Range{r}}
		for i := range 4 {
			for j := range 4 {
				at := fmt.Sprintf("%d.%d.0", i, j)
				want := f.Vulnerable(at)
				got := (version.Range{From: at, To: at}).In(r.Spans(version.SemVer), version.SemVer)
				if got != want {
					t.Fatalf("%+v at %s: %s, and by spans %s %+v", r.Events, at, want, got, r.Spans(version.SemVer))
				}
			}
		}
	}
}

func twice(events []osv.Event) bool {
	seen := map[string]bool{}
	for _, e := range events {
		if e.Limit != "" {
			continue
		}
		v := e.Introduced + e.Fixed + e.LastAffected
		if seen[v] {
			return true
		}
		seen[v] = true
	}
	return false
}

func FuzzRead(f *testing.F) { recordtest.Fuzz(f, osv.Read, sample) }
