package upnp

import (
	"bytes"
	"unicode/utf8"
)

// elements walks the start tags of a document. It looks at each octet once, keeps nothing, and takes what
// devices really write: it does not care whether tags match. The kinds of document read here never need that.
type elements struct{ rest []byte }

// next is the name of the next element, without its prefix, and the text up to the next tag as it stands.
func (e *elements) next() (name, text []byte, ok bool) {
	for {
		i := bytes.IndexByte(e.rest, '<')
		if i < 0 || i+1 == len(e.rest) {
			return nil, nil, false
		}
		e.rest = e.rest[i:]
		switch e.rest[1] {
		case '/', '?':
			ok = e.skip(">")
		case '!':
			switch {
			case bytes.HasPrefix(e.rest, []byte("<!--")):
				ok = e.skip("-->")
			case bytes.HasPrefix(e.rest, []byte("<![CDATA[")):
				ok = e.skip("]]>")
			default:
				ok = e.skip(">")
			}
		default:
			return e.start()
		}
		if !ok {
			return nil, nil, false
		}
	}
}

// skip goes on after end.
func (e *elements) skip(end string) bool {
	i := bytes.Index(e.rest, []byte(end))
	if i < 0 {
		return false
	}
	e.rest = e.rest[i+len(end):]
	return true
}

// start reads a start tag and the text behind it.
func (e *elements) start() (name, text []byte, ok bool) {
	quote, end := byte(0), -1
	for i, c := range e.rest {
		if quote != 0 {
			if c == quote {
				quote = 0
			}
		} else if c == '"' || c == '\'' {
			quote = c
		} else if c == '>' {
			end = i
			break
		}
	}
	if end < 0 {
		return nil, nil, false
	}
	name, empty := e.rest[1:end], e.rest[end-1] == '/'
	e.rest = e.rest[end+1:]
	if i := bytes.IndexAny(name, " \t\r\n/"); i >= 0 {
		name = name[:i]
	}
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	if empty {
		return name, nil, true
	}
	const cdata = "<![CDATA["
	if body := bytes.TrimLeft(e.rest, " \t\r\n"); bytes.HasPrefix(body, []byte(cdata)) {
		text, _, _ = bytes.Cut(body[len(cdata):], []byte("]]>"))
		return name, text, true
	}
	text = e.rest
	if i := bytes.IndexByte(text, '<'); i >= 0 {
		text = text[:i]
	}
	return name, text, true
}

// AppendText appends the text of an element, without the white space around it, with what is inside made
// single spaces, and with the references of XML resolved. It appends at most as many octets as text has.
func AppendText(dst, text []byte) []byte {
	text = bytes.TrimSpace(text)
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case '&':
			r, n := reference(text[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
		case ' ', '\t', '\r', '\n':
			if last := len(dst) - 1; last < 0 || dst[last] != ' ' {
				dst = append(dst, ' ')
			}
			i++
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}

// reference is the character that text begins with a reference to, and the size of the reference. An
// ampersand that begins none stands for itself.
func reference(text []byte) (r rune, n int) {
	const longest = len("&#x10FFFF;")
	end := bytes.IndexByte(text[:min(len(text), longest)], ';')
	if end < 2 {
		return '&', 1
	}
	switch word := text[1:end]; string(word) {
	case "amp":
		r = '&'
	case "lt":
		r = '<'
	case "gt":
		r = '>'
	case "quot":
		r = '"'
	case "apos":
		r = '\''
	default:
		if r = number(word); r == 0 {
			return '&', 1
		}
	}
	return r, end + 1
}

// number is the character of a reference such as #233 or #xe9, or 0.
func number(word []byte) (r rune) {
	if word[0] != '#' {
		return 0
	}
	base, digits := rune(10), word[1:]
	if len(digits) > 0 && digits[0]|0x20 == 'x' {
		base, digits = 16, digits[1:]
	}
	for _, c := range digits {
		d := rune(0xff)
		switch {
		case '0' <= c && c <= '9':
			d = rune(c - '0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			d = rune(c|0x20-'a') + 10
		}
		if d >= base {
			return 0
		}
		r = r*base + d
	}
	if !utf8.ValidRune(r) {
		return 0
	}
	return r
}
