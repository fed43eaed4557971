package device

import (
	"unicode"
	"unicode/utf8"
)

// Printable is b as text that can be shown to anyone: cut at limit octets, what is not printable written as \xNN.
func Printable(b []byte, limit int) string {
	if len(b) <= limit && plain(b) {
		return string(b)
	}
	return string(appendPrintable(make([]byte, 0, len(b)+len(b)/2+16), b, limit))
}

// appendPrintable appends what Printable is.
func appendPrintable(text, b []byte, limit int) []byte {
	more := ""
	if len(b) > limit {
		n := limit
		for n > 0 && n > limit-utf8.UTFMax && !utf8.RuneStart(b[n]) { // not within a character
			n--
		}
		b, more = b[:n], "…"
	}
	if plain(b) {
		return append(append(text, b...), more...)
	}
	const hex = "0123456789abcdef"
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == '\\':
			text = append(text, '\\', '\\')
		case (r != utf8.RuneError || n > 1) && unicode.IsPrint(r):
			text = append(text, b[:n]...)
		default:
			for _, o := range b[:n] {
				text = append(text, '\\', 'x', hex[o>>4], hex[o&15])
			}
		}
		b = b[n:]
	}
	return append(text, more...)
}

func plain(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' || c == '\\' {
			return false
		}
	}
	return true
}
