// Package dhcpv6 dissects the Dynamic Host Configuration Protocol for IPv6 (RFC 8415), between client
// and server or by way of relays, with the MUD URL of RFC 8520.
package dhcpv6

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/domain"
	"plimsoll.example/plimsoll/internal/frame"
)

// Message types (RFC 8415 §7.3).
const (
	advertise      = 2
	reply          = 7
	release        = 8
	decline        = 9
	reconfigure    = 10
	relayForward   = 12
	relayReply     = 13
	maxRelays      = 8 // HOP_COUNT_LIMIT, RFC 8415 §7.6
	maxMessageType = relayReply
)

const (
	clientPort = 546
	serverPort = 547
)

// Dissect reads one message. What a client says is about the client: the sender, or, behind a relay,
// whomever the relay names by link-layer address; if none can be told, it is left out.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if len(d) < 4 || d[0] == 0 || d[0] > maxMessageType || !ours(m.Src.Port()) && !ours(m.Dst.Port()) {
		return 0, dissect.No
	}
	client := m.SrcMAC
	if fromServer(d[0]) {
		client = m.DstMAC
	}
	relayed := false
	for range maxRelays {
		if d[0] != relayForward && d[0] != relayReply {
			break
		}
		if len(d) < 34 {
			return 0, dissect.No
		}
		opts, ok := read(d[34:])
		if !ok || len(opts.value[relayMessage]) < 4 {
			return 0, dissect.No
		}
		relayed = true
		client = peer(opts.value[clientLinkLayer], netip.AddrFrom16([16]byte(d[18:34])))
		d = opts.value[relayMessage]
	}
	if d[0] == 0 || d[0] >= relayForward {
		return 0, dissect.No
	}
	opts, ok := read(d[4:])
	if !ok || opts.n == 0 {
		return 0, dissect.No
	}
	if relayed && client.IsZero() {
		client = hardware(opts.value[clientID])
	}
	if fromServer(d[0]) {
		answer(m, out, &opts, client, d[0])
	} else if !client.IsZero() && !client.IsGroup() {
		out.About(client)
		request(out, &opts, d[0])
		if relayed {
			out.FieldString("relayed", "1")
		}
	}
	return len(m.Data), dissect.Next
}

func ours(port uint16) bool { return port == clientPort || port == serverPort }

func fromServer(kind byte) bool {
	return kind == advertise || kind == reply || kind == reconfigure || kind == relayReply
}

// peer is the link-layer address of a relayed client: told by the relay (RFC 6939), or part of the
// client's link-local address (RFC 4291, Appendix A). It is zero if neither is there.
func peer(option []byte, a netip.Addr) frame.MAC {
	if len(option) == 8 && binary.BigEndian.Uint16(option) == 1 {
		return frame.MAC(option[2:])
	}
	if b := a.As16(); a.IsLinkLocalUnicast() && b[11] == 0xff && b[12] == 0xfe {
		return frame.MAC{b[8] ^ 2, b[9], b[10], b[13], b[14], b[15]}
	}
	return frame.MAC{}
}

// hardware is the link-layer address in a DUID made from one (RFC 8415 §11.2, §11.4), or zero.
func hardware(duid []byte) frame.MAC {
	const withTime, plain, ethernet = 1, 3, 1
	if len(duid) < 4 || binary.BigEndian.Uint16(duid[2:]) != ethernet {
		return frame.MAC{}
	}
	switch kind := binary.BigEndian.Uint16(duid); {
	case kind == withTime && len(duid) == 14:
		return frame.MAC(duid[8:])
	case kind == plain && len(duid) == 10:
		return frame.MAC(duid[4:])
	}
	return frame.MAC{}
}

// request tells what a client says of itself.
func request(out *dissect.Facts, o *options, kind byte) {
	identifier(out, "dhcpv6.client_id", o.value[clientID])
	if v := o.value[vendorClass]; len(v) >= 4 {
		// RFC 8415 §21.16: enterprise number, then pairs of length and data.
		class := v[4:]
		if len(class) >= 2 {
			class = class[2:min(2+int(binary.BigEndian.Uint16(class)), len(class))]
		}
		out.Add("dhcpv6.vendor_class", class)
		out.FieldUint("enterprise", uint64(binary.BigEndian.Uint32(v)))
	}
	if v := o.value[userClass]; len(v) > 2 {
		out.Add("dhcpv6.user_class", v[2:min(2+int(binary.BigEndian.Uint16(v)), len(v))])
	}
	if v := o.value[clientFQDN]; len(v) > 1 {
		var buf [256]byte
		if name, _, ok := domain.Append(buf[:0], v[1:]); ok && len(name) > 0 { // RFC 4704 §4
			out.Add("dhcpv6.fqdn", name)
		}
	}
	// what follows a space is reserved, and not part of the URL (RFC 8520 §10)
	if v, _, _ := bytes.Cut(o.value[mudURL], []byte{' '}); len(v) > 0 {
		out.Add("dhcpv6.mud_url", v)
	}
	switch kind {
	case release:
		o.returns(out, "dhcpv6.release")
	case decline:
		o.returns(out, "dhcpv6.decline")
	}
	var buf [6 * maxOrder]byte
	if v := o.value[optionRequest]; len(v) >= 2 {
		b := buf[:0]
		for range min(len(v)/2, maxOrder) {
			b = number(b, binary.BigEndian.Uint16(v))
			v = v[2:]
		}
		out.Add("dhcpv6.parameters", b)
	}
	b := buf[:0]
	for _, code := range o.order[:o.n] {
		b = number(b, code)
	}
	out.Add("dhcpv6.options", b)
	out.FieldString("message", name(kind))
}

// answer tells who serves, and what the client has got.
func answer(m *dissect.Message, out *dissect.Facts, o *options, client frame.MAC, kind byte) {
	if v := o.value[serverID]; len(v) > 0 {
		identifier(out, "dhcpv6.server", v)
		if a := m.Src.Addr(); a.IsValid() {
			out.FieldAddr("address", a)
		}
		o.configuration(out)
	}
	if kind == reply && !client.IsZero() && !client.IsGroup() {
		out.About(client)
		o.leases(out)
	}
}

func identifier(out *dissect.Facts, name string, duid []byte) {
	const maxDUID = 130 // RFC 8415 §11.1
	if len(duid) == 0 {
		return
	}
	var digits [2 * maxDUID]byte
	out.Add(name, hex.AppendEncode(digits[:0], duid[:min(len(duid), maxDUID)]))
}

func name(kind byte) string {
	return [...]string{
		"", "solicit", "advertise", "request", "confirm", "renew", "rebind", "reply", "release", "decline",
		"reconfigure", "information-request",
	}[kind]
}
