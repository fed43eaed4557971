//go:build !gateway

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
)

// Whoever is shown can be given a passkey: they are people of the registry, not codes alone.
func TestTheCastOfADemonstrationIsOfItsRegistry(t *testing.T) {
	dir := t.TempDir()
	if _, err := newPublicRegistry(t.Context(), env{}, locale.New(locale.English), dir, nil, 0); err != nil {
		t.Fatal(err)
	}
	store, err := openRegistry(t.Context(), "", filepath.Join(dir, "registry"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, who := range cast {
		if u, err := store.User(t.Context(), who.name); err != nil || u.Role != who.account {
			t.Errorf("%s: %+v, %v", who.name, u, err)
		}
	}
}

// A variable that somebody exported does not put a demonstration onto a stage that nobody made.
func TestAnInheritedStageIsNone(t *testing.T) {
	e := env{getenv: func(name string) string { return map[string]string{onStage: "1"}[name] }}
	if pages, labels, err := handed(e); pages != nil || labels != nil || err != nil {
		t.Errorf("%v, %v, %v", pages, labels, err)
	}
	if on, err := enter(e, nil, nil); on || err != nil {
		t.Errorf("%v, %v", on, err)
	}
}

// What a product of the demonstration says of its past is one that is known, or the demonstration does not begin.
func TestAPastThatNobodyKnowsIsAnError(t *testing.T) {
	p := &publicRegistry{words: locale.New(locale.English)}
	if err := p.before(t.Context(), nil, "restorde", label.Hash{}); err == nil || !strings.Contains(err.Error(), `"restorde"`) {
		t.Errorf("%v", err)
	}
}
