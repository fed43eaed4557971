package capture

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// A compressed capture that is cut anywhere is read up to there, alone or in a history, or refused as no capture.
func TestCutCompressedCapturesAreReadToTheCut(t *testing.T) {
	whole, err := os.ReadFile("../../testdata/formats/micro.pcap.gz")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	most := uint64(0)
	for n := 1; n < len(whole); n += 7 {
		path := filepath.Join(dir, "cut.gz")
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := OpenHistory([]string{path}, bytes.NewReader(nil))
		var format *FormatError
		if errors.As(err, &format) {
			continue
		}
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		var b Batch
		for err == nil {
			err = h.Next(&b)
		}
		if !errors.Is(err, io.EOF) {
			t.Fatalf("cut at %d: %v", n, err)
		}
		f := h.Files()[0]
		if f.Damage == nil || !f.Damage.Cut {
			t.Errorf("cut at %d: damage %v", n, f.Damage)
		}
		if f.Packets < most {
			t.Errorf("cut at %d: %d packets, fewer than when it was cut before", n, f.Packets)
		}
		most = f.Packets
		if err := h.Close(); err != nil {
			t.Errorf("cut at %d: close: %v", n, err)
		}
	}
	if most == 0 {
		t.Error("nothing was read")
	}
}
