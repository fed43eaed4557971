package probe

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/device"
)

func FuzzDescription(f *testing.F) {
	f.Add([]byte(`<root><device><manufacturer>A</manufacturer><modelName>B</modelName><service><serviceType>urn:x:WANIPConnection:1</serviceType><controlURL>/c</controlURL></service></device></root>`))
	f.Add([]byte(`<?xml version="1.0" encoding="utf-16"?><a><b>&x;</b>`))
	f.Add([]byte(strings.Repeat("<a>", 9000)))
	f.Fuzz(func(t *testing.T, text []byte) {
		d := parseDescription(text)
		n := 0
		for _, s := range append(append([]string{}, d.makers...), d.models...) {
			if n++; s == "" || len(s) > 512 {
				t.Errorf("%q", s)
			}
		}
		if n > maxElements || len(d.control) > 64 {
			t.Errorf("%d names, %d controls", n, len(d.control))
		}
	})
}

func FuzzTelnetOptions(f *testing.F) {
	f.Add([]byte{iac, will, 1, iac, do, 31, 'l', 'o', 'g', 'i', 'n', ':', ' ', iac, sb, 24, 1, iac, se, iac, iac})
	f.Add([]byte{iac, sb})
	f.Fuzz(func(t *testing.T, b []byte) {
		text, answer := options(b)
		if len(text)+len(answer) > len(b) || len(answer)%3 != 0 {
			t.Errorf("%d octets gave %d of text and %d of answers", len(b), len(text), len(answer))
		}
		for i := 0; i < len(answer); i += 3 {
			if answer[i] != iac || answer[i+1] != wont && answer[i+1] != dont {
				t.Errorf("it agrees to something: % x", answer[i:i+3])
			}
		}
	})
}

func FuzzChallenge(f *testing.F) {
	f.Add(`Digest realm="a", nonce="b", qop="auth,auth-int", algorithm=SHA-256, opaque="c"`)
	f.Add(`Basic realm="x"`)
	f.Add("Digest realm=\"a\r\nX: y\", nonce")
	f.Fuzz(func(t *testing.T, field string) {
		c := parseChallenge([]string{field})
		if len(c.params) > maxParams {
			t.Errorf("%d parameters", len(c.params))
		}
		if a := c.answer(Credential{"u", "p"}, "GET", "/"); strings.ContainsAny(a, "\r\n\x00") {
			t.Errorf("a line ends in the answer: %q", a)
		}
	})
}

func FuzzReplies(f *testing.F) {
	f.Add([]byte("RTSP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nm=x"))
	f.Add([]byte("220-hello\r\n220 there\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nLOCATION: http://192.0.2.1/\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := parseRTSP(b); err == nil && (p.status < -99 || p.status > 999 || len(p.body) > len(b)) {
			t.Errorf("%+v", p)
		}
		wholeReply(b)
		if s := lastReply(string(b)); s != "" && (len(s) > len(b) || s[0] < '1' || s[0] > '5') {
			t.Errorf("%q", s)
		}
		if s := location(b); !bytes.Contains(b, []byte(s)) {
			t.Errorf("%q", s)
		}
		if s := show(string(b)); !utf8.ValidString(s) || len(s) > 4*maxText+8 || device.Printable([]byte(s), 4*maxText+8) == "" && s != "" {
			t.Errorf("%q", s)
		}
	})
}

func FuzzCredentials(f *testing.F) {
	f.Add([]byte("# of another unit\nadmin:s3cret\n\nroot:\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := ParseCredentials(bytes.NewReader(b))
		if err == nil && len(list) > MaxCredentials {
			t.Errorf("%d", len(list))
		}
		for _, c := range list {
			if strings.ContainsAny(c.User+c.Password, "\n") || strings.Contains(c.User, ":") {
				t.Errorf("%q", c)
			}
		}
	})
}
