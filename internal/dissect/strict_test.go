package dissect_test

import (
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/adb"
	"plimsoll.example/plimsoll/internal/dissect/bacnet"
	"plimsoll.example/plimsoll/internal/dissect/bittorrent"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
	"plimsoll.example/plimsoll/internal/dissect/ftp"
	"plimsoll.example/plimsoll/internal/dissect/irc"
	"plimsoll.example/plimsoll/internal/dissect/mail"
	"plimsoll.example/plimsoll/internal/dissect/modbus"
	"plimsoll.example/plimsoll/internal/dissect/pjl"
	"plimsoll.example/plimsoll/internal/dissect/remote"
	"plimsoll.example/plimsoll/internal/dissect/rtp"
	"plimsoll.example/plimsoll/internal/dissect/sip"
	"plimsoll.example/plimsoll/internal/dissect/smb"
	"plimsoll.example/plimsoll/internal/dissect/socks"
	"plimsoll.example/plimsoll/internal/dissect/ssh"
	"plimsoll.example/plimsoll/internal/dissect/stratum"
	"plimsoll.example/plimsoll/internal/dissect/syslog"
	"plimsoll.example/plimsoll/internal/dissect/telnet"
	"plimsoll.example/plimsoll/internal/dissect/vpn"
)

var dissectors = []struct {
	name string
	fn   dissect.Func
}{
	{"adb", adb.Dissect},
	{"bacnet", bacnet.Dissect},
	{"bittorrent", bittorrent.Dissect},
	{"ftp", ftp.Dissect},
	{"irc", irc.Dissect},
	{"mail", mail.Dissect},
	{"modbus", modbus.Dissect},
	{"pjl", pjl.Dissect},
	{"rdp", remote.RDP},
	{"vnc", remote.VNC},
	{"rtp", rtp.Dissect},
	{"sip", sip.Dissect},
	{"smb", smb.Dissect},
	{"socks", socks.Dissect},
	{"ssh", ssh.Dissect},
	{"stratum", stratum.Dissect},
	{"syslog", syslog.Dissect},
	{"telnet", telnet.Dissect},
	{"vpn", vpn.Dissect},
}

const (
	tcpUp   = iota // from a client, over TCP
	tcpDown        // from a server
	udp
)

// beginnings are what conversations begin with, away from the ports that protocols are at home on. Those
// without an owner belong to protocols that none of the dissectors above knows.
var beginnings = []struct {
	owner string
	way   int
	data  string
}{
	{"adb", tcpUp, "CNXN\x01\x00\x00\x01\x00\x00\x10\x00\x07\x00\x00\x00\x32\x02\x00\x00\xbc\xb1\xa7\xb1host::\x00"},
	{"bacnet", udp, "\x81\x0b\x00\x0c\x01\x20\xff\xff\x00\xff\x10\x08"},
	{"bittorrent", tcpUp, "\x13BitTorrent protocol" + strings.Repeat("x", 48)},
	{"bittorrent", udp, "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"},
	{"ftp", tcpUp, "USER anonymous\r\n"},
	{"ftp", tcpDown, "220 FTP server ready\r\n"},
	{"irc", tcpUp, "NICK bot\r\nUSER bot 8 * :bot\r\n"},
	{"irc", tcpDown, ":irc.example NOTICE * :*** Looking up your hostname\r\n"},
	{"mail", tcpUp, "EHLO cam.local\r\n"},
	{"mail", tcpUp, "a001 LOGIN me you\r\n"},
	{"mail", tcpDown, "220 mx.example ESMTP\r\n"},
	{"mail", tcpDown, "* OK IMAP4rev1 ready\r\n"},
	{"modbus", tcpUp, "\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x0a"},
	{"pjl", tcpUp, "\x1b%-12345X@PJL INFO ID\r\n"},
	{"rdp", tcpUp, "\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00"},
	{"vnc", tcpDown, "RFB 003.008\n"},
	{"rtp", udp, "\x80\xc9\x00\x01\x00\x00\x00\x07"},
	{"sip", udp, "OPTIONS sip:100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2\r\n\r\n"},
	{"sip", tcpDown, "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
	{"smb", tcpUp, "\x00\x00\x00\x2f\xffSMB\x72\x00\x00\x00\x00\x18\x01\x28" + strings.Repeat("\x00", 21) + "\x0c\x00\x02NT LM 0.12\x00"},
	{"socks", tcpUp, "\x05\x01\x00"},
	{"socks", tcpUp, "\x04\x01\x00\x50\xc0\x00\x02\x07\x00"},
	{"ssh", tcpUp, "SSH-2.0-dropbear\r\n"},
	{"ssh", tcpDown, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"},
	{"stratum", tcpUp, `{"id":1,"method":"mining.subscribe","params":[]}` + "\n"},
	{"syslog", udp, "<34>1 2024-11-22T22:14:15Z cam app - - - hello"},
	{"telnet", tcpDown, "\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23\xff\xfd\x27"},
	{"vpn", udp, "\x01\x00\x00\x00" + strings.Repeat("\xa5", 144)},
	{"vpn", udp, "\x38sessionA\x00\x00\x00\x00\x00"},

	{"", tcpUp, "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"},
	{"", tcpUp, "OPTIONS rtsp://192.0.2.1/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"},
	{"", tcpDown, "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n"},
	{"", tcpDown, "+OK\r\n"},
	{"", tcpDown, "* hello\r\n"},
	{"", tcpUp, "*1\r\n$4\r\nPING\r\n"},
	{"", tcpUp, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\xa5", 32)},
	{"", tcpUp, "\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04kett"},
	{"", tcpUp, "\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03org\x00\x00\x01\x00\x01"},
	{"", tcpUp, "\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00\xc0\x01\x0a\xc1\x02\x01\x00\xc2\x02\x01\x02"},
	{"", tcpUp, "\x00\x00\x00\x2a\xd0\xf2\x81\xf8\x8b\xff\x9a\xf7\xd5\xef\x94\xb6"},
	{"", tcpUp, "\x00\x00\x55\xaa\x00\x00\x00\x01\x00\x00\x00\x0a\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\xaa\x55"},
	{"", tcpDown, "\xff\xfb\x90\x64" + strings.Repeat("\x00", 60)},
	{"", tcpDown, "\xff\xd8\xff\xe0\x00\x10JFIF"},
	{"", tcpUp, "a question in plain words\r\n"},
	{"", tcpUp, strings.Repeat("\x00", 100)},
	{"", tcpUp, strings.Repeat("\xff", 100)},
	{"", udp, "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03org\x00\x00\x01\x00\x01"},
	{"", udp, "\x41\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03org\x00\x00\x01\x00\x01"},
	{"", udp, "\x23\x02\x0a\x00" + strings.Repeat("\x00", 44)},
	{"", udp, "M-SEARCH * HTTP/1.1\r\nST: ssdp:all\r\n\r\n"},
	{"", udp, "\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl"},
	{"", udp, "\x40\x01\x30\x39\xb4root"},
	{"", udp, "\xc3\x00\x00\x00\x01\x08abcdefgh\x00\x00\x44\xd0" + strings.Repeat("\xa5", 1180)},
	{"rtp", udp, "\x80\x60\x12\x34" + strings.Repeat("\xa5", 168)},
	{"", udp, "<?xml version=\"1.0\"?><Probe/>"},
	{"", udp, strings.Repeat("\x00", 148)},
}

func beginning(way int, data string) dissect.Message {
	m := dissect.Message{Data: []byte(data), Stream: way != udp, FromInitiator: way != tcpDown}
	m.Src, m.Dst = netip.MustParseAddrPort("192.0.2.1:51000"), netip.MustParseAddrPort("192.0.2.2:4999")
	if way == tcpDown {
		m.Src, m.Dst = m.Dst, m.Src
	}
	return m
}

func TestEachBeginningHasOneDissector(t *testing.T) {
	for _, b := range beginnings {
		for _, d := range dissectors {
			m := beginning(b.way, b.data)
			var s dissect.State
			if m.Stream {
				_, s = dissecttest.Stream(t, d.fn, m, m.Data)
			} else {
				_, _, s = dissecttest.Call(t, d.fn, &m)
			}
			if mine := d.name == b.owner; mine == (s == dissect.No) {
				t.Errorf("%s says %d to %q", d.name, s, b.data)
			}
		}
	}
}

func TestSayingNoAllocatesNothing(t *testing.T) {
	var out dissect.Facts
	for _, b := range beginnings {
		for _, d := range dissectors {
			m := beginning(b.way, b.data)
			m.Final = m.Stream
			if _, s := d.fn(&m, &out); s != dissect.No {
				continue
			}
			if n := testing.AllocsPerRun(10, func() { d.fn(&m, &out) }); n != 0 {
				t.Errorf("%s allocates %v times to say no to %q", d.name, n, b.data)
			}
		}
	}
}

func BenchmarkNo(b *testing.B) {
	m := beginning(tcpUp, "\x17\x03\x03\x05\xa0"+strings.Repeat("\xa5", 1440))
	var out dissect.Facts
	for _, d := range dissectors {
		b.Run(d.name, func(b *testing.B) {
			for b.Loop() {
				d.fn(&m, &out)
			}
		})
	}
}
