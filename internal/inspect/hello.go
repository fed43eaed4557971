package inspect

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
)

// offer is a hello with the octets that it was read from.
type offer struct {
	text string
	policy.Hello
}

// greeting is the key of what a device says to a peer when it begins encryption.
func greeting(m frame.MAC, q *policy.Packet) talkKey {
	k := talkKey{device: m, peer: q.Peer, own: q.Own, peerPort: q.PeerPort, ownPort: q.OwnPort, proto: q.Proto}
	if passing(q.OwnPort, q.PeerPort) {
		k.ownPort = 0
	}
	return k
}

// greetings are the hellos of a conversation that a device began.
func (t *talks) greetings(m frame.MAC, q *policy.Packet) (list []policy.Hello) {
	if q.Direction != policy.FromDevice {
		return nil
	}
	for _, s := range t.hellos[greeting(m, q)] {
		list = append(list, s.Hello)
	}
	return list
}

// greets keeps fact i, a tls.offer, of what frame f carries.
func (t *talks) greets(facts *dissect.Facts, i int, f *frame.Frame, number uint64, file uint16) {
	if f.Depth != frame.Transport {
		return
	}
	fact := facts.At(i)
	k := greeting(fact.Subject, &policy.Packet{Peer: f.Dst, Own: f.Src, PeerPort: f.DstPort, OwnPort: f.SrcPort, Proto: f.Proto})
	text := append([]byte(nil), facts.Value(i)...)
	facts.Fields(i, func(_ string, value []byte) { text = append(append(text, 0), value...) })
	list := t.hellos[k]
	for j := range list {
		if s := &list[j]; s.text == string(text) {
			s.Count++
			s.Last = fact.Time
			return
		}
	}
	if len(list) == maxOfTalk || t.helloed == maxHellos {
		return
	}
	t.helloed++
	h := readHello(facts, i)
	h.Count, h.First, h.Last, h.Number, h.File = 1, fact.Time, fact.Time, number, file
	t.hellos[k] = append(list, offer{string(text), h})
}

// readHello reads fact i, a tls.offer.
func readHello(facts *dissect.Facts, i int) policy.Hello {
	field := func(key string) []uint16 { return readCodes(facts.Lookup(i, key)) }
	h := policy.Hello{
		DTLS: string(facts.Lookup(i, "transport")) == "dtls", Versions: readCodes(facts.Value(i)), Ciphers: field("ciphers"),
		Extensions: field("extensions"), Groups: field("groups"), Signatures: field("signatures"), CertSignatures: field("certificate_signatures"),
		CertCompression: field("certificate_compression"), PSKModes: field("psk_modes"), Cut: facts.Lookup(i, "cut") != nil,
	}
	if names := facts.Lookup(i, "protocols"); names != nil {
		for name := range bytes.SplitSeq(names, []byte(",")) {
			h.Protocols = append(h.Protocols, device.Printable(name, 64))
		}
	}
	return h
}

// readCodes reads numbers as a tls.offer has them.
func readCodes(text []byte) (list []uint16) {
	for s := range bytes.SplitSeq(text, []byte("-")) {
		var b [2]byte
		if n, err := hex.Decode(b[:], s[:min(len(s), 4)]); err == nil && n == 2 {
			list = append(list, binary.BigEndian.Uint16(b[:]))
		}
	}
	return list
}
