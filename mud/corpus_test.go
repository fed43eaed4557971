package mud_test

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plimsoll.example/plimsoll/mud"
)

// published are MUD files that others wrote, from the project's shared data.
func published(t *testing.T) map[string][]byte {
	t.Helper()
	dir := "../../shared/data/mud"
	manifest, err := os.ReadFile(filepath.Join(dir, "manifest.jsonl"))
	if err != nil {
		t.Skipf("published MUD files are not here: %v", err)
	}
	files := map[string][]byte{}
	for line := range bytes.Lines(manifest) {
		var row struct{ Path, Role string }
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(row.Path, ".json") && !strings.HasSuffix(row.Path, ".NEST") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, "..", row.Path))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(`"ietf-mud:mud"`)) { // a few are notes of a program, not MUD files
			files[row.Path] = data
		}
	}
	if len(files) < 90 {
		t.Fatalf("%d published files, want the whole of them", len(files))
	}
	return files
}

// same leaves out what depends on how a file was written.
var same = cmp.Options{
	cmpopts.IgnoreFields(mud.File{}, "Raw", "Form", "Problems"), cmpopts.IgnoreFields(mud.ACL{}, "Path"), cmpopts.IgnoreFields(mud.ACE{}, "Path"),
	cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty(),
}

func TestPublishedFilesParseInTheFormTheyAreIn(t *testing.T) {
	forms, codes := map[mud.Form]int{}, map[string]int{}
	for name, data := range published(t) {
		f, err := mud.Parse(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		forms[f.Form]++
		for _, p := range slices.Concat(f.Problems, f.Lint()) {
			codes[p.Code]++
			if p.Code == "dns.wrong-side" || p.Level == mud.Error {
				t.Errorf("%s: %s %q", name, p.Code, p.Path)
			}
			if p.Path != "" && !exists(data, p.Path) {
				t.Errorf("%s: %s is said of %q, which is not in the file", name, p.Code, p.Path)
			}
		}
		_, err = mud.ParseStrict(data)
		if (err == nil) != (f.Form == mud.RFC) {
			t.Errorf("%s: form %s, but strictly: %v", name, f.Form, err)
		}
		again, err := mud.Parse(f.Canonical())
		if err != nil {
			t.Errorf("%s: canonical: %v", name, err)
			continue
		}
		if d := cmp.Diff(f, again, same...); d != "" {
			t.Errorf("%s: canonical is another file:\n%s", name, d)
		}
	}
	t.Log(forms)
	for _, code := range slices.Sorted(func(yield func(string) bool) {
		for c := range codes {
			if !yield(c) {
				return
			}
		}
	}) {
		t.Logf("%6d %s", codes[code], code)
	}
}

// exists reports whether a JSON Pointer leads somewhere in a JSON text.
func exists(data []byte, pointer string) bool {
	var v any
	if json.Unmarshal(data, &v) != nil {
		return false
	}
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		switch n := v.(type) {
		case map[string]any:
			m, ok := n[step]
			if !ok {
				return false
			}
			v = m
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(n) {
				return false
			}
			v = n[i]
		default:
			return false
		}
	}
	return true
}
