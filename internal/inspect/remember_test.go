package inspect

import (
	"io"
	"net/netip"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
)

var lampMAC = frame.MAC{2, 0, 0, 0, 0, 1}

// table is a flow table whose flows an engine remembers.
func table(e *Engine) *flow.Table {
	t := flow.NewTable(64, func(f *flow.Flow) { e.talks.flow(f, "", &device.Names{}) })
	t.Goes = func(f *flow.Flow) { e.talks.flow(f, "", &device.Names{}) }
	return t
}

// say has a lamp and a server say something to each other.
func say(t *flow.Table, at time.Duration, port uint16) {
	lamp, server := frame.AddrFrom(netip.MustParseAddr("192.168.1.2")), frame.AddrFrom(netip.MustParseAddr("203.0.113.5"))
	f := frame.Frame{SrcMAC: lampMAC, Src: lamp, Dst: server, SrcPort: 40000, DstPort: port, Proto: frame.ProtoUDP, Depth: frame.Transport}
	t.Add(&f, uint32(port), int64(at), 100)
	f.SrcMAC, f.Src, f.Dst, f.SrcPort, f.DstPort = frame.MAC{2, 0, 0, 0, 0, 9}, server, lamp, port, 40000
	t.Add(&f, uint32(port), int64(at), 100)
}

func TestAConversationThatGoesOnForDaysIsRememberedAndCountedOnce(t *testing.T) {
	e := New(Config{Remember: true, Ongoing: true})
	flows := table(e)
	flows.Expire(0)
	for m := range 24 * 60 {
		at := time.Duration(m+1) * time.Minute
		say(flows, at, 8883)
		flows.Expire(int64(at))
	}
	list := e.Conversations([]frame.MAC{lampMAC})
	if len(list) != 1 || list[0].Flows != 1 || time.Duration(list[0].Last) < 23*time.Hour {
		t.Fatalf("while it goes on: %+v", list)
	}
	flows.Flush()
	if list = e.Conversations([]frame.MAC{lampMAC}); len(list) != 1 || list[0].Flows != 1 {
		t.Errorf("when it is over: %+v", list)
	}
	say(flows, 25*time.Hour, 8883)
	flows.Flush()
	if list = e.Conversations([]frame.MAC{lampMAC}); list[0].Flows != 2 {
		t.Errorf("another one: %d flows", list[0].Flows)
	}
}

func TestWhatIsRememberedOutlivesTheInspection(t *testing.T) {
	e := New(Config{Remember: true, Ongoing: true})
	flows := table(e)
	say(flows, time.Minute, 443)
	flows.Flush()
	list := e.Changed()
	if len(list) != 1 || list[0].Device != lampMAC && list[0].Device != (frame.MAC{2, 0, 0, 0, 0, 9}) {
		t.Fatalf("%+v", list)
	}
	if again := e.Changed(); len(again) != 0 {
		t.Errorf("nothing changed, and yet: %+v", again)
	}
	next := New(Config{Remember: true, Ongoing: true})
	next.Recall(list)
	next.Recall(list) // twice is once
	flows = table(next)
	say(flows, time.Hour, 443)
	flows.Flush()
	if got := next.Conversations([]frame.MAC{lampMAC}); len(got) != 1 || got[0].Flows != 2 || got[0].First != int64(time.Minute) {
		t.Errorf("%+v", got)
	}
	if got := next.Changed(); len(got) != 1 || got[0].Flows != 2 {
		t.Errorf("%+v", got)
	}
}

func TestWhatIsOldIsForgottenAndThereIsAlwaysRoom(t *testing.T) {
	e := New(Config{Remember: true})
	for i := range 3 * maxOfDevice {
		r := policy.Remembered{Device: lampMAC}
		r.PeerPort, r.Last, r.Flows = uint16(i), int64(i), 1
		e.Recall([]policy.Remembered{r})
		if i%100 == 0 {
			e.Forget(50)
		}
	}
	list := e.Conversations([]frame.MAC{lampMAC})
	if len(list) > maxOfDevice || len(list) < maxOfDevice/2 {
		t.Fatalf("%d are kept", len(list))
	}
	newest := int64(0)
	for _, c := range list {
		if newest = max(newest, c.Last); c.Last < 50 {
			t.Error("one that is old is kept")
		}
	}
	if newest != 3*maxOfDevice-1 {
		t.Errorf("the newest was of %d", newest)
	}
	for i := range e.talks.list {
		if e.talks.index[e.talks.list[i].key] != int32(i) {
			t.Fatal("the index is not of the list")
		}
	}
	if e.Forget(1 << 40); len(e.talks.list)+len(e.talks.index)+len(e.talks.ofDevice) != 0 {
		t.Error("something is kept of nothing")
	}
}

func TestTimeGoesByInSilence(t *testing.T) {
	e := New(Config{Remember: true, Ongoing: true})
	blocks := 0
	e.cfg.OnBlock = func() { blocks++ }
	reads := 0
	if err := e.Run(t.Context(), func(*capture.Batch) error {
		if reads++; reads > 5 {
			return io.EOF
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if blocks < 5 {
		t.Errorf("%d blocks in silence", blocks)
	}
}
