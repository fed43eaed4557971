package tftp

import (
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func TestDissect(t *testing.T) {
	for _, test := range []struct{ name, packet, want string }{
		{"read", "\x00\x01firmware.bin\x00octet\x00", "tftp.file firmware.bin op=read"},
		{"write", "\x00\x02cfg/lamp.txt\x00NetASCII\x00", "tftp.file cfg/lamp.txt op=write"},
		{"options", "\x00\x01pxelinux.0\x00octet\x00tsize\x000\x00blksize\x001468\x00", "tftp.file pxelinux.0 op=read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, s := dissecttest.Call(t, Dissect, &dissect.Message{Data: []byte(test.packet)})
			if s != dissect.Next {
				t.Errorf("state %d", s)
			}
			dissecttest.Equal(t, got, []string{test.want})
		})
	}
}

func TestRejects(t *testing.T) {
	for name, packet := range map[string]string{
		"empty":          "",
		"block":          "\x00\x03\x00\x01" + strings.Repeat("x", 512),
		"no name":        "\x00\x01\x00octet\x00\x00\x00",
		"mode":           "\x00\x01firmware.bin\x00fast\x00",
		"mode is cut":    "\x00\x01firmware.bin\x00octet",
		"binary name":    "\x00\x01\x02\x03\x04\x00octet\x00",
		"endless name":   "\x00\x01" + strings.Repeat("x", 2000) + "\x00octet\x00",
		"name is cut":    "\x00\x01firmware.bin",
		"STUN, not TFTP": "\x00\x01\x00\x00\x21\x12\xa4\x42octet\x00",
	} {
		if _, _, s := dissecttest.Call(t, Dissect, &dissect.Message{Data: []byte(packet)}); s != dissect.No {
			t.Errorf("%s: state %d", name, s)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte("\x00\x01firmware.bin\x00octet\x00"))
	f.Add([]byte("\x00\x02a\x00MAIL\x00blksize\x001468\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dissecttest.Call(t, Dissect, &dissect.Message{Data: data})
	})
}
