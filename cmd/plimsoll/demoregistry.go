//go:build !gateway

package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/durable"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/review"
	"plimsoll.example/plimsoll/label"
)

//go:embed demo/products.json
var shownProducts []byte

//go:embed demo/product.json
var askedProduct []byte

// shownProduct is one of the registry that is shown.
type shownProduct struct {
	Device   string          `json:"device"` // of the played home that is one; "": none is
	Category string          `json:"category"`
	Years    float64         `json:"years"`  // for which it gets updates still
	Claims   string          `json:"claims"` // the classes of its norms, over and over, a digit each
	Past     string          `json:"past"`   // what became of its label before, one of pasts; "": nothing
	Label    label.Statement `json:"label"`
}

// statement is its label, granted on a day.
func (p *shownProduct) statement(index int, today label.Day) *label.Statement {
	s := p.Label
	s.Version, s.Profile, s.Index, s.Issued = label.Version, 1, uint32(index), today
	s.Support = today + label.Day(p.Years*365)
	norms := label.ProfileNorms(s.Profile)
	s.Norms = make([]byte, (len(norms)+1)/2)
	for i, n := range norms {
		s.SetClass(n, label.Class(p.Claims[i%len(p.Claims)]-'0'))
	}
	return &s
}

// Places in the cast.
const (
	mia = iota
	leo
	bea
	ben
	olga
)

// cast are those who write to the registry that is shown: a name, the account, and the message that says who that is.
var cast = [...]struct{ name, account, key string }{
	mia:  {"Mia", "maker", "demo.maker"},
	leo:  {"Leo", "lab", "demo.lab"},
	bea:  {"Bea", "authority", "demo.authority"},
	ben:  {"Ben", "authority", "demo.second"},
	olga: {"Olga", "scheme", "demo.scheme"},
}

// pasts are what may be proposed of a label that was suspended before anybody looked, by the "past" of its product. Where it
// is restored, that was confirmed.
var pasts = map[string]struct {
	verb   label.Verb
	reason label.Reason
}{
	"restored": {label.Restore, "remedied"},
	"doubted":  {label.Withdraw, "evidence-refuted"},
}

// shownAccounts are those that they act for.
var shownAccounts = map[string]struct {
	org  string
	role registry.Role
}{
	"maker":     {"demo.org.maker", registry.Manufacturer},
	"lab":       {"demo.org.lab", registry.Lab},
	"authority": {"demo.org.authority", registry.CertificationBody},
	"scheme":    {"demo.org.scheme", registry.SchemeOwner},
}

// publicRegistry is a made-up registry beside the played home: with a real log, keys and pages.
type publicRegistry struct {
	registryFlags
	words    *locale.Catalogue
	advisory time.Duration // after that long one is published about the camera; 0: none is

	ready  chan struct{} // closed when what follows is there
	codes  [len(cast)]string
	labels map[string]*registry.Label // by the device of the home that is one
}

// newPublicRegistry makes its keys and accounts. It is at the address of the first listener.
func newPublicRegistry(ctx context.Context, e env, words *locale.Catalogue, dir string, listeners []net.Listener, advisory time.Duration) (*publicRegistry, error) {
	p := &publicRegistry{
		registryFlags: registryFlags{
			env: e, state: dir, listeners: listeners, name: words.Text("demo.org.registry"), rate: 200, publish: 200 * time.Millisecond, logLevel: slog.LevelError,
			feeds: []string{filepath.Join(dir, "kev.json"), filepath.Join(dir, "cve")}, feedInterval: 2 * time.Second,
		},
		words: words, advisory: advisory, ready: make(chan struct{}), labels: map[string]*registry.Label{},
	}
	p.beside = p.play
	own := filepath.Join(dir, "registry")
	if err := os.MkdirAll(filepath.Dir(deskKey(own, "any")), 0o700); err != nil {
		return nil, err
	}
	if err := makeIfMissing(p.keyFile(), keyRegistry, ""); err != nil {
		return nil, err
	}
	if err := p.publishAdvisories(false); err != nil {
		return nil, err
	}
	store, err := openRegistry(ctx, "", own)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	for id, a := range shownAccounts {
		if err = makeIfMissing(deskKey(own, id), keyRegistry, ""); err != nil {
			break
		}
		public, keyErr := readPublicKey(deskKey(own, id) + ".pub")
		if err = keyErr; err != nil {
			break
		}
		account := &registry.Account{ID: id, Name: words.Text(a.org), Role: a.role, Since: now, Keys: []registry.Key{{Public: public, From: label.DayOf(now)}}}
		if err = registry.NewAccount(ctx, store, account); err != nil {
			break
		}
	}
	for _, who := range cast { // they come in by codes, and may add passkeys
		if err == nil {
			err = store.SaveUser(ctx, &auth.User{Name: who.name, Role: who.account, Since: now})
		}
	}
	return p, errors.Join(err, store.Close())
}

// keyFile is the registry’s own key; the public one is beside it.
func (p *publicRegistry) keyFile() string {
	return filepath.Join(p.state, "registry", "registry.key")
}

// wait waits until it is ready; false: it is over before.
func (p *publicRegistry) wait(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-p.ready:
		return true
	}
}

// play grants the labels, and makes what happened before; then it publishes an advisory when its time has come.
func (p *publicRegistry) play(ctx context.Context, desk *review.Desk, door *auth.Door) error {
	if err := p.fill(ctx, desk); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("fill the registry: %w", err)
	}
	for i, who := range cast {
		p.codes[i] = door.Stand(who.name, who.account)
	}
	for desk.Registry.Publication() == nil {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(10 * time.Millisecond):
		}
	}
	close(p.ready)
	if p.advisory == 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(p.advisory):
		return p.publishAdvisories(true)
	}
}

func (p *publicRegistry) fill(ctx context.Context, desk *review.Desk) error {
	var list []shownProduct
	if err := json.Unmarshal(shownProducts, &list); err != nil {
		return fmt.Errorf("read products: %w", err)
	}
	today := label.DayOf(time.Now())
	key := desk.Key("authority")
	granted := make([]*registry.Label, len(list))
	group, within := errgroup.WithContext(ctx)
	for i := range list {
		group.Go(func() error {
			sign1, err := label.Sign(list[i].statement(i, today), key)
			if err != nil {
				return err
			}
			granted[i], err = desk.Registry.Grant(within, &registry.Submission{Sign1: sign1, Category: list[i].Category})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i := range list {
		if list[i].Device != "" {
			p.labels[list[i].Device] = granted[i]
		}
		if err := p.before(ctx, desk, list[i].Past, granted[i].ID); err != nil {
			return err
		}
	}
	_, err := desk.Begin(ctx, person(desk, mia), askedProduct, "")
	return err
}

// person is one of the cast.
func person(desk *review.Desk, i int) *review.Person {
	return &review.Person{Name: cast[i].name, Account: desk.Registry.Account(cast[i].account)}
}

// before is what became of a label before anybody looked: it was suspended and restored, or it is suspended and somebody
// proposes to withdraw it.
func (p *publicRegistry) before(ctx context.Context, desk *review.Desk, past string, id label.Hash) error {
	if past == "" {
		return nil
	}
	then, known := pasts[past]
	if !known {
		return fmt.Errorf("past of a product: %q is none that a label can have", past)
	}
	if err := desk.Suspend(ctx, person(desk, bea), id, "advisory", p.words.Text("demo.past."+past)); err != nil {
		return err
	}
	c, err := desk.Propose(ctx, person(desk, bea), id, then.verb, then.reason, p.words.Text("demo.past."+past+".then"))
	if err != nil || then.verb != label.Restore {
		return err
	}
	return desk.Confirm(ctx, person(desk, olga), c.ID, nil)
}

// publishAdvisories writes the feeds that the registry watches: at first nothing in them is of a product that it knows, then
// there is a flaw of the camera that is exploited. They have the forms of CISA’s catalogue and of the CVE List.
func (p *publicRegistry) publishAdvisories(camera bool) error {
	now := time.Now().UTC()
	day, at := now.Format(time.DateOnly), now.Format(time.RFC3339)
	type flaw struct{ id, maker, model, before string }
	flaws := []flaw{{"CVE-2026-0001", "Example Cameras", "EX-210", "3.2.1"}}
	if camera {
		flaws = append(flaws, flaw{"CVE-2026-0002", "Hikvision", "DS-2CD2042WD-I", "5.4.6"})
	}
	title := p.words.Text("demo.advisory")
	exploited := []map[string]any{}
	for _, f := range flaws {
		exploited = append(exploited, map[string]any{
			"cveID": f.id, "vendorProject": f.maker, "product": f.model, "vulnerabilityName": title, "dateAdded": day, "shortDescription": title,
			"requiredAction": title, "dueDate": day, "knownRansomwareCampaignUse": "Unknown", "notes": "",
		})
		record := map[string]any{
			"dataType": "CVE_RECORD", "dataVersion": "5.1",
			"cveMetadata": map[string]any{"cveId": f.id, "state": "PUBLISHED", "datePublished": at, "dateUpdated": at},
			"containers": map[string]any{"cna": map[string]any{"title": title, "affected": []any{map[string]any{
				"vendor": f.maker, "product": f.model, "defaultStatus": "unaffected",
				"versions": []any{map[string]any{"version": "1.0", "status": "affected", "lessThan": f.before, "versionType": "custom"}},
			}}}},
		}
		if err := p.keep(filepath.Join("cve", f.id+".json"), record); err != nil {
			return err
		}
	}
	return p.keep("kev.json", map[string]any{"title": title, "catalogVersion": day, "dateReleased": at, "count": len(flaws), "vulnerabilities": exploited})
}

// keep writes a file of a feed.
func (p *publicRegistry) keep(name string, value any) error {
	name = filepath.Join(p.state, name)
	data, err := json.MarshalIndent(value, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(name), 0o700)
	}
	if err == nil {
		err = durable.WriteFile(name, data, 0o600)
	}
	return err
}
