package irc

import (
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

var toServer = dissect.Message{
	Src: netip.MustParseAddrPort("192.0.2.1:50000"), Dst: netip.MustParseAddrPort("192.0.2.66:6667"), FromInitiator: true,
}

func TestDissect(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
		s        dissect.State
	}{
		{"bot", "NICK [x86]bot-12\r\nUSER x 8 * :bot\r\nPONG :1\r\nJOIN #herd key\r\nPRIVMSG #herd :ready\r\n", []string{
			"irc.command NICK nick=[x86]bot-12", "irc.command USER user=x", "irc.command JOIN channel=#herd",
		}, dissect.Done},
		{"person", "CAP LS 302\r\nPASS secret\r\nNICK me\r\nUSER me 0 * :Me\r\n", []string{
			"auth.cleartext irc server=192.0.2.66", "irc.command NICK nick=me", "irc.command USER user=me",
		}, dissect.Next},
		{"many channels", "NICK a\r\n" + strings.Repeat("JOIN #a\r\n", 20), append([]string{"irc.command NICK nick=a"}, repeat("irc.command JOIN channel=#a", maxJoins)...), dissect.Done},
		{
			"server", ":irc.example NOTICE AUTH :*** Looking up\r\n:irc.example 020 * :wait\r\n:irc.example 001 me :Welcome\r\n",
			[]string{"irc.server irc.example"},
			dissect.Done,
		},
		{
			"server that does not say its name first", "NOTICE AUTH :*** Looking up\r\n:irc.example 001 me :Welcome\r\n",
			[]string{"irc.server irc.example"},
			dissect.Done,
		},
		{"FTP", "USER me\r\nPASS secret\r\n", nil, dissect.No},
		{"FTP with a space", "USER me too\r\n", nil, dissect.No},
		{"a sentence", "NICK said that\r\n", nil, dissect.No},
		{"a colon", ":-) hello :\r\n", nil, dissect.No},
		{"binary", "NICK \x00\x01\r\n", nil, dissect.No},
	} {
		for _, size := range []int{1, 6, len(tt.in)} {
			got, s := dissecttest.Stream(t, Dissect, toServer, dissecttest.Split([]byte(tt.in), size)...)
			if s != tt.s {
				t.Errorf("%s in segments of %d: state %d, want %d", tt.name, size, s, tt.s)
			}
			dissecttest.Equal(t, got, tt.want)
		}
	}
}

func repeat(s string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = s
	}
	return list
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte("NICK a\r\nUSER a b c :d\r\nJOIN #a\r\n"), 4, []byte(nil))
	f.Add([]byte(":a 001 b :c\r\n"), 100, []byte{0})
	f.Fuzz(func(t *testing.T, b []byte, size int, scratch []byte) {
		m := toServer
		m.Scratch = scratch[:min(len(scratch), dissect.MaxScratch)]
		dissecttest.Stream(t, Dissect, m, dissecttest.Split(b, max(size, len(b)/100))...)
	})
}
