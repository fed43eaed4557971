//go:build unix

package capture

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestHistoryReadsPipesOnce(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skipf("no named pipes: %v", err)
	}
	late, err := os.ReadFile(save(t, dir, "late", 10, 30))
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = os.WriteFile(fifo, late, 0) }() // opens when the history does, which notes what is missing
	early, err := os.ReadFile(save(t, dir, "early", 1, 20))
	if err != nil {
		t.Fatal(err)
	}
	h := openHistory(t, bytes.NewReader(early), fifo, "-", save(t, dir, "file", 15))
	if got, want := strings.Join(story(t, h), " "), "1#1@1 0#1@10 2#1@15 1#2@20 0#2@30"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
