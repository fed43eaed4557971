// Package upnp reads what UPnP says inside of HTTP, the descriptions of devices and the requests to a
// gateway to open a port, and dissects PCP and NAT-PMP, which ask gateways for the same.
package upnp

import (
	"bytes"
	"strconv"

	"plimsoll.example/plimsoll/internal/dissect"
)

// Bounds on what one document may tell.
const (
	maxDevices  = 16 // a device and those embedded in it
	maxServices = 32
)

// Describe tells what a device description says (UPnP Device Architecture 2.0, Section 2.3), and reports
// whether body is one. Names are those of the outermost device; types and services also those of the
// devices embedded in it.
func Describe(body []byte, out *dissect.Facts) bool {
	e := elements{body}
	root, device := false, false
	devices, services := 0, 0
	var told [5]bool
	var buf [256]byte
	for {
		name, text, ok := e.next()
		if !ok {
			return device
		}
		fact, once := "", -1
		switch string(name) {
		case "root":
			root = true
		case "device":
			device = root
		case "deviceType":
			if devices++; devices <= maxDevices {
				fact = "upnp.device_type"
			}
		case "serviceType":
			if services++; services <= maxServices {
				fact = "upnp.service"
			}
		case "friendlyName":
			fact, once = "upnp.friendly_name", 0
		case "manufacturer":
			fact, once = "upnp.manufacturer", 1
		case "modelName":
			fact, once = "upnp.model_name", 2
		case "modelNumber":
			fact, once = "upnp.model_number", 3
		case "modelDescription":
			fact, once = "upnp.model_description", 4
		}
		if fact == "" || !device {
			continue
		}
		if once >= 0 {
			if told[once] {
				continue
			}
			told[once] = true
		}
		if value := AppendText(buf[:0], cut(text)); len(value) > 0 {
			out.Add(fact, value)
		}
	}
}

// cut bounds the text of an element.
func cut(text []byte) []byte { return text[:min(len(text), 256)] }

// Control tells what a SOAP request asks a gateway to open or close: the actions of WANIPConnection:2,
// Sections 2.5.16 to 2.5.20, and of WANIPv6FirewallControl:1. It reports whether it was one of these.
func Control(body []byte, out *dissect.Facts) bool {
	var p portMap
	var action, protocol, external, internal, client, remote, description, lease, enabled []byte
	e := elements{body}
	for {
		name, text, ok := e.next()
		if !ok {
			break
		}
		switch string(bytes.TrimPrefix(name, []byte("New"))) {
		case "AddPortMapping", "AddAnyPortMapping", "DeletePortMapping", "AddPinhole":
			action = name
		case "Protocol":
			protocol = text
		case "ExternalPort":
			external = text
		case "InternalPort":
			internal = text
		case "InternalClient":
			client = text
		case "RemoteHost":
			remote = text
		case "PortMappingDescription":
			description = text
		case "LeaseDuration", "LeaseTime":
			lease = text
		case "Enabled":
			enabled = text
		}
	}
	if action == nil {
		return false
	}
	p.via, p.side = "upnp", "request"
	p.remove = action[0] == 'D'
	p.internal = port(internal)
	p.external = port(external)
	if string(action) == "AddPinhole" { // a hole in a firewall: the port is the same on both sides
		p.external = p.internal
	}
	switch protocol = bytes.TrimSpace(protocol); {
	case bytes.EqualFold(protocol, []byte("TCP")), string(protocol) == "6":
		p.protocol = 6
	case bytes.EqualFold(protocol, []byte("UDP")), string(protocol) == "17":
		p.protocol = 17
	}
	p.add(out)
	var buf [256]byte
	if text := AppendText(buf[:0], cut(client)); len(text) > 0 {
		out.Field("internal", text)
	}
	if text := AppendText(buf[:0], cut(remote)); len(text) > 0 {
		out.Field("remote", text)
	}
	if text := AppendText(buf[:0], cut(description)); len(text) > 0 {
		out.Field("description", text)
	}
	if seconds, err := strconv.ParseUint(string(bytes.TrimSpace(cut(lease))), 10, 32); err == nil {
		out.FieldUint("lease", seconds)
	}
	if string(bytes.TrimSpace(enabled)) == "0" {
		out.FieldUint("enabled", 0)
	}
	return true
}

// port is the port that text says, or 0.
func port(text []byte) uint16 {
	n, err := strconv.ParseUint(string(bytes.TrimSpace(cut(text))), 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}

// portMap is what all three protocols say of a mapping.
type portMap struct {
	via                string
	side               string // request or response
	protocol           uint8  // IANA's number, 0 for all
	external, internal uint16 // port, 0 for any or all
	remove             bool
}

// add adds a fact such as igd.portmap=tcp/8080, to which fields may be added.
func (p *portMap) add(out *dissect.Facts) {
	var buf [16]byte
	value := buf[:0]
	switch p.protocol {
	case 0:
		value = append(value, "all/"...)
	case 6:
		value = append(value, "tcp/"...)
	case 17:
		value = append(value, "udp/"...)
	default:
		value = append(strconv.AppendUint(value, uint64(p.protocol), 10), '/')
	}
	out.Add("igd.portmap", strconv.AppendUint(value, uint64(p.external), 10))
	out.FieldString("via", p.via)
	out.FieldString("side", p.side)
	if p.remove {
		out.FieldString("op", "delete")
	} else {
		out.FieldString("op", "add")
	}
	out.FieldUint("internal_port", uint64(p.internal))
}
