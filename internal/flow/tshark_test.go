package flow_test

import (
	"errors"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// captures are about n of the real captures that lie beside the repository, and all that are there for the
// Community ID's sake.
func captures(t *testing.T, n int) (chosen []string) {
	t.Helper()
	var files []string
	err := filepath.WalkDir("../../../shared/data/captures/protocols", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if info, err := d.Info(); err != nil || info.Size() > 1<<20 {
			return err
		}
		files = append(files, path)
		return nil
	})
	if err != nil {
		t.Skipf("the real captures are not here: %v", err)
	}
	for i, path := range files {
		if strings.Contains(path, "communityid") || i%max(1, len(files)/n) == 0 {
			chosen = append(chosen, path)
		}
	}
	return chosen
}

func TestCommunityIDsAreTsharks(t *testing.T) {
	if testing.Short() {
		t.Skip("starts tshark for each of many captures")
	}
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	if out, _ := exec.Command(tshark, "-G", "protocols").Output(); !strings.Contains(string(out), "communityid") {
		t.Skip("this tshark knows no Community ID")
	}
	compared := 0
	for _, path := range captures(t, 24) {
		compared += compareIDs(t, tshark, path)
	}
	if compared < 500 {
		t.Errorf("only %d packets were compared", compared)
	}
}

func compareIDs(t *testing.T, tshark, path string) (compared int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tshark, "-n", "-r", path, "--enable-protocol", "communityid", "-T", "fields",
		"-e", "frame.number", "-e", "communityid", "-e", "frame.protocols", "-e", "icmpv6.type")
	out, err := cmd.Output()
	if err != nil {
		return 0 // damaged: said elsewhere
	}
	want := map[uint64]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) < 4 || f[1] == "" || f[3] == "143" { // tshark takes addresses in a listener report for the packet's own
			continue
		}
		layers := strings.Split(f[2], ":")
		ip := slices.DeleteFunc(slices.Clone(layers), func(s string) bool { return s != "ip" && s != "ipv6" })
		if len(ip) != 1 || slices.Contains(layers, "ah") { // tunnels that are not looked into
			continue
		}
		number, err := strconv.ParseUint(f[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		want[number] = f[1]
	}
	r, err := capture.Open(path, nil)
	if err != nil {
		return 0
	}
	defer r.Close()
	var b capture.Batch
	for err == nil {
		err = r.Next(&b)
		for i := range b.Records {
			record := &b.Records[i]
			var f frame.Frame
			frame.Decode(&f, record.Link, b.Frame(i), int(record.Wire))
			id := want[record.Number]
			if f.Depth < frame.Transport || id == "" {
				continue
			}
			fl, _, _ := flow.NewTable(16, func(*flow.Flow) {}).Add(&f, flow.Hash(1, &f), 0, record.Wire)
			compared++
			if got := fl.CommunityID(); got != id {
				t.Errorf("%s, packet %d: %s, tshark says %s", path, record.Number, got, id)
			}
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Logf("%s: %v", path, err)
	}
	return compared
}
