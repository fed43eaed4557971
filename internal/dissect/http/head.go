package http

import (
	"bytes"

	"plimsoll.example/plimsoll/internal/dissect"
)

// head is what the head of a message says.
type head struct {
	host, agent, server               []byte
	contentType, filename             []byte
	authorization, proxyAuthorization []byte
	length                            uint64
	hasLength, chunked                bool
	encoded                           bool // the body is compressed
	mapsPorts                         bool // a request to a gateway
}

// scan reads the fields of a head.
func (h *head) scan(fields []byte) (ok bool) {
	for len(fields) > 0 {
		var name, value []byte
		name, value, fields = Field(fields)
		switch len(name) {
		case 4:
			if h.host == nil && Is(name, "host") {
				h.host = value
			}
		case 6:
			if h.server == nil && Is(name, "server") {
				h.server = value
			}
		case 10:
			if Is(name, "user-agent") {
				h.agent = value
			} else if Is(name, "soapaction") {
				h.mapsPorts = mapsPorts(value)
			}
		case 12:
			if Is(name, "content-type") {
				h.contentType = value
			}
		case 13:
			if Is(name, "authorization") {
				h.authorization = value
			} else if hasPrefix(name[2:], "-soapaction") { // with M-POST the name has a prefix
				h.mapsPorts = mapsPorts(value)
			}
		case 14:
			if Is(name, "content-length") {
				n, ok := number(value)
				if !ok || h.hasLength && n != h.length {
					return false
				}
				h.length, h.hasLength = n, true
			}
		case 16:
			if Is(name, "content-encoding") {
				h.encoded = !Is(value, "identity")
			}
		case 17:
			if Is(name, "transfer-encoding") {
				h.chunked = len(value) >= 7 && Is(value[len(value)-7:], "chunked")
			}
		case 19:
			if Is(name, "content-disposition") {
				h.filename = parameter(value, "filename")
			} else if Is(name, "proxy-authorization") {
				h.proxyAuthorization = value
			}
		}
	}
	return true
}

func mapsPorts(action []byte) bool {
	return bytes.Contains(action, []byte("PortMapping")) || bytes.Contains(action, []byte("Pinhole"))
}

// number reads a length.
func number(b []byte) (n uint64, ok bool) {
	if !digits(b) || len(b) > 16 {
		return 0, false
	}
	for _, c := range b {
		n = n*10 + uint64(c-'0')
	}
	return n, n < maxCount
}

// head tells what a head says, and finds out what follows it. The framing of bodies is that of RFC 9112,
// Section 6.3.
func (r *reader) head(b []byte) dissect.State {
	end := bytes.IndexByte(b, '\n') + 1
	line, fields := trim(b[:end]), b[end:]
	var h head
	ok := h.scan(fields)
	if prefixes(line, "HTTP/1.") {
		code := int(line[9]-'0')*100 + int(line[10]-'0')*10 + int(line[11]-'0')
		r.response(code, &h, fields)
		return r.responseBody(code, &h, ok)
	}
	method, target, _ := bytes.Cut(line, []byte{' '})
	target = target[:bytes.LastIndexByte(target, ' ')]
	r.request(method, trim(target), &h)
	switch {
	case !ok || string(method) == "CONNECT": // what follows is another protocol
		return dissect.Done
	case h.chunked:
		r.at = position{phase: atSize, chunked: true}
	case h.length > 0:
		r.at = position{phase: inBody, count: h.length}
	default:
		return dissect.Next
	}
	switch {
	case h.encoded:
	case h.mapsPorts && h.length <= maxBody:
		r.at.interest = aControl
	case h.length <= maxForm && hasPrefix(h.contentType, "application/x-www-form-urlencoded"):
		r.at.interest = aForm
	}
	return dissect.Next
}

func (r *reader) responseBody(code int, h *head, ok bool) dissect.State {
	switch {
	case !ok || code == 101: // another protocol follows
		return dissect.Done
	case code < 200 || code == 204 || code == 304:
		return dissect.Next
	case h.chunked:
		r.at = position{phase: atSize, chunked: true}
	case !h.hasLength:
		r.at = position{phase: inBody, count: toTheEnd}
	case h.length > 0:
		r.at = position{phase: inBody, count: h.length}
	default:
		return dissect.Next
	}
	if !h.encoded && h.length <= maxBody {
		switch {
		case isXML(h.contentType):
			r.at.interest = aDescription
		case hasPrefix(h.contentType, "text/html"):
			r.at.interest = aPage
		}
	}
	if r.at.count == toTheEnd && r.at.interest == nothing {
		return dissect.Done
	}
	return dissect.Next
}

func isXML(contentType []byte) bool {
	return hasPrefix(contentType, "text/xml") || hasPrefix(contentType, "application/xml")
}

func (r *reader) request(method, target []byte, h *head) {
	host, path := h.host, target
	switch {
	case string(method) == "CONNECT":
		host, path = target, nil
	case len(target) > 0 && target[0] != '/' && target[0] != '*': // absolute form
		if _, rest, ok := bytes.Cut(target, []byte("://")); ok {
			i := bytes.IndexByte(rest, '/')
			if i < 0 {
				i = len(rest)
			}
			host, path = rest[:i], rest[i:]
		}
	}
	var query []byte
	if i := bytes.IndexAny(path, "?#"); i >= 0 {
		path, query = path[:i], path[i+1:]
	}
	var buf [64]byte
	host = r.hostname(buf[:0], host)
	r.out.Add("http.host", host)
	r.out.Field("method", method)
	var room [2 * maxPath]byte
	r.out.Field("path", AppendPath(room[:0], path))
	if len(h.agent) > 0 {
		r.out.Add("http.user_agent", h.agent)
	}
	r.contentType(h, "client")
	for _, a := range [...][]byte{h.authorization, h.proxyAuthorization} {
		r.authorization(host, a)
	}
	if len(query) > 0 {
		r.credentials(host, query, "query")
	}
}

// hostname appends host without a port or a user, in lower case. Where there is none, it is the address.
func (r *reader) hostname(dst, host []byte) []byte {
	host, _, _ = bytes.Cut(host, []byte{' '})
	if i := bytes.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && digits(host[i+1:]) && bytes.IndexByte(host[i:], ']') < 0 {
		host = host[:i]
	}
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	if len(host) == 0 && r.Dst.IsValid() {
		return r.Dst.Addr().AppendTo(dst)
	}
	return AppendLower(dst, host[:min(len(host), 255)])
}

func (r *reader) response(code int, h *head, fields []byte) {
	r.out.AddUint("http.status", uint64(code))
	if len(h.server) > 0 {
		r.out.Add("http.server", h.server)
	}
	r.contentType(h, "server")
	if code == 401 {
		r.realms(fields)
	}
}

// contentType tells the type of the body, without its parameters.
func (r *reader) contentType(h *head, side string) {
	if len(h.contentType) == 0 {
		return
	}
	name, _, _ := bytes.Cut(h.contentType, []byte{';'})
	name = trim(name[:min(len(name), 128)])
	var buf [64]byte
	r.out.Add("http.content_type", AppendLower(buf[:0], name))
	r.out.FieldString("side", side)
	if h.hasLength {
		r.out.FieldUint("length", h.length)
	}
	if len(h.filename) > 0 {
		r.out.Field("filename", h.filename[:min(len(h.filename), 128)])
	}
}
