package rtsp

import (
	"bytes"

	"plimsoll.example/plimsoll/internal/dissect/http"
)

const maxPath = 128 // octets of an address that are told; http.AppendPath has the same

// address is the target of a request without what is nobody's business.
type address struct {
	scheme, host, path []byte // rtsp://, camera.example:554, /live/
	user               []byte
	password           bool // the target holds one
}

// parse takes a target apart. Many cameras take parameters, and passwords among them, in the path as
// well as in the query; the path ends where they begin.
func parse(target []byte) (a address, ok bool) {
	at := bytes.Index(target, []byte("//"))
	if at < 0 || at > len("rtsps:") {
		return a, false
	}
	a.scheme = target[:at+2]
	rest, query, _ := bytes.Cut(target[at+2:], []byte("?"))
	// A password may hold a slash or an @ that nobody escaped.
	if at := bytes.LastIndexByte(rest, '@'); at >= 0 {
		a.user, _, a.password = bytes.Cut(rest[:at], []byte(":"))
		rest = rest[at+1:]
	}
	a.host = rest
	if at := bytes.IndexByte(rest, '/'); at >= 0 {
		a.host, a.path = rest[:at], rest[at:]
	}
	if at := bytes.IndexAny(a.path, ";&="); at >= 0 {
		a.password = a.password || secret(a.path)
		a.path = a.path[:bytes.LastIndexByte(a.path[:at], '/')+1]
	}
	a.password = a.password || secret(query)
	return a, hostPort(a.host)
}

func (a *address) append(b []byte) []byte {
	for _, part := range [...][]byte{a.scheme, a.host} {
		b = append(b, part[:min(len(part), maxPath-len(b))]...)
	}
	return http.AppendPath(b, a.path) // of some cameras the path alone lets one in
}

// hostPort reports whether b can be a host with or without a port: what looks like one may be a user
// and the beginning of a password.
func hostPort(b []byte) bool {
	host, port, _ := bytes.Cut(b, []byte(":"))
	if at := bytes.IndexByte(b, ']'); at >= 0 && b[0] == '[' {
		host, port = b[1:at], bytes.TrimPrefix(b[at+1:], []byte(":"))
	}
	for _, c := range host {
		if c != '.' && c != '-' && c != '_' && c != ':' && c != '%' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	for _, c := range port {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(host) > 0
}

// secret reports whether b holds a parameter with a password that is not empty.
func secret(b []byte) bool {
	for _, name := range [...]string{"password=", "passwd=", "pwd=", "pass="} {
		for at := 0; at+len(name) < len(b); at++ {
			if bytes.EqualFold(b[at:at+len(name)], []byte(name)) {
				next := b[at+len(name)]
				return next != '&' && next != '_' && next != ';'
			}
		}
	}
	return false
}
