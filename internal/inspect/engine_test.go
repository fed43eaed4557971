package inspect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/identify"
)

// testdata is the folder of the generated captures.
const testdata = "../../testdata"

// shared is the folder of real captures, beside the repository.
const shared = "../../../shared/data"

// needShared skips a test where the real captures are not there.
func needShared(t testing.TB) {
	t.Helper()
	if _, err := os.Stat(shared); err != nil {
		t.Skipf("needs the captures in %s, which are not part of the repository", shared)
	}
}

// outcome is all that an inspection says.
type outcome struct {
	JSON, Flows, Facts string
}

func look(t testing.TB, cfg Config, paths ...string) outcome {
	t.Helper()
	h, err := capture.OpenHistory(paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	return lookAt(t, cfg, h.Next)
}

func lookAt(t testing.TB, cfg Config, next func(*capture.Batch) error) outcome {
	t.Helper()
	k, err := identify.Load()
	if err != nil {
		t.Fatal(err)
	}
	var flows, facts bytes.Buffer
	fl, fa := NewLines(&flows), NewLines(&facts)
	cfg.OnFlow, cfg.OnFact = fl.Flow, fa.Fact
	e := New(cfg)
	if err := e.Run(context.Background(), next); err != nil {
		t.Fatal(err)
	}
	fl.Flush()
	fa.Flush()
	b, err := json.MarshalIndent(e.Result(k, nil, nil, false), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return outcome{string(b), flows.String(), facts.String()}
}

// captures are some to test on: the generated ones, and where they are there some real ones.
func captures(t testing.TB) []string {
	t.Helper()
	list, err := filepath.Glob(testdata + "/*.pcap*")
	if err != nil || len(list) == 0 {
		t.Fatal("no generated captures: run go run ./internal/lab/labgen -o testdata")
	}
	for _, name := range []string{
		"home/smart-home-firewall/philips-hue/no-firewall-lan.pcap",
		"attacks/slips/test7-iot-telnet-scan.pcap",
		"protocols/chrissanders/ipv6_fragments.pcapng",
		"protocols/ndpi/quic_frags_ch_out_of_order_same_packet_craziness.pcapng",
	} {
		path := filepath.Join(shared, "captures", name)
		if _, err := os.Stat(path); err == nil {
			list = append(list, path)
		}
	}
	return list
}

func TestResultsDoNotDependOnTheNumberOfCores(t *testing.T) {
	for _, path := range captures(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			// a small table, so that there are evictions as well
			want := look(t, Config{Workers: 1, Flows: 256}, path)
			for _, workers := range []int{2, 3, 16} {
				if diff := cmp.Diff(want, look(t, Config{Workers: workers, Flows: 256}, path)); diff != "" {
					t.Fatalf("%d workers say otherwise than one:\n%s", workers, diff)
				}
			}
		})
	}
}

// Listening to facts or flows changes nothing of what is found.
func TestListenersChangeNothing(t *testing.T) {
	for _, path := range captures(t) {
		h, err := capture.OpenHistory([]string{path}, nil)
		if err != nil {
			t.Fatal(err)
		}
		e := New(Config{})
		if err := e.Run(context.Background(), h.Next); err != nil {
			t.Fatal(err)
		}
		h.Close()
		k, err := identify.Load()
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.MarshalIndent(e.Result(k, nil, nil, false), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(look(t, Config{}, path).JSON, string(b)); diff != "" {
			t.Errorf("%s: with listeners (-) and without (+):\n%s", path, diff)
		}
	}
}

func TestFactsComeInTheOrderOfThePackets(t *testing.T) {
	for _, path := range captures(t) {
		h, err := capture.OpenHistory([]string{path}, nil)
		if err != nil {
			t.Fatal(err)
		}
		last := uint64(0)
		e := New(Config{Workers: 4, OnFact: func(r *FactRecord) error {
			if r.Number < last {
				t.Errorf("%s: a fact of packet %d after one of packet %d", path, r.Number, last)
			}
			last = r.Number
			return nil
		}})
		if err := e.Run(context.Background(), h.Next); err != nil {
			t.Fatal(err)
		}
		h.Close()
		if last == 0 {
			t.Errorf("%s: no facts", path)
		}
	}
}

// Every IP packet is in one flow, whatever was evicted.
func TestNoPacketIsLost(t *testing.T) {
	for _, path := range captures(t) {
		h, err := capture.OpenHistory([]string{path}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var read, counted uint64
		e := New(Config{Flows: 64, OnFlow: func(r *FlowRecord) error {
			counted += r.Packets[flow.Orig] + r.Packets[flow.Resp]
			return nil
		}})
		err = e.Run(context.Background(), func(b *capture.Batch) error {
			err := h.Next(b)
			for _, r := range b.Records {
				var f frame.Frame
				frame.Decode(&f, r.Link, b.Data[r.Offset:r.Offset+r.Len], int(r.Wire))
				if f.Depth >= frame.Network {
					read++
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		h.Close()
		if counted != read || read == 0 {
			t.Errorf("%s: %d IP packets read, %d in flows", path, read, counted)
		}
	}
}

func TestInterruptedInspectionKeepsWhatWasRead(t *testing.T) {
	h, err := capture.OpenHistory([]string{testdata + "/home.pcapng"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	ctx, cancel := context.WithCancel(context.Background())
	e := New(Config{})
	err = e.Run(ctx, func(b *capture.Batch) error {
		err := h.Next(b)
		cancel()
		return err
	})
	if err != nil || e.totals.packets == 0 {
		t.Errorf("%v, %d packets", err, e.totals.packets)
	}
}

func TestErrorsOfTheSourceAndTheListenersAreTold(t *testing.T) {
	broken := errors.New("broken")
	if err := New(Config{}).Run(context.Background(), func(*capture.Batch) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("source: %v", err)
	}
	h, err := capture.OpenHistory([]string{testdata + "/home.pcapng"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	e := New(Config{OnFact: func(*FactRecord) error { return broken }})
	if err := e.Run(context.Background(), h.Next); !errors.Is(err, broken) {
		t.Errorf("listener: %v", err)
	}
}

func TestNothingToRead(t *testing.T) {
	got := lookAt(t, Config{}, func(*capture.Batch) error { return io.EOF })
	if got.Flows != "" || got.Facts != "" {
		t.Errorf("%+v", got)
	}
}
