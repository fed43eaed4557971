package detect

import (
	"errors"
	"testing"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
)

func TestATableForgetsWhatWasQuietLongest(t *testing.T) {
	table := NewTable[int, int](3)
	for k := range 3 {
		v, fresh := table.Get(k)
		if *v = 10 + k; !fresh {
			t.Fatalf("%d was there before it was asked for", k)
		}
	}
	table.Get(0) // 1 is the one that was quiet longest now
	table.Get(3)
	if v := table.Look(1); v != nil {
		t.Errorf("1 is still there: %d", *v)
	}
	for _, k := range []int{0, 2} {
		if v := table.Look(k); v == nil || *v != 10+k {
			t.Errorf("the state of %d is %v", k, v)
		}
	}
	for k := range 100_000 {
		if v, _ := table.Get(k + 4); *v != 0 {
			t.Fatalf("a new state is %d", *v)
		}
		if table.Len() > 3 {
			t.Fatalf("%d states, at most 3", table.Len())
		}
	}
}

func TestThresholdsCanBeSet(t *testing.T) {
	var c Config
	if err := c.Set("scan.vertical.ports=7"); err != nil || c.Thresholds["scan.vertical.ports"] != 7 {
		t.Errorf("%v, %v", c.Thresholds, err)
	}
	for setting, known := range map[string]bool{
		"scan.vertical.prots=7": false, "list": false, "": false,
		"scan.vertical.ports": true, "scan.vertical.ports=": true, "scan.vertical.ports=-1": true, "scan.vertical.ports=NaN": true, "scan.vertical.ports=0": true,
	} {
		var e *ErrThreshold
		if err := c.Set(setting); !errors.As(err, &e) || e.Known != known {
			t.Errorf("%q: %v", setting, err)
		}
	}
}

func TestThresholdsHaveUnitAndReason(t *testing.T) {
	seen := map[string]bool{}
	for _, x := range Thresholds() {
		if seen[x.Name] || x.Default <= 0 || x.Unit == "" || x.Reason == "" {
			t.Errorf("%+v", x)
		}
		seen[x.Name] = true
	}
}

// A device of which much is found has as many findings as people read, and the last counts the rest.
func TestFindingsOfOneDeviceAreFew(t *testing.T) {
	var list []finding.Finding
	for i := range 1000 {
		list = append(list, finding.Finding{Kind: finding.ScanVertical, Device: "d", Role: finding.Actor, Key: string(rune('a' + i)), First: int64(i), Last: int64(i), Count: 1})
	}
	kept := limit(list)
	total := uint64(0)
	for _, f := range kept {
		total += f.Count
	}
	if len(kept) != maxFindings || total != 1000 {
		t.Errorf("%d findings that count %d", len(kept), total)
	}
}

func TestACountFades(t *testing.T) {
	var f faded
	f.add(100, 0, 0, 10)
	if n := f.add(0, 10, 10, 10); n < 49 || n > 51 {
		t.Errorf("a half-life later 100 count %g", n)
	}
	// a million packets over a thousand half-lives count as what came in the last few
	var slow faded
	if n := slow.add(1e6, 0, 10_000, 10); n > 1500 {
		t.Errorf("what came slowly counts %g", n)
	}
}

func TestOnlyWhoComesOftenIsLetIn(t *testing.T) {
	d := newDoor(4, 1000)
	for i := range 3 {
		if d.knock(7, 1) {
			t.Errorf("let in at knock %d", i+1)
		}
	}
	if !d.knock(7, 1) {
		t.Error("not let in at knock 4")
	}
	if d.knock(7, 5000); d.knock(8, 5000) {
		t.Error("a stranger is let in")
	}
}

func TestASourceIsAnAddressOrADeviceThatForgesThemOrNobody(t *testing.T) {
	mac := frame.MAC{2, 0, 0, 0, 0, 1}
	send := func(ttl uint8, forged bool) Party {
		var s source
		for i := range 100 {
			e := Event{TTL: ttl, MAC: [2]frame.MAC{mac}, Addr: [2]frame.Addr{frame.AddrFrom4([4]byte{192, 0, 2, 1})}}
			if forged {
				e.Addr[0] = frame.AddrFrom4([4]byte{198, 18, byte(i), 1})
			}
			s.add(&e)
		}
		return s.party()
	}
	if p := send(50, false); p.MAC != mac || p.Addr.IsZero() {
		t.Errorf("one address is %v", p)
	}
	if p := send(64, true); p.MAC != mac || !p.Addr.IsZero() {
		t.Errorf("a neighbour that forges addresses is %v", p)
	}
	if p := send(50, true); !p.IsZero() {
		t.Errorf("what came through a router is %v", p)
	}
}

func TestAPacketCountsAlsoWhenTheClockWasSetBack(t *testing.T) {
	p := newPaces()
	e := Event{Step: Grew, Proto: frame.ProtoUDP, Packets: [2]uint64{16, 0}, First: 10e9, Time: 20e9}
	if n, _ := p.grew(&e); n != 16 {
		t.Errorf("the flow grew by %d, want 16", n)
	}
	e.First, e.Time = 5e9, 6e9 // another one of the same ends
	if n, _ := p.grew(&e); n == 0 {
		t.Error("a packet came, and the flow did not grow")
	}
}

func TestAThresholdThatIsTooHighIsNeverReached(t *testing.T) {
	var c Config
	for _, s := range []string{"scan.vertical.silence=1e300", "scan.vertical.ports=1e300"} {
		if err := c.Set(s); err != nil {
			t.Fatal(err)
		}
	}
	w := Watch{cfg: c}
	if n := w.Span("scan.vertical.silence"); n <= 0 {
		t.Errorf("a long time is %d ns", n)
	}
	if n := int(w.Threshold("scan.vertical.ports")); n <= 0 {
		t.Errorf("many ports are %d", n)
	}
}

func TestATimeThatHasNoNanosecondsIsNone(t *testing.T) {
	for _, s := range []string{"1000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2300-01-01T00:00:00Z", "x"} {
		if at, ok := instant([]byte(s)); ok {
			t.Errorf("%s is taken for %d ns", s, at)
		}
	}
	if at, ok := instant([]byte("2020-01-01T00:00:00Z")); !ok || at != 1577836800e9 {
		t.Errorf("2020 begins at %d ns, %v", at, ok)
	}
}

func TestPingsOfOneSizeAndLaterOfAnotherAreNoTunnel(t *testing.T) {
	s := set(t, Config{})
	ping := func(first int64, size, until uint64) {
		for n := uint64(16); n <= until; n *= 2 {
			for dir := range uint8(2) {
				s.seq++
				s.Event(&Event{
					Step: Grew, Dir: dir, Proto: frame.ProtoICMP, Addr: [2]frame.Addr{lamp.addr(), cloud.addr()}, MAC: [2]frame.MAC{lamp.mac, cloud.mac}, Port: [2]uint16{8, 0},
					Packets: [2]uint64{n, n}, Payload: [2]uint64{n * size, n * size}, First: first, Time: first + int64(n)*1e9, Number: s.seq,
				})
			}
		}
	}
	ping(s.now(), 1400, 16)
	ping(s.now()+3600e9, 200, 256)
	if n := s.records.ofKind[finding.TunnelICMP]; n > 0 {
		t.Errorf("%d tunnels are found", n)
	}
}

func TestPingsHaveNoPorts(t *testing.T) {
	for proto, port := range map[uint8]uint16{frame.ProtoICMP: 0, frame.ProtoICMPv6: 0, frame.ProtoUDP: 8} {
		e := Event{Proto: proto, Addr: [2]frame.Addr{lamp.addr(), cloud.addr()}, Port: [2]uint16{8, 0}}
		if got := e.Evidence(""); got.Ends.From.Port() != port || got.Ends.From.Addr() != lamp.addr().Netip() || got.Flow == "" {
			t.Errorf("IP protocol %d: from %s, flow %q", proto, got.Ends.From, got.Flow)
		}
	}
}
