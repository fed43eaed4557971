package nbns

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"

	"plimsoll.example/plimsoll/internal/dissect"
)

// DissectDatagram is a dissect.Func for the datagram service, RFC 1002, Section 4.4: the sender's name,
// and the announcement of a host to its neighbourhood ([MS-BRWS], Section 2.2.1).
func DissectDatagram(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	const headerLen = 14
	b := m.Data
	// Direct unique, direct group or broadcast, and four bits that must be zero.
	if m.Stream || len(b) < headerLen || b[0] < 0x10 || b[0] > 0x12 || b[1]&0xf0 != 0 {
		return 0, dissect.No
	}
	from, off, ok := nameAt(b, headerLen)
	if !ok {
		return 0, dissect.No
	}
	_, off, ok = nameAt(b, off)
	if !ok {
		return 0, dissect.No
	}
	// A relay sends on what others said; the header tells who did.
	if origin := netip.AddrFrom4([4]byte(b[4:])); origin == m.Src.Addr() {
		from.add(out)
		announcement(b[off:], out)
	}
	return len(b), dissect.Next
}

// announcement reads a host or local master announcement in an SMB transaction.
func announcement(smb []byte, out *dissect.Facts) {
	const (
		headerLen = 32
		words     = 14 // of a transaction, with no or more words of set-up after them
		mailslot  = `\MAILSLOT\BROWSE`
		frameLen  = 32
	)
	if len(smb) < headerLen+1+2*words || !bytes.HasPrefix(smb, []byte("\xffSMB\x25")) || smb[headerLen] < words {
		return
	}
	if text := headerLen + 1 + 2*int(smb[headerLen]) + 2; len(smb) < text || !bytes.HasPrefix(smb[text:], []byte(mailslot)) {
		return
	}
	size := int(binary.LittleEndian.Uint16(smb[headerLen+1+2*11:]))
	off := int(binary.LittleEndian.Uint16(smb[headerLen+1+2*12:]))
	if off+size > len(smb) || size < frameLen {
		return
	}
	frame := smb[off : off+size]
	if frame[0] != 0x01 && frame[0] != 0x0f { // a host, or the master browser of its segment
		return
	}
	host, _, _ := bytes.Cut(frame[6:22], []byte{0})
	comment, _, _ := bytes.Cut(frame[frameLen:], []byte{0})
	out.Add("nbns.browser", host)
	var buf [7]byte
	version := append(strconv.AppendUint(buf[:0], uint64(frame[22]), 10), '.')
	out.Field("version", strconv.AppendUint(version, uint64(frame[23]), 10))
	out.FieldUint("type", uint64(binary.LittleEndian.Uint32(frame[24:])))
	if len(comment) > 0 {
		out.Field("comment", comment)
	}
}
