package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// fifty is a capture of a home of fifty devices, over a day.
func fifty(t *testing.T) string {
	t.Helper()
	trace, err := lab.Fifty().Play()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "fifty.pcap")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := (wire.Pcap{Link: frame.LinkEthernet}).Write(f, trace.Packets); err != nil {
		t.Fatal(err)
	}
	return name
}
