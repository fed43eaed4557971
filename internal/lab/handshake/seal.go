package handshake

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
)

// sealer protects the records of one side.
type sealer interface {
	seal(kind byte, data []byte) []byte
}

func newGCM(key []byte) cipher.AEAD { return must(cipher.NewGCM(must(aes.NewCipher(key)))) }

// sealer13 is AES-128-GCM in TLS 1.3 (RFC 8446, Section 5.2).
type sealer13 struct {
	aead cipher.AEAD
	iv   []byte
	seq  uint64
}

func newSealer13(secret []byte) *sealer13 {
	return &sealer13{aead: newGCM(expandLabel(secret, "key", nil, 16)), iv: expandLabel(secret, "iv", nil, 12)}
}

func (s *sealer13) seal(kind byte, data []byte) []byte {
	n := len(data) + 1 + s.aead.Overhead()
	header := []byte{recordData, 3, 3, byte(n >> 8), byte(n)}
	inner := append(append([]byte(nil), data...), kind)
	sealed := s.aead.Seal(nil, numbered(s.iv, s.seq), inner, header)
	s.seq++
	return append(header, sealed...)
}

// numbered is iv with n put in by exclusive or.
func numbered(iv []byte, n uint64) []byte {
	out := append([]byte(nil), iv...)
	for i := range 8 {
		out[len(out)-1-i] ^= byte(n >> (8 * i))
	}
	return out
}

// sealer12 is AES-128-GCM in TLS 1.2 (RFC 5288).
type sealer12 struct {
	aead cipher.AEAD
	salt []byte
	seq  uint64
}

func newSealer12(key, salt []byte) *sealer12 { return &sealer12{aead: newGCM(key), salt: salt} }

func (s *sealer12) seal(kind byte, data []byte) []byte {
	seq := binary.BigEndian.AppendUint64(nil, s.seq)
	s.seq++
	extra := append(append([]byte(nil), seq...), kind, 3, 3)
	extra = binary.BigEndian.AppendUint16(extra, uint16(len(data)))
	nonce := append(append([]byte(nil), s.salt...), seq...)
	return record(kind, TLS12, append(seq, s.aead.Seal(nil, nonce, data, extra)...))
}

// sealer10 is AES-128-CBC with HMAC-SHA1 in TLS 1.0 (RFC 2246, Section 6.2.3.2): the last block of a record
// is the initialisation vector of the next.
type sealer10 struct {
	mac  []byte
	mode cipher.BlockMode
	seq  uint64
}

func newSealer10(mac, key, iv []byte) *sealer10 {
	return &sealer10{mac: mac, mode: cipher.NewCBCEncrypter(must(aes.NewCipher(key)), iv)}
}

func (s *sealer10) seal(kind byte, data []byte) []byte {
	m := hmac.New(sha1.New, s.mac)
	head := binary.BigEndian.AppendUint64(nil, s.seq)
	s.seq++
	head = append(head, kind, 3, 1)
	m.Write(binary.BigEndian.AppendUint16(head, uint16(len(data))))
	m.Write(data)
	b := m.Sum(append([]byte(nil), data...))
	pad := 15 - len(b)%16
	for range pad + 1 {
		b = append(b, byte(pad))
	}
	s.mode.CryptBlocks(b, b)
	return record(kind, TLS10, b)
}
