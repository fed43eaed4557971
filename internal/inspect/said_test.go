package inspect

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/baseline"
	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/identify"
	"plimsoll.example/plimsoll/internal/lab"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// What the played homes show, both on a good day and on a bad one, is found about the device that does it, while it
// does it, and severe where it is.
func TestWhatPlayedHomesShowIsFound(t *testing.T) {
	least := map[finding.Kind]finding.Severity{
		finding.SpoofARP: finding.High, finding.SpoofRouter: finding.High, finding.FloodDHCP: finding.High, finding.DNSTunnel: finding.High,
		finding.DNSGenerated: finding.High, finding.ExposedPortmap: finding.Low, finding.ExposedService: finding.High,
		finding.ClearCredentials: finding.Low, finding.ClearFirmware: finding.Medium, finding.TLSWeak: finding.Medium,
	}
	seen := map[finding.Kind]bool{}
	for name, home := range map[string]*lab.Home{"family": lab.Family(), "infected": lab.Infected()} {
		trace, err := home.Play()
		if err != nil {
			t.Fatal(err)
		}
		r := judged(t, Config{}, trace.Packets)
		for _, truth := range trace.Truth.Findings {
			severity, mine := least[finding.Kind(truth.Kind)]
			if !mine {
				continue
			}
			seen[finding.Kind(truth.Kind)] = true
			ok := false
			for _, f := range r.Findings {
				first, last := parse(f.First), parse(f.Last)
				ok = ok || string(f.Kind) == truth.Kind && f.Role == finding.Actor && f.Device == macOf(trace, truth.Device) && f.Severity >= severity &&
					!first.After(truth.Last.Add(time.Second)) && !last.Before(truth.First)
			}
			if !ok {
				t.Errorf("%s: no %s of %s", name, truth.Kind, truth.Device)
			}
		}
	}
	for kind := range least {
		if !seen[kind] {
			t.Errorf("no played home shows %s", kind)
		}
	}
}

// On a good day, a family's home shows nothing that is as bad as high.
func TestTheLifeOfAFamilyIsNoAlarm(t *testing.T) {
	trace, err := lab.Family().Play()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range judged(t, Config{}, trace.Packets).Findings {
		if f.Severity >= finding.High {
			t.Errorf("%s: %s of %s: %s", f.Severity, f.Kind, f.Device, f.Evidence[0].Note)
		}
	}
}

// learnt inspects captures, one after the other or all in one run, on top of what is normal, and says what is normal then.
func learnt(t *testing.T, apart bool, captures ...[]wire.Packet) ([]byte, []Finding) {
	t.Helper()
	k, err := identify.Load()
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := baseline.Load(filepath.Join(t.TempDir(), "none"))
	if err != nil {
		t.Fatal(err)
	}
	var news []Finding
	run := func(list ...[]wire.Packet) {
		cfg := Config{}
		cfg.Detect.Baseline, cfg.Detect.Learner = b, baseline.NewLearner(b)
		e := New(cfg)
		var paths []string
		for i, packets := range list {
			name := filepath.Join(t.TempDir(), strconv.Itoa(i))
			f, err := os.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(wire.Pcap{Link: frame.LinkEthernet}.Write(f, packets), f.Close()); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, name)
		}
		h, err := capture.OpenHistory(paths, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		if err := e.Run(context.Background(), h.Next); err != nil {
			t.Fatal(err)
		}
		for _, f := range e.Result(k, nil, nil, false).Findings {
			if f.Kind == finding.NewDestination {
				news = append(news, f)
			}
		}
		b = e.Learned()
	}
	if apart {
		for _, c := range captures {
			run(c)
		}
	} else {
		run(captures...)
	}
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), news
}

func TestABaselineIsTheSameInEachGroupingAndReplay(t *testing.T) {
	var days [][]wire.Packet
	for i := range 3 {
		h := lab.Family()
		h.Start = h.Start.Add(time.Duration(i) * 24 * time.Hour)
		trace, err := h.Play()
		if err != nil {
			t.Fatal(err)
		}
		days = append(days, trace.Packets)
	}
	want, news := learnt(t, false, days...)
	if len(news) > 0 {
		t.Errorf("a first run calls %d things new", len(news))
	}
	for name, list := range map[string][][]wire.Packet{"one by one": days, "one of them twice": {days[0], days[1], days[1], days[2]}} {
		got, news := learnt(t, true, list...)
		if !bytes.Equal(got, want) {
			t.Errorf("%s: another baseline", name)
		}
		for _, f := range news {
			if f.Severity > finding.Low {
				t.Errorf("%s: %s new: %s", name, f.Severity, f.Evidence[0].Note)
			}
		}
	}
	bad := lab.Infected()
	bad.Start = days0(days).Add(5 * 24 * time.Hour)
	trace, err := bad.Play()
	if err != nil {
		t.Fatal(err)
	}
	_, news = learnt(t, true, append(days, trace.Packets)...)
	ok := false
	for _, f := range news {
		ok = ok || f.Device == macOf(trace, "camera") && f.Severity == finding.Medium
	}
	if !ok {
		t.Errorf("a camera that calls strangers is not new: %+v", news)
	}
}

func days0(days [][]wire.Packet) time.Time { return time.Unix(0, days[0][0].Time).UTC() }
