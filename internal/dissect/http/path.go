package http

import "bytes"

const (
	maxPath  = 128 // octets of a path that are told
	leastKey = 16  // octets of a part of a path that may be a key
)

// AppendPath appends the path of a target, with an asterisk for each part that may be a secret: bridges and hooks
// take the key of who asks, or of whom they tell, as a part of the path.
func AppendPath(dst, path []byte) []byte {
	path, _, _ = bytes.Cut(path, []byte{';'}) // parameters, such as the identifier of a session (RFC 3986, Section 3.3)
	var before []byte
	for len(path) > 0 && len(dst) < maxPath {
		var part []byte
		i := bytes.IndexByte(path, '/')
		if i < 0 {
			i = len(path)
		}
		if part = path[:i]; isKey(part, Is(before, "api")) {
			part = []byte{'*'}
		}
		dst, before = append(dst, part[:min(len(part), maxPath)]...), part
		if path = path[i:]; len(path) > 0 {
			dst, path = append(dst, '/'), path[1:]
		}
	}
	return dst[:min(len(dst), maxPath)]
}

// isKey reports whether a part of a path is made as keys are: of letters and several digits, and long. What follows
// an api may be shorter. A name with a password is one in any length.
func isKey(part []byte, afterAPI bool) bool {
	if at := bytes.LastIndexByte(part, '@'); at > 0 && bytes.IndexByte(part[:at], ':') >= 0 {
		return true
	}
	letters, digits := 0, 0
	for _, c := range part {
		switch {
		case '0' <= c && c <= '9':
			digits++
		case 'a' <= lower(c) && lower(c) <= 'z':
			letters++
		case c != '-' && c != '_' && c != '=' && c != '%' && c != '~' && c != ':' && c != '+':
			return false
		}
	}
	if afterAPI {
		return len(part) >= 10 && digits >= 2
	}
	return len(part) >= leastKey && digits >= 3 && (letters > 0 || digits >= leastKey)
}
