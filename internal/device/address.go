package device

import "plimsoll.example/plimsoll/internal/frame"

// Address is one address that a device sent from or that was said to be its own.
type Address struct {
	Addr        frame.Addr
	Bound       bool // ARP, NDP or DHCP say that it belongs to the device
	Sent        bool // packets came from it
	Answered    bool // and others answered them
	First, Last int64
	Traffic     Count
	hops        uint8 // routers that its packets came through, at least, +1; 0: not known
	own         bool
}

// address is the index in d.Addresses of an address, or -1.
func (d *Device) address(a frame.Addr) int {
	for i := range d.Addresses {
		if d.Addresses[i].Addr == a {
			return i
		}
	}
	return -1
}

// at finds or adds an address of a device; -1 where there is no room.
func (v *Inventory) at(d *Device, a frame.Addr, bound, sent bool, first, last int64) int {
	i := d.address(a)
	if i < 0 {
		if isUnspecified(&a) || isGroup(&a) || a == broadcast4 || len(d.Addresses) >= maxAddresses || !v.take(d, addressSize) {
			return -1
		}
		d.Addresses = append(d.Addresses, Address{Addr: a, First: first, Last: last})
		i = len(d.Addresses) - 1
	}
	e := &d.Addresses[i]
	e.Bound = e.Bound || bound
	e.Sent = e.Sent || sent
	e.First, e.Last = min(e.First, first), max(e.Last, last)
	return i
}

var broadcast4 = frame.AddrFrom4([4]byte{255, 255, 255, 255})

// came takes note of the hop limit, or time to live, that a packet had left.
func (a *Address) came(ttl uint8) {
	if ttl == 0 {
		return
	}
	start := uint8(255)
	for _, s := range [...]uint8{32, 64, 128} { // what hosts begin with
		if ttl <= s {
			start = s
			break
		}
	}
	if h := min(start-ttl, 254) + 1; a.hops == 0 || h < a.hops {
		a.hops = h
	}
}

// far reports whether packets from the address came through more routers than stand in a home.
func (a *Address) far() bool { return a.hops > 3 }

// strange reports whether an address may be that of a host behind the device: public, and nobody says that it is here.
func strange(a *Address) bool { return a.Answered && !a.Bound && !isLocal(&a.Addr) }

// foreign reports whether an address is public, and nobody says that it is here.
func foreign(a *Address) bool { return !a.Bound && !isLocal(&a.Addr) }

// networks counts the different networks (IPv4 /24, IPv6 /64) of the addresses that are of a kind.
func (d *Device) networks(of func(*Address) bool) int {
	var seen [maxAddresses][8]byte
	n := 0
next:
	for i := range d.Addresses {
		a := &d.Addresses[i]
		if !of(a) {
			continue
		}
		var p [8]byte
		if a.Addr.Is4() {
			copy(p[:], a.Addr[12:15])
		} else {
			copy(p[:], a.Addr[:8])
		}
		for _, s := range seen[:n] {
			if s == p {
				continue next
			}
		}
		seen[n] = p
		n++
	}
	return n
}

// isLocal reports whether an address is one of those that the Internet does not route: private (RFC 1918, RFC 4193),
// shared (RFC 6598), link-local.
func isLocal(a *frame.Addr) bool {
	if a.Is4() {
		switch {
		case a[12] == 10,
			a[12] == 172 && a[13]&0xf0 == 16,
			a[12] == 192 && a[13] == 168,
			a[12] == 169 && a[13] == 254,
			a[12] == 100 && a[13]&0xc0 == 64:
			return true
		}
		return false
	}
	return a[0]&0xfe == 0xfc || a[0] == 0xfe && a[1]&0xc0 == 0x80
}

func isLinkLocal(a *frame.Addr) bool {
	return a.Is4() && a[12] == 169 && a[13] == 254 || a[0] == 0xfe && a[1]&0xc0 == 0x80
}

func isUnspecified(a *frame.Addr) bool { return a.IsZero() || *a == frame.Addr{10: 0xff, 11: 0xff} }

func isGroup(a *frame.Addr) bool { return a[0] == 0xff || a.Is4() && a[12]>>4 == 14 }

// IsLocal reports whether the Internet does not route a.
func IsLocal(a *frame.Addr) bool { return isLocal(a) }
