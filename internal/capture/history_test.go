package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// save writes a pcap file with one packet at each time, which holds its name and the time.
func save(t testing.TB, dir, name string, times ...int64) string {
	t.Helper()
	var buf bytes.Buffer
	w, err := NewWriter(&buf, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range times {
		if err := w.WritePacket(at, fmt.Appendf(nil, "%s at %d", name, at), 0); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// story is what a history tells, as "file#number@time".
func story(t testing.TB, h *History) (s []string) {
	t.Helper()
	for _, p := range collect(t, h.Next) {
		s = append(s, fmt.Sprintf("%d#%d@%d", p.File, p.Number, p.Time))
	}
	return s
}

func openHistory(t testing.TB, in io.Reader, paths ...string) *History {
	t.Helper()
	h, err := OpenHistory(paths, in)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func TestHistoryIsInTimeOrder(t *testing.T) {
	dir := t.TempDir()
	early := save(t, dir, "early", 1, 2, 3)
	late := save(t, dir, "late", 10, 11)
	within := save(t, dir, "within", 2, 2, 10)
	wild := save(t, dir, "wild", 5, 1, 20)
	empty := save(t, dir, "empty")
	for _, test := range []struct {
		name  string
		paths []string
		want  string
	}{
		{"one file", []string{early}, "0#1@1 0#2@2 0#3@3"},
		{"one after the other", []string{early, late}, "0#1@1 0#2@2 0#3@3 1#1@10 1#2@11"},
		{"given in the other order", []string{late, early}, "1#1@1 1#2@2 1#3@3 0#1@10 0#2@11"},
		{"overlapping", []string{late, within, early}, "2#1@1 1#1@2 1#2@2 2#2@2 2#3@3 0#1@10 1#3@10 0#2@11"},
		{"the same file twice", []string{early, early}, "0#1@1 1#1@1 0#2@2 1#2@2 0#3@3 1#3@3"},
		{"a file out of order keeps its order", []string{wild, late}, "0#1@5 0#2@1 1#1@10 1#2@11 0#3@20"},
		{"empty files", []string{empty, late, empty}, "1#1@10 1#2@11"},
		{"only empty files", []string{empty, empty}, ""},
		{"no files", nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := openHistory(t, nil, test.paths...)
			if got := strings.Join(story(t, h), " "); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			for i, f := range h.Files() {
				if f.Path != test.paths[i] || f.Bytes != f.Size || f.Size == 0 || len(f.Links) != 1 || f.Damage != nil {
					t.Errorf("file %d: %+v", i, f)
				}
			}
		})
	}
}

// What a history gives is a stable sort of all files by time, if each is in order.
func TestHistoryEqualsASort(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 60 {
		dir := t.TempDir()
		var paths, want []string
		type key struct {
			at    int64
			file  int
			index int
		}
		var keys []key
		for file := range 1 + rng.IntN(12) {
			var times []int64
			at := rng.Int64N(3000)
			for range rng.IntN(300) {
				at += rng.Int64N(20)
				times = append(times, at)
			}
			for i, at := range times {
				keys = append(keys, key{at, file, i + 1})
			}
			paths = append(paths, save(t, dir, fmt.Sprint(file), times...))
		}
		slices.SortStableFunc(keys, func(a, b key) int {
			if a.at != b.at {
				return int(a.at - b.at)
			}
			return a.file - b.file
		})
		for _, k := range keys {
			want = append(want, fmt.Sprintf("%d#%d@%d", k.file, k.index, k.at))
		}
		if got := story(t, openHistory(t, nil, paths...)); !slices.Equal(got, want) {
			t.Fatalf("round %d: got %v\nwant %v", round, got, want)
		}
	}
}

func TestHistoryOfManyOverlappingFilesIsBounded(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for i := range 300 {
		var times []int64
		for j := range 100 {
			times = append(times, int64(j)*1000+int64(i))
		}
		paths = append(paths, save(t, dir, fmt.Sprint(i), times...))
	}
	h := openHistory(t, nil, paths...)
	got := collect(t, h.Next)
	if len(got) != 30_000 || !slices.IsSortedFunc(got, func(a, b packet) int { return int(a.Time - b.Time) }) {
		t.Errorf("%d packets, or out of order", len(got))
	}
	for _, f := range h.files {
		if f.cursor != nil {
			t.Fatalf("%s is still open", f.Path)
		}
	}
}

func TestHistoryOpensFilesWhenTheirTimeComes(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for i := range int64(50) {
		paths = append(paths, save(t, dir, fmt.Sprint(i), i*10, i*10+12)) // each overlaps the next
	}
	h := openHistory(t, nil, paths...)
	var b Batch
	for h.Next(&b) == nil {
		if len(h.open) > 3 {
			t.Fatalf("%d files are open", len(h.open))
		}
	}
}

func TestHistoryHandsBatchesOnUntouched(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "big")
	if err := os.WriteFile(path, generate(t, NewWriter, 20_000), 0o600); err != nil {
		t.Fatal(err)
	}
	alone := openHistory(t, nil, path)
	after := openHistory(t, nil, path, save(t, dir, "early", 1))
	r, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var want, one, two Batch
	if err := after.Next(&two); err != nil { // the early file
		t.Fatal(err)
	}
	for {
		err := r.Next(&want)
		for name, next := range map[string]func() (*Batch, error){
			"alone": func() (*Batch, error) { return &one, alone.Next(&one) },
			"after": func() (*Batch, error) { return &two, after.Next(&two) },
		} {
			got, gotErr := next()
			if !errors.Is(gotErr, err) || !slices.Equal(got.Records, want.Records) || err == nil && !bytes.Equal(got.Data, want.Data) {
				t.Fatalf("%s: %d records, error %v; want %d, error %v", name, len(got.Records), gotErr, len(want.Records), err)
			}
		}
		if err != nil {
			return
		}
	}
}

func TestHistoryTellsDamagePerFile(t *testing.T) {
	dir := t.TempDir()
	good := save(t, dir, "good", 5, 6)
	cut := save(t, dir, "cut", 1, 10)
	stump := save(t, dir, "stump", 1)
	for path, size := range map[string]int64{cut: 60, stump: 30} {
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
	}
	h := openHistory(t, nil, good, cut, stump)
	if got, want := strings.Join(story(t, h), " "), "1#1@1 0#1@5 0#2@6"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	files := h.Files()
	if files[0].Damage != nil || files[1].Damage == nil || files[2].Damage == nil {
		t.Fatalf("damage %v, %v, %v", files[0].Damage, files[1].Damage, files[2].Damage)
	}
	if d := *files[2].Damage; d != (Damage{pcapFileHeader, "record", true}) {
		t.Errorf("damage %+v", d)
	}
}

func TestHistoryNamesTheFileThatFails(t *testing.T) {
	dir := t.TempDir()
	good := save(t, dir, "good", 1)
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	var fe *FormatError
	if _, err := OpenHistory([]string{good, text}, nil); !errors.As(err, &fe) || fe.Name != text {
		t.Errorf("a text: error %v", err)
	}
	if _, err := OpenHistory([]string{good, filepath.Join(dir, "missing")}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: error %v", err)
	}
	if _, err := OpenHistory([]string{"-", "-"}, strings.NewReader("")); err == nil {
		t.Error("standard input twice gives no error")
	}
	gone := save(t, dir, "gone", 5)
	h := openHistory(t, nil, good, gone)
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	var b Batch
	if err := h.Next(&b); err != nil || len(b.Records) != 1 {
		t.Fatalf("%d records, error %v", len(b.Records), err)
	}
	for range 2 {
		if err := h.Next(&b); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), gone) {
			t.Errorf("error %v", err)
		}
	}
}
