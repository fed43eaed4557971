package capture

import (
	"encoding/binary"
	"math"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
)

// Offsets in a block of the ring (struct tpacket_block_desc) and in the header of a frame in it
// (struct tpacket3_hdr, then struct sockaddr_ll). Numbers are in the machine's byte order.
const (
	blockStatus = 8
	blockFrames = 12
	blockFirst  = 16
	blockLength = 20

	ringNext     = 0
	ringSec      = 4
	ringNsec     = 8
	ringSnap     = 12
	ringLen      = 16
	ringStatus   = 20
	ringMAC      = 24
	ringVLANTCI  = 32
	ringVLANTPID = 36
	ringPktType  = 48 + 10
	ringHeader   = 48 + 20
)

// ringWalker finds the frames in copied blocks of a ring.
type ringWalker struct {
	link     frame.LinkType
	loopback bool // each frame comes twice: as it is sent, and as it is received
	number   uint64
}

// walk appends a Record for each frame of the block that is b.Data.
func (w *ringWalker) walk(b *Batch) {
	if len(b.Data) < blockLength {
		return
	}
	u32 := binary.NativeEndian.Uint32
	at := int64(u32(b.Data[blockFirst:]))
	for left := u32(b.Data[blockFrames:]); left > 0; left-- {
		if at < 0 || at > int64(len(b.Data))-ringHeader {
			return
		}
		h := b.Data[at:]
		start, size := at+int64(binary.NativeEndian.Uint16(h[ringMAC:])), u32(h[ringSnap:])
		if start < at+ringHeader || start+int64(size) > int64(len(b.Data)) {
			return
		}
		if !w.loopback || h[ringPktType] != unix.PACKET_OUTGOING {
			w.number++
			r := b.add()
			r.Time = int64(u32(h[ringSec:]))*1e9 + int64(u32(h[ringNsec:]))
			r.Number = w.number
			r.Offset = uint32(start)
			r.Len = size
			r.Wire = max(size, u32(h[ringLen:]))
			r.Link = w.link
			r.File = 0
			if status := u32(h[ringStatus:]); status&unix.TP_STATUS_VLAN_VALID != 0 {
				w.tag(b, r, status, h)
			}
		}
		next := int64(u32(h[ringNext:]))
		if next == 0 {
			return
		}
		at += next
	}
}

// tag puts the VLAN tag back (IEEE 802.1Q), which the kernel has taken out of the frame. The
// addresses before it move into the gap that the ring leaves before each frame.
func (w *ringWalker) tag(b *Batch, r *Record, status uint32, header []byte) {
	const addresses, tag = 12, 4
	if w.link != frame.LinkEthernet || r.Len < addresses || binary.NativeEndian.Uint16(header[ringMAC:]) < ringHeader+tag {
		return
	}
	tpid := uint16(unix.ETH_P_8021Q)
	if status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		tpid = binary.NativeEndian.Uint16(header[ringVLANTPID:])
	}
	tci := uint16(binary.NativeEndian.Uint32(header[ringVLANTCI:]))
	f := b.Data[r.Offset-tag:]
	copy(f, f[tag:tag+addresses])
	binary.BigEndian.PutUint16(f[addresses:], tpid)
	binary.BigEndian.PutUint16(f[addresses+2:], tci)
	r.Offset -= tag
	r.Len += tag
	r.Wire += min(tag, math.MaxUint32-r.Wire)
}
