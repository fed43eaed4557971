package nft

import (
	"fmt"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

// repairURL stands where a MUD URL would.
const repairURL = "plimsoll:repair"

// repair is the policy of a device in quarantine: it may reach the servers that repair it, and the gateway's page; to
// be on the network, and to resolve names, every policy allows.
func (g *Gateway) repair(d *Device) *policy.Policy {
	f := &mud.File{URL: repairURL, FromDevice: []string{"repair"}}
	acl := mud.ACL{Name: "repair"}
	for _, name := range d.Repair {
		acl.ACEs = append(acl.ACEs,
			mud.ACE{Name: name, Action: mud.Accept, Matches: mud.Matches{IPv4: &mud.IP{DestinationDNSName: name}}},
			mud.ACE{Name: name, Action: mud.Accept, Matches: mud.Matches{IPv6: &mud.IP{DestinationDNSName: name}}})
	}
	if g.Page != 0 {
		acl.ACEs = append(acl.ACEs, mud.ACE{Name: "page", Action: mud.Accept, Matches: mud.Matches{
			MUD: &mud.MUD{Controller: pageClass}, TCP: &mud.TCP{Destination: &mud.Ports{Operator: mud.Equal, Port: g.Page}},
		}})
	}
	f.ACLs = []mud.ACL{acl}
	return policy.Compile(f, &policy.Context{
		Device: policy.Device{MAC: d.MAC, Addresses: d.Addresses, URL: repairURL}, Local: g.Prefixes, Gateway: g.Own,
	})
}

// captives is the rule that keeps the page from all but who is in quarantine, and writes what it needs.
func (g *Gateway) captives(t *table, devices []Device, isLAN string) string {
	var list []string
	for i := range devices {
		if devices[i].Treatment == Quarantined {
			list = append(list, devices[i].MAC.String())
		}
	}
	t.set("captive", "type ether_addr", list, false)
	t.chain("page", "", lines([]string{`iifname "lo" return`, isLAN + "ether saddr @captive return", "drop"}))
	return fmt.Sprintf("tcp dport %d jump page", g.Page)
}

// pageClass is the class of the gateway.
const pageClass = "urn:ietf:params:mud:gateway"

// asksFor reports whether an entry lets the device speak with a resolver that it chose.
func asksFor(e *policy.Entry) bool {
	if e.Action != policy.Accept || e.Origin != policy.Declared {
		return false
	}
	switch e.Proto {
	case policy.Any:
		return true
	case frame.ProtoTCP, frame.ProtoUDP:
		for _, r := range e.PeerPorts {
			if r.Low <= 53 && 53 <= r.High {
				return true
			}
		}
		return e.PeerPorts == nil
	}
	return false
}
