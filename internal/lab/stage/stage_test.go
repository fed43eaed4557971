//go:build linux

package stage

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab"
	"plimsoll.example/plimsoll/internal/lab/netns"
	"plimsoll.example/plimsoll/internal/netnstest"
)

// two is a home of two devices, one of which speaks with a server and with the other.
func two() *lab.Home {
	one := func(s string) []frame.MAC {
		m, _ := frame.ParseMAC(s)
		return []frame.MAC{m}
	}
	lamp := lab.Device{Name: "lamp", Kind: device.IoT, MACs: one("02:00:00:00:00:11"), IPv4: netip.MustParseAddr("192.168.1.11"), IPv6: lab.FromMAC, Stack: lab.Linux}
	lamp.Script = func(a *lab.Actor) {
		a.Join()
		a.HTTPS("cloud.example.com", 200, 300)
		c := a.Dial("shelf", 80)
		c.Send([]byte("hello"))
		c.Recv([]byte("hello"))
		c.Close()
	}
	shelf := lab.Device{Name: "shelf", Kind: device.General, MACs: one("02:00:00:00:00:12"), IPv4: netip.MustParseAddr("192.168.1.12"), Stack: lab.Linux, Script: func(a *lab.Actor) { a.Join() }}
	return &lab.Home{
		Seed: 1, Start: time.Now(), Length: time.Minute, Domain: "home.arpa",
		LAN4: netip.MustParsePrefix("192.168.1.0/24"), LAN6: netip.MustParsePrefix("2001:db8:1d:1::/64"),
		Router:  lab.Device{Name: "router", Kind: device.Infrastructure, MACs: one("02:00:00:00:00:01"), IPv6: lab.FromMAC, Stack: lab.Linux},
		Devices: []lab.Device{lamp, shelf},
		Servers: []lab.Server{{Name: "cloud.example.com", IPv4: []netip.Addr{netip.MustParseAddr("203.0.113.9")}, Distance: 10 * time.Millisecond}},
	}
}

// heard are packets between the lamp and one other, by who sent them, as an interface of the gateway hears them.
type heard struct {
	mu sync.Mutex
	n  map[[2]string]int
}

func (h *heard) frame(b []byte, _ int) {
	var f frame.Frame
	frame.Decode(&f, frame.LinkEthernet, b, len(b))
	if f.Depth >= frame.Transport && f.Proto == frame.ProtoTCP {
		h.mu.Lock()
		h.n[[2]string{f.Src.Netip().String(), f.Dst.Netip().String()}]++
		h.mu.Unlock()
	}
}

// played plays the home with further rules of nftables, and says what got through: into the Internet, back to the lamp from
// it, and to the other device.
func played(t *testing.T, rules string) (out, back, beside int) {
	h := two()
	trace, err := h.Play()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Build(h, 8511)
	if err != nil {
		t.Fatal(err)
	}
	if rules != "" {
		c := exec.Command("nft", "-f", "-")
		c.Stdin = strings.NewReader(rules)
		if text, err := c.CombinedOutput(); err != nil {
			t.Fatalf("nft: %v: %s", err, text)
		}
	}
	hears := func(n *netns.Namespace, name string) *heard {
		x := &heard{n: map[[2]string]int{}}
		var c *socket
		if err := n.Do(func() (err error) {
			c, err = open(name)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.close)
		go func() { _ = c.receive(x.frame) }()
		return x
	}
	far, lamp, shelf := hears(s.outside, "out0"), hears(s.things, "t0"), hears(s.things, "t1")
	over := errors.New("over")
	err = s.Play(t.Context(), func(context.Context) ([]byte, error) {
		if len(trace.Packets) == 0 {
			time.Sleep(200 * time.Millisecond)
			return nil, over
		}
		b := trace.Packets[0].Data
		trace.Packets = trace.Packets[1:]
		time.Sleep(2 * time.Millisecond)
		return b, nil
	})
	if !errors.Is(err, over) {
		t.Fatal(err)
	}
	count := func(x *heard, from, to string) int {
		x.mu.Lock()
		defer x.mu.Unlock()
		return x.n[[2]string{from, to}]
	}
	return count(far, "192.168.1.11", "203.0.113.9"), count(lamp, "203.0.113.9", "192.168.1.11"), count(shelf, "192.168.1.11", "192.168.1.12")
}

func tools(t *testing.T) {
	if err := Tools(); err != nil {
		if os.Getenv("PLIMSOLL_NETNS") == "require" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// A network that others use is left as it is.
func TestNothingIsBuiltInANetworkThatOthersUse(t *testing.T) {
	tools(t)
	netnstest.Run(t, func(t *testing.T) {
		netnstest.Veth(t, "host0", "host1")
		if s, err := Build(two(), 8511); !errors.Is(err, errShared) {
			t.Errorf("%v, %v", s, err)
		}
	})
}

func TestWhatNobodyStopsArrives(t *testing.T) {
	tools(t)
	netnstest.Run(t, func(t *testing.T) {
		if out, back, beside := played(t, ""); out < 6 || back < 6 || beside < 4 {
			t.Errorf("%d packets out, %d back, %d to a neighbour", out, back, beside)
		}
	})
}

// Where the first packet does not pass, nobody answers, and nothing follows it.
func TestWhatIsStoppedHasNoAnswer(t *testing.T) {
	tools(t)
	netnstest.Run(t, func(t *testing.T) {
		out, back, beside := played(t, "table inet test { chain c { type filter hook forward priority 0; ip daddr 203.0.113.9 drop; }; }\n")
		if out != 0 || back != 0 || beside < 4 {
			t.Errorf("%d packets out, %d back, %d to a neighbour", out, back, beside)
		}
	})
}

// What the way back stops, ends the conversation: who heard nothing says no more.
func TestWhoHearsNoAnswerSaysNoMore(t *testing.T) {
	tools(t)
	netnstest.Run(t, func(t *testing.T) {
		out, back, _ := played(t, "table inet test { chain c { type filter hook forward priority 0; ip saddr 203.0.113.9 drop; }; }\n")
		if out != 1 || back != 0 {
			t.Errorf("%d packets out, %d back; want the first alone", out, back)
		}
	})
}
