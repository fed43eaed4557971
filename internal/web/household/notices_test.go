package household_test

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/notice"
	"plimsoll.example/plimsoll/label"
)

// An owner says where to send, tries it, is told what is wrong and what to do, mends it, and takes it back.
func TestAnOwnerSaysWhereTheDigestGoes(t *testing.T) {
	var got []string
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got = append(got, r.Header.Get("Authorization")); r.Header.Get("Authorization") != "Bearer s3cr3t-token" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer hook.Close()
	h := furnish(t, true)
	h.enter(t, "owner")
	if page := h.get(t, "/en/settings"); !strings.Contains(page, "/en/notices") {
		t.Error("the settings do not lead there")
	}
	if page := h.get(t, "/en/notices"); !strings.Contains(page, "Nothing is sent to anybody.") {
		t.Error("it is not said that nothing is sent")
	}
	page := h.post(t, "/en/notices", "do", "put", "kind", "webhook", "server", hook.URL+"/private-path", "secret", "s3cr3t-wrong", "lang", "fr", "alerts", "yes")
	id := regexp.MustCompile(`name="channel" value="([0-9a-f]{8})"`).FindStringSubmatch(page)
	if id == nil || !strings.Contains(page, "The weekly digest, and what cannot wait.") || !strings.Contains(page, "The next digest is sent on") {
		t.Fatal(page)
	}
	page = html.UnescapeString(h.post(t, "/en/notices", "do", "test", "channel", id[1]))
	if h.status != http.StatusOK || !strings.Contains(page, "does not accept the user name or the password") || !strings.Contains(page, "Type both in anew") {
		t.Errorf("%d: what is wrong is not said", h.status)
	}
	page += h.post(t, "/en/notices", "do", "put", "channel", id[1], "kind", "webhook", "server", hook.URL+"/private-path", "secret", "s3cr3t-token", "lang", "en")
	if page += h.post(t, "/en/notices", "do", "put", "channel", id[1], "kind", "webhook", "server", hook.URL+"/private-path", "secret", "", "lang", "en"); !strings.Contains(page, "saved; leave this empty") {
		t.Error("it is not said that the token is kept")
	}
	if page += h.post(t, "/en/notices", "do", "test", "channel", id[1]); !strings.Contains(page, "The test was taken.") {
		t.Errorf("the token that was kept is not used: %v", got)
	}
	if strings.Contains(page, "s3cr3t") {
		t.Error("a page has the token")
	}
	if strings.Contains(strings.ReplaceAll(page, `value="`+hook.URL+`/private-path"`, ""), "private-path") {
		t.Error("the path of the hook is shown outside of its field")
	}
	export := h.get(t, "/en/carry/home.json")
	if h.status != http.StatusOK || strings.Contains(export, "s3cr3t") || strings.Contains(export, "private-path") {
		t.Error("what is exported has the token, or the address")
	}
	info, err := os.Stat(filepath.Join(h.Pages.Notices.Dir, "notices.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if h.post(t, "/en/notices", "do", "plan", "day", "Wednesday", "at", "07:30", "from", "21:00", "to", "08:00"); h.status != http.StatusOK {
		t.Error(h.status)
	}
	if s := h.Pages.Notices.Settings(); s.Day != time.Wednesday || s.At.String() != "07:30" || s.Quiet.String() != "21:00-08:00" {
		t.Errorf("%+v", s.Plan)
	}
	for _, x := range []struct {
		status int
		says   string
		form   []string
	}{
		{422, "does not leave the home", []string{"do", "put", "kind", "webhook", "server", "http://hooks.example/", "lang", "en"}},
		{422, "no address of e-mail", []string{"do", "put", "kind", "mail", "server", "mail.example", "recipient", "x\r\nBcc: y", "lang", "en"}},
		{422, "no topic", []string{"do", "put", "kind", "ntfy", "server", "ntfy.example", "topic", "our home", "lang", "en"}},
		{422, "no certificate", []string{"do", "put", "kind", "mqtt", "server", "broker.example", "topic", "x", "ca", "hello", "lang", "en"}},
		{422, "no such way", []string{"do", "put", "kind", "pigeon", "server", "x", "lang", "en"}},
		{422, "no time of the day", []string{"do", "plan", "day", "Sunday", "at", "25:00", "from", "22:00", "to", "07:00"}},
		{404, "", []string{"do", "remove", "channel", "00000000"}},
		{404, "", []string{"do", "put", "channel", "00000000", "kind", "webhook", "server", "https://h.example", "lang", "en"}},
		{404, "", []string{"do", "test", "channel", "00000000"}},
		{400, "", []string{"do", "dance"}},
	} {
		page := html.UnescapeString(h.post(t, "/en/notices", x.form...))
		if h.status != x.status || !strings.Contains(page, x.says) {
			t.Errorf("%v: status %d, and does it say %q?", x.form, h.status, x.says)
		}
	}
	if page := h.post(t, "/en/notices", "do", "remove", "channel", id[1]); !strings.Contains(page, "Nothing is sent to anybody.") {
		t.Error("it is not taken back")
	}
}

// What is sent is what the page of the week says; what interrupts is what does harm, and what is new.
func TestTheDigestSaysWhatThePageSays(t *testing.T) {
	h := furnish(t, false)
	for _, l := range locale.Languages {
		words := locale.New(l)
		w, err := h.Pages.Week(t.Context(), words)
		if err != nil {
			t.Fatal(err)
		}
		page := strings.ReplaceAll(html.UnescapeString(h.get(t, "/"+string(l)+"/week")), "\ufffd", "\u202e")
		for _, text := range append([]string{w.Sentence, w.Actions[0].Do, w.Actions[0].Why, w.New[0].Text, w.Found[0].Text, w.Support[0].Text}, w.More) {
			if !strings.Contains(page, text) {
				t.Errorf("%s: the page does not say %q", l, text)
			}
		}
		if len(w.Actions) > 3 || w.Devices["act"] != 1 || len(w.New) != 3 {
			t.Errorf("%+v", w)
		}
		causes, err := h.Pages.Causes(t.Context(), words)
		if err != nil {
			t.Fatal(err)
		}
		counts := map[notice.Class]int{}
		for _, c := range causes {
			counts[c.Class]++
			if c.What == "" || c.Do == "" || strings.Contains(c.What+c.Do, "notice.") {
				t.Errorf("%+v", c)
			}
		}
		if counts[notice.Harm] != 1 || counts[notice.Newcomer] != 3 || counts[notice.Cut] != 0 {
			t.Errorf("%v", counts)
		}
	}
	if err := h.Store.SetFinding(t.Context(), h.Finding.ID(), "muted"); err != nil {
		t.Fatal(err)
	}
	causes, err := h.Pages.Causes(t.Context(), locale.New(locale.English))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range causes {
		if c.Class == notice.Harm {
			t.Errorf("what is normal interrupts: %+v", c)
		}
	}
}

// What the program cut off is told of until somebody says yes to it, however much is decided about it meanwhile; what a person
// cut off is told to nobody, and what a label does is.
func TestWhatWasCutOffByItselfInterrupts(t *testing.T) {
	h := furnish(t, false)
	cuts := func() (list []notice.Cause) {
		t.Helper()
		causes, err := h.Pages.Causes(t.Context(), locale.New(locale.English))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range causes {
			if c.Class == notice.Cut {
				list = append(list, c)
			}
		}
		return list
	}
	decide := func(actor string, verb home.Verb, device, argument string) {
		t.Helper()
		if _, err := h.Decide(t.Context(), actor, verb, device, argument); err != nil {
			t.Fatal(err)
		}
	}
	decide(home.Program, home.Quarantine, h.Camera.ID, h.Finding.ID())
	decide("page:owner", home.Quarantine, h.Lamp.ID, "it flickers")
	first := cuts()
	if len(first) != 1 || first[0].Device != h.Camera.ID || first[0].Since.IsZero() || first[0].What == "" || first[0].Do == "" {
		t.Fatalf("%+v", first)
	}
	for i := range 60 {
		if _, _, err := h.Describe(t.Context(), "page:owner", h.Camera.ID, func(d *home.Device) { d.Room = fmt.Sprint("Room ", i) }); err != nil {
			t.Fatal(err)
		}
	}
	if again := cuts(); len(again) != 1 || again[0].Key != first[0].Key {
		t.Errorf("after more decisions: %+v", again)
	}
	decide("page:owner", home.Confirm, h.Camera.ID, "")
	if left := cuts(); len(left) != 0 {
		t.Errorf("somebody said yes to it: %+v", left)
	}
	decide("page:owner", home.WatchOn, h.Lamp.ID, "")
	if _, err := h.Labelled(t.Context(), h.Lamp.ID, &home.Label{Status: label.Withdrawn, Since: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if left := cuts(); len(left) != 1 || left[0].Device != h.Lamp.ID {
		t.Errorf("a label was withdrawn: %+v", left)
	}
}
