package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// UPnP describes a device to control points.
type UPnP struct {
	UUID         string
	Server       string // "Linux/4.9 UPnP/1.0 Maker/1.2"
	Port         uint16
	Path         string
	Kind         string   // device type
	Services     []string // service types
	FriendlyName string
	Manufacturer string
	ModelName    string
	ModelNumber  string
	Description  string
}

var (
	ssdp        = netip.MustParseAddrPort("239.255.255.250:1900")
	wsDiscovery = netip.MustParseAddrPort("239.255.255.250:3702")
)

const wanIPConnection = "urn:schemas-upnp-org:service:WANIPConnection:1"

// types are the notification types with their unique service names (UPnP Device Architecture 2.0, Section 1.2).
func (u *UPnP) types() [][2]string {
	id := "uuid:" + u.UUID
	list := [][2]string{{"upnp:rootdevice", id + "::upnp:rootdevice"}, {id, id}, {u.Kind, id + "::" + u.Kind}}
	for _, s := range u.Services {
		list = append(list, [2]string{s, id + "::" + s})
	}
	return list
}

func (a *Actor) location() string {
	return fmt.Sprintf("http://%s:%d%s", a.v4, a.UPnP.Port, a.UPnP.Path)
}

// Advertise tells everyone what a is, by SSDP.
func (a *Actor) Advertise() {
	a.join(ssdp.Addr())
	from := a.newPort()
	for _, t := range a.UPnP.types() {
		a.cast(from, ssdp, fmt.Appendf(nil, "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nCACHE-CONTROL: max-age=1800\r\nLOCATION: %s\r\nNT: %s\r\nNTS: ssdp:alive\r\nSERVER: %s\r\nUSN: %s\r\n\r\n",
			a.location(), t[0], a.UPnP.Server, t[1]))
		a.Between(5*time.Millisecond, 20*time.Millisecond)
	}
}

// Search asks by SSDP who is of a type, "ssdp:all" for everyone. It returns the names of those that answered.
func (a *Actor) Search(what string) []string {
	from := netip.AddrPortFrom(a.v4, a.newPort())
	agent := ""
	if a.Agent != "" {
		agent = "USER-AGENT: " + a.Agent + "\r\n"
	}
	a.cast(from.Port(), ssdp, fmt.Appendf(nil, "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 2\r\nST: %s\r\n%s\r\n", what, agent))
	var found []string
	for _, b := range a.play.actors {
		if b == a || b.UPnP == nil || b.began > a.now {
			continue
		}
		i := slices.IndexFunc(b.UPnP.types(), func(t [2]string) bool { return t[0] == what || what == "ssdp:all" })
		if i < 0 {
			continue
		}
		found = append(found, b.Name)
		b.at(a.now+int64(100+b.rng.IntN(1500))*int64(time.Millisecond), func() {
			t := b.UPnP.types()[i]
			b.play.udp(b.now, &b.host, a.mac, netip.AddrPortFrom(b.v4, 1900), from, fmt.Appendf(nil,
				"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\nLOCATION: %s\r\nSERVER: %s\r\nST: %s\r\nUSN: %s\r\n\r\n",
				b.location(), b.UPnP.Server, t[0], t[1]))
		})
	}
	a.Wait(2 * time.Second)
	return found
}

// Describe fetches the UPnP description of a device.
func (a *Actor) Describe(name string) {
	b := a.play.actor(name)
	u := b.UPnP
	var services strings.Builder
	for i, s := range u.Services {
		parts := strings.Split(s, ":")
		fmt.Fprintf(&services, "<service><serviceType>%s</serviceType><serviceId>urn:upnp-org:serviceId:%s%d</serviceId><controlURL>/ctl/%d</controlURL><eventSubURL>/evt/%d</eventSubURL><SCPDURL>/scpd%d.xml</SCPDURL></service>",
			s, parts[len(parts)-2], i+1, i+1, i+1, i+1)
	}
	body := fmt.Sprintf(`<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor></specVersion><device>
<deviceType>%s</deviceType>
<friendlyName>%s</friendlyName>
<manufacturer>%s</manufacturer>
<modelDescription>%s</modelDescription>
<modelName>%s</modelName>
<modelNumber>%s</modelNumber>
<UDN>uuid:%s</UDN>
<serviceList>%s</serviceList>
</device></root>
`, u.Kind, u.FriendlyName, u.Manufacturer, u.Description, u.ModelName, u.ModelNumber, u.UUID, services.String())
	a.Get(name, u.Port, u.Path, "", Page{"200 OK", u.Server, "text/xml", "", body})
}

// MapPort asks the router to let the Internet in to a port (UPnP IGD, WANIPConnection:1, AddPortMapping).
func (a *Actor) MapPort(protocol string, external, internal uint16, description string) {
	r := a.play.router()
	action := fmt.Sprintf("SOAPAction: \"%s#AddPortMapping\"\r\nContent-Type: text/xml; charset=\"utf-8\"\r\n", wanIPConnection)
	envelope := `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>%s</s:Body></s:Envelope>`
	ask := fmt.Sprintf(`<u:AddPortMapping xmlns:u="%s"><NewRemoteHost></NewRemoteHost><NewExternalPort>%d</NewExternalPort><NewProtocol>%s</NewProtocol><NewInternalPort>%d</NewInternalPort><NewInternalClient>%s</NewInternalClient><NewEnabled>1</NewEnabled><NewPortMappingDescription>%s</NewPortMappingDescription><NewLeaseDuration>0</NewLeaseDuration></u:AddPortMapping>`,
		wanIPConnection, external, protocol, internal, a.v4, description)
	answer := fmt.Sprintf(`<u:AddPortMappingResponse xmlns:u="%s"/>`, wanIPConnection)
	a.Post(r.Name, r.UPnP.Port, "/ctl/2", action, fmt.Sprintf(envelope, ask), Page{"200 OK", r.UPnP.Server, "text/xml", "", fmt.Sprintf(envelope, answer)})
}

// Probe asks by WS-Discovery for ONVIF cameras; those named answer.
func (a *Actor) Probe(cameras ...string) {
	const head = `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">`
	id := uuid(octets(a.rng, 16))
	from := netip.AddrPortFrom(a.v4, a.newPort())
	a.cast(from.Port(), wsDiscovery, fmt.Appendf(nil, head+`<s:Header><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action><a:MessageID>uuid:%s</a:MessageID><a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header><s:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>`, id))
	for _, name := range cameras {
		b := a.play.actor(name)
		b.at(a.now+int64(50*time.Millisecond), func() {
			b.play.udp(b.now, &b.host, a.mac, netip.AddrPortFrom(b.v4, 3702), from, fmt.Appendf(nil, head+`<s:Header><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action><a:RelatesTo>uuid:%s</a:RelatesTo></s:Header><s:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:%s</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/hardware/%s onvif://www.onvif.org/name/%s</d:Scopes><d:XAddrs>http://%s/onvif/device_service</d:XAddrs><d:MetadataVersion>10</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>`,
				id, uuid(b.mac[:]), b.Model, strings.ToUpper(b.Maker), b.v4))
		})
	}
	a.Wait(200 * time.Millisecond)
}

// uuid is b, repeated to sixteen octets, as RFC 9562 writes them.
func uuid(b []byte) string {
	var u [16]byte
	for i := range u {
		u[i] = b[i%len(b)]
	}
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
