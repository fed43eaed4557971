package mud

import (
	"bytes"
	"encoding/base64"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Canonical is the file in the RFC's form, in one way only: members in the order of the models, two spaces to indent, a line
// feed at the end. Parsed again it is the same File, but for Raw, Form and Problems. It holds what this package
// understands, and what it does not understand of entries, which stay Dead; other unknown nodes are left out.
//
// A signature is over the bytes of a file: canonical text must be signed anew.
func (f *File) Canonical() []byte {
	root := newObject()
	root.set(mudRoot, f.mudNode())
	if len(f.ACLs)+len(f.FromDevice)+len(f.ToDevice) > 0 {
		acls := newObject()
		acls.set("acl", listNode(f.ACLs, func(a ACL) *node { return a.node() }))
		root.set(aclsRoot, acls)
	}
	var b bytes.Buffer
	root.write(&b, "  ", "")
	b.WriteByte('\n')
	return b.Bytes()
}

func newObject() *node { return &node{kind: object} }

// maybe is n, or nothing where n has nothing in it.
func (n *node) maybe() *node {
	if len(n.members) == 0 {
		return nil
	}
	return n
}

func textNode(s string) *node {
	if s == "" {
		return nil
	}
	return &node{kind: text, text: s}
}

func boolNode(b bool) *node { return &node{kind: boolean, text: strconv.FormatBool(b)} }

func emptyNode(b bool) *node {
	if !b {
		return nil
	}
	return &node{kind: array, members: []*node{{kind: null}}}
}

func numberNode[T uint8 | uint16 | uint32](v T) *node {
	return &node{kind: number, text: strconv.FormatUint(uint64(v), 10)}
}

func pointerNode[T uint8 | uint16 | uint32](v *T) *node {
	if v == nil {
		return nil
	}
	return numberNode(*v)
}

func listNode[T any](list []T, of func(T) *node) *node {
	n := &node{kind: array}
	for _, v := range list {
		n.members = append(n.members, of(v))
	}
	return n.maybe()
}

// valueNode is a text even where it is empty.
func valueNode(s string) *node { return &node{kind: text, text: s} }

func textsNode(list []string) *node { return listNode(list, valueNode) }

func binaryNode(b []byte) *node { return textNode(base64.StdEncoding.EncodeToString(b)) }

func prefixNode(p netip.Prefix) *node {
	if !p.IsValid() {
		return nil
	}
	return valueNode(p.String())
}

func macNode(a net.HardwareAddr) *node { return textNode(a.String()) }

func (f *File) mudNode() *node {
	n := newObject()
	n.set("mud-version", numberNode(f.Version))
	n.set("mud-url", textNode(f.URL))
	if !f.LastUpdate.IsZero() {
		n.set("last-update", valueNode(f.LastUpdate.Format(time.RFC3339Nano)))
	}
	n.set("mud-signature", textNode(f.Signature))
	if f.CacheValidity != 0 {
		n.set("cache-validity", numberNode(f.CacheValidity))
	}
	n.set("is-supported", boolNode(f.IsSupported))
	n.set("systeminfo", textNode(f.SystemInfo))
	n.set("mfg-name", textNode(f.MfgName))
	n.set("model-name", textNode(f.ModelName))
	n.set("firmware-rev", textNode(f.FirmwareRev))
	n.set("software-rev", textNode(f.SoftwareRev))
	n.set("documentation", textNode(f.Documentation))
	n.set("extensions", textsNode(f.Extensions))
	if f.TLSProfiles != nil {
		n.set("ietf-mud-tls:is-tls-dtls-profile-supported", boolNode(*f.TLSProfiles))
	}
	n.set("ietf-mud-transparency:transparency", f.Transparency.node())
	n.set("ietf-ol:ol", f.Ownership.node())
	n.set("ietf-mud-reporter-extension:reporter", f.Reporter.node())
	n.set("from-device-policy", policyNode(f.FromDevice))
	n.set("to-device-policy", policyNode(f.ToDevice))
	return n
}

func policyNode(names []string) *node {
	if len(names) == 0 {
		return nil
	}
	lists, policy := newObject(), newObject()
	lists.set("access-list", listNode(names, func(s string) *node {
		n := newObject()
		n.set("name", valueNode(s))
		return n
	}))
	policy.set("access-lists", lists)
	return policy
}

func (t *Transparency) node() *node {
	if t == nil {
		return nil
	}
	n := newObject()
	n.set("sboms", listNode(t.SBOMs, func(s SBOM) *node {
		n := newObject()
		n.set("version-info", textNode(s.Version))
		n.set("sbom-url", textNode(s.URL))
		return n
	}))
	n.set("sbom-local-well-known", textNode(t.SBOMLocalWellKnown))
	n.set("sbom-contact-uri", textNode(t.SBOMContactURI))
	n.set("sbom-archive-list", textNode(t.SBOMArchiveList))
	n.set("vuln-url", textsNode(t.VulnURLs))
	n.set("vuln-contact-uri", textNode(t.VulnContactURI))
	return n
}

func (o *Ownership) node() *node {
	if o == nil {
		return nil
	}
	n := newObject()
	n.set("owners", textsNode(o.Owners))
	n.set("spdx-tag", textsNode(o.SPDXTags))
	n.set("license-info", textNode(o.LicenseInfo))
	n.set("license", listNode(o.Licenses, func(l License) *node {
		n := newObject()
		n.set("owner-name", textNode(l.Owner))
		n.set("spdx-tags", textsNode(l.SPDXTags))
		n.set("license-info", textNode(l.Info))
		return n
	}))
	return n
}

func (v *Reporter) node() *node {
	if v == nil {
		return nil
	}
	n := newObject()
	n.set("report-uri", textNode(v.ReportURI))
	return n
}

func (a *ACL) node() *node {
	n := newObject()
	n.set("name", valueNode(a.Name))
	n.set("type", textNode(string(a.Type)))
	if len(a.ACEs) > 0 {
		aces := newObject()
		aces.set("ace", listNode(a.ACEs, func(e ACE) *node { return e.node() }))
		n.set("aces", aces)
	}
	return n
}

func (e *ACE) node() *node {
	n := newObject()
	n.set("name", valueNode(e.Name))
	n.set("matches", e.Matches.node())
	actions := newObject()
	actions.set("forwarding", valueNode(e.Action.String()))
	n.set("actions", actions)
	for _, m := range e.Unknown {
		n.put(m)
	}
	return n
}

// put gives a member that is not understood its place in an entry.
func (n *node) put(m Member) {
	v, err := tree([]byte(m.Value))
	if err != nil {
		return
	}
	steps := strings.Split(strings.TrimPrefix(m.Path, "/"), "/")
	for i, s := range steps {
		s = unescape(s)
		if i == len(steps)-1 {
			n.replace(s, v)
			return
		}
		next := n.get(s)
		if next == nil || next.kind != object {
			next = newObject()
			n.replace(s, next)
		}
		n = next
	}
}

// replace sets a member, in the place of one of that name if there is one.
func (n *node) replace(name string, v *node) {
	for i, s := range n.names {
		if s == name {
			n.members[i] = v
			return
		}
	}
	n.set(name, v)
}

func (m *Matches) node() *node {
	n := newObject()
	if m.MUD != nil {
		n.set(mudRoot, m.MUD.node())
	}
	if m.Eth != nil {
		n.set("eth", m.Eth.node())
	}
	if m.IPv4 != nil {
		n.set("ipv4", m.IPv4.node("ipv4"))
	}
	if m.IPv6 != nil {
		n.set("ipv6", m.IPv6.node("ipv6"))
	}
	if m.TCP != nil {
		n.set("tcp", m.TCP.node())
	}
	if m.UDP != nil {
		n.set("udp", m.UDP.node())
	}
	if m.ICMP != nil {
		n.set("icmp", m.ICMP.node())
	}
	if len(m.TLS) > 0 {
		profiles := newObject()
		profiles.set("tls-dtls-profile", listNode(m.TLS, func(p TLSProfile) *node { return p.node() }))
		n.set("ietf-acl-tls:client-profiles", profiles)
	}
	return n
}

func (m *MUD) node() *node {
	n := newObject()
	n.set("manufacturer", textNode(m.Manufacturer))
	n.set("same-manufacturer", emptyNode(m.SameManufacturer))
	n.set("model", textNode(m.Model))
	n.set("local-networks", emptyNode(m.LocalNetworks))
	n.set("controller", textNode(m.Controller))
	n.set("my-controller", emptyNode(m.MyController))
	return n
}

func (m *Eth) node() *node {
	n := newObject()
	n.set("destination-mac-address", macNode(m.Destination))
	n.set("destination-mac-address-mask", macNode(m.DestinationMask))
	n.set("source-mac-address", macNode(m.Source))
	n.set("source-mac-address-mask", macNode(m.SourceMask))
	n.set("ethertype", pointerNode(m.Ethertype))
	return n
}

func (m *IP) node(family string) *node {
	n := newObject()
	n.set("dscp", pointerNode(m.DSCP))
	n.set("ecn", pointerNode(m.ECN))
	n.set("length", pointerNode(m.Length))
	n.set("ttl", pointerNode(m.TTL))
	n.set("protocol", pointerNode(m.Protocol))
	n.set("ihl", pointerNode(m.IHL))
	n.set("flags", textNode(strings.Join(m.Flags, " ")))
	n.set("offset", pointerNode(m.Offset))
	n.set("identification", pointerNode(m.Identification))
	n.set("destination-"+family+"-network", prefixNode(m.Destination))
	n.set("source-"+family+"-network", prefixNode(m.Source))
	n.set("flow-label", pointerNode(m.FlowLabel))
	n.set("ietf-acldns:src-dnsname", textNode(m.SourceDNSName))
	n.set("ietf-acldns:dst-dnsname", textNode(m.DestinationDNSName))
	return n
}

func (m *TCP) node() *node {
	n := newObject()
	n.set("sequence-number", pointerNode(m.SequenceNumber))
	n.set("acknowledgement-number", pointerNode(m.AcknowledgementNumber))
	n.set("data-offset", pointerNode(m.DataOffset))
	n.set("reserved", pointerNode(m.Reserved))
	n.set("flags", textNode(strings.Join(m.Flags, " ")))
	n.set("window-size", pointerNode(m.WindowSize))
	n.set("urgent-pointer", pointerNode(m.UrgentPointer))
	n.set("options", binaryNode(m.Options))
	n.set("source-port", m.Source.node())
	n.set("destination-port", m.Destination.node())
	n.set("ietf-mud:direction-initiated", textNode(string(m.DirectionInitiated)))
	return n
}

func (m *UDP) node() *node {
	n := newObject()
	n.set("length", pointerNode(m.Length))
	n.set("source-port", m.Source.node())
	n.set("destination-port", m.Destination.node())
	return n
}

func (m *ICMP) node() *node {
	n := newObject()
	n.set("type", pointerNode(m.Type))
	n.set("code", pointerNode(m.Code))
	n.set("rest-of-header", binaryNode(m.RestOfHeader))
	return n
}

func (p *Ports) node() *node {
	if p == nil {
		return nil
	}
	n := newObject()
	if p.Operator == Range {
		n.set("lower-port", numberNode(p.Port))
		n.set("upper-port", numberNode(p.Upper))
		return n
	}
	n.set("operator", textNode(string(p.Operator)))
	n.set("port", numberNode(p.Port))
	return n
}

func (t *TLSProfile) node() *node {
	n := newObject()
	n.set("name", textNode(t.Name))
	n.set("supported-tls-version", textsNode(t.TLSVersions))
	n.set("supported-dtls-version", textsNode(t.DTLSVersions))
	n.set("cipher-suite", listNode(t.CipherSuites, numberNode))
	n.set("extension-type", listNode(t.ExtensionTypes, numberNode))
	n.set("accept-list-ta-cert", listNode(t.TrustAnchors, binaryNode))
	n.set("psk-key-exchange-mode", listNode(t.PSKKeyExchangeModes, numberNode))
	n.set("supported-group", listNode(t.SupportedGroups, numberNode))
	n.set("signature-algorithm-cert", listNode(t.SignatureAlgorithmsCert, numberNode))
	n.set("signature-algorithm", listNode(t.SignatureAlgorithms, numberNode))
	n.set("application-protocol", textsNode(t.ApplicationProtocols))
	n.set("cert-compression-algorithm", listNode(t.CertCompressionAlgorithms, numberNode))
	n.set("certificate-authorities", textsNode(t.CertificateAuthorities))
	return n
}
