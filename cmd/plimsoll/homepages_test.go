package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/home"
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
	case <-time.After(time.Minute):
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

// A program with a token of the pages reads what the gateway knows, changes nothing, takes not all away, and reads no more
// when its token is gone.
func TestAProgramWithATokenReadsAndDoesNothingElse(t *testing.T) {
	g, _ := running(t)
	g.door = auth.NewDoor(g.store, time.Now)
	g.pages.listen = "127.0.0.1:0"
	at := make(chan string, 1)
	g.pages.ready = func(l net.Listener, _ string) { at <- "http://" + l.Addr().String() }
	serve, err := g.servePages(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	url := <-at
	token, secret := home.NewToken("lights", "page:owner", time.Now())
	if err := g.store.ChangeTokens(ctx, func(list []home.Token) ([]home.Token, error) { return append(list, token), nil }); err != nil {
		t.Fatal(err)
	}
	ask := func(method, path, authorization string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, method, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	for _, x := range []struct {
		method, path, authorization string
		want                        int
	}{
		{"GET", "/api/v1/devices", "Bearer " + secret, 200},
		{"GET", "/api/v1/status", "bearer " + secret, 200},
		{"GET", "/api/v1/openapi.json", "Bearer " + secret, 200},
		{"GET", "/metrics", "Bearer " + secret, 200},
		{"GET", "/api/v1/devices", "", 401},
		{"GET", "/metrics", "", 401},
		{"GET", "/api/v1/devices", "Bearer " + token.ID, 401},
		{"GET", "/api/v1/devices", "Basic " + secret, 401},
		{"GET", "/api/v1/export", "Bearer " + secret, 403},
		{"POST", "/api/v1/undo", "Bearer " + secret, 405},
		{"PATCH", "/api/v1/devices/cam", "Bearer " + secret, 405},
		{"POST", "/api/v1/codes", "Bearer " + secret, 405},
		{"GET", "/en/", "Bearer " + secret, 303}, // to come in
	} {
		code, body := ask(x.method, x.path, x.authorization)
		if code != x.want {
			t.Errorf("%s %s as %.8s: %d, want %d: %.200s", x.method, x.path, x.authorization, code, x.want, body)
		}
	}
	list, err := g.store.Tokens(ctx)
	if err != nil || len(list) != 1 || list[0].Used.IsZero() {
		t.Errorf("that it is used is not kept: %+v, %v", list, err)
	}
	if err := g.store.ChangeTokens(ctx, func([]home.Token) ([]home.Token, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	if code, _ := ask("GET", "/api/v1/devices", "Bearer "+secret); code != 401 {
		t.Errorf("a token that is gone: %d", code)
	}
}
