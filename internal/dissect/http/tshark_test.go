package http

import (
	"bytes"
	"encoding/hex"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
)

// Another reader must find the same hosts and the same software in real traffic.
func TestFieldsEqualTshark(t *testing.T) {
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
	captures := filepath.Join(filepath.Dir(root), "shared", "data", "captures")
	var files []string
	for _, pattern := range []string{
		"devices/iot-sentinel/WeMoSwitch/*A-1*", "devices/iot-sentinel/D-LinkCam/*A-1*", "devices/iot-sentinel/HueBridge/*-1-*",
		"protocols/zeek/http/get.pcap", "protocols/zeek/http/100-continue.pcap", "protocols/arkime/http-*auth.pcap",
	} {
		found, _ := filepath.Glob(filepath.Join(captures, pattern))
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Skip("no captures at ../shared/data")
	}
	told := 0
	for _, file := range files {
		want := map[string]bool{}
		for _, row := range rows(t, tshark, file, "http && !ssdp", "http.host", "http.user_agent", "http.server", "http.response.code") {
			for i, name := range []string{"http.host=", "http.user_agent=", "http.server=", "http.status="} {
				for v := range strings.SplitSeq(row[i], "\x01") {
					if v = strings.TrimSpace(v); i == 0 {
						v = string((&reader{Message: new(dissect.Message)}).hostname(nil, []byte(v)))
					}
					if v != "" {
						want[name+v] = true
					}
				}
			}
		}
		got := map[string]bool{}
		streams := map[string][]byte{}
		for _, row := range rows(t, tshark, file, "tcp.len>0 && !tcp.analysis.retransmission && !tcp.analysis.out_of_order && !tcp.analysis.spurious_retransmission && !icmp", "tcp.stream", "tcp.srcport", "tcp.payload") {
			octets, err := hex.DecodeString(row[2])
			if err != nil { // the packet carries another packet
				continue
			}
			key := row[0] + " " + row[1]
			streams[key] = append(streams[key], octets...)
		}
		for _, data := range streams {
			facts, _ := feed(t, data, func(int) int { return 1448 })
			for line := range strings.Lines(facts) {
				for _, name := range []string{"http.host=", "http.user_agent=", "http.server=", "http.status="} {
					if line := strings.TrimSuffix(line, "\n"); strings.HasPrefix(line, name) {
						line, _, _ = strings.Cut(line, " method=")
						got[line] = true
					}
				}
			}
		}
		if w, g := slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)); !slices.Equal(w, g) {
			t.Errorf("%s:\n got %q\nwant %q", filepath.Base(file), g, w)
		}
		told += len(got)
	}
	t.Logf("%d values in %d captures", told, len(files))
}

// rows are the fields that tshark reads from the packets that match filter.
func rows(t *testing.T, tshark, file, filter string, fields ...string) [][]string {
	t.Helper()
	args := []string{"-n", "-r", file, "-Y", filter, "-T", "fields", "-E", "aggregator=\x01"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	out, _ := exec.Command(tshark, args...).Output() // it fails at the end of a cut file
	var all [][]string
	for line := range bytes.Lines(out) {
		row := strings.Split(strings.TrimSuffix(string(line), "\n"), "\t")
		if len(row) == len(fields) {
			all = append(all, row)
		}
	}
	return all
}
