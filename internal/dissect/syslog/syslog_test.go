package syslog

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func to(port uint16) dissect.Message {
	return dissect.Message{Src: netip.MustParseAddrPort("192.0.2.1:50000"), Dst: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.5"), port)}
}

func TestTags(t *testing.T) {
	for _, tt := range []struct {
		name string
		port uint16
		in   string
		want []string
		s    dissect.State
	}{
		{"RFC 5424", 5140, "<165>1 2024-11-22T22:14:15.003Z cam.example evntslog 12 ID47 - text", []string{"syslog.tag evntslog host=cam.example"}, dissect.Next},
		{"RFC 5424, no names", 5140, "<165>1 - - - - - - text", nil, dissect.Next},
		{"RFC 3164", 5140, "<34>Oct 11 22:14:15 mymachine su: 'su root' failed", []string{"syslog.tag su host=mymachine"}, dissect.Next},
		{"no host", 5140, "<34>Oct 11 22:14:15 dropbear[311]: Password auth succeeded", []string{"syslog.tag dropbear"}, dissect.Next},
		{"no time", 514, "<6>kernel: eth0 up", []string{"syslog.tag kernel"}, dissect.Next},
		{"no tag", 514, "<6>something happened to you", nil, dissect.Next},
		{"number in a sequence", 514, "<189>72: *Mar  1 00:00:00: %SYS-5", nil, dissect.Next},
		{"no time away from the port", 5140, "<6>kernel: eth0 up", nil, dissect.No},
		{"no such priority", 514, "<192>kernel: eth0 up", nil, dissect.No},
		{"XML", 514, "<?xml version='1.0'?>", nil, dissect.No},
		{"HTML", 514, "<b>kernel: x", nil, dissect.No},
	} {
		m := to(tt.port)
		m.Data = []byte(tt.in)
		got, _, s := dissecttest.Call(t, Dissect, &m)
		if s != tt.s {
			t.Errorf("%s: state %d, want %d", tt.name, s, tt.s)
		}
		dissecttest.Equal(t, got, tt.want)
	}
}

func TestStreams(t *testing.T) {
	const one, two = "<34>Oct 11 22:14:15 mymachine su: x", "<34>1 - host app - - - y"
	want := []string{"syslog.tag su host=mymachine", "syslog.tag app host=host"}
	for _, in := range []string{
		one + "\n" + two + "\n",
		fmt.Sprintf("%d %s%d %s", len(one), one, len(two), two),
	} {
		for size := 1; size < len(in); size += 7 {
			got, s := dissecttest.Stream(t, Dissect, to(601), dissecttest.Split([]byte(in), size)...)
			if s != dissect.Next {
				t.Errorf("state %d", s)
			}
			dissecttest.Equal(t, got, want)
		}
	}
	for _, in := range []string{"12 monkeys\n", "12345 <34>", "<html>\n", "0 <34>"} {
		if got, s := dissecttest.Stream(t, Dissect, to(601), []byte(in)); s != dissect.No || len(got) > 0 {
			t.Errorf("%q: state %d, facts %q", in, s, got)
		}
	}
}

func TestEachTagIsToldOnce(t *testing.T) {
	m := to(514)
	total, s := 0, dissect.Next
	for i := 0; i < 1000 && s == dissect.Next; i++ {
		m.Data = fmt.Appendf(nil, "<6>program%d: x", i/2)
		var got []string
		got, _, s = dissecttest.Call(t, Dissect, &m)
		total += len(got)
		if i%2 == 1 && len(got) > 0 {
			t.Fatalf("told again: %q", got)
		}
	}
	if s != dissect.Done || total < 20 || total > 100 {
		t.Errorf("state %d after %d facts", s, total)
	}
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte("<34>Oct 11 22:14:15 mymachine su[1]: x"), 3, false)
	f.Add([]byte("10 <6>a: bcde<7>1 - a b c\n"), 3, true)
	f.Add([]byte("<6>"+strings.Repeat("a", 600)+":"), 1000, false)
	f.Fuzz(func(t *testing.T, b []byte, size int, stream bool) {
		m := to(514)
		if !stream {
			m.Data = b
			dissecttest.Call(t, Dissect, &m)
			return
		}
		dissecttest.Stream(t, Dissect, m, dissecttest.Split(b, max(size, len(b)/100))...)
	})
}
