//go:build !gateway

package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/identify"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/learn"
	"plimsoll.example/plimsoll/internal/policy"
)

const shared = "../../../shared/data"

// thing is a device whose captures are in the shared data.
type thing struct {
	label string
	mac   frame.MAC
	paths []string
}

// things are the smart devices of the benign captures, each with all the captures that it is in.
func things(t *testing.T) []*thing {
	t.Helper()
	f, err := os.Open(filepath.Join(shared, "captures", "manifest.jsonl"))
	if err != nil {
		t.Skip("the shared data are not beside the checkout: ", err)
	}
	defer f.Close()
	byMAC := map[frame.MAC]*thing{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row struct {
			Path    string
			Kind    string
			Devices []struct {
				Label, MAC string
				IoT        bool
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		if row.Kind != "benign" {
			continue
		}
		for _, d := range row.Devices {
			m, err := frame.ParseMAC(d.MAC)
			if err != nil || !d.IoT {
				continue
			}
			if byMAC[m] == nil {
				byMAC[m] = &thing{label: d.Label, mac: m}
			}
			byMAC[m].paths = append(byMAC[m].paths, filepath.Join(shared, row.Path))
		}
	}
	var list []*thing
	for _, x := range byMAC {
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b *thing) int {
		return cmp.Or(cmp.Compare(a.label, b.label), cmp.Compare(a.mac.String(), b.mac.String()))
	})
	return list
}

// happened is one flow of a device, as the learner and as a policy see it.
type happened struct {
	learned *learn.Conversation
	judged  policy.Conversation
}

// A file that is learned from the first part of what a device did is held against the rest.
func TestWhatIsLearnedFromThePastHoldsForWhatComes(t *testing.T) {
	k, err := identify.Load()
	if err != nil {
		t.Fatal(err)
	}
	var all, stopped uint64
	for _, x := range things(t) {
		flows, cut := x.watch(t, k)
		if flows == 0 {
			continue
		}
		all, stopped = all+flows, stopped+cut
		t.Logf("%-24s %s %6d flows of the rest, %5d stopped (%.1f %%)", x.label, x.mac, flows, cut, 100*float64(cut)/float64(flows))
	}
	t.Logf("all: %d flows, %d stopped: %.2f %%", all, stopped, 100*float64(stopped)/float64(all))
	if all == 0 || stopped*50 > all {
		t.Errorf("%d of %d flows would be stopped, more than 2 %%", stopped, all)
	}
}

// watch learns from the first 70 % of a device’s history, and counts what the file would stop of the rest.
func (x *thing) watch(t *testing.T, k *identify.Knowledge) (flows, stopped uint64) {
	t.Helper()
	h, err := capture.OpenHistory(x.paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	var list []happened
	engine := inspect.New(inspect.Config{OnFlow: func(r *inspect.FlowRecord) error {
		c := conversation(r, x.mac)
		if c == nil {
			return nil
		}
		side := flow.Orig
		if r.MAC[flow.Orig] != x.mac {
			side = flow.Resp
		}
		c.Names = slices.Clone(c.Names)
		seen, ok := policy.Seen(r.Flow, side)
		if !ok {
			list = append(list, happened{learned: c})
			return nil
		}
		seen.Names, seen.Told = slices.Clone(r.Told), len(r.Told) > 0
		if !seen.Told && side == flow.Orig {
			seen.Names = slices.Clone(r.Names)
		}
		list = append(list, happened{c, seen})
		return nil
	}})
	if err := engine.Run(t.Context(), h.Next); err != nil {
		t.Fatal(err)
	}
	engine.Result(k, nil, nil, false)
	if len(list) < 20 {
		return 0, 0
	}
	slices.SortStableFunc(list, func(a, b happened) int { return a.learned.First.Compare(b.learned.First) })
	split := elapsed(list, 0.7)
	var g learn.Gather
	var rest []policy.Conversation
	for _, c := range list {
		if c.learned.First.Before(split) {
			g.Add(c.learned)
		} else if c.judged.Flows > 0 {
			rest = append(rest, c.judged)
		}
	}
	place := placed(engine.Network(), []frame.MAC{x.mac})
	var l learn.Learner
	g.Into(&l, place)
	file, _ := l.File(learn.About{URL: "https://learned.invalid/x.json", SystemInfo: x.label})
	// a home in which every private address is local, and who was seen to answer for names does
	home := policy.Context{Device: policy.Device{MAC: x.mac}}
	for _, p := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"} {
		home.Local = append(home.Local, netip.MustParsePrefix(p))
	}
	for _, c := range list {
		if place(c.learned.Own, c.learned.Peer).Resolver {
			home.Resolvers = append(home.Resolvers, c.learned.Peer)
		}
	}
	r := policy.Compile(file, &home).Rehearse(rest)
	if os.Getenv("PLIMSOLL_DIFF") != "" {
		for _, s := range r.Stopped {
			t.Logf("    %s %s %s ×%d", s.Peer, policy.Service(s.First.Proto, s.First.PeerPort), policy.Service(s.First.Proto, s.First.OwnPort), s.First.Flows)
		}
	}
	for _, s := range r.Stopped {
		stopped += s.First.Flows
	}
	return r.Flows, stopped
}

// elapsed is when a share of the time has passed that the device was watched: silences of more than an hour lie between
// captures, and do not count.
func elapsed(list []happened, share float64) time.Time {
	const silence = time.Hour
	total := time.Duration(0)
	step := func(i int) time.Duration {
		if d := list[i].learned.First.Sub(list[i-1].learned.First); d < silence {
			return d
		}
		return 0
	}
	for i := 1; i < len(list); i++ {
		total += step(i)
	}
	passed := time.Duration(0)
	for i := 1; i < len(list); i++ {
		if passed += step(i); float64(passed) >= share*float64(total) {
			return list[i].learned.First
		}
	}
	return list[len(list)-1].learned.First
}
