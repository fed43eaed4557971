package conformance

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/certtest"
)

// questions are what the gateway asks about.
func (h *house) questions() (list []string) {
	var status struct{ Questions []struct{ About string } }
	if h.ask(&status, "status") != nil {
		return nil
	}
	for _, q := range status.Questions {
		list = append(list, q.About)
	}
	return list
}

func (h *house) asks(about string) bool {
	return strings.Contains(strings.Join(h.questions(), " ")+" ", about+" ")
}

func TestWhatADeviceDidIsLearnedOfferedAndHeldToWhenAPersonAcceptsIt(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	s := newScene(t)
	s.flags = append(s.flags, "--learn", "3s")
	s.start()
	s.join("")
	stranger := netip.AddrPortFrom(wide(4, 30), service)
	for range 3 {
		for _, f := range []int{4, 6} {
			list, err := s.dut.lookUp("cloud.maker.example", f)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range list {
				s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(a, service))
			}
		}
	}
	type offer struct {
		Offer struct {
			Offer     struct{ Origin string }
			Rehearsal struct{ Flows struct{ Total uint64 } }
			Diff      struct {
				Changes []struct{ Peer struct{ Value string } }
			}
		}
	}
	var x offer
	named := false
	for end := time.Now().Add(90 * time.Second); !named && time.Now().Before(end); time.Sleep(time.Second) { // that it goes on is seen within a minute
		if x = (offer{}); s.ask(&x, "explain", "dut") != nil {
			continue
		}
		for _, c := range x.Offer.Diff.Changes {
			named = named || c.Peer.Value == "cloud.maker.example"
		}
	}
	time.Sleep(7 * time.Second) // that it goes on by the other family too may be seen a second later, and offered three after that; and some to spare
	b.check(t, "learned: what it did is offered", true, s.asks("learned"))
	b.check(t, "learned: the device before the answer", "learning", s.device(s.dut).State)
	b.check(t, "learned: a stranger before the answer", true, s.dut.reaches(&s.receiver, "tcp", stranger))
	b.check(t, "learned: it says whom it may reach", true, named)
	b.check(t, "learned: it was rehearsed", true, x.Offer.Rehearsal.Flows.Total > 0)
	s.mustAsk("accept", "dut")
	b.check(t, "learned: the device after it", "held", s.device(s.dut).State)
	families(t, func(t *testing.T, f int) {
		if _, err := s.dut.lookUp("cloud.maker.example", f); err != nil {
			t.Fatal(err)
		}
		b.check(t, "learned: what it did, it may do", true, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 20), service)))
		b.check(t, "learned: another port", false, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 20), other)))
		b.check(t, "learned: whom it never met", false, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 24), service)))
	})
	// what is remembered outlives the program
	s.stop(unix.SIGTERM)
	s.start()
	var r struct{ Flows struct{ Total uint64 } }
	s.until("it remembers", func() bool { return s.ask(&r, "rehearse", "dut") == nil && r.Flows.Total > 0 })
	b.check(t, "learned: held after a restart", "held", s.device(s.dut).State)
	for end := time.Now().Add(60 * time.Second); !s.asks("behaviour") && time.Now().Before(end); time.Sleep(time.Second) {
		s.dut.reaches(&s.receiver, "tcp", stranger)
	}
	b.check(t, "learned: something new is offered", true, s.asks("behaviour"))
	b.check(t, "learned: and is stopped meanwhile", false, s.dut.reaches(&s.receiver, "tcp", stranger))
}

func TestAPersonLetsAHeldDeviceDoOneThingMoreForATime(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	s := enforced(t)
	peer := s.add("peer", 11)
	for _, f := range []int{4, 6} {
		peer.listen(t, &s.receiver, netip.AddrPortFrom(lan(f, 11), service))
	}
	peer.dhcp(t, 3, "")
	peer.hello(lan(4, 11))
	peer.hello(lan(6, 11))
	s.until("the peer is known", func() bool { return s.device(peer).State != "" })
	reaches := func(f, n int, port uint16) bool {
		return s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, n), port))
	}
	for _, to := range []string{wide(4, 30).String(), wide(6, 30).String()} {
		s.mustAsk("allow", "dut", "--to", to, "--port", "tcp/5000", "--for", "12s")
	}
	s.mustAsk("allow", "dut", "--to", peer.mac.String())
	families(t, func(t *testing.T, f int) {
		b.check(t, "exception: the address that is allowed", true, reaches(f, 30, service))
		b.check(t, "exception: another port of it", false, reaches(f, 30, other))
		s.until("the peer is reached", func() bool { return s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(lan(f, 11), service)) })
	})
	s.mustAsk("undo")
	families(t, func(t *testing.T, f int) {
		b.check(t, "exception: a device at home, undone", false, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(lan(f, 11), service)))
	})
	s.until("the time is over", func() bool { return !reaches(4, 30, service) && !reaches(6, 30, service) })
	s.mustAsk("allow", "dut", "--to", "elsewhere.example")
	families(t, func(t *testing.T, f int) {
		if _, err := s.dut.lookUp("elsewhere.example", f); err != nil {
			t.Fatal(err)
		}
		b.check(t, "exception: a name", true, reaches(f, 30, service))
	})
	s.mustAsk("disallow", "dut", "--to", "elsewhere.example")
	b.check(t, "exception: a name, taken back", false, reaches(4, 30, service))
}

func TestAnExportIsTakenInByAnotherGatewayAndEnforced(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	s := enforced(t)
	s.mustAsk("allow", "dut", "--to", wide(4, 30).String())
	name := filepath.Join(t.TempDir(), "home.json")
	program, err := program()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "home", "export", name, "--socket", s.socket()).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.stop(unix.SIGTERM)
	s.maker.mu.Lock()
	clear(s.maker.files) // whatever is enforced from now on is from the file
	s.maker.mu.Unlock()
	for _, pattern := range []string{"home.db*", "mud", "names.jsonl"} {
		names, _ := filepath.Glob(filepath.Join(s.dir, pattern))
		for _, n := range names {
			if err := os.RemoveAll(n); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.start()
	s.until("the new gateway sees the device", func() bool {
		s.dut.hello(lan(4, 10)) // one word can be lost on a machine that is busy
		s.dut.hello(lan(6, 10))
		return s.device(s.dut).State != ""
	})
	b.check(t, "import: the device before it", true, s.device(s.dut).State != "held")
	s.mustAsk("import", name)
	b.check(t, "import: the device after it", "held", s.device(s.dut).State)
	families(t, func(t *testing.T, f int) {
		if _, err := s.dut.lookUp("cloud.maker.example", f); err != nil {
			t.Fatal(err)
		}
		b.check(t, "import: what its file allows", true, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 20), service)))
		b.check(t, "import: what an exception allows", f == 4, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 30), service)))
		b.check(t, "import: what its file does not", false, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 20), other)))
	})
	s.mustAsk("undo")
	b.check(t, "import: undone", true, s.device(s.dut).State != "held")
	b.check(t, "import: undone, and a stranger", true, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(4, 24), service)))
}

func TestAnAddressByDHCPv6EndsWhenItIsGivenBackOrOver(t *testing.T) {
	t.Parallel()
	for what, end := range map[string]func(t *testing.T, s *scene){
		"RELEASE": func(t *testing.T, s *scene) { s.dut.release(t, 6) },
		"DECLINE": func(t *testing.T, s *scene) { s.dut.dhcpv6(t, dhcpv6Decline) },
		"the lease is over": func(t *testing.T, s *scene) {
			s.leaseOf(s.dut, 6, 2)
			s.dut.ip(t, "link set eth0 down")
		},
		"the server takes it back": func(t *testing.T, s *scene) { s.leaseOf(s.dut, 6, 0) },
	} {
		t.Run(what, func(t *testing.T) {
			var b table
			defer b.print(t)
			s := newScene(t)
			s.start()
			from, to := listed()
			s.join(s.maker.publish(t, "dut", from, to, certtest.Issue(t, s.anchor, "signer", nil), nil))
			s.until("the device is held", func() bool { return s.device(s.dut).State == "held" })
			s.leaseOf(s.dut, 6, 3600)
			own := lan(6, 10).String()
			s.until("the rules know its address", func() bool { return strings.Contains(s.rules(), own) })
			end(t, s)
			s.until("the rules forget its address", func() bool { return !strings.Contains(s.rules(), own) })
			b.check(t, what+": the device is still held", "held", s.device(s.dut).State)
		})
	}
}
