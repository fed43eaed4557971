package bittorrent

import (
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

const (
	hash  = "0123456789abcdefghij"
	hello = handshake + "\x00\x00\x00\x00\x00\x10\x00\x05" + hash + "-TR2940-k8hj0wgej6ch"
)

func TestPeerOverTCP(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
		s        dissect.State
	}{
		{"handshake", hello + "\x00\x00\x00\x01\x02", []string{"bittorrent.peer TR2940 via=tcp"}, dissect.Done},
		{"other name", handshake + strings.Repeat("x", 48), []string{"bittorrent.peer unknown via=tcp"}, dissect.Done},
		{"cut after the magic", hello[:30], []string{"bittorrent.peer unknown via=tcp"}, dissect.Done},
		{"cut before", hello[:10], nil, dissect.No},
		{"other", "\x13BitTorrent protocon" + strings.Repeat("x", 48), nil, dissect.No},
	} {
		for _, size := range []int{1, len(tt.in)} {
			got, s := dissecttest.Stream(t, Dissect, dissect.Message{}, dissecttest.Split([]byte(tt.in), size)...)
			if s != tt.s {
				t.Errorf("%s in segments of %d: state %d, want %d", tt.name, size, s, tt.s)
			}
			dissecttest.Equal(t, got, tt.want)
		}
	}
}

func TestDatagrams(t *testing.T) {
	const syn = "\x41\x00\x1e\xe1\x0a\x0b\x0c\x0d\x00\x00\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00"
	for _, tt := range []struct {
		name, in, want string
	}{
		{"ping", "d1:ad2:id20:" + hash + "e1:q4:ping1:t2:aa1:y1:qe", "dht"},
		{"answer", "d1:rd2:id20:" + hash + "e1:t2:aa1:y1:re", "dht"},
		{"answer with the asker's address", "d2:ip6:abcdef1:rd2:id20:" + hash + "e1:t2:aa1:y1:re", "dht"},
		{"tracker", "\x00\x00\x04\x17\x27\x10\x19\x80\x00\x00\x00\x00abcd", "tracker"},
		{"local discovery", "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\n\r\n", "local"},
		{"uTP opens", syn, "utp"},
		{"uTP opens with an extension", "\x41\x02" + syn[2:] + "\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00", "utp"},
		{"uTP has acknowledged", syn[:19] + "\x07", ""},
		{"other dictionary", "d3:foo3:bare", ""},
		{"search of SSDP", "M-SEARCH * HTTP/1.1\r\n", ""},
		{"zeros", strings.Repeat("\x00", 16), ""},
		{"DNS", "\x41\x00\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x00\x00\x01\x00", ""},
	} {
		got, _, s := dissecttest.Call(t, Dissect, &dissect.Message{Data: []byte(tt.in)})
		if tt.want == "" {
			if s != dissect.No || len(got) > 0 {
				t.Errorf("%s: state %d, facts %q", tt.name, s, got)
			}
			continue
		}
		if s != dissect.Done {
			t.Errorf("%s: state %d", tt.name, s)
		}
		dissecttest.Equal(t, got, []string{"bittorrent.peer unknown via=" + tt.want})
	}
	got, _, _ := dissecttest.Call(t, Dissect, &dissect.Message{Data: []byte("\x01\x00" + syn[2:] + hello)})
	dissecttest.Equal(t, got, []string{"bittorrent.peer TR2940 via=utp"})
}

func TestWhatIsSharedIsNotTold(t *testing.T) {
	got, _ := dissecttest.Stream(t, Dissect, dissect.Message{}, []byte(hello))
	if strings.Contains(strings.Join(got, "\n"), hash) {
		t.Errorf("facts %q", got)
	}
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte(hello), 10, true)
	f.Add([]byte("d1:ad2:id20:"+hash+"e1:q4:ping1:t2:aa1:y1:qe"), 0, false)
	f.Add([]byte("\x01\x00aaaaaaaaaaaaaaaaaa"+hello), 0, false)
	f.Fuzz(func(t *testing.T, b []byte, size int, stream bool) {
		if !stream {
			dissecttest.Call(t, Dissect, &dissect.Message{Data: b})
			return
		}
		dissecttest.Stream(t, Dissect, dissect.Message{}, dissecttest.Split(b, max(size, len(b)/100))...)
	})
}
