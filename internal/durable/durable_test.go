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
	if err := durable.WriteFile(name, []byte("x"), 0o600); !errors.Is(err, durable.ErrNotFile) {
		t.Fatalf("a folder was replaced by a file: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || !entries[0].IsDir() {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := durable.WriteFile(filepath.Join(dir, "missing", "state"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestADeviceIsNotReplacedByAFile(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(os.DevNull, link); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(link, []byte("x"), 0o600); !errors.Is(err, durable.ErrNotFile) {
		t.Errorf("a link to a device: %v", err)
	}
	if target, err := os.Readlink(link); err != nil || target != os.DevNull {
		t.Errorf("the link leads to %q, %v", target, err)
	}
}

func TestALinkIsReplacedAndNotFollowed(t *testing.T) {
	dir := t.TempDir()
	elsewhere, link := filepath.Join(dir, "elsewhere"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(elsewhere, []byte("theirs"), 0o600), os.Symlink(elsewhere, link)); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(link, []byte("ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	theirs, err1 := os.ReadFile(elsewhere)
	ours, err2 := os.ReadFile(link)
	if err := errors.Join(err1, err2); err != nil || string(theirs) != "theirs" || string(ours) != "ours" {
		t.Errorf("read %q and %q, %v", theirs, ours, err)
	}
}
