package handshake

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// Versions of QUIC.
const (
	QUICv1 = 0x00000001 // RFC 9000
	QUICv2 = 0x6b3343cf // RFC 9369
)

// datagramSize is the length of the datagrams of a QUIC handshake: the least that RFC 9000, Section 14.1,
// asks for.
const datagramSize = 1200

// dialect is what differs between versions: the salt of the Initial secrets, the word in the labels, and
// the long packet types (RFC 9001, Section 5.2; RFC 9369, Section 3).
type dialect struct {
	salt, word         string
	initial, handshake byte
}

func dialectOf(version uint32) dialect {
	if version == QUICv2 {
		return dialect{"0dede3def700a6db819381be6e269dcbf9bd2ed9", "quicv2 ", 1, 3}
	}
	return dialect{"38762cf7f55934b34d179ae6a4c80cadccbb7f0a", "quic ", 0, 2}
}

// QUIC is a QUIC connection.
type QUIC struct {
	Flights []Flight // the datagrams of the handshake
	Keys    string   // in the format of SSLKEYLOGFILE

	version uint32
	dialect dialect
	ids     [2][]byte // the connection identifier that each side chose for itself
	data    [2]*protection
	offset  [2]uint64 // of stream 0
}

// protection is what protects the packets of one side in one number space.
type protection struct {
	aead cipher.AEAD
	iv   []byte
	mask cipher.Block
	next uint64 // packet number
}

func (d dialect) protect(secret []byte) *protection {
	return &protection{
		aead: newGCM(expandLabel(secret, d.word+"key", nil, 16)),
		iv:   expandLabel(secret, d.word+"iv", nil, 12),
		mask: must(aes.NewCipher(expandLabel(secret, d.word+"hp", nil, 16))),
	}
}

// initialSecrets are the secrets of the Initial packets to the connection identifier id.
func (d dialect) initialSecrets(id []byte) (client, server []byte) {
	secret := must(hkdf.Extract(sha256.New, id, must(hex.DecodeString(d.salt))))
	return expandLabel(secret, "client in", nil, 32), expandLabel(secret, "server in", nil, 32)
}

// QUICOptions says how a client speaks QUIC.
type QUICOptions struct {
	Version uint32
	Agent   string // sent in the transport parameter that Chromium uses for it
	Scatter bool   // send the hello in pieces out of order, as Chromium does
}

// DialQUIC plays the handshake of c with s over QUIC. A hello that is too long for one datagram goes in two.
func DialQUIC(r *rand.Rand, c *Client, s *Server, name string, opts QUICOptions) (*QUIC, error) {
	q := &QUIC{version: opts.Version, dialect: dialectOf(opts.Version)}
	first := octets(r, 8)
	q.ids = [2][]byte{nil, octets(r, 8)}

	common := func(b []byte) []byte {
		for _, p := range [...][2]uint64{{1, 30000}, {3, 1472}, {4, 15728640}, {5, 6291456}, {6, 6291456}, {7, 6291456}, {8, 100}, {9, 103}} {
			b = parameter(b, p[0], varint(nil, p[1]))
		}
		return b
	}
	theirs := common(parameter(nil, 0x0f, q.ids[fromClient]))
	if opts.Agent != "" {
		theirs = parameter(theirs, 0x3129, []byte(opts.Agent))
	}
	ours := common(parameter(parameter(nil, 0x00, first), 0x0f, q.ids[fromServer]))
	x, err := exchange13(r, overQUIC(c), &Server{Certificate: s.Certificate, Version: TLS13, ALPN: []string{"h3"}}, name, theirs, ours)
	if err != nil {
		return nil, err
	}
	q.Keys = x.keyLog()

	var initial, shake [2]*protection
	secretC, secretS := q.dialect.initialSecrets(first)
	initial[fromClient], initial[fromServer] = q.dialect.protect(secretC), q.dialect.protect(secretS)
	for side := range shake {
		shake[side] = q.dialect.protect(x.handshake[side])
		q.data[side] = q.dialect.protect(x.traffic[side])
	}

	// The client's hello.
	const room = 1100
	pieces := 0
	for at := 0; at < len(x.hello); at += room {
		part := x.hello[at:min(at+room, len(x.hello))]
		frames := cryptoFrame(nil, at, part)
		if opts.Scatter {
			frames = scatter(r, at, part)
		}
		q.say(true, q.long(q.dialect.initial, first, q.ids[fromClient], initial[fromClient], frames, datagramSize))
		pieces++
	}

	// The server's answer: its hello and the rest, in as few datagrams as will do.
	to, from := q.ids[fromClient], q.ids[fromServer]
	head := q.long(q.dialect.initial, to, from, initial[fromServer], cryptoFrame(ack(pieces-1), 0, x.serverHello), 0)
	for at := 0; at < len(x.flight); {
		n := min(len(x.flight)-at, datagramSize-len(head)-60)
		size := 0
		if at == 0 {
			size = datagramSize - len(head)
		}
		q.say(false, append(head, q.long(q.dialect.handshake, to, from, shake[fromServer], cryptoFrame(nil, at, x.flight[at:at+n]), size)...))
		head, at = nil, at+n
	}
	sent := int(shake[fromServer].next)

	// The client's Finished, and the server's word that it has it.
	head = q.long(q.dialect.initial, from, to, initial[fromClient], ack(0), 0)
	tail := q.long(q.dialect.handshake, from, to, shake[fromClient], cryptoFrame(ack(sent-1), 0, x.finished), datagramSize-len(head))
	q.say(true, append(head, tail...))
	head = q.long(q.dialect.handshake, to, from, shake[fromServer], ack(0), 0)
	q.say(false, append(head, q.short(fromServer, []byte{0x1e})...))
	return q, nil
}

func (q *QUIC) say(client bool, datagram []byte) {
	q.Flights = append(q.Flights, Flight{client, datagram})
}

// Seal is data on stream 0 as datagrams of one side.
func (q *QUIC) Seal(client bool, data []byte) [][]byte {
	side := fromServer
	if client {
		side = fromClient
	}
	var out [][]byte
	for len(data) > 0 {
		n := min(len(data), 1150)
		frame := []byte{0x0c | 0x02} // STREAM with offset and length
		frame = varint(frame, 0)
		frame = varint(frame, q.offset[side])
		frame = varint(frame, uint64(n))
		out = append(out, q.short(side, append(frame, data[:n]...)))
		q.offset[side] += uint64(n)
		data = data[n:]
	}
	return out
}

// long is a packet with a long header, padded to size where that is not 0.
func (q *QUIC) long(kind byte, to, from []byte, p *protection, frames []byte, size int) []byte {
	const numberLength = 2
	b := []byte{0xc0 | kind<<4 | (numberLength - 1)}
	b = binary.BigEndian.AppendUint32(b, q.version)
	b = vector8(vector8(b, to), from)
	if kind == q.dialect.initial {
		b = append(b, 0) // no token
	}
	if pad := size - len(b) - 2 - numberLength - len(frames) - p.aead.Overhead(); pad > 0 {
		frames = append(frames, make([]byte, pad)...)
	}
	n := numberLength + len(frames) + p.aead.Overhead()
	b = append(b, 0x40|byte(n>>8), byte(n))
	return p.seal(b, frames, 0x0f)
}

// short is a packet with a short header.
func (q *QUIC) short(side int, frames []byte) []byte {
	for len(frames) < 4 {
		frames = append(frames, 0)
	}
	return q.data[side].seal(append([]byte{0x41}, q.ids[1-side]...), frames, 0x1f)
}

// seal ends header with the packet number, protects frames, then the header (RFC 9001, Section 5). hide
// tells the bits of the first octet that are protected.
func (p *protection) seal(header, frames []byte, hide byte) []byte {
	at := len(header)
	header = binary.BigEndian.AppendUint16(header, uint16(p.next))
	b := p.aead.Seal(header, numbered(p.iv, p.next), frames, header)
	p.next++
	var mask [16]byte
	p.mask.Encrypt(mask[:], b[at+4:at+20])
	b[0] ^= mask[0] & hide
	b[at] ^= mask[1]
	b[at+1] ^= mask[2]
	return b
}

// scatter is part as CRYPTO frames in an order of its own, with PING and PADDING between.
func scatter(r *rand.Rand, at int, part []byte) []byte {
	var cuts [][2]int
	for from := 0; from < len(part); {
		n := min(len(part)-from, 100+r.IntN(300))
		cuts = append(cuts, [2]int{from, n})
		from += n
	}
	r.Shuffle(len(cuts), func(i, j int) { cuts[i], cuts[j] = cuts[j], cuts[i] })
	var b []byte
	for i, c := range cuts {
		if i == 1 {
			b = append(b, 1, 0, 0, 0)
		}
		b = cryptoFrame(b, at+c[0], part[c[0]:c[0]+c[1]])
	}
	return b
}

func cryptoFrame(b []byte, at int, data []byte) []byte {
	b = varint(append(b, 6), uint64(at))
	return append(varint(b, uint64(len(data))), data...)
}

func ack(largest int) []byte {
	return varint(varint(varint(varint([]byte{2}, uint64(largest)), 0), 0), uint64(largest))
}

func parameter(b []byte, id uint64, value []byte) []byte {
	return append(varint(varint(b, id), uint64(len(value))), value...)
}

// varint is RFC 9000, Section 16.
func varint(b []byte, v uint64) []byte {
	switch {
	case v < 1<<6:
		return append(b, byte(v))
	case v < 1<<14:
		return binary.BigEndian.AppendUint16(b, uint16(v)|0x4000)
	default:
		return binary.BigEndian.AppendUint32(b, uint32(v)|0x80000000)
	}
}
