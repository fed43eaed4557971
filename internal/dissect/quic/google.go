package quic

import (
	"bytes"
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
)

// Google's own QUIC, which RFC 9000 grew out of, wraps a message of tagged values instead of TLS: CHLO from
// the client. Up to version Q046 it is in the clear.

// dissectOldGoogle reads a packet whose header is that of versions up to Q043: flags, connection ID (8), version (4).
func dissectOldGoogle(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	const (
		flagVersion = 0x01
		flagReset   = 0x02
		flagID      = 0x08
		head        = 1 + 8 + 4
	)
	b := m.Data
	if len(b) < head || b[0]&(flagVersion|flagReset|flagID) != flagVersion|flagID {
		return 0, dissect.No
	}
	version := binary.BigEndian.Uint32(b[head-4:])
	if b[head-4] != 'Q' || !isOldGoogle(version) {
		return 0, dissect.No
	}
	addVersion(version, out)
	addGoogle(b[head:], out)
	return len(b), dissect.Done
}

// isOldGoogle knows Q024 to Q049.
func isOldGoogle(v uint32) bool {
	tens, ones := byte(v>>8), byte(v)
	return v>>16 == 'Q'<<8|'0' && '2' <= tens && tens <= '4' && '0' <= ones && ones <= '9'
}

// addGoogle tells what a CHLO says, if one begins within the headers' reach of the beginning of b: the lengths of
// what comes before it depend on the version, its tag does not.
func addGoogle(b []byte, out *dissect.Facts) {
	const reach = 80
	const head = 8 // tag, number of values (2, little-endian), padding
	at := bytes.Index(b[:min(len(b), reach)], []byte("CHLO"))
	if at < 0 || len(b) < at+head {
		return
	}
	count := int(binary.LittleEndian.Uint16(b[at+4:]))
	b = b[at+head:]
	if count > len(b)/8 {
		return
	}
	index, values := b[:count*8], b[count*8:]
	from := uint32(0)
	for ; len(index) > 0; index = index[8:] {
		to := binary.LittleEndian.Uint32(index[4:])
		if to < from || int64(to) > int64(len(values)) {
			return
		}
		value := values[from:to]
		from = to
		if len(value) == 0 {
			continue
		}
		switch string(index[:4]) {
		case "SNI\x00":
			out.Add("tls.sni", value)
			out.FieldString("transport", "quic")
		case "UAID":
			out.Add("quic.user_agent", value)
		}
	}
}
