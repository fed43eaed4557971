package household_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/auth"
)

// enter comes in with a role, by a code.
func (h *house) enter(t *testing.T, role string) {
	t.Helper()
	h.jar = newJar(t)
	if h.post(t, "/en/sign-in", "code", h.Site.Door.Code(role), "to", "/guest"); h.status != http.StatusOK {
		t.Fatalf("%s cannot come in: %d", role, h.status)
	}
}

// An owner adds somebody, who comes in by the code and may do what the role says; with another role, they come in anew.
func TestSomebodyIsAddedAndComesIn(t *testing.T) {
	h := furnish(t, true)
	h.enter(t, "owner")
	owner := h.jar
	page := h.post(t, "/en/people", "do", "add", "name", "Zoé", "role", "child")
	code := regexp.MustCompile(`sign-in\?code=(\d{8})`).FindStringSubmatch(page)
	if code == nil {
		t.Fatal(page)
	}
	zoe := newJar(t)
	h.jar = zoe
	h.post(t, "/en/sign-in", "code", code[1])
	if page := h.get(t, "/en/"); h.status != 200 || strings.Contains(page, "/en/devices/") || !strings.Contains(page, "Show this to a grown-up") || strings.Contains(page, "200 addresses") {
		t.Errorf("a child sees: %d", h.status)
	}
	if h.get(t, "/en/devices/"+h.Camera.ID); h.status != 403 {
		t.Errorf("a child sees whom a device talks to: %d", h.status)
	}
	h.jar = owner
	h.post(t, "/en/people", "do", "role", "name", "Zoé", "role", "adult")
	h.jar = zoe
	if page := h.get(t, "/en/"); !strings.Contains(page, "one-time-code") {
		t.Error("a session keeps a role that its person has no more")
	}
	h.jar = owner
	for _, wrong := range [][]string{
		{"do", "add", "name", "Zoé", "role", "child"},
		{"do", "add", "name", "<b>", "role", "child"},
		{"do", "add", "name", strings.Repeat("é", 41), "role", "child"},
		{"do", "add", "name", "Max", "role", "king"},
		{"do", "remove", "name", "owner"},
		{"do", "add", "name", "helper", "role", "owner"},
		{"do", "password", "name", "Zoé", "password", "short"},
		{"do", "none", "name", "Zoé"},
		{"do", "role", "name", "Nobody", "role", "child"},
	} {
		if h.post(t, "/en/people", wrong...); h.status < 400 || h.status >= 500 {
			t.Errorf("%v: status %d", wrong, h.status)
		}
	}
	h.post(t, "/en/people", "do", "password", "name", "Zoé", "password", "a long password")
	h.jar = zoe
	if h.post(t, "/en/sign-in", "name", "Zoé", "password", "a long password", "to", "/week"); h.status != 200 {
		t.Errorf("an adult with a password: %d", h.status)
	}
	if err := h.Store.ChangeUser(t.Context(), "Zoé", func(u *auth.User) error {
		u.Passkeys = []auth.Passkey{{ID: []byte{1}, Name: "phone"}}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	h.jar = owner
	if page := h.get(t, "/en/people"); !strings.Contains(page, `value="passkeys"`) {
		t.Error("an owner does not see that somebody has a passkey")
	}
	h.post(t, "/en/people", "do", "passkeys", "name", "Zoé")
	if keys, err := h.Site.Door.Passkeys(t.Context(), "Zoé"); err != nil || len(keys) != 0 {
		t.Errorf("%d passkeys are left, %v", len(keys), err)
	}
	h.jar = zoe
	if page := h.get(t, "/en/week"); !strings.Contains(page, "one-time-code") {
		t.Error("whose passkeys were taken away is still in")
	}
	h.post(t, "/en/sign-in", "name", "Zoé", "password", "a long password", "to", "/week")
	h.jar = owner
	h.post(t, "/en/people", "do", "remove", "name", "Zoé")
	h.jar = zoe
	if page := h.get(t, "/en/week"); !strings.Contains(page, "one-time-code") {
		t.Error("who was removed is still in")
	}
}

// A child asks, an adult sees who asked and for what, looks, and it is gone.
func TestAChildAsksAGrownUpToLook(t *testing.T) {
	h := furnish(t, true)
	h.enter(t, "owner")
	owner := h.jar
	page := h.post(t, "/en/people", "do", "add", "name", "Zoé", "role", "child")
	h.jar = newJar(t)
	h.post(t, "/en/sign-in", "code", regexp.MustCompile(`sign-in\?code=(\d{8})`).FindStringSubmatch(page)[1])
	if page := h.get(t, "/en/"); !strings.Contains(page, "Ask a grown-up") || !strings.Contains(page, "Ask somebody to look") {
		t.Fatal("a child cannot ask")
	}
	if page := h.post(t, "/en/ask", "device", h.Camera.ID); !strings.Contains(page, "You asked.") {
		t.Error("a child is not told that it asked")
	}
	if h.post(t, "/en/looked", "device", h.Camera.ID); h.status != 403 {
		t.Errorf("a child answers for a grown-up: %d", h.status)
	}
	if h.post(t, "/en/ask", "device", "none"); h.status != 404 {
		t.Errorf("no such device: %d", h.status)
	}
	h.jar = owner
	if page := h.get(t, "/en/"); !strings.Contains(page, "Zoé asks you to look at it.") {
		t.Error("who decides is not told")
	}
	if page := h.post(t, "/en/looked", "device", h.Camera.ID); strings.Contains(page, "Zoé asks you") {
		t.Error("it does not go")
	}
}

// Who comes in as a guest is led to what guests may see, and shown no way to anything else.
func TestAGuestIsLedToTheirPage(t *testing.T) {
	h := furnish(t, true)
	h.enter(t, "guest")
	page := h.get(t, "/en/")
	if h.status != 200 || !strings.Contains(page, "Can hear") || strings.Contains(page, ">Home<") {
		t.Errorf("%d: %.600s", h.status, page)
	}
	for _, a := range regexp.MustCompile(`<a href="/en(/[^"]*)"`).FindAllStringSubmatch(page, -1) {
		if h.get(t, "/en"+a[1]); h.status != 200 {
			t.Errorf("a guest is shown the way to %s, which is %d", a[1], h.status)
		}
	}
}

func TestASessionIsEndedByWhoseItIs(t *testing.T) {
	h := furnish(t, true)
	h.enter(t, "owner")
	owner := h.jar
	h.enter(t, "helper")
	helper := h.jar
	session := regexp.MustCompile(`name="session" value="([0-9a-f]{64})"`)
	page := h.get(t, "/en/sessions")
	own := session.FindAllStringSubmatch(page, -1)
	if len(own) != 1 {
		t.Fatalf("a helper sees %d sessions", len(own))
	}
	h.jar = owner
	all := session.FindAllStringSubmatch(h.get(t, "/en/sessions"), -1)
	if len(all) != 2 {
		t.Fatalf("an owner sees %d sessions", len(all))
	}
	h.jar = helper
	for _, s := range all {
		if s[1] != own[0][1] {
			if h.post(t, "/en/sessions", "session", s[1]); h.status != 404 {
				t.Errorf("a helper ends the session of an owner: %d", h.status)
			}
		}
	}
	h.jar = owner
	h.post(t, "/en/sessions", "session", own[0][1])
	h.jar = helper
	if page := h.get(t, "/en/"); !strings.Contains(page, "one-time-code") {
		t.Error("the session did not end")
	}
}

// Who is in a home as a guest learns what sees and hears there, if the household wants that, and nothing else.
func TestGuestsLearnWhatSeesAndHears(t *testing.T) {
	h := furnish(t, true)
	if page := h.get(t, "/en/guest"); !strings.Contains(page, "one-time-code") {
		t.Error("everybody sees the page, and nobody said so")
	}
	s, err := h.Store.Settings(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	s.GuestPage = true
	if err := h.Store.SaveSettings(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	page := h.get(t, "/en/guest")
	for _, w := range []string{"Can see", "Can hear", "Camera", "Hall", "nobody knows yet"} {
		if !strings.Contains(page, w) {
			t.Errorf("the page does not say %q", w)
		}
	}
	if strings.Contains(page, "porch") || strings.Contains(page, "/en/devices/") {
		t.Error("a guest learns what devices call themselves")
	}
	if page := h.get(t, "/en/"); !strings.Contains(page, "one-time-code") {
		t.Error("everybody sees the home")
	}
}

// An owner makes a token for a program, sees its secret once, and takes it away.
func TestATokenIsMadeShownOnceAndTakenAway(t *testing.T) {
	h := furnish(t, true)
	h.enter(t, "owner")
	page := h.post(t, "/en/tokens", "do", "add", "name", "Lights")
	secret := regexp.MustCompile(`<code class="long">([A-Za-z0-9_-]{43})</code>`).FindStringSubmatch(page)
	if secret == nil {
		t.Fatal(page)
	}
	if ok, err := h.Store.KnowsToken(t.Context(), secret[1], time.Now()); !ok || err != nil {
		t.Errorf("the secret is not that of the token: %v", err)
	}
	page = h.get(t, "/en/tokens")
	if strings.Contains(page, secret[1]) || !strings.Contains(page, "Lights") || !strings.Contains(page, "Used last") {
		t.Error("the secret is shown again, or the token is not")
	}
	h.post(t, "/en/tokens", "do", "remove", "token", regexp.MustCompile(`name="token" value="([0-9a-f]{64})"`).FindStringSubmatch(page)[1])
	if ok, _ := h.Store.KnowsToken(t.Context(), secret[1], time.Now()); ok {
		t.Error("it is not taken away")
	}
	for _, wrong := range [][]string{{"do", "add", "name", "<b>"}, {"do", "none"}} {
		if h.post(t, "/en/tokens", wrong...); h.status != 400 {
			t.Errorf("%v: %d", wrong, h.status)
		}
	}
	for n := range 40 {
		if h.post(t, "/en/tokens", "do", "add", "name", fmt.Sprint("program ", n)); h.status == 409 && n >= 31 {
			return
		}
	}
	t.Error("there is no end of tokens")
}

// Nobody watches unseen: the page of a device tells who looked at it.
func TestThePageOfADeviceTellsWhoLooked(t *testing.T) {
	h := furnish(t, true)
	for _, role := range []string{"helper", "owner"} {
		h.enter(t, role)
		h.get(t, "/en/devices/"+h.Camera.ID)
	}
	page := h.get(t, "/en/devices/"+h.Camera.ID)
	if _, list, ok := strings.Cut(page, "Who looked at this page"); !ok || !strings.Contains(list, ">Helper<") || !strings.Contains(list, ">Owner<") {
		t.Error("who looked is not told")
	}
	if page := h.get(t, "/en/devices/"+h.Lamp.ID); strings.Contains(page, ">Helper<") {
		t.Error("somebody is said to have looked who did not")
	}
}

// Who takes a letter, the evidence or a rehearsal alone has looked too.
func TestWhoReadsAboutADeviceElsewhereIsToldToo(t *testing.T) {
	for _, path := range []string{"/evidence.json", "/letter/maker", "/rehearsal"} {
		h := furnish(t, true)
		h.enter(t, "adult")
		if h.get(t, "/en/devices/"+h.Camera.ID+path); h.status != 200 {
			t.Fatalf("%s: status %d", path, h.status)
		}
		h.enter(t, "owner")
		_, list, _ := strings.Cut(h.get(t, "/en/devices/"+h.Camera.ID), "id=\"lookers\"")
		if !strings.Contains(list, ">Adult<") {
			t.Errorf("%s: who looked is not told", path)
		}
	}
}

// When all lessons were done the home has its badge, not before.
func TestAHomeHasABadgeWhenAllLessonsAreDone(t *testing.T) {
	h := furnish(t, false)
	for _, l := range []string{"here", "names", "senses", "talk", "cut", "outage", "scam"} {
		if page := h.get(t, "/en/lessons"); strings.Contains(page, "did all its lessons") {
			t.Fatalf("it has the badge before %s", l)
		}
		h.post(t, "/en/lessons/"+l, "done", "yes")
	}
	if page := h.get(t, "/en/lessons"); !strings.Contains(page, "did all its lessons") {
		t.Error("no badge")
	}
}
