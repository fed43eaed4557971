package tls

import (
	"encoding/binary"
	"slices"
)

// The builders write what a peer would send. They know nothing of the code under test.

func u16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }

func list16(values ...int) []byte {
	var b []byte
	for _, v := range values {
		b = append(b, u16(v)...)
	}
	return b
}

func vector8(b []byte) []byte  { return append([]byte{byte(len(b))}, b...) }
func vector16(b []byte) []byte { return append(u16(len(b)), b...) }
func vector24(b []byte) []byte {
	return append([]byte{byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b))}, b...)
}

func extension(kind int, body []byte) []byte { return append(u16(kind), vector16(body)...) }

func serverName(name string) []byte {
	return extension(0, vector16(append([]byte{0}, vector16([]byte(name))...)))
}

func alpn(names ...string) []byte {
	var b []byte
	for _, n := range names {
		b = append(b, vector8([]byte(n))...)
	}
	return extension(16, vector16(b))
}

func groups(values ...int) []byte   { return extension(10, vector16(list16(values...))) }
func schemes(values ...int) []byte  { return extension(13, vector16(list16(values...))) }
func versions(values ...int) []byte { return extension(43, vector8(list16(values...))) }
func points(b ...byte) []byte       { return extension(11, vector8(b)) }

// hello is the body of a ClientHello.
func hello(version int, ciphers []int, extensions ...[]byte) []byte {
	b := slices.Concat(u16(version), make([]byte, 32), vector8(nil))
	if version>>8 == 0xfe || version == 0x0100 {
		b = append(b, vector8([]byte("cookie"))...)
	}
	b = slices.Concat(b, vector16(list16(ciphers...)), vector8([]byte{0}))
	if len(extensions) > 0 {
		b = append(b, vector16(slices.Concat(extensions...))...)
	}
	return b
}

// answer is the body of a ServerHello.
func answer(version, cipher int, extensions ...[]byte) []byte {
	b := slices.Concat(u16(version), make([]byte, 32), vector8(nil), u16(cipher), []byte{0})
	if len(extensions) > 0 {
		b = append(b, vector16(slices.Concat(extensions...))...)
	}
	return b
}

func message(kind byte, body []byte) []byte { return append([]byte{kind}, vector24(body)...) }

func record(kind byte, body []byte) []byte {
	return slices.Concat([]byte{kind, 3, 1}, vector16(body))
}

// records spreads messages over handshake records of size octets.
func records(size int, messages ...[]byte) []byte {
	var b []byte
	for part := range slices.Chunk(slices.Concat(messages...), size) {
		b = append(b, record(22, part)...)
	}
	return b
}

// dtls is a record with the octets from and up to to of a handshake message.
func dtls(kind byte, seq int, body []byte, from, to int) []byte {
	fragment := slices.Concat([]byte{kind}, vector24(body)[:3], u16(seq),
		[]byte{0, byte(from >> 8), byte(from)}, vector24(body[from:to]))
	return dtlsRecord(22, 0, fragment)
}

func dtlsRecord(kind byte, epoch int, body []byte) []byte {
	return slices.Concat([]byte{kind, 0xfe, 0xfd}, u16(epoch), make([]byte, 6), vector16(body))
}

// chrome is the hello of a browser, in the order that the specification of JA4 has for its example.
func chrome() []byte {
	ciphers := []int{0x1a1a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035}
	return hello(0x0303, ciphers,
		extension(0x3a3a, nil),
		extension(0x001b, []byte{2, 0, 2}),
		serverName("light.example"),
		extension(0x0033, make([]byte, 40)),
		alpn("h2", "http/1.1"),
		extension(0x4469, []byte{0, 3, 2, 'h', '2'}),
		extension(0x0017, nil),
		extension(0x002d, []byte{1, 1}),
		schemes(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601),
		extension(0x0005, make([]byte, 5)),
		extension(0x0023, nil),
		extension(0x0012, nil),
		versions(0x5a5a, 0x0304, 0x0303),
		extension(0xff01, []byte{0}),
		points(0),
		groups(0x4a4a, 29, 23, 24),
		extension(0x0015, make([]byte, 100)),
	)
}
