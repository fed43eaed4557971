package dcl_test

import (
	"testing"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/dcl"
	"plimsoll.example/plimsoll/internal/advisory/record/recordtest"
)

const sample = `{"model": [{"vid": 65521, "pid": 32768, "deviceTypeId": 256, "productName": "EX Lamp", "productLabel": "l", "partNumber": "EX-1", "supportUrl": "https://example.com"}],
 "complianceInfo": [{"vid": 65521, "pid": 32768, "softwareVersion": 3, "softwareVersionString": "1.0.3", "certificationType": "matter", "softwareVersionCertificationStatus": 3,
  "date": "2026-11-20T00:00:00Z", "reason": "key leaked", "history": [{"softwareVersionCertificationStatus": 2, "date": "2026-01-01T00:00:00Z", "reason": ""}]},
  {"vid": 65521, "pid": 32768, "softwareVersion": 4, "softwareVersionString": "1.0.4", "certificationType": "matter", "softwareVersionCertificationStatus": 2, "date": "2026-11-21T00:00:00Z"},
  {"vid": "many"}], "pagination": {"next_key": null, "total": "2"}}`

func TestARevokedCertificateIsToldByTheNumbersOfItsProduct(t *testing.T) {
	list, head := recordtest.All(t, dcl.Read, sample)
	if len(list) != 2 || head.Skipped != 1 {
		t.Fatalf("%d %+v", len(list), head)
	}
	if f := list[0].Affected[0]; f.Says != advisory.IsAffected || f.Matter != (advisory.Matter{Vendor: 65521, Product: 32768}) || f.Product != "EX Lamp" || f.Versions[0].From != "1.0.3" {
		t.Errorf("%+v", f)
	}
	if f := list[1].Affected[0]; f.Says != advisory.NotAffected {
		t.Errorf("%+v", f)
	}
	rows, err := dcl.Parse([]byte(`{"model": {"vid": 1, "pid": 2, "productName": "one"}}`))
	if err != nil || len(rows.Models) != 1 || rows.Models[0].Name != "one" {
		t.Errorf("one row alone: %+v %v", rows, err)
	}
	rows, err = dcl.Parse([]byte(sample))
	if err != nil || rows.Compliances[0].Word() != "revoked" || rows.Compliances[0].History[0].Status != dcl.Certified {
		t.Errorf("%+v %v", rows, err)
	}
}

func FuzzRead(f *testing.F) { recordtest.Fuzz(f, dcl.Read, sample) }
