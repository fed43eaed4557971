package inspect

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/identify"
)

// To look at what was found so far changes nothing of what is found in the end.
func TestASnapshotChangesNothing(t *testing.T) {
	k, err := identify.Load()
	if err != nil {
		t.Fatal(err)
	}
	run := func(look bool) (final, last *Result) {
		h, err := capture.OpenHistory([]string{testdata + "/home.pcapng"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		var e *Engine
		cfg := Config{}
		if look {
			cfg.OnBlock = func() { last = e.Snapshot(k) }
		}
		e = New(cfg)
		if err := e.Run(context.Background(), h.Next); err != nil {
			t.Fatal(err)
		}
		return e.Result(k, nil, nil, false), last
	}
	want, _ := run(false)
	got, last := run(true)
	if diff := cmp.Diff(want.Devices, got.Devices, cmp.AllowUnexported(Device{})); diff != "" {
		t.Error(diff)
	}
	if last == nil || len(last.Devices) != len(want.Devices) {
		t.Fatalf("the last look: %+v", last)
	}
	for i := range last.Devices {
		if last.Devices[i].ID != want.Devices[i].ID {
			t.Errorf("device %d is %s, and %s in the end", i, last.Devices[i].ID, want.Devices[i].ID)
		}
	}
}
