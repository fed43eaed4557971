package mud_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/mud"
)

// Each test here is a fault that was shipped by others who read MUD files.

// NAMIB read local-networks as false: the entry was for the whole world.
func TestLocalNetworksStaysInTheEntry(t *testing.T) {
	f := parsed(t, with(`{"ietf-mud:mud": {"local-networks": [null]}, "ipv4": {"protocol": 6}}`))
	if m := f.ACLs[0].ACEs[0].Matches.MUD; m == nil || !m.LocalNetworks {
		t.Errorf("local-networks is read as %+v", m)
	}
}

// The CIRA gateway looked names up under a misspelt key: they never matched, and the entry was for anyone.
func TestBothNamesAreReadUnderTheirOwnKeys(t *testing.T) {
	ip := parsed(t, with(`{"ipv4": {"ietf-acldns:src-dnsname": "a.example", "ietf-acldns:dst-dnsname": "b.example"}}`)).ACLs[0].ACEs[0].Matches.IPv4
	if ip.SourceDNSName != "a.example" || ip.DestinationDNSName != "b.example" {
		t.Errorf("%+v", ip)
	}
	f := parsed(t, with(`{"ipv4": {"ietf-acldns:s:qrc-dnsname": "a.example"}}`))
	if !f.ACLs[0].ACEs[0].Dead() {
		t.Error("a misspelt key leaves an entry for anyone")
	}
}

// Cisco’s MUD manager broke on a file with one policy (issue 6).
func TestAFileMayHaveAPolicyForOneDirectionAlone(t *testing.T) {
	f := parsed(t, with(`{"ipv4": {"ietf-acldns:dst-dnsname": "a.example"}}`))
	if len(f.ToDevice) != 0 || len(f.FromDevice) != 1 || len(f.Permissions()) != 1 {
		t.Errorf("%v, %v, %v", f.FromDevice, f.ToDevice, f.Permissions())
	}
}

// Cisco’s MUD manager compared direction-initiated the wrong way round.
func TestDirectionInitiatedIsNotInverted(t *testing.T) {
	for _, d := range []mud.Direction{mud.FromDevice, mud.ToDevice} {
		f := parsed(t, with(`{"ipv4": {"protocol": 6}, "tcp": {"ietf-mud:direction-initiated": "`+string(d)+`"}}`))
		if got := f.ACLs[0].ACEs[0].Matches.TCP.DirectionInitiated; got != d {
			t.Errorf("%s is read as %s", d, got)
		}
		if n := len(f.Permissions()); (n == 1) != (d == mud.FromDevice) {
			t.Errorf("%s: the device may begin %d conversations", d, n)
		}
	}
}

// NAMIB knows no operator but eq, and no ranges.
func TestEveryOperatorAndRangeIsUnderstood(t *testing.T) {
	for text, want := range map[string][]mud.PortRange{
		`{"operator": "eq", "port": 80}`:                          {{Low: 80, High: 80}},
		`{"port": 80}`:                                            {{Low: 80, High: 80}}, // eq is the default
		`{"operator": "neq", "port": 80}`:                         {{Low: 0, High: 79}, {Low: 81, High: 65535}},
		`{"operator": "neq", "port": 0}`:                          {{Low: 1, High: 65535}},
		`{"operator": "neq", "port": 65535}`:                      {{Low: 0, High: 65534}},
		`{"operator": "lte", "port": 80}`:                         {{Low: 0, High: 80}},
		`{"operator": "gte", "port": 80}`:                         {{Low: 80, High: 65535}},
		`{"lower-port": 80, "upper-port": 90}`:                    {{Low: 80, High: 90}},
		`{"operator": "range", "lower-port": 8, "upper-port": 9}`: {{Low: 8, High: 9}},
	} {
		f := parsed(t, with(`{"ipv4": {"protocol": 17}, "udp": {"source-port": `+text+`}}`))
		if d := cmp.Diff(want, f.ACLs[0].ACEs[0].Matches.UDP.Source.Ranges()); d != "" {
			t.Errorf("%s:\n%s", text, d)
		}
	}
}

// hslatman/mud.yang.go reads none of the files that mudgee and MUD Maker wrote before the RFC.
func TestTheShapesOfTheDraftsAreUnderstood(t *testing.T) {
	f := parsed(t, `{"ietf-mud:mud": {"mud-url": "https://thermostat.example/m", "last-update": "2017-12-09T05:52:54+01:00", "is-supported": true,
			"from-device-policy": {"access-lists": {"access-list": [{"acl-name": "v6fr", "acl-type": "ietf-access-control-list:ipv6-acl"}]}}},
		"ietf-access-control-list:access-lists": {"acl": [{"acl-name": "v6fr", "acl-type": "ipv6-acl", "access-list-entries": {"ace": [
			{"rule-name": "cloud", "matches": {"ipv6-acl": {"ietf-acldns:dst-dnsname": "cloud.example", "protocol": 6, "destination-port-range": {"lower-port": 9543, "upper-port": 9543}}}, "actions": {"forwarding": "permit"}},
			{"rule-name": "mine", "matches": {"ietf-mud:mud-acl": {"my-controller": [null]}}, "actions": {"forwarding": "accept"}},
			{"rule-name": "same", "matches": {"ietf-mud:same-manufacturer": [null]}, "actions": {"forwarding": "accept"}},
			{"rule-name": "arp", "matches": {"eth": {"ethertype": "0x0806", "destination-mac-address": "ff:ff:ff:ff:ff:ff"}}, "actions": {"forwarding": "accept"}},
			{"rule-name": "noproto", "matches": {"ipv6-acl": {"source-port-range": {"lower-port": 1, "upper-port": 2}}}, "actions": {"forwarding": "accept"}}]}}]}}`)
	if f.Form != mud.Draft || f.Version != 1 || f.ACLs[0].Type != mud.IPv6ACL || f.FromDevice[0] != "v6fr" {
		t.Errorf("%s, version %d, %+v", f.Form, f.Version, f.ACLs[0])
	}
	e := f.ACLs[0].ACEs
	if p := e[0].Matches.TCP; p == nil || p.Destination.Port != 9543 || p.Destination.Upper != 9543 || e[0].Action != mud.Accept {
		t.Errorf("ports beside the protocol: %+v", e[0])
	}
	if !e[1].Matches.MUD.MyController || !e[2].Matches.MUD.SameManufacturer || *e[3].Matches.Eth.Ethertype != 0x0806 {
		t.Errorf("%+v", e)
	}
	if !e[4].Dead() {
		t.Error("ports of no protocol are forgotten, and the entry is for all ports")
	}
}

// RFC 7951 leaves several ways to write a number, and authors find more.
func TestNumbersInEverySpelling(t *testing.T) {
	for text, want := range map[string]uint16{
		`443`: 443, `443.0`: 443, `4.43e2`: 443, `4430e-1`: 443, `"443"`: 443, `"0x1bb"`: 443, `-0`: 0, `0`: 0, `65535`: 65535,
	} {
		e := parsed(t, with(`{"tcp": {"destination-port": {"port": `+text+`}}}`)).ACLs[0].ACEs[0]
		if e.Dead() || e.Matches.TCP.Destination.Port != want {
			t.Errorf("%s is read as %+v", text, e)
		}
	}
	for _, text := range []string{`65536`, `-1`, `443.5`, `1e400`, `"44 3"`, `""`, `"0x"`, `"1_0"`, `true`, `null`, `[443]`, `"NaN"`, `"Infinity"`, `"0x1p4"`} {
		if e := parsed(t, with(`{"tcp": {"destination-port": {"port": `+text+`}}}`)).ACLs[0].ACEs[0]; !e.Dead() {
			t.Errorf("%s is read as %+v", text, e.Matches.TCP.Destination)
		}
	}
}

// Where a member is there twice, one reader sees the first and another the last: a signer would sign what the network does
// not apply.
func TestAMemberThatIsThereTwiceIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"plain":                strings.Replace(good, `"is-supported": true`, `"is-supported": true, "is-supported": false`, 1),
		"escaped":              strings.Replace(good, `"is-supported": true`, `"is-supported": true, "is-\u0073upported": false`, 1),
		"with its module":      strings.Replace(good, `"is-supported": true`, `"is-supported": true, "ietf-mud:is-supported": false`, 1),
		"by the old name":      strings.Replace(good, `"ietf-access-control-list:acls"`, `"ietf-access-control-list:access-lists": {}, "ietf-access-control-list:acls"`, 1),
		"within an entry":      strings.Replace(good, `"protocol": 6`, `"protocol": 6, "protocol": 17`, 1),
		"an entry's name, old": strings.Replace(good, dstName, dstName+`, "dst-dnsname": "x.example"`, 1),
		"transparency":         strings.Replace(good, system, `"mudtx:transparency": {}, "ietf-mud-transparency:transparency": {}`, 1),
	} {
		f, err := mud.Parse([]byte(text))
		if err == nil {
			t.Errorf("%s: accepted: %+v", name, f)
		}
	}
}

// An entry that drops, and demands something that is not known, must not make room for the entries after it.
func TestADeadEntryThatDropsStaysInForce(t *testing.T) {
	f := parsed(t, withEntry(
		`{"name": "stop", "matches": {"ipv4": {"ietf-acldns:dst-dnsname": "bad.example", "colour": 1}}, "actions": {"forwarding": "drop"}},
		 {"name": "all", "matches": {"ipv4": {"ietf-acldns:dst-dnsname": "bad.example"}}, "actions": {"forwarding": "accept"}}`))
	list := f.Permissions()
	if len(list) != 1 || list[0].Allowed {
		t.Errorf("what a dead entry stops is allowed: %+v", list)
	}
}

// Names of makers, models and lists went into osMUD’s shell commands.
func TestTextsOfAFileCannotMoveATerminalOrAPage(t *testing.T) {
	evil := `\u001b[2J\u202e<script>alert(1)</script>\u0000`
	text := strings.Replace(good, `"A lamp"`, `"`+strings.ReplaceAll(evil, `\u0000`, ``)+`"`, 1)
	text = strings.Replace(text, `"mfg-name": "Lamps Inc.",`, ``, 1)
	text = strings.Replace(text, `"model-name": "L1",`, ``, 1)
	f, _ := mud.Parse([]byte(text))
	for name, out := range map[string]string{"title": f.Title(), "SVG": f.SVG(mud.In("en")), "HTML": f.HTML(mud.In("en"), "en"), "dot": f.Dot(mud.In("en"))} {
		if strings.ContainsAny(out, "\x1b\u202e\x00") || name != "title" && name != "dot" && strings.Contains(out, "<script") {
			t.Errorf("%s: %q", name, out)
		}
	}
	if _, err := mud.Parse([]byte(strings.Replace(good, "A lamp", evil, 1))); err == nil {
		t.Error("YANG has no control characters, but a file with one is valid")
	}
}

// Who cannot say whether a device is supported does not say that it is not.
func TestOnlyAMakerEndsTheSupportOfADevice(t *testing.T) {
	for value, want := range map[string]bool{`"is-supported": false`: true, `"is-supported": true`: false, `"is-supported": "no"`: false, `"x": 1`: false} {
		_, problems, err := mud.Check([]byte(strings.Replace(good, `"is-supported": true`, value, 1)), false)
		told := false
		for _, p := range problems {
			told = told || p.Code == "support.ended"
		}
		if told != want {
			t.Errorf("%s: the end of support is told: %v (%v)", value, told, err)
		}
	}
}

// The same authority decides who is the same manufacturer: the port is part of it, the case and the usual port are not.
func TestTheAuthorityOfAMUDURL(t *testing.T) {
	for url, want := range map[string]string{
		"https://b1.example.com/ThingV1":      "b1.example.com",
		"https://B1.Example.com:443/x":        "b1.example.com",
		"https://b1.example.com:8443/x":       "b1.example.com:8443",
		"https://[2001:db8::1]:8443/x":        "[2001:db8::1]:8443",
		"http://b1.example.com/x":             "",
		"https://user@b1.example.com/x":       "",
		"https://b1.example.com\\@evil.com/":  "",
		"https://b1.example.com%2eevil.com/x": "",
		"https://":                            "",
	} {
		if got := mud.Authority(url); got != want {
			t.Errorf("%s has the authority %q, want %q", url, got, want)
		}
	}
}

// The bytes as they came are what a signature is over; mud-cli wrote them anew before verifying.
func TestTheBytesOfAFileAreKeptAsTheyCame(t *testing.T) {
	text := "\n\t" + good + "  "
	f := parsed(t, text)
	if string(f.Raw) != text {
		t.Error("they are not")
	}
}
