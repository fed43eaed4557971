package conformance

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// sink takes packets by TCP and UDP, answers them with themselves, and counts them by sender and address.
type sink struct {
	mu   sync.Mutex
	came map[[2]netip.Addr]int
}

func (s *sink) note(from net.Addr, at netip.AddrPort) {
	a := netip.MustParseAddrPort(from.String()).Addr().Unmap()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.came == nil {
		s.came = map[[2]netip.Addr]int{}
	}
	s.came[[2]netip.Addr{a, at.Addr()}]++
}

func (s *sink) count(from, at netip.Addr) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.came[[2]netip.Addr{from, at}]
}

// from is how much came of a device to where only a free one may.
func (s *sink) from(d *thing) int {
	return s.count(lan(4, d.number), wide(4, 30)) + s.count(lan(6, d.number), wide(6, 30))
}

func (s *sink) listen(t *testing.T, n *namespace, at netip.AddrPort) {
	t.Helper()
	n.echo(t, at, func(c net.Conn) {
		defer c.Close()
		s.note(c.RemoteAddr(), at)
		_, _ = io.Copy(c, c)
	}, func(_ []byte, from net.Addr) { s.note(from, at) })
}

// traffic is conversations that go on until it is ended.
type traffic struct {
	t       *testing.T
	group   sync.WaitGroup
	stop    chan struct{}
	once    sync.Once
	trips   atomic.Int64
	lost    atomic.Int64 // datagrams that were not answered
	broken  atomic.Int64
	slowest atomic.Int64 // round trip, ns
	excused atomic.Int64 // what was slow because of that
}

// standstill is for how long this machine may do nothing for us, and be relied on all the same.
const standstill = 300 * time.Millisecond

// stood is when the machine was last seen to have stood still, Unix ns.
var stood atomic.Int64

// feelPulse notices when the machine stands still. It has nothing to do with any gateway, and should take its time and no
// more.
func feelPulse() {
	const beat = 10 * time.Millisecond
	for {
		began := time.Now()
		time.Sleep(beat)
		if time.Since(began) > beat+standstill {
			stood.Store(time.Now().UnixNano())
		}
	}
}

// stoodStill reports whether the machine stood still since then, so that what was slow says nothing of the gateway.
func stoodStill(since time.Time) bool {
	time.Sleep(20 * time.Millisecond) // so that one that just ended is noticed
	return stood.Load() >= since.UnixNano()
}

func newTraffic(t *testing.T) *traffic {
	tr := &traffic{t: t, stop: make(chan struct{})}
	t.Cleanup(tr.end)
	return tr
}

// excuses is stoodStill, and counts what is excused.
func (tr *traffic) excuses(since time.Time) bool {
	if !stoodStill(since) {
		return false
	}
	tr.excused.Add(1)
	return true
}

func (tr *traffic) end() {
	tr.once.Do(func() { close(tr.stop) })
	tr.group.Wait()
}

func (tr *traffic) cut() int { return int(tr.broken.Load()) }

// run does something again and again.
func (tr *traffic) run(f, done func()) {
	tr.group.Go(func() {
		defer done()
		for {
			select {
			case <-tr.stop:
				return
			default:
				f()
			}
		}
	})
}

// begin begins a conversation in which each message is answered, every few milliseconds. It is cut when one by TCP is
// not answered in five seconds, or ten in a row by UDP are not.
func (tr *traffic) begin(n *namespace, network string, to netip.AddrPort, from ...netip.Addr) {
	var c net.Conn
	err := n.do(func() (err error) {
		d := net.Dialer{Timeout: time.Second}
		for _, a := range from {
			d.LocalAddr = &net.TCPAddr{IP: a.AsSlice()}
		}
		c, err = d.Dial(network, to.String())
		return err
	})
	if err != nil {
		tr.t.Fatal(err)
	}
	buf := make([]byte, 16)
	row, ended := 0, false
	tr.run(func() {
		if ended {
			time.Sleep(10 * time.Millisecond)
			return
		}
		wait := 5 * time.Second
		if network == "udp" {
			wait = 200 * time.Millisecond
		}
		began := time.Now()
		_ = c.SetDeadline(began.Add(wait))
		_, err := c.Write(buf)
		if err == nil {
			_, err = io.ReadFull(c, buf)
		}
		switch {
		case err == nil:
			row = 0
			tr.trips.Add(1)
			if took := int64(time.Since(began)); took > tr.slowest.Load() {
				tr.slowest.Store(took)
			}
		case network == "udp" && row < 10:
			row++
			tr.lost.Add(1)
		default:
			ended = true
			tr.broken.Add(1)
			tr.t.Errorf("the conversation from %s to %s is cut: %v", n.name, to, err)
		}
		time.Sleep(5 * time.Millisecond)
	}, func() { c.Close() })
}

// anew begins a new conversation every now and then.
func (tr *traffic) anew(n *namespace, to netip.AddrPort) {
	tr.run(func() {
		began := time.Now()
		switch c := n.begin(nil, "tcp", to); {
		case c == nil && tr.excuses(began):
		case c == nil:
			tr.broken.Add(1)
			tr.t.Errorf("%s: no conversation from %s to %s", time.Now().UTC().Format(time.TimeOnly), n.name, to)
		default:
			tr.trips.Add(1)
			c.Close()
		}
		time.Sleep(20 * time.Millisecond)
	}, func() {})
}
