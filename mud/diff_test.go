package mud_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/mud"
)

// policy is a file with these entries from the device and to it: each is what it matches, with ! before it where it drops.
func policy(t *testing.T, from, to []string) *mud.File {
	t.Helper()
	list := func(entries []string) string {
		var aces []string
		for i, e := range entries {
			action := "accept"
			if rest, ok := strings.CutPrefix(e, "!"); ok {
				e, action = rest, "drop"
			}
			aces = append(aces, fmt.Sprintf(`{"name": "e%d", "matches": %s, "actions": {"forwarding": %q}}`, i, e, action))
		}
		return `{"ace": [` + strings.Join(aces, ",") + `]}`
	}
	return parsed(t, `{"ietf-mud:mud": {"mud-version": 1, "mud-url": "https://lamps.example/l", "last-update": "2026-01-02T03:04:05Z", "is-supported": true,
		"from-device-policy": {"access-lists": {"access-list": [{"name": "from"}]}}, "to-device-policy": {"access-lists": {"access-list": [{"name": "to"}]}}},
		"ietf-access-control-list:acls": {"acl": [{"name": "from", "aces": `+list(from)+`}, {"name": "to", "aces": `+list(to)+`}]}}`)
}

// What the entries of the tests match.
const (
	cloudOut = `{"ipv4": {"protocol": 6, "ietf-acldns:dst-dnsname": "cloud.example"}, "tcp": {"ietf-mud:direction-initiated": "from-device", "destination-port": {"operator": "eq", "port": 443}}}`
	cloudAny = `{"ipv4": {"protocol": 6, "ietf-acldns:dst-dnsname": "cloud.example"}, "tcp": {"ietf-mud:direction-initiated": "from-device"}}`
	cloudV6  = `{"ipv6": {"protocol": 6, "ietf-acldns:dst-dnsname": "cloud.example"}, "tcp": {"ietf-mud:direction-initiated": "from-device", "destination-port": {"operator": "eq", "port": 443}}}`
	cloudIn  = `{"ipv4": {"protocol": 6, "ietf-acldns:src-dnsname": "cloud.example"}, "tcp": {"ietf-mud:direction-initiated": "from-device", "source-port": {"operator": "eq", "port": 443}}}`
	openIn   = `{"ipv4": {"protocol": 6, "ietf-acldns:src-dnsname": "cloud.example"}, "tcp": {"source-port": {"operator": "eq", "port": 443}}}`
	web      = `{"ietf-mud:mud": {"local-networks": [null]}, "ipv4": {"protocol": 6}, "tcp": {"ietf-mud:direction-initiated": "to-device", "destination-port": {"port": 80}}}`
	webOut   = `{"ietf-mud:mud": {"local-networks": [null]}, "ipv4": {"protocol": 6}, "tcp": {"ietf-mud:direction-initiated": "to-device", "source-port": {"port": 80}}}`
	ntpOut   = `{"ipv4": {"protocol": 17, "ietf-acldns:dst-dnsname": "time.example"}, "udp": {"destination-port": {"port": 123}}}`
	ntpIn    = `{"ipv4": {"protocol": 17, "ietf-acldns:src-dnsname": "time.example"}, "udp": {"source-port": {"port": 123}}}`
	coapIn   = `{"ietf-mud:mud": {"my-controller": [null]}, "ipv4": {"protocol": 17}, "udp": {"destination-port": {"port": 5683}}}`
	coapOut  = `{"ietf-mud:mud": {"my-controller": [null]}, "ipv4": {"protocol": 17}, "udp": {"source-port": {"port": 5683}}}`
)

func changes(list []mud.Difference) (lines []string) {
	en := mud.In("en")
	for _, d := range list {
		lines = append(lines, string(d.Change)+" "+d.Text(en))
	}
	return lines
}

func TestDiffTellsWhatChanges(t *testing.T) {
	type entries struct{ from, to []string }
	for name, c := range map[string]struct {
		before, after entries
		want          []string
	}{
		"order does not matter": {
			entries{[]string{cloudOut, ntpOut}, []string{cloudIn, ntpIn}}, entries{[]string{ntpOut, cloudOut}, []string{ntpIn, cloudIn}}, nil,
		},
		"nor does saying it twice": {
			entries{[]string{cloudOut}, []string{cloudIn}}, entries{[]string{cloudOut, cloudOut}, []string{cloudIn}}, nil,
		},
		"nor that answers are spelt out": {
			entries{[]string{cloudOut}, nil}, entries{[]string{cloudOut}, []string{cloudIn}}, nil,
		},
		"a new service": {
			entries{[]string{cloudOut}, nil},
			entries{[]string{cloudOut, ntpOut}, []string{ntpIn}},
			[]string{"allowed contacting time.example: NTP (udp/123)"},
		},
		"a service gone": {
			entries{[]string{cloudOut, ntpOut}, []string{ntpIn}},
			entries{[]string{cloudOut}, nil},
			[]string{"forbidden contacting time.example: NTP (udp/123)"},
		},
		"more ports": {
			entries{[]string{cloudOut}, nil},
			entries{[]string{cloudAny}, nil},
			[]string{"widened contacting cloud.example: all of tcp; before: cloud.example: HTTPS (tcp/443)"},
		},
		"fewer ports": {
			entries{[]string{cloudAny}, nil},
			entries{[]string{cloudOut}, nil},
			[]string{"narrowed contacting cloud.example: HTTPS (tcp/443); before: cloud.example: all of tcp"},
		},
		"the other family": {
			entries{[]string{cloudOut}, nil},
			entries{[]string{cloudOut, cloudV6}, nil},
			[]string{"allowed contacting cloud.example: HTTPS (tcp/443), by IPv6"},
		},
		"both families": {
			entries{[]string{ntpOut}, nil},
			entries{[]string{ntpOut, cloudV6, cloudOut}, nil},
			[]string{"allowed contacting cloud.example: HTTPS (tcp/443)"},
		},
		"the cloud may open connections": {
			entries{[]string{cloudOut}, []string{cloudIn}},
			entries{[]string{cloudOut}, []string{openIn}},
			[]string{"allowed being contacted by cloud.example: HTTPS (tcp/443)"},
		},
		"a server within the house": {
			entries{nil, nil},
			entries{[]string{webOut}, []string{web}},
			[]string{"allowed being contacted by anything on the local network: HTTP (tcp/80)"},
		},
		"a UDP server": {
			entries{nil, nil},
			entries{[]string{coapOut}, []string{coapIn}},
			[]string{"allowed being contacted by its own controller: CoAP (udp/5683)"},
		},
		"an entry that drops, before": {
			entries{[]string{cloudOut}, nil},
			entries{[]string{"!" + cloudAny, cloudOut}, nil},
			[]string{"forbidden contacting cloud.example: HTTPS (tcp/443)", "stopped contacting cloud.example: all of tcp"},
		},
		"an entry that drops, after": {
			entries{[]string{cloudOut}, nil},
			entries{[]string{cloudOut, "!" + cloudOut}, nil},
			[]string{"stopped contacting cloud.example: HTTPS (tcp/443)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := policy(t, c.before.from, c.before.to), policy(t, c.after.from, c.after.to)
			if d := cmp.Diff(c.want, changes(mud.Diff(before, after))); d != "" {
				t.Error(d)
			}
			grows := false
			for _, d := range mud.Diff(before, after) {
				grows = grows || d.Grows()
			}
			if want := strings.Contains(strings.Join(c.want, " "), "allowed ") || strings.Contains(strings.Join(c.want, " "), "widened "); grows != want {
				t.Errorf("grows: %t", grows)
			}
		})
	}
}

// Entries of the two directions are read together.
func TestWhoMayBeginIsSaidAsItIs(t *testing.T) {
	for name, c := range map[string]struct {
		from, to []string
		want     mud.Starts
	}{
		"TCP from the device":             {[]string{cloudOut}, []string{cloudIn}, mud.DeviceStarts},
		"TCP that either may open":        {[]string{cloudOut}, []string{openIn}, mud.EitherStarts},
		"TCP to the device":               {[]string{webOut}, []string{web}, mud.PeerStarts},
		"anything, both ways":             {[]string{`{"ipv4": {"ietf-acldns:dst-dnsname": "a.example"}}`}, []string{`{"ipv4": {"ietf-acldns:src-dnsname": "a.example"}}`}, mud.EitherStarts},
		"UDP from the device":             {[]string{ntpOut}, []string{ntpIn}, mud.DeviceStarts},
		"UDP to a port of the device":     {[]string{coapOut}, []string{coapIn}, mud.PeerStarts},
		"UDP from a port of another only": {nil, []string{ntpIn}, mud.AnswersOnly},
	} {
		list := policy(t, c.from, c.to).Permissions()
		if len(list) != 1 || list[0].Starts != c.want {
			t.Errorf("%s: %+v, want %s", name, list, c.want)
		}
	}
}

// What many wide entries become together with many narrow ones is told once of each, not once of each pair.
func TestADiffIsNoLongerThanBothFiles(t *testing.T) {
	const n = 300
	serves := func(ports func(i int) mud.Ports) *mud.File {
		f := &mud.File{Version: 1, URL: "https://lamps.example/lamp.json", IsSupported: true, ToDevice: []string{"to"}}
		acl := mud.ACL{Name: "to", Type: mud.IPv4ACL}
		for i := range n {
			p := ports(i)
			acl.ACEs = append(acl.ACEs, mud.ACE{Name: strconv.Itoa(i), Action: mud.Accept, Matches: mud.Matches{UDP: &mud.UDP{Destination: &p}}})
		}
		f.ACLs = []mud.ACL{acl}
		return f
	}
	wide := serves(func(i int) mud.Ports { return mud.Ports{Operator: mud.GreaterOrEqual, Port: uint16(i + 1)} })
	narrow := serves(func(i int) mud.Ports { return mud.Ports{Operator: mud.Equal, Port: uint16(60000 + i)} })
	before, after := map[string]bool{}, map[string]bool{}
	list := mud.Diff(wide, narrow)
	for _, d := range list {
		before[d.BeforeService.String()], after[d.Service.String()] = true, true
	}
	if len(list) > 2*n || len(before) != n || len(after) != n {
		t.Errorf("%d changes, of %d entries, to %d", len(list), len(before), len(after))
	}
}

// Whoever lets files be replaced that allow nothing more must hear of a drop that has lost its place.
func TestADropThatIsOvertakenIsReleased(t *testing.T) {
	ports := func(low, high int) string {
		return fmt.Sprintf(`{"ipv4": {"protocol": 6, "ietf-acldns:dst-dnsname": "cloud.example"}, "tcp": {"ietf-mud:direction-initiated": "from-device", "destination-port": {"lower-port": %d, "upper-port": %d}}}`, low, high)
	}
	grows := func(before, after []string) bool {
		return slices.ContainsFunc(mud.Diff(policy(t, before, nil), policy(t, after, nil)), mud.Difference.Grows)
	}
	first := []string{"!" + cloudOut, cloudAny}
	for name, c := range map[string]struct {
		before, after []string
		want          bool
	}{
		"as it was":                       {first, first, false},
		"behind what it was to stop":      {first, []string{cloudAny, "!" + cloudOut}, true},
		"behind a part of it":             {[]string{"!" + ports(400, 600), ports(1, 500)}, []string{ports(1, 500), "!" + ports(400, 600)}, true},
		"in front of it":                  {[]string{cloudAny, "!" + cloudOut}, first, false},
		"behind what it has no part in":   {[]string{"!" + ports(400, 600), ports(1, 300)}, []string{ports(1, 300), "!" + ports(400, 600)}, false},
		"behind it as before, and others": {[]string{ports(1, 500), "!" + ports(400, 600), web}, []string{ports(1, 500), "!" + ports(400, 600)}, false},
	} {
		if got := grows(c.before, c.after); got != c.want {
			t.Errorf("%s: more is allowed: %v, want %v: %v", name, got, c.want, changes(mud.Diff(policy(t, c.before, nil), policy(t, c.after, nil))))
		}
	}
}
