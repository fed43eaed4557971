package sbom_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/record"
	"plimsoll.example/plimsoll/internal/advisory/sbom"
)

var samples = map[string]string{
	"CycloneDX JSON": `{"bomFormat": "CycloneDX", "specVersion": "1.7", "version": 1, "metadata": {"timestamp": "2026-11-26T10:00:00Z",
		"component": {"type": "device", "name": "EX-210", "version": "3.1", "supplier": {"name": "Example Cameras"}}},
		"components": [{"type": "library", "name": "busybox", "version": "1.35.0", "purl": "pkg:generic/busybox@1.35.0", "components": [{"name": "zlib", "group": "net", "version": "1.2"}]}]}`,
	"CycloneDX XML": `<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1"><metadata><timestamp>2026-11-26T10:00:00Z</timestamp>
		<component type="device"><supplier><name>Example Cameras</name></supplier><name>EX-210</name><version>3.1</version></component></metadata>
		<components><component type="library"><name>busybox</name><version>1.35.0</version><purl>pkg:generic/busybox@1.35.0</purl>
		<components><component><group>net</group><name>zlib</name><version>1.2</version></component></components></component></components></bom>`,
	"SPDX JSON": `{"spdxVersion": "SPDX-2.3", "creationInfo": {"created": "2026-11-26T10:00:00Z"}, "documentDescribes": ["SPDXRef-P"], "packages": [
		{"SPDXID": "SPDXRef-P", "name": "EX-210", "versionInfo": "3.1", "supplier": "Organization: Example Cameras (psirt@cameras.example)"},
		{"SPDXID": "SPDXRef-1", "name": "busybox", "versionInfo": "1.35.0", "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:generic/busybox@1.35.0"}]},
		{"SPDXID": "SPDXRef-2", "name": "net/zlib", "versionInfo": "1.2"}]}`,
	"SPDX tag-value": `SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
Created: 2026-11-26T10:00:00Z
DocumentComment: <text>PackageName: not
one</text>
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-P

PackageName: EX-210
SPDXID: SPDXRef-P
PackageVersion: 3.1
PackageSupplier: Organization: Example Cameras (psirt@cameras.example)

PackageName: busybox
SPDXID: SPDXRef-1
PackageVersion: 1.35.0
ExternalRef: PACKAGE-MANAGER purl pkg:generic/busybox@1.35.0

PackageName: net/zlib
SPDXID: SPDXRef-2
PackageVersion: 1.2
`,
}

func TestAllFormsSayTheSame(t *testing.T) {
	want := []advisory.Component{{Name: "busybox", Version: "1.35.0", PURL: "pkg:generic/busybox@1.35.0"}, {Name: "net/zlib", Version: "1.2"}}
	for name, text := range samples {
		b, err := sbom.Parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(want, b.Parts); d != "" || b.Maker != "Example Cameras" || b.Product != "EX-210" || b.Version != "3.1" || b.Created != "2026-11-26T10:00:00Z" {
			t.Errorf("%s: %+v %s", name, b, d)
		}
	}
}

func TestOfSPDX3ThePackagesAreTaken(t *testing.T) {
	b, err := sbom.Parse([]byte(`{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [{"type": "CreationInfo"},
		{"type": "software_Package", "name": "busybox", "software_packageVersion": "1.35.0", "externalIdentifier": [{"type": "ExternalIdentifier", "externalIdentifierType": "packageUrl", "identifier": "pkg:generic/busybox@1.35.0"}]}]}`))
	if err != nil || len(b.Parts) != 1 || b.Parts[0].PURL == "" {
		t.Errorf("%+v %v", b, err)
	}
}

func TestWhatIsNoBillOrTooDeepIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "other JSON": `{"a": 1}`, "SPDX of another version": `{"spdxVersion": "SPDX-1.2"}`, "other XML": `<bom xmlns="http://example.com/"/>`, "cut": `{"bomFormat": "CycloneDX"`,
		"tag-value of another version": "SPDXVersion: SPDX-1.2\n",
	} {
		if _, err := sbom.Parse([]byte(text)); !errors.Is(err, record.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	deep := `{"bomFormat": "CycloneDX", "components": [` + strings.Repeat(`{"name": "a", "components": [`, 100) + strings.Repeat("]}", 100) + `]}`
	if _, err := sbom.Parse([]byte(deep)); !errors.Is(err, record.ErrLarge) {
		t.Error(err)
	}
	deep = `<bom xmlns="http://cyclonedx.org/schema/bom/1.6">` + strings.Repeat("<components><component>", 10000)
	if _, err := sbom.Parse([]byte(deep)); !errors.Is(err, record.ErrLarge) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range samples {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := sbom.Parse(data)
		if err != nil {
			return
		}
		if len(b.Parts) > sbom.MaxParts || b.Source == "" || len(b.Digest) != 64 {
			t.Errorf("%d parts, %q", len(b.Parts), b.Source)
		}
		for _, p := range b.Parts {
			if p.Name+p.PURL == "" || len(p.Name) > record.MaxText {
				t.Errorf("%+v", p)
			}
		}
	})
}
