package adb

import (
	"encoding/binary"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func packet(command uint32, payload string) string {
	b := make([]byte, header)
	binary.LittleEndian.PutUint32(b, command)
	binary.LittleEndian.PutUint32(b[4:], 0x01000001)
	binary.LittleEndian.PutUint32(b[12:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(b[20:], ^command)
	return string(b) + payload
}

func TestDissect(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
		s        dissect.State
	}{
		{
			"television", packet(connect, "device::ro.product.name=atv4k;ro.product.model=BRAVIA 4K;ro.product.device=bravia;features=cmd,shell_v2\x00"),
			[]string{"adb.device BRAVIA 4K mode=device product=atv4k device=bravia"},
			dissect.Next,
		},
		{"nameless", packet(connect, "recovery::\x00"), []string{"adb.device recovery mode=recovery"}, dissect.Next},
		{
			"attacker", packet(connect, "host::features=cmd\x00") + packet(open, "shell:cd /data/local/tmp; "+strings.Repeat("x", 200)+"\x00") + packet(write, "y"),
			[]string{"adb.open shell:cd /data/local/tmp; " + strings.Repeat("x", 128-26)},
			dissect.Done,
		},
		{"key asked for", packet(authorise, strings.Repeat("k", 20)), nil, dissect.Next},
		{"TLS", packet(startTLS, ""), nil, dissect.Done},
		{"no magic", strings.Replace(packet(connect, "device::\x00"), "\xbc\xb1\xa7\xb1", "\xbc\xb1\xa7\xb2", 1), nil, dissect.No},
		{"longer than any", "CNXN\x00\x00\x00\x01\x00\x00\x00\x01\xff\xff\xff\xff\x00\x00\x00\x00\xbc\xb1\xa7\xb1", nil, dissect.No},
		{"text", "CNN news for you today\r\n", nil, dissect.No},
	} {
		for _, size := range []int{1, 30, len(tt.in)} {
			got, s := dissecttest.Stream(t, Dissect, dissect.Message{}, dissecttest.Split([]byte(tt.in), size)...)
			if s != tt.s {
				t.Errorf("%s in segments of %d: state %d, want %d", tt.name, size, s, tt.s)
			}
			dissecttest.Equal(t, got, tt.want)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte(packet(connect, "device::ro.product.name=a;ro.product.model=b;;=\x00")+packet(open, "shell:x\x00")), 10)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		dissecttest.Stream(t, Dissect, dissect.Message{}, dissecttest.Split(b, max(size, len(b)/100))...)
	})
}
