package inspect

import (
	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/adb"
	"plimsoll.example/plimsoll/internal/dissect/arp"
	"plimsoll.example/plimsoll/internal/dissect/bacnet"
	"plimsoll.example/plimsoll/internal/dissect/bittorrent"
	"plimsoll.example/plimsoll/internal/dissect/coap"
	"plimsoll.example/plimsoll/internal/dissect/dhcpv4"
	"plimsoll.example/plimsoll/internal/dissect/dhcpv6"
	"plimsoll.example/plimsoll/internal/dissect/dns"
	"plimsoll.example/plimsoll/internal/dissect/eapol"
	"plimsoll.example/plimsoll/internal/dissect/ftp"
	"plimsoll.example/plimsoll/internal/dissect/http"
	"plimsoll.example/plimsoll/internal/dissect/igmp"
	"plimsoll.example/plimsoll/internal/dissect/irc"
	"plimsoll.example/plimsoll/internal/dissect/kasa"
	"plimsoll.example/plimsoll/internal/dissect/lldp"
	"plimsoll.example/plimsoll/internal/dissect/llmnr"
	"plimsoll.example/plimsoll/internal/dissect/mail"
	"plimsoll.example/plimsoll/internal/dissect/mdns"
	"plimsoll.example/plimsoll/internal/dissect/modbus"
	"plimsoll.example/plimsoll/internal/dissect/mqtt"
	"plimsoll.example/plimsoll/internal/dissect/nbns"
	"plimsoll.example/plimsoll/internal/dissect/ndp"
	"plimsoll.example/plimsoll/internal/dissect/ntp"
	"plimsoll.example/plimsoll/internal/dissect/pjl"
	"plimsoll.example/plimsoll/internal/dissect/quic"
	"plimsoll.example/plimsoll/internal/dissect/remote"
	"plimsoll.example/plimsoll/internal/dissect/rtp"
	"plimsoll.example/plimsoll/internal/dissect/rtsp"
	"plimsoll.example/plimsoll/internal/dissect/sip"
	"plimsoll.example/plimsoll/internal/dissect/smb"
	"plimsoll.example/plimsoll/internal/dissect/snmp"
	"plimsoll.example/plimsoll/internal/dissect/socks"
	"plimsoll.example/plimsoll/internal/dissect/ssdp"
	"plimsoll.example/plimsoll/internal/dissect/ssh"
	"plimsoll.example/plimsoll/internal/dissect/stratum"
	"plimsoll.example/plimsoll/internal/dissect/stun"
	"plimsoll.example/plimsoll/internal/dissect/syslog"
	"plimsoll.example/plimsoll/internal/dissect/telnet"
	"plimsoll.example/plimsoll/internal/dissect/tftp"
	"plimsoll.example/plimsoll/internal/dissect/tls"
	"plimsoll.example/plimsoll/internal/dissect/tuya"
	"plimsoll.example/plimsoll/internal/dissect/upnp"
	"plimsoll.example/plimsoll/internal/dissect/vpn"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// carrier is what a protocol's messages travel in.
type carrier uint8

const (
	overUDP carrier = iota
	overTCP
	overICMPv6
	overIGMP
	overLink // EtherType in ports
)

// protocol is one row of the table of protocols.
type protocol struct {
	name    string // as a service is named
	over    carrier
	ports   []uint16 // tried first for these; by content for all others
	dissect dissect.Func
	hands   bool // after Done another protocol may follow on the same connection
	onPorts bool // not recognisable by content alone: tried on its ports only
}

// protocolTable lists the protocols in the order in which they are tried on octets that no port gives a hint of:
// those first whose beginning is the least ambiguous.
var protocolTable = [...]protocol{
	{name: "tls", over: overTCP, ports: []uint16{443, 8443, 8883, 853, 993, 995, 465, 5223, 5228, 990, 636}, dissect: tls.Dissect},
	{name: "http", over: overTCP, ports: []uint16{80, 8080, 8000, 8008, 8888, 49152, 49153, 5000, 81}, dissect: http.Dissect},
	{name: "ssh", over: overTCP, ports: []uint16{22, 2222}, dissect: ssh.Dissect},
	{name: "rtsp", over: overTCP, ports: []uint16{554, 8554}, dissect: rtsp.Dissect},
	{name: "mqtt", over: overTCP, ports: []uint16{1883}, dissect: mqtt.Dissect},
	{name: "dns", over: overTCP, ports: []uint16{53}, dissect: dns.Dissect},
	{name: "smb", over: overTCP, ports: []uint16{445, 139}, dissect: smb.Dissect},
	{name: "adb", over: overTCP, ports: []uint16{5555}, dissect: adb.Dissect, hands: true},
	{name: "kasa", over: overTCP, ports: []uint16{9999}, dissect: kasa.Dissect},
	{name: "tuya", over: overTCP, ports: []uint16{6668}, dissect: tuya.Dissect},
	{name: "modbus", over: overTCP, ports: []uint16{502}, dissect: modbus.Dissect},
	{name: "telnet", over: overTCP, ports: []uint16{23, 2323}, dissect: telnet.Dissect},
	{name: "ftp", over: overTCP, ports: []uint16{21}, dissect: ftp.Dissect, hands: true},
	{name: "mail", over: overTCP, ports: []uint16{25, 587, 110, 143, 2525}, dissect: mail.Dissect, hands: true},
	{name: "sip", over: overTCP, ports: []uint16{5060}, dissect: sip.Dissect},
	{name: "socks", over: overTCP, ports: []uint16{1080}, dissect: socks.Dissect, hands: true},
	{name: "rdp", over: overTCP, ports: []uint16{3389}, dissect: remote.RDP, hands: true},
	{name: "vnc", over: overTCP, ports: []uint16{5900, 5901}, dissect: remote.VNC},
	{name: "irc", over: overTCP, ports: []uint16{6667, 6666, 6697}, dissect: irc.Dissect},
	{name: "bittorrent", over: overTCP, ports: []uint16{6881}, dissect: bittorrent.Dissect},
	{name: "stratum", over: overTCP, ports: []uint16{3333, 4444, 14444}, dissect: stratum.Dissect},
	{name: "vpn", over: overTCP, ports: []uint16{1194}, dissect: vpn.Dissect},
	{name: "pjl", over: overTCP, ports: []uint16{9100}, dissect: pjl.Dissect},
	{name: "stun", over: overTCP, ports: []uint16{3478, 5349}, dissect: stun.Dissect, hands: true},

	{name: "dns", over: overUDP, ports: []uint16{53}, dissect: dns.Dissect},
	{name: "quic", over: overUDP, ports: []uint16{443, 8443, 784, 853}, dissect: quic.Dissect},
	{name: "mdns", over: overUDP, ports: []uint16{5353}, dissect: mdns.Dissect, onPorts: true},
	{name: "ssdp", over: overUDP, ports: []uint16{1900}, dissect: ssdp.Dissect},
	{name: "dhcp", over: overUDP, ports: []uint16{67, 68}, dissect: dhcpv4.Dissect},
	{name: "dhcpv6", over: overUDP, ports: []uint16{546, 547}, dissect: dhcpv6.Dissect, onPorts: true},
	{name: "ntp", over: overUDP, ports: []uint16{123}, dissect: ntp.Dissect},
	{name: "nbns", over: overUDP, ports: []uint16{137}, dissect: nbns.Dissect, onPorts: true},
	{name: "nbns", over: overUDP, ports: []uint16{138}, dissect: nbns.DissectDatagram, onPorts: true},
	{name: "llmnr", over: overUDP, ports: []uint16{5355}, dissect: llmnr.Dissect, onPorts: true},
	{name: "stun", over: overUDP, ports: []uint16{3478, 19302}, dissect: stun.Dissect, hands: true},
	{name: "dtls", over: overUDP, ports: []uint16{5684}, dissect: tls.DissectDTLS},
	{name: "tuya", over: overUDP, ports: []uint16{6666, 6667}, dissect: tuya.Dissect},
	{name: "kasa", over: overUDP, ports: []uint16{9999, 20002}, dissect: kasa.Dissect},
	{name: "coap", over: overUDP, ports: []uint16{5683}, dissect: coap.Dissect},
	{name: "sip", over: overUDP, ports: []uint16{5060}, dissect: sip.Dissect},
	{name: "snmp", over: overUDP, ports: []uint16{161, 162}, dissect: snmp.Dissect},
	{name: "portmap", over: overUDP, ports: []uint16{5350, 5351}, dissect: upnp.DissectPCP, onPorts: true},
	{name: "syslog", over: overUDP, ports: []uint16{514}, dissect: syslog.Dissect, onPorts: true},
	{name: "bacnet", over: overUDP, ports: []uint16{47808}, dissect: bacnet.Dissect},
	{name: "vpn", over: overUDP, ports: []uint16{51820, 1194, 500, 4500}, dissect: vpn.Dissect},
	{name: "tftp", over: overUDP, ports: []uint16{69}, dissect: tftp.Dissect},
	{name: "bittorrent", over: overUDP, ports: []uint16{6881}, dissect: bittorrent.Dissect},
	{name: "rtp", over: overUDP, ports: []uint16{5004, 5005}, dissect: rtp.Dissect},

	{name: "ndp", over: overICMPv6, dissect: ndp.Dissect},
	{name: "mld", over: overICMPv6, dissect: igmp.DissectMLD},
	{name: "igmp", over: overIGMP, dissect: igmp.Dissect},
	{name: "arp", over: overLink, ports: []uint16{frame.EtherARP}, dissect: arp.Dissect, onPorts: true},
	{name: "lldp", over: overLink, ports: []uint16{frame.EtherLLDP}, dissect: lldp.Dissect, onPorts: true},
	{name: "eapol", over: overLink, ports: []uint16{frame.EtherEAPOL}, dissect: eapol.Dissect, onPorts: true},
}

// serviceName is the name of a protocol, +1; "" for 0.
func serviceName(p uint8) string {
	if p == 0 {
		return ""
	}
	return protocolTable[p-1].name
}

// carriers is the number of carriers.
const carriers = overLink + 1

// protocols finds the protocols that a message may be of.
type protocols struct {
	byPort [carriers]*[1 << 16]uint8
	all    [carriers][]uint8
}

// newProtocols is made once and read by all workers.
func newProtocols() *protocols {
	t := &protocols{}
	for over := range t.byPort {
		t.byPort[over] = new([1 << 16]uint8)
	}
	for i := range protocolTable {
		p := &protocolTable[i]
		for _, port := range p.ports {
			t.byPort[p.over][port] = uint8(i + 1)
		}
		if !p.onPorts {
			t.all[p.over] = append(t.all[p.over], uint8(i+1))
		}
	}
	return t
}

// likely is the protocols to try first on a direction of a flow: what it spoke before, what the other direction
// speaks, and what the ports suggest. 0 stands for none.
type likely [4]uint8

func (l *likely) has(p uint8) bool { return l[0] == p || l[1] == p || l[2] == p || l[3] == p }

// candidates says what a direction of a flow may speak: the likely, then all that are recognised by content.
func (t *protocols) candidates(f *flow.Flow, dir int) (first likely, all []uint8) {
	over, ok := carrierOf(f.Proto)
	if !ok {
		return first, nil
	}
	first = likely{f.App[dir].Protocol, f.App[1-dir].Protocol, t.byPort[over][f.Port[flow.Resp]], t.byPort[over][f.Port[flow.Orig]]}
	if first[1] == 0 {
		first[1] = f.Service
	}
	for i := 1; i < len(first); i++ {
		for _, p := range first[:i] {
			if p == first[i] {
				first[i] = 0
			}
		}
	}
	return first, t.all[over]
}

func carrierOf(proto uint8) (c carrier, ok bool) {
	switch proto {
	case frame.ProtoTCP:
		return overTCP, true
	case frame.ProtoUDP:
		return overUDP, true
	case frame.ProtoICMPv6:
		return overICMPv6, true
	case frame.ProtoIGMP:
		return overIGMP, true
	case 0:
		return overLink, true
	}
	return 0, false
}
