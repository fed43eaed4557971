// Package kasa dissects the local protocols of TP-Link's Kasa and Tapo devices: the smart home protocol
// on port 9999, which disguises its text, and the discovery protocol on port 20002. They are not
// published; this follows what others have found out. Identifiers and places are not kept.
package kasa

import (
	"bytes"
	"encoding/binary"
	"encoding/json"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/stream"
)

const (
	firstKey  = 171
	maxLength = 16 << 10 // octets of a message

	// What every message begins with: {" in its disguise.
	first  = '{' ^ firstKey
	second = '"' ^ first

	discoveryHeader = 16 // octets
)

// Dissect reads datagrams of both protocols, and connections of the first.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	if m.Stream {
		return streamed(m, out)
	}
	d := m.Data
	switch {
	case len(d) < 2 || len(d) > maxLength:
		return 0, dissect.No
	case d[0] == first && d[1] == second:
		if !message(m, out, d) {
			return 0, dissect.No
		}
	case d[0] == 2 && d[1] == 0 && len(d) >= discoveryHeader:
		if !discovery(out, d) {
			return 0, dissect.No
		}
	default:
		return 0, dissect.No
	}
	return len(d), dissect.Next
}

// streamed reads messages that have their length before them, in 4 octets.
func streamed(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	n, s := stream.Each(m, len(m.Scratch) > 0, func(d []byte) (int, dissect.State) {
		size := 0
		if len(d) >= 4 {
			size = int(binary.BigEndian.Uint32(d))
			if size < 2 || size > maxLength || len(d) > 4 && d[4] != first || len(d) > 5 && d[5] != second {
				return 0, dissect.No
			}
		} else if d[0] != 0 {
			return 0, dissect.No
		}
		if size == 0 || len(d) < 4+size {
			return 0, dissect.More
		}
		if !message(m, out, d[4:4+size]) {
			return 0, dissect.No
		}
		return 4 + size, dissect.Next
	})
	if n > 0 && len(m.Scratch) == 0 {
		m.Scratch = append(m.Scratch, 1) // a message was read: what makes no sense from here on is the end
	}
	return n, s
}

// message reads one message of the smart home protocol.
func message(m *dissect.Message, out *dissect.Facts, d []byte) bool {
	plain := make([]byte, len(d))
	key := byte(firstKey)
	for i, c := range d {
		plain[i] = c ^ key
		key = c
	}
	if plain[len(plain)-1] != '}' {
		return false
	}
	const password = `"password":"` // of a Wi-Fi network, or of an account
	if _, after, ok := bytes.Cut(plain, []byte(password)); ok && after[0] != '"' {
		out.AddString("auth.cleartext", "kasa")
		if a := m.Dst.Addr(); a.IsValid() {
			out.FieldAddr("server", a)
		}
	}
	if !bytes.Contains(plain, []byte(`"model"`)) {
		return true
	}
	var reply struct {
		System struct {
			Info struct {
				Model string `json:"model"`
				Alias string `json:"alias"`
				Type  string `json:"type"`
				Mic   string `json:"mic_type"` // what bulbs have instead
				HW    string `json:"hw_ver"`
				SW    string `json:"sw_ver"`
			} `json:"get_sysinfo"`
		} `json:"system"`
	}
	_ = json.Unmarshal(plain, &reply) // one value that is not as it should be leaves the others as they are
	i := reply.System.Info
	if i.Type == "" {
		i.Type = i.Mic
	}
	device(out, i.Model, i.Alias, i.Type, i.HW, i.SW)
	return true
}

// discovery reads one message of the discovery protocol: version, an unused octet, operation, length of
// the text, flags, an unused octet, serial number and checksum, then the text.
func discovery(out *dissect.Facts, d []byte) bool {
	const maxOperation = 15 // few are in use
	operation := binary.BigEndian.Uint16(d[2:])
	if operation == 0 || operation > maxOperation || int(binary.BigEndian.Uint16(d[4:])) != len(d)-discoveryHeader {
		return false
	}
	if d = d[discoveryHeader:]; len(d) == 0 {
		return true // a question
	}
	if d[0] != '{' {
		return false
	}
	var reply struct {
		Result struct {
			Model  string `json:"device_model"`
			Type   string `json:"device_type"`
			HW     string `json:"hw_ver"`
			SW     string `json:"fw_ver"`
			HWLong string `json:"hardware_version"`
			SWLong string `json:"firmware_version"`
		} `json:"result"`
	}
	_ = json.Unmarshal(d, &reply)
	r := reply.Result
	if r.HW == "" {
		r.HW = r.HWLong
	}
	if r.SW == "" {
		r.SW = r.SWLong
	}
	device(out, r.Model, "", r.Type, r.HW, r.SW)
	return true
}

func device(out *dissect.Facts, model, alias, kind, hw, sw string) {
	if model == "" {
		return
	}
	out.AddString("kasa.device", model)
	for _, f := range [...]struct{ key, value string }{{"alias", alias}, {"type", kind}, {"hw", hw}, {"sw", sw}} {
		if f.value != "" {
			out.FieldString(f.key, f.value)
		}
	}
}
