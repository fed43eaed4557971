package mud_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/mud"
)

// author writes files with anything that a file can hold.
type author struct{ *rand.Rand }

func (a author) coin() bool { return a.IntN(2) == 0 }

// maybe is a number up to max, or none.
func maybe[T uint8 | uint16 | uint32](a author, low, high uint64) *T {
	if a.coin() {
		return nil
	}
	v := T(low + a.Uint64N(high-low+1))
	return &v
}

func pick[T any](a author, of ...T) T { return of[a.IntN(len(of))] }

func (a author) ports() *mud.Ports {
	switch low := uint16(a.Uint32()); pick(a, 0, 1, 2) {
	case 1:
		return &mud.Ports{Operator: pick(a, mud.Equal, mud.NotEqual, mud.LessOrEqual, mud.GreaterOrEqual), Port: low}
	case 2:
		return &mud.Ports{Operator: mud.Range, Port: low, Upper: low + uint16(a.Uint32N(65536-uint32(low)))}
	}
	return nil
}

func (a author) prefix(v6 bool) netip.Prefix {
	if a.coin() {
		return netip.Prefix{}
	}
	addr, bits := netip.AddrFrom4([4]byte{192, 0, byte(a.Uint32()), byte(a.Uint32())}), 1+a.IntN(32)
	if v6 {
		addr, bits = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(a.Uint32())}), 1+a.IntN(128)
	}
	return netip.PrefixFrom(addr, bits).Masked()
}

func (a author) ip(v6 bool) *mud.IP {
	m := &mud.IP{
		Protocol: maybe[uint8](a, 0, 255), DSCP: maybe[uint8](a, 0, 63), ECN: maybe[uint8](a, 0, 3), TTL: maybe[uint8](a, 0, 255), Length: maybe[uint16](a, 0, 65535),
		Source: a.prefix(v6), Destination: a.prefix(v6), SourceDNSName: pick(a, "", "a.example", "192.0.2.1", "*.b.example"), DestinationDNSName: pick(a, "", "x-_y.example"),
	}
	if v6 {
		m.FlowLabel = maybe[uint32](a, 0, 1<<20-1)
		return m
	}
	m.IHL, m.Offset, m.Identification = maybe[uint8](a, 5, 60), maybe[uint16](a, 20, 65535), maybe[uint16](a, 0, 65535)
	m.Flags = pick(a, nil, []string{"fragment"}, []string{"reserved", "more"})
	return m
}

func (a author) matches() (m mud.Matches) {
	switch pick(a, 0, 1, 2) {
	case 0:
		m.IPv4 = a.ip(false)
	case 1:
		m.IPv6 = a.ip(true)
	}
	switch pick(a, 0, 1, 2, 3) {
	case 0:
		m.TCP = &mud.TCP{
			Source: a.ports(), Destination: a.ports(), DirectionInitiated: pick(a, "", mud.FromDevice, mud.ToDevice), SequenceNumber: maybe[uint32](a, 0, 1<<32-1),
			AcknowledgementNumber: maybe[uint32](a, 0, 1<<32-1), DataOffset: maybe[uint8](a, 5, 15), Reserved: maybe[uint8](a, 0, 255),
			Flags: pick(a, nil, []string{"syn"}, []string{"ack", "fin"}), WindowSize: maybe[uint16](a, 0, 65535), UrgentPointer: maybe[uint16](a, 0, 65535), Options: pick(a, nil, []byte{1, 2}),
		}
	case 1:
		m.UDP = &mud.UDP{Source: a.ports(), Destination: a.ports(), Length: maybe[uint16](a, 0, 65535)}
	case 2:
		m.ICMP = &mud.ICMP{Type: maybe[uint8](a, 0, 255), Code: maybe[uint8](a, 0, 255), RestOfHeader: pick(a, nil, []byte{0})}
	}
	if a.coin() {
		m.MUD = &mud.MUD{
			Manufacturer: pick(a, "", "lamps.example", "lamps.example:8443"), SameManufacturer: a.coin(), Model: pick(a, "", "https://lamps.example/x"), LocalNetworks: a.coin(),
			Controller: pick(a, "", "urn:ietf:params:mud:dns", "https://lamps.example/class"), MyController: a.coin(),
		}
	}
	if a.coin() {
		m.Eth = &mud.Eth{Source: pick(a, nil, net.HardwareAddr{2, 0, 0x5e, 0x10, 0, 1}), DestinationMask: pick(a, nil, net.HardwareAddr{255, 255, 255, 0, 0, 0}), Ethertype: maybe[uint16](a, 0, 65535)}
	}
	if a.coin() {
		m.TLS = []mud.TLSProfile{{
			Name: "p", TLSVersions: pick(a, nil, []string{"tls12", "tls13"}), DTLSVersions: pick(a, nil, []string{"dtls13"}), CipherSuites: pick(a, nil, []uint16{4865}),
			TrustAnchors: pick(a, nil, [][]byte{{1}, {2, 3}}), PSKKeyExchangeModes: pick(a, nil, []uint8{0, 1}), ApplicationProtocols: pick(a, nil, []string{"h2"}), CertificateAuthorities: pick(a, nil, []string{"CN=é, O=x"}),
		}}
	}
	return m
}

func (a author) file() *mud.File {
	f := &mud.File{
		Version: 1, URL: "https://lamps.example/" + pick(a, "l", ""), LastUpdate: time.Unix(a.Int64N(4e9), a.Int64N(1e9)).In(time.FixedZone("", pick(a, 0, 3600, -5*3600-1800))),
		Signature: pick(a, "", "https://lamps.example/s", "s.p7s"), CacheValidity: pick(a, uint8(0), 1, 168), IsSupported: a.coin(), SystemInfo: pick(a, "", "Ampoule « é » \"\\ <&> \u2028 灯"),
		MfgName: pick(a, "", "Lamps/~1"), ModelName: pick(a, "", "L\t1"), FirmwareRev: pick(a, "", "1"), SoftwareRev: pick(a, "", "2"), Documentation: pick(a, "", "https://lamps.example/d"),
		Extensions: pick(a, nil, []string{"ol", "transparency"}), TLSProfiles: pick(a, nil, new(bool)), Transparency: pick(a, nil, &mud.Transparency{}, &mud.Transparency{
			SBOMs: []mud.SBOM{{Version: "1", URL: "https://lamps.example/b"}, {}}, SBOMArchiveList: "https://lamps.example/a", VulnURLs: []string{"https://lamps.example/v"},
		}),
		Ownership: pick(a, nil, &mud.Ownership{Owners: []string{"o"}, SPDXTags: []string{"MIT"}, LicenseInfo: "https://lamps.example/i", Licenses: []mud.License{{Owner: "x", SPDXTags: []string{"0BSD"}}}}),
		Reporter:  pick(a, nil, &mud.Reporter{ReportURI: "https://lamps.example/r"}),
	}
	for i := range a.IntN(4) {
		acl := mud.ACL{Name: fmt.Sprintf("list/%d~", i), Type: pick(a, "", mud.IPv4ACL, mud.IPv6ACL, mud.EthACL)}
		for j := range a.IntN(4) {
			acl.ACEs = append(acl.ACEs, mud.ACE{
				Name: fmt.Sprintf("e%d", j), Matches: a.matches(), Action: pick(a, mud.Accept, mud.Drop, mud.Reject),
				Unknown: pick(a, nil, nil, []mud.Member{{Path: "/matches/ietf-acl-x:thing~1", Value: `{"a":[1,null,"é"]}`}, {Path: "/matches/ipv4/colour", Value: `"red"`}}),
			})
			if e := &acl.ACEs[j]; e.Unknown != nil && e.Matches.IPv4 == nil {
				e.Unknown = e.Unknown[:1]
			}
		}
		f.ACLs = append(f.ACLs, acl)
		if a.coin() {
			f.FromDevice = append(f.FromDevice, acl.Name)
		}
		if a.coin() {
			f.ToDevice = append(f.ToDevice, acl.Name)
		}
	}
	return f
}

// Whatever a program writes, it reads again as the same, strictly.
func TestAnyFileIsTheSameAfterWritingAndReading(t *testing.T) {
	for seed := range uint64(2000) {
		f := author{rand.New(rand.NewPCG(seed, 20))}.file()
		text := f.Canonical()
		again, err := mud.ParseStrict(text)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if again.Form != mud.RFC {
			t.Errorf("seed %d: form %s", seed, again.Form)
		}
		if d := cmp.Diff(f, again, same...); d != "" {
			t.Fatalf("seed %d:\n%s\n%s", seed, d, text)
		}
	}
}
