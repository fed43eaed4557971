//go:build !gateway

package main

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/passkey/passkeytest"
)

// proxied is a browser before a proxy that ends TLS: the registry sees its requests come unencrypted, by the public name.
type proxied struct {
	*testing.T
	s      *served
	cookie *http.Cookie
}

func (p *proxied) ask(method, path string, pairs ...string) (status int, body string) {
	p.Helper()
	f := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequestWithContext(p.Context(), method, p.s.at+path, strings.NewReader(f.Encode()))
	if err != nil {
		p.Fatal(err)
	}
	r.Host = "id.example"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if p.cookie != nil {
		r.AddCookie(&http.Cookie{Name: p.cookie.Name, Value: p.cookie.Value})
	}
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	a, err := c.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer a.Body.Close()
	for _, c := range a.Cookies() {
		if !c.Secure || c.Name != "__Host-plimsoll-workspace" {
			p.Errorf("a session that is not secure: %+v", c)
		}
		p.cookie = c
	}
	b, err := io.ReadAll(a.Body)
	if err != nil {
		p.Fatal(err)
	}
	return a.StatusCode, string(b)
}

// Somebody adds a passkey to a registry behind a proxy, and comes in by it; the operator sees that, and takes it away.
func TestAPersonComesInByAPasskeyUntilTheOperatorTakesItAway(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		s := newServed(t, database)
		if code, _, stderr := call(t, strings.NewReader("correct horse\n"), "registry", "person", "add", "bea", "--account", "body", "--state", s.dir, "--database", database); code != exitDone {
			t.Fatal(stderr)
		}
		s.more = []string{"--public-url", "https://id.example"}
		s.start(t)
		defer s.end(t, syscall.SIGTERM)
		p := &proxied{T: t, s: s}
		if code, _ := p.ask("POST", "/en/sign-in", "name", "bea", "password", "correct horse", "to", "/desk"); code != http.StatusSeeOther {
			t.Fatalf("the password: %d", code)
		}
		d := passkeytest.New("https://id.example")
		_, question := p.ask("POST", "/en/passkeys/new")
		answer, err := d.Create([]byte(question))
		if err != nil {
			t.Fatal(err, question)
		}
		if code, body := p.ask("POST", "/en/passkeys", "do", "add", "name", "phone", "answer", string(answer)); code != http.StatusSeeOther {
			t.Fatalf("a passkey is added: %d %s", code, body)
		}
		enter := func() int {
			p.cookie = nil
			_, question := p.ask("POST", "/fr/sign-in/passkey")
			answer, err := d.Get([]byte(question))
			if err != nil {
				t.Fatal(err, question)
			}
			code, _ := p.ask("POST", "/fr/sign-in", "answer", string(answer), "to", "/desk")
			return code
		}
		if code := enter(); code != http.StatusSeeOther {
			t.Fatalf("the passkey: %d", code)
		}
		if code, body := p.ask("GET", "/fr/desk"); code != http.StatusOK {
			t.Errorf("the workspace: %d %s", code, body)
		}
		if said := s.verb(t, exitDone, "registry person list"); !strings.Contains(said, "bea, for body, passkeys: 1") {
			t.Error(said)
		}
		s.verb(t, exitDone, "registry person reset bea")
		if code, _ := p.ask("GET", "/fr/desk"); code != http.StatusSeeOther {
			t.Errorf("the session goes on: %d", code)
		}
		if code := enter(); code != http.StatusForbidden {
			t.Errorf("the passkey still lets in: %d", code)
		}
		auditInWords(t, s.verb(t, exitDone, "registry audit --json"))
		said := s.verb(t, exitDone, "registry audit")
		for _, want := range []string{"passkey-add", "person-reset"} {
			if !strings.Contains(said, want) {
				t.Errorf("%s is not audited: %s", want, said)
			}
		}
	})
}

// auditInWords fails the test if the audit page of a registry would have no words for something in the audit.
func auditInWords(t *testing.T, audit string) {
	t.Helper()
	found := regexp.MustCompile(`"action": ?"([a-z-]+)"`).FindAllStringSubmatch(audit, -1)
	if len(found) == 0 {
		t.Errorf("nothing is audited: %s", audit)
	}
	for _, m := range found {
		for _, l := range locale.Languages {
			if key := "work.action." + m[1]; locale.New(l).Text(key) == key {
				t.Errorf("%s has no words in %s", m[1], l)
			}
		}
	}
}
