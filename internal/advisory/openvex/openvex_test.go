package openvex_test

import (
	"testing"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/openvex"
	"plimsoll.example/plimsoll/internal/advisory/record/recordtest"
)

const sample = `{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://cameras.example/vex/7", "author": "Example Cameras", "timestamp": "2026-11-26T10:00:00Z", "version": 1,
 "statements": [
  {"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:generic/Example%20Cameras/EX-210@3.1"}, {"@id": "pkg:generic/Example%20Cameras/EX-300"}],
   "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"},
  {"vulnerability": {"@id": "https://nvd.example/CVE-2026-0002", "name": "CVE-2026-0002", "aliases": ["GHSA-aaaa-bbbb-cccc"]}, "products": [{"@id": "pkg:apk/alpine/busybox@1.35"}], "status": "fixed"},
  {"vulnerability": {"name": "CVE-2026-0003"}, "status": "maybe"}]}`

func TestStatementsNameDevicesAndPackages(t *testing.T) {
	list, head := recordtest.All(t, openvex.Read, sample)
	if len(list) != 2 || head.Skipped != 1 {
		t.Fatalf("%d %+v", len(list), head)
	}
	f := list[0].Affected
	if f[0].Maker != "Example Cameras" || f[0].Product != "EX-210" || f[0].Versions[0].From != "3.1" || f[0].Says != advisory.NotAffected || f[0].Why != "vulnerable_code_not_in_execute_path" || !f[1].All {
		t.Errorf("%+v", f)
	}
	if f := list[1].Affected[0]; f.PURL == "" || f.Product != "" || f.Says != advisory.IsFixed || len(list[1].Names) != 2 {
		t.Errorf("%+v", list[1])
	}
}

func FuzzRead(f *testing.F) { recordtest.Fuzz(f, openvex.Read, sample) }
