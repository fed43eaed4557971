package policy

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/mud"
)

// Leaf is one thing in which a packet differs from an entry.
type Leaf uint8

// The leaves. A packet differs from the nearest entry in few.
const (
	LeafDirection Leaf = 1 << iota // the other side may begin, this one may only answer
	LeafPeer
	LeafProtocol
	LeafPeerPort
	LeafOwnPort
	LeafICMP
	LeafHeader // dscp, ecn or flags, or the device's own address
	LeafTLS    // the hello (RFC 9761)
)

var leaves = [...]string{"direction", "peer", "protocol", "peer-port", "own-port", "icmp", "header", "tls"}

// weights say how much a difference in a leaf tells entries apart: whoever is spoken to, most of all.
var weights = [...]int{3, 8, 6, 4, 4, 3, 1, 1}

// Strings are the names of the leaves in l.
func (l Leaf) Strings() []string {
	list := []string{}
	for i, name := range leaves {
		if l&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return list
}

func (l Leaf) weight() (sum int) {
	for x := uint8(l); x != 0; x &= x - 1 {
		sum += weights[bits.TrailingZeros8(x)]
	}
	return sum
}

// Explanation is a decision, and the entry that comes nearest to allowing what was stopped.
type Explanation struct {
	Decision
	Nearest int32  // number of the entry, counting from 1; 0: none resembles the packet
	Differs Leaf   // in what
	Hello   string // of LeafTLS: the parameter that no profile allows, as its leaf and value
}

// Explain decides and says why. It costs more than Decide, and allocates.
func (p *Policy) Explain(q *Packet, at int64) Explanation {
	x := Explanation{Decision: p.Decide(q, at)}
	if x.Action == Accept {
		return x
	}
	best := 0
	for i := range p.Entries {
		e := &p.Entries[i]
		if e.Action != Accept || e.Never || e.Unknown || e.Origin == Joining { // joining resembles nothing else
			continue
		}
		differs := p.differs(e, q, at)
		if differs&LeafPeer != 0 && differs&(LeafProtocol|LeafPeerPort|LeafOwnPort) != 0 {
			continue // another service of somebody else resembles nothing
		}
		w := 2*differs.weight() + 1
		if e.Direction != q.Direction {
			w++
		}
		if best == 0 || w < best {
			best, x.Nearest, x.Differs = w, int32(i+1), differs
		}
	}
	return x
}

// differs is in what the packet is not as the entry wants.
func (p *Policy) differs(e *Entry, q *Packet, at int64) (l Leaf) {
	if e.Direction != q.Direction || e.Answers {
		l |= LeafDirection
	}
	if !p.leads(e, &q.Peer, at) {
		l |= LeafPeer
	}
	if e.Proto != Any && uint8(e.Proto) != q.Proto {
		l |= LeafProtocol
		return l
	}
	r := rule{peer: pair(e.PeerPorts), own: pair(e.OwnPorts), icmpType: e.ICMPType, icmpCode: e.ICMPCode}
	switch kindOf(q.Proto) {
	case kindTCP, kindUDP:
		if !within(&r.peer, q.PeerPort) {
			l |= LeafPeerPort
		}
		if !within(&r.own, q.OwnPort) {
			l |= LeafOwnPort
		}
	case kindICMP:
		if !r.ports(q, kindICMP) {
			l |= LeafICMP
		}
	}
	if e.OwnNet.IsValid() && !e.OwnNet.Contains(q.Own.Netip()) || slices.ContainsFunc(e.Fields, func(f Field) bool { return !f.matches(q, Accept) }) {
		l |= LeafHeader
	}
	return l
}

// leads reports whether the entry's other end may have the address.
func (p *Policy) leads(e *Entry, a *frame.Addr, at int64) bool {
	ip := a.Netip()
	if e.Family != 0 && ip.Is4() != (e.Family == 4) {
		return false
	}
	switch {
	case e.Open:
		return true
	case e.Follows != "":
		return (e.Prefixes == nil || contains(e.Prefixes, ip)) && p.follow.leads(e.Follows, ip, at)
	}
	return contains(e.Prefixes, ip)
}

// Service is a protocol and port, as people write it: tcp/443, udp/5353, icmp, 47.
func Service(proto uint8, port uint16) string {
	switch proto {
	case frame.ProtoTCP:
		return "tcp/" + strconv.Itoa(int(port))
	case frame.ProtoUDP:
		return "udp/" + strconv.Itoa(int(port))
	}
	return protocol(int16(proto))
}

func protocol(n int16) string {
	switch n {
	case frame.ProtoICMP:
		return "icmp"
	case frame.ProtoIGMP:
		return "igmp"
	case frame.ProtoTCP:
		return "tcp"
	case frame.ProtoUDP:
		return "udp"
	case frame.ProtoICMPv6:
		return "icmpv6"
	}
	return strconv.Itoa(int(n))
}

// Service is what the entry allows: tcp/443, udp/1024-65535, icmp; "" for everything. The port is that of the service:
// the other end's for what the device begins, its own for what others begin, if only one of them is said.
func (e *Entry) Service() string {
	if e.Proto == Any {
		return ""
	}
	ports := e.PeerPorts
	if ports == nil || e.Direction == ToDevice && e.OwnPorts != nil {
		ports = e.OwnPorts
	}
	s := protocol(e.Proto)
	if ports != nil {
		s += "/" + ranges(ports)
	}
	return s
}

func ranges(list []mud.PortRange) string {
	var parts []string
	for _, r := range list {
		s := strconv.Itoa(int(r.Low))
		if r.High != r.Low {
			s += "-" + strconv.Itoa(int(r.High))
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ",")
}

// Describe says in a few words what the entry speaks of: “tcp/443 to cloud.example.com”.
func (e *Entry) Describe(words *locale.Catalogue, printable func(string) string) string {
	service := e.Service()
	if service == "" {
		service = words.Text("policy.service.any")
	}
	key := "policy.entry.from"
	if e.Direction == ToDevice {
		key = "policy.entry.to"
	}
	var peers []string
	for _, p := range e.Peers {
		if p.Class == Network || p.Class == Named {
			peers = append(peers, printable(p.Value))
			continue
		}
		peers = append(peers, words.Text("policy.peer."+string(p.Class), "value", printable(p.Value)))
	}
	if len(peers) == 0 {
		peers = []string{words.Text("policy.peer.anyone")}
	}
	return words.Text(key, "service", service, "peer", words.List(peers))
}

// Brief is what the entry speaks of in the words of the RFC, which are those of no language: tcp/443 cloud.example.com,
// udp/5353 local-networks.
func (e *Entry) Brief() string {
	parts := []string{e.Service()}
	for _, p := range e.Peers {
		if p.Value != "" {
			parts = append(parts, p.Value)
		} else {
			parts = append(parts, string(p.Class))
		}
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

// Text says the decision in a sentence. service and peer are what people call those of the packet; printable makes a
// stranger's text harmless.
func (p *Policy) Text(x *Explanation, q *Packet, peer string, words *locale.Catalogue, printable func(string) string) string {
	service := Service(q.Proto, q.Service())
	args := []any{"service", service, "peer", peer}
	if x.Entry > 0 {
		e := &p.Entries[x.Entry-1]
		args = append(args, "entry", e.Describe(words, printable))
	}
	direction := ".from"
	if q.Direction == ToDevice {
		direction = ".to"
	}
	switch {
	case x.Reply:
		return words.Text("policy.allowed.reply", args...)
	case x.Action == Accept:
		return words.Text("policy.allowed."+p.Entries[x.Entry-1].Origin.String(), args...)
	case x.Entry > 0:
		return words.Text("policy.stopped.entry"+direction, args...)
	case x.Nearest == 0:
		return words.Text("policy.stopped.none"+direction, args...)
	}
	var differs []string
	for _, l := range x.Differs.Strings() {
		key := "policy.differs." + l
		if l == "direction" {
			key += direction
		}
		differs = append(differs, words.Text(key, "value", printable(x.Hello)))
	}
	return words.Text("policy.stopped.nearest"+direction, append(args,
		"entry", p.Entries[x.Nearest-1].Describe(words, printable), "differs", words.List(differs))...)
}

// firstEphemeral is the lowest port that common systems take for one conversation: Linux; RFC 6335 says 49152.
const firstEphemeral = 32768

// Service is the port that names the service: the other end's for what the device begins, its own for what others
// begin, unless that is one taken for the conversation and the one at the other side is not.
func (q *Packet) Service() uint16 {
	service, client := q.PeerPort, q.OwnPort
	if q.Direction == ToDevice {
		service, client = client, service
	}
	if service >= firstEphemeral && client < firstEphemeral {
		return client
	}
	return service
}
