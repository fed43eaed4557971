package mud

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Starts says who may begin to talk. The words are stable.
type Starts string

// Who may begin.
const (
	DeviceStarts Starts = "device"
	PeerStarts   Starts = "peer"
	EitherStarts Starts = "either"
	AnswersOnly  Starts = "answer" // the peer, from a port of its own over UDP: what the device asked first
)

// PeerKind is how a file names the other side. The words are stable.
type PeerKind string

// The kinds, in the order in which they are shown.
const (
	PeerName             PeerKind = "name"
	PeerManufacturer     PeerKind = "manufacturer"
	PeerSameManufacturer PeerKind = "same-manufacturer"
	PeerModel            PeerKind = "model"
	PeerMyController     PeerKind = "my-controller"
	PeerController       PeerKind = "controller"
	PeerLocal            PeerKind = "local-networks"
	PeerMulticast        PeerKind = "multicast"
	PeerAddress          PeerKind = "address"
	PeerEthernet         PeerKind = "ethernet"
	PeerAnyone           PeerKind = "anyone"
)

var peerOrder = []PeerKind{
	PeerName, PeerManufacturer, PeerSameManufacturer, PeerModel, PeerMyController, PeerController, PeerLocal, PeerMulticast,
	PeerAddress, PeerEthernet, PeerAnyone,
}

// Peer is the other side.
type Peer struct {
	Kind    PeerKind
	Value   string       // the name, authority, MUD URL, class, or ethertype; "" where the kind says it all
	Address netip.Prefix // where the entry demands one besides; not valid: any
}

// Service is what they may talk about.
type Service struct {
	Protocol string      // tcp, udp, icmp, icmpv6, igmp, another IP protocol's number, or "" for any
	Ports    []PortRange // of who is contacted; nil is any, or that the protocol has none
}

// Permission is what a file lets the device and one peer do, or forbids them.
type Permission struct {
	Allowed  bool
	Starts   Starts
	Peer     Peer
	Services []Service
}

// atom is one service of a permission in one address family, with the rule that gives it.
type atom struct {
	allowed bool
	starts  Starts
	peer    Peer
	service Service
	rule    rule
}

// Permissions are what a file allows and forbids, those with the same peer together. The defaults of RFC 8520 §5, local DNS
// and NTP, are not among them. Entries that are Dead are left out if they accept.
func (f *File) Permissions() []Permission {
	var list []Permission
	for _, a := range f.atoms() {
		i := slices.IndexFunc(list, func(p Permission) bool { return p.Allowed == a.allowed && p.Starts == a.starts && p.Peer == a.peer })
		if i < 0 {
			i = len(list)
			list = append(list, Permission{Allowed: a.allowed, Starts: a.starts, Peer: a.peer})
		}
		if !slices.ContainsFunc(list[i].Services, func(s Service) bool { return s.compare(a.service) == 0 }) {
			list[i].Services = append(list[i].Services, a.service)
		}
	}
	for i := range list {
		slices.SortFunc(list[i].Services, Service.compare)
	}
	slices.SortStableFunc(list, func(a, b Permission) int {
		if a.Allowed != b.Allowed {
			if a.Allowed {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(startsOrder(a.Starts), startsOrder(b.Starts)), a.Peer.compare(b.Peer))
	})
	return list
}

func startsOrder(s Starts) int {
	return slices.Index([]Starts{DeviceStarts, EitherStarts, PeerStarts, AnswersOnly}, s)
}

func (p Peer) compare(q Peer) int {
	return cmp.Or(cmp.Compare(slices.Index(peerOrder, p.Kind), slices.Index(peerOrder, q.Kind)),
		cmp.Compare(p.Value, q.Value), cmp.Compare(p.Address.String(), q.Address.String()))
}

func (s Service) compare(t Service) int {
	return cmp.Or(cmp.Compare(s.Protocol, t.Protocol),
		slices.CompareFunc(s.Ports, t.Ports, func(a, b PortRange) int {
			return cmp.Or(cmp.Compare(a.Low, b.Low), cmp.Compare(a.High, b.High))
		}))
}

// atoms reads the two policies together: an entry that only lets the answers of another pass is no permission of its own.
func (f *File) atoms() []atom {
	from, to := f.rules(FromDevice), f.rules(ToDevice)
	var list []atom
	for i := range from {
		r := &from[i]
		if r.initiated == ToDevice { // answers within connections that the peer opened
			continue
		}
		back := mirror(r, to)
		a := atom{r.action == Accept, DeviceStarts, r.party.peer(r), Service{r.protocolName(), named(r.peerPorts)}, *r}
		switch {
		case !r.mayBeTCP() && back != nil && anyPort(r.peerPorts) && !anyPort(r.ownPorts): // it serves a port
			a.starts, a.service.Ports = PeerStarts, named(r.ownPorts)
		case r.mayBeTCP() && back != nil && back.initiated == "" && anyPort(r.peerPorts) && !anyPort(r.ownPorts) && r.initiated == "":
			a.starts, a.service.Ports = PeerStarts, named(r.ownPorts)
		case r.mayBeTCP() && back != nil && back.initiated == "":
			a.starts = EitherStarts
		}
		list = append(list, a)
	}
	for i := range to {
		r := &to[i]
		if r.initiated == FromDevice {
			continue
		}
		if r.initiated == "" && mirror(r, from) != nil {
			continue
		}
		a := atom{r.action == Accept, PeerStarts, r.party.peer(r), Service{r.protocolName(), named(r.ownPorts)}, *r}
		if r.protocol == 17 && anyPort(r.ownPorts) && !anyPort(r.peerPorts) {
			a.starts, a.service.Ports = AnswersOnly, named(r.peerPorts)
		}
		list = append(list, a)
	}
	return list
}

// rules are the entries of a direction that have effect.
func (f *File) rules(d Direction) (list []rule) {
	stopped := []rule{}
	for acl, e := range f.Entries(d) {
		if e.Dead() && e.Action == Accept {
			continue
		}
		r := ruleOf(d, acl, e)
		if slices.ContainsFunc(stopped, func(s rule) bool { return s.covers(&r) }) {
			continue
		}
		if r.action != Accept {
			r.action = Drop // for whoever talks, the two are one
			stopped = append(stopped, r)
		}
		list = append(list, r)
	}
	return list
}

// mayBeTCP reports whether a TCP packet can match.
func (r *rule) mayBeTCP() bool { return r.protocol == 6 || r.protocol < 0 && r.family != "eth" }

// mirror finds the rule for the packets the other way in the conversations of r.
func mirror(r *rule, others []rule) *rule {
	want := r.reverse()
	for i := range others {
		o := &others[i]
		x := *o
		x.initiated = want.initiated
		if x.same(&want) {
			return o
		}
	}
	return nil
}

// named is ports that are worth naming.
func named(p []PortRange) []PortRange {
	if anyPort(p) {
		return nil
	}
	return p
}

var protocols = map[int]string{-1: "", 1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 58: "icmpv6"}

func (r *rule) protocolName() string {
	if s, ok := protocols[r.protocol]; ok {
		return s
	}
	return strconv.Itoa(r.protocol)
}

// peer is the other side of a rule.
func (m MUD) peer(r *rule) Peer {
	p := Peer{Kind: PeerAnyone, Address: r.peer}
	switch {
	case r.family == "eth":
		p.Kind, p.Value = PeerEthernet, r.rest
	case r.name != "":
		p.Kind, p.Value = PeerName, r.name
	case m.Manufacturer != "":
		p.Kind, p.Value = PeerManufacturer, m.Manufacturer
	case m.SameManufacturer:
		p.Kind = PeerSameManufacturer
	case m.Model != "":
		p.Kind, p.Value = PeerModel, m.Model
	case m.MyController:
		p.Kind = PeerMyController
	case m.Controller != "":
		p.Kind, p.Value = PeerController, m.Controller
	case m.LocalNetworks:
		p.Kind = PeerLocal
	case r.peer.IsValid() && toMany(r.peer):
		p.Kind = PeerMulticast
	case r.peer.IsValid() && r.peer.Bits() > 0:
		p.Kind = PeerAddress
	}
	return p
}

// Text says who the peer is.
func (p Peer) Text(w Words) string {
	value := p.Value
	key := "mud.peer." + string(p.Kind)
	if p.Kind == PeerController {
		for _, class := range []string{"dns", "ntp", "gateway"} {
			if strings.EqualFold(value, "urn:ietf:params:mud:"+class) {
				key = "mud.peer.controller-" + class
			}
		}
	}
	text := w.Text(key, "value", value, "address", p.address())
	if p.Kind != PeerAddress && p.Kind != PeerMulticast && p.Address.IsValid() && p.Address.Bits() > 0 {
		text = w.Text("mud.peer.at", "peer", text, "address", p.address())
	}
	return text
}

// address is the prefix, or the address where it is one alone.
func (p Peer) address() string {
	if p.Address.IsValid() && p.Address.IsSingleIP() {
		return p.Address.Addr().String()
	}
	if !p.Address.IsValid() {
		return ""
	}
	return p.Address.String()
}

// services are the names of what runs on well-known ports (IANA), where people may know them.
var services = map[string]string{
	"tcp/20": "FTP", "tcp/21": "FTP", "tcp/22": "SSH", "tcp/23": "Telnet", "tcp/25": "SMTP", "tcp/53": "DNS", "udp/53": "DNS",
	"udp/67": "DHCP", "udp/68": "DHCP", "tcp/80": "HTTP", "tcp/110": "POP3", "udp/123": "NTP", "udp/137": "NetBIOS", "udp/138": "NetBIOS",
	"tcp/139": "NetBIOS", "tcp/143": "IMAP", "udp/161": "SNMP", "tcp/443": "HTTPS", "udp/443": "QUIC", "tcp/445": "SMB",
	"tcp/465": "SMTP TLS", "udp/546": "DHCPv6", "udp/547": "DHCPv6", "tcp/554": "RTSP", "tcp/587": "SMTP", "tcp/631": "IPP",
	"tcp/853": "DNS TLS", "tcp/993": "IMAP TLS", "tcp/995": "POP3 TLS", "tcp/1883": "MQTT", "udp/1900": "SSDP", "udp/3478": "STUN",
	"tcp/3478": "STUN", "udp/5353": "mDNS", "tcp/5222": "XMPP", "udp/5683": "CoAP", "udp/5684": "CoAP DTLS", "tcp/8080": "HTTP",
	"tcp/8883": "MQTT TLS", "tcp/9100": "JetDirect", "udp/5355": "LLMNR",
}

// Name is what is known to run there, or "".
func (s Service) Name() string {
	if len(s.Ports) == 1 && s.Ports[0].Low == s.Ports[0].High {
		return services[s.Protocol+"/"+strconv.Itoa(int(s.Ports[0].Low))]
	}
	return ""
}

// String is the service in the manner of tcp/443.
func (s Service) String() string {
	if len(s.Ports) == 0 {
		return s.Protocol
	}
	var parts []string
	for _, p := range s.Ports {
		part := strconv.Itoa(int(p.Low))
		if p.High != p.Low {
			part += "-" + strconv.Itoa(int(p.High))
		}
		parts = append(parts, part)
	}
	return s.Protocol + "/" + strings.Join(parts, ",")
}

// Text says what the service is.
func (s Service) Text(w Words) string {
	switch s.Protocol {
	case "":
		return w.Text("mud.service.any")
	case "icmp", "icmpv6":
		return w.Text("mud.service.icmp", "value", s.Protocol)
	case "igmp":
		return w.Text("mud.service.igmp")
	case "tcp", "udp":
		if name := s.Name(); name != "" {
			return name + " (" + s.String() + ")"
		}
		if len(s.Ports) == 0 {
			return w.Text("mud.service.ports", "value", s.Protocol)
		}
		return s.String()
	}
	return w.Text("mud.service.protocol", "value", s.Protocol)
}

// Text says the services.
func (p Permission) Text(w Words) string {
	var list []string
	for _, s := range p.Services {
		list = append(list, s.Text(w))
	}
	return w.Text("mud.show.line", "peer", p.Peer.Text(w), "services", strings.Join(list, ", "))
}
