package kev_test

import (
	"testing"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/kev"
	"plimsoll.example/plimsoll/internal/advisory/record/recordtest"
)

const sample = `{"title": "CISA Catalog of Known Exploited Vulnerabilities", "catalogVersion": "2026.11.26", "dateReleased": "2026-11-26T15:00:00.0000Z", "count": 2,
 "vulnerabilities": [
  {"cveID": "CVE-2026-0001", "vendorProject": "Example Cameras", "product": "EX-210", "vulnerabilityName": "Example Cameras EX-210 Command Injection Vulnerability",
   "dateAdded": "2026-11-26", "shortDescription": "s", "requiredAction": "r", "dueDate": "2026-12-17", "knownRansomwareCampaignUse": "Unknown", "notes": "", "cwes": ["CWE-78"]},
  {"cveID": 7}, {"vendorProject": "Nobody"}]}`

func TestEntriesAreExploitedAndTellNoVersions(t *testing.T) {
	list, head := recordtest.All(t, kev.Read, sample)
	if len(list) != 1 || head.Records != 1 || head.Skipped != 2 || !head.Whole || head.Released.Hour() != 15 {
		t.Fatalf("%d, %+v", len(list), head)
	}
	a := list[0]
	if f := a.Affected[0]; !a.Exploited || a.Names[0] != "CVE-2026-0001" || f.Maker != "Example Cameras" || f.Product != "EX-210" || f.All || len(f.Versions) != 0 || f.Says != advisory.IsAffected {
		t.Errorf("%+v", a)
	}
}

func FuzzRead(f *testing.F) { recordtest.Fuzz(f, kev.Read, sample) }
