package csaf_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/csaf"
	"plimsoll.example/plimsoll/internal/advisory/record"
	"plimsoll.example/plimsoll/internal/advisory/record/recordtest"
	"plimsoll.example/plimsoll/internal/advisory/version"
)

const sample = `{"document": {"category": "csaf_vex", "csaf_version": "2.0", "title": "EX cameras", "publisher": {"category": "vendor", "name": "Example Cameras", "namespace": "https://cameras.example"},
 "tracking": {"id": "EXC-2026-7", "status": "final", "version": "2", "initial_release_date": "2026-11-20T10:00:00Z", "current_release_date": "2026-11-26T10:00:00Z"}},
 "product_tree": {"branches": [{"category": "vendor", "name": "Example Cameras", "branches": [
   {"category": "product_name", "name": "EX-210", "branches": [
    {"category": "product_version_range", "name": "vers:generic/>=3.0|<3.2.1", "product": {"product_id": "A", "name": "EX-210 3"}},
    {"category": "product_version", "name": "3.2.1", "product": {"product_id": "B", "name": "EX-210 3.2.1"}}]},
   {"category": "product_name", "name": "EX-300", "product": {"product_id": "C", "name": "EX-300", "product_identification_helper": {"model_numbers": ["EX-300"]}}},
   {"category": "product_name", "name": "Firmware X", "branches": [{"category": "product_version_range", "name": "< 5", "product": {"product_id": "F", "name": "Firmware X"}}]}]}],
  "relationships": [{"category": "installed_on", "product_reference": "F", "relates_to_product_reference": "C", "full_product_name": {"product_id": "FC", "name": "X on EX-300"}}],
  "product_groups": [{"group_id": "G", "product_ids": ["C"]}]},
 "vulnerabilities": [
  {"cve": "CVE-2026-0001", "title": "Command injection", "product_status": {"known_affected": ["A"], "fixed": ["B"], "known_not_affected": ["C"]},
   "flags": [{"label": "vulnerable_code_not_present", "group_ids": ["G"]}]},
  {"cve": "CVE-2026-0002", "product_status": {"known_affected": ["FC", "nobody"], "under_investigation": ["A"]}}]}`

func TestTheTreeAndTheStatusesAreTaken(t *testing.T) {
	list, head := recordtest.All(t, csaf.Read, sample)
	if len(list) != 2 || head.Released.Day() != 26 {
		t.Fatalf("%d %+v", len(list), head)
	}
	want := []advisory.Affected{
		{Says: advisory.IsAffected, Maker: "Example Cameras", Product: "EX-210", Versions: []version.Span{{From: "3.0", Before: "3.2.1"}}, Fixed: []string{"3.2.1"}},
		{Says: advisory.NotAffected, Maker: "Example Cameras", Product: "EX-300", All: true, Why: "vulnerable_code_not_present"},
		{Says: advisory.IsFixed, Maker: "Example Cameras", Product: "EX-210", Versions: []version.Span{version.One("3.2.1")}},
	}
	if d := cmp.Diff(want, list[0].Affected); d != "" || list[0].Voice != "Example Cameras" {
		t.Error(list[0].Voice, d)
	}
	// firmware that is installed on a device: the device, in those versions
	want = []advisory.Affected{
		{Says: advisory.IsAffected, Maker: "Example Cameras", Product: "EX-300", Versions: []version.Span{{Before: "5"}}},
		{Says: advisory.Investigating, Maker: "Example Cameras", Product: "EX-210", Versions: []version.Span{{From: "3.0", Before: "3.2.1"}}},
	}
	if d := cmp.Diff(want, list[1].Affected); d != "" {
		t.Error(d)
	}
}

func TestADraftIsNotActedUponAndADistributorIsNotTheMaker(t *testing.T) {
	_, err := csaf.Read(strings.NewReader(strings.Replace(sample, `"final"`, `"draft"`, 1)), nil)
	if !errors.Is(err, record.ErrFormat) {
		t.Error(err)
	}
	list, _ := recordtest.All(t, csaf.Read, strings.Replace(sample, `"vendor", "name": "Example Cameras", "namespace"`, `"coordinator", "name": "Example CERT", "namespace"`, 1))
	if list[0].Voice != "" {
		t.Error(list[0].Voice)
	}
}

func TestATreeWithoutEndIsRefused(t *testing.T) {
	var b bytes.Buffer
	b.WriteString(`{"document": {"csaf_version": "2.0", "tracking": {"id": "x", "status": "final"}}, "product_tree": {"branches": [`)
	for range 200 {
		b.WriteString(`{"category": "product_family", "name": "f", "branches": [`)
	}
	b.WriteString(strings.Repeat("]}", 200) + "]}}")
	if _, err := csaf.Read(&b, nil); !errors.Is(err, record.ErrLarge) {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) { recordtest.Fuzz(f, csaf.Read, sample) }

// A few octets must not stand for a great many products: each flag could name a group of thousands.
func TestFlagsOfLargeGroupsAreBounded(t *testing.T) {
	group := `{"group_id": "G", "product_ids": [` + strings.Repeat(`"A",`, 100_000) + `"B"]}`
	flags := `"flags": [` + strings.Repeat(`{"label": "x", "group_ids": ["G"]},`, 100_000) + `{"label": "y"}]`
	text := strings.Replace(strings.Replace(sample, `{"group_id": "G", "product_ids": ["C"]}`, group, 1), `"flags": [{"label": "vulnerable_code_not_present", "group_ids": ["G"]}]`, flags, 1)
	n := 0
	if _, err := csaf.Read(strings.NewReader(text), func(*advisory.Advisory) error { n++; return nil }); err != nil || n == 0 {
		t.Errorf("%d, %v", n, err)
	}
}
