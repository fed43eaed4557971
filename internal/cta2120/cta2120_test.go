package cta2120_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"plimsoll.example/plimsoll/internal/cta2120"
	"plimsoll.example/plimsoll/label"
)

// value is a document for comparison: numbers keep their digits.
func value(t testing.TB, data []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return v
}

func corrected(t testing.TB) *jsonschema.Schema {
	t.Helper()
	data, err := os.ReadFile("../../schema/cta-2120-corrected.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("cta", doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("cta")
}

func validate(t testing.TB, s *jsonschema.Schema, data []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func camera(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/camera.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// lossless imports a file, keeps it as JSON, and exports it.
func lossless(t testing.TB, data []byte) ([]byte, *cta2120.Import) {
	t.Helper()
	in, err := cta2120.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var again cta2120.Import
	if err := json.Unmarshal(kept, &again); err != nil {
		t.Fatal(err)
	}
	out, err := again.Export()
	if err != nil {
		t.Fatal(err)
	}
	return out, in
}

func TestAFileIsExportedAsItWasImported(t *testing.T) {
	data := camera(t)
	out, in := lossless(t, data)
	if d := cmp.Diff(value(t, data), value(t, out)); d != "" {
		t.Error(d)
	}
	if s := in.Statement; s.Maker != "Example Cameras" || s.Model != "EX-210" || s.Support.String() != "2031-03-01" || s.Contact != "security@cameras.example" {
		t.Errorf("%+v", s)
	}
	if err := validate(t, corrected(t), data); err != nil {
		t.Error(err)
	}
}

func statement() *label.Statement {
	s := &label.Statement{
		Version: label.Version, GTIN: 9506000134352, Maker: "Example Lamps", Model: "LP-110", Hardware: "2", Firmware: label.Range{From: "2.0"}, Profile: 1,
		Issued: 20784, Support: 22000, Sensors: 1<<1 | 1<<9, Practices: 1<<8 | 1<<1, Contact: "mailto:security@lamps.example", MUDURL: "https://mud.lamps.example/p",
		SBOMURL: "https://lamps.example/sbom.json", Index: 7,
	}
	s.SetClass("etsi.5.1-1", label.LabTested)
	return s
}

func TestALabelIsExportedToAValidFileAndBackWithoutLoss(t *testing.T) {
	s := statement()
	out, err := cta2120.New(&cta2120.Granted{Statement: s, Sign1: []byte{1, 2}, URL: "https://id.registry.example/01/09506000134352", Issuer: "Example Authority", Status: label.Active})
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, corrected(t), out); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	again, in := lossless(t, out)
	if d := cmp.Diff(value(t, out), value(t, again)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(s, in.Statement.Label); d != "" {
		t.Error(d)
	}
	for _, want := range []string{`"support_date": "2030-03-27"`, `"update_default": "Other"`, `"has": true`, "security@lamps.example"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %s in %s", want, out)
		}
	}
	// what every file must have by the published schema, even where that does not define it
	file := value(t, out).(map[string]any)
	for _, m := range []string{"version_and_model_numbers", "sbom_hbom_available", "created", "modified", "tested_by"} {
		if file[m] == nil {
			t.Errorf("no %s", m)
		}
	}
}

func TestWhatALabelDoesNotSayComesFromAnImportedFileAndIsNotMadeUp(t *testing.T) {
	s := statement()
	s.Contact, s.Support = "", 0
	g := cta2120.Granted{Statement: s, URL: "https://id.registry.example/01/09506000134352"}
	if _, err := cta2120.New(&g); !errors.Is(err, cta2120.ErrMissing) {
		t.Errorf("no support date, and: %v", err)
	}
	var err error
	if g.With, err = cta2120.Parse(camera(t)); err != nil {
		t.Fatal(err)
	}
	out, err := cta2120.New(&g)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Example Lab", "TLS 1.3", "2031-03-01", "security@cameras.example", "mic16.png", `"LP-110"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %s in %s", want, out)
		}
	}
	if err := validate(t, corrected(t), out); err != nil {
		t.Error(err)
	}
	// A label that states no sensors does not say that there are none.
	s.Sensors = 0
	if out, err = cta2120.New(&g); err != nil || strings.Count(string(out), `"has": true`) != 2 {
		t.Errorf("%v\n%s", err, out)
	}
}

// Each defect of the published schema, by its number in docs/advisories.md, lets a file pass that is wrong.
func TestTheCorrectedSchemaRefusesWhatThePublishedOneLetsPass(t *testing.T) {
	s, good := corrected(t), string(camera(t))
	for name, change := range map[string][2]string{
		"1: a required member that is never defined may be anything": {`"sbom_hbom_available": {"sbom_maintained": true, "hbom_maintained": false}`, `"sbom_hbom_available": 7`},
		"1: the other one":         {`"version_and_model_numbers": "EX-210, hardware 2, firmware 3.1 and later"`, `"version_and_model_numbers": []`},
		"2: a password of no type": {`"password_type": "user_generated", `, ``},
		"2: a factory password, and nobody says whether it can be changed": {`"user_generated"`, `"factory_default"`},
		"3: a factory password that is a passkey":                          {`"password_factory_default": "not_disclosed"`, `"factory_password": "passkey"`},
		"4: a sensor of no known kind":                                     {`"sensing": "position"`, `"sensing": "smell"`},
		"5: a label without its GTIN":                                      {`"x_shelf"`, `"plimsoll_label": {"statement": {"version": 1}}, "x_shelf"`},
		"6: a misspelt member":                                             {`"product_manufacturer"`, `"product_manufactuer"`},
		"6: a misspelt member of a member":                                 {`"description": "Records when`, `"descripton": "Records when`},
	} {
		wrong := strings.Replace(good, change[0], change[1], 1)
		if wrong == good {
			t.Errorf("%s: the example has no %q", name, change[0])
		}
		if validate(t, s, []byte(wrong)) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestWhatIsNoLabelFileIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "a list": "[]", "no version": `{"manufacturer_name": "x"}`, "a member twice": `{"schema_version": "1.0.0", "manufacturer_name": "a", "manufacturer_name": "b"}`,
		"more after it": `{"schema_version": "1.0.0", "manufacturer_name": "a"} {}`, "cut": `{"schema_version": "1.0.0", "manufacturer_name": "a"`,
	} {
		if _, err := cta2120.Parse([]byte(text)); !errors.Is(err, cta2120.ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := cta2120.Read(strings.NewReader(strings.Repeat(" ", cta2120.MaxFile+1))); !errors.Is(err, cta2120.ErrFile) {
		t.Errorf("too large: %v", err)
	}
}

// Whatever is taken comes out as it went in.
func FuzzImport(f *testing.F) {
	f.Add(camera(f))
	f.Add([]byte(`{"schema_version":"1.0.0","manufacturer_name":"","support_date":"soon","authorization_date":"2026-03-01","a":[1e400,"\ud800"],"product_model":null}`))
	f.Add([]byte(`{"schema_version":"2","manufacturer_name":"\ud800x","security_contact":"","plimsoll_label":{"statement":null}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := cta2120.Parse(data)
		if err != nil {
			return
		}
		out, err := in.Export()
		if err != nil {
			t.Fatalf("taken, and not written: %v", err)
		}
		if d := cmp.Diff(value(t, bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))), value(t, out)); d != "" {
			t.Error(d)
		}
	})
}
