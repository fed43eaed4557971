// Package frame reads the headers of one captured frame, from the link layer to
// the transport ports, without allocating.
package frame

// LinkType is a link-layer header type, numbered as in the pcap formats (LINKTYPE_ values).
type LinkType uint16

// The link types that Decode understands.
const (
	LinkNull     LinkType = 0   // BSD loopback
	LinkEthernet LinkType = 1   // IEEE 802.3
	LinkPPP      LinkType = 9   // PPP
	LinkRawOld   LinkType = 12  // raw IP, as some systems write it
	LinkRawBSD   LinkType = 14  // raw IP, as OpenBSD writes it
	LinkPPPoE    LinkType = 51  // PPPoE session
	LinkRaw      LinkType = 101 // raw IP
	LinkDot11    LinkType = 105 // IEEE 802.11
	LinkLoop     LinkType = 108 // OpenBSD loopback
	LinkSLL      LinkType = 113 // Linux cooked
	LinkPrism    LinkType = 119 // 802.11 with a Prism header
	LinkRadiotap LinkType = 127 // 802.11 with a radiotap header
	LinkIPv4     LinkType = 228 // IPv4
	LinkIPv6     LinkType = 229 // IPv6
	LinkSLL2     LinkType = 276 // Linux cooked, version 2
)

var linkNames = map[LinkType]string{
	LinkNull: "NULL", LinkEthernet: "ETHERNET", LinkPPP: "PPP", LinkRawOld: "RAW", LinkRawBSD: "RAW", LinkPPPoE: "PPP_ETHER",
	LinkRaw: "RAW", LinkDot11: "IEEE802_11", LinkLoop: "LOOP", LinkSLL: "LINUX_SLL", LinkPrism: "IEEE802_11_PRISM",
	LinkRadiotap: "IEEE802_11_RADIOTAP", LinkIPv4: "IPV4", LinkIPv6: "IPV6", LinkSLL2: "LINUX_SLL2",
}

// String is the registered name without its LINKTYPE_ prefix, or "" for a type that Decode does not understand.
func (l LinkType) String() string { return linkNames[l] }

// EtherType values (IEEE 802 Numbers).
const (
	EtherIPv4   = 0x0800
	EtherARP    = 0x0806
	EtherVLAN   = 0x8100
	EtherIPv6   = 0x86dd
	EtherQinQ   = 0x88a8
	EtherMPLS   = 0x8847
	EtherPPPoED = 0x8863 // PPPoE discovery
	EtherPPPoES = 0x8864 // PPPoE session
	EtherEAPOL  = 0x888e
	EtherLLDP   = 0x88cc
	etherQinQ1  = 0x9100 // QinQ before IEEE 802.1ad
	etherBridge = 0x6558 // transparent Ethernet bridging, in GRE
	minEther    = 0x0600 // below: an IEEE 802.3 length
)

// Protocol numbers (IANA).
const (
	ProtoICMP   = 1
	ProtoIGMP   = 2
	protoIPv4   = 4
	ProtoTCP    = 6
	ProtoUDP    = 17
	protoIPv6   = 41
	protoGRE    = 47
	protoAH     = 51
	ProtoICMPv6 = 58
	ProtoSCTP   = 132
)

// TCP flags (RFC 9293 §3.1).
const (
	FIN = 1 << iota
	SYN
	RST
	PSH
	ACK
)

// Depth says how far into a frame its headers could be read.
type Depth uint8

const (
	Nothing   Depth = iota // not even the link layer: cut short, or a link type that is not known
	Link                   // the link layer; what follows is not IP, or is cut short
	Network                // IP; the transport is not one with ports, is cut short, or is in another fragment
	Transport              // TCP, UDP, SCTP or ICMP
)

// Frame holds the header fields of one frame. It has no pointers; the payload is told by offsets.
type Frame struct {
	Src, Dst         Addr   // valid from Network on
	SrcMAC, DstMAC   MAC    // zero where the link has none
	SrcPort, DstPort uint16 // valid at Transport; ICMP: see Decode
	Seq, Ack         uint32 // TCP
	FragID           uint32 // valid iff Fragment
	FragOffset       uint16 // of Payload in the datagram, octets; valid iff Fragment
	EtherType        uint16 // of the payload of the link layer, tags removed; 0 where there is none
	VLAN             uint16 // identifier of the innermost IEEE 802.1Q tag; 0: none
	Window           uint16 // TCP
	Flags            uint8  // TCP
	Proto            uint8  // valid from Network on; for a fragment, the protocol of the whole
	TTL              uint8  // or hop limit
	Depth            Depth
	Fragment         bool // one fragment of a datagram; Payload is the fragment's part of it
	MoreFragments    bool
	Protected        bool   // an 802.11 frame whose payload is encrypted
	Tunnelled        bool   // the addresses are those within a tunnel
	Payload          uint32 // offset of what follows the last header that was read
	PayloadEnd       uint32 // offset of its end: padding excluded, never beyond the captured octets
	PayloadWire      uint32 // octets of payload on the wire, at least PayloadEnd-Payload
}
