// Package bittorrent recognises the peers of BitTorrent: the peer protocol over TCP (BEP 3) and uTP (BEP 29),
// the distributed hash table (BEP 5), trackers over UDP (BEP 15) and local discovery (BEP 14). What they
// share is passed over.
package bittorrent

import (
	"bytes"
	"encoding/binary"
	"strings"

	"plimsoll.example/plimsoll/internal/dissect"
)

const handshake = "\x13BitTorrent protocol"

// Dissect recognises a peer by its first message in either direction.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if len(d) == 0 {
		return 0, dissect.No
	}
	if m.Stream {
		if d[0] != handshake[0] {
			return 0, dissect.No
		}
		return peer(m, d, "tcp", out)
	}
	switch d[0] {
	case 'd':
		return table(d, out)
	case 'B':
		if bytes.HasPrefix(d, []byte("BT-SEARCH * HTTP/1.1\r\n")) {
			return tell(out, nil, "local", len(d))
		}
	case 0:
		// A client connects to a tracker: a number chosen by the protocol, the action 0, and a transaction.
		if len(d) == 16 && binary.BigEndian.Uint64(d) == 0x41727101980 && binary.BigEndian.Uint32(d[8:]) == 0 {
			return tell(out, nil, "tracker", len(d))
		}
	case 0x01, 0x41:
		return utp(m, out)
	}
	return 0, dissect.No
}

// peer reads the handshake (BEP 3): magic, 8 octets of flags, 20 that name what is shared, 20 that name the peer.
func peer(m *dissect.Message, d []byte, via string, out *dissect.Facts) (int, dissect.State) {
	const id, size = 20 + 8 + 20, 20 + 8 + 20 + 20
	if len(d) < size {
		if !strings.HasPrefix(handshake, string(d[:min(len(d), len(handshake))])) || len(d) < len(handshake) && m.Final {
			return 0, dissect.No
		}
		if m.Stream && !m.Final {
			return 0, dissect.More
		}
		return tell(out, nil, via, len(m.Data))
	}
	if string(d[:len(handshake)]) != handshake {
		return 0, dissect.No
	}
	return tell(out, client(d[id:size]), via, len(m.Data))
}

// client is the part of a peer's name that tells its software: two letters and four digits between
// hyphens (BEP 20).
func client(id []byte) []byte {
	if id[0] != '-' || id[7] != '-' {
		return nil
	}
	for _, c := range id[1:7] {
		if c <= ' ' || c > '~' {
			return nil
		}
	}
	return id[1:7]
}

// table recognises a message of the hash table: a dictionary whose keys are in order, and whose last say what
// kind it is.
func table(d []byte, out *dissect.Facts) (int, dissect.State) {
	known := false
	for _, begin := range [...]string{"d1:ad2:id20:", "d1:rd2:id20:", "d2:ip", "d1:eli"} {
		known = known || bytes.HasPrefix(d, []byte(begin))
	}
	if !known || d[len(d)-1] != 'e' || !bytes.Contains(d[len(d)/2:], []byte("1:y1:")) {
		return 0, dissect.No
	}
	return tell(out, nil, "dht", len(d))
}

// utp recognises the packet that opens a connection, and the handshake in the first that carries data.
func utp(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	const (
		header = 20
		syn    = 0x41 // type 4, version 1
	)
	d := m.Data
	if len(d) < header {
		return 0, dissect.No
	}
	if d[0] != syn {
		if d[1] == 0 && bytes.HasPrefix(d[header:], []byte(handshake)) {
			return peer(m, d[header:], "utp", out)
		}
		return 0, dissect.No
	}
	// Nothing was received yet: the time difference and the acknowledgement are zero. The extension, if there
	// is one, says which others are known.
	plain := d[1] == 0 && len(d) == header
	extended := d[1] == 2 && len(d) == header+10 && d[header] == 0 && d[header+1] == 8
	if !plain && !extended || binary.BigEndian.Uint32(d[8:]) != 0 || binary.BigEndian.Uint16(d[18:]) != 0 || binary.BigEndian.Uint16(d[16:]) == 0 {
		return 0, dissect.No
	}
	return tell(out, nil, "utp", len(d))
}

func tell(out *dissect.Facts, client []byte, via string, n int) (int, dissect.State) {
	if client == nil {
		out.AddString("bittorrent.peer", "unknown")
	} else {
		out.Add("bittorrent.peer", client)
	}
	out.FieldString("via", via)
	return n, dissect.Done
}
