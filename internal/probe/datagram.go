package probe

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/assess"
	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/coap"
	"plimsoll.example/plimsoll/internal/dissect/mdns"
	"plimsoll.example/plimsoll/internal/dissect/snmp"
	"plimsoll.example/plimsoll/internal/dissect/ssdp"
)

// datagram is a question over UDP, and how its answer is read.
type datagram struct {
	name  string
	port  uint16
	what  string
	query string
	read  dissect.Func
	told  func(r *run, f *dissect.Facts, port string, from int, answer []byte)
}

// search is the question of SSDP to one device (UPnP Device Architecture 2.0, Section 1.3.2).
const search = "M-SEARCH * HTTP/1.1\r\nHOST: %s\r\nMAN: \"ssdp:discover\"\r\nST: upnp:rootdevice\r\nUSER-AGENT: plimsoll-probe\r\n\r\n"

func (r *run) questions() []datagram {
	return []datagram{
		// PTR of _services._dns-sd._udp.local, an answer by unicast wanted (RFC 6763, Section 9; RFC 6762, Section 5.4).
		{
			"mdns", 5353, "which services?",
			"\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x09_services\x07_dns-sd\x04_udp\x05local\x00\x00\x0c\x80\x01", mdns.Dissect, models,
		},
		// RFC 6690, Section 4; RFC 7252.
		{"coap", 5683, "GET /.well-known/core", "\x40\x01\x37\xa1\xbb.well-known\x04core", coap.Dissect, nil},
		// sysDescr.0 by the community that everybody knows, SNMP v2c (RFC 3416, RFC 1901).
		{
			"snmp", 161, "sysDescr by the usual community",
			"\x30\x29\x02\x01\x01\x04\x06public\xa0\x1c\x02\x04\x7d\xe1\xb1\x01\x02\x01\x00\x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x05\x00",
			snmp.Dissect, community,
		},
		{"ssdp", 1900, "M-SEARCH upnp:rootdevice", fmt.Sprintf(search, netip.AddrPortFrom(r.Address.WithZone(""), 1900)), ssdp.Dissect, nil},
	}
}

// datagrams asks the questions over UDP, and goes to the UPnP description that an answer names.
func (r *run) datagrams(ctx context.Context) {
	if r.Only && r.Datagrams == nil {
		return
	}
	for _, q := range r.questions() {
		if p, ok := r.Datagrams[q.name]; ok {
			q.port = p
		} else if r.Datagrams != nil {
			continue
		}
		if ctx.Err() != nil {
			return
		}
		r.step("udp/" + q.name)
		r.question(ctx, &q)
	}
}

func (r *run) question(ctx context.Context, q *datagram) {
	from, name := r.next(), portName("udp", q.port)
	c, err := r.dial(ctx, "udp", q.port, q.what)
	if err != nil {
		return
	}
	defer c.Close()
	r.t.Tried = append(r.t.Tried, name)
	if _, err := c.Write([]byte(q.query)); err != nil {
		return
	}
	if err := c.SetReadDeadline(time.Now().Add(2 * r.greet)); err != nil {
		return
	}
	b := make([]byte, 9000)
	n, err := c.Read(b)
	if err != nil || string(b[:n]) == q.query { // an echo says nothing
		return
	}
	var facts dissect.Facts
	m := &dissect.Message{Data: b[:n], Src: netip.AddrPortFrom(r.Address, q.port), Dst: netip.AddrPortFrom(r.Address, 40000)}
	facts.Begin(m.SrcMAC, 0, 1)
	facts.Allow(n)
	if _, s := q.read(m, &facts); s == dissect.No {
		c.received("%d octets that are not understood", n)
		return
	}
	var said []string
	for i := range min(facts.Len(), 8) {
		said = append(said, facts.At(i).Name+" "+string(facts.Value(i)))
	}
	c.received("%s", strings.Join(said, "; "))
	r.t.Open = append(r.t.Open, assess.Service{Port: name, Service: q.name, Banner: show(strings.Join(said, "; "))})
	if q.told != nil {
		q.told(r, &facts, name, from, b[:n])
	}
	if q.name == "ssdp" {
		r.upnp(ctx, location(b[:n]))
	}
}

// location is where the answer to a search says that the description is; "" if it does not.
func location(answer []byte) string {
	for line := range strings.Lines(string(answer)) {
		name, value, ok := strings.Cut(line, ":")
		if ok && strings.EqualFold(strings.TrimSpace(name), "location") {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// models notes the model that a device names in mDNS.
func models(r *run, f *dissect.Facts, _ string, _ int, _ []byte) {
	for i := range f.Len() {
		if f.At(i).Name != "mdns.txt" {
			continue
		}
		key, value, _ := strings.Cut(string(f.Value(i)), "=")
		switch strings.ToLower(key) {
		case "md", "model", "ty", "am", "mn":
			r.told("", value)
		case "manufacturer", "mf", "usb_mfg":
			r.told(value, "")
		}
	}
}

// community notes that a device answers to the community that everybody knows.
func community(r *run, _ *dissect.Facts, port string, from int, _ []byte) {
	r.found("access.open", assess.Bad, port, "SNMP answers whoever uses the community that everybody knows", from)
	r.found("legacy.service", assess.Bad, port, "SNMP before version 3: all can be read on the network", from)
}
