package nft

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
)

// What can be missing.
var (
	// ErrCapability: the process may not change rules. It is what a person must be told.
	ErrCapability = errors.New("changing firewall rules needs the capability CAP_NET_ADMIN")
	// ErrTool: the program nft is not there.
	ErrTool = errors.New("the program nft is missing: install the package nftables, 1.0.2 or newer")
	// ErrKernel: the kernel was built without something that the rules need.
	ErrKernel = errors.New("the kernel lacks something that the rules need")
)

// Kernel is the rules in the kernel. Any number of goroutines may use it. The policies of the devices that it is given
// are its own from then on: it teaches them what DNS said.
type Kernel struct {
	// Tool is the path of the program nft; "" looks for it.
	Tool string
	// Grace is how long after the end of an answer of DNS its addresses may still be reached.
	Grace time.Duration

	mu       sync.Mutex
	socket   *socket
	loaded   *Ruleset // nil: nobody knows what stands
	memory   memory
	standing map[string]map[string]int64 // by set and element, until when it stands; ns
	began    time.Time                   // when it was opened, by the clock that nobody sets
	own      uint32                      // transactions since base
	base     uint32                      // the generation of rules at the last whole load
}

// Open opens the way to the kernel. It changes nothing.
func Open(tool string) (*Kernel, error) {
	if tool == "" {
		tool = "nft"
	}
	path, err := exec.LookPath(tool)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTool, err)
	}
	s, err := dial()
	if err != nil {
		return nil, err
	}
	k := &Kernel{Tool: path, Grace: 2 * time.Minute, socket: s, memory: memory{}, began: time.Now()}
	if _, err := s.generation(); err != nil {
		return nil, errors.Join(denied(fmt.Errorf("ask for the state of the rules: %w", err)), s.close())
	}
	return k, nil
}

// Close lets go of the kernel. The rules stay.
func (k *Kernel) Close() error { return k.socket.close() }

// now is the time, in nanoseconds since the Unix epoch as the clock had it when the kernel was opened: the kernel counts
// how long elements stand, and does not mind who sets the clock meanwhile.
func (k *Kernel) now() int64 { return k.began.UnixNano() + int64(time.Since(k.began)) }

// end is when an answer, and the grace after it, ends.
func (k *Kernel) end(until time.Time) int64 {
	return k.began.UnixNano() + int64(until.Sub(k.began)+k.Grace)
}

// denied tells what an error means.
func denied(err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", ErrCapability, err)
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EPROTONOSUPPORT):
		return fmt.Errorf("%w: %w", ErrKernel, err)
	}
	return err
}

// run runs nft with a script.
func (k *Kernel) run(ctx context.Context, script string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, k.Tool, args...)
	cmd.Stdin = strings.NewReader(script)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	if err == nil {
		return out.String(), nil
	}
	text := strings.TrimSpace(complaint.String())
	if len(text) > 2000 {
		text = text[:2000] + "…"
	}
	err = fmt.Errorf("nft: %w: %s", err, text)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("%w: %w", ErrTool, err)
	case strings.Contains(text, "Operation not permitted"), strings.Contains(text, "must be root"):
		return "", fmt.Errorf("%w: %w", ErrCapability, err)
	case strings.Contains(text, "not supported"):
		return "", fmt.Errorf("%w: %w", ErrKernel, err)
	}
	return "", err
}

// Apply makes the kernel do what the gateway says, in one transaction, and returns when it does: rules that stand and
// are to stand are not touched, and conversations of devices whose treatment changed end where they are no longer
// allowed. After an error, the rules are those from before.
func (k *Kernel) Apply(ctx context.Context, g *Gateway) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	r, err := k.rules(g, now)
	if err != nil {
		return err
	}
	old := k.loaded
	if old != nil {
		if err := k.alter(ctx, r, now); err == nil {
			return k.purge(g, old, r)
		}
		// Whatever stands, all of it is made anew. If that fails too, what stood does so still, as far as anybody knows.
		stood := k.loaded
		k.loaded = nil
		defer func() {
			if k.loaded == nil {
				k.loaded = stood
			}
		}()
		if r, err = k.rules(g, now); err != nil {
			return err
		}
	}
	if old == nil && k.recall(r, now) { // a process before this one knew where names lead
		if r, err = k.rules(g, now); err != nil {
			return err
		}
	}
	if err := k.load(ctx, r, now); err != nil {
		return err
	}
	if old == nil {
		old = &Ruleset{}
	}
	return k.purge(g, old, r)
}

// rules makes the ruleset, with all that DNS said to its devices.
func (k *Kernel) rules(g *Gateway, now int64) (*Ruleset, error) {
	known := map[*policy.Policy]bool{}
	if k.loaded != nil {
		for i := range k.loaded.devices {
			known[k.loaded.devices[i].Policy] = true
		}
	}
	full := *g
	full.Devices = slices.Clone(g.Devices)
	for i := range full.Devices {
		d := &full.Devices[i]
		if d.Policy = g.effective(d); d.Policy != nil {
			if !known[d.Policy] {
				k.memory.teach(d.Policy)
			}
			d.Policy.Forget(now - int64(forgetting))
		}
	}
	k.memory.forget(now - int64(forgetting))
	return full.rules(now, k.loaded)
}

// load puts the whole ruleset in the place of what is there.
func (k *Kernel) load(ctx context.Context, r *Ruleset, now int64) error {
	k.keepTalks(r)
	have, err := k.run(ctx, "", "list", "tables")
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	stand := map[string]bool{} // the families of Plimsoll's tables
	unneeded := ""
	for _, line := range strings.Split(have, "\n") {
		f := strings.Fields(line)
		if len(f) != 3 || f[2] != Table {
			continue
		}
		stand[f[1]] = true
		if !slices.ContainsFunc(r.tables, func(t *table) bool { return t.family == f[1] }) {
			unneeded += "\ndelete table " + f[1] + " " + Table + "\n"
		}
	}
	done := false
	if text, ok := k.refill(ctx, r, stand); ok {
		_, err := k.run(ctx, text+unneeded, "-f", "-")
		done = err == nil // not where a set of that name is of another type
	}
	if !done {
		if _, err := k.run(ctx, r.String()+unneeded, "-f", "-"); err != nil {
			return fmt.Errorf("load rules: %w", err)
		}
	}
	k.loaded, k.own = r, 0
	k.standing = map[string]map[string]int64{}
	for name, o := range r.inet().at {
		if o.lives {
			k.standing[name] = elementsUntil(o.elements, now)
		}
	}
	if k.base, err = k.socket.generation(); err != nil {
		return fmt.Errorf("load rules: %w", err)
	}
	return nil
}

// refill is what loads the whole ruleset without taking away the tables that stand; ok is false where that cannot be.
func (k *Kernel) refill(ctx context.Context, r *Ruleset, stand map[string]bool) (text string, ok bool) {
	if len(stand) == 0 {
		return "", false
	}
	var b strings.Builder
	for _, t := range r.tables {
		if !stand[t.family] {
			t.replace(&b)
			continue
		}
		listing, err := k.run(ctx, "", "-t", "list", "table", t.family, Table)
		if err != nil || !t.refill(&b, listing) {
			return "", false
		}
	}
	return b.String(), true
}

// keepTalks takes over what a bridge's table that is there remembers of conversations.
func (k *Kernel) keepTalks(r *Ruleset) {
	for _, t := range r.tables {
		for set, size := range map[string]int{"talks4": 4, "talks6": 16} {
			o := t.at[set]
			if o == nil {
				continue
			}
			o.elements = nil
			// where there is none, nothing is to be kept
			_ = k.each(t.family, set, func(key []byte, _ uint64, left time.Duration) {
				if e, ok := talkOf(key, size); ok && left >= time.Second {
					o.elements = append(o.elements, fmt.Sprintf("%s timeout %ds", e, int(left.Seconds())))
				}
			})
		}
	}
}

// alter makes what stands the ruleset.
func (k *Kernel) alter(ctx context.Context, r *Ruleset, now int64) error {
	text, changes := r.since(k.loaded)
	if text != "" {
		if _, err := k.run(ctx, text, "-f", "-"); err != nil {
			return fmt.Errorf("change rules: %w", err)
		}
		k.own++
		changes = nil // they are in the text
	}
	old := k.loaded.inet()
	k.loaded = r
	for name := range k.standing {
		if r.inet().at[name] == nil {
			delete(k.standing, name)
		}
	}
	for _, o := range r.inet().objects {
		if !o.lives {
			continue
		}
		was := old.at[o.name]
		if was == o {
			continue
		}
		want := elementsUntil(o.elements, now)
		if was == nil || was.head != o.head {
			k.standing[o.name] = want
			continue
		}
		have := k.standing[o.name]
		for e := range have {
			if _, ok := want[e]; !ok {
				changes = append(changes, change{family: "inet", set: o.name, element: e, drop: true})
				delete(have, e)
			}
		}
		for e, until := range want {
			if _, ok := have[e]; !ok {
				changes = append(changes, gain(o.name, e, until, now))
				have[e] = until
			}
		}
	}
	return k.elements(changes, now)
}

func (r *Ruleset) inet() *table { return r.tables[0] }

// Remove takes all of Plimsoll's tables away, and nothing else.
func (k *Kernel) Remove(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	have, err := k.run(ctx, "", "list", "tables")
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	script := ""
	for _, line := range strings.Split(have, "\n") {
		if f := strings.Fields(line); len(f) == 3 && f[2] == Table {
			script += "delete table " + f[1] + " " + Table + "\n"
		}
	}
	if _, err := k.run(ctx, script, "-f", "-"); err != nil {
		return fmt.Errorf("remove rules: %w", err)
	}
	k.loaded, k.standing = nil, nil
	return nil
}

// Intact reports whether what Apply put into the kernel stands there unaltered, as far as nobody else changed any
// rules; when somebody did, the tables are looked at. Where it is false, Repair and then Apply make it whole.
func (k *Kernel) Intact(ctx context.Context) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.loaded == nil {
		return false, nil
	}
	now, err := k.socket.generation()
	if err != nil {
		return false, denied(fmt.Errorf("ask for the state of the rules: %w", err))
	}
	if now-k.base == k.own {
		return true, nil
	}
	for _, t := range k.loaded.tables {
		listing, err := k.run(ctx, "", "-s", "list", "table", t.family, Table)
		if err != nil {
			if strings.Contains(err.Error(), "No such file") {
				return false, nil
			}
			return false, err
		}
		if !t.stands(listing) {
			return false, nil
		}
	}
	k.base, k.own = now, 0
	return true, nil
}

// Repair has the next Apply load the whole ruleset, whatever stands.
func (k *Kernel) Repair() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.loaded, k.standing = nil, nil
}

// Device is the device that an address is bound to.
func (k *Kernel) Device(a netip.Addr) (m frame.MAC, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.loaded == nil {
		return m, false
	}
	a = a.Unmap().WithZone("")
	for i := range k.loaded.devices {
		if d := &k.loaded.devices[i]; slices.Contains(d.Addresses, a) {
			return d.MAC, true
		}
	}
	return m, false
}
