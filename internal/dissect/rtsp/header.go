package rtsp

import (
	"bytes"
	"encoding/base64"

	"plimsoll.example/plimsoll/internal/dissect"
)

const (
	maxUser    = 64
	base64Size = 256 // octets of credentials that are decoded
)

// header holds the headers that say something; those that are not there are nil.
type header struct {
	server, userAgent, transport, authenticate, authorization []byte
	length                                                    uint64 // of the body
	sdp                                                       bool   // the body is a description
}

// headers reads header lines.
func headers(b []byte) (h header) {
	for line := range bytes.Lines(b) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		value = bytes.TrimSpace(value)
		switch {
		case is(name, "server"):
			h.server = value
		case is(name, "user-agent"):
			h.userAgent = value
		case is(name, "www-authenticate"):
			// There may be several; the last is commonly the simplest.
			h.authenticate = value
		case is(name, "authorization"):
			h.authorization = value
		case is(name, "transport"):
			h.transport = value
			if at := bytes.IndexAny(value, ";,"); at >= 0 {
				h.transport = value[:at]
			}
		case is(name, "content-length"):
			h.length = number(value)
		case is(name, "content-type"):
			const sdp = "application/sdp"
			h.sdp = len(value) >= len(sdp) && is(value[:len(sdp)], sdp)
		}
	}
	return h
}

func is(b []byte, name string) bool { return len(b) == len(name) && bytes.EqualFold(b, []byte(name)) }

// number is the decimal number that b is, up to nine digits; else 0.
func number(b []byte) (v uint64) {
	if len(b) > 9 {
		return 0
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0
		}
		v = v*10 + uint64(c-'0')
	}
	return v
}

func request(m *dissect.Message, out *dissect.Facts, method, target []byte, h *header) {
	out.Add("rtsp.method", method)
	if a, ok := parse(target); ok {
		var buf [maxPath]byte
		out.Add("rtsp.uri", a.append(buf[:0]))
		out.Field("method", method)
		if a.password {
			cleartext(m, out, "uri", a.user)
		}
	}
	text(out, "rtsp.user_agent", h.userAgent)

	scheme, rest, _ := bytes.Cut(h.authorization, []byte(" "))
	switch {
	case is(scheme, "basic"):
		var buf [base64Size]byte
		rest = bytes.TrimSpace(rest)
		rest = rest[:min(len(rest), base64Size)]
		n, _ := base64.StdEncoding.Decode(buf[:], rest) // what was decoded before an error will do
		name, _, ok := bytes.Cut(buf[:n], []byte(":"))
		if !ok {
			name = nil
		}
		cleartext(m, out, "basic", name)
	case is(scheme, "digest"):
		cleartext(m, out, "digest", parameter(rest, "username"))
	}
}

func response(out *dissect.Facts, status []byte, h *header) {
	out.Add("rtsp.status", status)
	text(out, "rtsp.server", h.server)
	if realm := parameter(h.authenticate, "realm"); len(realm) > 0 {
		out.Add("rtsp.realm", realm)
		scheme, _, _ := bytes.Cut(h.authenticate, []byte(" "))
		out.Field("scheme", scheme)
	}
}

func cleartext(m *dissect.Message, out *dissect.Facts, scheme string, user []byte) {
	out.AddString("auth.cleartext", "rtsp")
	out.FieldString("scheme", scheme)
	if len(user) > 0 {
		out.Field("user", user[:min(len(user), maxUser)])
	}
	if a := m.Dst.Addr(); a.IsValid() {
		out.FieldAddr("server", a)
	}
}

// parameter is the quoted value of a parameter such as realm="Camera".
func parameter(b []byte, name string) []byte {
	for len(b) > 0 {
		at := bytes.IndexByte(b, '=')
		if at < 0 {
			return nil
		}
		key := bytes.TrimLeft(b[:at], ", \t")
		if space := bytes.LastIndexByte(key, ' '); space >= 0 {
			key = key[space+1:]
		}
		b = b[at+1:]
		value := b
		if len(b) > 0 && b[0] == '"' {
			end := bytes.IndexByte(b[1:], '"')
			if end < 0 {
				return nil
			}
			value, b = b[1:1+end], b[2+end:]
		} else if end := bytes.IndexByte(b, ','); end >= 0 {
			value, b = b[:end], b[end:]
		} else {
			b = nil
		}
		if is(key, name) {
			return value
		}
	}
	return nil
}

// description reads what a Session Description (RFC 8866) says of the device and of its media.
func description(out *dissect.Facts, b []byte) {
	const maxMedia = 4
	var name, tool []byte
	var buf [maxMedia * 32]byte
	media, n := buf[:0], 0
	for line := range bytes.Lines(b) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) < 2 || line[1] != '=' {
			continue
		}
		switch value := line[2:]; line[0] {
		case 's':
			name = value
		case 'a':
			if t, ok := bytes.CutPrefix(value, []byte("tool:")); ok {
				tool = bytes.TrimSpace(t)
			}
		case 'm':
			kind, _, _ := bytes.Cut(value, []byte(" "))
			if n == maxMedia || len(kind) > 30 {
				continue
			}
			if n++; n > 1 {
				media = append(media, ',')
			}
			media = append(media, kind...)
		}
	}
	out.Add("rtsp.sdp", name)
	if len(tool) > 0 {
		out.Field("tool", tool)
	}
	if len(media) > 0 {
		out.Field("media", media)
	}
}

func text(out *dissect.Facts, name string, v []byte) {
	if len(v) > 0 {
		out.Add(name, v)
	}
}
