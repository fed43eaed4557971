package storetest

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/review"
	"plimsoll.example/plimsoll/norms"
)

// Noon is the time of tests: of Day, at twelve.
func Noon() time.Time { return Day.Time().Add(12 * time.Hour) }

// Run is a registry that runs on a store, with a real log in dir, until the test ends. Account body, a certification
// body, signs with Key(1), lab with Key(2), maker with Key(3), owner, the scheme’s, with Key(4), and the registry itself
// with Key(99). It closes the store.
func Run(t testing.TB, s registry.Store, dir string, now func() time.Time) (*registry.Registry, registry.Transparent) {
	t.Helper()
	ctx := context.Background()
	for i, a := range []*registry.Account{
		{ID: "body", Name: "Example <Authority>", Role: registry.CertificationBody},
		{ID: "lab", Name: "Example Lab", Role: registry.Lab},
		{ID: "maker", Name: "Example Lamps", Role: registry.Manufacturer},
		{ID: "owner", Name: "Example Scheme", Role: registry.SchemeOwner},
	} {
		a.Since, a.Keys = now(), []registry.Key{{Public: Key(byte(i + 1)).Public().(ed25519.PublicKey), From: Day}}
		if err := registry.NewAccount(ctx, s, a); err != nil {
			t.Fatal(err)
		}
	}
	labellog.LogTo(slog.New(slog.DiscardHandler))
	key, _, err := labellog.NewLogKey("registry.example/log")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := labellog.LogSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	log, err := labellog.Open(ctx, filepath.Join(dir, "log"), signer, labellog.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	r, err := registry.Open(ctx, registry.Config{
		Name: "Example Registry", URL: "https://registry.example", Key: Key(99), Store: s, Log: registry.Transparent{Log: log}, Now: now,
		Logger: slog.New(slog.DiscardHandler), Publish: 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	running, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.Run(running); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		end, stop := context.WithTimeout(ctx, 10*time.Second)
		defer stop()
		_ = log.Close(end)
		_ = s.Close()
		RemoveLog(filepath.Join(dir, "log"))
	})
	return r, registry.Transparent{Log: log}
}

// RemoveLog removes the folder of a log that was closed. The library that keeps it may be at its last checkpoint, and make
// a file while the folder is emptied.
func RemoveLog(dir string) {
	for until := time.Now().Add(time.Minute); os.RemoveAll(dir) != nil && time.Now().Before(until); {
		time.Sleep(10 * time.Millisecond)
	}
}

// Seat is the desk of a registry of Run, on the same store; accounts keep their keys there.
func Seat(t testing.TB, r *registry.Registry, s review.Store) *review.Desk {
	t.Helper()
	catalogue, err := norms.Load()
	if err != nil {
		t.Fatal(err)
	}
	return &review.Desk{Registry: r, Store: s, Norms: catalogue, Now: Noon, Key: func(account string) ed25519.PrivateKey {
		if seed := map[string]byte{"body": 1, "lab": 2, "maker": 3, "owner": 4}[account]; seed != 0 {
			return Key(seed)
		}
		return nil
	}}
}
