package upnp

import (
	"encoding/binary"
	"net/netip"

	"plimsoll.example/plimsoll/internal/dissect"
)

const (
	pcpPort   = 5351
	pcpClient = 5350 // where clients hear announcements
)

// DissectPCP is a dissect.Func for the port control protocol, RFC 6887, and its forerunner NAT-PMP,
// RFC 6886. What is said is about the requester. The messages have few marks of their own, so that the
// port must fit too.
func DissectPCP(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	src, dst := m.Src.Port(), m.Dst.Port()
	if m.Stream || src != pcpPort && dst != pcpPort && dst != pcpClient || len(m.Data) < 2 {
		return 0, dissect.No
	}
	ok := false
	switch m.Data[0] {
	case 0:
		ok = natpmp(m, out)
	case 2:
		ok = pcp(m, out)
	}
	if !ok {
		return 0, dissect.No
	}
	return len(m.Data), dissect.Next
}

// natpmp reads a message of version 0, RFC 6886, Sections 3.2 and 3.3.
func natpmp(m *dissect.Message, out *dissect.Facts) bool {
	b := m.Data
	p := portMap{via: "natpmp", side: "request"}
	switch b[1] & 0x7f {
	case 0: // what is the external address
		return len(b) == 2 || b[1] == 0x80 && len(b) >= 12
	case 1:
		p.protocol = 17
	case 2:
		p.protocol = 6
	default:
		return false
	}
	if b[1] < 0x80 {
		if len(b) != 12 {
			return false
		}
		p.ports(b[4:])
		lease := binary.BigEndian.Uint32(b[8:])
		p.remove = lease == 0
		p.add(out)
		fieldInternal(m.Src.Addr(), out)
		out.FieldUint("lease", uint64(lease))
		return true
	}
	if len(b) != 16 && len(b) != 8 {
		return false
	}
	if len(b) == 8 { // an error that says nothing of the mapping
		return true
	}
	p.side = "response"
	p.ports(b[8:])
	result, lease := binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[12:])
	p.remove = lease == 0 && result == 0
	out.About(m.DstMAC)
	p.add(out)
	fieldInternal(m.Dst.Addr(), out)
	out.FieldUint("lease", uint64(lease))
	out.FieldUint("result", uint64(result))
	return true
}

// ports reads the internal and the external port.
func (p *portMap) ports(b []byte) {
	p.internal = binary.BigEndian.Uint16(b)
	p.external = binary.BigEndian.Uint16(b[2:])
}

// pcp reads a message of version 2, RFC 6887, Sections 7.1, 7.2, 11.1 and 12.1.
func pcp(m *dissect.Message, out *dissect.Facts) bool {
	const (
		headerLen = 24
		maxLen    = 1100
		mapLen    = 36
		opMap     = 1
		opPeer    = 2
	)
	b := m.Data
	if len(b) < headerLen || len(b) > maxLen || len(b)%4 != 0 {
		return false
	}
	op := b[1] & 0x7f
	if op > opPeer {
		return false
	}
	if op != opMap {
		return true // an announcement, or the mapping that an outgoing flow has anyhow
	}
	if len(b) < headerLen+mapLen {
		return false
	}
	lease := binary.BigEndian.Uint32(b[4:])
	body := b[headerLen:]
	p := portMap{via: "pcp", side: "request", protocol: body[12], remove: lease == 0}
	p.ports(body[16:])
	if b[1] < 0x80 {
		p.add(out)
		fieldInternal(netip.AddrFrom16([16]byte(b[8:])).Unmap(), out)
		out.FieldUint("lease", uint64(lease))
		return true
	}
	p.side = "response"
	result := b[3]
	p.remove = p.remove && result == 0
	out.About(m.DstMAC)
	p.add(out)
	fieldInternal(m.Dst.Addr(), out)
	if external := netip.AddrFrom16([16]byte(body[20:])).Unmap(); !external.IsUnspecified() {
		out.FieldAddr("external", external)
	}
	out.FieldUint("lease", uint64(lease)) // of an error: seconds before the same is worth asking again
	out.FieldUint("result", uint64(result))
	return true
}

func fieldInternal(a netip.Addr, out *dissect.Facts) {
	if a.IsValid() {
		out.FieldAddr("internal", a)
	}
}
