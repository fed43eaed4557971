package detect

import (
	"bytes"
	"net/netip"
	"strings"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// bypass finds devices that ask other resolvers for names than the network told them.
type bypass struct {
	*Watch
	told map[netip.Addr]bool // resolvers, by DHCP and router advertisements
	seen *Table[question, *Record]
}

// question is a resolver that a device asked, in a way.
type question struct {
	client frame.MAC
	server frame.Addr
	proto  string
}

// maxTold bounds the resolvers that are believed: anybody can announce some.
const maxTold = 64

func newBypass(w *Watch) Detector {
	b := &bypass{w, map[netip.Addr]bool{}, NewTable[question, *Record](512)}
	return Detector{Event: b.event, Steps: []Step{Answered, Established}, Fact: b.fact, Facts: []string{"dhcp.lease", "dhcp.server", "dhcpv6.server", "ra.rdnss", "tls.sni"}}
}

// encrypted are the names of public resolvers that answer over HTTPS, each as published by who runs it: Google,
// Cloudflare and Mozilla, Quad9, Cisco, AdGuard, CleanBrowsing, NextDNS, CIRA, ControlD, Mullvad, Alibaba, Tencent, DNS.SB,
// LibreDNS, Digitale Gesellschaft, Comcast. A name below one of them is a customer's own.
var encrypted = map[string]bool{
	"dns.google": true, "dns.google.com": true, "dns64.dns.google": true, "cloudflare-dns.com": true,
	"one.one.one.one": true, "dns.quad9.net": true, "dns9.quad9.net": true, "dns10.quad9.net": true,
	"dns11.quad9.net": true, "doh.opendns.com": true, "doh.familyshield.opendns.com": true, "doh.umbrella.com": true,
	"dns.adguard.com": true, "dns.adguard-dns.com": true, "family.adguard-dns.com": true,
	"unfiltered.adguard-dns.com": true, "doh.cleanbrowsing.org": true, "dns.nextdns.io": true,
	"private.canadianshield.cira.ca": true, "protected.canadianshield.cira.ca": true,
	"family.canadianshield.cira.ca": true, "dns.controld.com": true, "freedns.controld.com": true,
	"dns.mullvad.net": true, "doh.mullvad.net": true, "dns.alidns.com": true, "doh.pub": true, "dot.pub": true,
	"doh.dns.sb": true, "doh.libredns.gr": true, "dns.digitale-gesellschaft.ch": true, "doh.xfinity.com": true,
}

func isEncrypted(name []byte) bool {
	for more := true; more; _, name, more = bytes.Cut(name, []byte(".")) {
		if encrypted[string(name)] {
			return true
		}
	}
	return false
}

func (b *bypass) fact(f *Fact) {
	switch f.Name {
	case "ra.rdnss":
		b.learn(f.Value)
	case "tls.sni":
		if isEncrypted(f.Value) {
			name := text(f.Value)
			b.raise("doh", name, f.Sender(), f.Receiver(), f.Time, f.Evidence("TLS to "+name))
		}
	default:
		b.learn(f.Lookup("dns"))
	}
}

func (b *bypass) learn(list []byte) {
	for _, s := range strings.FieldsFunc(string(list), func(r rune) bool { return r == ',' || r == ' ' }) {
		if a, err := netip.ParseAddr(s); err == nil && len(b.told) < maxTold {
			b.told[a.Unmap().WithZone("")] = true
		}
	}
}

func (b *bypass) event(e *Event) {
	protocol := ""
	switch port := e.Port[flow.Resp]; {
	case e.Step == Answered && e.Proto == frame.ProtoUDP && port == 53:
		protocol = "dns"
	case e.Step == Established && e.Proto == frame.ProtoTCP && port == 53:
		protocol = "dns"
	case e.Step == Established && e.Proto == frame.ProtoTCP && port == 853:
		protocol = "dot"
	case e.Step == Answered && e.Proto == frame.ProtoUDP && port == 853:
		protocol = "doq"
	default:
		return
	}
	client, server := e.Party(flow.Orig), e.Party(flow.Resp)
	if !unicast(server.Addr) || device.IsLocal(&server.Addr) {
		return
	}
	r, fresh := b.seen.Get(question{client.MAC, server.Addr, protocol})
	if fresh || *r == nil {
		*r = b.raise(protocol, "", client, server, e.Time, e.Evidence("asks "+server.Addr.Netip().String()+" for names"))
	} else {
		(*r).Add(1, e.Time)
	}
}

// raise tells of a resolver on the Internet. Where nobody has announced another one, it may well be the network's.
func (b *bypass) raise(protocol, name string, client, server Party, at int64, proof finding.Evidence) *Record {
	details := []finding.Detail{{Key: "protocol", Value: protocol}}
	key := protocol + " " + server.Addr.Netip().String()
	if name != "" {
		details, key = append(details, finding.Detail{Key: "peer", Value: name}), protocol+" "+name
	}
	return b.Raise(Sighting{
		Kind: finding.DNSBypass, Actor: client, Target: server, Key: key, Severity: finding.Low, Confidence: 0.9, Time: at, Details: details, Evidence: proof,
		Holds: func(v *View) bool {
			d := v.Owner(client)
			return len(b.told) > 0 && !b.told[server.Addr.Netip().Unmap()] && v.Outside(server) && d != nil && !d.Gateway && !d.Resolver
		},
		Weigh: byKind(finding.Low, finding.Info, finding.Info),
	})
}
