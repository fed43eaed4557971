package notice

import (
	"bytes"
	"mime"
	"net/mail"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/locale"
)

// Lengths are as MQTT 3.1.1, table 2.4, has them.
func TestLengthsOfPackets(t *testing.T) {
	for n, want := range map[int][]byte{0: {0}, 127: {0x7f}, 128: {0x80, 1}, 16383: {0xff, 0x7f}, 16384: {0x80, 0x80, 1}} {
		p := mqttPacket(0x30, make([]byte, n))
		if got := p[1 : len(p)-n]; !bytes.Equal(got, want) {
			t.Errorf("%d: %x, want %x", n, got, want)
		}
	}
}

// What a broker sends is read within bounds, and what is read was there.
func FuzzReadMQTT(f *testing.F) {
	f.Add([]byte{0x20, 2, 0, 0})
	f.Add([]byte{0x40, 0x82, 0, 0, 1})
	f.Add([]byte{0x20, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		kind, body, err := readMQTT(r)
		if err != nil {
			return
		}
		used := data[:len(data)-r.Len()]
		if len(body) > maxAnswer || kind != used[0]>>4 || !bytes.HasSuffix(used, body) || len(used)-len(body) > 4 {
			t.Errorf("%x is read as %d %x", used, kind, body)
		}
	})
}

// Whatever a stranger’s name is, it is in its place in a letter: no header more, no line more, nothing that turns text.
func FuzzLetter(f *testing.F) {
	f.Add("porch\r\nBcc: all@evil.example", "x")
	f.Add("\u202eevil\u2028", strings.Repeat("é", 900))
	f.Add("=?utf-8?q?=0d=0aX:?=", "<b>")
	words := locale.New(locale.French)
	f.Fuzz(func(t *testing.T, name, text string) {
		c := &Channel{Kind: Mail, From: "a@b.example", To: "c@d.example", Lang: locale.French}
		for _, m := range []Message{
			{Alert: &Alert{Causes: []Cause{{Class: Harm, Name: name, What: text, Do: text}}, Home: name}},
			{Week: &Week{Home: name, Sentence: text, Actions: []Action{{Name: name, Do: text}}, New: []Mention{{Name: name, Text: text}}}},
		} {
			data, err := letter(c, words, m, "0123", time.Unix(1, 0))
			if err != nil {
				t.Fatal(err)
			}
			l, err := mail.ReadMessage(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if len(l.Header) != 9 {
				t.Errorf("headers %v", l.Header)
			}
			head := subject(words, m)
			for _, s := range []string{head, line(name)} {
				if strings.ContainsAny(s, "\r\n\u202e\u2028") || !utf8.ValidString(s) || len(s) > maxLine {
					t.Errorf("%q", s)
				}
			}
			if body := short(words, m); !utf8.ValidString(body) || strings.ContainsAny(body, "\r\u202e") {
				t.Errorf("%q", body)
			}
		}
	})
}

// A stranger gives the name of a device: however long and accented it is, mail servers take the letter.
func TestTheLinesOfALetterAreShort(t *testing.T) {
	name := strings.Repeat("Téléviseur ", 40)
	c := &Channel{Kind: "smtp", From: "home@home.example", To: "ann@home.example", Lang: locale.French}
	m := Message{Alert: &Alert{Causes: []Cause{{Name: name, What: "c’est assez"}}}}
	data, err := letter(c, locale.New(locale.French), m, "0123", time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if len(line) > 1000 { // RFC 5322 §2.1.1
			t.Errorf("a line of %d octets: %.80s…", len(line), line)
		}
	}
	parsed, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if subject, err := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject")); err != nil || !strings.Contains(subject, "Téléviseur Téléviseur") {
		t.Errorf("%q, %v", subject, err)
	}
}
