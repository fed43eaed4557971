package euvd_test

import (
	"testing"

	"plimsoll.example/plimsoll/internal/advisory/euvd"
	"plimsoll.example/plimsoll/internal/advisory/record/recordtest"
	"plimsoll.example/plimsoll/internal/advisory/version"
)

const sample = `{"items": [{"id": "EUVD-2026-10001", "enisaUuid": "u", "description": "Command injection\nmore", "datePublished": "Nov 20, 2026, 10:00:00 AM",
 "dateUpdated": "Nov 26, 2026, 3:00:00 PM", "baseScore": 9.8, "references": "https://example.com\n", "aliases": "CVE-2026-0001\nGHSA-aaaa-bbbb-cccc\n", "assigner": "x", "epss": 0.9,
 "exploitedSince": "Nov 25, 2026, 12:00:00 AM", "enisaIdProduct": [{"id": "a", "product": {"name": "EX-210"}, "product_version": "3.0 <3.2.1"}],
 "enisaIdVendor": [{"id": "b", "vendor": {"name": "Example Cameras"}}]},
 {"id": "EUVD-2026-10002", "enisaIdProduct": [{"product": {"name": "A"}, "product_version": "n/a"}], "enisaIdVendor": [{"vendor": {"name": "X"}}, {"vendor": {"name": "Y"}}]},
 {"id": "other"}], "total": 2}`

func TestRecordsHaveTheirMakerOnlyWhereItIsCertain(t *testing.T) {
	list, head := recordtest.All(t, euvd.Read, sample)
	if len(list) != 2 || head.Skipped != 1 || head.Whole || head.Released.Day() != 26 {
		t.Fatalf("%d %+v", len(list), head)
	}
	a := list[0]
	if f := a.Affected[0]; !a.Exploited || a.Title != "Command injection" || f.Maker != "Example Cameras" || f.Versions[0] != (version.Span{From: "3.0", Before: "3.2.1"}) || len(a.Names) != 3 {
		t.Errorf("%+v", a)
	}
	if f := list[1].Affected[0]; f.Maker != "" || f.Versions != nil {
		t.Errorf("of two makers it takes one, or of no versions some: %+v", f)
	}
}

func FuzzRead(f *testing.F) { recordtest.Fuzz(f, euvd.Read, sample, "["+sample+"]") }
