package dissect_test

import (
	"encoding/hex"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
	"plimsoll.example/plimsoll/internal/dissect/modbus"
	"plimsoll.example/plimsoll/internal/dissect/remote"
	"plimsoll.example/plimsoll/internal/dissect/sip"
	"plimsoll.example/plimsoll/internal/dissect/smb"
	"plimsoll.example/plimsoll/internal/dissect/ssh"
)

// TestValuesEqualTshark compares values that dissectors tell of real TCP traffic with those that tshark reads.
func TestValuesEqualTshark(t *testing.T) {
	if testing.Short() {
		t.Skip("reading captures with tshark takes seconds")
	}
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed")
	}
	captures := capturesFolder(t)
	for _, tt := range []struct {
		capture string
		fn      dissect.Func
		fields  map[string]string // fact: what tshark calls it
	}{
		{"zeek/ssh/sshguess.pcap", ssh.Dissect, map[string]string{
			"ssh.banner": "ssh.protocol", "ssh.hassh": "ssh.kex.hassh", "ssh.hassh_server": "ssh.kex.hasshserver",
		}},
		{"mercury/ssh_frag.pcap", ssh.Dissect, map[string]string{
			"ssh.banner": "ssh.protocol", "ssh.hassh": "ssh.kex.hassh", "ssh.hassh_server": "ssh.kex.hasshserver",
		}},
		{"arkime/smb-smb1-ascii.pcap", smb.Dissect, map[string]string{"smb.native_os": "smb.native_os"}},
		{"zeek/modbus/modbus-and-non-modbus-p502.pcap", modbus.Dissect, map[string]string{"modbus.function": "modbus.func_code"}},
		{"zeek/rfb/vncmac.pcap", remote.VNC, map[string]string{"remote.vnc": "vnc.server_proto_ver"}},
		{"suricata-verify/sip-tcp-method__sip-tcp.pcap", sip.Dissect, map[string]string{
			"sip.user_agent": "sip.User-Agent", "sip.server": "sip.Server",
		}},
	} {
		t.Run(tt.capture, func(t *testing.T) {
			file := filepath.Join(captures, filepath.FromSlash(tt.capture))
			if _, err := os.Stat(file); err != nil {
				t.Skipf("capture not there: %v", err)
			}
			names := slices.Sorted(maps.Keys(tt.fields))
			ours, theirs := map[string]set{}, map[string]set{}
			for _, name := range names {
				ours[name], theirs[name] = set{}, set{}
			}
			for _, d := range directions(t, file, names, tt.fields, theirs) {
				lines, _ := dissecttest.Stream(t, tt.fn, d.m, d.segments...)
				for _, l := range lines {
					name, rest, _ := strings.Cut(l, " ")
					if ours[name] == nil {
						continue
					}
					// Fields follow the value, each with a space before its key.
					for _, key := range []string{" side=", " kex=", " lanman=", " name=", " method=", " status="} {
						rest, _, _ = strings.Cut(rest, key)
					}
					ours[name][rest] = true
				}
			}
			for _, name := range names {
				if got, want := ours[name].sorted(), theirs[name].sorted(); !slices.Equal(got, want) {
					t.Errorf("%s\n got %q\nwant %q", name, got, want)
				}
			}
		})
	}
}

// capturesFolder is where captures lie beside the repository.
func capturesFolder(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if root == filepath.Dir(root) {
			t.Fatal("no go.mod above")
		}
		root = filepath.Dir(root)
	}
	captures := filepath.Join(root, "..", "shared", "data", "captures", "protocols")
	if _, err := os.Stat(captures); err != nil {
		t.Skipf("no captures: %v", err)
	}
	return captures
}

// direction is what one side of a connection sent.
type direction struct {
	m        dissect.Message
	segments [][]byte
	next     int64 // sequence number of what follows
}

// directions reads the TCP payloads of a capture with tshark, in order and without repetitions, and adds the
// values of the fields to values.
func directions(t *testing.T, file string, names []string, fields map[string]string, values map[string]set) []*direction {
	t.Helper()
	args := []string{"-n", "-r", file, "-Y", "tcp.len > 0", "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=\x1f"}
	for _, f := range []string{"tcp.stream", "ip.src", "ip.dst", "tcp.srcport", "tcp.dstport", "tcp.seq", "tcp.payload"} {
		args = append(args, "-e", f)
	}
	for _, name := range names {
		args = append(args, "-e", fields[name])
	}
	text, err := exec.Command("tshark", args...).Output()
	if err != nil {
		t.Skipf("tshark cannot read the capture: %v", err)
	}
	const fixed = 7
	byKey := map[string]*direction{}
	var all []*direction
	for row := range strings.Lines(string(text)) {
		c := strings.Split(strings.TrimSuffix(row, "\n"), "\t")
		if len(c) != fixed+len(names) {
			continue
		}
		for i, name := range names {
			for v := range strings.SplitSeq(c[fixed+i], "\x1f") {
				if v != "" {
					values[name][v] = true
				}
			}
		}
		src, err1 := netip.ParseAddrPort(c[1] + ":" + c[3])
		dst, err2 := netip.ParseAddrPort(c[2] + ":" + c[4])
		seq, err3 := strconv.ParseInt(c[5], 10, 64)
		payload, err4 := hex.DecodeString(c[6])
		if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
			continue
		}
		key := c[0] + " " + src.String()
		d := byKey[key]
		if d == nil {
			// The side with the higher port began, as far as the payloads alone can tell.
			d = &direction{m: dissect.Message{Src: src, Dst: dst, FromInitiator: src.Port() > dst.Port()}, next: seq}
			byKey[key] = d
			all = append(all, d)
		}
		if old := d.next - seq; old >= 0 && old < int64(len(payload)) {
			d.segments = append(d.segments, payload[old:])
			d.next = seq + int64(len(payload))
		}
	}
	return all
}
