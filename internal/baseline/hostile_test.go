package baseline

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const stranger = "02:00:00:00:00:01"

// learned is what is normal after conversations with those first packets, capture time in ns.
func learned(times ...int64) *Baseline {
	base := &Baseline{}
	base.reindex()
	l := NewLearner(base)
	for _, at := range times {
		s := Sight{Name: "a.example", Addr: netip.MustParseAddr("192.0.2.1"), Proto: "tcp", Port: 443, Octets: 10, First: at, Last: at + 1}
		l.Sight(stranger, &s)
		l.Serve(stranger, "tcp", 443, "tls", at, at+1)
	}
	return l.Finish([]Member{{MACs: []string{stranger}}}, nil)
}

func TestTimesBeforeTheEpochAreLeftOut(t *testing.T) {
	for _, at := range []int64{-1, -2 * hour, -26*hour - 1, -1 << 62} {
		if b := learned(at); !b.Empty() {
			t.Errorf("a conversation at %d ns was learned", at)
		}
	}
	b := learned(-30*hour, 5*hour)
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	b, err := Read(&out)
	if err != nil {
		t.Fatalf("what was written cannot be read: %v", err)
	}
	s := Sight{Name: "b.example", Addr: netip.MustParseAddr("192.0.2.2"), Proto: "tcp", Port: 443, First: -3 * hour, Last: -hour}
	if _, ok := b.Judge(stranger, &s); ok {
		t.Error("something is said of a time before the epoch")
	}
	if _, ok := b.Usual(stranger, -3*hour); ok {
		t.Error("something is usual at a time before the epoch")
	}
}

func TestOnlySoManyDaysAreKeptWhileLearning(t *testing.T) {
	base := &Baseline{}
	base.reindex()
	l := NewLearner(base)
	for d := int64(1000); d > 0; d-- { // each before all others
		l.Sight(stranger, &Sight{LAN: true, Proto: "udp", Port: 1, Octets: 1, First: d * day, Last: d * day})
	}
	for d := int64(1001); d <= 2000; d++ {
		l.Sight(stranger, &Sight{LAN: true, Proto: "udp", Port: 1, Octets: 1, First: d * day, Last: d * day})
	}
	rows := l.fresh[stranger].Volume
	if len(rows) != maxDays || rows[0].Day != 2000-maxDays+1 || rows[maxDays-1].Day != 2000 {
		t.Errorf("%d days are kept, from %d on, want the latest %d", len(rows), rows[0].Day, maxDays)
	}
}

func TestWhatCouldNotBeReadAgainIsNotWritten(t *testing.T) {
	name := filepath.Join(t.TempDir(), "baseline.gz")
	b := learned(5 * hour)
	if err := b.Save(name); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b.Devices[0].Claims = []string{strings.Repeat("x", maxFile)}
	if err := b.Save(name); err == nil {
		t.Error("a baseline is saved that is too large to be loaded")
	}
	if after, err := os.ReadFile(name); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the baseline that was there is changed (%v)", err)
	}
}
