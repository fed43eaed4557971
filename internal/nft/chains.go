package nft

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
)

// renderer writes policies as chains of a table.
type renderer struct {
	*table
	at    int64
	local []netip.Prefix // in the family bridge: only entries that speak of these matter
	part  *part          // of the device whose chains are written
	old   map[*policy.Policy]*part
}

// part is what a policy adds to a table: it is the same as long as the policy is, but for what DNS said.
type part struct {
	objects []*object // those shared with other devices too
	follows []follow
	ask     string // where what the device asks of resolvers is judged
	page    string // where what it asks of web servers is
}

func (r *renderer) add(o *object) {
	r.part.objects = append(r.part.objects, o)
	r.table.add(o)
}

func (r *renderer) set(name, key string, elements []string, lives bool, head ...string) {
	r.add(newSet(name, key, elements, lives, head))
}

func (r *renderer) chain(name, rules string) { r.add(&object{kind: "chain", name: name, rules: rules}) }

// shared is whether an object that several devices have is there. It is part of this one, too.
func (r *renderer) shared(name string) bool {
	o := r.table.at[name]
	if o != nil {
		r.part.objects = append(r.part.objects, o)
	}
	return o != nil
}

// from and to are the chains of what a device may begin, and of what others may begin with it.
func from(m frame.MAC) string { return "from_" + id(m) }
func to(m frame.MAC) string   { return "to_" + id(m) }

func id(m frame.MAC) string { return strings.ReplaceAll(m.String(), ":", "") }

// stop is where packets of a direction end.
func stop(d policy.Direction) string {
	if d == policy.FromDevice {
		return "goto stop_from"
	}
	return "goto stop_to"
}

// device writes the chains of a device.
func (r *renderer) device(g *Gateway, p *policy.Policy) *part {
	if was := r.old[p]; was != nil {
		for _, o := range was.objects {
			if r.table.at[o.name] == nil {
				r.table.add(o)
			}
		}
		r.table.follows = append(r.table.follows, was.follows...)
		r.table.parts[p] = was
		return was
	}
	r.part = &part{ask: "names"}
	before := len(r.table.follows)
	r.direction(p, policy.FromDevice, from(p.Device))
	r.direction(p, policy.ToDevice, to(p.Device))
	if r.family == "inet" && g.Resolver.Port != 0 {
		r.part.ask = r.asking(p)
	}
	if r.family == "inet" && g.Page != 0 && p.URL == repairURL {
		r.part.page = r.page(p, g.Page)
	}
	r.part.follows = slices.Clone(r.table.follows[before:])
	r.table.parts[p] = r.part
	return r.part
}

// direction writes the chain of one direction of a device: what it returns from is allowed as far as this device goes.
func (r *renderer) direction(p *policy.Policy, d policy.Direction, name string) {
	entries := p.Beginning(d)
	declared := 0
	for declared < len(entries) && entries[declared].Origin == policy.Declared {
		declared++
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\t\tjump unasked_%s\n", name[:strings.IndexByte(name, '_')])
	r.runs(&b, p, d, name, entries[:declared])
	fmt.Fprintf(&b, "\t\tgoto %s\n", r.defaults(p, d, entries[declared:]))
	r.chain(name, b.String())
}

// asking writes the chain that lets pass what a device asks of resolvers that its policy lists, and says its name.
func (r *renderer) asking(p *policy.Policy) string {
	name := "ask_" + id(p.Device)
	var listed []*policy.Entry
	for _, e := range p.Beginning(policy.FromDevice) {
		if asksFor(e) {
			listed = append(listed, e)
		}
	}
	if len(listed) == 0 {
		return "names"
	}
	var b strings.Builder
	r.runs(&b, p, policy.FromDevice, name, listed)
	b.WriteString("\t\tgoto names\n")
	r.chain(name, b.String())
	return name
}

// page writes the chain that leads a device to the gateway's page, but for what repairs it, and says its name.
func (r *renderer) page(p *policy.Policy, port uint16) string {
	name := "page_" + id(p.Device)
	var b strings.Builder
	r.runs(&b, p, policy.FromDevice, name, slices.DeleteFunc(p.Beginning(policy.FromDevice), func(e *policy.Entry) bool { return e.Follows == "" }))
	fmt.Fprintf(&b, "\t\tmeta l4proto tcp redirect to :%d\n", port)
	r.chain(name, b.String())
	return name
}

// runs writes the rules of entries, in runs of one action.
func (r *renderer) runs(b *strings.Builder, p *policy.Policy, d policy.Direction, name string, entries []*policy.Entry) {
	if r.family == "bridge" {
		entries = slices.DeleteFunc(slices.Clone(entries), r.far)
	}
	for run, n := 1, 0; n < len(entries); run++ {
		m := n
		for m < len(entries) && entries[m].Action == entries[n].Action { // their order does not matter
			m++
		}
		for _, f := range [...]uint8{4, 6} {
			s := section{renderer: r, policy: p, direction: d, family: f, verdict: "return", name: name + "_" + strconv.Itoa(run) + "_"}
			if entries[n].Action == policy.Drop {
				s.verdict = stop(d)
			}
			s.render(b, entries[n:m])
		}
		n = m
	}
}

// far reports whether an entry says nothing of what is on the LAN.
func (r *renderer) far(e *policy.Entry) bool {
	if e.Open {
		return false
	}
	return e.Follows != "" || !slices.ContainsFunc(e.Prefixes, func(p netip.Prefix) bool {
		return p.Addr().IsMulticast() || slices.ContainsFunc(r.local, p.Overlaps)
	})
}

// defaults is the name of the chain of the entries that follow those of a file, which devices share: one goes there
// for good, so that its returns are those of the chain that went there.
func (r *renderer) defaults(p *policy.Policy, d policy.Direction, entries []*policy.Entry) string {
	var key strings.Builder
	for _, e := range entries {
		fmt.Fprintln(&key, e.Direction, e.Action, e.Family, e.Proto, e.PeerPorts, e.OwnPorts, e.ICMPType, e.Prefixes)
	}
	name := "default_" + digest(d.String()+key.String())
	if r.shared(name) {
		return name
	}
	var b strings.Builder
	r.runs(&b, p, d, name, entries)
	r.chain(name, b.String()+"\t\t"+stop(d)+"\n")
	return name
}

// digest is a short one of a text, for names: what has the same name is the same.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// addresses is the name of a set of addresses of a family, shared by all who speak of them.
func (r *renderer) addresses(list []netip.Prefix, f uint8) string {
	elements, interval := prefixes(list)
	name := "peers" + strconv.Itoa(int(f)) + "_" + digest(strings.Join(elements, " "))
	if !r.shared(name) {
		r.set(name, "type "+addressType(f), elements, false, interval...)
	}
	return name
}

// prefixes are elements of a set, and the flags that it needs.
func prefixes(list []netip.Prefix) (elements, flags []string) {
	for _, p := range list {
		if p.IsSingleIP() {
			elements = append(elements, p.Addr().String())
		} else {
			elements = append(elements, p.String())
			flags = []string{"flags interval"}
		}
	}
	return elements, flags
}

func addressType(f uint8) string { return "ipv" + strconv.Itoa(int(f)) + "_addr" }

// timeout is how an element of a set with time-outs is written.
func (r *renderer) timeout(element string, until int64) string {
	if until == policy.Forever {
		return element
	}
	left := max(1, (until-r.at+int64(time.Second)-1)/int64(time.Second))
	return element + " timeout " + strconv.FormatInt(left, 10) + "s"
}

// protocolName is how nft writes a protocol.
func protocolName(n int16) string {
	switch n {
	case frame.ProtoTCP:
		return "tcp"
	case frame.ProtoUDP:
		return "udp"
	}
	return strconv.Itoa(int(n))
}

// is is the match of a family of addresses.
func (r *renderer) is(f uint8) string {
	if r.family == "bridge" {
		return map[uint8]string{4: "meta protocol ip", 6: "meta protocol ip6"}[f]
	}
	return "meta nfproto ipv" + strconv.Itoa(int(f))
}
