package guide

import (
	"math"
	"net/netip"
	"strings"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/locale"
)

// arguments are what the texts may say of this case: each detail that the kind has, in words. One that is missing is
// told as such. n, which chooses between one and many, is what the kind counts.
func arguments(said *locale.Catalogue, f *finding.Finding, device string) []any {
	n := any(f.Count)
	args := []any{"device", device}
	for _, key := range f.Kind.About().Details {
		v := f.Detail(key)
		if v == nil || v == "" {
			v = said.Text("value." + key + ".none")
		} else if key == "packets" || key == "count" && f.Detail("packets") == nil {
			n = v
		}
		args = append(args, key, inWords(said, key, v))
	}
	return append(args, "n", n)
}

// inWords is the value of a detail as people understand it: a token becomes words, the rest stays.
func inWords(said *locale.Catalogue, key string, v any) any {
	switch v := v.(type) {
	case string:
		switch key {
		case "peer":
			return peer(said, v)
		case "service":
			return service(said, v)
		case "nearest":
			return nearest(said, v)
		case "protocol", "weakness", "fault":
			return token(said, key, v)
		}
	case []string:
		list := make([]string, len(v))
		for i, s := range v {
			list[i], _ = inWords(said, key, s).(string)
		}
		return list
	case float64:
		return uint64(math.Round(max(v, 1))) // a rate: its fractions tell people nothing
	}
	return v
}

// peer is the other end: a name as it is, an address with where it is.
func peer(said *locale.Catalogue, s string) string {
	if _, err := frame.ParseMAC(s); err == nil {
		return said.Text("peer.home", "token", s)
	}
	switch a, err := netip.ParseAddr(s); {
	case err != nil:
		return s
	case a.IsMulticast(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return said.Text("peer.all", "token", s)
	case a.IsPrivate(), a.IsLinkLocalUnicast():
		return said.Text("peer.home", "token", s)
	case a.Is4():
		return said.Text("peer.internet", "token", s)
	}
	return s // of IPv6, a device at home has addresses of the Internet too
}

// service says what device.ServiceName and, after a space, a protocol name: "tcp/23", "tcp/443 tls".
func service(said *locale.Catalogue, s string) string {
	where, protocol, _ := strings.Cut(s, " ")
	if text, ok := lookUp(said, "service", where); ok {
		return text
	}
	if text, ok := lookUp(said, "protocol", protocol); ok {
		return text
	}
	if transport, port, ok := strings.Cut(where, "/"); ok && transport != "ip" {
		return said.Text("service.port", "transport", strings.ToUpper(transport), "port", port)
	}
	if text, ok := lookUp(said, "protocol", where); ok {
		return text
	}
	return said.Text("service.other", "token", s)
}

// nearest says an entry of a MUD file as policy.Entry.Brief has it: a service, then with whom.
func nearest(said *locale.Catalogue, s string) string {
	what, who, _ := strings.Cut(s, " ")
	var peers []string
	for _, p := range strings.Fields(who) {
		if text, ok := lookUp(said, "policy.peer", p); ok {
			p = text
		}
		peers = append(peers, p)
	}
	what = service(said, what)
	if len(peers) == 0 {
		return what
	}
	return said.Text("nearest.entry", "service", what, "peer", said.List(peers))
}

func token(said *locale.Catalogue, key, s string) string {
	if text, ok := lookUp(said, key, s); ok {
		return text
	}
	return said.Text(key+".other", "token", s)
}

// tokens makes a token what keys of the catalogue have for it.
var tokens = strings.NewReplacer("/", "-", "_", "-", " ", "")

// lookUp is the text of a token, such as tcp/23 or "TLS 1.0", which the catalogue has as tcp-23 and tls1.0.
func lookUp(said *locale.Catalogue, group, s string) (text string, ok bool) {
	key := group + "." + tokens.Replace(strings.ToLower(s))
	text = said.Text(key)
	return text, text != key
}
