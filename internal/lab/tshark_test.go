package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// tshark reads a capture with a second opinion, and returns the lines it prints.
func tshark(t *testing.T, capture string, args ...string) []string {
	t.Helper()
	path, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed: nobody else reads the captures")
	}
	if testing.Short() {
		t.Skip("tshark takes its time")
	}
	args = append([]string{
		"-r", capture, "-n", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
		"-o", "tcp.reassemble_out_of_order:TRUE",
	}, args...)
	out, err := exec.Command(path, args...).Output()
	if err != nil && !damaged(capture) {
		t.Fatalf("tshark %s: %v", capture, err)
	}
	var lines []string
	for l := range strings.Lines(string(out)) {
		lines = append(lines, strings.TrimSuffix(l, "\n"))
	}
	return lines
}

// damaged reports whether a capture ends with an error.
func damaged(capture string) bool {
	name := filepath.Base(capture)
	return strings.HasPrefix(name, "cut.") || strings.HasPrefix(name, "damaged.")
}

// wrong selects the packets that tshark finds fault with.
const wrong = "_ws.malformed || ip.checksum.status==0 || tcp.checksum.status==0 || udp.checksum.status==0 || icmp.checksum.status==0 || icmpv6.checksum.status==0 || igmp.checksum.status==0 || wlan.fcs.status==0"

func TestTsharkFindsNothingWrong(t *testing.T) {
	for _, name := range []string{"home.pcapng", "attack.pcap"} {
		for _, l := range tshark(t, filepath.Join(testdata, name), "-Y", wrong) {
			t.Errorf("%s: %s", name, l)
		}
	}
}

func TestTsharkSeesTheServerNames(t *testing.T) {
	got := map[string]bool{}
	for _, l := range tshark(t, testdata+"/home.pcapng", "-Y", "tls.handshake.type==1", "-T", "fields", "-e", "quic.version", "-e", "tls.handshake.extensions_server_name") {
		got[l] = true
	}
	for _, want := range []string{
		"0x00000001\twww.example.org",   // a hello in two datagrams, in pieces out of order
		"0x6b3343cf\twww.example.org",   // QUIC version 2
		"0x00000001\tvideo.example.com", // a hello in one datagram
		"\tnews.example.com",            // a hello in two segments, the first sent twice
		"\talarm.example.com",           // TLS 1.0
		"\tdevs.tplinkcloud.com",        // TLS 1.2
		"\tupdate.synology.com",         // TLS 1.3
	} {
		if !got[want] {
			t.Errorf("no hello for %q among %v", want, got)
		}
	}
}

// TestTsharkDecryptsWithTheKeyLog shows that handshakes, key schedules and records are real: another
// implementation reads what is inside.
func TestTsharkDecryptsWithTheKeyLog(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte(mustPlay(t, Family()).Keys), 0o600); err != nil {
		t.Fatal(err)
	}
	hosts := tshark(t, testdata+"/home.pcapng", "-o", "tls.keylog_file:"+keys, "-Y", "tls && http.request", "-T", "fields", "-e", "http.host")
	for _, want := range []string{
		"update.synology.com",   // TLS 1.3
		"news.example.com",      // TLS 1.3, with a loss
		"discovery.meethue.com", // TLS 1.2
		"alarm.example.com",     // TLS 1.0
	} {
		if !slices.Contains(hosts, want) {
			t.Errorf("no request to %s among %q", want, hosts)
		}
	}
	if n := len(tshark(t, testdata+"/home.pcapng", "-o", "tls.keylog_file:"+keys, "-Y", "tls && mqtt")); n == 0 {
		t.Error("no MQTT inside TLS")
	}
	// Over QUIC each connection has a request and an answer.
	streams := map[string]bool{}
	for _, l := range tshark(t, testdata+"/home.pcapng", "-o", "tls.keylog_file:"+keys, "-Y", "http3", "-T", "fields", "-e", "udp.stream") {
		streams[l] = true
	}
	if len(streams) != 5 {
		t.Errorf("HTTP/3 in %d connections, want 5", len(streams))
	}
}

func TestTsharkSeesOneTalkInEveryFormat(t *testing.T) {
	fields := []string{"-Y", "dns || http || " + wrong, "-T", "fields", "-e", "ip.src", "-e", "ipv6.src", "-e", "dns.qry.name", "-e", "dns.a", "-e", "dns.aaaa", "-e", "http.request.uri", "-e", "http.response.code"}
	want := tshark(t, testdata+"/formats/micro.pcap", fields...)
	if len(want) < 12 {
		t.Fatalf("the conversation has %d messages only", len(want))
	}
	list, err := filepath.Glob(testdata + "/formats/*.pcap*")
	if err != nil {
		t.Fatal(err)
	}
	for _, capture := range list {
		t.Run(filepath.Base(capture), func(t *testing.T) {
			t.Parallel()
			got, want := tshark(t, capture, fields...), want
			switch {
			case damaged(capture):
				if len(got) == 0 || len(got) > len(want) {
					t.Fatalf("%d messages, want some of %d", len(got), len(want))
				}
				want = want[:len(got)]
			case strings.HasPrefix(filepath.Base(capture), "header-only."):
				want = nil
			}
			if !slices.Equal(got, want) {
				t.Errorf("another conversation:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

func TestTsharkReadsWhatFloodAndMixedWrite(t *testing.T) {
	for name, write := range map[string]func(f *os.File) error{
		"flood": func(f *os.File) error { return Flood(f, 500) },
		"mixed": func(f *os.File) error { return Mixed(f, 2000, 50) },
	} {
		path := filepath.Join(t.TempDir(), name+".pcap")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := write(f); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		for _, l := range tshark(t, path, "-Y", "ip.checksum.status==0 || tcp.checksum.status==0 || udp.checksum.status==0") {
			t.Errorf("%s: %s", name, l)
		}
	}
}

// TestTsharkReadsALongDatagram has a datagram that does not fit into one frame.
func TestTsharkReadsALongDatagram(t *testing.T) {
	h := Family()
	h.Devices[0].Script = func(a *Actor) {
		a.ask(a.play.find("discovery.meethue.com"), 7000, make([]byte, 3000), make([]byte, 2000))
		a.Prefer6 = true
		a.ask(a.play.find("pool.ntp.org"), 7000, make([]byte, 3000), make([]byte, 2000))
	}
	h.Devices = h.Devices[:1]
	h.Router.Script = nil
	path := filepath.Join(t.TempDir(), "long.pcap")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := (wire.Pcap{Link: frame.LinkEthernet}).Write(f, mustPlay(t, h).Packets); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	got := tshark(t, path, "-Y", "udp.checksum.status==1 && udp.port==7000", "-T", "fields", "-e", "udp.length")
	if want := []string{"3008", "2008", "3008", "2008"}; !slices.Equal(got, want) {
		t.Errorf("datagrams of %q octets, want %q", got, want)
	}
}
