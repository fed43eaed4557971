package conformance

import (
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// What a person said is one is held as one, under all its link-layer addresses; what is cut off for a time is back when that
// is over, the program killed meanwhile; and what was one is two again when that is undone.
func TestWhatIsOneIsCutOffAsOneAndForAsLongAsWasSaid(t *testing.T) {
	t.Parallel()
	own(t)
	var b table
	defer b.print(t)
	s := newScene(t)
	s.start()
	s.join(s.publishGood())
	s.settles(s.dut)
	cable := s.add("cable", 20)
	s.until("the other is known", func() bool {
		cable.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(4, 30), service))
		return s.device(cable).State != ""
	})
	families(t, func(t *testing.T, f int) {
		v := fmt.Sprintf("joined-v%d ", f)
		cloud, elsewhere := netip.AddrPortFrom(wide(f, 23), service), netip.AddrPortFrom(wide(f, 30), service)
		both := func(name string, dut, other bool) {
			t.Helper()
			s.within(name, func() bool { return cable.stopped(&s.receiver, elsewhere) != other })
			b.try(
				t,
				probe{v + name + ": the device to what its file lists", dut, func() bool { return s.dut.reaches(&s.receiver, "tcp", cloud) }},
				probe{v + name + ": the other to what that file lists", dut || other, func() bool { return cable.reaches(&s.receiver, "tcp", cloud) }},
				probe{v + name + ": the other to all else", other, func() bool { return cable.reaches(&s.receiver, "tcp", elsewhere) }},
				probe{v + name + ": the device to all else", false, func() bool { return s.dut.reaches(&s.receiver, "tcp", elsewhere) }},
			)
		}
		s.mustAsk("hold", "dut")
		if err := s.ask(nil, "release", cable.mac.String()); err != nil {
			t.Fatal(err)
		}
		both("two", true, true)
		s.mustAsk("join", "dut", cable.mac.String())
		both("one, held", true, false)
		const long = 20 * time.Second
		s.mustAsk("quarantine", cable.mac.String(), "--for", long.String())
		end := time.Now().Add(long)
		both("one, cut off for a time", false, false)
		s.stop(syscall.SIGKILL)
		s.launch()
		b.check(t, v+"killed: the device", "quarantined", s.device(s.dut).State)
		time.Sleep(time.Until(end))
		s.until("its time is over", func() bool { return s.device(s.dut).State == "held" && s.dut.reaches(&s.receiver, "tcp", cloud) })
		both("one, and its time is over", true, false)
		s.mustAsk("split", "dut")
		both("two again", true, true)
	})
}
