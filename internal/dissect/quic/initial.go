package quic

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
)

// keys are what a client protects its Initial packets with, by AEAD_AES_128_GCM: the key, the IV, and the
// key of header protection. Whoever sees its first packet knows them.
type keys [keySize + ivSize + keySize]byte

const (
	keySize    = 16
	ivSize     = 12
	sampleSize = 16
)

func (k *keys) key() []byte    { return k[:keySize] }
func (k *keys) iv() []byte     { return k[keySize : keySize+ivSize] }
func (k *keys) header() []byte { return k[keySize+ivSize:] }

// derive makes the keys from the Destination Connection ID of the client's first packet.
func (f *format) derive(id []byte) (k keys) {
	var initial, secret [sha256.Size]byte
	mac(f.salt[:], id, initial[:]) // HKDF-Extract (RFC 5869, Section 2.2)
	expand(initial[:], "client in", secret[:])
	if f.second {
		expand(secret[:], "quicv2 key", k.key())
		expand(secret[:], "quicv2 iv", k.iv())
		expand(secret[:], "quicv2 hp", k.header())
	} else {
		expand(secret[:], "quic key", k.key())
		expand(secret[:], "quic iv", k.iv())
		expand(secret[:], "quic hp", k.header())
	}
	return k
}

// expand is HKDF-Expand-Label with an empty context (RFC 8446, Section 7.1), of which the first hash is enough here.
func expand(secret []byte, label string, out []byte) {
	var info [32]byte
	b := append(info[:0], 0, byte(len(out)), byte(len("tls13 ")+len(label)))
	b = append(b, "tls13 "...)
	b = append(b, label...)
	b = append(b, 0, 1) // no context; the first round
	mac(secret, b, out)
}

// mac is HMAC-SHA-256 (RFC 2104) of a short key and message. That of the standard library allocates, which for the five
// of each connection costs more than the hashing.
func mac(key, message, out []byte) {
	const block = sha256.BlockSize
	var b [2 * block]byte
	copy(b[:], key)
	for i := range block {
		b[i] ^= 0x36
	}
	inner := sha256.Sum256(b[:block+copy(b[block:], message)])
	for i := range block {
		b[i] ^= 0x36 ^ 0x5c
	}
	outer := sha256.Sum256(b[:block+copy(b[block:], inner[:])])
	copy(out, outer[:])
}

// open removes the protection of a packet, whose packet number begins at offset at, and returns its
// frames (RFC 9001, Section 5.4), or nil if these are not its keys.
func (k *keys) open(packet []byte, at int) []byte {
	if len(packet) < at+4+sampleSize {
		return nil
	}
	// The packet belongs to whoever holds the capture: what changes is a copy.
	b := make([]byte, len(packet))
	copy(b, packet)

	hp, err := aes.NewCipher(k.header())
	if err != nil {
		return nil
	}
	var mask [sampleSize]byte
	hp.Encrypt(mask[:], b[at+4:at+4+sampleSize])
	b[0] ^= mask[0] & 0x0f
	n := int(b[0]&3) + 1
	nonce := [ivSize]byte(k.iv())
	for i := range n {
		b[at+i] ^= mask[1+i]
		nonce[ivSize-n+i] ^= b[at+i]
	}

	block, err := aes.NewCipher(k.key())
	if err != nil {
		return nil
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil
	}
	frames, err := aead.Open(b[at+n:at+n], nonce[:], b[at+n:], b[:at+n])
	if err != nil {
		return nil
	}
	return frames
}

// varint reads a variable-length integer (RFC 9000, Section 16).
func varint(b []byte) (v uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	n := 1 << (b[0] >> 6)
	if len(b) < n {
		return 0, nil, false
	}
	switch n {
	case 1:
		v = uint64(b[0] & 0x3f)
	case 2:
		v = uint64(binary.BigEndian.Uint16(b) & 0x3fff)
	case 4:
		v = uint64(binary.BigEndian.Uint32(b) & 0x3fff_ffff)
	case 8:
		v = binary.BigEndian.Uint64(b) & 0x3fff_ffff_ffff_ffff
	}
	return v, b[n:], true
}
