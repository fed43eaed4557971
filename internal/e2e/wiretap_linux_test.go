package e2e

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/netns"
)

// Addresses of devices of the demonstration.
var (
	ofCamera = netip.MustParseAddr("192.168.1.23")
	ofPlug   = netip.MustParseAddr("192.168.1.21")
)

// wiretap listens on the far end of the line of a demonstration’s home: what it hears did leave the home. Nil hears
// nothing, and finds nothing wrong: then nothing is enforced.
type wiretap struct {
	t    *testing.T
	mu   sync.Mutex
	last map[netip.Addr]time.Time // by who sent it
}

// tap listens where the Internet of a demonstration is. The networks are the program’s own, with no name: they are found by
// the files that it has open.
func (d *demo) tap(t *testing.T) *wiretap {
	t.Helper()
	if !d.real {
		if os.Getenv("PLIMSOLL_NETNS") == "require" {
			t.Fatal("the demonstration has no networks of its own, and PLIMSOLL_NETNS=require")
		}
		t.Log("the demonstration has no networks of its own: what it does to packets is not tested")
		return nil
	}
	live := d.far(t)
	ctx, cancel := context.WithCancel(t.Context())
	w := &wiretap{t: t, last: map[netip.Addr]time.Time{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var b capture.Batch
		var f frame.Frame
		for ctx.Err() == nil && live.Next(ctx, &b) == nil {
			w.mu.Lock()
			for i, r := range b.Records {
				frame.Decode(&f, r.Link, b.Frame(i), int(r.Wire))
				if f.Depth >= frame.Network {
					w.last[f.Src.Netip().Unmap()] = time.Unix(0, r.Time)
				}
			}
			w.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		_ = live.Close()
	})
	return w
}

// far opens the far end of the line.
func (d *demo) far(t *testing.T) *capture.Live {
	t.Helper()
	var files []string
	for _, child := range d.children() {
		found, _ := filepath.Glob("/proc/" + child + "/fd/*")
		files = append(files, found...)
	}
	for _, name := range files {
		if to, err := os.Readlink(name); err != nil || !strings.HasPrefix(to, "net:") {
			continue
		}
		var live *capture.Live
		n, err := netns.Open(name)
		if err != nil {
			continue // it has ended
		}
		err = n.Do(func() (err error) {
			live, err = capture.OpenLive(capture.LiveConfig{Interface: "out0"})
			return err
		})
		n.Close()
		if err == nil {
			return live
		}
	}
	t.Fatal("the far end of the line was not found")
	return nil
}

// hears waits until a device is heard outside, by a packet that comes from now on.
func (w *wiretap) hears(who netip.Addr) {
	if w == nil {
		return
	}
	w.t.Helper()
	from := time.Now()
	for end := from.Add(90 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		w.mu.Lock()
		last := w.last[who]
		w.mu.Unlock()
		if last.After(from) {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("%s is not heard outside within %v", who, end.Sub(from))
		}
	}
}

// misses fails the test if a device is heard outside for a while: longer than devices of the demonstration are silent.
func (w *wiretap) misses(who netip.Addr) {
	if w == nil {
		return
	}
	w.t.Helper()
	from := time.Now().Add(time.Second) // a page may know of a decision while it is being put in force
	time.Sleep(20 * time.Second)
	w.mu.Lock()
	defer w.mu.Unlock()
	if last := w.last[who]; last.After(from) {
		w.t.Errorf("%s is heard outside, %v after it was to be stopped", who, last.Sub(from))
	}
}
