// Package enforce makes the network do what a household decided. From the stances of its devices, the files that they
// are held to and the addresses that they have, it makes the rules of nftables, and sees to it that these stand.
//
// The rules depend on what is kept alone, so that after a crash they are made the same again before a packet was seen.
package enforce

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/nft"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

// kernel is where rules are put; *nft.Kernel is one.
type kernel interface {
	Apply(ctx context.Context, g *nft.Gateway) error
	Commit(ctx context.Context, mac frame.MAC, names []string, addrs []netip.Addr, until time.Time) error
	Standing(mac frame.MAC, names []string, addrs []netip.Addr, until time.Time) bool
	Device(a netip.Addr) (frame.MAC, bool)
	Intact(ctx context.Context) (bool, error)
	Repair()
	Forget(mac frame.MAC)
	Text(g *nft.Gateway) (string, error)
}

// Enforcer keeps the rules as the household decided. Any number of goroutines may use it.
type Enforcer struct {
	Kernel  kernel
	Devices func() []*home.Device // of the household, as they are now
	File    func(ctx context.Context, sha256 string) (*mud.File, error)
	Network func() (*Network, error) // the LAN, as it is now
	Journal *Journal                 // of what DNS said; nil: it is forgotten when the program ends
	Now     func() time.Time
	Page    uint16 // port of the page that tells why a device is in quarantine; 0: none

	mu       sync.Mutex
	known    map[frame.MAC]compiled
	gists    map[string]*gist     // of the files that are in use, by SHA-256
	standing string               // what the rules in force were made of; "" if nobody knows
	holding  map[frame.MAC]string // devices about which something was decided, each with its ID
	owners   map[netip.Addr]owned // who has an address
	resolver nft.Resolver
	last     *nft.Gateway // that was put in force

	repairs atomic.Pointer[map[frame.MAC][]string] // of the devices in quarantine, the names that they may ask for
}

// owned is whose an address is: the ID of the device, and its interface; zero, if nobody said which.
type owned struct {
	id  string
	mac frame.MAC
}

// compiled is a policy, and what it was made of.
type compiled struct {
	of     string
	policy *policy.Policy
}

// Resolve says how names are resolved from now on; it is in force after the next Apply or Refresh.
func (e *Enforcer) Resolve(r nft.Resolver) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.resolver = r
}

// Apply puts in force what the household decided, and returns when it is. A file that cannot be read does not keep
// the rest from being enforced: its device may then begin no conversation at home, and Refresh says so.
func (e *Enforcer) Apply(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, err := e.apply(ctx, true)
	return err
}

// Refresh is Apply where something changed: in the household, in the network, or in the rules, by somebody else.
func (e *Enforcer) Refresh(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	whole, err := e.Kernel.Intact(ctx)
	if err != nil || !whole {
		e.Kernel.Repair()
		e.standing = ""
	}
	fileErr, err := e.apply(ctx, false)
	return errors.Join(err, fileErr)
}

func (e *Enforcer) apply(ctx context.Context, always bool) (fileErr, err error) {
	n, err := e.Network()
	if err != nil {
		return nil, fmt.Errorf("look at the network: %w", err)
	}
	g, of, fileErr := e.intent(ctx, n)
	if !always && of == e.standing {
		return fileErr, nil
	}
	if err := e.Kernel.Apply(ctx, g); err != nil {
		e.standing = ""
		return fileErr, err
	}
	e.standing, e.last = of, g
	return fileErr, nil
}

// Text is the rules in force, as nft reads them, for a gateway that cannot read what it kept (nft.Kernel.Text), and of
// what they were made; both are "" if nobody knows.
func (e *Enforcer) Text() (text, of string, err error) {
	e.mu.Lock()
	g, of := e.last, e.standing
	e.mu.Unlock()
	if of == "" {
		return "", "", nil
	}
	text, err = e.Kernel.Text(g)
	return text, of, err
}

// Of is what the rules in force were made of; "" if nobody knows.
func (e *Enforcer) Of() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.standing
}

// Addresses are all that devices have, as of the last Apply or Refresh.
func (e *Enforcer) Addresses() []netip.Addr {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Keys(e.owners))
}

// Commit takes in what DNS told a client, before the client is told; it returns when the client may connect.
func (e *Enforcer) Commit(ctx context.Context, client netip.Addr, names []string, addrs []netip.Addr, until time.Time) error {
	mac, ok := e.device(client)
	if !ok {
		return nil // nobody that something was decided about
	}
	if e.Journal != nil && e.cares(mac) {
		e.Journal.Add(Said{MAC: mac, Names: names, Addresses: addrs, Until: until})
	}
	return e.Kernel.Commit(ctx, mac, names, addrs, until)
}

// Forget forgets where names led a device.
func (e *Enforcer) Forget(m frame.MAC) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Kernel.Forget(m)
	if e.Journal != nil {
		e.Journal.Forget(m)
	}
	delete(e.known, m)
	e.standing = ""
}

// Standing reports whether what Commit would do stands already.
func (e *Enforcer) Standing(client netip.Addr, names []string, addrs []netip.Addr, until time.Time) bool {
	mac, ok := e.Kernel.Device(client)
	return ok && e.Kernel.Standing(mac, names, addrs, until)
}

// MayAsk reports whether a client may ask for a name: one in quarantine, only for those that repair it, so that names are
// no way out. It does not wait.
func (e *Enforcer) MayAsk(client netip.Addr, name string) bool {
	_, names, captive := e.Captive(client)
	return !captive || slices.Contains(names, name)
}

// Captive reports whether a client is in quarantine, under which link-layer address, and which names it may ask for.
func (e *Enforcer) Captive(client netip.Addr) (m frame.MAC, names []string, ok bool) {
	repairs := e.repairs.Load()
	if repairs == nil || len(*repairs) == 0 {
		return m, nil, false
	}
	if m, ok = e.device(client); ok {
		names, ok = (*repairs)[m]
	}
	return m, names, ok
}

// device is who has an address: by what is bound, or else by the word of the kernel’s own table of neighbours, for a
// device that came a moment ago.
func (e *Enforcer) device(a netip.Addr) (frame.MAC, bool) {
	if m, ok := e.Kernel.Device(a); ok {
		return m, true
	}
	return neighbour(a)
}

// cares reports whether something was decided about a device, so that what it is told must outlive the program.
func (e *Enforcer) cares(m frame.MAC) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.holding[m] != ""
}

// longestAnswer is how long an answer of DNS is believed at most, as the resolver has it.
const longestAnswer = 24 * time.Hour

// Recall tells the kernel what the journal has, so that names lead where they led before the program was started anew.
func (e *Enforcer) Recall(ctx context.Context) error {
	if e.Journal == nil {
		return nil
	}
	var errs []error
	latest := e.Now().Add(longestAnswer)
	for _, s := range e.Journal.All() {
		if s.Until.After(latest) { // it was written when the clock was ahead
			s.Until = latest
		}
		errs = append(errs, e.Kernel.Commit(ctx, s.MAC, s.Names, s.Addresses, s.Until))
	}
	return errors.Join(errs...)
}
