package coap

import (
	"bytes"

	"plimsoll.example/plimsoll/internal/dissect"
)

const (
	maxTypes = 32  // resource types told of one message
	maxHref  = 128 // octets
)

// links tells the resource types in a list of links (RFC 6690 §2), such as
// </light>;rt="oic.r.switch.binary";if="oic.if.a". A block of a longer list may begin and end anywhere.
func links(out *dissect.Facts, b []byte) {
	enough := out.Len() + maxTypes
	for out.Len() < enough {
		from := bytes.IndexByte(b, '<')
		if from < 0 {
			return
		}
		b = b[from+1:]
		to := bytes.IndexByte(b, '>')
		if to < 0 {
			return
		}
		href := b[:min(to, maxHref)]
		b = b[to+1:]
		for len(b) > 0 && b[0] == ';' {
			var name, value []byte
			name, value, b = attribute(b[1:])
			if string(name) != "rt" {
				continue
			}
			for kind := range bytes.FieldsSeq(value) {
				if out.Len() >= enough {
					return
				}
				out.Add("coap.type", kind)
				out.Field("href", href)
			}
		}
	}
}

// attribute is the name and the value of the attribute that b begins with, and what follows it. A
// quoted value may hold separators; if its end is missing, there is no value.
func attribute(b []byte) (name, value, rest []byte) {
	n := bytes.IndexAny(b, "=;,")
	if n < 0 {
		return b, nil, nil
	}
	name = b[:n]
	if b[n] != '=' {
		return name, nil, b[n:]
	}
	b = b[n+1:]
	if len(b) > 0 && b[0] == '"' {
		end := bytes.IndexByte(b[1:], '"')
		if end < 0 {
			return name, nil, nil
		}
		return name, b[1 : 1+end], b[end+2:]
	}
	if n = bytes.IndexAny(b, ";,"); n < 0 {
		n = len(b)
	}
	return name, b[:n], b[n:]
}
