package notice_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/notice"
)

// mailServer is a real one, on this machine.
type mailServer struct {
	port, folder string
	*certificates
}

func startMail(t *testing.T, mode, user, ways string) *mailServer {
	t.Helper()
	python := "/usr/bin/python3" // Debian’s, which has Debian’s modules
	if exec.Command(python, "-c", "import aiosmtpd").Run() != nil {
		lacks(t, "aiosmtpd", "python3-aiosmtpd")
	}
	m := &mailServer{folder: t.TempDir(), certificates: issue(t, "localhost")}
	cmd := exec.Command(python, "testdata/smtp.py", m.folder, m.cert, m.key, mode, user, "hunter two", ways)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	m.port = strings.TrimSpace(port)
	return m
}

// channel is one that the server takes everything of.
func (m *mailServer) channel(scheme string) notice.Channel {
	return notice.Channel{
		Kind: notice.Mail, Server: scheme + "://localhost:" + m.port, User: "me", Secret: "hunter two", From: "home@plimsoll.example", To: "me@plimsoll.example",
		CA: m.text, Lang: locale.French, Alerts: true,
	}
}

// letters are what arrived.
func (m *mailServer) letters(t *testing.T) (list []*mail.Message) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(m.folder, "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		data, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		l, err := mail.ReadMessage(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%v: %s", err, data)
		}
		list = append(list, l)
	}
	return list
}

// parts are those of a letter, by media type.
func parts(t *testing.T, l *mail.Message) map[string]string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(l.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s %v", kind, err)
	}
	r := multipart.NewReader(l.Body, params["boundary"])
	all := map[string]string{}
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		all[kind] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
}

// The digest is written by a real server in each way in which one is spoken with.
func TestTheDigestArrivesByMail(t *testing.T) {
	for name, x := range map[string]struct{ mode, user, scheme, ways string }{
		"STARTTLS, PLAIN":        {"starttls", "me", "smtp", "PLAIN,LOGIN"},
		"STARTTLS, LOGIN":        {"starttls", "me", "smtp", "LOGIN"},
		"TLS at once":            {"implicit", "me", "smtps", "PLAIN"},
		"this machine, in clear": {"plain", "", "smtp", "PLAIN"},
	} {
		t.Run(name, func(t *testing.T) {
			m := startMail(t, x.mode, x.user, x.ways)
			h := newHouse(t)
			c := m.channel(x.scheme)
			if x.user == "" {
				c.User, c.Secret = "", ""
			}
			h.add(t, c)
			h.steps(t, 5*time.Hour+30*time.Minute, 30*time.Minute)
			if n := len(m.letters(t)); n != 0 {
				t.Fatalf("%d letters before it is time", n)
			}
			h.steps(t, 48*time.Hour, 3*time.Hour)
			list := m.letters(t)
			if len(list) != 1 {
				t.Fatalf("%d letters: %v", len(list), h.faults)
			}
			head := list[0].Header
			subject, err := new(mime.WordDecoder).DecodeHeader(head.Get("Subject"))
			if err != nil || subject != "Votre maison cette semaine\u00a0: 3 appareils." {
				t.Errorf("subject %q %v", subject, err)
			}
			for key, want := range map[string]string{
				"X-Mail-From": "home@plimsoll.example", "X-Rcpt-To": "me@plimsoll.example", "Auto-Submitted": "auto-generated", "Content-Language": "fr", "To": "<me@plimsoll.example>", "Bcc": "",
			} {
				if got := head.Get(key); got != want {
					t.Errorf("%s: %q, want %q", key, got, want)
				}
			}
			if at, err := head.Date(); err != nil || at.Sub(evening) < 6*time.Hour {
				t.Errorf("date %v %v", at, err)
			}
			all := parts(t, list[0])
			for kind, want := range map[string][]string{
				"text/plain": {"The Élm", "1. porch Bcc: all@evil.example\ufffd<img src=http://evil.example>\u00a0: Do it. Why not?", "- lamp\u00a0: Light", "https://plimsoll.home/fr/\n", "\n-- \n"},
				"text/html":  {`<html lang="fr">`, "<h1>", "<ol><li><strong><bdi>porch Bcc: all@evil.example\ufffd&lt;img", "<li><strong><bdi>lamp", `<a href="https://plimsoll.home/fr/">`},
			} {
				for _, w := range want {
					if !strings.Contains(all[kind], w) {
						t.Errorf("%s does not say %q:\n%s", kind, w, all[kind])
					}
				}
			}
			for _, bad := range []string{"<img", "src=\"", "url(", "<script", "http://", "@import"} {
				if strings.Contains(strings.ReplaceAll(all["text/html"], "src=http://evil.example", ""), bad) {
					t.Errorf("the letter fetches something: %q", bad)
				}
			}
			if strings.Contains(h.log.String(), "hunter") {
				t.Error("the log has the password")
			}
		})
	}
}

func TestWhatIsWrongWithMailIsSaid(t *testing.T) {
	m := startMail(t, "starttls", "me", "PLAIN")
	plain := startMail(t, "plain", "me", "PLAIN")
	other := issue(t, "localhost")
	l, err := net.Listen("tcp", "127.0.0.1:0") // somebody who speaks something else
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write(bytes.Repeat([]byte("x"), 1<<20)) // a line without an end
			_ = c.Close()
		}
	}()
	_, babble, _ := net.SplitHostPort(l.Addr().String())
	for want, change := range map[string]func(c *notice.Channel){
		"":            func(*notice.Channel) {},
		"password":    func(c *notice.Channel) { c.Secret = "hunter three" },
		"recipient":   func(c *notice.Channel) { c.To = "nobody@plimsoll.example" },
		"certificate": func(c *notice.Channel) { c.CA = other.text },
		"refused":     func(c *notice.Channel) { c.Server = "smtp://localhost:" + freePort(t) },
		"name":        func(c *notice.Channel) { c.Server = "smtp://nowhere.invalid" },
		"nonsense":    func(c *notice.Channel) { c.Server = "smtp://localhost:" + babble },
		// an address that leads to this machine, and does not say so: there, nothing is said in clear
		"no-tls": func(c *notice.Channel) { c.Server = "smtp://0.0.0.0:" + plain.port },
	} {
		h := newHouse(t)
		c := m.channel("smtp")
		change(&c)
		err := h.Test(t.Context(), h.add(t, c))
		if kind(err) != want {
			t.Errorf("%q: %v", want, err)
		}
		if err != nil && strings.Contains(err.Error(), c.Secret) {
			t.Errorf("%s: the error has the password: %v", want, err)
		}
		for _, l := range locale.Languages {
			if want != "" {
				what, do := notice.Say(locale.New(l), want)
				if strings.Contains(what+do, "notice.trouble") {
					t.Errorf("%s has no words in %s", want, l)
				}
			}
		}
	}
	if n := len(plain.letters(t)); n != 0 {
		t.Errorf("%d letters were sent in clear", n)
	}
	if list := m.letters(t); len(list) != 1 {
		t.Errorf("%d letters, want the one that nothing was wrong with", len(list))
	}
}

// What a server says back is not shown where it is the password, in whatever form it was sent.
func TestAServerThatRepeatsThePasswordIsNotQuoted(t *testing.T) {
	const user, secret = "me", "S3cr3t-Word"
	encoded := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for name, x := range map[string]struct {
		ways string
		says func(line string) string // to a line that is not EHLO; "" is 250
		want string
	}{
		"decoded": {"PLAIN", func(line string) string {
			f := strings.Fields(line)
			if f[0] != "AUTH" {
				return ""
			}
			said, _ := base64.StdEncoding.DecodeString(f[2])
			return "535 wrong: " + strings.ReplaceAll(string(said), "\x00", " ")
		}, "password"},
		"the line": {"PLAIN", func(line string) string {
			if strings.HasPrefix(line, "AUTH") {
				return "500 unrecognized: " + line
			}
			return ""
		}, "password"},
		"as no answer": {"PLAIN", func(line string) string {
			if strings.HasPrefix(line, "AUTH") {
				return line
			}
			return ""
		}, "password"},
		"as a question": {"LOGIN", func(line string) string {
			switch line {
			case "AUTH LOGIN":
				return "334 " + encoded("User")
			case encoded(user):
				return "334 " + encoded("Pass")
			case encoded(secret):
				return "334 " + encoded(secret)
			}
			return ""
		}, "password"},
		"later": {"PLAIN", func(line string) string {
			switch f := strings.Fields(line); f[0] {
			case "AUTH":
				return "235 come in"
			case "RCPT":
				return "550 no such person, " + encoded("\x00"+user+"\x00"+secret) + " " + encoded(secret) + " " + secret
			}
			return ""
		}, "recipient"},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			r := bufio.NewReader(c)
			_, _ = io.WriteString(c, "220 x\r\n")
			for {
				text, err := r.ReadString('\n')
				if err != nil {
					return
				}
				says := "250 well"
				if text = strings.TrimSpace(text); strings.HasPrefix(text, "EHLO") {
					says = "250-x\r\n250 AUTH " + x.ways
				} else if s := x.says(text); s != "" {
					says = s
				}
				_, _ = io.WriteString(c, says+"\r\n")
			}
		}()
		h := newHouse(t)
		id := h.add(t, notice.Channel{Kind: notice.Mail, Server: "smtp://" + l.Addr().String(), User: user, Secret: secret, From: "a@x.example", To: "b@x.example"})
		err = h.Test(t.Context(), id)
		if kind(err) != x.want {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, s := range []string{secret, encoded(secret)[:12], encoded("\x00" + user + "\x00" + secret)[:12]} {
			if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(s)) {
				t.Errorf("%s: the error has the password: %v", name, err)
			}
		}
		for said, code := range map[string]string{"decoded": "535", "the line": "500", "later": "no such person"} {
			if name == said && !strings.Contains(err.Error(), code) {
				t.Errorf("%s: %v does not tell %s", name, err, code)
			}
		}
		_ = l.Close()
	}
}

// A line has at most 998 octets (RFC 5322 §2.1.1), whatever a device is called: servers refuse or break longer ones.
func TestNoLineOfALetterIsTooLong(t *testing.T) {
	m := startMail(t, "plain", "", "PLAIN")
	h := newHouse(t)
	c := m.channel("smtp")
	c.User, c.Secret = "", ""
	h.add(t, c)
	h.steps(t, 2*time.Hour, time.Hour)
	name := strings.Repeat("é", 200)
	h.causes = []notice.Cause{{Key: "k", Since: h.now, Class: notice.Harm, Device: "d1", Name: name, What: "it happened", Do: "Do it."}}
	h.steps(t, time.Hour, time.Hour)
	files, err := filepath.Glob(filepath.Join(m.folder, "*.eml"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%d letters, %v, faults %v", len(files), err, h.faults)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for l := range bytes.Lines(data) {
		if n := len(bytes.TrimRight(l, "\r\n")); n > 998 {
			t.Errorf("a line of %d octets: %.60s", n, l)
		}
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.letters(t)[0].Header.Get("Subject"))
	if err != nil || len(subject) < 390 || !strings.HasPrefix(name, strings.TrimSuffix(subject, "…")) {
		t.Errorf("%v %d octets: %s", err, len(subject), subject)
	}
}
