package nft

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
)

// conversation is one that the kernel tracks: as it was begun, and as answers to it come, which shows where
// translation of addresses leads it.
type conversation struct {
	begun, answered tuple
	original        []byte // what the kernel knows it by
	zone            []byte
	family          uint8
}

type tuple struct {
	src, dst         netip.Addr
	srcPort, dstPort uint16 // ICMP: type and code in place of them
	proto            uint8
}

// purge ends the conversations that are no longer allowed, of devices that are treated otherwise than before.
func (k *Kernel) purge(g *Gateway, old, r *Ruleset) error {
	changed := map[netip.Addr]*Device{}
	before := map[frame.MAC]*Device{}
	for i := range old.devices {
		before[old.devices[i].MAC] = &old.devices[i]
	}
	for _, b := range bindings(r.devices) {
		was := before[b.device.MAC]
		if was == nil && b.device.Treatment != Free || was != nil && !same(was, b.device) {
			changed[b.addr] = b.device
		}
	}
	now := map[frame.MAC]*Device{}
	for i := range r.devices {
		now[r.devices[i].MAC] = &r.devices[i]
	}
	for _, b := range bindings(old.devices) { // what it had, and has no more
		if d := now[b.device.MAC]; d != nil && changed[b.addr] == nil && !same(b.device, d) {
			changed[b.addr] = d
		}
	}
	if len(changed) == 0 && len(g.Forbidden) == 0 {
		return nil
	}
	home := policy.NewHome(policies(r.devices))
	var gone []*conversation
	if err := k.conversations(func(c *conversation) {
		if !g.allows(home, changed, c) {
			gone = append(gone, c)
		}
	}); err != nil {
		return denied(fmt.Errorf("end conversations: %w", err))
	}
	for _, c := range gone {
		err := k.socket.ask(dropEntry, unix.NLM_F_ACK, c.family, func(b []byte) []byte {
			b = attribute(b, 1|nested, c.original)
			if c.zone != nil {
				b = attribute(b, 18, c.zone)
			}
			return b
		}, nil)
		if err != nil && !errors.Is(err, unix.ENOENT) { // it may have ended by itself
			return denied(fmt.Errorf("end a conversation: %w", err))
		}
	}
	return k.purgeBridge(g, home, changed, r)
}

// purgeBridge does the same for what the bridge's table remembers. Who began is not known there: a conversation may go
// on if either could have.
func (k *Kernel) purgeBridge(g *Gateway, home *policy.Home, changed map[netip.Addr]*Device, r *Ruleset) error {
	var gone []change
	for _, t := range r.tables {
		if t.family != "bridge" {
			continue
		}
		for set, size := range map[string]int{"talks4": 4, "talks6": 16} {
			err := k.count(t.family, set, func(key []byte, _ uint64) {
				there, ok := talkOf(key, size)
				if !ok {
					return
				}
				back := tuple{src: there.dst, dst: there.src, proto: there.proto, srcPort: there.dstPort, dstPort: there.srcPort}
				if !g.allows(home, changed, &conversation{begun: there, answered: back}) && !g.allows(home, changed, &conversation{begun: back, answered: there}) {
					gone = append(gone, change{family: t.family, set: set, drop: true, element: there.String()})
				}
			})
			if err != nil {
				return denied(fmt.Errorf("end conversations on the bridge: %w", err))
			}
		}
	}
	return k.elements(gone, 0)
}

func policies(devices []Device) (list []*policy.Policy) {
	for i := range devices {
		if p := devices[i].Policy; p != nil {
			list = append(list, p)
		}
	}
	return list
}

// same reports whether a device is treated as before.
func same(a, b *Device) bool {
	if a.Treatment != b.Treatment || a.MayMap != b.MayMap || !slices.Equal(a.Addresses, b.Addresses) {
		return false
	}
	return a.Policy == b.Policy || a.Treatment == Quarantined && slices.Equal(a.Repair, b.Repair)
}

// allows reports whether a conversation may go on. What was allowed by an answer of DNS that has ended may.
func (g *Gateway) allows(home *policy.Home, changed map[netip.Addr]*Device, c *conversation) bool {
	src, dst := c.begun.src, c.answered.src // the latter is where it really goes
	for _, p := range g.Forbidden {
		if p.Contains(dst) || p.Contains(src) {
			return false
		}
	}
	from, to := changed[src], changed[dst]
	if from == nil && to == nil {
		return true
	}
	for _, d := range []*Device{from, to} {
		if d != nil && d.Treatment == Refused {
			return false
		}
	}
	t := policy.Tuple{
		Src: frame.AddrFrom(src), Dst: frame.AddrFrom(dst), Proto: c.begun.proto,
		SrcPort: c.begun.srcPort, DstPort: c.answered.srcPort,
	}
	if t.Proto == frame.ProtoICMP || t.Proto == frame.ProtoICMPv6 {
		t.DstPort = c.begun.dstPort
	}
	if from != nil {
		t.From = from.MAC
		if from.Policy == nil && from.Treatment != Free && g.here(dst) {
			return false // apart from others here
		}
	}
	d, _ := home.Decide(&t, 0)
	return d.Action == policy.Accept
}

// here reports whether an address is of the LAN, and not the gateway's.
func (g *Gateway) here(a netip.Addr) bool {
	return !slices.Contains(g.Own, a) && slices.ContainsFunc(g.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// conversations calls f with each one that the kernel tracks.
func (k *Kernel) conversations(f func(*conversation)) error {
	for try := 0; ; try++ {
		var list []*conversation
		err := k.socket.ask(getEntry, unix.NLM_F_DUMP, unix.AF_UNSPEC, nil, func(b []byte) {
			c := &conversation{}
			attributes(b, func(kind uint16, value []byte) {
				switch kind {
				case 1: // CTA_TUPLE_ORIG
					c.begun = parseTuple(value)
					c.original = slices.Clone(value)
				case 2: // CTA_TUPLE_REPLY
					c.answered = parseTuple(value)
				case 18: // CTA_ZONE
					c.zone = slices.Clone(value)
				}
			})
			if c.begun.src.IsValid() && c.answered.src.IsValid() {
				c.family = unix.AF_INET
				if c.begun.src.Is6() {
					c.family = unix.AF_INET6
				}
				list = append(list, c)
			}
		})
		if errors.Is(err, unix.EINTR) && try < 3 { // the table changed while it was read
			time.Sleep(time.Millisecond)
			continue
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		for _, c := range list {
			f(c)
		}
		return nil
	}
}

func parseTuple(b []byte) (t tuple) {
	attributes(b, func(kind uint16, value []byte) {
		attributes(value, func(field uint16, v []byte) {
			switch {
			case kind == 1 && (field == 1 || field == 3): // CTA_IP_V4_SRC, CTA_IP_V6_SRC
				t.src, _ = netip.AddrFromSlice(v)
			case kind == 1 && (field == 2 || field == 4):
				t.dst, _ = netip.AddrFromSlice(v)
			case kind != 2 || len(v) == 0:
			case field == 1: // CTA_PROTO_NUM
				t.proto = v[0]
			case field == 2 && len(v) == 2:
				t.srcPort = be.Uint16(v)
			case field == 3 && len(v) == 2:
				t.dstPort = be.Uint16(v)
			case field == 5 || field == 8: // type
				t.srcPort = uint16(v[0])
			case field == 6 || field == 9: // code
				t.dstPort = uint16(v[0])
			}
		})
	})
	return t
}

// talkOf is what a key of the bridge's memory says; size is that of an address, octets.
func talkOf(key []byte, size int) (t tuple, ok bool) {
	if len(key) != 2*size+12 {
		return t, false
	}
	t.src, _ = netip.AddrFromSlice(key[:size])
	t.dst, _ = netip.AddrFromSlice(key[size : 2*size])
	ports := key[2*size+4:]
	t.proto, t.srcPort, t.dstPort = key[2*size], be.Uint16(ports), be.Uint16(ports[4:])
	return t, true
}

// String is the element of the bridge's memory.
func (t tuple) String() string {
	return fmt.Sprintf("%s . %s . %s . %d . %d", t.src, t.dst, protocolName(int16(t.proto)), t.srcPort, t.dstPort)
}
