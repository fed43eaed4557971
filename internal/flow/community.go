package flow

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/frame"
)

// CommunityID is the flow's identifier by the Community ID specification, version 1, with seed 0: the same in every
// tool that follows it. It is empty for what is not IP.
func (f *Flow) CommunityID() string {
	if f.Proto == 0 {
		return ""
	}
	src, dst := addrBytes(&f.Addr[Orig]), addrBytes(&f.Addr[Resp])
	sport, dport := f.Port[Orig], f.Port[Resp]
	ports := f.Proto == frame.ProtoTCP || f.Proto == frame.ProtoUDP || f.Proto == frame.ProtoSCTP
	icmp := f.Proto == frame.ProtoICMP || f.Proto == frame.ProtoICMPv6
	oneWay := f.oneWay()
	if c := bytes.Compare(src, dst); !oneWay && (c > 0 || c == 0 && sport > dport) {
		src, dst, sport, dport = dst, src, dport, sport
	}
	b := make([]byte, 0, 2+16+16+2+4)
	b = append(b, 0, 0) // seed
	b = append(b, src...)
	b = append(b, dst...)
	b = append(b, f.Proto, 0)
	if ports || icmp {
		b = binary.BigEndian.AppendUint16(b, sport)
		b = binary.BigEndian.AppendUint16(b, dport)
	}
	sum := sha1.Sum(b)
	return "1:" + base64.StdEncoding.EncodeToString(sum[:])
}

func addrBytes(a *frame.Addr) []byte {
	if a.Is4() {
		return a[12:]
	}
	return a[:]
}
