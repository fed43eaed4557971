package http

import "bytes"

// Field divides head after its first line, and that line into the name and the value of a header field
// (RFC 9112, Section 5). The name is nil if the line is not a field.
func Field(head []byte) (name, value, rest []byte) {
	line := head
	if i := bytes.IndexByte(head, '\n'); i >= 0 {
		line, rest = head[:i], head[i+1:]
	}
	i := bytes.IndexByte(line, ':')
	if i <= 0 || line[0] == ' ' || line[0] == '\t' {
		return nil, nil, rest
	}
	return trim(line[:i]), trim(line[i+1:]), rest
}

// trim is b without the white space around it.
func trim(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// Is reports whether b is word, which is in lower case, in any case of ASCII.
func Is(b []byte, word string) bool {
	return len(b) == len(word) && hasPrefix(b, word)
}

// hasPrefix reports whether b begins with word, which is in lower case, in any case of ASCII.
func hasPrefix(b []byte, word string) bool {
	if len(b) < len(word) {
		return false
	}
	for i := range len(word) {
		if lower(b[i]) != word[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// AppendLower appends b in lower case.
func AppendLower(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, lower(c))
	}
	return dst
}

// parameter is the value of a parameter in a list such as a="b", c=d; name is in lower case. Parameters
// are divided by commas, semicolons or spaces.
func parameter(list []byte, name string) []byte {
	for len(list) > 0 {
		list = bytes.TrimLeft(list, " \t,;")
		i := bytes.IndexAny(list, "=,; ")
		if i < 0 {
			return nil
		}
		key := list[:i]
		if list[i] != '=' {
			list = list[i:]
			continue
		}
		var value []byte
		if list = list[i+1:]; len(list) > 0 && list[0] == '"' {
			value, list, _ = bytes.Cut(list[1:], []byte{'"'})
		} else if i := bytes.IndexAny(list, ",; "); i >= 0 {
			value, list = list[:i], list[i:]
		} else {
			value, list = list, nil
		}
		if Is(key, name) {
			return value
		}
	}
	return nil
}
