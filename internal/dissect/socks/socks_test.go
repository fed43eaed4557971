package socks

import (
	"net/netip"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func message(port uint16, initiator bool) dissect.Message {
	a, b := netip.MustParseAddrPort("192.0.2.1:50000"), netip.AddrPortFrom(netip.MustParseAddr("192.0.2.10"), port)
	if initiator {
		return dissect.Message{Src: a, Dst: b, FromInitiator: true}
	}
	return dissect.Message{Src: b, Dst: a}
}

func TestDissect(t *testing.T) {
	for _, tt := range []struct {
		name   string
		port   uint16
		client bool
		in     string
		want   []string
		s      dissect.State
	}{
		{"4", 5555, true, "\x04\x01\x00\x50\xc0\x00\x02\x07me\x00", []string{"socks.request 192.0.2.7 port=80 version=4 command=connect"}, dissect.Done},
		{"4A", 5555, true, "\x04\x01\x01\xbb\x00\x00\x00\x01\x00example.org\x00", []string{"socks.request example.org port=443 version=4 command=connect"}, dissect.Done},
		{"4, bind", 5555, true, "\x04\x02\x00\x50\xc0\x00\x02\x07\x00", []string{"socks.request 192.0.2.7 port=80 version=4 command=bind"}, dissect.Done},
		{"5, name", 5555, true, "\x05\x01\x00\x05\x01\x00\x03\x0bexample.org\x00\x50", []string{"socks.request example.org port=80 version=5 command=connect"}, dissect.Done},
		{
			"5, IPv6", 5555, true, "\x05\x02\x00\x02\x05\x03\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x35",
			[]string{"socks.request 2001:db8::1 port=53 version=5 command=associate"},
			dissect.Done,
		},
		{"5, password", 1080, true, "\x05\x01\x02\x01\x02me\x06secret\x05\x01\x00\x01\xc0\x00\x02\x07\x00\x50", []string{
			"auth.cleartext socks user=me server=192.0.2.10", "socks.request 192.0.2.7 port=80 version=5 command=connect",
		}, dissect.Done},
		{"answer to 4", 1080, false, "\x00\x5a\x00\x00\x00\x00\x00\x00", nil, dissect.Done},
		{"answer to 5", 1080, false, "\x05\x00", nil, dissect.Done},
		{"answer to 5 elsewhere", 5555, false, "\x05\x02\x01\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", nil, dissect.Done},
		{"too little of an answer elsewhere", 5555, false, "\x05\x00", nil, dissect.No},
		{"no methods", 1080, true, "\x05\x00", nil, dissect.No},
		{"a method twice", 1080, true, "\x05\x02\x00\x00", nil, dissect.No},
		{"a method that does not exist", 1080, true, "\x05\x01\x42", nil, dissect.No},
		{"more after the methods", 1080, true, "\x05\x01\x00\x42", nil, dissect.No},
		{"4, port 0", 1080, true, "\x04\x01\x00\x00\xc0\x00\x02\x07\x00", nil, dissect.No},
		{"4, binary name", 1080, true, "\x04\x01\x00\x50\xc0\x00\x02\x07\x01\x02\x00", nil, dissect.No},
		{"MQTT", 1883, true, "\x10\x0c\x00\x04MQTT", nil, dissect.No},
		{"TLS", 443, true, "\x16\x03\x01", nil, dissect.No},
	} {
		for _, size := range []int{1, len(tt.in)} {
			if size == 1 && !tt.client {
				continue // two octets answer on the port
			}
			got, s := dissecttest.Stream(t, Dissect, message(tt.port, tt.client), dissecttest.Split([]byte(tt.in), size)...)
			if s != tt.s {
				t.Errorf("%s in segments of %d: state %d, want %d", tt.name, size, s, tt.s)
			}
			dissecttest.Equal(t, got, tt.want)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte("\x05\x01\x02\x01\x02me\x06secret\x05\x01\x00\x03\x01a\x00\x50"), 3, uint16(1080), true)
	f.Add([]byte("\x04\x01\x00\x50\x00\x00\x00\x01me\x00a\x00"), 30, uint16(1), true)
	f.Add([]byte("\x05\x02\x01\x00\x05\x00\x00\x01"), 2, uint16(1), false)
	f.Fuzz(func(t *testing.T, b []byte, size int, port uint16, client bool) {
		dissecttest.Stream(t, Dissect, message(port, client), dissecttest.Split(b, max(size, len(b)/100))...)
	})
}
