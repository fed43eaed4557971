package ftp

import (
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func fromClient(port uint16) dissect.Message {
	return dissect.Message{
		Src:           netip.MustParseAddrPort("192.0.2.1:50000"),
		Dst:           netip.AddrPortFrom(netip.MustParseAddr("192.0.2.21"), port),
		FromInitiator: true,
	}
}

func fromServer(port uint16) dissect.Message {
	m := fromClient(port)
	m.Src, m.Dst, m.FromInitiator = m.Dst, m.Src, false
	return m
}

func TestClient(t *testing.T) {
	for _, tt := range []struct {
		name string
		port uint16
		in   string
		want []string
		s    dissect.State
	}{
		{"login and files", 2121, "USER cam\r\nPASS secret\r\nTYPE I\r\nSTOR /2024/snap 1.jpg\r\nretr fw.bin\r\n", []string{
			"ftp.user cam",
			"auth.cleartext ftp user=cam server=192.0.2.21",
			"ftp.file /2024/snap 1.jpg op=STOR",
			"ftp.file fw.bin op=retr",
		}, dissect.Next},
		{"guessing", 21, "USER root\r\nPASS a\r\nUSER root\r\nPASS b\r\n", []string{
			"ftp.user root", "auth.cleartext ftp user=root server=192.0.2.21",
			"ftp.user root", "auth.cleartext ftp user=root server=192.0.2.21",
		}, dissect.Next},
		{"anonymous gives nothing away", 21, "USER Anonymous\r\nPASS me@example.com\r\n", []string{"ftp.user Anonymous"}, dissect.Next},
		{"beginning not seen", 21, "PASS secret\r\n", []string{"auth.cleartext ftp server=192.0.2.21"}, dissect.Next},
		{"TLS begins", 21, "AUTH TLS\r\n\x16\x03\x01\x00\x05hello", []string{"ftp.starttls tls"}, dissect.Done},
		{"TLS refused", 21, "AUTH TLS\r\nUSER cam\r\nPASS secret\r\n", []string{
			"ftp.user cam", "auth.cleartext ftp user=cam server=192.0.2.21",
		}, dissect.Next},
		{"long name", 21, "USER " + strings.Repeat("u", 100) + "\r\n", []string{"ftp.user " + strings.Repeat("u", 64)}, dissect.Next},
		{"POP3's port", 110, "USER me\r\n", nil, dissect.No},
		{"IRC", 2121, "USER me 0 * :Me\r\n", nil, dissect.No},
		{"a password away from the port", 2121, "PASS secret\r\n", nil, dissect.No},
		{"HTTP", 21, "GET / HTTP/1.1\r\n\r\n", nil, dissect.No},
		{"binary", 21, "USER \x00\x01\r\n", nil, dissect.No},
	} {
		for _, size := range []int{1, 4, len(tt.in)} {
			got, s := dissecttest.Stream(t, Dissect, fromClient(tt.port), dissecttest.Split([]byte(tt.in), size)...)
			if s != tt.s {
				t.Errorf("%s in segments of %d: state %d, want %d", tt.name, size, s, tt.s)
			}
			dissecttest.Equal(t, got, tt.want)
		}
	}
}

func TestServer(t *testing.T) {
	for _, tt := range []struct {
		name string
		port uint16
		in   string
		want []string
		s    dissect.State
	}{
		{
			"greeting", 2121, "220 NAS FTP server (ProFTPD 1.3.5) ready.\r\n331 Password required\r\n215 UNIX Type: L8\r\n",
			[]string{"ftp.banner NAS FTP server (ProFTPD 1.3.5) ready.", "ftp.system UNIX Type: L8"},
			dissect.Next,
		},
		{"greeting that does not say what it is", 21, "220 ready\r\n", []string{"ftp.banner ready"}, dissect.Next},
		{
			"ruler", 21, "220-\r\n220---------- Welcome to Pure-FTPd [TLS] ----------\r\n220 2 users\r\n",
			[]string{"ftp.banner Welcome to Pure-FTPd [TLS]"},
			dissect.Next,
		},
		{"not logged in", 21, "220 ready\r\n331 go on\r\n530 Login incorrect.\r\n530 Login incorrect.\r\n", []string{
			"ftp.banner ready", "auth.refused ftp @02:00:00:00:00:0b", "auth.refused ftp @02:00:00:00:00:0b",
		}, dissect.Next},
		{"lines without a number", 21, "220-***\r\nDreambox\r\n220 go\r\n", []string{"ftp.banner Dreambox"}, dissect.Next},
		{"TLS", 21, "220 ready\r\n234 go on\r\n\x16\x03\x03\x00\x01x", []string{"ftp.banner ready"}, dissect.Done},
		{"SMTP", 2121, "220 mail ESMTP\r\n", nil, dissect.No},
		{"SMTP from a host named ftp", 25, "220 ftp.example ESMTP\r\n", nil, dissect.No},
		{"no words", 2121, "220 ready\r\n", nil, dissect.No},
		{"HTTP", 21, "HTTP/1.1 220 ok\r\n", nil, dissect.No},
	} {
		for _, size := range []int{1, 4, len(tt.in)} {
			got, s := dissecttest.Stream(t, Dissect, fromServer(tt.port), dissecttest.Split([]byte(tt.in), size)...)
			if s != tt.s {
				t.Errorf("%s in segments of %d: state %d, want %d", tt.name, size, s, tt.s)
			}
			dissecttest.Equal(t, got, tt.want)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte("USER cam\r\nPASS secret\r\nRETR x\r\n"), 9, true, uint16(21))
	f.Add([]byte("220-x\r\n220 FTP ready\r\n215 UNIX\r\n\x16\x03\x01"), 1, false, uint16(2121))
	f.Fuzz(func(t *testing.T, b []byte, size int, up bool, port uint16) {
		m := fromServer(port)
		if up {
			m = fromClient(port)
		}
		dissecttest.Stream(t, Dissect, m, dissecttest.Split(b, max(size, len(b)/100))...)
	})
}
