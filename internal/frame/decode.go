package frame

import "encoding/binary"

// Bounds on what one frame can make Decode do.
const (
	maxTags       = 8  // VLAN tags and MPLS labels
	maxExtensions = 10 // IPv6 extension headers
	maxTunnels    = 4  // IP in IP, GRE
)

// decoder walks one frame. It lives on the stack.
type decoder struct {
	f       *Frame
	b       []byte
	tunnels int
}

// Decode reads the headers of the frame b, of which the wire carried wire octets, into f.
//
// For ICMP and ICMPv6 the ports are those of the Community ID specification: the type, and the type that
// answers it where there is one, else the code.
func Decode(f *Frame, link LinkType, b []byte, wire int) {
	*f = Frame{}
	f.PayloadEnd = uint32(len(b))
	f.PayloadWire = uint32(max(wire, len(b)))
	d := decoder{f: f, b: b}
	if link == LinkEthernet {
		d.ethernet(0)
		return
	}
	d.other(link)
}

func (d *decoder) other(link LinkType) {
	b := d.b
	switch link {
	case LinkRaw, LinkRawOld, LinkRawBSD, LinkIPv4, LinkIPv6:
		d.rawIP(0)
	case LinkNull, LinkLoop:
		if len(b) < 4 {
			return
		}
		// the address family is in the byte order of the machine that captured, so the version nibble decides
		d.rawIP(4)
	case LinkPPP:
		if len(b) >= 2 && b[0] == 0xff && b[1] == 0x03 { // HDLC framing, RFC 1662
			d.ppp(2)
		} else {
			d.ppp(0)
		}
	case LinkPPPoE:
		d.pppoe(0)
	case LinkSLL:
		if len(b) < 16 {
			return
		}
		if binary.BigEndian.Uint16(b[4:]) == 6 {
			copy(d.f.SrcMAC[:], b[6:])
		}
		d.etherType(binary.BigEndian.Uint16(b[14:]), 16)
	case LinkSLL2:
		if len(b) < 20 {
			return
		}
		if b[11] == 6 {
			copy(d.f.SrcMAC[:], b[12:])
		}
		d.etherType(binary.BigEndian.Uint16(b), 20)
	case LinkDot11:
		d.dot11(0)
	case LinkRadiotap:
		// radiotap's length is little-endian, at octet 2
		if len(b) >= 4 {
			d.dot11(int(binary.LittleEndian.Uint16(b[2:])))
		}
	case LinkPrism:
		// message code and length, in the byte order of the machine that captured
		if len(b) >= 8 {
			n := binary.LittleEndian.Uint32(b[4:])
			if n > 0xffff {
				n = binary.BigEndian.Uint32(b[4:])
			}
			d.dot11(int(min(n, 0xffff)))
		}
	}
}

func (d *decoder) ethernet(at int) {
	b := d.b
	if len(b) < at+14 {
		return
	}
	f := d.f
	f.DstMAC = MAC(b[at : at+6])
	f.SrcMAC = MAC(b[at+6 : at+12])
	d.etherType(binary.BigEndian.Uint16(b[at+12:]), at+14)
}

// etherType goes on at octet at, with what an EtherType or an IEEE 802.3 length announces.
func (d *decoder) etherType(t uint16, at int) {
	f, b := d.f, d.b
	f.Depth = max(f.Depth, Link)
	for range maxTags {
		switch t {
		case EtherIPv4:
			f.EtherType = t
			d.ipv4(at)
			return
		case EtherIPv6:
			f.EtherType = t
			d.ipv6(at)
			return
		case EtherVLAN, EtherQinQ, etherQinQ1:
			if len(b) < at+4 {
				f.setPayload(t, at)
				return
			}
			f.VLAN = binary.BigEndian.Uint16(b[at:]) & 0xfff
			t = binary.BigEndian.Uint16(b[at+2:])
			at += 4
			continue
		case EtherPPPoES:
			d.pppoe(at)
			return
		case EtherMPLS:
			if len(b) < at+4 {
				f.setPayload(t, at)
				return
			}
			bottom := b[at+2]&1 != 0
			at += 4
			if bottom {
				d.rawIP(at)
				return
			}
			continue
		}
		if t < minEther && len(b) >= at+8 && b[at] == 0xaa && b[at+1] == 0xaa && b[at+2] == 3 {
			// IEEE 802.2 LLC with SNAP: an EtherType follows an organisation code of zero
			if b[at+3]|b[at+4]|b[at+5] == 0 {
				t = binary.BigEndian.Uint16(b[at+6:])
				at += 8
				continue
			}
		}
		break
	}
	f.setPayload(t, at)
}

func (f *Frame) setPayload(t uint16, at int) {
	f.EtherType = t
	f.advance(at)
}

// advance moves the payload's start to octet at.
func (f *Frame) advance(at int) {
	at = min(at, int(f.PayloadEnd))
	n := uint32(at) - f.Payload
	f.PayloadWire -= min(n, f.PayloadWire)
	f.Payload = uint32(at)
}

func (d *decoder) pppoe(at int) {
	d.f.Depth = max(d.f.Depth, Link)
	if len(d.b) < at+8 {
		d.f.setPayload(EtherPPPoES, at)
		return
	}
	d.ppp(at + 6)
}

func (d *decoder) ppp(at int) {
	f, b := d.f, d.b
	f.Depth = max(f.Depth, Link)
	if len(b) < at+1 {
		return
	}
	var p uint16
	if b[at]&1 != 0 { // compressed protocol field, RFC 1661 §6.5
		p = uint16(b[at])
		at++
	} else if len(b) >= at+2 {
		p = binary.BigEndian.Uint16(b[at:])
		at += 2
	}
	switch p {
	case 0x0021:
		f.EtherType = EtherIPv4
		d.ipv4(at)
	case 0x0057:
		f.EtherType = EtherIPv6
		d.ipv6(at)
	default:
		f.setPayload(EtherPPPoES, at)
	}
}

// dot11 reads an IEEE 802.11 data frame whose header begins at octet at.
func (d *decoder) dot11(at int) {
	f, b := d.f, d.b
	if at < 0 || len(b) < at+10 {
		return
	}
	control, flags := b[at], b[at+1]
	f.Depth = Link
	kind, subtype := control>>2&3, control>>4
	if kind == 1 || len(b) < at+24 { // control frames have a receiver only
		f.DstMAC = MAC(b[at+4 : at+10])
		f.setPayload(0, at)
		return
	}
	a1, a2, a3 := MAC(b[at+4:at+10]), MAC(b[at+10:at+16]), MAC(b[at+16:at+22])
	f.DstMAC, f.SrcMAC = a1, a2
	n := at + 24
	if kind != 2 { // management
		f.setPayload(0, n)
		return
	}
	switch flags & 3 { // to and from the distribution system
	case 1:
		f.DstMAC = a3
	case 2:
		f.SrcMAC = a3
	case 3:
		if len(b) < n+6 {
			f.setPayload(0, n)
			return
		}
		f.DstMAC, f.SrcMAC = a3, MAC(b[n:n+6])
		n += 6
	}
	aggregated := false
	if subtype&8 != 0 { // QoS
		if len(b) < n+2 {
			f.setPayload(0, n)
			return
		}
		aggregated = b[n]&0x80 != 0
		n += 2
		if flags&0x80 != 0 { // +HTC
			n += 4
		}
	}
	if flags&0x40 != 0 {
		f.Protected = true
		f.setPayload(0, n)
		return
	}
	if subtype&4 != 0 { // no data
		f.setPayload(0, n)
		return
	}
	if aggregated { // an A-MSDU: its first MSDU
		if len(b) < n+14 {
			f.setPayload(0, n)
			return
		}
		f.DstMAC, f.SrcMAC = MAC(b[n:n+6]), MAC(b[n+6:n+12])
		n += 14
	}
	d.etherType(0, n) // LLC and SNAP follow
}

func (d *decoder) rawIP(at int) {
	d.f.Depth = max(d.f.Depth, Link)
	if len(d.b) <= at {
		d.f.advance(at)
		return
	}
	switch d.b[at] >> 4 {
	case 4:
		d.f.EtherType = EtherIPv4
		d.ipv4(at)
	case 6:
		d.f.EtherType = EtherIPv6
		d.ipv6(at)
	default:
		d.f.advance(at)
	}
}

func (d *decoder) ipv4(at int) {
	f, b := d.f, d.b
	if len(b) < at+20 || b[at]>>4 != 4 {
		f.advance(at)
		return
	}
	h := b[at : at+20]
	header := int(h[0]&15) * 4
	total := int(binary.BigEndian.Uint16(h[2:]))
	if header < 20 {
		f.advance(at)
		return
	}
	if total == 0 { // segmentation offload: the length was not yet known when the frame was captured
		total = int(f.PayloadWire) - (at - int(f.Payload))
	}
	if total < header {
		f.advance(at)
		return
	}
	f.bound(at, total)
	f.Src.set4(h[12:16])
	f.Dst.set4(h[16:20])
	f.TTL, f.Proto = h[8], h[9]
	f.Depth = Network
	f.advance(at + header)
	if frag := binary.BigEndian.Uint16(h[6:]); frag&0x3fff != 0 {
		f.Fragment, f.MoreFragments = true, frag&0x2000 != 0
		f.FragOffset = frag << 3
		f.FragID = uint32(binary.BigEndian.Uint16(h[4:]))
		return
	}
	if len(b) < at+header {
		return
	}
	d.transport(at + header)
}

// bound ends the payload where the datagram that begins at octet at, of length octets, ends.
func (f *Frame) bound(at, length int) {
	f.advance(at)
	f.PayloadWire = uint32(length)
	f.PayloadEnd = min(f.PayloadEnd, uint32(at+length))
}

func (d *decoder) ipv6(at int) {
	f, b := d.f, d.b
	if len(b) < at+40 || b[at]>>4 != 6 {
		f.advance(at)
		return
	}
	length := int(binary.BigEndian.Uint16(b[at+4:]))
	if length == 0 { // a jumbogram (RFC 2675), or segmentation offload
		length = max(0, int(f.PayloadWire)-(at-int(f.Payload))-40)
	}
	f.bound(at, 40+length)
	f.TTL = b[at+7]
	f.Src, f.Dst = Addr(b[at+8:at+24]), Addr(b[at+24:at+40])
	f.Depth = Network
	next := b[at+6]
	at += 40
	for range maxExtensions {
		switch next {
		case 0, 43, 60, 135, 139, 140: // hop-by-hop, routing, destination options, mobility, HIP, Shim6
			if int(f.PayloadEnd) < at+8 {
				break
			}
			next, at = b[at], at+8+int(b[at+1])*8
			continue
		case 44: // fragment
			if int(f.PayloadEnd) < at+8 {
				break
			}
			h := b[at : at+8]
			next, at = h[0], at+8
			if frag := binary.BigEndian.Uint16(h[2:]); frag&0xfff9 != 0 {
				f.Proto = next
				f.Fragment, f.MoreFragments = true, frag&1 != 0
				f.FragOffset = frag &^ 7
				f.FragID = binary.BigEndian.Uint32(h[4:])
				f.advance(at)
				return
			}
			continue
		}
		break
	}
	f.Proto = next
	f.advance(at)
	if int(f.PayloadEnd) < at {
		return
	}
	d.transport(at)
}

// DecodeTransport reads the transport header at the start of a datagram that was joined from fragments: payload is
// all that follows the IP header, and f has the addresses and Proto of the fragments. Offsets in f then belong to payload.
func DecodeTransport(f *Frame, payload []byte) {
	f.Fragment, f.MoreFragments, f.FragOffset = false, false, 0
	f.Payload, f.PayloadEnd, f.PayloadWire = 0, uint32(len(payload)), uint32(len(payload))
	d := decoder{f: f, b: payload, tunnels: maxTunnels}
	d.transport(0)
}

func (d *decoder) transport(at int) {
	f := d.f
	b := d.b[:f.PayloadEnd]
	switch f.Proto {
	case ProtoTCP:
		if len(b) < at+20 {
			return
		}
		h := b[at : at+20]
		header := int(h[12]>>4) * 4
		if header < 20 {
			return
		}
		f.SrcPort, f.DstPort = binary.BigEndian.Uint16(h), binary.BigEndian.Uint16(h[2:])
		f.Seq, f.Ack = binary.BigEndian.Uint32(h[4:]), binary.BigEndian.Uint32(h[8:])
		f.Flags = h[13]
		f.Window = binary.BigEndian.Uint16(h[14:])
		f.Depth = Transport
		f.advance(at + header)
	case ProtoUDP:
		if len(b) < at+8 {
			return
		}
		f.SrcPort, f.DstPort = binary.BigEndian.Uint16(b[at:]), binary.BigEndian.Uint16(b[at+2:])
		f.Depth = Transport
		f.advance(at + 8)
		if n := uint32(binary.BigEndian.Uint16(b[at+4:])); n >= 8 && n-8 < f.PayloadWire {
			f.PayloadWire = n - 8
			f.PayloadEnd = min(f.PayloadEnd, f.Payload+n-8)
		}
	case ProtoICMP, ProtoICMPv6:
		if len(b) < at+4 {
			return
		}
		f.SrcPort, f.DstPort = icmpPorts(f.Proto, b[at], b[at+1])
		f.Depth = Transport
	case ProtoSCTP:
		if len(b) < at+12 {
			return
		}
		f.SrcPort, f.DstPort = binary.BigEndian.Uint16(b[at:]), binary.BigEndian.Uint16(b[at+2:])
		f.Depth = Transport
		f.advance(at + 12)
	case protoIPv4, protoIPv6, protoGRE, protoAH:
		d.tunnel(at)
	}
}

// tunnel goes on inside IP in IP (RFC 2003, RFC 4213), GRE (RFC 2784, RFC 2890) or behind an
// authentication header (RFC 4302). Where it can't, the frame stays at the outer addresses.
func (d *decoder) tunnel(at int) {
	f := d.f
	if d.tunnels >= maxTunnels {
		return
	}
	d.tunnels++
	b := d.b[:f.PayloadEnd]
	outer := *f
	if f.Proto != protoAH {
		f.Depth = Link
	}
	switch outer.Proto {
	case protoIPv4:
		d.ipv4(at)
	case protoIPv6:
		d.ipv6(at)
	case protoAH:
		if len(b) < at+12 {
			return
		}
		f.Proto = b[at]
		at += (int(b[at+1]) + 2) * 4
		f.advance(at)
		if len(b) >= at {
			d.transport(at)
		}
		return
	case protoGRE:
		if len(b) < at+4 || b[at+1]&7 > 1 {
			break
		}
		flags, version, t := b[at], b[at+1]&7, binary.BigEndian.Uint16(b[at+2:])
		n := at + 4
		for _, bit := range [...]byte{0x80, 0x20, 0x10} { // checksum, key, sequence number
			if flags&bit != 0 {
				n += 4
			}
		}
		if version == 1 && b[at+1]&0x80 != 0 { // acknowledgement number, RFC 2637
			n += 4
		}
		switch {
		case len(b) < n:
		case t == EtherIPv4:
			d.ipv4(n)
		case t == EtherIPv6:
			d.ipv6(n)
		case t == 0x880b:
			if len(b) >= n+2 && b[n] == 0xff && b[n+1] == 0x03 {
				n += 2
			}
			d.ppp(n)
		case t == etherBridge && len(b) >= n+14:
			d.etherType(binary.BigEndian.Uint16(b[n+12:]), n+14)
		}
	}
	if f.Depth < Network { // nothing was found inside
		*f = outer
		return
	}
	f.Tunnelled = true
}

// icmpPorts are the ports by which the Community ID specification tells ICMP conversations apart.
func icmpPorts(proto, typ, code uint8) (src, dst uint16) {
	if answer, ok := icmpAnswer(proto, typ); ok {
		return uint16(typ), uint16(answer)
	}
	return uint16(typ), uint16(code)
}

// ICMPAnswered reports whether an ICMP type is one of a pair, so that its ports name a conversation of two directions.
func ICMPAnswered(proto uint8, typ uint16) bool {
	_, ok := icmpAnswer(proto, uint8(typ))
	return ok
}

func icmpAnswer(proto, typ uint8) (answer uint8, ok bool) {
	pairs := icmp4Pairs[:]
	if proto == ProtoICMPv6 {
		pairs = icmp6Pairs[:]
	}
	for _, p := range pairs {
		switch typ {
		case p[0]:
			return p[1], true
		case p[1]:
			return p[0], true
		}
	}
	return 0, false
}

// The ICMP types that come in pairs, question and answer.
var (
	icmp4Pairs = [...][2]uint8{{8, 0}, {13, 14}, {15, 16}, {17, 18}, {10, 9}}
	icmp6Pairs = [...][2]uint8{{128, 129}, {133, 134}, {135, 136}, {130, 131}, {139, 140}, {144, 145}}
)
