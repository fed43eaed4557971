package mail

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func fromClient(port uint16) dissect.Message {
	return dissect.Message{
		Src:           netip.MustParseAddrPort("192.0.2.1:50000"),
		Dst:           netip.AddrPortFrom(netip.MustParseAddr("192.0.2.25"), port),
		FromInitiator: true,
	}
}

func fromServer(port uint16) dissect.Message {
	m := fromClient(port)
	m.Src, m.Dst, m.FromInitiator = m.Dst, m.Src, false
	return m
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestClient(t *testing.T) {
	login := func(protocol, user string) string {
		return "auth.cleartext " + protocol + " user=" + user + " server=192.0.2.25"
	}
	for _, tt := range []struct {
		name string
		port uint16
		in   string
		want []string
		s    dissect.State
	}{
		{
			"SMTP, LOGIN", 2500, "EHLO cam.local\r\nAUTH LOGIN\r\n" + b64("cam@example.org") + "\r\n" + b64("secret") + "\r\nMAIL FROM:<a@b>\r\nDATA\r\nFrom: me\r\n",
			[]string{"mail.helo cam.local", login("smtp", "cam@example.org")},
			dissect.Done,
		},
		{
			"SMTP, LOGIN with the name", 25, "EHLO cam\r\nAUTH LOGIN " + b64("cam") + "\r\n" + b64("secret") + "\r\n",
			[]string{"mail.helo cam", login("smtp", "cam")},
			dissect.Next,
		},
		{
			"SMTP, PLAIN", 25, "ehlo cam\r\nauth plain " + b64("\x00cam\x00secret") + "\r\n",
			[]string{"mail.helo cam", login("smtp", "cam")},
			dissect.Next,
		},
		{
			"SMTP, PLAIN when asked", 25, "EHLO cam\r\nAUTH PLAIN\r\n" + b64("id\x00cam\x00secret") + "\r\nQUIT\r\n",
			[]string{"mail.helo cam", login("smtp", "cam")},
			dissect.Done,
		},
		{
			"SMTP, token", 25, "EHLO cam\r\nAUTH XOAUTH2 " + b64("user=cam@example.org\x01auth=Bearer secret\x01\x01") + "\r\n",
			[]string{"mail.helo cam", login("smtp", "cam@example.org")},
			dissect.Next,
		},
		{"SMTP, proof", 25, "EHLO cam\r\nAUTH CRAM-MD5\r\n" + b64("cam 0123456789abcdef") + "\r\n", []string{"mail.helo cam"}, dissect.Next},
		{"SMTP, LOGIN refused", 25, "EHLO cam\r\nAUTH LOGIN\r\nMAIL FROM:<a@b>\r\nQUIT\r\n", []string{"mail.helo cam"}, dissect.Done},
		{"SMTP, LOGIN given up", 25, "EHLO cam\r\nAUTH LOGIN\r\n" + b64("cam") + "\r\n*\r\nQUIT\r\n", []string{"mail.helo cam"}, dissect.Done},
		{"SMTP, TLS", 25, "EHLO cam\r\nSTARTTLS\r\n\x16\x03\x01\x00\x01x", []string{"mail.helo cam", "mail.starttls tls protocol=smtp"}, dissect.Done},
		{"POP3", 110, "USER me\r\nPASS secret\r\nSTAT\r\n", []string{login("pop3", "me")}, dissect.Done},
		{"POP3 away from its port", 1100, "CAPA\r\nUSER me\r\nPASS secret\r\n", []string{login("pop3", "me")}, dissect.Next},
		{"POP3, digest", 110, "APOP me 0123456789abcdef\r\n", nil, dissect.Next},
		{"POP3, TLS", 110, "CAPA\r\nSTLS\r\n\x16\x03\x01\x00\x01x", []string{"mail.starttls tls protocol=pop3"}, dissect.Done},
		{"POP3, list of ways", 110, "AUTH\r\nUSER me\r\n", nil, dissect.No},
		{"IMAP", 1430, "a1 CAPABILITY\r\na2 LOGIN me secret\r\na3 SELECT INBOX\r\n", []string{login("imap", "me")}, dissect.Done},
		{"IMAP, quoted", 143, `a LOGIN "me at home" "se cret"` + "\r\n", []string{login("imap", "me at home")}, dissect.Next},
		{"IMAP, literals", 143, "a LOGIN {2}\r\nme {6}\r\nsecret\r\n", []string{login("imap", "me")}, dissect.Next},
		{"IMAP, PLAIN", 143, "a AUTHENTICATE PLAIN\r\n" + b64("\x00me\x00secret") + "\r\n", []string{login("imap", "me")}, dissect.Next},
		{"IMAP, TLS", 143, ". STARTTLS\r\n\x16\x03\x01\x00\x01x", []string{"mail.starttls tls protocol=imap"}, dissect.Done},
		{"a long name", 143, "a LOGIN " + strings.Repeat("u", 100) + " secret\r\n", []string{login("imap", strings.Repeat("u", 64))}, dissect.Next},
		{"FTP", 21, "USER me\r\n", nil, dissect.No},
		{"HTTP", 143, "GET / HTTP/1.1\r\n", nil, dissect.No},
		{"SSH", 25, "SSH-2.0-x\r\n", nil, dissect.No},
		{"binary", 25, "EHLO \x00\x01\r\n", nil, dissect.No},
	} {
		for _, size := range []int{1, 5, len(tt.in)} {
			got, s := dissecttest.Stream(t, Dissect, fromClient(tt.port), dissecttest.Split([]byte(tt.in), size)...)
			if s != tt.s {
				t.Errorf("%s in segments of %d: state %d, want %d", tt.name, size, s, tt.s)
			}
			dissecttest.Equal(t, got, tt.want)
			if strings.Contains(strings.Join(got, "\n"), "secret") {
				t.Errorf("%s: a password was told", tt.name)
			}
		}
	}
}

func TestGreeting(t *testing.T) {
	for _, tt := range []struct {
		name string
		port uint16
		in   string
		want string
	}{
		{"SMTP", 2500, "220 nas ESMTP Postfix\r\n", "mail.banner nas ESMTP Postfix protocol=smtp"},
		{"SMTP that does not say so", 587, "220-nas\r\n220 go\r\n", "mail.banner nas protocol=smtp"},
		{"POP3", 110, "+OK ready <1@nas>\r\n", "mail.banner ready <1@nas> protocol=pop3"},
		{"POP3 elsewhere", 1100, "+OK POP3 ready\r\n", "mail.banner POP3 ready protocol=pop3"},
		{"IMAP", 1430, "* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n", "mail.banner [CAPABILITY IMAP4rev1] Dovecot ready. protocol=imap"},
		{"IMAP, logged in", 143, "* PREAUTH hello\r\n", "mail.banner hello protocol=imap"},
		{"FTP", 21, "220 ready\r\n", ""},
		{"FTP on SMTP's port", 25, "220 FTP ready\r\n", ""},
		{"Redis", 6379, "+OK\r\n", ""},
		{"binary", 25, "220 \x00\x01\r\n", ""},
	} {
		for _, size := range []int{1, len(tt.in)} {
			var want []string
			state := dissect.No
			if tt.want != "" {
				want, state = []string{tt.want}, dissect.Done
			}
			got, s := dissecttest.Stream(t, Dissect, fromServer(tt.port), dissecttest.Split([]byte(tt.in), size)...)
			if s != state {
				t.Errorf("%s: state %d, want %d", tt.name, s, state)
			}
			dissecttest.Equal(t, got, want)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte("EHLO a\r\nAUTH LOGIN\r\nYQ==\r\nYg==\r\nDATA\r\n"), 3, uint16(25), []byte(nil))
	f.Add([]byte("a LOGIN {1}\r\na {1}\r\nb\r\n"), 1, uint16(143), []byte(nil))
	f.Add([]byte("YQ==\r\nUSER a\r\nPASS b\r\n"), 99, uint16(110), []byte("pua"))
	f.Add([]byte("+OK POP3\r\n"), 99, uint16(110), []byte("x"))
	f.Fuzz(func(t *testing.T, b []byte, size int, port uint16, scratch []byte) {
		m := fromClient(port)
		m.Scratch = scratch[:min(len(scratch), dissect.MaxScratch)]
		dissecttest.Stream(t, Dissect, m, dissecttest.Split(b, max(size, len(b)/100))...)
	})
}
