package conformance

import (
	"flag"
	"math/rand/v2"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

var kills = flag.Int("kills", 15, "how often the gateway is killed while it decides")

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

// A gateway that is killed while it decides has lost nothing that it acknowledged, and does two seconds after it is
// started again what was decided last.
func TestAGatewayThatIsKilledLosesNoDecision(t *testing.T) {
	var b table
	defer b.print(t)
	s := enforced(t)
	if _, err := s.dut.lookUp("cloud.maker.example", 4); err != nil {
		t.Fatal(err)
	}
	named := netip.AddrPortFrom(wide(4, 20), service)
	stranger := netip.AddrPortFrom(wide(4, 30), service)
	r := rand.New(rand.NewPCG(1, uint64(*kills)))
	verdicts := []struct {
		args            []string
		state           string
		named, stranger bool
	}{
		{[]string{"hold", "dut"}, "held", true, false},
		{[]string{"release", "dut"}, "free", true, true},
		{[]string{"admit", "dut", "--as", "none"}, "refused", false, false},
	}
	lost, wrong, leaked, slowest := 0, 0, 0, time.Duration(0)
	for range *kills {
		done := make(chan int, 64)
		end := make(chan struct{})
		go func() {
			defer close(done)
			for i := 0; ; i++ {
				select {
				case <-end:
					return
				default:
				}
				v := i % len(verdicts)
				if s.ask(nil, verdicts[v].args...) != nil {
					return
				}
				done <- v
			}
		}()
		time.Sleep(time.Duration(20+r.IntN(400)) * time.Millisecond)
		s.stop(syscall.SIGKILL)
		close(end)
		acknowledged := -1
		for v := range done {
			acknowledged = v
		}
		began := time.Now()
		s.start()
		slowest = max(slowest, time.Since(began))
		state := s.device(s.dut).State
		at := -1
		for i, v := range verdicts {
			if v.state == state {
				at = i
			}
		}
		// the one that was under way may have been kept, though nobody was told
		if acknowledged >= 0 && at != acknowledged && at != (acknowledged+1)%len(verdicts) || at < 0 {
			lost++
			t.Logf("acknowledged %v, found %s", acknowledged, state)
			continue
		}
		if s.dut.reaches(&s.receiver, "tcp", named) != verdicts[at].named {
			wrong++
			t.Logf("%s: a name’s address", state)
		}
		if s.dut.reaches(&s.receiver, "tcp", stranger) != verdicts[at].stranger {
			leaked++
			t.Logf("%s: a stranger", state)
		}
	}
	b.check(t, "acknowledged decisions that were lost", 0, lost)
	b.check(t, "rules that stopped or passed what they must not (names)", 0, wrong)
	b.check(t, "the same (others)", 0, leaked)
	t.Logf("%d kills; the slowest start until names were resolved: %v", *kills, slowest.Round(time.Millisecond))
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
