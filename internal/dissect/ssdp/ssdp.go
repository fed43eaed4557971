// Package ssdp dissects the simple service discovery protocol of UPnP: what devices look for, and what
// they announce to be.
package ssdp

import (
	"bytes"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/http"
)

const (
	port      = 1900
	maxFields = 32  // of one message
	maxHeader = 8   // facts of fields that only some makers send
	maxValue  = 256 // octets of one
)

// Dissect is a dissect.Func for SSDP, HTTP over UDP as in UPnP Device Architecture 2.0, Section 1. Its
// first lines are known on any port.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	if m.Stream || len(m.Data) < 17 || m.Data[0] != 'M' && m.Data[0] != 'N' && m.Data[0] != 'H' {
		return 0, dissect.No
	}
	line, fields, _ := bytes.Cut(m.Data, []byte{'\n'})
	fields = fields[:bytes.LastIndexByte(fields, '\n')+1] // the capture may have cut a line
	kind, gone := subject(fields)
	switch {
	case bytes.HasPrefix(line, []byte("M-SEARCH * HTTP/1.")):
		search(fields, out)
	case bytes.HasPrefix(line, []byte("NOTIFY * HTTP/1.")):
		announcement(kind, gone, fields, out)
	case bytes.HasPrefix(line, []byte("HTTP/1.")) && bytes.Contains(line, []byte(" 200")) &&
		(len(kind) > 0 || m.Src.Port() == port || m.Dst.Port() == port):
		announcement(kind, gone, fields, out)
	default:
		return 0, dissect.No
	}
	return len(m.Data), dissect.Next
}

func search(fields []byte, out *dissect.Facts) {
	for i := 0; i < maxFields && len(fields) > 0; i++ {
		var name, value []byte
		if name, value, fields = http.Field(fields); len(value) == 0 {
			continue
		}
		switch {
		case http.Is(name, "st"):
			out.Add("ssdp.search", value)
		case http.Is(name, "user-agent"):
			out.Add("ssdp.user_agent", value)
		}
	}
}

// announcement tells what a device says of itself, in a notification or in the response to a search.
func announcement(kind []byte, gone bool, fields []byte, out *dissect.Facts) {
	if len(kind) > 0 {
		out.Add("ssdp.type", kind)
		if gone {
			out.FieldUint("gone", 1)
		}
	}
	headers := 0
	for i := 0; i < maxFields && len(fields) > 0; i++ {
		var name, value []byte
		if name, value, fields = http.Field(fields); len(value) == 0 {
			continue
		}
		switch {
		case http.Is(name, "server"):
			out.Add("ssdp.server", value)
		case http.Is(name, "user-agent"):
			out.Add("ssdp.user_agent", value)
		case http.Is(name, "location"):
			var buf [maxValue]byte
			out.Add("ssdp.location", appendURL(buf[:0], value))
		case http.Is(name, "usn"):
			out.Add("ssdp.usn", value)
		case !usual(name) && !secret(name) && headers < maxHeader:
			var buf [64]byte
			out.Add("ssdp.header", http.AppendLower(buf[:0], name[:min(len(name), len(buf))]))
			out.Field("value", value[:min(len(value), maxValue)])
			headers++
		}
	}
}

// subject is the type of which a message speaks, and whether it says goodbye.
func subject(fields []byte) (kind []byte, gone bool) {
	for i := 0; i < maxFields && len(fields) > 0; i++ {
		var name, value []byte
		name, value, fields = http.Field(fields)
		switch {
		case http.Is(name, "nt"), http.Is(name, "st"):
			kind = value
		case http.Is(name, "nts"):
			gone = http.Is(value, "ssdp:byebye")
		}
	}
	return kind, gone
}

// appendURL appends url without a user's name and password, and without its query, which may hold a token.
func appendURL(dst, url []byte) []byte {
	if i := bytes.IndexAny(url, "?#"); i >= 0 {
		url = url[:i]
	}
	url = url[:min(len(url), maxValue)]
	begin := bytes.Index(url, []byte("://")) + len("://")
	if begin < len("://") {
		return append(dst, url...)
	}
	end := len(url)
	if i := bytes.IndexByte(url[begin:], '/'); i >= 0 {
		end = begin + i
	}
	host := url[begin:end]
	return append(append(append(dst, url[:begin]...), host[bytes.LastIndexByte(host, '@')+1:]...), url[end:]...)
}

// secret reports whether a field has something to do with being let in, so that its value is not to be kept.
func secret(name []byte) bool {
	var buf [64]byte
	name = http.AppendLower(buf[:0], name[:min(len(name), len(buf))])
	for _, w := range [...]string{"auth", "cookie", "password", "secret", "token"} {
		if bytes.Contains(name, []byte(w)) {
			return true
		}
	}
	return false
}

// usual reports whether every device sends the field, so that it tells nothing of the one that did.
func usual(name []byte) bool {
	for _, w := range [...]string{
		"host", "cache-control", "date", "ext", "nt", "nts", "st", "man", "mx", "opt", "01-nls", "content-length",
		"bootid.upnp.org", "configid.upnp.org", "nextbootid.upnp.org", "searchport.upnp.org", "securelocation.upnp.org",
		"connection", "content-type",
	} {
		if http.Is(name, w) {
			return true
		}
	}
	return false
}
