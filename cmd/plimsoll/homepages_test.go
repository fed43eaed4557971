package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/auth"
)

func TestPagesWhosePortIsTakenAreServedWhenItIsFree(t *testing.T) {
	g, _ := running(t)
	g.door = auth.NewDoor(g.store, time.Now)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.pages.listen = taken.Addr().String()
	ready := make(chan struct{})
	g.pages.ready = func(net.Listener, string) { close(ready) }
	if _, err := g.servePages(t.TempDir()); err == nil {
		t.Fatal("a port that is taken is opened")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.pagesLater(ctx, t.TempDir()) }()
	_ = taken.Close()
	select {
	case <-ready:
	case <-time.After(30 * time.Second):
		t.Error("the port is free, and nothing is served")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestTheOwnCertificateIsKeptWhileItIsGood(t *testing.T) {
	dir, p := t.TempDir(), pageFlags{}
	first, err := p.certificate(dir)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := p.certificate(dir); err != nil || !bytes.Equal(first.Leaf.Raw, again.Leaf.Raw) {
		t.Errorf("it is another at the next start: %v", err)
	}
	old, err := ownCertificate(nil, time.Unix(0, 0)) // made when the clock was not set
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pages.pem"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := p.certificate(dir); err != nil || c.Leaf.NotAfter.Before(time.Now()) {
		t.Errorf("one whose time is over is served: %v", err)
	}
}
