package identify

import (
	"embed"
	"fmt"
	"math"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/device"
)

// The knowledge base. docs/identity.md is the guide to these files.
//
//go:embed knowledge
var files embed.FS

const (
	maxEntries    = 8192 // bounds the set of entries tried for one value
	maxCategories = 32
	maxLoose      = 32 // entries of one fact that are tried for every value
)

// Knowledge is what is known of how devices show themselves. It is read-only and safe for use by many.
type Knowledge struct {
	entries    []entry
	facts      map[string]fact
	index      index
	domains    domains
	makes      map[string]*belief // by maker: what it makes
	owners     map[string]string  // by brand: the maker that owns it
	categories []category
	logPrior   [maxCategories]float32
	sources    []Source
	files      []string
	shares     map[string]*belief // by text, while loading
	ids        map[string]uint8   // by name of a fact, while loading
	covers     map[string]uint32  // by category or kind: the set of categories, while loading
	spelled    map[string]bool    // patterns for manufacturers, in lower case, while loading
}

// Source is where entries come from.
type Source struct {
	Key, Title, Licence, Address string
}

type category struct {
	name  string
	kind  uint8
	share float64 // of the devices in a home, before anything was seen
	said  bool    // one of device.Categories
}

const (
	kindIoT = iota
	kindGeneral
	kindInfrastructure
	kinds
)

var kindNames = [kinds]device.Kind{device.IoT, device.General, device.Infrastructure}

// entry is one line of the knowledge: what a fact says of the device that it is about.
type entry struct {
	pattern   string
	maker     string  // "" none; "$1" what was captured
	model     string  // "" none; "$1" within is what was captured
	where     *where  // nil: any observation of the fact
	what      *belief // nil: says nothing of the category
	makerSure float32 // in (0,1)
	modelSure float32
	fact      uint8
	family    family
	place     place
}

// where is what a field of the observation must look like, where the observation has it.
type where struct{ field, like string }

// place is where an entry stands, and under which source.
type place struct {
	line         uint16
	file, source uint8 // in Knowledge.files and Knowledge.sources
}

// belief is a distribution over categories, as one would hold it having seen nothing else.
type belief struct {
	log      [maxCategories]float32 // natural logarithm of belief over prior share
	kind     [kinds]float32         // the same for whole kinds
	top      uint8                  // the category gained most
	strength float32                // how precise it is: the greatest share
}

// fact says how observations of a name are looked up.
type fact struct {
	id     uint8
	family family
	shape  shape
}

// family groups facts that are not independent of one another: they share a cause, so that of those
// that agree only the strongest counts in full.
type family uint8

const (
	familyOther   family = iota
	familyOUI            // to whom the address is assigned
	familyLocal          // an address that nobody assigned
	familyName           // what it calls itself
	familyDHCP           // its DHCP client
	familyCloud          // the names it talks to
	familyMDNS           // what it announces by DNS-SD
	familyUPnP           // what it announces by SSDP and in descriptions
	familyHTTP           // HTTP and RTSP headers
	familyTLS            // its certificates and its TLS client
	familyBanner         // greetings of its other services
	familyPorts          // what listens, and which services it uses
	familyRole           // what it does for the network
	familySeeks          // what it looks for
	familyTraffic        // properties of the traffic as a whole
	families
)

// tells reports whether the family is of what a device says of itself or of what is only said to such a
// device. The others are circumstances: much that differs shares them.
func (f family) tells() bool {
	switch f {
	case familyOUI, familyLocal, familyPorts, familyRole, familySeeks, familyTraffic:
		return false
	}
	return true
}

// shape says how the value of a fact becomes what patterns are matched with.
type shape uint8

const (
	shapeText         shape = iota
	shapeHost               // a host name: the first label
	shapeDomain             // a domain name, perhaps with a port
	shapeOrganisation       // an organisation, or its prefix: the longest pattern alone counts
)

// groups gives one name to facts that say the same thing by different protocols.
var groups = []struct {
	name  string
	shape shape
	facts []string
}{
	{"hostname", shapeHost, []string{
		"dhcp.hostname", "dhcp.fqdn", "dhcpv6.fqdn", "mdns.hostname", "nbns.name", "smb.hostname",
		"lldp.system_name", "snmp.sysname", "llmnr.name", "mqtt.client_id", "nbns.browser",
	}},
	{"domain", shapeDomain, []string{"dns.query", "dns.answer", "tls.sni", "http.host", "flow.peer"}},
	{factAssignee, shapeOrganisation, nil},
	{factLocal, shapeOrganisation, nil},
	{"manufacturer", shapeOrganisation, []string{"upnp.manufacturer", "lldp.manufacturer"}},
}

// Facts that Identify itself derives.
const (
	factAssignee = "oui.assignee"
	factEcho     = "oui.echo"       // the assignee, where the device itself mentions it
	factLocal    = "mac.local"      // the first octets of an address that nobody assigned
	factInstance = "mdns.instance"  // the name of a DNS-SD service instance
	factBreadth  = "traffic.names"  // how many domains it talks to
	factClouds   = "traffic.clouds" // of how many makers
	factRole     = "net.role"       // "none": it does nothing for the network
)

// fieldAssignee in the condition of an entry is not a field of the observation but the assignee of the
// device's address.
const fieldAssignee = "oui"

func familyOf(name string) family {
	switch name {
	case "hostname", factInstance:
		return familyName
	case "domain":
		return familyCloud
	case "manufacturer", "igd.portmap":
		return familyUPnP
	case "ssdp.search", "mdns.query", "ssdp.user_agent", "llmnr.query", "nbns.query":
		return familySeeks
	}
	prefix, _, _ := strings.Cut(name, ".")
	switch prefix {
	case "oui":
		return familyOUI
	case "mac":
		return familyLocal
	case "dhcp", "dhcpv6", "ra", "ndp":
		return familyDHCP
	case "mdns":
		return familyMDNS
	case "ssdp", "upnp":
		return familyUPnP
	case "http", "rtsp":
		return familyHTTP
	case "tls", "quic":
		return familyTLS
	case "ssh", "telnet", "ftp", "snmp", "smb", "lldp", "nbns", "mail", "sip", "remote", "pjl":
		return familyBanner
	case "flow":
		return familyPorts
	case "net":
		return familyRole
	case "traffic", "ntp", "dns":
		return familyTraffic
	}
	return familyOther
}

// apart are the files with columns of their own.
var apart = [...]string{"brands.txt", "categories.txt", "makers.txt", "modules.txt", "sources.txt"}

// Load reads the knowledge that is part of the program.
func Load() (*Knowledge, error) {
	k := &Knowledge{
		facts:   map[string]fact{},
		domains: domains{map[string]uint16{}},
		makes:   map[string]*belief{},
		owners:  map[string]string{},
		shares:  map[string]*belief{},
		ids:     map[string]uint8{},
		covers:  map[string]uint32{},
		spelled: map[string]bool{},
		entries: make([]entry, 0, maxEntries*5/8),
	}
	list, err := files.ReadDir("knowledge")
	if err != nil {
		return nil, err
	}
	if err := k.read("sources.txt", false, k.readSource); err != nil {
		return nil, err
	}
	if err := k.read("categories.txt", false, k.readCategory); err != nil {
		return nil, err
	}
	k.normalise()
	for _, f := range list { // in order of their names, so that the result never varies
		switch name := f.Name(); {
		case name == "brands.txt":
			err = k.read(name, true, k.readBrand)
		case strings.HasSuffix(name, ".txt") && !slices.Contains(apart[:], name):
			err = k.read(name, true, k.readEntry)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"makers.txt", "modules.txt"} { // last: what entries say of manufacturers comes first
		if err := k.read(name, true, k.readMaker); err != nil {
			return nil, err
		}
	}
	return k, k.finish()
}

// finish files what was read.
func (k *Knowledge) finish() error {
	for _, g := range groups {
		f := fact{id: k.factID(g.name), family: familyOf(g.name), shape: g.shape}
		k.facts[g.name] = f
		for _, member := range g.facts {
			k.facts[member] = f
		}
	}
	if len(k.entries) > maxEntries || len(k.ids) > math.MaxUint8 {
		return fmt.Errorf("%d entries of %d facts are more than was provided for", len(k.entries), len(k.ids))
	}
	domain := k.ids["domain"]
	whole := func(e *entry) bool { return e.fact == domain && !strings.ContainsAny(e.pattern, `*?#%(\`) }
	for i := range k.entries {
		e := &k.entries[i]
		if !whole(e) {
			continue
		}
		if other, twice := k.domains.entries[e.pattern]; twice {
			return fmt.Errorf("%s: %s stands at %s too", k.at(e), e.pattern, k.at(&k.entries[other]))
		}
		k.domains.entries[e.pattern] = uint16(i)
	}
	k.index.build(k.entries, len(k.ids), whole)
	for _, loose := range k.index.loose {
		if len(loose) > maxLoose {
			e := k.entries[loose[maxLoose]]
			return fmt.Errorf("%s: too many patterns of this fact without three octets in a row to find them by", k.at(&e))
		}
	}
	k.shares, k.ids, k.covers, k.spelled = nil, nil, nil, nil
	return nil
}

// at says where an entry stands.
func (k *Knowledge) at(e *entry) string {
	return fmt.Sprintf("%s:%d", k.files[e.place.file], e.place.line)
}
