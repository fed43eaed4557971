// Package tuya dissects the local protocol of Tuya devices: the broadcasts by which they are found, in
// the clear or under the key that every Tuya app has in it, and the frames by which they are controlled.
// The protocol is not published; this follows what others have found out.
package tuya

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"encoding/binary"
	"encoding/json"
	"strings"

	"plimsoll.example/plimsoll/internal/dissect"
)

// Both kinds of frame begin with a prefix and end with a suffix. Up to version 3.4 a frame has a sequence
// number, a command and a length, of 4 octets each; from 3.5 on, 2 more octets come first.
const (
	prefix  = 0x000055aa
	suffix  = 0x0000aa55
	header  = 16 // octets; the length counts what follows, suffix included
	trailer = 8  // checksum and suffix

	prefix35 = 0x00006699
	suffix35 = 0x00009966
	header35 = 18 // octets; the length counts what follows, suffix excluded
	nonce    = 12 // octets
	tag      = 16 // octets

	controlPort = 6668
	maxLength   = 16 << 10 // octets
)

// Dissect reads broadcasts (UDP) and control connections (TCP).
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if len(d) < 4 {
		if m.Stream && !m.Final && (strings.HasPrefix("\x00\x00\x55\xaa", string(d)) || strings.HasPrefix("\x00\x00\x66\x99", string(d))) {
			return 0, dissect.More
		}
		return 0, dissect.No
	}
	kind := binary.BigEndian.Uint32(d)
	if kind != prefix && kind != prefix35 {
		return 0, dissect.No
	}
	if m.Stream {
		return control(m, out, kind)
	}
	var plain []byte
	switch kind {
	case prefix:
		n := 0
		if len(d) >= header {
			n = int(binary.BigEndian.Uint32(d[12:]))
		}
		if n < 4+trailer || n > len(d)-header || binary.BigEndian.Uint32(d[header+n-4:]) != suffix {
			return 0, dissect.No
		}
		// A device puts a return code before what it says, an app does not.
		if plain = d[header : header+n-trailer]; plain[0] != '{' {
			if plain = plain[4:]; len(plain) > 0 && plain[0] != '{' {
				plain = decrypt(plain)
			}
		}
	case prefix35:
		n := 0
		if len(d) >= header35 {
			n = int(binary.BigEndian.Uint32(d[14:]))
		}
		if n < nonce+tag || n > len(d)-header35-4 || binary.BigEndian.Uint32(d[header35+n:]) != suffix35 {
			return 0, dissect.No
		}
		plain = open(d[header35:header35+n], d[4:header35])
	}
	announce(out, plain)
	return len(d), dissect.Next
}

// announce tells what a device says of itself. An app that asks says nothing of the kind.
func announce(out *dissect.Facts, plain []byte) {
	at := bytes.IndexByte(plain, '{')
	if at < 0 {
		return
	}
	var device struct {
		GwID       string `json:"gwId"`
		IP         string `json:"ip"`
		ProductKey string `json:"productKey"`
		Version    string `json:"version"`
	}
	// One value that is not as it should be leaves the others as they are, and padding may follow.
	_ = json.NewDecoder(bytes.NewReader(plain[at:])).Decode(&device)
	if device.GwID == "" {
		return
	}
	out.AddString("tuya.device", device.GwID)
	for _, f := range [...]struct{ key, value string }{
		{"product_key", device.ProductKey}, {"version", device.Version}, {"ip", device.IP},
	} {
		if f.value != "" {
			out.FieldString(f.key, f.value)
		}
	}
}

// block is the cipher under the key that is the same everywhere.
func block() (cipher.Block, error) {
	key := md5.Sum([]byte("yGAdlopoPVldABfn"))
	return aes.NewCipher(key[:])
}

// decrypt decrypts whole blocks, each by itself, as versions 3.2 to 3.4 have it.
func decrypt(b []byte) []byte {
	c, err := block()
	if err != nil || len(b) > maxLength {
		return nil
	}
	plain := make([]byte, len(b)/aes.BlockSize*aes.BlockSize)
	for at := 0; at < len(plain); at += aes.BlockSize {
		c.Decrypt(plain[at:], b[at:])
	}
	return plain
}

// open decrypts and authenticates: nonce, text, tag, as version 3.5 has it.
func open(b, additional []byte) []byte {
	c, err := block()
	if err != nil || len(b) > maxLength {
		return nil
	}
	gcm, err := cipher.NewGCM(c)
	if err != nil {
		return nil
	}
	plain, err := gcm.Open(nil, b[:nonce], b[nonce:], additional)
	if err != nil {
		return nil
	}
	return plain
}

// control recognises the first frame of a control connection. What follows is under the device's own key.
func control(m *dissect.Message, out *dissect.Facts, kind uint32) (int, dissect.State) {
	d := m.Data
	const peek = 8 // octets of a payload that may tell the version: a return code, then the version
	need, n := header, 0
	if kind == prefix35 {
		need = header35
	}
	if len(d) >= need {
		n = int(binary.BigEndian.Uint32(d[need-4:]))
		if n < trailer || n > maxLength {
			return 0, dissect.No
		}
		if kind == prefix {
			need += min(n, peek)
		}
	}
	if len(d) < need || n == 0 {
		if m.Final {
			return 0, dissect.No
		}
		return 0, dissect.More
	}
	if m.Dst.Port() == controlPort || m.Src.Port() != controlPort && m.FromInitiator {
		out.About(m.DstMAC)
	}
	out.AddString("tuya.protocol", version(kind, d, need))
	return len(d), dissect.Done
}

// version is the version of a frame, as exactly as it can be told.
func version(kind uint32, d []byte, end int) string {
	if kind == prefix35 {
		return "3.5"
	}
	switch command := binary.BigEndian.Uint32(d[8:]); command {
	case 3, 4, 5: // negotiation of a session key
		return "3.4"
	}
	payload := d[header:end]
	if at := bytes.Index(payload, []byte("3.")); at >= 0 && at+2 < len(payload) {
		switch payload[at+2] {
		case '1', '2', '3', '4':
			return string(payload[at : at+3])
		}
	}
	return "3"
}
