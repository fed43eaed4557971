package modbus

import (
	"encoding/binary"
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

// adu is a message of Modbus/TCP to or from unit 9.
func adu(pdu string) string {
	b := binary.BigEndian.AppendUint16([]byte{0, 7, 0, 0}, uint16(1+len(pdu)))
	return string(append(append(b, 9), pdu...))
}

const identity = "\x2b\x0e\x01\x81\x00\x00\x03" + "\x00\x07Example" + "\x01\x05PLC-7" + "\x02\x04V1.2"

func TestDissect(t *testing.T) {
	for _, tt := range []struct {
		name   string
		port   uint16
		client bool
		in     string
		want   []string
		s      dissect.State
	}{
		{"poll, told once", 502, true, adu("\x03\x00\x00\x00\x0a") + adu("\x03\x00\x0a\x00\x0a") + adu("\x05\x00\x00\xff\x00"), []string{
			"modbus.function 3 name=read holding registers unit=9 side=client",
			"modbus.function 5 name=write single coil unit=9 side=client",
		}, dissect.Next},
		{"answers", 502, false, adu("\x03\x02\x00\x01") + adu("\x83\x02"), []string{
			"modbus.function 3 name=read holding registers unit=9 side=server",
			"modbus.function 3 name=read holding registers unit=9 side=server exception=2",
		}, dissect.Next},
		{"identity", 1502, false, adu(identity), []string{
			"modbus.function 43 name=encapsulated interface unit=9 side=server",
			"modbus.device PLC-7 vendor=Example code=PLC-7 revision=V1.2",
		}, dissect.Next},
		{"away from the port", 1502, true, adu("\x10\x00\x00\x00\x01\x02\x00\x01"), []string{
			"modbus.function 16 name=write multiple registers unit=9 side=client",
		}, dissect.Next},
		{"length wrong for the function", 1502, true, adu("\x10\x00\x00\x00\x01\x07\x00\x01"), nil, dissect.No},
		{"function that does not exist", 502, true, adu("\x63\x00\x00\x00\x0a"), nil, dissect.No},
		{"refusal that does not exist", 502, false, adu("\x83\x63"), nil, dissect.No},
		{"protocol", 502, true, "\x00\x07\x00\x01\x00\x06\x09\x03\x00\x00\x00\x0a", nil, dissect.No},
		{"too long", 502, true, "\x00\x07\x00\x00\x01\x06\x09\x03\x00\x00\x00\x0a", nil, dissect.No},
		{
			"foreign after", 502, true, adu("\x03\x00\x00\x00\x0a") + "GET / HTTP/1.1\r\n\r\n",
			[]string{"modbus.function 3 name=read holding registers unit=9 side=client"},
			dissect.Done,
		},
		{"RDP on the port", 502, true, "\x03\x00\x00\x13\x0e\xe0\x00\x00", nil, dissect.No},
		{"zeros", 502, true, "\x00\x00\x00\x00\x00\x00\x00\x00", nil, dissect.No},
	} {
		for _, size := range []int{1, 5, len(tt.in)} {
			got, s := dissecttest.Stream(t, Dissect, message(tt.port, tt.client), dissecttest.Split([]byte(tt.in), size)...)
			if s != tt.s {
				t.Errorf("%s in segments of %d: state %d, want %d", tt.name, size, s, tt.s)
			}
			dissecttest.Equal(t, got, tt.want)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte(adu(identity)), 4, uint16(502), false, []byte(nil))
	f.Add([]byte(adu("\x03\x00\x00\x00\x0a")+adu("\x83\x02")), 99, uint16(1), true, []byte{1})
	f.Fuzz(func(t *testing.T, b []byte, size int, port uint16, client bool, scratch []byte) {
		m := message(port, client)
		m.Scratch = scratch[:min(len(scratch), dissect.MaxScratch)]
		dissecttest.Stream(t, Dissect, m, dissecttest.Split(b, max(size, len(b)/100))...)
	})
}
