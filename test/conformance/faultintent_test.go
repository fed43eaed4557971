package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/enforce"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/nft"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/mud"
)

// gap is in what the rules that stand differ from those that are intended, a line each; "" if they do not. What is
// intended is made from a copy of what is kept, and of whom the kernel has met, in a network where nothing stands, by what never saw a packet.
func (k *killing) gap() string {
	dir := k.copyState()
	defer os.RemoveAll(dir)
	var network *enforce.Network
	if err := k.gateway.do(func() (err error) {
		network, err = enforce.Look("br0", "wan0")
		return err
	}); err != nil {
		return err.Error()
	}
	network.Inbound = true
	met, err := k.met()
	if err != nil {
		return err.Error()
	}
	var want map[string]string
	if err := k.scratch.do(func() (err error) {
		want, err = intended(k.t.Context(), dir, network, met)
		return err
	}); err != nil {
		return "make what is intended: " + err.Error()
	}
	var have map[string]string
	if err := k.gateway.do(func() (err error) {
		have, err = standing()
		return err
	}); err != nil {
		return err.Error()
	}
	var gap []string
	for name, text := range want {
		if have[name] != text {
			gap = append(gap, fmt.Sprintf("%s: intended %.600s\n\tstands %.600s", name, text, have[name]))
		}
	}
	for name, text := range have {
		if _, ok := want[name]; !ok {
			gap = append(gap, fmt.Sprintf("%s: not intended: %.300s", name, text))
		}
	}
	slices.Sort(gap)
	return strings.Join(gap[:min(len(gap), 6)], "\n")
}

// met are the addresses on the LAN that the kernel has met, by link-layer address.
func (k *killing) met() (map[string][]netip.Addr, error) {
	var out []byte
	if err := k.gateway.do(func() (err error) {
		out, err = exec.Command("ip", "-j", "neigh", "show", "dev", "br0").Output()
		return err
	}); err != nil {
		return nil, err
	}
	var list []struct {
		Dst    netip.Addr
		Lladdr string
	}
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, err
	}
	met := map[string][]netip.Addr{}
	for _, n := range list {
		met[n.Lladdr] = append(met[n.Lladdr], n.Dst)
	}
	return met, nil
}

// intended puts the rules into this network that a gateway makes of what is kept in a folder, and lists them.
func intended(ctx context.Context, dir string, network *enforce.Network, met map[string][]netip.Addr) (map[string]string, error) {
	store, err := sqlite.Open(ctx, filepath.Join(dir, "home.db"))
	if err != nil {
		return nil, err
	}
	defer store.Close()
	devices, err := store.Devices(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range devices {
		for _, m := range d.MACs {
			d.Addresses = append(d.Addresses, met[m.String()]...)
		}
	}
	kernel, err := nft.Open("")
	if err != nil {
		return nil, err
	}
	defer kernel.Close()
	if err := kernel.Remove(ctx); err != nil {
		return nil, err
	}
	e := &enforce.Enforcer{
		Kernel: kernel, Now: time.Now, Devices: func() []*home.Device { return devices },
		Network: func() (*enforce.Network, error) { return network, nil },
		File: func(ctx context.Context, sha256 string) (*mud.File, error) {
			kept, err := store.File(ctx, sha256)
			if err != nil {
				return nil, err
			}
			return mud.Parse(kept.Body)
		},
	}
	if e.Journal, err = enforce.OpenJournal(filepath.Join(dir, "names.jsonl"), time.Now); err != nil {
		return nil, err
	}
	defer e.Journal.Close()
	e.Page = 8511 // as without a flag
	e.Resolve(nft.Resolver{Port: 53})
	if err := e.Recall(ctx); err != nil {
		return nil, err
	}
	if err := e.Apply(ctx); err != nil {
		return nil, err
	}
	return standing()
}

// standing is all of Plimsoll's tables in this network, an entry for each chain, set and map, without what changes as
// packets pass and time goes by.
func standing() (map[string]string, error) {
	out := map[string]string{}
	for _, family := range []string{"inet", "bridge", "arp"} {
		list, err := exec.Command("nft", "-j", "list", "table", family, "plimsoll").Output()
		if err != nil {
			if family == "inet" {
				return nil, fmt.Errorf("no rules stand: %w", err)
			}
			continue
		}
		var root struct{ Nftables []map[string]map[string]any }
		if err := json.Unmarshal(list, &root); err != nil {
			return nil, err
		}
		for _, item := range root.Nftables {
			for kind, o := range item {
				if kind == "metainfo" || kind == "table" {
					continue
				}
				delete(o, "handle")
				if name, _ := o["name"].(string); kind == "set" && slices.Contains(filled, strings.TrimRight(name, "46")) {
					delete(o, "elem")
				}
				name := fmt.Sprint(family, " ", kind, " ", o["name"])
				if kind == "rule" {
					name = fmt.Sprint(family, " rules of ", o["chain"])
				}
				out[name] += string(mustJSON(lasting(o))) + " "
			}
		}
	}
	return out, nil
}

// filled are the sets that packets put something into.
var filled = []string{"stopped", "talks", "pings", "spoofing", "spoofing_edge", "small", "begun"}

// lasting is a part of a listing without counts and times, and its elements in order.
func lasting(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range []string{"timeout", "expires", "packets", "bytes", "handle"} {
			delete(v, name)
		}
		for name := range v {
			v[name] = lasting(v[name])
		}
		if elements, ok := v["elem"].([]any); ok {
			slices.SortFunc(elements, func(a, b any) int { return strings.Compare(string(mustJSON(a)), string(mustJSON(b))) })
		}
		if one, ok := v["elem"].(map[string]any); ok && len(v) == 1 && len(one) == 1 { // it had nothing but a time
			return one["val"]
		}
	case []any:
		for i := range v {
			v[i] = lasting(v[i])
		}
	}
	return v
}
