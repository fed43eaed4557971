package remote

import (
	"net/netip"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func message(port uint16, client bool) dissect.Message {
	a, b := netip.MustParseAddrPort("192.0.2.1:50000"), netip.AddrPortFrom(netip.MustParseAddr("192.0.2.50"), port)
	if client {
		return dissect.Message{Src: a, Dst: b, FromInitiator: true}
	}
	return dissect.Message{Src: b, Dst: a}
}

func TestVNC(t *testing.T) {
	for _, tt := range []struct {
		name   string
		client bool
		in     string
		want   []string
		s      dissect.State
	}{
		{"open to all", false, "RFB 003.008\n\x01\x01", []string{"remote.vnc 003.008 side=server", "remote.vnc_security none"}, dissect.Done},
		{"two ways", false, "RFB 003.008\n\x03\x02\x02\x10", []string{
			"remote.vnc 003.008 side=server", "remote.vnc_security vnc", "remote.vnc_security tight",
		}, dissect.Done},
		{"first version", false, "RFB 003.003\n\x00\x00\x00\x01", []string{"remote.vnc 003.003 side=server", "remote.vnc_security none"}, dissect.Done},
		{"failure", false, "RFB 003.008\n\x00\x00\x00\x00\x04full", []string{"remote.vnc 003.008 side=server"}, dissect.Done},
		{"client", true, "RFB 003.008\n\x01", []string{"remote.vnc 003.008 side=client"}, dissect.Done},
		{"no version", false, "RFB 003-008\n\x01\x01", nil, dissect.No},
		{"cut", false, "RFB 003", nil, dissect.No},
		{"other", false, "RTSP/1.0 200 OK\r\n", nil, dissect.No},
	} {
		for _, size := range []int{1, len(tt.in)} {
			got, s := dissecttest.Stream(t, VNC, message(5900, tt.client), dissecttest.Split([]byte(tt.in), size)...)
			if s != tt.s {
				t.Errorf("%s in segments of %d: state %d, want %d", tt.name, size, s, tt.s)
			}
			dissecttest.Equal(t, got, tt.want)
		}
	}
}

func TestRDP(t *testing.T) {
	for _, tt := range []struct {
		name   string
		port   uint16
		client bool
		in     string
		want   []string
		s      dissect.State
	}{
		{
			"client with a name", 3390, true, "\x03\x00\x00\x28\x23\xe0\x00\x00\x00\x00\x00Cookie: mstshash=me\r\n\x01\x00\x08\x00\x03\x00\x00\x00",
			[]string{"remote.rdp credssp side=client user=me"},
			dissect.Done,
		},
		{
			"balanced client", 3390, true, "\x03\x00\x00\x1d\x18\xe0\x00\x00\x00\x00\x00Cookie: msts=1.2\r\n",
			[]string{"remote.rdp rdp side=client"},
			dissect.Done,
		},
		{
			"client without", 3390, true, "\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x01\x00\x00\x00",
			[]string{"remote.rdp tls side=client"},
			dissect.Done,
		},
		{"old client", 3389, true, "\x03\x00\x00\x0b\x06\xe0\x00\x00\x00\x00\x00", []string{"remote.rdp rdp side=client"}, dissect.Done},
		{
			"server", 3390, false, "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x00\x08\x00\x00\x00\x00\x00",
			[]string{"remote.rdp rdp side=server"},
			dissect.Done,
		},
		{
			"server that refuses", 3390, false, "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x03\x00\x08\x00\x05\x00\x00\x00",
			[]string{"remote.rdp refused side=server"},
			dissect.Done,
		},
		{"S7, which begins so too", 102, true, "\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00\xc0\x01\x0a\xc1\x02\x01\x00\xc2\x02\x01\x02", nil, dissect.No},
		{"old client elsewhere", 102, true, "\x03\x00\x00\x0b\x06\xe0\x00\x00\x00\x00\x00", nil, dissect.No},
		{"lengths that differ", 3389, true, "\x03\x00\x00\x0b\x07\xe0\x00\x00\x00\x00\x00", nil, dissect.No},
		{"other", 3389, true, "\x16\x03\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00", nil, dissect.No},
	} {
		for _, size := range []int{1, len(tt.in)} {
			got, s := dissecttest.Stream(t, RDP, message(tt.port, tt.client), dissecttest.Split([]byte(tt.in), size)...)
			if s != tt.s {
				t.Errorf("%s in segments of %d: state %d, want %d", tt.name, size, s, tt.s)
			}
			dissecttest.Equal(t, got, tt.want)
		}
	}
}

func FuzzVNC(f *testing.F) {
	f.Add([]byte("RFB 003.008\n\x03\x02\x02\x10"), 3, false, []byte(nil))
	f.Add([]byte("\x00\x00\x00\x02"), 3, false, []byte("3"))
	f.Fuzz(func(t *testing.T, b []byte, size int, client bool, scratch []byte) {
		m := message(5900, client)
		m.Scratch = scratch[:min(len(scratch), dissect.MaxScratch)]
		dissecttest.Stream(t, VNC, m, dissecttest.Split(b, max(size, len(b)/100))...)
	})
}

func FuzzRDP(f *testing.F) {
	f.Add([]byte("\x03\x00\x00\x28\x23\xe0\x00\x00\x00\x00\x00Cookie: mstshash=me\r\n\x01\x00\x08\x00\x03\x00\x00\x00"), 8, true)
	f.Add([]byte("\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x00\x08\x00\x00\x00\x00\x00"), 99, false)
	f.Fuzz(func(t *testing.T, b []byte, size int, client bool) {
		dissecttest.Stream(t, RDP, message(3389, client), dissecttest.Split(b, max(size, len(b)/100))...)
	})
}
