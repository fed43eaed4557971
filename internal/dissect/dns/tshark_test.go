package dns

import (
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
)

// Another reader must find the same names and addresses in real traffic.
func TestNamesEqualTshark(t *testing.T) {
	if testing.Short() {
		t.Skip("reads captures with tshark: left out by -short")
	}
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	root, err := os.Getwd()
	for err == nil && root != "/" {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		root = filepath.Dir(root)
	}
	data := filepath.Join(filepath.Dir(root), "shared", "data", "captures")
	var files []string
	for _, pattern := range []string{
		"devices/iot-sentinel/D-LinkCam/*A-1*", "devices/iot-sentinel/HueBridge/*-1-*", "devices/iot-sentinel/WeMoSwitch/*A-1*",
		"protocols/ndpi/dns.pcap", "protocols/zeek/dns/dns-binds.pcap", "protocols/arkime/dns-udp.pcap", "protocols/tcpdump/dnssec.pcap",
		"attacks/ndpi/dns-tunnel-iodine.pcap",
	} {
		found, _ := filepath.Glob(filepath.Join(data, pattern))
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Skip("no captures at ../shared/data")
	}
	messages := 0
	for _, file := range files {
		out, err := exec.Command(tshark, "-n", "-r", file, "-Y", "dns && udp.port==53 && !icmp && !icmpv6 && !_ws.malformed && dns.count.queries==1",
			"-T", "fields", "-E", "occurrence=a", "-e", "frame.number", "-e", "udp.payload", "-e", "dns.flags.response", "-e", "dns.qry.name",
			"-e", "dns.a", "-e", "dns.aaaa", "-e", "dns.count.auth_rr", "-e", "dns.count.add_rr").Output()
		if err != nil && len(out) == 0 {
			t.Logf("%s: %v", file, err)
			continue
		}
		for line := range strings.Lines(string(out)) {
			compare(t, filepath.Base(file), strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
			messages++
		}
	}
	t.Logf("%d messages in %d captures", messages, len(files))
}

func compare(t *testing.T, file string, col []string) {
	t.Helper()
	payload, err := hex.DecodeString(col[1])
	if err != nil || len(col) != 8 {
		t.Fatalf("%s: tshark wrote %q", file, col)
	}
	m := query(payload, 53)
	if col[2] == "1" {
		m = response(payload, 53)
	}
	var f dissect.Facts
	f.Begin(m.SrcMAC, 0, 1)
	if _, s := Dissect(m, &f); s != dissect.Next {
		t.Errorf("%s frame %s: refused %x", file, col[0], payload)
		return
	}
	var got []string
	for i := range f.Len() {
		switch f.At(i).Name {
		case "dns.query", "dns.answer":
			if name, want := string(f.Value(i)), strings.ToLower(col[3]); name != want && !strings.Contains(name, `\`) && want != "<root>" {
				t.Errorf("%s frame %s: got name %q, want %q", file, col[0], name, want)
			}
			if a := f.Lookup(i, "address"); a != nil && strings.HasPrefix(string(f.Lookup(i, "type")), "A") {
				got = append(got, string(a))
			}
		}
	}
	var want []string
	for _, c := range col[4:6] {
		if c != "" {
			want = append(want, strings.Split(c, ",")...)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if alone := col[6] == "0" && (col[7] == "0" || col[7] == "1"); alone && !slices.Equal(got, want) {
		t.Errorf("%s frame %s: got addresses %q, want %q", file, col[0], got, want)
	}
	for _, a := range got { // with authorities, tshark lists the addresses of name servers too
		if !slices.Contains(want, a) {
			t.Errorf("%s frame %s: address %s, want one of %q", file, col[0], a, want)
		}
	}
}
