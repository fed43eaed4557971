package psl_test

import (
	"testing"

	"plimsoll.example/plimsoll/internal/psl"
)

func TestTheRegistrableDomainOfAName(t *testing.T) {
	for name, want := range map[string]string{
		"www.example.co.uk": "example.co.uk", "example.com": "example.com", "com": "", "co.uk": "", "": "", ".": "", "..": "", "a..com": "",
		"x.d1.cloudfront.net": "d1.cloudfront.net", "cloudfront.net": "", "lamp.lan": "lamp.lan", "lamp": "", "192.168.1.1": "", ".com": "",
	} {
		if got := psl.Domain(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]bool{"com": true, "co.uk": true, "cloudfront.net": true, "example.com": false, "lan": true} {
		if got := psl.IsSuffix(name); got != want {
			t.Errorf("%q is a suffix: %v", name, got)
		}
	}
}
