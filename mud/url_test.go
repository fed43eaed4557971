package mud_test

import (
	"testing"

	"plimsoll.example/plimsoll/mud"
)

// draft-ietf-iotops-mud-acceptable-urls: malware can set the URL in DHCP and LLDP.
func TestALaterURLIsTakenOnlyIfItIsOfTheSameDevice(t *testing.T) {
	const root = "https://lamps.example/mud/l1/file.json"
	before := []string{"https://lamps.example/mud/l1/first.json"}
	for _, c := range []struct {
		next   string
		signer bool
		want   mud.URLChange
	}{
		{root, true, mud.SameURL},
		{root, false, mud.SameURL},
		{"https://lamps.example/mud/l1/revision2.json", true, mud.NextURL},
		{"https://LAMPS.example:443/mud/l1/revision2.json", true, mud.NextURL},
		{"https://lamps.example/mud/l1/revision2.json", false, mud.OtherSigner},
		{"https://lamps.example/mud/l1/first.json", true, mud.OldURL},
		{"https://lamps.example/mud/washer/file.json", true, mud.OtherPath},
		{"https://lamps.example/mud/l1/more/file.json", true, mud.OtherPath},
		{"https://lamps.example/mud/file.json", true, mud.OtherPath},
		{"https://lamps.example", true, mud.OtherPath},
		{"https://evil.example/mud/l1/file.json", true, mud.OtherAuthority},
		{"https://lamps.example:8443/mud/l1/file.json", true, mud.OtherAuthority},
		{"https://lamps.example.evil.example/mud/l1/file.json", true, mud.OtherAuthority},
		{"http://lamps.example/mud/l1/file.json", true, mud.InvalidURL},
		{"https://lamps.example/mud/l1/../washer/x.json", true, mud.InvalidURL},
		{"https://lamps.example/mud/l1/..%2fwasher%2fx.json", true, mud.InvalidURL},
		{"https://lamps.example/mud/l1/%2e%2e/x.json", true, mud.InvalidURL},
		{"https://lamps.example/mud/l1/x.json?/mud/washer/", true, mud.InvalidURL},
		{"https://lamps.example/mud/l1/x.json#", true, mud.NextURL},
		{"https://lamps.example/mud/l1/x.json#/washer", true, mud.InvalidURL},
		{"https://u@lamps.example/mud/l1/x.json", true, mud.InvalidURL},
		{"", true, mud.InvalidURL},
	} {
		if got := mud.JudgeURL(root, c.next, before, c.signer); got != c.want {
			t.Errorf("%q, signed by the same %t: %s, want %s", c.next, c.signer, got, c.want)
		}
	}
	if got := mud.JudgeURL("https://lamps.example", "https://lamps.example/x.json", nil, true); got != mud.NextURL {
		t.Errorf("a root without a path: %s", got)
	}
}

func TestASignatureMayBeRelativeToTheMUDURL(t *testing.T) {
	f := &mud.File{URL: "https://lamps.example/mud/l1.json"}
	for signature, want := range map[string]string{
		"":                            "",
		"l1.p7s":                      "https://lamps.example/mud/l1.p7s",
		"/sig/l1.p7s":                 "https://lamps.example/sig/l1.p7s",
		"https://sign.example/l1.p7s": "https://sign.example/l1.p7s",
		"../%zz":                      "",
	} {
		f.Signature = signature
		if got := f.SignatureURL(); got != want {
			t.Errorf("%q is at %q, want %q", signature, got, want)
		}
	}
}
