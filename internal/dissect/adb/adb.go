// Package adb reads the Android Debug Bridge over TCP (Android, "ADB Protocol Documentation"): what device
// lets itself be debugged, and what is asked of it.
package adb

import (
	"bytes"
	"encoding/binary"
	"strings"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/line"
	"plimsoll.example/plimsoll/internal/dissect/stream"
)

const (
	header      = 24
	maxPayload  = 1 << 20 // octets, as newer versions allow
	maxIdentity = 4096    // octets of a system identity
	maxService  = 128     // octets of a service's name that are told
)

// Commands, as little-endian numbers.
const (
	connect   = 0x4e584e43 // CNXN
	authorise = 0x48545541 // AUTH
	startTLS  = 0x534c5453 // STLS
	open      = 0x4e45504f // OPEN
	ready     = 0x59414b4f // OKAY
	closed    = 0x45534c43 // CLSE
	write     = 0x45545257 // WRTE
)

// Dissect reads messages until data flows.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if !m.Stream || !line.Opens(d) {
		return 0, dissect.No
	}
	return stream.Each(m, false, func(b []byte) (int, dissect.State) { return message(b, out) })
}

func message(b []byte, out *dissect.Facts) (int, dissect.State) {
	if len(b) < header {
		for _, c := range [...]string{"CNXN", "AUTH", "STLS", "OPEN", "OKAY", "CLSE", "WRTE"} {
			if strings.HasPrefix(c, string(b[:min(len(b), 4)])) {
				return 0, dissect.More
			}
		}
		return 0, dissect.No
	}
	command := binary.LittleEndian.Uint32(b)
	size := binary.LittleEndian.Uint32(b[12:])
	if binary.LittleEndian.Uint32(b[20:]) != ^command || size > maxPayload {
		return 0, dissect.No
	}
	switch command {
	case connect, authorise, open:
	case startTLS:
		return min(len(b), header+int(size)), dissect.Done
	case ready, closed, write:
		return len(b), dissect.Done
	default:
		return 0, dissect.No
	}
	if size > maxIdentity {
		return 0, dissect.Done
	}
	whole := header + int(size)
	if len(b) < whole {
		return 0, dissect.More
	}
	payload := bytes.TrimRight(b[header:whole], "\x00")
	switch command {
	case connect:
		identity(payload, out)
	case open:
		out.Add("adb.open", payload[:min(len(payload), maxService)])
	}
	return whole, dissect.Next
}

// identity reads who a side says it is: "device:" or another type, a serial number that is not used, ":",
// and properties.
func identity(b []byte, out *dissect.Facts) {
	kind, rest, ok := bytes.Cut(b, []byte(":"))
	if !ok || string(kind) == "host" {
		return
	}
	_, properties, ok := bytes.Cut(rest, []byte(":"))
	if !ok {
		return
	}
	var product, model, device []byte
	for len(properties) > 0 {
		var p []byte
		p, properties, _ = bytes.Cut(properties, []byte(";"))
		key, value, _ := bytes.Cut(p, []byte("="))
		switch string(key) {
		case "ro.product.name":
			product = value
		case "ro.product.model":
			model = value
		case "ro.product.device":
			device = value
		}
	}
	name := kind
	for _, better := range [...][]byte{device, product, model} {
		if len(better) > 0 {
			name = better
		}
	}
	out.Add("adb.device", name)
	out.Field("mode", kind)
	if len(product) > 0 {
		out.Field("product", product)
	}
	if len(device) > 0 {
		out.Field("device", device)
	}
}
