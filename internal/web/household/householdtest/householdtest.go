// Package householdtest is a home for tests of its pages: one that has a bit of everything that they show.
package householdtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/country"
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/learn"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/notice"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/internal/qr"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/web/household"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/mud"
)

// House is a home that is served from a real database.
type House struct {
	*home.Household
	Store        *sqlite.Store
	Pages        *household.Pages
	Site         *page.Site
	URL          string
	Camera, Lamp *home.Device
	Finding      finding.Finding // of the camera
}

// Furnish is a home with a camera that goes bad and has rules, a lamp with a label, a phone, and something unknown. Where
// doors is set, people sign in. The site may be changed before it is served.
func Furnish(t testing.TB, doors bool, change ...func(*page.Site)) *House {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "home.db"))
	if err != nil {
		t.Fatal(err)
	}
	h := &home.Household{Ledger: store, Now: time.Now, Rehearsal: time.Hour}
	if err := h.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := &House{Household: h, Store: store}
	now := time.Now()
	see := func(n byte, name, room string, id device.Identity, since time.Duration) *home.Device {
		d, _ := h.See(frame.MAC{2, 0, 0, 0, 0, n}, func(d *home.Device) {
			d.Hostnames, d.Room, d.Identity, d.First, d.Last = []string{name}, room, id, now.Add(-since), now
			d.Addresses = []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, n})}
		})
		return d
	}
	f.Camera = see(1, "porch", "Hall", device.Identity{Kind: device.IoT, Category: "camera", Maker: "Lamps & Co", Confidence: 0.8, Because: []device.Reason{{Fact: "dhcp.hostname", Value: "porch", Weight: 1}}}, 90*24*time.Hour)
	f.Lamp = see(2, "lamp", "Hall", device.Identity{Kind: device.IoT, Category: "light", Maker: "Lamps & Co", Confidence: 0.9}, 24*time.Hour)
	see(3, "phone", "", device.Identity{Kind: device.General, Category: "phone", Confidence: 0.9}, 24*time.Hour)
	see(4, "\u202emystery", "", device.Identity{Kind: device.Unknown}, time.Minute)
	if err := store.Save(t.Context(), h.Devices()); err != nil {
		t.Fatal(err)
	}
	var traffic []home.Traffic
	for _, x := range []home.Traffic{
		{Device: f.Camera.ID, Peer: "cloud.lampsco.example", Scope: "internet", Service: "tcp/443 tls", Began: true, Flows: 5, Out: 9_000_000, In: 1000},
		{Device: f.Camera.ID, Peer: "updates.lampsco.example", Scope: "internet", Service: "tcp/443 tls", Began: true, Flows: 1, Out: 1000, In: 1000},
		{Device: f.Camera.ID, Peer: "192.0.2.3", Scope: "lan", Service: "tcp/554 rtsp", Flows: 2, Out: 5000, In: 100},
		{Device: f.Lamp.ID, Peer: "pool.ntp.org", Scope: "internet", Service: "udp/123 ntp", Began: true, Flows: 9, Out: 9000, In: 9000},
	} {
		x.At, x.Span = now.Add(-time.Hour), time.Minute
		traffic = append(traffic, x)
	}
	if err := store.AddTraffic(t.Context(), traffic); err != nil {
		t.Fatal(err)
	}
	for peer, countries := range map[string][]string{"cloud.lampsco.example": {"CA", "US"}, "updates.lampsco.example": {"NL"}} {
		for _, c := range countries {
			if err := store.AddReaches(t.Context(), []home.Reach{{Device: f.Camera.ID, Peer: peer, Country: c, First: now.Add(-time.Hour), Last: now}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := store.AddReaches(t.Context(), []home.Reach{{Device: f.Lamp.ID, Peer: "pool.ntp.org", Country: "CA", First: now.Add(-time.Hour), Last: now}}); err != nil {
		t.Fatal(err)
	}
	f.Finding = finding.Finding{
		Kind: finding.ScanHorizontal, Device: f.Camera.ID, Role: finding.Actor, Key: "tcp/23", Severity: finding.High, Confidence: 0.95, Count: 200,
		First: now.Add(-time.Hour).UnixNano(), Last: now.UnixNano(), Details: []finding.Detail{{Key: "service", Value: "tcp/23"}, {Key: "count", Value: uint64(200)}, {Key: "span", Value: time.Minute}},
	}
	if err := store.SaveFindings(t.Context(), []home.Noted{{Finding: f.Finding, State: home.Open}}); err != nil {
		t.Fatal(err)
	}
	held, offered := f.keep(t, "cloud.lampsco.example"), f.keep(t, "cloud.lampsco.example", "updates.lampsco.example")
	f.decide(t, home.HoldTo, f.Camera.ID, held)
	f.decide(t, home.Except, f.Camera.ID, "news.example tcp/443")
	f.decide(t, home.Control, f.Camera.ID, "phone")
	if err := h.Propose(t.Context(), f.Camera.ID, &home.Offer{File: offered, Origin: home.Learned, At: now, Why: "quite", Flows: 7, Stopped: 1}); err != nil {
		t.Fatal(err)
	}
	f.Pages = &household.Pages{
		Household: h, History: store, Now: time.Now, Log: slog.New(slog.DiscardHandler), Rehearse: f.rehearse, Countries: country.Builtin(),
		Mode: home.Hold, Status: func() home.Status { return home.Status{Asks: h.Questions()} },
		Shields: func(context.Context) (home.Shields, error) {
			return home.Shields{Sources: true, Ceilings: true, Inbound: true, Stopped: map[string]home.Stopped{f.Camera.ID: {Out: 42, In: 7}}}, nil
		},
		Label: func(_ context.Context, d *home.Device) (*household.Labelled, error) {
			if d.ID != f.Lamp.ID {
				return nil, nil
			}
			s := &label.Statement{Maker: "Lamps & Co", Model: "L1", Support: label.DayOf(now.AddDate(0, 3, 0)), Contact: "mailto:care@lampsco.example"}
			return &household.Labelled{Statement: s, Status: label.Active, AsOf: now}, nil
		},
		Export: func(ctx context.Context) (*home.Export, error) {
			x, err := h.Export(ctx, "test")
			return x, err
		},
		Import: h.Import,
		Code: func(ctx context.Context, actor string, d *home.Device, text string) (*home.Decision, error) {
			if _, _, err := label.ParseLink(text); err != nil {
				return nil, err
			}
			return h.Decide(ctx, actor, home.Bind, d.ID, f.keep(t, "label.example"))
		},
		Scan:   qr.Decode,
		Tokens: true,
	}
	if doors {
		f.Pages.People = store
	}
	f.Pages.Notices = &notice.Post{
		Dir: t.TempDir(), Ledger: store, Source: f.Pages, Now: time.Now, Log: f.Pages.Log, Link: func(l locale.Lang) string { return f.URL + "/" + string(l) + "/" },
	}
	if err := f.Pages.Notices.Open(); err != nil {
		t.Fatal(err)
	}
	s, err := f.Pages.Site("test", nil)
	if err != nil {
		t.Fatal(err)
	}
	if f.Site = s; doors {
		s.Door = auth.NewDoor(store, time.Now)
	}
	for _, c := range change {
		c(s)
	}
	handler, err := s.Handler()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(handler)
	t.Cleanup(func() {
		s.Events.Close()
		srv.Close()
		_ = store.Close()
	})
	f.URL = srv.URL
	return f
}

func (h *House) decide(t testing.TB, verb home.Verb, device, argument string) {
	t.Helper()
	if _, err := h.Decide(t.Context(), "page:owner", verb, device, argument); err != nil {
		t.Fatal(err)
	}
}

// learnt is a file that lets a device reach these names.
func learnt(names ...string) *mud.File {
	var l learn.Learner
	for i, name := range names {
		at := time.Date(2026, 5, 1, 0, i, 0, 0, time.UTC)
		l.Add(&learn.Conversation{
			First: at, Last: at, Began: true, Answered: true, Proto: frame.ProtoTCP, Own: netip.MustParseAddr("192.0.2.1"),
			Peer: netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)}), Scope: learn.Internet, Names: []string{name}, Port: 40000, PeerPort: 443, Packets: 9,
		})
	}
	f, _ := l.File(learn.About{URL: "https://learned.invalid/porch.json", SystemInfo: "porch"})
	return f
}

func (h *House) keep(t testing.TB, names ...string) (sha256sum string) {
	t.Helper()
	body := learnt(names...).Canonical()
	sum := sha256.Sum256(body)
	id := hex.EncodeToString(sum[:])
	if err := h.Store.SaveFile(t.Context(), &home.File{SHA256: id, At: time.Now(), Origin: home.Learned, Body: body}); err != nil {
		t.Fatal(err)
	}
	return id
}

// rehearse plays two conversations that are remembered: with the maker's cloud, and with the server of its updates.
func (h *House) rehearse(ctx context.Context, d *home.Device, offered bool, words *locale.Catalogue) (*policy.RehearsalDocument, error) {
	sha := d.File
	if o := d.Offers(); offered && o != nil {
		sha = o.File
	}
	if sha == "" {
		return nil, fmt.Errorf("%w: %s", home.ErrNoFile, d.Title())
	}
	kept, err := h.Store.File(ctx, sha)
	if err != nil {
		return nil, err
	}
	f, err := mud.Parse(kept.Body)
	if err != nil {
		return nil, err
	}
	p := policy.Compile(f, &policy.Context{Device: policy.Device{MAC: d.MACs[0], Addresses: d.Addresses}})
	var list []policy.Conversation
	for i, name := range []string{"cloud.lampsco.example", "updates.lampsco.example"} {
		list = append(list, policy.Conversation{
			Packet: policy.Packet{
				Proto: frame.ProtoTCP, Own: frame.AddrFrom(d.Addresses[0]), Peer: frame.AddrFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)})), OwnPort: 40000, PeerPort: 443,
			},
			Names: []string{name}, Told: true, Answered: true, Flows: uint64(3 + i), First: int64(i), Last: int64(i), Flow: "1:x",
		})
	}
	return p.Rehearse(list).Document(p, words, func(s string) string { return strings.ToValidUTF8(s, "?") }), nil
}
