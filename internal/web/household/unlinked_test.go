package household

import (
	"strings"
	"testing"
)

func TestALinkLayerAddressIsTakenOutInAllSpellings(t *testing.T) {
	for text, want := range map[string]string{
		"02:00:00:00:00:09 is there":   "… is there",
		"at 02-00-00-AB-cd-09.":        "at ….",
		"0200.00ab.cd09":               "…",
		"camera-020000ABCD09":          "camera-…",
		"fe80::ff:feab:cd09":           "fe80::/64",
		"fe80::a8bb:ccff:fedd:eeff: x": "fe80::/64: x",
		"ff02::1:ffab:cd09":            "ff02::1:ff00:0/104",
		"100::200:ab:cd09":             "100::/64",
		"2001:db8::1":                  "2001:db8::1",
		"192.168.1.3":                  "192.168.1.3",
		"at 2026-11-27T12:34:56Z":      "at 2026-11-27T12:34:56Z",
		"cloud.lampsco.example":        "cloud.lampsco.example",
		strings.Repeat("0a", 32):       strings.Repeat("0a", 32),
	} {
		if got := unlinked(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
