package quic

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"slices"
	"testing"
)

// number is a variable-length integer in two or four octets.
func number(v int) []byte {
	if v < 1<<14 {
		return binary.BigEndian.AppendUint16(nil, uint16(v)|0x4000)
	}
	return binary.BigEndian.AppendUint32(nil, uint32(v)|0x8000_0000)
}

func crypto(offset int, b []byte) []byte {
	return slices.Concat([]byte{frameCrypto}, number(offset), number(len(b)), b)
}

// sender makes the packets of a client.
type sender struct {
	t       testing.TB
	version uint32
	first   string // Destination Connection ID that the keys come from
	now     string // that of the next packet, if it is another one
	token   string
	number  uint32
}

// initial is a protected Initial packet with these frames, padded to size octets in all.
func (s *sender) initial(size int, frames ...[]byte) []byte {
	s.t.Helper()
	f, ok := lookup(s.version)
	if !ok {
		s.t.Fatalf("version %#x", s.version)
	}
	k := f.derive([]byte(s.first))
	id := s.first
	if s.now != "" {
		id = s.now
	}
	kind := byte(0)
	if f.second {
		kind = 1
	}
	head := slices.Concat([]byte{0xc3 | kind<<4}, binary.BigEndian.AppendUint32(nil, s.version),
		[]byte{byte(len(id))}, []byte(id), []byte{0}, number(len(s.token)), []byte(s.token))
	body := slices.Concat(frames...)
	const around = 2 + 4 + 16 // length, packet number, tag
	body = append(body, make([]byte, max(0, size-len(head)-around-len(body)))...)
	head = append(head, number(4+len(body)+16)...)
	at := len(head)
	head = binary.BigEndian.AppendUint32(head, s.number)
	return s.protect(k, head, at, body)
}

func (s *sender) protect(k keys, head []byte, at int, body []byte) []byte {
	block, err := aes.NewCipher(k.key())
	if err != nil {
		s.t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		s.t.Fatal(err)
	}
	nonce := slices.Clone(k.iv())
	for i := range 4 {
		nonce[8+i] ^= head[at+i]
	}
	s.number++
	b := aead.Seal(head, nonce, body, head)
	hp, err := aes.NewCipher(k.header())
	if err != nil {
		s.t.Fatal(err)
	}
	mask := make([]byte, 16)
	hp.Encrypt(mask, b[at+4:at+20])
	b[0] ^= mask[0] & 0x0f
	for i := range 4 {
		b[at+i] ^= mask[1+i]
	}
	return b
}

// hello is a ClientHello message with its head, for name, with a key share of so many octets.
func hello(name string, share int) []byte {
	vector := func(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }
	ext := func(kind uint16, b []byte) []byte {
		return append(binary.BigEndian.AppendUint16(nil, kind), vector(b)...)
	}
	extensions := slices.Concat(
		ext(0, vector(append([]byte{0}, vector([]byte(name))...))),
		ext(16, vector([]byte("\x02h3"))),
		ext(43, []byte{2, 3, 4}),
		ext(51, vector(make([]byte, share))),
		ext(57, slices.Concat([]byte{1, 2, 0x67, 0x10}, number(0x3129), number(5), []byte("Lamps"))))
	body := slices.Concat([]byte{3, 3}, make([]byte, 32), []byte{0}, vector([]byte{0x13, 1, 0x13, 2}), []byte{1, 0}, vector(extensions))
	return append([]byte{1, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}
