package finding

import "slices"

// Kind is the stable name of a kind of finding.
type Kind string

// The kinds.
const (
	ScanHorizontal     Kind = "scan.horizontal"
	ScanVertical       Kind = "scan.vertical"
	GuessCredentials   Kind = "guess.credentials"
	FloodSYN           Kind = "flood.syn"
	FloodUDP           Kind = "flood.udp"
	FloodICMP          Kind = "flood.icmp"
	FloodDHCP          Kind = "flood.dhcp"
	FloodARP           Kind = "flood.arp"
	ReflectParticipant Kind = "reflect.participant"
	SpoofSource        Kind = "spoof.source"
	SpoofARP           Kind = "spoof.arp"
	SpoofRouter        Kind = "spoof.router"
	BeaconRare         Kind = "beacon.rare"
	DNSTunnel          Kind = "dns.tunnel"
	TunnelICMP         Kind = "tunnel.icmp"
	DNSGenerated       Kind = "dns.generated"
	DNSBypass          Kind = "dns.bypass"
	NewDestination     Kind = "new.destination"
	ClearCredentials   Kind = "clear.credentials"
	ClearContent       Kind = "clear.content"
	ClearFirmware      Kind = "clear.firmware"
	TLSWeak            Kind = "tls.weak"
	TLSCertificate     Kind = "tls.certificate"
	ExposedService     Kind = "exposed.service"
	ExposedPortmap     Kind = "exposed.portmap"
	LegacyService      Kind = "legacy.service"
	IndicatorMatch     Kind = "indicator.match"
	MUDDeparture       Kind = "mud.departure"
	NameCollision      Kind = "name.collision"
	LabelSuspended     Kind = "label.suspended"
	LabelWithdrawn     Kind = "label.withdrawn"
	LabelExpired       Kind = "label.expired"
	SupportEnded       Kind = "support.ended"
)

// FeedMining is the feed of a match that needs no list: a device speaks the protocol of those who mine digital money.
const FeedMining = "mining protocols (built in)"

// About is what a kind stands for.
type About struct {
	Kind      Kind
	Attack    bool     // a sign of attack, or else a norm broken by how the product is made
	Roles     []Role   // that a device can have in it
	Details   []string // the details that each finding of the kind has, which its texts may use
	Norms     []string // identifiers in package norms
	Direction Direction
}

var (
	either = []Role{Actor, Target}
	actor  = []Role{Actor}
)

// Norms that several kinds speak to, in the order of the catalogue.
var (
	// Traffic that keeps others from working, or that is sent where it may not go.
	harm = []string{"nist8425.IAC.2b", "cra.I.2i"}

	// What a device sends can be read, or changed, on its way.
	readable = []string{"etsi.5.5-1", "nist8425.DP.3", "owasp.I7", "cra.I.2e"}

	// There are more ways in than there need be.
	reachable = []string{"owasp.I2", "cra.I.2j"}
)

// kinds is the table of all kinds. In the details, peer is the other end: a name or an address; service is as
// device.ServiceName writes it; packets, count and the like are uint64, span and period time.Duration.
//
// The norms named here are what a finding speaks to, in the direction given, when the device is the actor; to be a
// target says nothing of a product. A norm stands here only if what was seen is, by itself, what the norm asks for or
// forbids, and a direction only if the norm's evidence allows it (norms.Evidence). Thus
//   - a password in clear refutes etsi.5.1-3 and etsi.5.5-6, wherever it goes; etsi.5.5-7 speaks of interfaces that can
//     be reached from afar alone, and this kind is of the local network too;
//   - firmware in clear refutes owasp.I4, which asks for delivery by a secure way; it does not refute etsi.5.3-7 or
//     etsi.5.3-10, as the image may still be signed;
//   - a service that answers the Internet was perhaps opened by its owner: it decides nothing. A device that opens the
//     way for itself does. Neither speaks to etsi.5.6-1, which is of what nobody uses;
//   - what is said of a label is not seen on the wire, and says nothing that its registry does not know already;
//   - a departure from a MUD file speaks to nist8425.IAC.2b, but the file may lack what the device rightly does.
var kinds = []About{
	{ScanHorizontal, true, either, []string{"service", "count", "span"}, harm, Refutes},
	{ScanVertical, true, either, []string{"peer", "count", "span"}, harm, Refutes},
	{GuessCredentials, true, either, []string{"peer", "protocol", "count"}, harm, Refutes},
	{FloodSYN, true, either, []string{"peer", "packets", "rate"}, harm, Refutes},
	{FloodUDP, true, either, []string{"peer", "packets", "rate"}, harm, Refutes},
	{FloodICMP, true, either, []string{"peer", "packets", "rate"}, harm, Refutes},
	{FloodDHCP, true, actor, []string{"count", "packets", "rate"}, harm, Refutes},
	{FloodARP, true, actor, []string{"count", "packets", "rate"}, harm, Refutes},
	{ReflectParticipant, true, either, []string{"peer", "protocol", "packets"}, harm, Refutes},
	{SpoofSource, true, actor, []string{"count", "address"}, harm, Refutes},
	{SpoofARP, true, either, []string{"address", "peer"}, harm, Refutes},
	{SpoofRouter, true, actor, []string{"address"}, harm, Refutes},
	{BeaconRare, true, actor, []string{"peer", "service", "period", "count"}, nil, Neither},
	{DNSTunnel, true, actor, []string{"domain", "count"}, nil, Neither},
	{TunnelICMP, true, actor, []string{"peer", "packets"}, nil, Neither},
	{DNSGenerated, true, actor, []string{"count", "example"}, nil, Neither},
	{DNSBypass, false, actor, []string{"peer", "protocol"}, nil, Neither},
	{NewDestination, false, actor, []string{"peer", "service"}, nil, Neither},
	{ClearCredentials, false, actor, []string{"peer", "protocol"}, []string{"etsi.5.1-3", "etsi.5.5-6", "nist8425.DP.3", "owasp.I7", "cra.I.2e"}, Refutes},
	{ClearContent, false, actor, []string{"peer", "protocol"}, readable, Refutes},
	{ClearFirmware, false, actor, []string{"peer", "file"}, []string{"owasp.I4"}, Refutes},
	{TLSWeak, false, actor, []string{"peer", "weakness"}, readable, Refutes},
	{TLSCertificate, false, actor, []string{"peer", "fault"}, readable, Refutes},
	{ExposedService, false, actor, []string{"peer", "service"}, reachable, Neither},
	{ExposedPortmap, false, actor, []string{"service", "protocol"}, reachable, Refutes},
	{LegacyService, false, actor, []string{"peer", "protocol"}, []string{"etsi.5.5-1", "owasp.I2"}, Refutes},
	{IndicatorMatch, true, actor, []string{"peer", "feed"}, nil, Neither},
	{MUDDeparture, false, actor, []string{"peer", "service", "nearest"}, []string{"nist8425.IAC.2b"}, Neither},
	{NameCollision, true, actor, []string{"name", "peer"}, nil, Neither},
	{LabelSuspended, false, actor, []string{"product", "issuer"}, nil, Neither},
	{LabelWithdrawn, false, actor, []string{"product", "issuer"}, nil, Neither},
	{LabelExpired, false, actor, []string{"product", "issuer"}, nil, Neither},
	{SupportEnded, false, actor, []string{"product", "day"}, nil, Neither},
}

// Kinds are all kinds, in the order of the table.
func Kinds() []About { return slices.Clone(kinds) }

// About is what the kind stands for, or the zero value for one that is not known.
func (k Kind) About() About {
	for i := range kinds {
		if kinds[i].Kind == k {
			return kinds[i]
		}
	}
	return About{}
}
