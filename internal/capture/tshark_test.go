package capture

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
)

// captures finds the development captures, which lie beside the repository.
func captures(t *testing.T) []string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
	}
	root := filepath.Join(dir, "..", "shared", "data", "captures")
	var files []string
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Skipf("the development captures are not here: %v", err)
	}
	return files
}

// sample takes about n of the files of at most 4 MB, as evenly as may be from all formats.
func sample(t *testing.T, files []string, n int) (chosen []string) {
	t.Helper()
	kinds := map[string][]string{}
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		head := make([]byte, 24)
		if _, err := io.ReadFull(f, head); err != nil {
			f.Close()
			continue // too short to have a format
		}
		info, err := f.Stat()
		f.Close()
		if err != nil || info.Size() > 4<<20 {
			continue
		}
		kind := fmt.Sprintf("%x %s", head[:4], filepath.Ext(path))
		if magic, swap, ok := isPcap(head); ok {
			kind = fmt.Sprintf("%x %v %d", magic, swap, u32(head[20:], swap))
		}
		kinds[kind] = append(kinds[kind], path)
	}
	each := max(1, n/max(1, len(kinds)))
	for _, paths := range kinds {
		some := min(each, len(paths))
		for i := range some {
			chosen = append(chosen, paths[i*len(paths)/some])
		}
	}
	slices.Sort(chosen)
	return chosen
}

func TestPacketsAreTsharks(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	if testing.Short() {
		t.Skip("tshark takes its time")
	}
	for _, path := range sample(t, captures(t), 60) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			compareTshark(t, tshark, path)
		})
	}
}

func compareTshark(t *testing.T, tshark, path string) {
	t.Helper()
	var talk bytes.Buffer
	cmd := exec.CommandContext(t.Context(), tshark, "-n", "-r", path, "-T", "fields",
		"-e", "frame.number", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len")
	cmd.Stderr = &talk
	out, tsharkErr := cmd.Output()
	r, err := Open(path, nil)
	if err != nil {
		if tsharkErr == nil {
			t.Errorf("tshark reads it, but: %v", err)
		}
		return
	}
	defer r.Close()
	got := collect(t, r.Next)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(out) == 0 {
		lines = nil
	}
	if strings.Contains(talk.String(), "unsupported") {
		t.Skipf("tshark does not read it: %s", talk.String())
	}
	if len(got) != len(lines) {
		t.Errorf("%d packets, tshark has %d; damage %v; tshark says %s", len(got), len(lines), r.Damage(), talk.String())
	}
	if cut := strings.Contains(talk.String(), "cut short"); cut != (r.Damage() != nil && r.Damage().Cut) {
		t.Errorf("damage %v; tshark says %s", r.Damage(), talk.String())
	}
	for i := range min(len(got), len(lines)) {
		p, want := got[i], strings.Split(lines[i], "\t")
		have := []string{fmt.Sprint(p.Number), fmt.Sprintf("%d.%09d", p.Time/second, p.Time%second), fmt.Sprint(p.Wire), fmt.Sprint(len(p.Data))}
		if _, fraction, _ := strings.Cut(want[1], "."); len(fraction) > 9 || want[1] == "" || want[1][0] == '-' {
			want[1] = have[1] // a million microseconds or more, which tshark does not carry over, or no time
		}
		if wire, err := strconv.Atoi(want[2]); err == nil && wire < len(p.Data) {
			want[2] = have[2] // less than was captured, which we do not believe
		}
		if pseudoHeader(p.Link) {
			have, want = have[:2], want[:2]
		}
		if !slices.Equal(have, want) {
			t.Errorf("packet %d: got %s, tshark has %s", i, have, want)
			break
		}
	}
}

// pseudoHeader reports whether tshark takes a header off the frames that is no part of the medium's.
func pseudoHeader(l frame.LinkType) bool {
	switch l {
	case 123, 139, 144, 177, 197, 201, 220, 226:
		return true
	}
	return false
}
