package mud_test

import (
	"errors"
	"fmt"
	"net"
	"time"

	"plimsoll.example/plimsoll/mud"
)

// lamp is a small MUD file.
const lamp = `{
  "ietf-mud:mud": {
    "mud-version": 1,
    "mud-url": "https://mud.lamps.example/l1.json",
    "last-update": "2026-01-02T03:04:05Z",
    "cache-validity": 12,
    "is-supported": true,
    "mfg-name": "Lamps Inc.",
    "model-name": "L1",
    "from-device-policy": {"access-lists": {"access-list": [{"name": "out"}]}}
  },
  "ietf-access-control-list:acls": {"acl": [{"name": "out", "type": "ipv4-acl-type", "aces": {"ace": [
    {"name": "cloud",
     "matches": {"ipv4": {"protocol": 6, "ietf-acldns:dst-dnsname": "cloud.lamps.example"},
                 "tcp": {"ietf-mud:direction-initiated": "from-device", "destination-port": {"operator": "eq", "port": 443}}},
     "actions": {"forwarding": "accept"}},
    {"name": "phones",
     "matches": {"ietf-mud:mud": {"local-networks": [null]}, "ipv4": {"protocol": 17}, "udp": {"destination-port": {"operator": "eq", "port": 5353}}},
     "actions": {"forwarding": "accept"}}]}}]}
}`

func ExampleParse() {
	f, err := mud.Parse([]byte(lamp))
	if err != nil {
		fmt.Println(err)
		return
	}
	for acl, e := range f.Entries(mud.FromDevice) {
		if e.Dead() { // it demands something that is not understood
			continue
		}
		fmt.Println(acl.Name, e.Name, e.Action)
	}
	// Output:
	// out cloud accept
	// out phones accept
}

func ExampleParseStrict() {
	_, err := mud.ParseStrict([]byte(`{"ietf-mud:mud": {"mud-version": "1"}}`))
	var invalid *mud.InvalidError
	if errors.As(err, &invalid) {
		for _, p := range invalid.Problems {
			fmt.Println(p.Code, p.Path)
		}
	}
	// Output:
	// draft.number /ietf-mud:mud/mud-version
	// yang.missing /ietf-mud:mud
	// yang.missing /ietf-mud:mud
	// yang.missing /ietf-mud:mud
}

func ExampleCheck() {
	_, problems, err := mud.Check([]byte(lamp), true)
	fmt.Println("valid:", err == nil)
	words := mud.In("en")
	for _, p := range problems {
		if p.Level == mud.Warning {
			fmt.Printf("%s: %s\n", p.Code, p.Text(words))
		}
	}
	// Output:
	// valid: true
	// signature.missing: The file names no signature. Without one, nobody can tell that it is the maker’s: networks will ask a person first. Sign it, and set mud-signature.
	// cache.short: cache-validity is 12 hours. At least 24 is recommended, so that networks do not ask too often.
}

func ExampleFile_Describe() {
	f, err := mud.Parse([]byte(lamp))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(f.Describe(mud.In("en")))
	// Output:
	// It may contact:
	//   cloud.lamps.example: HTTPS (tcp/443)
	//   anything on the local network: mDNS (udp/5353)
}

func ExampleDiff() {
	before, err := mud.Parse([]byte(lamp))
	if err != nil {
		fmt.Println(err)
		return
	}
	after, err := mud.Parse([]byte(lamp))
	if err != nil {
		fmt.Println(err)
		return
	}
	after.ACLs[0].ACEs[0].Matches.TCP.Destination = nil // any port
	for _, d := range mud.Diff(before, after) {
		fmt.Println(d.Change, d.Text(mud.In("en")))
	}
	// Output:
	// widened contacting cloud.lamps.example: all of tcp; before: cloud.lamps.example: HTTPS (tcp/443)
}

// A file can be made in a program, too.
func ExampleFile_Canonical() {
	udp := uint8(17)
	f := &mud.File{
		Version: 1, URL: "https://mud.lamps.example/l2.json", LastUpdate: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), IsSupported: true,
		FromDevice: []string{"out"},
		ACLs: []mud.ACL{{Name: "out", Type: mud.IPv4ACL, ACEs: []mud.ACE{{
			Name: "time", Action: mud.Accept,
			Matches: mud.Matches{
				MUD:  &mud.MUD{Controller: "urn:ietf:params:mud:ntp"},
				IPv4: &mud.IP{Protocol: &udp},
				UDP:  &mud.UDP{Destination: &mud.Ports{Operator: mud.Equal, Port: 123}},
			},
		}}}},
	}
	again, err := mud.ParseStrict(f.Canonical())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(again.Describe(mud.In("en")))
	// Output:
	// It may contact:
	//   the network’s time server: NTP (udp/123)
}

func ExampleSticker_Payload() {
	s := mud.Sticker{
		Brand: "Lamps Inc.", Model: "L1", URL: "https://mud.lamps.example/l1.json",
		MAC: net.HardwareAddr{0x02, 0x00, 0x5e, 0x10, 0x00, 0x0f},
	}
	text, err := s.Payload()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%q\n", text)
	// Output:
	// "[)>\x1e06\x1d12NB000Lamps Inc.\x1fB002L1\x1fM180https://mud.lamps.example/l1.json\x1fM06C02005E10000F\x1f\x1e\x04"
}

func ExampleParseSticker() {
	_, err := mud.ParseSticker("[)>\x1e06\x1d12NB000Lamps\x1fB002L1\x1fM180https://192.168.1.1/l1.json\x1f\x1e\x04")
	fmt.Println(errors.Is(err, mud.ErrHostile))
	// Output:
	// true
}

func ExampleJudgeURL() {
	const known = "https://mud.lamps.example/l1/v1.json"
	for _, told := range []string{"https://mud.lamps.example/l1/v2.json", "https://mud.lamps.example/washer/v1.json", "https://evil.example/l1/v2.json"} {
		fmt.Println(mud.JudgeURL(known, told, nil, true))
	}
	// Output:
	// next
	// other-path
	// other-authority
}
