package learn_test

import (
	"encoding/csv"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/learn"
	"plimsoll.example/plimsoll/mud"
)

// What mudgee, a program of others, made of the flow tables of 57 devices is held beside what we make of them, entry by
// entry. Neither is the truth: mudgee keeps addresses that no packet came from, and we keep both directions.
func TestBesideMudgee(t *testing.T) {
	tables, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "data", "mud", "barmey", "*", "*_ipflows.csv"))
	if err != nil || len(tables) == 0 {
		t.Skip("the shared data are not beside the checkout: no flow tables of mudgee")
	}
	both, ours, theirs, files := 0, 0, 0, 0
	for _, table := range tables {
		beside, err := filepath.Glob(filepath.Join(filepath.Dir(table), "*Mud.json"))
		if err != nil || len(beside) != 1 {
			continue
		}
		data, err := os.ReadFile(beside[0])
		if err != nil {
			t.Fatal(err)
		}
		want, err := mud.Parse(data)
		if err != nil {
			t.Logf("%s: %v", beside[0], err)
			continue
		}
		var l learn.Learner
		for _, c := range readTable(t, table) {
			l.Add(c)
		}
		got, _ := l.File(learn.About{URL: "https://learned.invalid/x.json"})
		a, b := tuples(got), tuples(want)
		n := 0
		for k := range a {
			if b[k] {
				n++
			}
		}
		both, ours, theirs, files = both+n, ours+len(a), theirs+len(b), files+1
		t.Logf("%-40s ours %3d, mudgee’s %3d, both %3d", filepath.Base(filepath.Dir(table)), len(a), len(b), n)
		if testing.Verbose() && os.Getenv("PLIMSOLL_DIFF") != "" {
			for _, k := range slices.Sorted(maps.Keys(a)) {
				if !b[k] {
					t.Logf("    + %s", k)
				}
			}
			for _, k := range slices.Sorted(maps.Keys(b)) {
				if !a[k] {
					t.Logf("    - %s", k)
				}
			}
		}
	}
	precision, recall := float64(both)/float64(ours), float64(both)/float64(theirs)
	t.Logf("%d tables: of our entries mudgee has %.0f %%; of mudgee’s we have %.0f %%", files, 100*precision, 100*recall)
	// mudgee also keeps names that the table counts no packet for, and calls groups and multicast local networks
	if files < 50 || precision < 0.55 || recall < 0.65 {
		t.Errorf("%d tables, precision %.2f, recall %.2f: what was in the tables is not in the files", files, precision, recall)
	}
}

// tuples are the entries of a file as text that can be compared.
func tuples(f *mud.File) map[string]bool {
	set := map[string]bool{}
	for _, d := range []mud.Direction{mud.FromDevice, mud.ToDevice} {
		for _, e := range f.Entries(d) {
			m := &e.Matches
			ip, far := m.IPv4, "any"
			if ip == nil {
				ip = m.IPv6
			}
			if ip == nil || ip.Protocol == nil {
				continue
			}
			name, prefix := ip.DestinationDNSName, ip.Destination
			if d == mud.ToDevice {
				name, prefix = ip.SourceDNSName, ip.Source
			}
			switch {
			case m.MUD != nil && m.MUD.Controller == "urn:ietf:params:mud:dns":
				far = "resolver"
			case m.MUD != nil:
				far = "local"
			case name != "":
				far = name
			case prefix.IsValid():
				far = prefix.String()
			}
			ports := ""
			if m.TCP != nil {
				ports = fmt.Sprint(m.TCP.Source.Ranges(), m.TCP.Destination.Ranges())
			} else if m.UDP != nil {
				ports = fmt.Sprint(m.UDP.Source.Ranges(), m.UDP.Destination.Ranges())
			}
			set[fmt.Sprintf("%s %d %s %s", d, *ip.Protocol, far, ports)] = true
		}
	}
	return set
}

// readTable reads mudgee’s flow table: a row for each direction, with the device’s side left open.
func readTable(t *testing.T, name string) (list []*learn.Conversation) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	device := strings.Split(filepath.Base(name), "_")[0]
	col := map[string]int{}
	for i, h := range rows[0] {
		col[h] = i
	}
	answered := map[string]bool{}
	for pass := range 2 {
		for _, r := range rows[1:] {
			get := func(h string) string { return r[col[h]] }
			packets, _ := strconv.ParseUint(get("packetCount"), 10, 64)
			proto, err := strconv.ParseUint(get("ipProto"), 10, 8)
			if packets == 0 || err != nil || get("ethType") != "0x0800" && get("ethType") != "0x86dd" {
				continue
			}
			out := strings.ReplaceAll(get("srcMac"), ":", "") == device
			peer, near, far := get("dstIp"), get("srcPort"), get("dstPort")
			if !out {
				peer, near, far = get("srcIp"), get("dstPort"), get("srcPort")
			}
			key := fmt.Sprint(proto, peer, near, far)
			if !out {
				answered[key] = true
			}
			if pass == 0 || peer == "*" {
				continue
			}
			c := &learn.Conversation{First: noon, Last: noon, Proto: uint8(proto), Packets: packets, Answered: answered[key], Began: far != "*"}
			if near == "*" && far == "*" {
				c.Began = out
			}
			if !c.Began {
				c.Answered = true
			}
			if !out && c.Began {
				continue // the answer to what the device began
			}
			port := func(s string) uint16 { p, _ := strconv.ParseUint(s, 10, 16); return uint16(p) }
			c.Port, c.PeerPort = port(near), port(far)
			if proto == 1 || proto == 58 {
				c.Port, c.PeerPort = port(get("icmpType")), 0
			}
			if c.Peer, err = netip.ParseAddr(peer); err != nil {
				c.Names, c.Peer = []string{peer}, netip.MustParseAddr("198.51.100.1")
			}
			switch {
			case len(c.Names) > 0:
				c.Scope = learn.Internet
			case c.Peer.IsMulticast():
				c.Scope = learn.Multicast
			case c.Peer == netip.MustParseAddr("255.255.255.255"):
				c.Scope = learn.Broadcast
			case c.Peer.IsPrivate() || c.Peer.IsLinkLocalUnicast():
				c.Scope = learn.Local
			default:
				c.Scope = learn.Internet
			}
			list = append(list, c)
		}
	}
	return list
}
