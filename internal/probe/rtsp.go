package probe

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"net/textproto"
	"strconv"
	"strings"

	"plimsoll.example/plimsoll/internal/assess"
)

// rtsp looks at an RTSP server (RFC 2326): whether it gives its pictures to anybody.
func (r *run) rtsp(ctx context.Context, port uint16) string {
	from, name := r.next(), portName("tcp", port)
	p, err := r.describe(ctx, port, "", "DESCRIBE")
	if err != nil {
		return ""
	}
	switch {
	case p.status == 200 && bytes.Contains(p.body, []byte("m=")):
		r.found("access.open", assess.Bad, name, "RTSP gives pictures or sound to anybody", from)
	case p.status == 401:
		c := challengeOf(p)
		if c.scheme == "basic" {
			r.found("login.clear", assess.Bad, name, "RTSP asks for a password by Basic", from)
		} else if c.weak() {
			r.found("login.weak", assess.Bad, name, "RTSP asks for a password by Digest with MD5", from)
		}
		r.logins(ctx, name, func(ctx context.Context, k Credential) (answer, error) {
			p, err := r.describe(ctx, port, "", "ask how to log in")
			if err != nil {
				return unknown, err
			}
			field := challengeOf(p).answer(k, "DESCRIBE", r.rtspURL(port))
			if field == "" {
				return said(p.status), nil
			}
			if p, err = r.describe(ctx, port, field, "log in"); err != nil {
				return unknown, err
			}
			return said(p.status), nil
		})
	}
	return "rtsp"
}

func (r *run) rtspURL(port uint16) string {
	return "rtsp://" + netip.AddrPortFrom(r.Address.WithZone(""), port).String() + "/"
}

func (r *run) describe(ctx context.Context, port uint16, authorization, what string) (*page, error) {
	c, err := r.dial(ctx, "tcp", port, what)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	q := "DESCRIBE " + r.rtspURL(port) + " RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: plimsoll-probe\r\nAccept: application/sdp\r\n"
	if authorization != "" {
		q += "Authorization: " + authorization + "\r\n"
	}
	if _, err := c.Write([]byte(q + "\r\n")); err != nil {
		return nil, err
	}
	text := c.until(16<<10, 2*r.greet, wholeReply)
	p, err := parseRTSP(text)
	if err != nil {
		return nil, err
	}
	c.received("RTSP %d %s", p.status, p.header.Get("Server"))
	p.n = c.n
	return p, nil
}

// wholeReply reports whether a reply has its head, and as much behind it as the head says.
func wholeReply(b []byte) bool {
	head, body, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok {
		return false
	}
	for line := range bytes.Lines(head) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(bytes.TrimSpace(name), []byte("content-length")) {
			n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
			return err != nil || len(body) >= n
		}
	}
	return true
}

// parseRTSP reads a reply (RFC 2326, Section 7).
func parseRTSP(text []byte) (*page, error) {
	in := textproto.NewReader(bufio.NewReader(bytes.NewReader(text)))
	line, err := in.ReadLine()
	if err != nil || !strings.HasPrefix(line, "RTSP/1.") || len(line) < 12 {
		return nil, fmt.Errorf("no RTSP: %.40q", line)
	}
	status, err := strconv.Atoi(line[9:12])
	if err != nil {
		return nil, fmt.Errorf("no RTSP: %.40q", line)
	}
	header, err := in.ReadMIMEHeader()
	if err != nil {
		return nil, fmt.Errorf("read the head: %w", err)
	}
	_, body, _ := bytes.Cut(text, []byte("\r\n\r\n"))
	return &page{status: status, header: map[string][]string(header), body: body}, nil
}
