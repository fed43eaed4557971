package probe

import (
	"context"
	"fmt"
	"strings"

	"plimsoll.example/plimsoll/internal/assess"
)

// ftp looks at an FTP server (RFC 959).
func (r *run) ftp(ctx context.Context, port uint16) string {
	from, name := r.next(), portName("tcp", port)
	a, err := r.ftpLogin(ctx, port, Credential{"anonymous", "probe@"}, "log in as anonymous")
	if err != nil && a == unknown {
		return ""
	}
	r.found("legacy.service", assess.Bad, name, "FTP: names, passwords and files can be read on the network", from)
	if a == accepted {
		r.found("access.open", assess.Bad, name, "FTP takes anybody as anonymous", from)
		return "ftp"
	}
	r.found("login.clear", assess.Bad, name, "FTP asks for a name and a password", from)
	r.logins(ctx, name, func(ctx context.Context, k Credential) (answer, error) { return r.ftpLogin(ctx, port, k, "log in") })
	return "ftp"
}

func (r *run) ftpLogin(ctx context.Context, port uint16, k Credential, what string) (answer, error) {
	c, err := r.dial(ctx, "tcp", port, what)
	if err != nil {
		return unknown, err
	}
	defer c.Close()
	line := ftpReply(c, "")
	if !strings.HasPrefix(line, "220") {
		if strings.HasPrefix(line, "421") {
			return held, nil
		}
		return unknown, fmt.Errorf("no FTP: %.40q", line)
	}
	line = ftpReply(c, "USER "+k.User)
	if strings.HasPrefix(line, "331") {
		line = ftpReply(c, "PASS "+k.Password)
	}
	switch {
	case strings.HasPrefix(line, "230"), strings.HasPrefix(line, "202"):
		c.received("230: accepted")
		return accepted, nil
	case strings.HasPrefix(line, "421"):
		c.received("421: no more log-ins")
		return held, nil
	case strings.HasPrefix(line, "5"), strings.HasPrefix(line, "4"), strings.HasPrefix(line, "33"):
		c.received("%.3s: refused", line)
		return refused, nil
	}
	return unknown, fmt.Errorf("no answer")
}

// ftpReply sends a command, and reads its reply: the last line of several.
func ftpReply(c *conn, command string) string {
	if command != "" {
		if _, err := c.Write([]byte(command + "\r\n")); err != nil {
			return ""
		}
	}
	text := c.until(4<<10, 2*c.r.greet, func(b []byte) bool { return lastReply(string(b)) != "" })
	return lastReply(string(text))
}

// lastReply is the line that ends a reply, which has a space behind its code (RFC 959, Section 4.2); "" if it is not there.
func lastReply(text string) string {
	for line := range strings.Lines(text) {
		if strings.HasSuffix(line, "\n") && len(line) >= 4 && line[3] == ' ' && line[0] >= '1' && line[0] <= '5' {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
