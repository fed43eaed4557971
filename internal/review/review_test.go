package review_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/review"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/storetest"
	"plimsoll.example/plimsoll/label"
)

// open is the desk of a registry; keys says whether accounts keep theirs there.
func open(t *testing.T, keys bool) *review.Desk {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.OpenRegistry(context.Background(), filepath.Join(dir, "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	reg, _ := storetest.Run(t, store, dir, storetest.Noon)
	d := storetest.Seat(t, reg, store)
	if !keys {
		d.Key = func(string) ed25519.PrivateKey { return nil }
	}
	return d
}

func person(d *review.Desk, name, account string) *review.Person {
	return &review.Person{Name: name, Account: d.Registry.Account(account)}
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "maker", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const device = "02:00:5e:70:00:14"

// asked is a case that the maker handed to body, with its declaration.
func asked(t *testing.T, d *review.Desk) *review.Case {
	t.Helper()
	ctx, mia := t.Context(), person(d, "mia", "maker")
	c, err := d.Begin(ctx, mia, file(t, "product.json"), device)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"declaration.json", "policy.md"} {
		if err := d.Add(ctx, mia, c.ID, name, file(t, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Ask(ctx, mia, c.ID, "body"); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestALabelIsGrantedByTwoPersons(t *testing.T) {
	d, ctx := open(t, true), t.Context()
	c := asked(t, d)
	if err := d.Add(ctx, person(d, "leo", "lab"), c.ID, "probe.json", file(t, "probe.json")); err != nil {
		t.Fatal(err)
	}
	bea, ben := person(d, "bea", "body"), person(d, "ben", "body")
	if err := d.Confirm(ctx, ben, c.ID, nil); !errors.Is(err, review.ErrState) {
		t.Errorf("before anybody proposed it: %v", err)
	}
	if err := d.For(ctx, bea, c.ID); err != nil {
		t.Fatal(err)
	}
	if err := d.Confirm(ctx, bea, c.ID, nil); !errors.Is(err, review.ErrEyes) {
		t.Errorf("who proposed it confirms it: %v", err)
	}
	if err := d.Add(ctx, person(d, "leo", "lab"), c.ID, "late.md", []byte("late")); !errors.Is(err, review.ErrState) {
		t.Errorf("what is proposed changes: %v", err)
	}
	if err := d.Confirm(ctx, ben, c.ID, nil); err != nil {
		t.Fatal(err)
	}
	if err := d.Confirm(ctx, ben, c.ID, nil); !errors.Is(err, review.ErrState) {
		t.Errorf("it is granted twice: %v", err)
	}
	done, err := d.Find(ctx, bea, c.ID)
	if err != nil || done.State != review.Done || done.Decide.Person != "ben" {
		t.Fatalf("%+v, %v", done, err)
	}
	l, err := d.Registry.Store.Label(ctx, done.Label)
	if err != nil || l.Account != "body" || l.Category != "plug" {
		t.Fatalf("%+v, %v", l, err)
	}
	s, err := l.Statement()
	if err != nil || s.Issued != storetest.Day || s.Class("etsi.5.1-1") < label.Declared {
		t.Errorf("%+v, %v", s, err)
	}
	audits, err := d.Registry.Store.Audits(ctx, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, a := range audits {
		told = append(told, a.Action+" "+a.Account+" "+a.Outcome)
	}
	for _, want := range []string{"review-begin maker done by mia", "review-add lab done by leo", "review-propose body done by bea", "review-confirm body done by ben", "grant body done"} {
		if !strings.Contains(strings.Join(told, "\n"), want) {
			t.Errorf("%q is not audited: %v", want, told)
		}
	}
}

func TestRestoringTakesTwoPersonsAndSuspendingOne(t *testing.T) {
	d, ctx := open(t, true), t.Context()
	s := storetest.Statement(1, 1, storetest.Day)
	sign1, err := label.Sign(s, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.Registry.Grant(ctx, &registry.Submission{Sign1: sign1})
	if err != nil {
		t.Fatal(err)
	}
	bea, olga := person(d, "bea", "body"), person(d, "olga", "owner")
	if err := d.Suspend(ctx, person(d, "mia", "maker"), l.ID, "exploited", ""); !errors.Is(err, registry.ErrRole) {
		t.Errorf("a maker suspends: %v", err)
	}
	if err := d.Suspend(ctx, bea, l.ID, "exploited", "CVE-2026-0001"); err != nil {
		t.Fatal(err)
	}
	c, err := d.Propose(ctx, bea, l.ID, label.Restore, "remedied", "2.4 mends it")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Confirm(ctx, bea, c.ID, nil); !errors.Is(err, review.ErrEyes) {
		t.Errorf("alone: %v", err)
	}
	if err := d.Confirm(ctx, person(d, "leo", "lab"), c.ID, nil); !errors.Is(err, registry.ErrUnknown) {
		t.Errorf("a lab confirms: %v", err)
	}
	if kept, err := d.Registry.Store.Label(ctx, l.ID); err != nil || kept.Status != label.Suspended {
		t.Errorf("before the second: %+v, %v", kept, err)
	}
	if err := d.Confirm(ctx, olga, c.ID, nil); err != nil { // the scheme’s owner is as good a second person
		t.Fatal(err)
	}
	kept, err := d.Registry.Store.Label(ctx, l.ID)
	if err != nil || kept.Status != label.Active || kept.Changes != 2 {
		t.Errorf("%+v, %v", kept, err)
	}
	if _, err := d.Propose(ctx, bea, l.ID, label.Restore, "remedied", ""); !errors.Is(err, registry.ErrStatus) {
		t.Errorf("of one in force: %v", err)
	}
	w, err := d.Propose(ctx, olga, l.ID, label.Withdraw, "issuer-error", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Return(ctx, bea, w.ID, "not so"); err != nil {
		t.Fatal(err)
	}
	if err := d.Confirm(ctx, bea, w.ID, nil); !errors.Is(err, review.ErrState) {
		t.Errorf("what was turned down: %v", err)
	}
}

func TestNobodySeesOrDoesWhatIsNotTheirs(t *testing.T) {
	d, ctx := open(t, true), t.Context()
	c := asked(t, d)
	mia, leo, bea := person(d, "mia", "maker"), person(d, "leo", "lab"), person(d, "bea", "body")
	other := &review.Person{Name: "max", Account: registry.Account{ID: "other", Name: "Other", Role: registry.Manufacturer}}
	for what, err := range map[string]error{
		"another maker finds it":  func() error { _, err := d.Find(ctx, other, c.ID); return err }(),
		"another maker adds":      d.Add(ctx, other, c.ID, "x", []byte("x")),
		"a stranger confirms":     d.Confirm(ctx, other, c.ID, nil),
		"nobody":                  d.Ask(ctx, &review.Person{}, c.ID, "body"),
		"a case that is not here": d.For(ctx, bea, "0000000000000000"),
	} {
		if !errors.Is(err, registry.ErrUnknown) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, x := range map[string]struct{ got, want error }{
		"the maker adds after it asked":  {d.Add(ctx, mia, c.ID, "x", []byte("x")), review.ErrState},
		"the maker proposes":             {d.For(ctx, mia, c.ID), registry.ErrRole},
		"a lab proposes":                 {d.For(ctx, leo, c.ID), registry.ErrRole},
		"a lab asks":                     {func() error { _, err := d.Begin(ctx, leo, file(t, "product.json"), ""); return err }(), registry.ErrRole},
		"no reason":                      {d.Return(ctx, bea, c.ID, ""), registry.ErrText},
		"a product that is none":         {func() error { _, err := d.Begin(ctx, mia, []byte(`{"gtin":"1"}`), ""); return err }(), registry.ErrText},
		"a lab that declares":            {d.Add(ctx, leo, c.ID, "d.json", []byte(`{"schema":"plimsoll.declaration/1"}`)), registry.ErrText},
		"evidence that cannot be read":   {d.Add(ctx, leo, c.ID, "p.json", []byte(`{"schema":"plimsoll.probe/1","x":1}`)), registry.ErrText},
		"an address that is none":        {func() error { _, err := d.Begin(ctx, mia, file(t, "product.json"), "<b>"); return err }(), registry.ErrText},
		"a body that grants nothing":     {d.Ask(ctx, mia, c.ID, "lab"), review.ErrState},
		"a file that is larger than any": {d.Add(ctx, leo, c.ID, "x", make([]byte, review.MaxFile+1)), registry.ErrText},
	} {
		if !errors.Is(x.got, x.want) {
			t.Errorf("%s: %v, want %v", what, x.got, x.want)
		}
	}
	if err := d.Return(ctx, bea, c.ID, "The policy is missing."); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Find(ctx, mia, c.ID); err != nil || got.State != review.Draft || got.Note == "" {
		t.Errorf("%+v, %v", got, err)
	}
	for who, want := range map[*review.Person]int{mia: 1, leo: 1, bea: 1, other: 0} {
		if list, err := d.List(ctx, who); err != nil || len(list) != want {
			t.Errorf("%s sees %d cases, %v", who.Name, len(list), err)
		}
	}
}

// A maker’s own capture does not become a laboratory’s because a laboratory added something else.
func TestALaboratoryStandsForItsOwnWorkAlone(t *testing.T) {
	d, ctx := open(t, true), t.Context()
	mia, leo := person(d, "mia", "maker"), person(d, "leo", "lab")
	c, err := d.Begin(ctx, mia, file(t, "product.json"), device)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"declaration.json", "probe.json"} {
		if err := d.Add(ctx, mia, c.ID, name, file(t, name)); err != nil {
			t.Fatal(err)
		}
	}
	classes := func() map[string]int {
		c, err := d.Find(ctx, mia, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		r, err := d.Assess(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		return r.Summary().Classes
	}
	if got := classes(); got["lab-tested"] != 0 || got["seen"] == 0 {
		t.Errorf("the maker alone: %v", got)
	}
	if err := d.Add(ctx, leo, c.ID, "note.md", []byte("nothing yet")); err != nil {
		t.Fatal(err)
	}
	if got := classes(); got["lab-tested"] != 0 || got["seen"] != 0 {
		t.Errorf("the maker’s probe counts as the laboratory’s: %v", got)
	}
}

func TestWhoKeepsItsKeySignsElsewhere(t *testing.T) {
	d, ctx := open(t, false), t.Context()
	c := asked(t, d)
	if err := d.For(ctx, person(d, "bea", "body"), c.ID); err != nil {
		t.Fatal(err)
	}
	ben := person(d, "ben", "body")
	if err := d.Confirm(ctx, ben, c.ID, nil); !errors.Is(err, review.ErrNoKey) {
		t.Fatalf("with no key: %v", err)
	}
	c, err := d.Find(ctx, ben, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Statement(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	better := *s
	better.Norms = bytes.Clone(s.Norms)
	better.SetClass("etsi.5.1-1", label.LabTested)
	for name, x := range map[string]struct {
		s    *label.Statement
		seed byte
		want error
	}{"another statement": {&better, 1, review.ErrDiffer}, "another key": {s, 77, label.ErrUntrusted}} {
		sign1, err := label.Sign(x.s, storetest.Key(x.seed))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Confirm(ctx, ben, c.ID, sign1); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", name, err, x.want)
		}
	}
	if err := d.Confirm(ctx, ben, c.ID, []byte("label")); err == nil {
		t.Error("no label at all is taken")
	}
	sign1, err := label.Sign(s, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Confirm(ctx, ben, c.ID, sign1); err != nil {
		t.Fatal(err)
	}
	if list, err := d.Registry.Store.LabelsOf(ctx, c.GTIN, 9); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
}

// Two persons who confirm at the same time grant one label.
func TestTwoWhoConfirmAtOnceGrantOnce(t *testing.T) {
	d, ctx := open(t, true), t.Context()
	c := asked(t, d)
	if err := d.For(ctx, person(d, "bea", "body"), c.ID); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for i := range 4 {
		go func() { done <- d.Confirm(ctx, person(d, fmt.Sprint("ben", i), "body"), c.ID, nil) }()
	}
	good := 0
	for range 4 {
		if err := <-done; err == nil {
			good++
		}
	}
	list, err := d.Registry.Store.LabelsOf(ctx, c.GTIN, 9)
	if err != nil || len(list) != 1 || good != 1 {
		t.Errorf("%d labels, %d were told so, %v", len(list), good, err)
	}
}
