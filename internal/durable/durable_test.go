package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"plimsoll.example/plimsoll/internal/durable"
)

func TestAFileIsReplacedWhole(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state")
	for _, want := range []string{"a long first content", "short", ""} {
		if err := durable.WriteFile(name, []byte(want), 0o640); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || string(got) != want {
			t.Errorf("read %q, %v; want %q", got, err, want)
		}
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v; want 0640", info.Mode(), err)
	}
}

func TestAFailureKeepsWhatWasThereAndLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "state")
	if err := os.Mkdir(name, 0o700); err != nil { // a folder cannot be replaced by a file
		t.Fatal(err)
	}
	if err := durable.WriteFile(name, []byte("x"), 0o600); err == nil {
		t.Fatal("a folder was replaced by a file")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || !entries[0].IsDir() {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := durable.WriteFile(filepath.Join(dir, "missing", "state"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
}
