package policy

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/mud"
)

// Compile sets a MUD file into a network. The result depends on its arguments alone. Names lead nowhere until Learn
// says where.
func Compile(f *mud.File, c *Context) *Policy {
	p := &Policy{Device: c.Device.MAC, URL: f.URL, Own: slices.Clone(c.Device.Addresses)}
	at := classes{Context: *c, known: map[membership][]netip.Prefix{}}
	if at.Device.URL == "" {
		at.Device.URL = f.URL
	}
	for d, name := range [...]mud.Direction{FromDevice: mud.FromDevice, ToDevice: mud.ToDevice} {
		for acl, ace := range f.Entries(name) {
			p.Entries = append(p.Entries, compile(acl, ace, Direction(d), &at)...)
			if f.TLSProfiles == nil || !*f.TLSProfiles { // RFC 9761 §5.4: then nobody looks at them
				p.Entries[len(p.Entries)-1].TLS = nil
			}
		}
	}
	p.Entries = slices.Concat(p.Entries, defaults(&at)) // with no room to grow: there are hundreds of policies
	p.build()
	return p
}

// compile is an entry of the file: one, or one for each family where it speaks of ICMP without saying which.
func compile(acl *mud.ACL, ace *mud.ACE, d Direction, c *classes) []Entry {
	e := Entry{
		ACL: acl.Name, Name: ace.Name, Direction: d, Proto: Any, ICMPType: Any, ICMPCode: Any,
		Unknown: ace.Dead(), TLS: ace.Matches.TLS,
	}
	if ace.Action == mud.Accept {
		e.Action = Accept
	}
	b := builder{Entry: &e, context: c}
	m := &ace.Matches
	switch acl.Type {
	case mud.IPv4ACL:
		b.family(4)
	case mud.IPv6ACL:
		b.family(6)
	}
	b.eth(m.Eth)
	if m.IPv4 != nil {
		b.family(4)
		b.ip(m.IPv4)
	}
	if m.IPv6 != nil {
		b.family(6)
		b.ip(m.IPv6)
	}
	b.tcp(m.TCP)
	b.udp(m.UDP)
	b.icmp(m.ICMP)
	b.classes(m.MUD)
	b.finish()
	if m.ICMP != nil && e.Family == 0 {
		six := e
		e.Family, e.Proto = 4, frame.ProtoICMP
		six.Family, six.Proto = 6, frame.ProtoICMPv6
		e.Prefixes, six.Prefixes = family(e.Prefixes, 4), family(six.Prefixes, 6)
		return []Entry{e, six}
	}
	return []Entry{e}
}

// builder gathers what an entry demands.
type builder struct {
	*Entry
	context  *classes
	held     []netip.Prefix // what all classes so far have in common
	narrowed bool           // held is valid
}

func (b *builder) family(f uint8) {
	if b.Family != 0 && b.Family != f {
		b.Never = true
	}
	b.Family = f
}

func (b *builder) proto(n uint8) {
	if b.Proto != Any && b.Proto != int16(n) {
		b.Never = true
	}
	b.Proto = int16(n)
}

// peer adds a class, which stands for those addresses, to what the other end must be.
func (b *builder) peer(p Peer, addresses []netip.Prefix) {
	b.Peers = append(b.Peers, p)
	if b.narrowed {
		addresses = intersection(b.held, addresses)
	}
	b.held, b.narrowed = addresses, true
}

func (b *builder) classes(m *mud.MUD) {
	if m == nil {
		return
	}
	for _, x := range []struct {
		set   bool
		class Class
		value string
	}{
		{m.Manufacturer != "", Manufacturer, authority(m.Manufacturer)},
		{m.SameManufacturer, SameManufacturer, ""},
		{m.Model != "", Model, m.Model},
		{m.LocalNetworks, LocalNetworks, ""},
		{m.Controller != "", Controller, m.Controller},
		{m.MyController, MyController, ""},
	} {
		if x.set {
			p := Peer{x.class, x.value}
			b.peer(p, b.context.of(p, b.Family))
		}
	}
}

// authority is what a file names as manufacturer, as mud.Authority has it: inet:host writes an IPv6 address without the
// brackets that it has in a URL (RFC 6991 §4).
func authority(s string) string {
	s = strings.ToLower(s)
	if a, err := netip.ParseAddr(s); err == nil && a.Is6() {
		return "[" + s + "]"
	}
	return strings.TrimSuffix(s, ":443")
}

func (b *builder) ip(m *mud.IP) {
	own, peer, ownName, peerName := m.Source, m.Destination, m.SourceDNSName, m.DestinationDNSName
	if b.Direction == ToDevice {
		own, peer, ownName, peerName = peer, own, peerName, ownName
	}
	if m.Protocol != nil {
		b.proto(*m.Protocol)
	}
	if peer.IsValid() {
		if p := peer.Masked(); p.Addr().Is4() != (b.Family == 4) {
			b.Never = true
		} else if p.Bits() > 0 {
			b.peer(Peer{Network, p.String()}, []netip.Prefix{p})
		}
	}
	if own.IsValid() && own.Bits() > 0 {
		b.OwnNet = own.Masked()
	}
	if ownName != "" {
		b.Unknown = true // the device's own side has no name (RFC 8520 §8)
	}
	if peerName != "" {
		b.name(peerName)
	}
	b.field(DSCP, m.DSCP, 0x3f)
	b.field(ECN, m.ECN, 3)
	// what routers change, defragmentation hides, or the first packet of a conversation does not settle
	b.Unknown = b.Unknown || m.TTL != nil || m.Length != nil || m.IHL != nil || len(m.Flags) > 0 || m.Offset != nil || m.Identification != nil || m.FlowLabel != nil
}

// name is a DNS name, which may be an address (inet:host in RFC 6991).
func (b *builder) name(s string) {
	s = Hostname(s)
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		if a = a.Unmap(); a.Is4() != (b.Family == 4) {
			b.Never = true
		}
		b.peer(Peer{Network, a.String()}, hosts([]netip.Addr{a}))
		return
	}
	b.Peers = append(b.Peers, Peer{Named, s})
	b.Follows = s
}

func (b *builder) field(f HeaderField, value *uint8, mask uint8) {
	if value != nil {
		b.Fields = append(b.Fields, Field{Name: f, Mask: mask, Value: *value & mask})
		b.Never = b.Never || *value&^mask != 0
	}
}

func (b *builder) ports(source, destination *mud.Ports) {
	own, peer := source, destination
	if b.Direction == ToDevice {
		own, peer = peer, own
	}
	b.OwnPorts, b.PeerPorts = b.ranges(own), b.ranges(peer)
}

// ranges are the ports that match; nil where all do.
func (b *builder) ranges(p *mud.Ports) []mud.PortRange {
	list := p.Ranges()
	if len(list) == 0 {
		b.Never = true
	}
	if len(list) == 1 && list[0] == (mud.PortRange{Low: 0, High: 65535}) {
		return nil
	}
	return list
}

// tcpFlags are the bits of the flags that RFC 8519 names.
var tcpFlags = map[string]uint8{"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ece": 64, "cwr": 128}

func (b *builder) tcp(m *mud.TCP) {
	if m == nil {
		return
	}
	b.proto(frame.ProtoTCP)
	b.ports(m.Source, m.Destination)
	if m.DirectionInitiated != "" && string(m.DirectionInitiated) != b.Direction.String() {
		b.Answers = true
	}
	if len(m.Flags) > 0 {
		f := Field{Name: TCPFlags, Mask: 0x3f} // congestion control may set the others (RFC 3168)
		for _, name := range m.Flags {
			bit, ok := tcpFlags[strings.ToLower(name)]
			if !ok {
				b.Unknown = true
			}
			f.Mask |= bit
			f.Value |= bit
		}
		b.Fields = append(b.Fields, f)
	}
	b.Unknown = b.Unknown || m.SequenceNumber != nil || m.AcknowledgementNumber != nil || m.DataOffset != nil || m.Reserved != nil ||
		m.WindowSize != nil || m.UrgentPointer != nil || len(m.Options) > 0
}

func (b *builder) udp(m *mud.UDP) {
	if m == nil {
		return
	}
	b.proto(frame.ProtoUDP)
	b.ports(m.Source, m.Destination)
	b.Unknown = b.Unknown || m.Length != nil
}

func (b *builder) icmp(m *mud.ICMP) {
	if m == nil {
		return
	}
	switch b.Family {
	case 4:
		b.proto(frame.ProtoICMP)
	case 6:
		b.proto(frame.ProtoICMPv6)
	default:
		b.Never = b.Never || b.Proto != Any
	}
	if m.Type != nil {
		b.ICMPType = int16(*m.Type)
	}
	if m.Code != nil {
		b.ICMPCode = int16(*m.Code)
	}
	b.Unknown = b.Unknown || len(m.RestOfHeader) > 0
}

func (b *builder) eth(m *mud.Eth) {
	if m == nil {
		return
	}
	if m.Ethertype != nil {
		switch *m.Ethertype {
		case frame.EtherIPv4:
			b.family(4)
		case frame.EtherIPv6:
			b.family(6)
		default:
			b.Never = true // it speaks of frames that are not IP
		}
	}
	own, ownMask, peer, peerMask := m.Source, m.SourceMask, m.Destination, m.DestinationMask
	if b.Direction == ToDevice {
		own, ownMask, peer, peerMask = peer, peerMask, own, ownMask
	}
	if own != nil && !masked(b.context.Device.MAC[:], own, ownMask) {
		b.Never = true
	}
	if peer != nil {
		b.peer(Peer{LinkAddress, peer.String()}, b.context.behind(peer, peerMask))
	}
}

// masked reports whether a link-layer address is the one wanted, in the bits of the mask.
func masked(a []byte, want, mask net.HardwareAddr) bool {
	if len(want) != len(a) || mask != nil && len(mask) != len(a) {
		return false
	}
	for i := range a {
		m := byte(0xff)
		if mask != nil {
			m = mask[i]
		}
		if (a[i]^want[i])&m != 0 {
			return false
		}
	}
	return true
}

// behind are the IP addresses that frames to a link-layer address go to: those of the devices that have it, the
// broadcasts, or the groups that it stands for (RFC 1112 §6.4, RFC 2464 §7). What a group's address leaves open,
// is not taken in: several groups share one.
func (c *Context) behind(want, mask net.HardwareAddr) []netip.Prefix {
	var list []netip.Prefix
	if masked(bytes.Repeat([]byte{0xff}, 6), want, mask) {
		list = append(list, netip.MustParsePrefix("255.255.255.255/32"))
		for _, p := range c.Local {
			if p.Addr().Is4() && p.Bits() < 31 {
				list = append(list, netip.PrefixFrom(broadcast(p), 32))
			}
		}
	}
	for _, g := range []string{"224.0.0.1", "224.0.0.22", "224.0.0.251", "224.0.0.252", "239.255.255.250", "ff02::1", "ff02::2", "ff02::16", "ff02::fb", "ff02::c", "ff02::1:2", "ff02::1:3"} {
		a := netip.MustParseAddr(g)
		b := a.AsSlice()
		m := append([]byte{0x33, 0x33}, b[len(b)-4:]...)
		if a.Is4() {
			m = []byte{1, 0, 0x5e, b[1] & 0x7f, b[2], b[3]}
		}
		if masked(m, want, mask) {
			list = append(list, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	for i := range c.Peers {
		if masked(c.Peers[i].MAC[:], want, mask) {
			list = append(list, hosts(c.Peers[i].Addresses)...)
		}
	}
	return union(list)
}

// broadcast is the last address of an IPv4 prefix.
func broadcast(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		a[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(a)
}

// finish draws the conclusions.
func (b *builder) finish() {
	b.Open = !b.narrowed && b.Follows == ""
	if b.narrowed {
		b.Prefixes = b.held
		if len(b.Peers) > 1 || b.Peers[0].Class == LinkAddress { // or it is of the family
			b.Prefixes = family(b.held, b.Family)
		}
		if len(b.Prefixes) == 0 {
			b.Never = true // nobody is in the class
		}
	}
	if b.OwnNet.IsValid() && b.OwnNet.Addr().Is4() != (b.Family == 4) {
		b.Never = true
	}
	if b.Direction == ToDevice && b.Action == Accept && b.Proto == frame.ProtoUDP && b.OwnPorts == nil && (b.PeerPorts != nil || !b.near()) {
		b.Answers = true // UDP has no direction: a port of the other end alone means what comes back from a service
	}
}

// near reports whether a class of this network says who the other end is.
func (b *builder) near() bool {
	return slices.ContainsFunc(b.Peers, func(p Peer) bool { return p.Class != Network && p.Class != Named && p.Class != LinkAddress })
}

// defaults are the entries that follow those of the file.
func defaults(c *classes) []Entry {
	port := func(n uint16) []mud.PortRange { return []mud.PortRange{{Low: n, High: n}} }
	entry := func(o Origin, d Direction, f uint8, proto int16, class Class) Entry {
		peers := c.of(Peer{Class: class}, f)
		return Entry{
			Origin: o, Direction: d, Action: Accept, Family: f, Proto: proto, ICMPType: Any, ICMPCode: Any,
			Peers: []Peer{{Class: class}}, Prefixes: peers, Never: len(peers) == 0,
		}
	}
	var list []Entry
	add := func(e Entry, peerPort, ownPort uint16) {
		if peerPort != 0 {
			e.PeerPorts = port(peerPort)
		}
		if ownPort != 0 {
			e.OwnPorts = port(ownPort)
		}
		list = append(list, e)
	}
	for _, d := range []Direction{FromDevice, ToDevice} {
		add(entry(Joining, d, 4, frame.ProtoUDP, LocalNetworks), 67, 68)
		add(entry(Joining, d, 6, frame.ProtoUDP, LocalNetworks), 547, 546)
		for _, t := range []int16{133, 134, 135, 136} { // neighbour discovery (RFC 4861)
			e := entry(Joining, d, 6, frame.ProtoICMPv6, LocalNetworks)
			e.ICMPType = t
			list = append(list, e)
		}
	}
	list = append(list, entry(Joining, FromDevice, 4, frame.ProtoIGMP, Groups))
	for _, t := range []int16{131, 132, 143} { // group membership (RFC 2710, RFC 3810)
		e := entry(Joining, FromDevice, 6, frame.ProtoICMPv6, Groups)
		e.ICMPType = t
		list = append(list, e)
	}
	for _, proto := range []int16{frame.ProtoUDP, frame.ProtoTCP} {
		add(entry(LocalDNS, FromDevice, 0, proto, Resolvers), 53, 0)
	}
	add(entry(LocalNTP, FromDevice, 0, frame.ProtoUDP, TimeServers), 123, 0)
	return list
}
