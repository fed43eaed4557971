package conformance

// Where entries of MUD files lead.
const (
	service  = 5000 // a port that files list
	inward   = 6000 // a port of the device that files list
	other    = 7000 // a port that they do not
	speaking = 5001 // a port that files list for UDP
)

type object = map[string]any

func port(side string, n int) object {
	return object{side + "-port": object{"operator": "eq", "port": n}}
}

// tcp is a port of the other end of a conversation that one side begins.
func tcp(side string, n int, began string) object {
	o := port(side, n)
	if began != "" {
		o["ietf-mud:direction-initiated"] = began
	}
	return o
}

// toName lets the device begin with who has a name, by TCP and by UDP.
func toName(name string, n int) []entry {
	at := func(proto int) object { return object{"ietf-acldns:dst-dnsname": name, "protocol": proto} }
	return []entry{
		{"ip": at(6), "tcp": tcp("destination", n, "from-device")},
		{"ip": at(17), "udp": port("destination", n)},
	}
}

// toHost lets the device begin with an address of the Internet.
func toHost(number, proto, n int) entry {
	e := entry{
		"ipv4": object{"destination-ipv4-network": wide(4, number).String() + "/32", "protocol": proto},
		"ipv6": object{"destination-ipv6-network": wide(6, number).String() + "/128", "protocol": proto},
	}
	if proto == 6 {
		e["tcp"] = tcp("destination", n, "from-device")
	} else {
		e["udp"] = port("destination", n)
	}
	return e
}

// fromHost lets an address of the Internet begin with a port of the device, by TCP.
func fromHost(number, n int) entry {
	return entry{
		"ipv4": object{"source-ipv4-network": wide(4, number).String() + "/32", "protocol": 6},
		"ipv6": object{"source-ipv6-network": wide(6, number).String() + "/128", "protocol": 6},
		"tcp":  tcp("destination", n, "to-device"),
	}
}

// speakWith lets the device speak by UDP with an address of the Internet, which has a port: both directions are listed,
// as files of real devices do.
func speakWith(number, n int) (from, to entry) {
	from = toHost(number, 17, n)
	to = entry{
		"ipv4": object{"source-ipv4-network": wide(4, number).String() + "/32", "protocol": 17},
		"ipv6": object{"source-ipv6-network": wide(6, number).String() + "/128", "protocol": 17},
		"udp":  port("source", n),
	}
	return from, to
}

// pingTo lets the device ping an address of the Internet.
func pingTo(number int) entry {
	return entry{
		"ipv4": object{"destination-ipv4-network": wide(4, number).String() + "/32", "protocol": 1},
		"ipv6": object{"destination-ipv6-network": wide(6, number).String() + "/128", "protocol": 58},
	}
}

// toClass lets the device begin with the members of a class, fromClass them with it.
func toClass(class string, value any, n int) entry {
	return entry{"ietf-mud:mud": object{class: value}, "ip": object{"protocol": 6}, "tcp": tcp("destination", n, "from-device")}
}

func fromClass(class string, value any, n int) entry {
	return entry{"ietf-mud:mud": object{class: value}, "ip": object{"protocol": 6}, "tcp": tcp("destination", n, "to-device")}
}

// null is a class without a value (RFC 7951 §6.9).
var null = []any{nil}

// listed is the file of the device under test: a name, addresses, and both directions.
func listed() (from, to []entry) {
	return append(toName("cloud.maker.example", service), toHost(23, 6, service), toHost(23, 17, service)), []entry{fromHost(24, inward)}
}
