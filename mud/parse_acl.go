package mud

import (
	"math"
	"slices"
	"strings"
)

// acls reads the access lists (RFC 8519 §4.1).
func (r *reader) acls(f *File, p place) {
	r.object(p, "ietf-access-control-list", fields{
		"acl":               func(p place) { r.list(p, func(p place) { r.acl(f, p) }) },
		"attachment-points": func(p place) { r.tell("acl.not-in-mud", p.path, "name", last(p.path)) },
	}, nil, r.ignored)
}

func (r *reader) acl(f *File, p place) {
	acl := ACL{Path: p.path}
	r.object(p, "ietf-access-control-list", fields{
		"name": func(p place) { acl.Name = r.name(p) },
		"type": func(p place) { acl.Type = r.aclType(p) },
		"aces": func(p place) {
			r.object(p, "ietf-access-control-list", fields{
				"ace": func(p place) { r.list(p, func(p place) { r.entry(&acl, p) }) },
			}, nil, r.ignored)
		},
	}, map[string]string{"acl-name": "name", "acl-type": "type", "access-list-entries": "aces"}, r.ignored)
	switch {
	case p.kind != object:
	case acl.Name == "":
		r.tell("yang.missing", p.path, "name", "name")
	case f.ACL(acl.Name) != nil: // which of the two holds is anybody's guess
		r.tell("acl.twice", p.path, "name", acl.Name)
	default:
		f.ACLs = append(f.ACLs, acl)
	}
}

// aclTypes are the identities of RFC 8519 §4.1, and what the drafts called them.
var aclTypes = map[string]ACLType{
	"ipv4-acl-type": IPv4ACL, "ipv6-acl-type": IPv6ACL, "eth-acl-type": EthACL,
	"mixed-eth-ipv4-acl-type": "mixed-eth-ipv4-acl-type", "mixed-eth-ipv6-acl-type": "mixed-eth-ipv6-acl-type",
	"mixed-eth-ipv4-ipv6-acl-type": "mixed-eth-ipv4-ipv6-acl-type",
	"ipv4":                         IPv4ACL, "ipv6": IPv6ACL, "eth": EthACL,
	"ipv4-acl": IPv4ACL, "ipv6-acl": IPv6ACL, "eth-acl": EthACL, "ethernet-acl-type": EthACL, "ethernet-acl": EthACL,
}

func (r *reader) aclType(p place) ACLType {
	s := r.identity(p, "ietf-access-control-list")
	t, ok := aclTypes[s]
	switch {
	case s == "":
	case !ok:
		r.tell("acl.type", p.path, "value", s)
	case string(t) != s:
		r.tell("draft.acl-type", p.path, "value", s, "right", string(t))
	}
	return t
}

// entry reads one entry of an access list.
func (r *reader) entry(acl *ACL, p place) {
	if r.entries++; r.entries > MaxEntries {
		if r.entries == MaxEntries+1 {
			r.tell("file.entries", p.path, "limit", int64(MaxEntries))
		}
		return
	}
	ace := ACE{Path: p.path}
	r.ace, r.ports = &ace, nil
	acted := false
	r.object(p, "ietf-access-control-list", fields{
		"name": func(p place) { ace.Name = r.name(p) },
		"matches": func(p place) {
			p.canon = "/matches"
			r.matches(&ace.Matches, p)
		},
		"actions": func(p place) {
			r.object(p, "ietf-access-control-list", fields{
				"forwarding": func(p place) { acted = true; ace.Action = r.action(p) },
				"logging":    func(p place) { r.tell("acl.not-in-mud", p.path, "name", last(p.path)) },
			}, nil, r.ignored)
		},
		"statistics": func(p place) { r.tell("acl.not-in-mud", p.path, "name", last(p.path)) },
	}, map[string]string{"rule-name": "name"}, func(p place) {
		p.canon = "/" + escape(last(p.path)) // it may be what should have been matched
		r.unmatched(p)
	})
	r.ace = nil
	slices.SortStableFunc(ace.Unknown, func(a, b Member) int { return strings.Compare(a.Path, b.Path) })
	switch {
	case p.kind != object:
		return
	case ace.Name == "":
		r.tell("yang.missing", p.path, "name", "name")
	case !acted:
		r.tell("yang.missing", p.path, "name", "forwarding")
	}
	for _, other := range acl.ACEs {
		if other.Name == ace.Name && ace.Name != "" {
			r.tell("ace.twice", p.path, "name", ace.Name)
			break
		}
	}
	acl.ACEs = append(acl.ACEs, ace)
}

func (r *reader) action(p place) Action {
	switch s := r.identity(p, "ietf-access-control-list"); s {
	case "accept":
		return Accept
	case "drop":
	case "reject":
		return Reject
	case "permit", "deny":
		r.tell("draft.action", p.path, "value", s)
		if s == "permit" {
			return Accept
		}
	default:
		r.tell("yang.word", p.path, "value", s, "words", []string{"accept", "drop", "reject"})
	}
	return Drop
}

// matches reads what a packet must be (RFC 8519 §4.1 with RFC 8520 §4 and RFC 9761 §5).
func (r *reader) matches(m *Matches, p place) {
	r.object(p, "ietf-access-control-list", fields{
		"eth":  func(p place) { m.Eth = r.eth(p) },
		"ipv4": func(p place) { m.IPv4 = r.ip(p, false) },
		"ipv6": func(p place) { m.IPv6 = r.ip(p, true) },
		"tcp":  func(p place) { m.TCP = r.tcp(p) },
		"udp":  func(p place) { m.UDP = r.udp(p) },
		"icmp": func(p place) { m.ICMP = r.icmp(p) },
		mudRoot: func(p place) {
			if m.MUD == nil {
				m.MUD = &MUD{}
			}
			r.party(m.MUD, p)
		},
		"ietf-acl-tls:client-profiles": func(p place) { m.TLS = r.profiles(p) },
	}, map[string]string{
		"ipv4-acl": "ipv4", "ipv6-acl": "ipv6", "tcp-acl": "tcp", "udp-acl": "udp", "icmp-acl": "icmp", "eth-acl": "eth",
		"l2": "eth", "ietf-mud:mud-acl": mudRoot,
	}, func(p place) {
		if last(p.path) == "ietf-mud:same-manufacturer" {
			r.tell("draft.name", p.path, "name", last(p.path), "right", mudRoot)
			p.canon = "/matches/" + mudRoot + "/same-manufacturer"
			if m.MUD == nil {
				m.MUD = &MUD{}
			}
			m.MUD.SameManufacturer = r.empty(p)
			return
		}
		r.unmatched(p)
	})
	r.draftPorts(m)
	if m.IPv4 != nil && m.IPv6 != nil || count(m.TCP != nil, m.UDP != nil, m.ICMP != nil) > 1 {
		r.tell("ace.choice", p.path)
	}
}

func count(given ...bool) (n int) {
	for _, g := range given {
		if g {
			n++
		}
	}
	return n
}

// party reads who the other side is (RFC 8520 §4).
func (r *reader) party(m *MUD, p place) {
	r.object(p, "ietf-mud", fields{
		"manufacturer":      func(p place) { m.Manufacturer = r.host(p, true) },
		"same-manufacturer": func(p place) { m.SameManufacturer = r.empty(p) },
		"model":             func(p place) { m.Model = r.uri(p) },
		"local-networks":    func(p place) { m.LocalNetworks = r.empty(p) },
		"controller":        func(p place) { m.Controller = r.uri(p) },
		"my-controller":     func(p place) { m.MyController = r.empty(p) },
	}, nil, r.unmatched)
}

func (r *reader) eth(p place) *Eth {
	m := &Eth{}
	r.tell("acl.eth", p.path)
	r.object(p, "ietf-access-control-list", fields{
		"source-mac-address":           func(p place) { m.Source = r.mac(p) },
		"source-mac-address-mask":      func(p place) { m.SourceMask = r.mac(p) },
		"destination-mac-address":      func(p place) { m.Destination = r.mac(p) },
		"destination-mac-address-mask": func(p place) { m.DestinationMask = r.mac(p) },
		"ethertype":                    func(p place) { m.Ethertype = r.ethertype(p) },
	}, nil, r.unmatched)
	return m
}

// port is a port match of the drafts, which stood beside the protocol's number.
type port struct {
	destination bool
	ports       *Ports
	at          place
}

func (r *reader) ip(p place, v6 bool) *IP {
	m := &IP{}
	family := "ipv4"
	if v6 {
		family = "ipv6"
	}
	r.object(p, "ietf-access-control-list", pick(v6, fields{
		"dscp":                               func(p place) { m.DSCP = r.u8(p, 63) },
		"ecn":                                func(p place) { m.ECN = r.u8(p, 3) },
		"length":                             func(p place) { m.Length = r.u16(p, 0) },
		"ttl":                                func(p place) { m.TTL = r.u8(p, math.MaxUint8) },
		"protocol":                           func(p place) { m.Protocol = r.u8(p, math.MaxUint8) },
		"source-" + family + "-network":      func(p place) { m.Source = r.prefix(p, v6) },
		"destination-" + family + "-network": func(p place) { m.Destination = r.prefix(p, v6) },
		"ietf-acldns:src-dnsname":            func(p place) { m.SourceDNSName = r.host(p, false) },
		"ietf-acldns:dst-dnsname":            func(p place) { m.DestinationDNSName = r.host(p, false) },
	}, fields{
		"ihl": func(p place) {
			if n, ok := r.number(p, 5, 60); ok {
				v := uint8(n)
				m.IHL = &v
			}
		},
		"flags":          func(p place) { m.Flags = r.bits(p, "reserved", "fragment", "more") },
		"offset":         func(p place) { m.Offset = r.u16(p, 20) },
		"identification": func(p place) { m.Identification = r.u16(p, 0) },
	}, fields{
		"flow-label": func(p place) { m.FlowLabel = r.u32(p, 1<<20-1) },
	}), map[string]string{
		"ietf-acldns:source-dnsname": "ietf-acldns:src-dnsname", "ietf-acldns:destination-dnsname": "ietf-acldns:dst-dnsname",
	}, func(p place) {
		switch name := last(p.path); name {
		case "source-port-range", "destination-port-range":
			r.tell("draft.port-range", p.path)
			if ports := r.portMatch(p); ports != nil {
				r.ports = append(r.ports, port{name == "destination-port-range", ports, p})
			}
		default:
			r.unmatched(p)
		}
	})
	return m
}

// pick is what all have, and what one of two has.
func pick(second bool, all, one, two fields) fields {
	if second {
		one = two
	}
	for name, read := range one {
		all[name] = read
	}
	return all
}

// draftPorts moves the drafts' port matches to the protocol that the entry names; without one they match nothing known.
func (r *reader) draftPorts(m *Matches) {
	var protocol *uint8
	for _, ip := range []*IP{m.IPv4, m.IPv6} {
		if ip != nil && ip.Protocol != nil {
			protocol = ip.Protocol
		}
	}
	for _, p := range r.ports {
		var source, destination **Ports
		switch {
		case protocol != nil && *protocol == 6:
			if m.TCP == nil {
				m.TCP = &TCP{}
			}
			source, destination = &m.TCP.Source, &m.TCP.Destination
		case protocol != nil && *protocol == 17:
			if m.UDP == nil {
				m.UDP = &UDP{}
			}
			source, destination = &m.UDP.Source, &m.UDP.Destination
		default:
			r.unmatched(p.at)
			continue
		}
		to := source
		if p.destination {
			to = destination
		}
		if *to != nil {
			r.tell("json.duplicate", p.at.path, "name", last(p.at.path))
			continue
		}
		*to = p.ports
	}
	r.ports = nil
}

func (r *reader) tcp(p place) *TCP {
	m := &TCP{}
	r.object(p, "ietf-access-control-list", fields{
		"source-port":      func(p place) { m.Source = r.portMatch(p) },
		"destination-port": func(p place) { m.Destination = r.portMatch(p) },
		"ietf-mud:direction-initiated": func(p place) {
			m.DirectionInitiated = Direction(r.oneOf(p, string(ToDevice), string(FromDevice)))
		},
		"sequence-number":        func(p place) { m.SequenceNumber = r.u32(p, math.MaxUint32) },
		"acknowledgement-number": func(p place) { m.AcknowledgementNumber = r.u32(p, math.MaxUint32) },
		"data-offset": func(p place) {
			if n, ok := r.number(p, 5, 15); ok {
				v := uint8(n)
				m.DataOffset = &v
			}
		},
		"reserved":       func(p place) { m.Reserved = r.u8(p, math.MaxUint8) },
		"flags":          func(p place) { m.Flags = r.bits(p, "cwr", "ece", "urg", "ack", "psh", "rst", "syn", "fin") },
		"window-size":    func(p place) { m.WindowSize = r.u16(p, 0) },
		"urgent-pointer": func(p place) { m.UrgentPointer = r.u16(p, 0) },
		"options":        func(p place) { m.Options = r.binary(p) },
	}, draftPortNames, r.unmatched)
	return m
}

var draftPortNames = map[string]string{
	"source-port-range-or-operator": "source-port", "destination-port-range-or-operator": "destination-port",
	"source-port-range": "source-port", "destination-port-range": "destination-port",
}

func (r *reader) udp(p place) *UDP {
	m := &UDP{}
	r.object(p, "ietf-access-control-list", fields{
		"source-port":      func(p place) { m.Source = r.portMatch(p) },
		"destination-port": func(p place) { m.Destination = r.portMatch(p) },
		"length":           func(p place) { m.Length = r.u16(p, 0) },
	}, draftPortNames, r.unmatched)
	return m
}

func (r *reader) icmp(p place) *ICMP {
	m := &ICMP{}
	r.object(p, "ietf-access-control-list", fields{
		"type":           func(p place) { m.Type = r.u8(p, math.MaxUint8) },
		"code":           func(p place) { m.Code = r.u8(p, math.MaxUint8) },
		"rest-of-header": func(p place) { m.RestOfHeader = r.binary(p) },
	}, nil, r.unmatched)
	return m
}

// portMatch reads a port match: an operator, eq where none is said, and a port; or a lower and an upper port (RFC 8519 §4.2).
func (r *reader) portMatch(p place) *Ports {
	var operator string
	var port, lower, upper *uint16
	killed := len(r.ace.Unknown)
	r.object(p, "ietf-access-control-list", fields{
		"operator": func(p place) {
			if p.kind == text && p.text == string(Range) {
				r.tell("draft.operator", p.path, "value", p.text)
				operator = p.text
				return
			}
			operator = r.oneOf(p, string(LessOrEqual), string(GreaterOrEqual), string(Equal), string(NotEqual))
		},
		"port":       func(p place) { port = r.u16(p, 0) },
		"lower-port": func(p place) { lower = r.u16(p, 0) },
		"upper-port": func(p place) { upper = r.u16(p, 0) },
	}, nil, r.unmatched)
	if p.kind != object {
		return nil
	}
	if len(r.ace.Unknown) > killed { // the whole of it is kept as it came, not its parts
		r.ace.Unknown = r.ace.Unknown[:killed]
		r.kill(p)
		return nil
	}
	ranged := lower != nil && upper != nil && port == nil && (operator == "" || operator == string(Range))
	single := port != nil && lower == nil && upper == nil && operator != string(Range)
	switch {
	case ranged && *lower <= *upper:
		return &Ports{Range, *lower, *upper}
	case ranged:
		r.bad(p, "port.order", "low", *lower, "high", *upper)
	case single && operator == "":
		return &Ports{Equal, *port, 0}
	case single:
		return &Ports{Operator(operator), *port, 0}
	default:
		r.bad(p, "port.choice")
	}
	return nil
}

// profiles reads the profiles of RFC 9761 §5.2.
func (r *reader) profiles(p place) (list []TLSProfile) {
	killed := len(r.ace.Unknown)
	r.object(p, "ietf-acl-tls", fields{"tls-dtls-profile": func(p place) {
		r.list(p, func(p place) { list = append(list, r.profile(p)) })
	}}, map[string]string{"tls-dtls-profiles": "tls-dtls-profile"}, r.unmatched)
	if len(r.ace.Unknown) > killed { // a profile that is known in part would allow too little, or too much
		r.ace.Unknown = r.ace.Unknown[:killed]
		r.kill(p)
		return nil
	}
	return list
}

func (r *reader) profile(p place) TLSProfile {
	var t TLSProfile
	words := func(to *[]string, words ...string) func(place) {
		return func(p place) {
			r.list(p, func(p place) {
				if s := r.oneOf(p, words...); s != "" {
					*to = append(*to, s)
				}
			})
		}
	}
	numbers := func(to *[]uint16) func(place) {
		return func(p place) {
			r.list(p, func(p place) {
				if n := r.u16(p, 0); n != nil {
					*to = append(*to, *n)
				}
			})
		}
	}
	texts := func(to *[]string) func(place) {
		return func(p place) {
			r.list(p, func(p place) {
				if s := r.text(p, maxString); s != "" {
					*to = append(*to, s)
				}
			})
		}
	}
	r.object(p, "ietf-acl-tls", fields{
		"name":                       func(p place) { t.Name = r.name(p) },
		"supported-tls-version":      words(&t.TLSVersions, "tls12", "tls13"),
		"supported-dtls-version":     words(&t.DTLSVersions, "dtls12", "dtls13"),
		"cipher-suite":               numbers(&t.CipherSuites),
		"extension-type":             numbers(&t.ExtensionTypes),
		"supported-group":            numbers(&t.SupportedGroups),
		"signature-algorithm":        numbers(&t.SignatureAlgorithms),
		"signature-algorithm-cert":   numbers(&t.SignatureAlgorithmsCert),
		"cert-compression-algorithm": numbers(&t.CertCompressionAlgorithms),
		"psk-key-exchange-mode": func(p place) {
			r.list(p, func(p place) {
				if n := r.u8(p, math.MaxUint8); n != nil {
					t.PSKKeyExchangeModes = append(t.PSKKeyExchangeModes, *n)
				}
			})
		},
		"application-protocol":    texts(&t.ApplicationProtocols),
		"certificate-authorities": texts(&t.CertificateAuthorities),
		"accept-list-ta-cert": func(p place) {
			r.list(p, func(p place) {
				if b := r.binary(p); b != nil {
					t.TrustAnchors = append(t.TrustAnchors, b)
				}
			})
		},
	}, map[string]string{
		"profile-name": "name", "supported-tls-versions": "supported-tls-version", "supported-dtls-versions": "supported-dtls-version",
		"cipher-suites": "cipher-suite", "extension-types": "extension-type", "supported-groups": "supported-group",
		"signature-algorithms": "signature-algorithm", "signature-algorithms-cert": "signature-algorithm-cert",
		"psk-key-exchange-modes": "psk-key-exchange-mode", "application-protocols": "application-protocol",
		"cert-compression-algorithms": "cert-compression-algorithm", "acceptlist-ta-certs": "accept-list-ta-cert",
	}, r.unmatched)
	return t
}
