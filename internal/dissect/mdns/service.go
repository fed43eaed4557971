package mdns

import (
	"bytes"

	"plimsoll.example/plimsoll/internal/dissect/dns"
)

// serviceName is a name of the form instance._service._transport.domain, RFC 6763, Section 4.1, or of
// the form subtype._sub._service._transport.domain, Section 7.1. All parts are octets of the message.
type serviceName struct {
	instance  []byte // UTF-8 chosen by people, which may hold anything
	subtype   []byte
	service   []byte
	transport []byte
	all       bool // the name under which service types are listed, Section 9
}

func (s *serviceName) found() bool { return len(s.service) > 0 }

// appendName appends the type of the service, such as _hap._tcp.
func (s *serviceName) appendName(dst []byte) []byte {
	if s.all {
		dst = append(dst, "_services."...)
	}
	dst = append(dns.AppendLabel(dst, s.service), '.')
	return dns.AppendLabel(dst, s.transport)
}

// service reads the name at off. It is not ok if the name is malformed; it is not found if the name is
// not that of a service.
func service(msg []byte, off int) (s serviceName, ok bool) {
	var before [3][]byte // the labels before the one at hand, the nearest first
	walk := dns.LabelsAt(msg, off)
	for count := 0; ; count++ {
		label, ok := walk.Next()
		if !ok || len(label) == 0 {
			return s, ok
		}
		if !s.found() && isTransport(label) && count > 0 && before[0][0] == '_' {
			s.service, s.transport = before[0], label
			switch {
			case count == 2 && equal(before[1], "_services") && equal(before[0], "_dns-sd"):
				s.all = true
			case count == 2:
				s.instance = before[1]
			case count == 3 && equal(before[1], "_sub"):
				s.subtype = before[2]
			}
		}
		before[2], before[1], before[0] = before[1], before[0], label
	}
}

func isTransport(label []byte) bool { return equal(label, "_tcp") || equal(label, "_udp") }

func equal(label []byte, s string) bool {
	return len(label) == len(s) && bytes.EqualFold(label, []byte(s))
}
