package tuya

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

const (
	device = `{"ip":"192.168.1.5","gwId":"bf1234567890abcdef","active":2,"ability":0,"encrypt":true,"productKey":"key123","version":"3.3"}`
	fields = "tuya.device bf1234567890abcdef product_key=key123 version=3.3 ip=192.168.1.5"
)

// frame is a frame of version 3.4 or before.
func frame(command uint32, payload string) []byte {
	b := binary.BigEndian.AppendUint32(nil, prefix)
	b = binary.BigEndian.AppendUint32(b, 7)
	b = binary.BigEndian.AppendUint32(b, command)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)+trailer))
	b = append(b, payload...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return binary.BigEndian.AppendUint32(b, suffix)
}

func encrypt(t testing.TB, plain string) string {
	c, err := block()
	if err != nil {
		t.Fatal(err)
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	b := []byte(plain + strings.Repeat(string(rune(pad)), pad))
	for at := 0; at < len(b); at += aes.BlockSize {
		c.Encrypt(b[at:], b[at:])
	}
	return string(b)
}

// sealed is a frame of version 3.5.
func sealed(t testing.TB, command uint32, plain string) []byte {
	b := binary.BigEndian.AppendUint32(nil, prefix35)
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint32(b, 7)
	b = binary.BigEndian.AppendUint32(b, command)
	b = binary.BigEndian.AppendUint32(b, uint32(nonce+len(plain)+tag))
	c, err := block()
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(c)
	if err != nil {
		t.Fatal(err)
	}
	iv := []byte("123456789012")
	b = append(b, gcm.Seal(slices.Clone(iv), iv, []byte(plain), b[4:])...)
	return binary.BigEndian.AppendUint32(b, suffix35)
}

func TestBroadcast(t *testing.T) {
	for _, test := range []struct {
		name   string
		packet []byte
		want   []string
	}{
		{"in the clear", frame(19, "\x00\x00\x00\x00"+device), []string{fields}},
		{"in the clear, without return code", frame(19, device), []string{fields}},
		{"encrypted", frame(19, "\x00\x00\x00\x00"+encrypt(t, device)), []string{fields}},
		{"version 3.5", sealed(t, 19, "\x00\x00\x00\x00"+device+"\x00\x00"), []string{fields}},
		{"app that asks", sealed(t, 37, `{"from":"app","ip":"192.168.1.9"}`), nil},
		{"odd value", frame(19, "\x00\x00\x00\x00"+`{"version":3.3,"gwId":"bf1"}`), []string{"tuya.device bf1"}},
		{"other key", frame(19, "\x00\x00\x00\x000123456789abcdef0123456789abcdef"), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, s := dissecttest.Call(t, Dissect, &dissect.Message{Data: test.packet})
			if s != dissect.Next {
				t.Errorf("state %d", s)
			}
			dissecttest.Equal(t, got, test.want)
		})
	}
}

func toDevice() dissect.Message {
	return dissect.Message{
		Src: netip.MustParseAddrPort("192.168.1.9:50000"), Dst: netip.MustParseAddrPort("192.168.1.5:6668"), FromInitiator: true,
		SrcMAC: dissecttest.Sender, DstMAC: dissecttest.Receiver,
	}
}

func TestControl(t *testing.T) {
	fromDevice := toDevice()
	fromDevice.Src, fromDevice.Dst, fromDevice.FromInitiator = fromDevice.Dst, fromDevice.Src, false
	for _, test := range []struct {
		name   string
		m      dissect.Message
		stream []byte
		want   string
	}{
		{"heartbeat", toDevice(), frame(9, ""), "tuya.protocol 3 @02:00:00:00:00:0b"},
		{"command", toDevice(), frame(7, "3.3\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"+encrypt(t, "{}")), "tuya.protocol 3.3 @02:00:00:00:00:0b"},
		{"negotiation", toDevice(), frame(3, encrypt(t, "x")), "tuya.protocol 3.4 @02:00:00:00:00:0b"},
		{"status", fromDevice, frame(8, "\x00\x00\x00\x003.1abcdef"), "tuya.protocol 3.1"},
		{"version 3.5", fromDevice, sealed(t, 16, "x"), "tuya.protocol 3.5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, size := range []int{1, 10, 1000} {
				got, s := dissecttest.Stream(t, Dissect, test.m, dissecttest.Split(test.stream, size)...)
				if s != dissect.Done {
					t.Errorf("by %d octets: state %d", size, s)
				}
				dissecttest.Equal(t, got, []string{test.want})
			}
		})
	}
}

func TestRejects(t *testing.T) {
	whole := frame(19, "\x00\x00\x00\x00"+device)
	wrong := slices.Clone(whole)
	wrong[len(wrong)-1]++
	for name, packet := range map[string][]byte{
		"empty": nil, "text": []byte(device), "cut": whole[:40], "header": whole[:12], "suffix": wrong, "empty frame": frame(9, ""),
		"version 3.5, cut": sealed(t, 19, device)[:50],
	} {
		if _, _, s := dissecttest.Call(t, Dissect, &dissect.Message{Data: packet}); s != dissect.No {
			t.Errorf("%s: state %d", name, s)
		}
	}
	if _, s := dissecttest.Stream(t, Dissect, toDevice(), []byte("\x00\x00\x55\xaa\x00\x00\x00\x01\x00\x00\x00\x09\xff\xff\xff\xff")); s != dissect.No {
		t.Errorf("huge frame: state %d", s)
	}
}

func FuzzDissect(f *testing.F) {
	f.Add(frame(19, "\x00\x00\x00\x00"+device), 5)
	f.Add(frame(19, "\x00\x00\x00\x00"+encrypt(f, device)), 30)
	f.Add(sealed(f, 19, device), 17)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		dissecttest.Call(t, Dissect, &dissect.Message{Data: data})
		dissecttest.SplitAgrees(t, Dissect, toDevice(), data, size)
	})
}
