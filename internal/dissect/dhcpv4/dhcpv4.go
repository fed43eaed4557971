// Package dhcpv4 dissects the Dynamic Host Configuration Protocol for IPv4 (RFC 2131), with the MUD URL
// of RFC 8520. It reads the options itself: their order tells one implementation from another, and a
// message is read without allocating.
package dhcpv4

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/domain"
	"plimsoll.example/plimsoll/internal/frame"
)

const (
	bootRequest = 1
	bootReply   = 2
	cookieAt    = 236
	cookie      = 99<<24 | 130<<16 | 83<<8 | 99 // RFC 2131 §3
)

// Values of the option message type (RFC 2132 §9.6).
const (
	decline = 4
	ack     = 5
)

// Dissect reads one message between a client and a server or relay. What a client says is about the
// owner of the hardware address in the message, which is not the sender if there is a relay between.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if len(d) < cookieAt+4 || d[0] != bootRequest && d[0] != bootReply || d[2] != 6 ||
		binary.BigEndian.Uint32(d[cookieAt:]) != cookie {
		return 0, dissect.No
	}
	client := frame.MAC(d[28:34])
	if client.IsZero() || client.IsGroup() {
		return 0, dissect.No
	}
	var o options
	o.read(d)
	if d[0] == bootRequest {
		out.About(client)
		request(m, out, &o, client)
	} else {
		reply(m, out, &o, client)
	}
	return len(d), dissect.Next
}

// request tells what a client says of itself.
func request(m *dissect.Message, out *dissect.Facts, o *options, client frame.MAC) {
	text(out, "dhcp.hostname", o.value[hostName])
	if a, ok := address(o.value[requestedAddress]); ok {
		if o.message() == decline {
			out.AddAddr("dhcp.decline", a)
		} else {
			out.AddAddr("dhcp.requested_address", a)
		}
	}
	if a, ok := address(m.Data[12:16]); ok {
		out.AddAddr("dhcp.address", a)
	}
	var buf [4 * maxOrder]byte
	if v := o.value[parameterRequest]; len(v) > 0 {
		out.Add("dhcp.parameters", list(buf[:0], v))
	}
	text(out, "dhcp.vendor_class", o.value[vendorClass])
	if v := o.value[vendorIdentifyingClass]; len(v) > 5 {
		// RFC 3925 §3: enterprise number, length, data; more than one is never seen.
		if class := v[5:min(5+int(v[4]), len(v))]; len(class) > 0 {
			out.Add("dhcp.vendor_class", class)
			out.FieldUint("enterprise", uint64(binary.BigEndian.Uint32(v)))
		}
	}
	if v := o.value[userClass]; len(v) > 0 {
		if int(v[0]) == len(v)-1 { // RFC 3004 §4; many send the text alone
			v = v[1:]
		}
		text(out, "dhcp.user_class", v)
	}
	if v := o.value[clientID]; len(v) > 0 {
		var digits [2 * 255]byte
		out.Add("dhcp.client_id", hex.AppendEncode(digits[:0], v[:min(len(v), 255)]))
	}
	fqdn(out, o.value[clientFQDN])
	// what follows a space is reserved, and not part of the URL (RFC 8520 §10)
	link, _, _ := bytes.Cut(o.value[mudURL], []byte{' '})
	text(out, "dhcp.mud_url", link)
	out.Add("dhcp.options", list(buf[:0], o.order[:o.n]))
	out.FieldString("message", o.name())
	if m.SrcMAC != client && !m.SrcMAC.IsZero() {
		out.FieldString("sender", m.SrcMAC.String())
	}
}

// reply tells what a server offers, and what the client has got.
func reply(m *dissect.Message, out *dissect.Facts, o *options, client frame.MAC) {
	server, ok := address(o.value[serverID])
	if !ok {
		if server, ok = address(m.Data[20:24]); !ok {
			server = m.Src.Addr()
		}
	}
	if server.IsValid() {
		out.AddAddr("dhcp.server", server)
		configuration(out, o)
	}
	if a, ok := address(m.Data[16:20]); ok && (o.message() == ack || o.message() == 0) {
		out.About(client)
		out.AddAddr("dhcp.lease", a)
		if server.IsValid() {
			out.FieldAddr("server", server)
		}
		configuration(out, o)
		if v := o.value[leaseTime]; len(v) == 4 {
			out.FieldUint("seconds", uint64(binary.BigEndian.Uint32(v)))
		}
	}
}

func configuration(out *dissect.Facts, o *options) {
	addresses(out, "router", o.value[router])
	if a, ok := address(o.value[subnetMask]); ok {
		out.FieldAddr("mask", a)
	}
	addresses(out, "dns", o.value[nameServer])
	if v := trim(o.value[domainName]); len(v) > 0 {
		out.Field("domain", v)
	}
}

// fqdn reads the Client FQDN option (RFC 4702 §2).
func fqdn(out *dissect.Facts, v []byte) {
	if len(v) < 4 {
		return
	}
	name := v[3:]
	if v[0]&4 != 0 { // E: in the form of RFC 1035, not in ASCII
		var buf [256]byte
		var ok bool
		if name, _, ok = domain.Append(buf[:0], name); !ok {
			return
		}
	}
	text(out, "dhcp.fqdn", name)
}

// text adds a fact unless its value is empty. Some implementations count a final NUL in the length.
func text(out *dissect.Facts, name string, v []byte) {
	if v = trim(v); len(v) > 0 {
		out.Add(name, v)
	}
}

func trim(v []byte) []byte {
	for len(v) > 0 && v[len(v)-1] == 0 {
		v = v[:len(v)-1]
	}
	return v
}

// address is the one address that v is, unless it is 0.0.0.0.
func address(v []byte) (netip.Addr, bool) {
	if len(v) != 4 {
		return netip.Addr{}, false
	}
	a := netip.AddrFrom4([4]byte(v))
	return a, !a.IsUnspecified()
}

// addresses adds a field with the first addresses of v, separated by commas.
func addresses(out *dissect.Facts, key string, v []byte) {
	var buf [4 * 16]byte
	b := buf[:0]
	for range min(len(v)/4, 4) {
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = netip.AddrFrom4([4]byte(v)).AppendTo(b)
		v = v[4:]
	}
	if len(b) > 0 {
		out.Field(key, b)
	}
}

// list appends the numbers in v, separated by commas.
func list(b, v []byte) []byte {
	for i, code := range v[:min(len(v), maxOrder)] {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(code), 10)
	}
	return b
}
