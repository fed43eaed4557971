package conformance

import (
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRevokingEndsWhatIsUnderWay(t *testing.T) {
	var b table
	defer b.print(t)
	s := enforced(t)
	families(t, func(t *testing.T, f int) {
		s.mustAsk("hold", "dut")
		to := netip.AddrPortFrom(wide(f, 23), service)
		c := s.dut.begin(&s.receiver, "tcp", to)
		b.check(t, "a conversation that is allowed", true, c.arrives())
		began := time.Now()
		s.mustAsk("admit", "dut", "--as", "none")
		took := time.Since(began)
		b.check(t, "the same after the device was refused", false, c.arrives())
		t.Logf("refused within %v, program start included", took.Round(time.Millisecond))
	})
}

func TestRulesThatSomebodyElseTookAwayComeBack(t *testing.T) {
	var b table
	defer b.print(t)
	s := enforced(t)
	if err := s.gateway.run("nft", "delete", "table", "inet", "plimsoll"); err != nil {
		t.Fatal(err)
	}
	s.until("the rules are back", func() bool { return strings.Contains(s.rules(), "chain") })
	b.check(t, "what is not listed is stopped again", false, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(4, 30), service)))
}

func TestTheLastRulesStayWhenTheGatewayStopsAndOffRemovesThem(t *testing.T) {
	var b table
	defer b.print(t)
	s := enforced(t)
	s.stop(syscall.SIGTERM)
	b.check(t, "stopped: what is not listed", false, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(4, 30), service)))
	b.check(t, "stopped: what is listed", true, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(4, 23), service)))
	name, _ := program()
	if err := s.gateway.run(name, "home", "off", "--state", s.dir); err != nil {
		t.Fatal(err)
	}
	b.check(t, "off: rules that are left", "", s.rules())
	b.check(t, "off: anything", true, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(4, 30), service)))
}

func TestALinkThatFlapsLeavesTheRulesStanding(t *testing.T) {
	var b table
	defer b.print(t)
	s := enforced(t)
	for range 3 {
		s.gateway.ip(t, "link set br0 down")
		time.Sleep(300 * time.Millisecond)
		s.gateway.ip(t, "link set br0 up")
		time.Sleep(300 * time.Millisecond)
	}
	for _, p := range []netip.Prefix{lan6} { // a link that goes down loses them
		_ = s.gateway.run("ip", "addr", "add", p.String(), "dev", "br0", "nodad")
	}
	s.gateway.ip(t, "route replace default via "+wide(4, 1).String())
	s.until("the gateway still answers", func() bool { return s.ask(nil, "status") == nil })
	s.until("names are resolved", func() bool { _, err := s.dut.lookUp("cloud.maker.example", 4); return err == nil })
	b.check(t, "what is listed", true, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(4, 20), service)))
	b.check(t, "what is not listed", false, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(4, 30), service)))
}

// mustAsk is ask, of what must be done.
func (h *house) mustAsk(args ...string) {
	h.t.Helper()
	if err := h.ask(nil, args...); err != nil {
		h.t.Fatal(err)
	}
}
