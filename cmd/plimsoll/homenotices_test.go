//go:build !gateway

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/notice"
)

// A gateway that is told where to send tries it when it is asked, and says at once that a camera does harm. Neither its log
// nor its verbs tell the token.
func TestAGatewayTellsOfACameraThatGoesBad(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the home whose camera goes bad: it takes half a minute")
	}
	var mu sync.Mutex
	var got [][]byte
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer s3cr3t-token" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		got = append(got, body)
	}))
	defer hook.Close()
	dir := t.TempDir()
	secret := filepath.Join(dir, "token")
	if err := os.WriteFile(secret, []byte("s3cr3t-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, log screen
	words := locale.New(locale.English)
	g := upFlags(env{os.Stdin, &out, &log, func(string) string { return "" }}, words, "")
	p, err := newDemonstration(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	g.apart, g.lan, g.state, g.socket, g.open = true, "demo", dir, filepath.Join(dir, "control"), func() (source, error) { return p, nil }
	g.lang, g.notices = locale.French, noticeFlags{channels: []string{hook.URL + "/private-path#secret=" + secret}, quiet: "none"}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	verb := func(args ...string) (int, string) {
		var said bytes.Buffer
		code := run(t.Context(), append([]string{"home", "notices", "--socket", g.socket}, args...), env{nil, &said, &said, func(string) string { return "" }})
		return code, said.String()
	}
	eventually(t, time.Minute, "a gateway", func() bool { code, _ := verb(); return code == exitDone })
	if code, text := verb("--test"); code != exitDone || !strings.Contains(text, "The test was taken.") {
		t.Errorf("exit %d: %s", code, text)
	}
	var alert notice.Alert
	eventually(t, time.Minute, "word of the camera", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(got) > 1 && json.Unmarshal(got[1], &alert) == nil
	})
	if alert.Test || len(alert.Causes) == 0 || alert.Causes[0].Class != notice.Harm || !strings.Contains(alert.Causes[0].What, "la porte") || alert.Lang != locale.French {
		t.Errorf("%+v", alert)
	}
	code, text := verb("--json")
	var r notice.Report
	if err := json.Unmarshal([]byte(text), &r); code != exitDone || err != nil || len(r.Channels) != 1 || !r.Channels[0].Fixed || r.Channels[0].Last == nil {
		t.Errorf("exit %d, %v: %s", code, err, text)
	}
	for _, s := range []string{text, log.String(), out.String()} {
		if strings.Contains(s, "s3cr3t") || strings.Contains(s, "private-path") {
			t.Errorf("a secret is told: %s", s)
		}
	}
	hook.Close()
	if code, text := verb("--test"); code != exitFailed || !strings.Contains(text, "refuses to talk at that port") {
		t.Errorf("exit %d: %s", code, text)
	}
}

// The link of a message leads where others reach the pages: behind a proxy that is what is said of it, not what is listened on.
func TestALinkLeadsWhereOthersReachThePages(t *testing.T) {
	for _, x := range []struct{ served, public, name, want string }{
		{"", "https://home.example", "", ""},
		{"127.0.0.1:7376", "", "", ""},
		{"127.0.0.1:7376", "https://home.example", "", "https://home.example/fr/"},
		{"192.168.1.2:7376", "https://home.example:8443/", "plimsoll.home", "https://home.example:8443/fr/"},
		{"192.168.1.2:7376", "", "plimsoll.home", "https://plimsoll.home:7376/fr/"},
	} {
		g := &gateway{}
		if x.served != "" {
			at := netip.MustParseAddrPort(x.served)
			g.served.Store(&at)
		}
		if x.name != "" {
			g.pages.names = []string{x.name}
		}
		if x.public != "" {
			var err error
			if g.pages.public, err = parsePublic(x.public); err != nil {
				t.Fatal(err)
			}
		}
		if got := g.link(locale.French); got != x.want {
			t.Errorf("%+v: %q", x, got)
		}
	}
}

func TestAWrongFlagOfNoticesIsExplained(t *testing.T) {
	for _, x := range []struct {
		flags noticeFlags
		says  string
		exit  error
	}{
		{noticeFlags{channels: []string{"smtps://me:s3cr3t@mail.example#to=a@b.example"}}, "A password does not belong in the command line.", errUsage},
		{noticeFlags{channels: []string{"http://hooks.example/s3cr3t"}}, "What is not encrypted does not leave the home.", errUsage},
		{noticeFlags{channels: []string{"https://hooks.example/#secret=/none/there"}}, "", os.ErrNotExist},
		{noticeFlags{at: "dimanche 18:00"}, "That is no day of the week.", errUsage},
		{noticeFlags{quiet: "22-7"}, "That is no time of the day.", errUsage},
	} {
		words := locale.New(locale.English)
		g := &gateway{gatewayFlags: gatewayFlags{words: words, lang: locale.English, notices: x.flags}}
		err := g.openNotices(t.Context(), t.TempDir())
		if !errors.Is(err, x.exit) || !strings.Contains(explain(err, words), x.says) || strings.Contains(explain(err, words), "s3cr3t") {
			t.Errorf("%+v: %v", x.flags, err)
		}
	}
}
