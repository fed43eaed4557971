package conformance

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/certtest"
)

// scene is a house whose device under test has a MUD file.
type scene struct {
	*house
	dut    *thing
	maker  *maker
	family int              // by which the device emits its URL, and its maker’s server is reached
	signer *certtest.Holder // who signs the maker’s files
}

func newScene(t *testing.T) *scene {
	t.Helper()
	return newSceneOf(t, 4)
}

func newSceneOf(t *testing.T, family int) *scene {
	t.Helper()
	h := newHouse(t)
	s := &scene{house: h, family: family, dut: h.add("dut", 10)}
	for _, f := range []int{4, 6} {
		for _, n := range span(20, 30) {
			for _, port := range []uint16{service, other, speaking} {
				h.internet.listen(t, &h.receiver, netip.AddrPortFrom(wide(f, n), port))
			}
		}
		for _, port := range []uint16{inward, other} {
			s.dut.listen(t, &h.receiver, netip.AddrPortFrom(lan(f, 10), port))
		}
	}
	h.names.lead("cloud.maker.example", wide(4, 20), wide(4, 21), wide(4, 22), wide(6, 20), wide(6, 21), wide(6, 22))
	h.names.lead("elsewhere.example", wide(4, 30), wide(6, 30))
	s.maker = newMaker(t, h.internet, h.root, wide(family, 10), nil)
	s.signer = certtest.Issue(t, s.anchor, "signer", nil)
	return s
}

// enforced is enforcedOf by IPv4, for tests that ask Plimsoll.
func enforced(t *testing.T) *scene {
	t.Helper()
	own(t)
	return enforcedOf(t, 4)
}

// enforcedOf starts the gateway, lets the device join with a good file, and waits until it is held to it.
func enforcedOf(t *testing.T, family int) *scene {
	t.Helper()
	s := newSceneOf(t, family)
	s.start()
	s.join(s.publishGood())
	s.settles(s.dut)
	return s
}

func (s *scene) publishGood() string {
	from, to := listed()
	return s.maker.publish(s.t, "dut", from, to, s.signer, nil)
}

func (s *scene) join(url string) { s.dut.join(s.t, s.family, url) }

// settles waits until a device is held to its file, by what it reaches: what files list, and what none of them does.
// With another’s gateway the rows tell, if that does not come about.
func (s *scene) settles(d *thing) {
	s.t.Helper()
	held := func() bool {
		for _, f := range []int{4, 6} {
			if d.reachesSoon(&s.receiver, netip.AddrPortFrom(wide(f, 30), service)) || !d.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 23), service)) {
				return false
			}
		}
		return true
	}
	if another() {
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end) && !held(); {
			time.Sleep(100 * time.Millisecond)
		}
		return
	}
	s.until(d.name+" is held", func() bool { return s.device(d).State == "held" })
	s.until(d.name+" is held to its file", held)
}

// reachesSoon is reaches for what is to be tried again: it waits for no long time.
func (n *namespace) reachesSoon(to *receiver, at netip.AddrPort) bool {
	wait := make(chan bool, 1)
	go func() { wait <- n.reaches(to, "tcp", at) }()
	select {
	case yes := <-wait:
		return yes
	case <-time.After(200 * time.Millisecond):
		return false
	}
}

// stopped reports whether that does not arrive, and not only takes its time.
func (n *namespace) stopped(to *receiver, at netip.AddrPort) bool {
	return !n.reachesSoon(to, at) && !n.reaches(to, "tcp", at)
}

// families runs a test for both families of addresses.
func families(t *testing.T, f func(t *testing.T, family int)) {
	for _, family := range []int{4, 6} {
		t.Run(fmt.Sprintf("v%d", family), func(t *testing.T) { f(t, family) })
	}
}

// houses is families where each has a house of its own, beside the others.
func houses(t *testing.T, f func(t *testing.T, family int, b *table)) {
	t.Parallel()
	for _, family := range []int{4, 6} {
		t.Run(fmt.Sprintf("v%d", family), func(t *testing.T) {
			t.Parallel()
			var b table
			defer b.print(t)
			f(t, family, &b)
		})
	}
}

// fromInternet reports whether a conversation from an address of the Internet arrives at the device.
func fromInternet(s *scene, family, from int, to netip.AddrPort) bool {
	return s.internet.reachesFrom(&s.receiver, wide(family, from), to)
}
