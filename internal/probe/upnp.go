package probe

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/assess"
)

// description is what a UPnP device says of itself (UPnP Device Architecture 2.0, Section 2.3).
type description struct {
	makers, models []string
	control        map[string]string // URL of the control of a service, by its type
	leaks          []string
}

// maxElements bounds the elements of a description that are looked at.
const maxElements = 4096

// parseDescription reads a description, as far as it can be read.
func parseDescription(text []byte) *description {
	d := &description{control: map[string]string{}}
	in := xml.NewDecoder(bytes.NewReader(text))
	in.Strict = false
	in.CharsetReader = nil
	name, service := "", ""
	for range maxElements {
		token, err := in.RawToken()
		if err != nil {
			return d
		}
		switch t := token.(type) {
		case xml.StartElement:
			name = t.Name.Local
		case xml.EndElement:
			name = ""
		case xml.CharData:
			value := strings.TrimSpace(string(t))
			if value == "" || len(value) > 512 {
				continue
			}
			switch name {
			case "manufacturer":
				d.makers = append(d.makers, value)
			case "modelName", "modelNumber":
				d.models = append(d.models, value)
			case "serviceType":
				service = value
			case "controlURL":
				if service != "" && len(d.control) < 64 {
					d.control[service] = value
				}
			}
			switch strings.ToLower(name) {
			case "password", "passwd", "psk", "passphrase", "wifikey", "wpakey", "ssid":
				d.leaks = append(d.leaks, name)
			}
		}
	}
	return d
}

// upnp reads the description of a UPnP device where its answer to a search says that it is, if that is at the device
// itself, and asks a gateway for a hole in its firewall.
func (r *run) upnp(ctx context.Context, location string) {
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "http" {
		return
	}
	at, err := netip.ParseAddr(u.Hostname())
	if err != nil || at.WithZone("") != r.Address.WithZone("") {
		return // elsewhere: whom it sends us to is not asked
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if u.Port() == "" {
		port, err = 80, nil
	}
	if err != nil || port == 0 {
		return
	}
	r.step("upnp")
	from, name := r.next(), portName("tcp", uint16(port))
	p, err := r.ask(ctx, http.MethodGet, uint16(port), false, u.EscapedPath(), "", nil, "GET the UPnP description")
	if err != nil || p.status != http.StatusOK {
		return
	}
	d := parseDescription(p.body)
	for _, m := range d.makers {
		r.told(m, "")
	}
	for _, m := range d.models {
		r.told("", m)
	}
	if len(d.leaks) > 0 {
		r.found("discovery.leak", assess.Bad, name, "its UPnP description tells "+strings.Join(d.leaks, ", "), from)
	}
	for service, control := range d.control {
		if strings.Contains(service, ":WANIPConnection:") || strings.Contains(service, ":WANPPPConnection:") {
			if c, err := u.Parse(control); err == nil && c.Host == u.Host {
				r.portmap(ctx, uint16(port), service, c.EscapedPath())
				return
			}
		}
	}
}

// The hole that is asked for: a port that nothing uses, to this machine, for a few seconds (WANIPConnection:2, 2.5.16).
const (
	holePort  = 61937
	holeLease = 10 // seconds
)

// portmap asks for a hole in the firewall without a log-in, and closes it again.
func (r *run) portmap(ctx context.Context, port uint16, service, path string) {
	if !r.Changes {
		return
	}
	own, err := r.own(ctx, port)
	if err != nil {
		return
	}
	from, name := r.next(), portName("tcp", port)
	which := fmt.Sprintf("<NewRemoteHost></NewRemoteHost><NewExternalPort>%d</NewExternalPort><NewProtocol>UDP</NewProtocol>", holePort)
	soap := func(ctx context.Context, action, args string) (*page, error) {
		body := `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:` +
			action + ` xmlns:u="` + service + `">` + args + `</u:` + action + `></s:Body></s:Envelope>`
		return r.ask(ctx, http.MethodPost, port, false, path, body, map[string]string{
			"Content-Type": `text/xml; charset="utf-8"`, "SOAPAction": `"` + service + "#" + action + `"`,
		}, action)
	}
	p, err := soap(ctx, "GetSpecificPortMappingEntry", which)
	if err != nil || p.status == http.StatusOK {
		return // somebody uses it: hands off
	}
	p, err = soap(ctx, "AddPortMapping", which+fmt.Sprintf("<NewInternalPort>%d</NewInternalPort><NewInternalClient>%s</NewInternalClient><NewEnabled>1</NewEnabled>"+
		"<NewPortMappingDescription>%s</NewPortMappingDescription><NewLeaseDuration>%d</NewLeaseDuration>", holePort, own, stranger, holeLease))
	if err == nil && p.status != http.StatusOK {
		return // it says no
	}
	// It said yes, or perhaps it did: it is closed in any case, even if the probe is broken off.
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*r.talk)
	defer cancel()
	_, _ = soap(after, "DeletePortMapping", which)
	gone, checkErr := soap(after, "GetSpecificPortMappingEntry", which)
	if err != nil {
		return
	}
	detail := "a UPnP port mapping was opened, and closed again"
	if checkErr != nil || gone.status == http.StatusOK {
		detail = fmt.Sprintf("a UPnP port mapping was opened; it may still be there for %s: UDP port %d", holeLease*time.Second, holePort)
	}
	r.found("change.open", assess.Bad, name, detail, from)
}

// own is the address of this machine as the device sees it.
func (r *run) own(ctx context.Context, port uint16) (netip.Addr, error) {
	c, err := r.dial(ctx, "tcp", port, "connect")
	if err != nil {
		return netip.Addr{}, err
	}
	defer c.Close()
	ap, err := netip.ParseAddrPort(c.LocalAddr().String())
	return ap.Addr().Unmap().WithZone(""), err
}
