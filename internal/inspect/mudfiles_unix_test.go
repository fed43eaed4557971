//go:build unix

package inspect

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

// To open a pipe is to wait for whoever writes into it, for ever.
func TestAPipeInTheFolderOfMUDFilesIsLeftOut(t *testing.T) {
	dir := folder(t, map[string]string{"lamp.json": mudText("https://a.example/a.json", "", "")})
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.json"), 0o600); err != nil {
		t.Skip("no pipes here: ", err)
	}
	m, left, err := LoadMUDFiles(dir)
	if err != nil || len(m.list) != 1 || len(left) != 1 || !errors.Is(left[0], errNotFile) {
		t.Errorf("%d files, left out %v, %v", len(m.list), left, err)
	}
}
