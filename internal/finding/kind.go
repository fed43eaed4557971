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
)

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

// kinds is the table of all kinds. In the details, peer is the other end: a name or an address; service is as
// device.ServiceName writes it; packets, count and the like are uint64, span and period time.Duration.
//
// The norms named here are what a finding speaks to, in the direction given, when the device is the actor; to be a
// target says nothing of a product.
var kinds = []About{
	{ScanHorizontal, true, either, []string{"service", "count", "span"}, []string{"cra.I.2i"}, Refutes},
	{ScanVertical, true, either, []string{"peer", "count", "span"}, []string{"cra.I.2i"}, Refutes},
	{GuessCredentials, true, either, []string{"peer", "protocol", "count"}, []string{"cra.I.2i"}, Refutes},
	{FloodSYN, true, either, []string{"peer", "packets", "rate"}, []string{"cra.I.2i"}, Refutes},
	{FloodUDP, true, either, []string{"peer", "packets", "rate"}, []string{"cra.I.2i"}, Refutes},
	{FloodICMP, true, either, []string{"peer", "packets", "rate"}, []string{"cra.I.2i"}, Refutes},
	{FloodDHCP, true, actor, []string{"count", "packets", "rate"}, []string{"cra.I.2i"}, Refutes},
	{FloodARP, true, actor, []string{"count", "packets", "rate"}, []string{"cra.I.2i"}, Refutes},
	{ReflectParticipant, true, either, []string{"peer", "protocol", "packets"}, []string{"cra.I.2i"}, Refutes},
	{SpoofSource, true, actor, []string{"count", "address"}, []string{"cra.I.2i"}, Refutes},
	{SpoofARP, true, either, []string{"address", "peer"}, []string{"cra.I.2i"}, Refutes},
	{SpoofRouter, true, actor, []string{"address"}, []string{"cra.I.2i"}, Refutes},
	{BeaconRare, true, actor, []string{"peer", "service", "period", "count"}, nil, Neither},
	{DNSTunnel, true, actor, []string{"domain", "count"}, nil, Neither},
	{TunnelICMP, true, actor, []string{"peer", "packets"}, nil, Neither},
	{DNSGenerated, true, actor, []string{"count", "example"}, nil, Neither},
	{DNSBypass, false, actor, []string{"peer", "protocol"}, nil, Neither},
	{NewDestination, false, actor, []string{"peer", "service"}, nil, Neither},
	{ClearCredentials, false, actor, []string{"peer", "protocol"}, []string{"etsi.5.5-7"}, Refutes},
	{ClearContent, false, actor, []string{"peer", "protocol"}, []string{"etsi.5.5-1"}, Refutes},
	{ClearFirmware, false, actor, []string{"peer", "file"}, []string{"etsi.5.3-7"}, Refutes},
	{TLSWeak, false, actor, []string{"peer", "weakness"}, []string{"etsi.5.5-1"}, Refutes},
	{TLSCertificate, false, actor, []string{"peer", "fault"}, []string{"etsi.5.5-1"}, Refutes},
	{ExposedService, false, actor, []string{"peer", "service"}, []string{"etsi.5.6-1"}, Refutes},
	{ExposedPortmap, false, actor, []string{"service", "protocol"}, []string{"etsi.5.6-1"}, Refutes},
	{LegacyService, false, actor, []string{"peer", "protocol"}, []string{"etsi.5.6-1"}, Refutes},
	{IndicatorMatch, true, actor, []string{"peer", "feed"}, nil, Neither},
	{MUDDeparture, false, actor, []string{"peer", "service", "nearest"}, nil, Neither},
	{NameCollision, true, actor, []string{"name", "peer"}, nil, Neither},
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
