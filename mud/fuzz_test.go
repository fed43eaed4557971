package mud_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/mud"
)

// seeds are files that use all of what is read.
func seeds(f *testing.F) {
	f.Helper()
	names, err := filepath.Glob("testdata/rfc/*.json")
	if err != nil || len(names) == 0 {
		f.Fatal("no examples of the RFCs")
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(good))
	for _, x := range faults {
		if len(x.new) < 500 {
			f.Add([]byte(strings.Replace(good, x.old, x.new, 1)))
		}
	}
	f.Add([]byte(with(`{"eth": {"source-mac-address": "02:00:5e:10:00:01", "source-mac-address-mask": "ff:ff:ff:ff:ff:ff", "ethertype": "ipv4"},
		"ipv4": {"dscp": 1, "ecn": 2, "length": 3, "ttl": 4, "protocol": 6, "ihl": 5, "flags": "fragment more", "offset": 20, "identification": 7,
			"source-ipv4-network": "192.0.2.0/24", "destination-ipv4-network": "198.51.100.1/32"},
		"tcp": {"sequence-number": 1, "acknowledgement-number": 2, "data-offset": 5, "reserved": 1, "flags": "ack syn", "window-size": 1, "urgent-pointer": 1,
			"options": "AQ==", "source-port": {"operator": "neq", "port": 1}, "destination-port": {"lower-port": 1, "upper-port": 2}}}`)))
	f.Add([]byte(with(`{"ipv6": {"flow-label": 1048575, "source-ipv6-network": "2001:db8::/32"}, "icmp": {"type": 8, "code": 0, "rest-of-header": "AQID"}}`)))
	f.Add([]byte(with(`{"ietf-mud:mud": {"manufacturer": "lamps.example:8443", "model": "https://lamps.example/x", "controller": "urn:x:y", "same-manufacturer": [null]}, "udp": {"length": 9}}`)))
	f.Add([]byte(with(`{"ietf-acl-tls:client-profiles": {"tls-dtls-profile": [{"name": "p", "supported-dtls-version": ["dtls12"], "psk-key-exchange-mode": [1],
		"application-protocol": ["h2"], "accept-list-ta-cert": ["AQ=="], "certificate-authorities": ["CN=x"], "signature-algorithm": [1], "cert-compression-algorithm": [2]}]}}`)))
	f.Add([]byte(strings.Replace(good, system, `"extensions": ["ol", "reporter"], "ietf-ol:ol": {"owners": ["a"], "spdx-tag": "MIT", "license": [{"owner-name": "b", "spdx-tags": ["0BSD"]}]},
		"ietf-mud-reporter-extension:reporter": {"report-uri": "https://lamps.example/report"}`, 1)))
}

func FuzzParse(f *testing.F) {
	seeds(f)
	en, fr := mud.In("en"), mud.In("fr")
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := mud.Parse(data)
		var invalid *mud.InvalidError
		if err != nil && (!errors.As(err, &invalid) || len(invalid.Problems) == 0 || err.Error() == "") {
			t.Fatalf("an error without a problem: %v", err)
		}
		if file == nil {
			if err == nil {
				t.Fatal("neither a file nor an error")
			}
			return
		}
		for _, p := range append(file.Problems, file.Lint()...) {
			if p.Text(en) == "mud.problem."+p.Code || p.Text(fr) == "mud.problem."+p.Code {
				t.Errorf("%s has no words", p.Code)
			}
			if p.Path != "" && p.Path[0] != '/' {
				t.Errorf("%s is at %q", p.Code, p.Path)
			}
		}
		if _, strict := mud.ParseStrict(data); err != nil && strict == nil {
			t.Errorf("strictly valid, but: %v", err)
		}
		for _, text := range []string{file.Describe(en), file.SVG(fr), file.Dot(en), file.Title()} {
			if strings.ContainsFunc(strings.ReplaceAll(text, "\n", ""), func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) }) {
				t.Errorf("what is shown moves the terminal: %q", text)
			}
		}
		if d := mud.Diff(file, file); len(d) > 0 {
			t.Errorf("a file differs from itself: %+v", d)
		}
		if err != nil {
			return
		}
		// Canonical text is the same file, and the same text.
		text := file.Canonical()
		again, err := mud.Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if d := cmp.Diff(file, again, same...); d != "" {
			t.Fatalf("canonical is another file:\n%s\n%s", d, text)
		}
		if !bytes.Equal(text, again.Canonical()) {
			t.Errorf("canonical twice is not canonical once:\n%s", text)
		}
	})
}
