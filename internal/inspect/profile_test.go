package inspect

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/mud"
)

// The profiles of a captured house are written in the YAML of another project's firewall, which knows more than MUD:
// states, rates, contents. What MUD can say of them is turned into MUD files here, for tests alone.

// node is a part of a YAML file: of the few forms that the profiles use.
type node struct {
	text string
	keys []string
	maps map[string]*node
	list []*node
}

func (n *node) at(path string) *node {
	for key := range strings.SplitSeq(path, ".") {
		if n == nil {
			return nil
		}
		n = n.maps[key]
	}
	return n
}

// texts are the value, or the values of a list.
func (n *node) texts() []string {
	switch {
	case n == nil:
		return nil
	case n.list != nil:
		var out []string
		for _, x := range n.list {
			out = append(out, x.text)
		}
		return out
	case n.text == "":
		return nil
	}
	return []string{n.text}
}

func (n *node) set(path, value string) {
	key, rest, more := strings.Cut(path, ".")
	if n.maps[key] == nil {
		n.keys = append(n.keys, key)
		n.maps[key] = &node{maps: map[string]*node{}}
	}
	if more {
		n.maps[key].set(rest, value)
		return
	}
	n.maps[key] = &node{text: value}
}

func (n *node) clone() *node {
	c := &node{text: n.text, keys: append([]string(nil), n.keys...), maps: map[string]*node{}, list: n.list}
	for k, v := range n.maps {
		c.maps[k] = v.clone()
	}
	return c
}

type yamlLine struct {
	indent int
	text   string
}

func parseYAML(data string) *node {
	var lines []yamlLine
	for line := range strings.Lines(data) {
		line = strings.TrimRight(line, " \n\r")
		if i := strings.Index(line, " #"); i >= 0 {
			line = strings.TrimRight(line[:i], " ")
		}
		text := strings.TrimLeft(line, " ")
		if text == "" || text[0] == '#' || text == "---" || text == "..." {
			continue
		}
		lines = append(lines, yamlLine{len(line) - len(text), strings.TrimSuffix(text, "...")})
	}
	n, _ := parseBlock(lines, 0)
	return n
}

func parseBlock(lines []yamlLine, indent int) (*node, []yamlLine) {
	n := &node{maps: map[string]*node{}}
	for len(lines) > 0 && lines[0].indent >= indent {
		l := lines[0]
		lines = lines[1:]
		if item, ok := strings.CutPrefix(l.text, "- "); ok {
			n.list = append(n.list, &node{text: item})
			continue
		}
		key, value, _ := strings.Cut(l.text, ":")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		child := &node{text: value, maps: map[string]*node{}}
		if len(lines) > 0 && lines[0].indent > l.indent {
			child, lines = parseBlock(lines, lines[0].indent)
			child.text = value
		}
		if n.maps[key] == nil {
			n.keys = append(n.keys, key)
		}
		n.maps[key] = child
	}
	return n, lines
}

// profile is one profile, with the folder that holds the others.
type profile struct {
	root   *node
	dir    string
	aces   [2][]any // from and to the device
	unique map[string]bool
}

// include is what an !include stands for.
func (p *profile) include(text string) *node {
	fields := strings.Fields(text)
	file, path, outside := strings.Cut(fields[1], "#")
	var found *node
	if outside {
		data, err := os.ReadFile(filepath.Join(p.dir, file))
		if err != nil {
			return nil
		}
		found = parseYAML(string(data)).at(path)
	} else {
		found = p.root.at(fields[1])
	}
	if found == nil {
		return nil
	}
	found = found.clone()
	for _, f := range fields[2:] {
		if path, value, ok := strings.Cut(f, ":"); ok {
			found.set(path, value)
		}
	}
	return found
}

// walk finds the policies below a node, and turns each into entries. names are those that the policies around it ask
// DNS for: "external" means their hosts.
func (p *profile) walk(name string, n *node, names []string) {
	if strings.HasPrefix(n.text, "!include") {
		if n = p.include(n.text); n == nil {
			return
		}
		p.walk(name, n, names)
		return
	}
	if n.maps["protocols"] != nil {
		p.policy(name, n, names)
		return
	}
	for _, k := range n.keys {
		child := n.maps[k]
		if strings.HasPrefix(child.text, "!include") {
			if child = p.include(child.text); child == nil {
				continue
			}
		}
		names = append(names, child.at("protocols.dns.domain-name").texts()...)
	}
	for _, k := range n.keys {
		child := n.maps[k]
		if p.arp(child) {
			return // what follows may happen after that alone, which MUD cannot say
		}
		p.walk(k, child, names)
	}
}

// arp reports whether a policy, or a group of them, is of ARP.
func (p *profile) arp(n *node) bool {
	if strings.HasPrefix(n.text, "!include") {
		if n = p.include(n.text); n == nil {
			return false
		}
	}
	if n.at("protocols.arp") != nil {
		return true
	}
	for _, k := range n.keys {
		if n.maps["protocols"] == nil && n.maps[k].at("protocols.arp") != nil {
			return true
		}
	}
	return false
}

func (p *profile) policy(name string, n *node, names []string) {
	protocols := n.maps["protocols"]
	if protocols.maps["icmpv6"] != nil {
		p.add(0, name, "ipv6", "", nil, map[string]any{"protocol": 58})
		p.add(1, name, "ipv6", "", nil, map[string]any{"protocol": 58})
		return
	}
	for _, asked := range protocols.at("dns.domain-name").texts() { // whoever asks for a name means to use it
		p.add(0, name, "ipv4", strings.Replace(asked, "$.", "*.", 1), map[string]any{"tcp": port("destination-port", "443")}, nil)
	}
	for _, family := range []string{"ipv4", "ipv6"} {
		at := protocols.maps[family]
		if at == nil {
			continue
		}
		for _, src := range at.maps["src"].texts() {
			for _, dst := range at.maps["dst"].texts() {
				p.pair(name, family, p.literal(src), p.literal(dst), protocols, n.at("bidirectional") != nil, names)
			}
		}
	}
}

func (p *profile) literal(s string) string {
	if strings.HasPrefix(s, "!include") {
		if n := p.include(s); n != nil {
			return n.text
		}
	}
	return s
}

func (p *profile) pair(name, family, src, dst string, protocols *node, both bool, names []string) {
	side, peer := 0, dst
	switch {
	case src == "self" || src == "0.0.0.0":
	case dst == "self":
		side, peer = 1, src
	default:
		return // of others
	}
	peers := []string{peer}
	if peer == "external" && len(names) > 0 {
		peers = names
	}
	for _, peer := range peers {
		peer = strings.Replace(peer, "$.", "*.", 1)
		transport := map[string]any{}
		for _, t := range []string{"tcp", "udp"} {
			n := protocols.maps[t]
			if n == nil {
				continue
			}
			ports := map[string]any{}
			if s := n.maps["src-port"].texts(); len(s) > 0 {
				ports["source-port"] = operator(s[0])
			}
			if s := n.maps["dst-port"].texts(); len(s) > 0 {
				ports["destination-port"] = operator(s[0])
			}
			transport[t] = ports
		}
		p.add(side, name, family, peer, transport, nil)
		if both {
			back := map[string]any{}
			for t, ports := range transport {
				ports := ports.(map[string]any)
				turned := map[string]any{}
				if x := ports["source-port"]; x != nil {
					turned["destination-port"] = x
				}
				if x := ports["destination-port"]; x != nil {
					turned["source-port"] = x
				}
				if t == "tcp" {
					turned["ietf-mud:direction-initiated"] = []string{"from-device", "to-device"}[side]
				}
				back[t] = turned
			}
			p.add(1-side, name+"-back", family, peer, back, nil)
		}
	}
}

func operator(text string) any {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err) // the profiles are data of these tests
	}
	return map[string]any{"operator": "eq", "port": n}
}

func port(leaf, text string) any { return map[string]any{leaf: operator(text)} }

// add adds an entry of the side, unless there is one like it.
func (p *profile) add(side int, name, family, peer string, transport, ip map[string]any) {
	matches := map[string]any{}
	if ip == nil {
		ip = map[string]any{}
	}
	leaf := []string{"destination", "source"}[side]
	name6 := map[string]string{"mdns": "ff02::fb/128", "ssdp": "ff02::c/128"}
	name4 := map[string]string{"mdns": "224.0.0.251/32", "ssdp": "239.255.255.250/32", "igmpv3": "224.0.0.22/32", "broadcast": "255.255.255.255/32", "coap": "224.0.1.187/32"}
	known := name4
	if family == "ipv6" {
		known = name6
	}
	switch prefix, err := netip.ParsePrefix(peer); {
	case peer == "" || peer == "external":
	case peer == "gateway":
		matches["ietf-mud:mud"] = map[string]any{"controller": "urn:ietf:params:mud:gateway"}
	case peer == "phone":
		matches["ietf-mud:mud"] = map[string]any{"my-controller": []any{nil}}
	case peer == "local":
		matches["ietf-mud:mud"] = map[string]any{"local-networks": []any{nil}}
	case known[peer] != "":
		ip[leaf+"-"+family+"-network"] = known[peer]
	case err == nil:
		ip[leaf+"-"+family+"-network"] = prefix.Masked().String()
	default:
		if a, err := netip.ParseAddr(peer); err == nil {
			ip[leaf+"-"+family+"-network"] = netip.PrefixFrom(a, a.BitLen()).String()
		} else {
			ip["ietf-acldns:"+[]string{"dst", "src"}[side]+"-dnsname"] = peer
		}
	}
	matches[family] = ip
	for t, x := range transport {
		matches[t] = x
	}
	key, _ := json.Marshal([]any{side, matches})
	if p.unique[string(key)] {
		return
	}
	p.unique[string(key)] = true
	p.aces[side] = append(p.aces[side], map[string]any{
		"name": fmt.Sprintf("%s-%d", name, len(p.aces[side])), "matches": matches, "actions": map[string]any{"forwarding": "accept"},
	})
}

// profileMUD is the MUD file that says what a profile says, as far as MUD can.
func profileMUD(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := &profile{root: parseYAML(string(data)), dir: filepath.Dir(file), unique: map[string]bool{}}
	for _, section := range []string{"single-policies", "interactions"} {
		if n := p.root.maps[section]; n != nil {
			if section == "single-policies" {
				for _, k := range n.keys {
					p.walk(k, n.maps[k], nil)
				}
				continue
			}
			for _, k := range n.keys {
				p.walk(k, n.maps[k], nil)
			}
		}
	}
	acl := func(name string, aces []any) any {
		return map[string]any{"name": name, "aces": map[string]any{"ace": aces}}
	}
	lists := func(name string) any {
		return map[string]any{"access-lists": map[string]any{"access-list": []any{map[string]any{"name": name}}}}
	}
	out, err := json.Marshal(map[string]any{
		"ietf-mud:mud": map[string]any{
			"mud-version": 1, "mud-url": "https://profiles.example/" + p.root.at("device-info.name").text + ".json",
			"last-update": "2022-03-15T10:27:29+01:00", "is-supported": true, "systeminfo": p.root.at("device-info.name").text,
			"from-device-policy": lists("from"), "to-device-policy": lists("to"),
		},
		"ietf-access-control-list:acls": map[string]any{"acl": []any{acl("from", p.aces[0]), acl("to", p.aces[1])}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mud.Parse(out); err != nil {
		t.Fatalf("%s: %v\n%s", file, err, out)
	}
	return out
}
