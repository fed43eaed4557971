package probe

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/assess"
)

// The octets of Telnet (RFC 854).
const (
	iac  = 255
	dont = 254
	do   = 253
	wont = 252
	will = 251
	sb   = 250
	se   = 240
)

// options takes the commands out of what a Telnet server says, and answers all that it asks for: no.
func options(b []byte) (text, answer []byte) {
	for i := 0; i < len(b); i++ {
		if b[i] != iac {
			if b[i] != 0 {
				text = append(text, b[i])
			}
			continue
		}
		if i++; i >= len(b) {
			break
		}
		switch b[i] {
		case iac:
			text = append(text, iac)
		case do, dont, will, wont:
			if i+1 >= len(b) {
				return text, answer
			}
			switch b[i] {
			case do:
				answer = append(answer, iac, wont, b[i+1])
			case will:
				answer = append(answer, iac, dont, b[i+1])
			}
			i++
		case sb:
			end := bytes.Index(b[i:], []byte{iac, se})
			if end < 0 {
				return text, answer
			}
			i += end + 1
		}
	}
	return text, answer
}

var (
	prompts       = regexp.MustCompile(`(?i)(login|user ?name|user|account|password|pass)( ?\([^)]*\))?\s*[:>]$`)
	passwordAsked = regexp.MustCompile(`(?i)pass(word)?\s*[:>]$`)
	shells        = regexp.MustCompile(`(^|\n)[^\n]{0,60}[#$>~]$`)
	sorry         = regexp.MustCompile(`(?i)(incorrect|invalid|denied|fail|wrong|bad |error)`)
	enough        = regexp.MustCompile(`(?i)(too many|locked|try again later|blocked|maximum)`)
)

// dialogue reads until a prompt, saying no to all options.
func dialogue(c *conn, patience time.Duration) string {
	var text []byte
	end := time.Now().Add(patience)
	for len(text) < 8<<10 && time.Now().Before(end) {
		b := c.until(1024, time.Until(end), func(b []byte) bool { return len(b) > 0 })
		if len(b) == 0 {
			break
		}
		part, answer := options(b)
		text = append(text, part...)
		if len(answer) > 0 {
			if _, err := c.Write(answer); err != nil {
				break
			}
		}
		if at := bytes.TrimRight(text, " \t"); prompts.Match(at) || shells.Match(at) {
			break
		}
	}
	return strings.TrimRight(strings.ReplaceAll(string(text), "\r", ""), " \t")
}

// telnet looks at a Telnet server.
func (r *run) telnet(ctx context.Context, port uint16) string {
	from, name := r.next(), portName("tcp", port)
	c, err := r.dial(ctx, "tcp", port, "listen for a prompt")
	if err != nil {
		return ""
	}
	text := dialogue(c, 2*r.greet)
	c.received("%s", text)
	_ = c.Close()
	switch {
	case prompts.MatchString(text):
		r.found("legacy.service", assess.Bad, name, "Telnet: all that is typed can be read on the network", from)
		r.found("login.clear", assess.Bad, name, "Telnet asks for a name and a password", from)
		r.logins(ctx, name, func(ctx context.Context, k Credential) (answer, error) { return r.telnetLogin(ctx, port, k) })
	case shells.MatchString(text):
		r.found("legacy.service", assess.Bad, name, "Telnet: all that is typed can be read on the network", from)
		r.found("access.open", assess.Bad, name, "Telnet gives a shell to anybody", from)
		r.found("debug.open", assess.Bad, name, "Telnet gives a shell to anybody", from)
	case text == "":
		return ""
	}
	return "telnet"
}

func (r *run) telnetLogin(ctx context.Context, port uint16, k Credential) (answer, error) {
	c, err := r.dial(ctx, "tcp", port, "log in")
	if err != nil {
		return unknown, err
	}
	defer c.Close()
	text := dialogue(c, 2*r.greet)
	if enough.MatchString(text) {
		return held, nil
	}
	if !prompts.MatchString(text) {
		return unknown, fmt.Errorf("no prompt")
	}
	if !passwordAsked.MatchString(text) {
		if _, err := c.Write([]byte(k.User + "\r\n")); err != nil {
			return unknown, err
		}
		text = dialogue(c, 2*r.greet)
	}
	if passwordAsked.MatchString(text) {
		if _, err := c.Write([]byte(k.Password + "\r\n")); err != nil {
			return unknown, err
		}
		text = dialogue(c, 3*r.greet)
	}
	switch {
	case enough.MatchString(text):
		c.received("no more log-ins")
		return held, nil
	case sorry.MatchString(text), prompts.MatchString(text):
		c.received("refused")
		return refused, nil
	case shells.MatchString(text):
		c.received("accepted")
		return accepted, nil
	}
	c.received("no answer that is understood")
	return unknown, nil
}
