package sip

import (
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

const register = "REGISTER sip:192.0.2.5 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\nFrom: <sip:200@192.0.2.5>\r\nUser-Agent: Grandstream GXP1610 1.0.4.140\r\nContent-Length: 0\r\n\r\n"

func TestDissect(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
		s        dissect.State // over UDP; TCP ends at the first header
	}{
		{"telephone", register, []string{"sip.user_agent Grandstream GXP1610 1.0.4.140 method=REGISTER"}, dissect.Done},
		{"exchange", "SIP/2.0 401 Unauthorized\r\nserver : Asterisk PBX 18\r\n\r\n", []string{"sip.server Asterisk PBX 18 status=401"}, dissect.Done},
		{"telephone that answers", "SIP/2.0 200 OK\r\nUser-Agent:Yealink\r\n\r\nbody", []string{"sip.user_agent Yealink status=200"}, dissect.Done},
		{"no name", "OPTIONS sip:a@b SIP/2.0\r\nUser-Agents: x\r\n\r\n", nil, dissect.Next},
		{"HTTP", "OPTIONS / HTTP/1.1\r\nServer: x\r\n\r\n", nil, dissect.No},
		{"RTSP", "OPTIONS rtsp://a RTSP/1.0\r\n\r\n", nil, dissect.No},
		{"other version", "REGISTER sip:a SIP/3.0\r\nServer: x\r\n\r\n", nil, dissect.No},
		{"IRC", "NOTICE sip\r\n", nil, dissect.No},
		{"no line", "SIP/2.0 200" + strings.Repeat(" ", 5000), nil, dissect.No},
	} {
		got, _, s := dissecttest.Call(t, Dissect, &dissect.Message{Data: []byte(tt.in)})
		if s != tt.s {
			t.Errorf("%s: state %d, want %d", tt.name, s, tt.s)
		}
		dissecttest.Equal(t, got, tt.want)
		if tt.s != dissect.No {
			tt.s = dissect.Done
		}
		for _, size := range []int{1, 20, len(tt.in)} {
			got, s := dissecttest.Stream(t, Dissect, dissect.Message{}, dissecttest.Split([]byte(tt.in), size)...)
			if s != tt.s {
				t.Errorf("%s over TCP: state %d, want %d", tt.name, s, tt.s)
			}
			dissecttest.Equal(t, got, tt.want)
		}
	}
}

func TestHeaderWithoutEndIsReadWhenTheConnectionEnds(t *testing.T) {
	got, s := dissecttest.Stream(t, Dissect, dissect.Message{}, []byte("SIP/2.0 200 OK\r\nServer: a\r\nTo: b"))
	if s != dissect.Done {
		t.Errorf("state %d", s)
	}
	dissecttest.Equal(t, got, []string{"sip.server a status=200"})
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte(register), 50, true)
	f.Add([]byte("SIP/2.0 200 OK\r\nServer:\r\nUser-Agent\r\n"), 1, false)
	f.Fuzz(func(t *testing.T, b []byte, size int, stream bool) {
		if !stream {
			dissecttest.Call(t, Dissect, &dissect.Message{Data: b})
			return
		}
		dissecttest.Stream(t, Dissect, dissect.Message{}, dissecttest.Split(b, max(size, len(b)/100))...)
	})
}
