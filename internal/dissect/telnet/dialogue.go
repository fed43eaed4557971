package telnet

import (
	"bytes"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/line"
)

const (
	maxText  = 768 // octets of banner and current line that are kept
	maxUser  = 64  // octets of a user name
	maxLines = 64  // lines without a prompt, after which nobody is logging in any more
)

// dialogue is what the server has said so far, its commands taken out. It lives in Message.Scratch
// between two calls.
type dialogue struct {
	over  bool   // nothing of interest follows
	told  bool   // the banner was
	asked prompt // the last that was told of the current line
	lines uint8  // since the last prompt
	users uint8  // octets of user
	texts int    // octets of text
	user  [maxUser]byte
	text  [maxText]byte // the banner unless it was told, then the current line
}

const header = 4 // octets of told, asked, lines, users

// prompt is what the server asks for.
type prompt byte

const (
	nothing prompt = iota
	login
	password
	shell
)

func (p prompt) String() string { return [...]string{"", "login", "password", "shell"}[p&3] }

func (d *dialogue) save(b []byte) []byte {
	var told byte
	if d.told {
		told = 1
	}
	b = append(b, told, byte(d.asked), d.lines, d.users)
	b = append(b, d.user[:d.users]...)
	return append(b, d.text[:d.texts]...)
}

func (d *dialogue) load(b []byte) {
	if len(b) < header || int(b[3]) > min(len(b)-header, maxUser) {
		return
	}
	d.told, d.asked, d.lines, d.users = b[0] != 0, prompt(b[1]), b[2], b[3]
	b = b[header:]
	copy(d.user[:], b[:d.users])
	d.texts = copy(d.text[:], b[d.users:])
}

// current is the line that has not ended.
func (d *dialogue) current() []byte {
	t := d.text[:d.texts]
	return t[bytes.LastIndexByte(t, '\n')+1:]
}

func (d *dialogue) octet(c byte, m *dissect.Message, out *dissect.Facts) {
	switch {
	case c == '\n':
		d.endLine(m, out)
	case c == '\b' && len(d.current()) > 0:
		d.texts--
	case c < ' ' && c != '\t':
	case d.texts < maxText:
		d.text[d.texts] = c
		d.texts++
	}
}

// endLine looks at a line that is whole: it may hold a prompt and, if the server echoes, the answer to it.
func (d *dialogue) endLine(m *dissect.Message, out *dissect.Facts) {
	if d.lines++; d.lines > maxLines {
		d.over = true
		return
	}
	kind, from, to := find(d.current())
	if kind == nothing {
		d.texts = min(d.texts, maxText-1)
		d.text[d.texts] = '\n'
		d.texts++
		if d.told || d.texts > maxText/2 {
			d.tellBanner(out)
		}
		return
	}
	d.tellPrompt(kind, from, to, out)
	answer := bytes.TrimSpace(d.current()[to:])
	switch {
	case kind == password:
		d.tellLogin(m, out)
	case bytes.IndexByte(answer, ' ') < 0:
		d.users = uint8(copy(d.user[:], answer))
	}
	d.texts, d.asked = 0, nothing
}

// pause is called when the server has said all it had to say for now, as it does to wait for an answer. It may
// be the last that is heard of it.
func (d *dialogue) pause(out *dissect.Facts) {
	d.tellBanner(out)
	l := d.current()
	if kind, from, to := find(l); kind != nothing {
		if len(bytes.TrimSpace(l[to:])) == 0 {
			d.tellPrompt(kind, from, to, out)
		}
	} else if isShell(l) {
		d.tellPrompt(shell, 0, len(l), out)
		d.over = true // from here on it is somebody's work
	}
}

// tellBanner tells what came before the current line, once, and forgets it.
func (d *dialogue) tellBanner(out *dissect.Facts) {
	l := d.current()
	if b := bytes.TrimSpace(d.text[:d.texts-len(l)]); len(b) > 0 && !d.told {
		out.Add("telnet.banner", b)
		d.told = true
	}
	d.texts = copy(d.text[:], l)
}

// tellPrompt tells the prompt that is between two places of the current line, unless that was done.
func (d *dialogue) tellPrompt(kind prompt, from, to int, out *dissect.Facts) {
	d.tellBanner(out)
	d.told = true // what comes after a prompt is no banner
	if d.asked != kind {
		out.Add("telnet.prompt", bytes.TrimSpace(d.text[from:to]))
		out.FieldString("kind", kind.String())
	}
	d.asked, d.lines = kind, 0
}

// tellLogin tells that the receiver answered the question for a password, for the line that asked it has ended.
func (d *dialogue) tellLogin(m *dissect.Message, out *dissect.Facts) {
	out.About(m.DstMAC)
	out.AddString("auth.cleartext", "telnet")
	if d.users > 0 {
		out.Field("user", d.user[:d.users])
	}
	out.FieldAddr("server", m.Src.Addr())
	out.About(m.SrcMAC)
	d.users = 0
}

// find looks for a question for a password in the line, else for the last one for a name. Where the server does not echo, the
// second follows the first at once.
func find(l []byte) (kind prompt, from, to int) {
	for i, c := range l {
		if c != ':' {
			continue
		}
		asked := bytes.TrimRight(l[:i], " ")
		switch {
		case ends(asked, "LAST LOGIN"): // told after the login
		case ends(asked, "LOGIN"), ends(asked, "USERNAME"), ends(asked, "USER NAME"), ends(asked, "USER"):
			kind, from, to = login, to, i+1
		case ends(asked, "PASSWORD"), ends(asked, "PASSWD"):
			return password, to, i + 1 // what follows may be an answer that is nobody's business
		}
	}
	return kind, from, to
}

func ends(b []byte, keyword string) bool {
	return len(b) >= len(keyword) && line.Has(b[len(b)-len(keyword):], keyword)
}

// isShell reports whether the line is the prompt of a shell that waits: "# ", "~ $ ", "router> ".
func isShell(l []byte) bool {
	if len(l) < 2 || len(l) > 64 || l[len(l)-1] != ' ' {
		return false
	}
	l = l[:len(l)-1]
	mark := l[len(l)-1]
	return (mark == '#' || mark == '$' || mark == '>') && (len(l) == 1 || l[len(l)-2] != mark)
}
