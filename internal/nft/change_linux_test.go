package nft

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
	"plimsoll.example/plimsoll/internal/netnstest"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

// randomGateway is one of the house, with devices that are treated in any way.
func randomGateway(r *rand.Rand) *Gateway {
	lamp, hub := randomPolicies(r)
	g := gateway()
	for _, p := range []*policy.Policy{lamp, hub} {
		if chance(r, 80) {
			g.Devices = append(g.Devices, Device{MAC: p.Device, Addresses: p.Own, Treatment: pick(r, []Treatment{Free, Apart, Held, Held, Held, Quarantined, Refused}), Policy: p, Repair: []string{"cloud.example"}, MayMap: chance(r, 50)})
		}
	}
	if chance(r, 70) {
		g.Devices = append(g.Devices, thing("phone", pick(r, []Treatment{Free, Apart})))
	}
	g.Unknown = pick(r, []Treatment{Free, Free, Apart, Refused})
	g.LAN[0].Bridge = chance(r, 70)
	if chance(r, 20) {
		g.LAN = append(g.LAN, Link{Name: "lan2"})
	}
	if chance(r, 20) {
		g.WAN = nil
	}
	g.Resolver = Resolver{Port: pick(r, []uint16{0, 53, 5353}), Stopped: chance(r, 30)}
	if chance(r, 50) {
		g.Resolver.Fallback = []netip.Addr{ip("9.9.9.9"), ip("2620:fe::fe")}
	}
	g.Page = pick(r, []uint16{0, 8085})
	g.Ceilings = pick(r, []Ceilings{{}, {New: -1, Small: -1}, {New: 5}})
	g.Inbound = chance(r, 30)
	if chance(r, 50) {
		g.Forbidden = []netip.Prefix{netip.MustParsePrefix(pick(r, nets4[:3])), netip.MustParsePrefix(pick(r, nets6[:3]))}
	}
	return g
}

// listing is the rules that stand, without what counts and what ends, and in an order of their own.
func listing(t *testing.T) string {
	text := run(t, "", "nft", "-s", "list", "ruleset")
	text = regexp.MustCompile(` (expires|timeout) [0-9hmsd]+`).ReplaceAllString(text, "")
	var blocks []string
	for _, table := range strings.Split(text, "\ntable ") {
		head, body, _ := strings.Cut(strings.TrimPrefix(table, "table "), "\n")
		for _, b := range strings.Split(body, "\n\n") {
			elements := regexp.MustCompile(`(?s)elements = \{.*?\}`).FindString(b)
			parts := regexp.MustCompile(`[,\s]+`).Split(elements, -1)
			slices.Sort(parts)
			blocks = append(blocks, head+strings.TrimSpace(strings.TrimRight(strings.Replace(b, elements, strings.Join(parts, " "), 1), "}\n")))
		}
	}
	slices.Sort(blocks)
	return strings.Join(blocks, "\n")
}

// However a gateway changes, the rules that stand after it are those that a gateway that begins so would have.
func TestChangesLeadWhereALoadOfEverythingLeads(t *testing.T) {
	needTools(t, "nft", "ip")
	rounds := 60
	if testing.Short() {
		rounds = 12
	}
	netnstest.Run(t, func(t *testing.T) {
		k, err := Open("")
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		altered := 0
		for seed := range uint64(rounds) {
			g := randomGateway(rand.New(rand.NewPCG(seed, 7)))
			if seed%3 == 2 { // much like the last one
				g = randomGateway(rand.New(rand.NewPCG(seed-1, 7)))
				if len(g.Devices) > 0 {
					g.Devices[0].Treatment = pick(rand.New(rand.NewPCG(seed, 8)), []Treatment{Free, Apart, Held, Quarantined, Refused})
				}
			}
			base := k.base
			if err := k.Apply(t.Context(), g); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if seed > 0 && k.base == base {
				altered++
			}
			got := listing(t)
			if ok, err := k.Intact(t.Context()); !ok || err != nil {
				t.Errorf("seed %d: said not to stand: %v", seed, err)
			}
			k.base-- // as if somebody else had changed something
			if ok, err := k.Intact(t.Context()); !ok || err != nil {
				t.Errorf("seed %d: looked at, said not to stand: %v", seed, err)
			}
			for _, again := range []struct {
				what  string
				first func()
			}{
				{"a load over what stands", k.Repair},
				{"a load where nothing stood", func() {
					if err := k.Remove(t.Context()); err != nil {
						t.Fatal(err)
					}
				}},
			} {
				again.first()
				if err := k.Apply(t.Context(), g); err != nil {
					t.Fatalf("seed %d: %s: %v", seed, again.what, err)
				}
				if want := listing(t); got != want {
					t.Fatalf("seed %d: after a change stands\n%s\nafter %s\n%s", seed, got, again.what, want)
				}
			}
		}
		if altered < rounds*9/10 {
			t.Errorf("%d of %d changes were not changes, but loads of everything", rounds-1-altered, rounds-1)
		}
	})
}

// stream sends numbered packets of the phone to the Internet until it is told to stop, and reads what arrives.
type stream struct {
	sent, got uint32
	twice     bool
	stop      chan struct{}
	done      chan struct{}
	last      time.Time
}

func (h *houses) stream(from string, pause time.Duration) *stream {
	s := &stream{stop: make(chan struct{}), done: make(chan struct{})}
	next := uint32(1)
	read := func() {
		buf := make([]byte, 2048)
		for {
			n, ll, err := unix.Recvfrom(h.taps["wan"], buf, 0)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil {
				return
			}
			if a, ok := ll.(*unix.SockaddrLinklayer); ok && a.Pkttype == unix.PACKET_OUTGOING || n < 8 || binary.BigEndian.Uint32(buf[n-8:]) != marker {
				continue
			}
			number := binary.BigEndian.Uint32(buf[n-4:])
			s.twice = s.twice || number < next
			next = number + 1
			s.got++
			s.last = time.Now()
		}
	}
	p := packet(frame.ProtoUDP, addresses[from][0], addresses["wan"][0], 48000, 9)
	go func() {
		defer close(s.done)
		for {
			select {
			case <-s.stop:
				// What is on its way comes late on a busy machine; what was dropped never does.
				for until := time.Now().Add(2 * time.Second); s.got < s.sent && time.Now().Before(until); time.Sleep(time.Millisecond) {
					read()
				}
				return
			default:
			}
			if unix.Send(h.taps[from], wire.Ethernet(h.own, macs[from], wire.TypeIPv4, p.packet(s.sent+1)), 0) == nil {
				s.sent++
			}
			read()
			time.Sleep(pause)
		}
	}()
	return s
}

func (s *stream) end() {
	close(s.stop)
	<-s.done
}

func TestNoPacketOfAnotherDeviceIsLostInASwap(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		lamp := func(n int) Device {
			return lampOf([]mud.ACE{accept("x", mud.Matches{TCP: &mud.TCP{Destination: eq(uint16(n))}}), accept("y", mud.Matches{IPv4: &mud.IP{Destination: netip.MustParsePrefix(fmt.Sprintf("203.0.%d.0/24", n))}})}, nil)
		}
		hub := thing("hub", Held)
		hub.Policy = lamp(9).Policy
		h.apply(gateway(lamp(1), thing("phone", Free)))
		h.kernel.Grace = 0
		s := h.stream("phone", 100*time.Microsecond)
		for n := range 30 {
			g := gateway(lamp(n), thing("phone", Free))
			g.Ceilings = Ceilings{New: -1, Small: -1}
			if n%3 == 2 {
				h.kernel.Repair()
			}
			h.apply(g)
		}
		s.end()
		if s.sent != s.got || s.twice || s.sent < 100 {
			t.Errorf("%d packets were sent and %d arrived (in order: %v)", s.sent, s.got, !s.twice)
		}
	})
}

// Whatever somebody put into the table of Plimsoll, or took out of it, a repair makes it what it was.
func TestARepairMakesTheTableWhatItWas(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		g := gateway(lampOf([]mud.ACE{accept("x", mud.Matches{TCP: &mud.TCP{Destination: eq(uint16(443))}})}, nil), thing("phone", Free))
		h.apply(g)
		want := listing(t)
		for what, script := range map[string]string{
			"a chain with a hook":          "add chain inet plimsoll mine { type filter hook forward priority -300; policy accept; }\nadd rule inet plimsoll mine accept\n",
			"a rule, and a chain it jumps": "add chain inet plimsoll mine\nadd rule inet plimsoll mine accept\ninsert rule inet plimsoll held jump mine\n",
			"a set that a rule speaks of":  "add set inet plimsoll mine { type ipv4_addr; }\nadd element inet plimsoll mine { 192.0.2.1 }\ninsert rule inet plimsoll held ip saddr @mine accept\n",
			"a map that leads to a chain":  "add map inet plimsoll mine { type ipv4_addr : verdict; }\nadd element inet plimsoll mine { 192.0.2.1 : jump held }\n",
			"a counter":                    "add counter inet plimsoll mine\ninsert rule inet plimsoll held counter name mine\n",
			"a map where a chain was":      "delete table inet plimsoll\nadd table inet plimsoll\nadd map inet plimsoll held { type ipv4_addr : verdict; }\n",
			"all but an empty table":       "delete table inet plimsoll\nadd table inet plimsoll\n",
			"the table":                    "delete table inet plimsoll\n",
		} {
			run(t, script, "nft", "-f", "-")
			if ok, err := h.kernel.Intact(t.Context()); ok || err != nil {
				t.Errorf("%s goes unnoticed: %v", what, err)
			}
			h.kernel.Repair()
			h.apply(g)
			if got := listing(t); got != want {
				t.Errorf("%s: after a repair stands\n%s\nwant\n%s", what, got, want)
			}
		}
	})
}

func TestRevocationEndsWhatLives(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		run(t, "table ip nat {\n chain post {\n type nat hook postrouting priority srcnat;\n oifname wan0 masquerade\n}\n}\n", "nft", "-f", "-")
		allowed := func() Device {
			return lampOf([]mud.ACE{accept("x", mud.Matches{UDP: &mud.UDP{Destination: eq(9)}}), accept("y", mud.Matches{UDP: &mud.UDP{Destination: eq(10)}})}, nil)
		}
		less := func() Device {
			return lampOf([]mud.ACE{accept("y", mud.Matches{UDP: &mud.UDP{Destination: eq(10)}})}, nil)
		}
		for name, after := range map[string]Device{"refused": thing("lamp", Refused), "quarantined": thing("lamp", Quarantined), "of one entry": less()} {
			h.apply(gateway(allowed(), thing("phone", Free)))
			for v := range 2 { // conversations of both families, which were answered
				lamp, wan := addresses["lamp"][v], addresses["wan"][v]
				for _, port := range []uint16{9, 10} {
					got := h.send("lamp", packet(frame.ProtoUDP, lamp, wan, 48000+port, port))["wan"]
					if got == nil {
						t.Fatalf("%s: the lamp cannot speak", name)
					}
					if !h.arrives("wan", "lamp", packet(frame.ProtoUDP, wan, got.src, port, got.SrcPort)) {
						t.Fatalf("%s: the lamp hears no answer", name)
					}
					h.send("phone", packet(frame.ProtoUDP, addresses["phone"][v], wan, 48000+port, port))
				}
			}
			start := time.Now()
			h.apply(gateway(after, thing("phone", Free)))
			took := time.Since(start)
			for v := range 2 {
				for _, port := range []uint16{9, 10} {
					want := name == "of one entry" && port == 10
					if got := h.arrives("lamp", "wan", packet(frame.ProtoUDP, addresses["lamp"][v], addresses["wan"][v], 48000+port, port)); got != want {
						t.Errorf("%s: a conversation with port %d goes on: %v, want %v", name, port, got, want)
					}
				}
			}
			phone := 0
			if err := h.kernel.conversations(func(c *conversation) {
				if c.begun.src == addresses["phone"][0] || c.begun.src == addresses["phone"][1] {
					phone++
				}
			}); err != nil || phone < 4 {
				t.Errorf("%s: %d conversations of the phone are left, %v", name, phone, err)
			}
			t.Logf("%s: %v", name, took)
		}
		// between ports of the bridge, too
		hub := accept("hub", mud.Matches{MUD: &mud.MUD{SameManufacturer: true}, UDP: &mud.UDP{Destination: eq(5683)}})
		h.apply(gateway(lampOf([]mud.ACE{hub}, nil), thing("hub", Free)))
		lamp, other := addresses["lamp"][0], addresses["hub"][0]
		if !h.arrives("lamp", "hub", packet(frame.ProtoUDP, lamp, other, 48000, 5683)) || !h.arrives("hub", "lamp", packet(frame.ProtoUDP, other, lamp, 5683, 48000)) {
			t.Fatal("lamp and hub cannot speak")
		}
		h.apply(gateway(lampOf(nil, nil), thing("hub", Free)))
		if h.arrives("lamp", "hub", packet(frame.ProtoUDP, lamp, other, 48000, 5683)) || h.arrives("hub", "lamp", packet(frame.ProtoUDP, other, lamp, 5683, 48000)) {
			t.Error("lamp and hub go on to speak")
		}
	})
}

// A daemon that was killed and comes back cuts nothing: what its predecessor let pass goes on, and can be begun anew.
func TestRestartCutsNothing(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		entries := []mud.ACE{
			accept("cloud", mud.Matches{IPv4: &mud.IP{DestinationDNSName: "cloud.example"}, UDP: &mud.UDP{Destination: eq(443)}}),
			accept("below", mud.Matches{IPv4: &mud.IP{DestinationDNSName: "*.media.example"}, UDP: &mud.UDP{Destination: &mud.Ports{Operator: mud.Range, Port: 6000, Upper: 6010}}}),
			accept("hub", mud.Matches{MUD: &mud.MUD{SameManufacturer: true}, UDP: &mud.UDP{Destination: eq(5683)}}),
		}
		h.apply(gateway(lampOf(entries, nil)))
		media := ip("198.51.100.8")
		for name, a := range map[string]netip.Addr{"cloud.example": addresses["wan"][0], "a.media.example": media} {
			if err := h.kernel.Commit(t.Context(), lampMAC, []string{name}, []netip.Addr{a}, time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		lamp, hub := addresses["lamp"][0], addresses["hub"][0]
		if !h.arrives("lamp", "hub", packet(frame.ProtoUDP, lamp, hub, 48000, 5683)) || !h.arrives("hub", "lamp", packet(frame.ProtoUDP, hub, lamp, 5683, 48000)) {
			t.Fatal("lamp and hub cannot speak")
		}
		live := packet(frame.ProtoUDP, lamp, addresses["wan"][0], 48000, 443)
		if !h.arrives("lamp", "wan", live) || !h.arrives("wan", "lamp", packet(frame.ProtoUDP, addresses["wan"][0], lamp, 443, 48000)) {
			t.Fatal("the lamp cannot speak")
		}
		k, err := Open("")
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		h.kernel = k
		h.apply(gateway(lampOf(entries, nil)))
		if !h.arrives("wan", "lamp", packet(frame.ProtoUDP, addresses["wan"][0], lamp, 443, 48000)) {
			t.Error("what was under way is cut")
		}
		if !h.arrives("hub", "lamp", packet(frame.ProtoUDP, hub, lamp, 5683, 48000)) {
			t.Error("what was under way on the bridge is cut")
		}
		for _, p := range []*probe{packet(frame.ProtoUDP, lamp, addresses["wan"][0], 48001, 443), packet(frame.ProtoUDP, lamp, media, 48002, 6005)} {
			if !h.arrives("lamp", "wan", p) {
				t.Errorf("%v is stopped, which was allowed before", p)
			}
		}
		if h.arrives("lamp", "wan", packet(frame.ProtoUDP, lamp, media, 48003, 443)) {
			t.Error("an address of one name is taken for that of another")
		}
		// with another policy, what the name led to is not its own
		other := []mud.ACE{accept("else", mud.Matches{IPv4: &mud.IP{DestinationDNSName: "else.example"}, UDP: &mud.UDP{Destination: eq(443)}})}
		if h.kernel, err = Open(""); err != nil {
			t.Fatal(err)
		}
		h.apply(gateway(lampOf(other, nil)))
		if h.arrives("lamp", "wan", live) || h.arrives("lamp", "wan", packet(frame.ProtoUDP, lamp, addresses["wan"][0], 48004, 443)) {
			t.Error("another name’s address may be reached")
		}
	})
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	if _, err := Open("/nowhere/nft"); !errors.Is(err, ErrTool) {
		t.Errorf("without nft: %v", err)
	}
	needTools(t, "nft")
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // and the thread ends with its rights
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil {
			failed <- err
			return
		}
		k, err := Open("")
		if err == nil {
			err = k.Close()
		}
		failed <- err
	}()
	if err := <-failed; !errors.Is(err, ErrCapability) {
		t.Errorf("without the capability: %v", err)
	}
}
