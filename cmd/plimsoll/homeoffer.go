package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/enforce"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/learn"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/mudcache"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

// errBusy is the cause where the engine could not be looked into.
var errBusy = errors.New("the gateway is too busy to look at what it remembers: try again")

// inside does something between two blocks of packets, where the engine can be looked into.
func (g *gateway) inside(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case g.asks <- func() { defer close(done); f() }:
		<-done
		return nil
	case <-time.After(10 * time.Second): // the engine is not running, or has much to do
		return errBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rehearseFile is what a file would have made of what is remembered of a device, with what the household allows it beside.
// Where nothing is remembered, all is nothing.
func (g *gateway) rehearseFile(ctx context.Context, d *home.Device, f *mud.File) (p *policy.Policy, r *policy.Rehearsal, err error) {
	all := g.household.Devices()
	bound := map[frame.MAC][]netip.Addr{}
	for _, x := range all {
		if len(x.MACs) > 0 {
			bound[x.MACs[0]] = x.Addresses
		}
	}
	var by inspect.Controllers
	by.My, by.Class = enforce.Controllers(d, all, bound)
	file := enforce.Widened(f, d, all, time.Now())
	err = g.inside(ctx, func() {
		for _, m := range d.MACs {
			if q, x, ok := g.engine.Load().Rehearse(file, m, by); ok {
				p, r = q, x
				return
			}
		}
		p, r = policy.Compile(file, &policy.Context{}), &policy.Rehearsal{}
	})
	return p, r, err
}

// rehearse says what the file of a device, or the one that is offered for it, would have stopped of what is remembered.
func (g *gateway) rehearse(ctx context.Context, d *home.Device, offered bool, words *locale.Catalogue) (*policy.RehearsalDocument, error) {
	sha := d.File
	if o := d.Offers(); o != nil && (offered || sha == "") {
		sha = o.File
	} else if offered {
		sha = ""
	}
	if sha == "" {
		return nil, fmt.Errorf("%w: %s", home.ErrNoFile, d.Title())
	}
	file, err := g.parsed(ctx, sha)
	if err != nil {
		return nil, err
	}
	p, r, err := g.rehearseFile(ctx, d, file)
	if err != nil {
		return nil, err
	}
	return r.Document(p, words, printable), nil
}

// offered is what a file that is offered would change. The API describes it.
type offered struct {
	Schema    string                    `json:"schema"`
	Device    string                    `json:"device"`
	Offer     *home.Offer               `json:"offer"`
	Diff      compared                  `json:"diff"` // from the file that it has; from none, all is new
	Rehearsal *policy.RehearsalDocument `json:"rehearsal"`
}

// offerSchema names the shape of offered.
const offerSchema = "plimsoll.home.offer/1"

// offer says what the file that is offered for a device would change.
func (g *gateway) offer(ctx context.Context, d *home.Device, words *locale.Catalogue) (any, error) {
	o := d.Offers()
	next, err := g.parsed(ctx, o.File)
	if err != nil {
		return nil, err
	}
	before := &mud.File{}
	if d.File != "" {
		if before, err = g.parsed(ctx, d.File); err != nil {
			return nil, err
		}
	}
	rehearsal, err := g.rehearse(ctx, d, true, words)
	if err != nil {
		return nil, err
	}
	diff := newCompared(d.File, o.File, mud.Diff(before, next), words)
	for i := range diff.Changes {
		diff.Changes[i].Text = printable(diff.Changes[i].Text)
	}
	return offered{offerSchema, d.ID, o, diff, rehearsal}, nil
}

// propose offers a file for a device, rehearsed over what is remembered.
func (g *gateway) propose(ctx context.Context, d *home.Device, body []byte, o home.Offer) error {
	file, err := mud.Parse(body)
	if err != nil {
		return err
	}
	_, r, err := g.rehearseFile(ctx, d, file)
	if err != nil {
		return err
	}
	o.Flows, o.Stopped = r.Flows, r.Flows-r.Allowed
	if err := g.store.SaveFile(ctx, &home.File{SHA256: o.File, At: o.At, Origin: o.Origin, Body: body}); err != nil {
		return err
	}
	if err := g.household.Propose(ctx, d.ID, &o); err != nil {
		return err
	}
	g.log.InfoContext(ctx, "file is offered", "device", d.ID, "origin", o.Origin, "why", o.Why, "flows", o.Flows, "stopped", o.Stopped)
	return nil
}

// proposeNext offers the version of a maker’s file that is not taken as it comes, if there is one, and takes back an offer
// of one that its maker has replaced.
func (g *gateway) proposeNext(ctx context.Context, d *home.Device, e *mudcache.Entry) error {
	v := e.Next
	if v == nil {
		if d.Offer != nil && d.Offer.Origin == home.Maker {
			return g.household.Propose(ctx, d.ID, nil)
		}
		return nil
	}
	why := string(v.State)
	if v.State == mudcache.Verified {
		why = "grows"
	}
	return g.proposeVersion(ctx, d, v, why)
}

// proposeVersion offers a version of a maker’s file.
func (g *gateway) proposeVersion(ctx context.Context, d *home.Device, v *mudcache.Version, why string) error {
	if d.Offer != nil && d.Offer.File == v.SHA256 && d.Offer.Why == why || d.File == v.SHA256 || d.Admitted() != home.DeviceOnly {
		return nil
	}
	err := g.propose(ctx, d, v.File, home.Offer{File: v.SHA256, Origin: home.Maker, At: v.Fetched, Why: why})
	if errors.Is(err, errBusy) {
		return nil // it is tried again
	}
	return err
}

// learnEvery is how often what devices do is looked over, at the most.
const learnEvery = time.Hour

// teach offers files that were learned, to devices that have none of their maker’s and were watched long enough, and to
// those that are held to such a one and do something else since.
func (g *gateway) teach(ctx context.Context) error {
	if g.learn <= 0 {
		return nil
	}
	every := min(learnEvery, max(g.learn, time.Second))
	looked := map[string]time.Time{}
	tick := time.NewTicker(min(every, 10*time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, d := range g.household.Devices() {
			if now := time.Now(); now.Sub(looked[d.ID]) >= every && g.learns(ctx, d, now) {
				looked[d.ID] = now
				err := g.lesson(ctx, d)
				if errors.Is(err, errBusy) {
					err = nil
				}
				g.fault(ctx, "learn what "+d.ID+" does", err)
			}
		}
	}
}

// learns reports whether a file is to be learned for a device.
func (g *gateway) learns(ctx context.Context, d *home.Device, now time.Time) bool {
	switch {
	case len(d.MACs) == 0, d.Offer != nil && d.Offer.Origin == home.Maker && d.Offers() != nil:
		return false
	case d.File == "":
		return d.State == home.Learning && now.Sub(d.Since) >= g.learn
	case d.State != home.Held && d.State != home.Rehearsing:
		return false
	}
	f, err := g.store.File(ctx, d.File)
	return err == nil && f.Origin == home.Learned
}

// lesson learns what a device does from what is remembered of it. What is offered already, and what its file allows, is
// not offered again.
func (g *gateway) lesson(ctx context.Context, d *home.Device) error {
	var l learn.Learner
	err := g.inside(ctx, func() {
		place := placed(g.engine.Load().Network(), d.MACs)
		for _, c := range g.engine.Load().Conversations(d.MACs) {
			x := remembered(&c)
			p := place(x.Own, x.Peer)
			if x.Scope, x.Resolver = p.Scope, p.Resolver; p.Own {
				l.Add(x)
			}
		}
	})
	if err != nil {
		return err
	}
	maker, model := d.Identity.Maker, d.Identity.Model
	if d.Corrected != nil {
		maker, model = d.Corrected.Maker, d.Corrected.Model
	}
	file, evidence := l.File(learn.About{URL: nobodys(d.MACs[0]), Maker: maker, Model: model, SystemInfo: systemInfo(maker, model, d.MACs[0].String())})
	if len(file.ACLs) == 0 {
		return nil // it did nothing yet
	}
	if d.File != "" {
		earlier, err := g.parsed(ctx, d.File)
		if err != nil {
			return err
		}
		learn.Keep(file, evidence, earlier, nil)
		if !slices.ContainsFunc(mud.Diff(earlier, file), mud.Difference.Grows) {
			return nil
		}
	}
	if o := d.Offers(); o != nil {
		before, err := g.parsed(ctx, o.File)
		if err == nil && len(mud.Diff(before, file)) == 0 && o.Why == string(evidence.Enough.Sure) {
			return nil
		}
	}
	body := file.Canonical()
	return g.propose(ctx, d, body, home.Offer{
		File: sum256(body), Origin: home.Learned, At: time.Now().UTC(), Why: string(evidence.Enough.Sure),
	})
}

// remembered is a conversation as learning takes it in.
func remembered(c *policy.Conversation) *learn.Conversation {
	x := &learn.Conversation{
		First: time.Unix(0, c.First).UTC(), Last: time.Unix(0, c.Last).UTC(), Began: c.Direction == policy.FromDevice, Answered: c.Answered,
		Proto: c.Proto, Own: c.Own.Netip(), Peer: c.Peer.Netip(), Port: c.OwnPort, PeerPort: c.PeerPort, Packets: c.Packets, Flows: c.Flows,
	}
	if c.Proto == frame.ProtoICMP || c.Proto == frame.ProtoICMPv6 {
		x.Port, x.PeerPort = uint16(c.Type), 0
	}
	if x.Began && len(c.Names) > 0 {
		x.Names = c.Names[:1]
	}
	return x
}

// wanted are the classes of controllers that a file lets its device speak with, and that nobody but the household can
// name; "" is one of its own.
func wanted(f *mud.File) (list []string) {
	for _, d := range []mud.Direction{mud.FromDevice, mud.ToDevice} {
		for _, ace := range f.Entries(d) {
			m := ace.Matches.MUD
			if m == nil || ace.Action != mud.Accept || ace.Dead() {
				continue
			}
			if m.MyController && !slices.Contains(list, "") {
				list = append(list, "")
			}
			if c := m.Controller; c != "" && !strings.HasPrefix(c, "urn:ietf:params:mud:") && !slices.Contains(list, c) {
				list = append(list, c)
			}
		}
	}
	return list
}

// controllerless are the questions about controllers that files ask for and nobody named.
func (g *gateway) controllerless(ctx context.Context) (list []home.Question) {
	named := map[string]bool{}
	all := g.household.Devices()
	for _, d := range all {
		for _, c := range d.Controllers {
			if c.Class == "" {
				named[d.ID] = true
			} else {
				named[c.Class] = true
			}
		}
	}
	for _, d := range all {
		if d.File == "" || d.State != home.Held && d.State != home.Rehearsing {
			continue
		}
		f, err := g.parsed(ctx, d.File)
		if err != nil {
			continue // which is told elsewhere
		}
		for _, class := range wanted(f) {
			if class == "" && named[d.ID] || class != "" && named[class] {
				continue
			}
			list = append(list, home.Question{Device: d.ID, Title: d.Title(), About: home.AskController, Class: class, At: d.Since})
		}
	}
	return list
}

func sum256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
