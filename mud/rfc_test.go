package mud_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/mud"
)

func example(t *testing.T, name string) *mud.File {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/rfc", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := mud.ParseStrict(data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTheExamplesOfTheRFCsAreValid(t *testing.T) {
	names, err := filepath.Glob("testdata/rfc/*.json")
	if err != nil || len(names) != 8 {
		t.Fatalf("%v, %v", names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := mud.ParseStrict(data)
		if err != nil || f.Form != mud.RFC {
			t.Errorf("%s: form %s, %v", name, f.Form, err)
			continue
		}
		again, err := mud.ParseStrict(f.Canonical())
		if err != nil {
			t.Errorf("%s: canonical: %v", name, err)
		}
		if d := cmp.Diff(f, again, same...); d != "" {
			t.Errorf("%s: canonical is another file:\n%s", name, d)
		}
	}
}

func TestTheExamplesSayWhatTheRFCsSayThatTheySay(t *testing.T) {
	https := []mud.Service{{Protocol: "tcp", Ports: []mud.PortRange{{Low: 443, High: 443}}}}
	want := []mud.Permission{{Allowed: true, Starts: mud.DeviceStarts, Peer: mud.Peer{Kind: mud.PeerName, Value: "test.example.com"}, Services: https}}
	if d := cmp.Diff(want, example(t, "8520-section-9").Permissions(), same...); d != "" {
		t.Errorf("RFC 8520 §9:\n%s", d)
	}
	defaults := example(t, "8520-appendix-a").Permissions()
	if len(defaults) != 2 || defaults[0].Peer.Value != "urn:ietf:params:mud:dns" || defaults[1].Starts != mud.DeviceStarts {
		t.Errorf("RFC 8520, Appendix A: %+v", defaults)
	}

	if x := example(t, "9472-section-5.1").Transparency; x == nil || x.SBOMs[0] != (mud.SBOM{Version: "1.2", URL: "https://iotd.example.com/info/modelX/sbom.json"}) || len(x.VulnURLs) != 1 {
		t.Errorf("RFC 9472 §5.1: %+v", x)
	}
	if x := example(t, "9472-section-5.2").Transparency; x.SBOMLocalWellKnown != "https" {
		t.Errorf("RFC 9472 §5.2: %+v", x)
	}
	if x := example(t, "9472-section-5.3").Transparency; x.SBOMContactURI == "" {
		t.Errorf("RFC 9472 §5.3: %+v", x)
	}

	f := example(t, "9761-section-7")
	profile := f.ACLs[0].ACEs[0].Matches.TLS[0]
	if f.TLSProfiles == nil || !*f.TLSProfiles || profile.Name != "profile1" || !slices.Equal(profile.TLSVersions, []string{"tls13"}) ||
		!slices.Equal(profile.CipherSuites, []uint16{4865, 4866}) || !slices.Equal(profile.SupportedGroups, []uint16{29}) {
		t.Errorf("RFC 9761 §7: %+v", profile)
	}
}

// elmiomar/mudparser reads fields that RFC 9761 does not have. A profile that is not understood must not become one that
// says nothing.
func TestATLSProfileThatIsNotUnderstoodKillsItsEntry(t *testing.T) {
	for _, profile := range []string{
		`{"name": "p", "spki-pins": ["x"]}`,
		`{"name": "p", "cipher-suite": [{"cipher": 19, "hash": 1}]}`, // as a draft had it
		`{"name": "p", "supported-tls-version": ["tls11"]}`,
	} {
		f := parsed(t, with(`{"tcp": {"destination-port": {"port": 443}}, "ietf-acl-tls:client-profiles": {"tls-dtls-profile": [`+profile+`]}}`))
		if e := f.ACLs[0].ACEs[0]; !e.Dead() || len(e.Matches.TLS) > 0 {
			t.Errorf("%s: %+v", profile, e)
		}
	}
}
