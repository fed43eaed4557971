package nft

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
)

const (
	// forgetting is how long after its end an answer is remembered: conversations that it led to may live on.
	forgetting = time.Hour
	// maxMemory bounds the answers that are remembered for one device, and maxDevices those devices.
	maxMemory  = 4096
	maxDevices = 4096
)

// memory is what DNS said to each device: a policy that comes later knows it too.
type memory map[frame.MAC]map[answer]int64

type answer struct {
	name string
	addr netip.Addr
}

func (m memory) learn(mac frame.MAC, name string, a netip.Addr, until int64) {
	of := m[mac]
	if of == nil {
		if len(m) >= maxDevices {
			return
		}
		of = map[answer]int64{}
		m[mac] = of
	}
	k := answer{name, a}
	if _, ok := of[k]; !ok && len(of) >= maxMemory {
		return
	}
	of[k] = max(of[k], until)
}

func (m memory) teach(p *policy.Policy) {
	for a, until := range m[p.Device] {
		p.Learn(a.name, a.addr, until)
	}
}

func (m memory) forget(before int64) {
	for mac, of := range m {
		for a, until := range of {
			if until < before {
				delete(of, a)
			}
		}
		if len(of) == 0 {
			delete(m, mac)
		}
	}
}

// recall learns again what DNS said from the sets that stand, and reports whether there was something. What has the
// name of a set is what the set would hold now, too.
func (k *Kernel) recall(r *Ruleset, now int64) (learnt bool) {
	read := map[string]map[string]int64{}
	for _, f := range r.inet().follows {
		set, ok := read[f.set]
		if !ok {
			set = map[string]int64{}
			read[f.set] = set
			// where there is no such table or set, nothing is there to learn
			_ = k.each("inet", f.set, func(key []byte, _ uint64, left time.Duration) {
				size := map[uint8]int{4: 4, 6: 16}[f.family]
				if len(key) < size {
					return
				}
				a, _ := netip.AddrFromSlice(key[:size])
				element := a.String()
				if rest := key[size:]; len(rest) == 8 {
					element += " . " + protocolName(int16(rest[0])) + " . " + strconv.Itoa(int(be.Uint16(rest[4:])))
				}
				set[element] = now + int64(left)
			})
		}
		name := f.entry.Follows
		if below, ok := strings.CutPrefix(name, "*"); ok {
			name = "recalled" + below
		}
		for element, until := range set {
			part, _, _ := strings.Cut(element, " . ")
			a, err := netip.ParseAddr(part)
			if err != nil {
				continue
			}
			for e := range f.elements(name, a) {
				if e == element {
					k.memory.learn(f.policy.Device, name, a, until)
					f.policy.Learn(name, a, until)
					learnt = true
				}
			}
		}
	}
	return learnt
}

// Commit takes in that DNS told a device that names, each of which leads to the next, lead to addresses until a time.
// It returns when the device may connect as its policy says, and at once where the names change nothing for it.
func (k *Kernel) Commit(_ context.Context, mac frame.MAC, names []string, addrs []netip.Addr, until time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, end := k.now(), k.end(until)
	d, follows := k.of(mac)
	var changes []change
	for _, name := range names {
		name = policy.Hostname(name)
		for _, a := range addrs {
			a = a.Unmap().WithZone("")
			k.memory.learn(mac, name, a, end)
			if d == nil || !d.Policy.Learn(name, a, end) {
				continue
			}
			for _, f := range follows {
				for e := range f.elements(name, a) {
					if stood, ok := k.standing[f.set][e]; ok && stood >= end {
						continue
					} else if ok {
						changes = append(changes, change{family: "inet", set: f.set, element: e, drop: true})
					}
					changes = append(changes, gain(f.set, e, end, now))
				}
			}
		}
	}
	if err := k.elements(changes, now); err != nil {
		return fmt.Errorf("commit where %s leads: %w", strings.Join(names, ", "), err)
	}
	for _, c := range changes {
		if !c.drop {
			k.standing[c.set][c.element] = end
		}
	}
	return nil
}

// Standing reports whether what Commit would do stands already.
func (k *Kernel) Standing(mac frame.MAC, names []string, addrs []netip.Addr, until time.Time) bool {
	if !k.mu.TryLock() { // it must not wait
		return false
	}
	defer k.mu.Unlock()
	end := k.end(until)
	_, follows := k.of(mac)
	for _, name := range names {
		name = policy.Hostname(name)
		for _, a := range addrs {
			a = a.Unmap().WithZone("")
			if k.memory[mac][answer{name, a}] < end {
				return false
			}
			for _, f := range follows {
				for e := range f.elements(name, a) {
					if k.standing[f.set][e] < end {
						return false
					}
				}
			}
		}
	}
	return true
}

// of is a device that has a policy, and the sets that names fill for it.
func (k *Kernel) of(mac frame.MAC) (*Device, []follow) {
	if k.loaded == nil {
		return nil, nil
	}
	i, ok := slices.BinarySearchFunc(k.loaded.devices, mac, func(d Device, m frame.MAC) int {
		return slices.Compare(d.MAC[:], m[:])
	})
	if !ok || k.loaded.devices[i].Policy == nil {
		return nil, nil
	}
	d := &k.loaded.devices[i]
	return d, k.loaded.follows(d.Policy)
}

// follows are the sets that names fill for a policy.
func (r *Ruleset) follows(p *policy.Policy) []follow {
	if r.byPolicy == nil {
		r.byPolicy = map[*policy.Policy][]follow{}
		for _, f := range r.inet().follows {
			r.byPolicy[f.policy] = append(r.byPolicy[f.policy], f)
		}
	}
	return r.byPolicy[p]
}

// elements calls yield with those that a name's address makes.
func (f *follow) elements(name string, a netip.Addr) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		e := f.entry
		parent, below := strings.CutPrefix(e.Follows, "*")
		if below && !strings.HasSuffix(name, parent) || !below && name != e.Follows || a.Is4() != (f.family == 4) ||
			e.Prefixes != nil && !slices.ContainsFunc(e.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) }) {
			return
		}
		if f.services == nil {
			yield(a.String())
			return
		}
		for _, s := range f.services {
			if !yield(a.String() + " . " + protocolName(int16(s.proto)) + " . " + strconv.Itoa(int(s.port))) {
				return
			}
		}
	}
}

// gain is the change that puts an element into a set until a time, both in ns.
func gain(set, element string, until, now int64) change {
	c := change{family: "inet", set: set, element: element}
	if until != policy.Forever {
		c.timeout = uint64(max(1000, (until-now)/int64(time.Millisecond)))
	}
	return c
}

// elements makes changes in the kernel. An element that is to go, or to stand longer, may have ended a moment ago,
// which fails all of a transaction: then each change is made alone, and nobody minds what is not there.
func (k *Kernel) elements(changes []change, now int64) error {
	if len(changes) == 0 {
		return nil
	}
	unique := make([]change, 0, len(changes))
	seen := map[change]bool{}
	for _, c := range changes {
		if !seen[c] {
			seen[c] = true
			unique = append(unique, c)
		}
	}
	err := k.socket.elements(unique)
	if err == nil {
		k.own++
		return nil
	}
	if !errors.Is(err, unix.ENOENT) {
		return denied(err)
	}
	for _, c := range unique {
		if err := k.socket.elements([]change{c}); err == nil {
			k.own++
		} else if !c.drop || !errors.Is(err, unix.ENOENT) {
			return denied(err)
		}
	}
	return nil
}

// elementsUntil are elements as nft reads them, without their time-outs, and until when they stand, ns.
func elementsUntil(list []string, now int64) map[string]int64 {
	m := make(map[string]int64, len(list))
	for _, s := range list {
		e, timeout, ok := strings.Cut(s, " timeout ")
		m[e] = policy.Forever
		if d, err := time.ParseDuration(timeout); ok && err == nil {
			m[e] = now + int64(d)
		}
	}
	return m
}
