package inspect

import (
	"context"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/capture"
)

// What reveals a defect costs itself: all other packets and flows are taken in, and it is said where it was.
func TestADefectCostsOneMessage(t *testing.T) {
	run := func(stumble bool) (e *Engine, facts, flows int) {
		h, err := capture.OpenHistory([]string{testdata + "/home.pcapng"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		e = New(Config{
			OnFact: func(*FactRecord) error {
				if facts++; stumble && facts%10 == 0 {
					panic("a defect, for a test")
				}
				return nil
			},
			OnFlow: func(*FlowRecord) error {
				if flows++; stumble && flows == 3 {
					panic("a defect, for a test")
				}
				return nil
			},
		})
		if err := e.Run(context.Background(), h.Next); err != nil {
			t.Fatal(err)
		}
		return e, facts, flows
	}
	whole, facts, flows := run(false)
	if err := whole.Progress.Stumbled(); err != nil {
		t.Error(err)
	}
	e, gotFacts, gotFlows := run(true)
	if gotFacts != facts || gotFlows != flows || e.Progress.Packets.Load() != whole.Progress.Packets.Load() {
		t.Errorf("%d facts and %d flows, not %d and %d", gotFacts, gotFlows, facts, flows)
	}
	if n := e.Progress.Panics.Load(); n != uint64(facts/10+1) || e.Losses().Panics != n {
		t.Errorf("%d were counted, %d are told, of %d", n, e.Losses().Panics, facts/10+1)
	}
	if err := e.Progress.Stumbled(); err == nil || !strings.Contains(err.Error(), "panic_test.go") {
		t.Errorf("it is not said where: %v", err)
	}
}
