package mud

import (
	"net"
	"net/netip"
)

// ACLType is the identity of an access list's type (RFC 8519 §4.1), without its module's name.
type ACLType string

// The types that a MUD file may have, and that of Ethernet alone, which many have.
const (
	IPv4ACL ACLType = "ipv4-acl-type"
	IPv6ACL ACLType = "ipv6-acl-type"
	EthACL  ACLType = "eth-acl-type"
)

// ACL is an access list (RFC 8519 §3): entries in order, of which the first that matches decides.
type ACL struct {
	Name string
	Type ACLType // "" where the file does not say
	ACEs []ACE
	Path string // where it is in the file as it came, a JSON Pointer; "" in a File that was not parsed
}

// ACE is an entry of an access list. One side of it is always the device (RFC 8520 §2).
type ACE struct {
	Name    string
	Matches Matches
	Action  Action

	Path string // as that of the access list

	// Unknown is what the entry demands and this package does not understand, by path. An entry that has any is Dead.
	Unknown []Member
}

// Dead reports whether the entry demands something that is not understood. Matches has the rest, which alone is more
// than its author meant. So a dead entry that accepts must be left out. One that does not accept must stop all that
// Matches matches: to leave it out would leave what it stops to the entries after it.
func (e *ACE) Dead() bool { return len(e.Unknown) > 0 }

// Member is a part of a file that is kept as it came.
type Member struct {
	Path  string // JSON Pointer (RFC 6901) within the entry, such as /matches/ipv4/dscp
	Value string // JSON, without spaces between
}

// Action is what happens to a packet that matches. The zero value drops it.
type Action uint8

// The actions (RFC 8519 §4.1). In a MUD file a reject may be a drop (RFC 8520 §2).
const (
	Drop Action = iota
	Accept
	Reject
)

// String is the identity's name.
func (a Action) String() string { return [...]string{"drop", "accept", "reject"}[a] }

// Matches is what a packet must be: all that is not nil, at once. One with nothing set matches everything.
type Matches struct {
	Eth  *Eth
	IPv4 *IP // at most one of IPv4 and IPv6
	IPv6 *IP
	TCP  *TCP // at most one of TCP, UDP and ICMP
	UDP  *UDP
	ICMP *ICMP
	MUD  *MUD
	TLS  []TLSProfile // RFC 9761: one of them; empty is any
}

// MUD is what RFC 8520 §4 adds: who the other side is.
type MUD struct {
	Manufacturer     string // the authority in the other side's MUD URL: host, or host:port
	SameManufacturer bool   // that authority is the same as this device's
	Model            string // the other side's whole MUD URL
	LocalNetworks    bool   // the other side is on a local network
	Controller       string // the other side is in the class of that URI
	MyController     bool   // the other side is this device's controller
}

// IP is a match on the IPv4 or IPv6 header (RFC 8519 §4.2), or on a name (RFC 8520 §8). A nil field is any.
type IP struct {
	Protocol                          *uint8
	Source, Destination               netip.Prefix // not valid: any
	SourceDNSName, DestinationDNSName string       // in lower case, without a dot at the end; "" is any
	DSCP, ECN, TTL                    *uint8       // TTL is the hop limit in IPv6
	Length                            *uint16
	IHL                               *uint8 // IPv4 alone, as the next three
	Flags                             []string
	Offset, Identification            *uint16
	FlowLabel                         *uint32 // IPv6 alone
}

// TCP is a match on the TCP header. A nil field is any.
type TCP struct {
	Source, Destination                   *Ports
	DirectionInitiated                    Direction // who opened the connection (RFC 8520 §4.8); "" is either
	SequenceNumber, AcknowledgementNumber *uint32
	DataOffset, Reserved                  *uint8
	Flags                                 []string
	WindowSize, UrgentPointer             *uint16
	Options                               []byte
}

// UDP is a match on the UDP header. A nil field is any.
type UDP struct {
	Source, Destination *Ports
	Length              *uint16
}

// ICMP is a match on the ICMP or ICMPv6 header. A nil field is any.
type ICMP struct {
	Type, Code   *uint8
	RestOfHeader []byte
}

// Eth is a match on the Ethernet header. It is outside of what RFC 8520 lets a MUD file use. A nil field is any.
type Eth struct {
	Source, SourceMask           net.HardwareAddr
	Destination, DestinationMask net.HardwareAddr
	Ethertype                    *uint16
}

// Operator says how a port is compared (RFC 8519 §4.2).
type Operator string

// The operators. Range is this package's word for the form that has a lower and an upper port.
const (
	Equal          Operator = "eq"
	NotEqual       Operator = "neq"
	LessOrEqual    Operator = "lte"
	GreaterOrEqual Operator = "gte"
	Range          Operator = "range"
)

// Ports is a match on a port.
type Ports struct {
	Operator Operator
	Port     uint16 // the port; the lowest one of a Range
	Upper    uint16 // the highest one of a Range; else 0
}

// PortRange is the ports from Low to High, both included.
type PortRange struct{ Low, High uint16 }

// Ranges are the ports that match, in order: one range, two for NotEqual, or none.
func (p *Ports) Ranges() []PortRange {
	if p == nil {
		return []PortRange{{0, 65535}}
	}
	switch p.Operator {
	case Equal:
		return []PortRange{{p.Port, p.Port}}
	case LessOrEqual:
		return []PortRange{{0, p.Port}}
	case GreaterOrEqual:
		return []PortRange{{p.Port, 65535}}
	case Range:
		if p.Port <= p.Upper {
			return []PortRange{{p.Port, p.Upper}}
		}
	case NotEqual:
		var r []PortRange
		if p.Port > 0 {
			r = append(r, PortRange{0, p.Port - 1})
		}
		if p.Port < 65535 {
			r = append(r, PortRange{p.Port + 1, 65535})
		}
		return r
	}
	return nil
}

// TLSProfile is what the device's ClientHello may hold (RFC 9761 §5). An empty list says nothing of its parameter.
// The numbers are those of IANA's TLS registries.
type TLSProfile struct {
	Name                      string
	TLSVersions               []string // tls12, tls13
	DTLSVersions              []string // dtls12, dtls13
	CipherSuites              []uint16
	ExtensionTypes            []uint16
	TrustAnchors              [][]byte // accept-list-ta-cert: CMS
	PSKKeyExchangeModes       []uint8
	SupportedGroups           []uint16
	SignatureAlgorithmsCert   []uint16
	SignatureAlgorithms       []uint16
	ApplicationProtocols      []string
	CertCompressionAlgorithms []uint16
	CertificateAuthorities    []string // distinguished names
}
