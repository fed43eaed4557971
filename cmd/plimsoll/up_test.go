//go:build !gateway

package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// screen is what a program says, to be looked at while it runs.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// eventually waits until something is so.
func eventually(t *testing.T, most time.Duration, what string, is func() bool) {
	t.Helper()
	for until := time.Now().Add(most); !is(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%s: not within %v", what, most)
		}
	}
}

// One command, no question: the address that it prints leads in with one button, to a home whose devices have names, and
// whose camera goes bad while somebody looks; there is a registry beside it. Nothing of it is left, nor of one before that was
// killed.
func TestADemoShowsAHomeThatGoesBad(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the home whose camera goes bad: it takes half a minute")
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	killed := filepath.Join(tmp, "plimsoll-demo-123")
	foreign := filepath.Join(tmp, "plimsoll-demo-of-somebody") // nothing of ours is in it
	for _, dir := range []string{filepath.Join(killed, "home"), foreign} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(killed, shownLock), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(tmp, "plimsoll-demo-pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var out, complaints screen
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"demo", "--http", "127.0.0.1:0"}, env{os.Stdin, &out, &complaints, func(string) string { return "" }})
	}()
	defer func() {
		cancel()
		if code := <-ended; code != exitInterrupted {
			t.Errorf("exit %d, %s", code, complaints.String())
		}
		if left, err := filepath.Glob(filepath.Join(tmp, "*")); err != nil || !slices.Equal(left, []string{foreign, filepath.Join(tmp, "plimsoll-demo-pipe")}) {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}()
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/en/sign-in\?code=\d{8}`)
	eventually(t, time.Minute, "an address", func() bool { return address.MatchString(out.String()) })
	link, err := url.Parse(address.FindString(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: 10 * time.Second}
	page := func(path string) string {
		resp, err := client.Get("http://" + link.Host + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got := page("/en/"); !strings.Contains(got, "Who are you?") {
		t.Errorf("the home is open to everybody: %.200s", got)
	}
	resp, err := client.PostForm("http://"+link.Host+"/en/sign-in", url.Values{"code": {link.Query().Get("code")}})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	eventually(t, time.Minute, "named devices", func() bool {
		p := page("/en/")
		return strings.Contains(p, "14 devices") && strings.Contains(p, "Smart home hub, Philips Hue Bridge")
	})
	eventually(t, time.Minute, "who decides in the registry", func() bool { return strings.Count(out.String(), "sign-in?code=") >= 6 })
	if _, err := os.Stat(killed); err == nil {
		t.Error("what a demonstration left that was killed is there still")
	}
	eventually(t, time.Minute, "a camera that goes bad", func() bool { return strings.Contains(page("/fr/"), "Il essaie la porte de beaucoup d’appareils") })
	if strings.Contains(complaints.String(), "ERROR") {
		t.Errorf("something failed: %s", complaints.String())
	}
}
