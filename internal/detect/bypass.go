package detect

import (
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
}

// maxTold bounds the resolvers that are believed: anybody can announce some.
const maxTold = 64

func newBypass(w *Watch) Detector {
	b := &bypass{w, map[netip.Addr]bool{}}
	return Detector{Event: b.event, Fact: b.fact, Facts: []string{"dhcp.lease", "dhcp.server", "dhcpv6.server", "ra.rdnss", "tls.sni"}}
}

// encrypted are the names of public resolvers that answer over HTTPS, each as published by who runs it: Google,
// Cloudflare and Mozilla, Quad9, Cisco, AdGuard, CleanBrowsing, NextDNS, CIRA, ControlD, Mullvad, Alibaba, Tencent, DNS.SB,
// LibreDNS, Digitale Gesellschaft, Comcast. A name below one of them is a customer's own.
var encrypted = []string{
	"dns.google", "dns.google.com", "dns64.dns.google", "cloudflare-dns.com", "one.one.one.one", "dns.quad9.net", "dns9.quad9.net", "dns10.quad9.net",
	"dns11.quad9.net", "doh.opendns.com", "doh.familyshield.opendns.com", "doh.umbrella.com", "dns.adguard.com", "dns.adguard-dns.com",
	"family.adguard-dns.com", "unfiltered.adguard-dns.com", "doh.cleanbrowsing.org", "dns.nextdns.io", "private.canadianshield.cira.ca",
	"protected.canadianshield.cira.ca", "family.canadianshield.cira.ca", "dns.controld.com", "freedns.controld.com", "dns.mullvad.net",
	"doh.mullvad.net", "dns.alidns.com", "doh.pub", "dot.pub", "doh.dns.sb", "doh.libredns.gr", "dns.digitale-gesellschaft.ch", "doh.xfinity.com",
}

func isEncrypted(name string) bool {
	for _, n := range encrypted {
		if name == n || strings.HasSuffix(name, "."+n) {
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
		if name := strings.ToLower(text(f.Value)); isEncrypted(name) {
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
	if unicast(server.Addr) && !device.IsLocal(&server.Addr) {
		b.raise(protocol, "", client, server, e.Time, e.Evidence("asks "+server.Addr.Netip().String()+" for names"))
	}
}

// raise tells of a resolver on the Internet. Where nobody has announced another one, it may well be the network's.
func (b *bypass) raise(protocol, name string, client, server Party, at int64, proof finding.Evidence) {
	details := []finding.Detail{{Key: "protocol", Value: protocol}}
	key := protocol + " " + server.Addr.Netip().String()
	if name != "" {
		details, key = append(details, finding.Detail{Key: "peer", Value: name}), protocol+" "+name
	}
	b.Raise(Sighting{
		Kind: finding.DNSBypass, Actor: client, Target: server, Key: key, Severity: finding.Low, Confidence: 0.9, Time: at, Details: details, Evidence: proof,
		Holds: func(v *View) bool {
			d := v.Owner(client)
			return len(b.told) > 0 && !b.told[server.Addr.Netip().Unmap()] && v.Outside(server) && d != nil && !d.Gateway && !d.Resolver
		},
		Weigh: byKind(finding.Low, finding.Info, finding.Info),
	})
}
