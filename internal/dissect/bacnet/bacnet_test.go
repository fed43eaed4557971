package bacnet

import (
	"encoding/binary"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func bvlc(function byte, rest string) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0x81, function}, uint16(4+len(rest)))
	return append(b, rest...)
}

const (
	announcement = "\x10\x00\xc4\x02\x00\x04\xd2\x22\x05\xc4\x91\x00\x21\x2a" // device 1234, vendor 42
	modelName    = "\x30\x01\x0c\x0c\x02\x00\x04\xd2\x19\x46\x3e\x75\x08\x00VAV-200\x3f"
)

func TestDissect(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []byte
		want []string
		s    dissect.State
	}{
		{"announcement", bvlc(11, "\x01\x20\xff\xff\x00\xff"+announcement), []string{"bacnet.device 1234 vendor=42"}, dissect.Next},
		{"behind a router", bvlc(11, "\x01\x28\xff\xff\x00\x00\x0d\x01\x3d\xff"+announcement), []string{"bacnet.device 1234 network=13 vendor=42"}, dissect.Next},
		{"forwarded", bvlc(4, "\xc0\x00\x02\x05\xba\xc0\x01\x00"+announcement), []string{"bacnet.device 1234 vendor=42"}, dissect.Next},
		{"model", bvlc(10, "\x01\x00"+modelName), []string{"bacnet.property VAV-200 property=model-name"}, dissect.Next},
		{"property of something else", bvlc(10, "\x01\x00\x30\x01\x0c\x0c\x00\x00\x04\xd2\x19\x46\x3e\x75\x08\x00VAV-200\x3f"), nil, dissect.Next},
		{"question", bvlc(11, "\x01\x20\xff\xff\x00\xff\x10\x08"), nil, dissect.Next},
		{"between routers", bvlc(11, "\x01\x80\x00"), nil, dissect.Next},
		{"registration", bvlc(5, "\x00\x3c"), nil, dissect.Next},
		{"length", append(bvlc(10, "\x01\x00"+announcement), 0), nil, dissect.No},
		{"version", bvlc(10, "\x02\x00"+announcement), nil, dissect.No},
		{"reserved bits", bvlc(10, "\x01\x40"+announcement), nil, dissect.No},
		{"cut address", bvlc(11, "\x01\x20\xff\xff\x09\xff"), nil, dissect.No},
		{"function", bvlc(12, "\x01\x00"), nil, dissect.No},
	} {
		got, _, s := dissecttest.Call(t, Dissect, &dissect.Message{Data: tt.in})
		if s != tt.s {
			t.Errorf("%s: state %d, want %d", tt.name, s, tt.s)
		}
		dissecttest.Equal(t, got, tt.want)
	}
}

func FuzzDissect(f *testing.F) {
	f.Add(byte(11), []byte("\x01\x28\xff\xff\x00\x00\x0d\x01\x3d\xff"+announcement))
	f.Add(byte(10), []byte("\x01\x00"+modelName))
	f.Add(byte(4), []byte("\xc0\x00\x02\x05\xba\xc0\x01\x00"+announcement))
	f.Fuzz(func(t *testing.T, function byte, b []byte) {
		dissecttest.Call(t, Dissect, &dissect.Message{Data: bvlc(function, string(b))})
	})
}
