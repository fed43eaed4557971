//go:build !gateway

package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/assess"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	probes "plimsoll.example/plimsoll/internal/probe"
)

// playedProbe calls the verb probe for devices that are played on this machine, which the program itself refuses to probe.
func playedProbe(t *testing.T, lang locale.Lang, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, talk bytes.Buffer
	words := locale.New(lang)
	config := probes.DefaultConfig()
	config.Only, config.Pace, config.LoginPace = true, 0, 0
	c := newProbeOf(probing{
		env: env{strings.NewReader(""), &out, &talk, os.Getenv}, words: words, config: config,
		neighbours: func() map[netip.Addr]frame.MAC {
			return map[netip.Addr]frame.MAC{netip.MustParseAddr("127.0.0.1"): {2, 0, 0x5e, 0x10, 0, 1}}
		},
		allowed: func(netip.Addr) (string, error) { return "lo", nil },
	})
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	err := c.ExecuteContext(context.Background())
	switch {
	case errors.Is(err, errFound):
		code = exitFound
	case errors.Is(err, errUsage):
		code = exitUsage
	case err != nil:
		code = exitFailed
	}
	if err != nil {
		talk.WriteString(explain(err, words))
	}
	return code, out.String(), talk.String()
}

// camera is a device with a bad password; its port is returned as text.
func camera(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != "admin" || p != "admin" {
			w.Header().Set("WWW-Authenticate", `Basic realm="camera"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(s.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
	return port
}

func TestProbeNeedsConsent(t *testing.T) {
	code, stdout, stderr := playedProbe(t, locale.English, "127.0.0.1", "--ports", camera(t))
	if code != exitUsage || stdout != "" || !strings.Contains(stderr, "consent") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
}

func TestProbeSaysWhatIsBadAndWhatToDo(t *testing.T) {
	port := camera(t)
	file := filepath.Join(t.TempDir(), "probe.json")
	code, stdout, stderr := playedProbe(t, locale.English, "127.0.0.1", "--yes", "--ports", port, "--out", file, "--fail-on", "high")
	if code != exitFound {
		t.Errorf("exit %d, %s", code, stderr)
	}
	for _, want := range []string{"tcp/" + port + " http", "a password that everybody knows", "What to do: choose a password of your own now", "psti.1", "02:00:5e:10:00:01", "not proven safe"} {
		if !strings.Contains(strings.Join(strings.Fields(stdout), " "), want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	code, stdout, _ = playedProbe(t, locale.French, "127.0.0.1", "--yes", "--ports", port, "--no-logins")
	if code != exitDone || !strings.Contains(stdout, "Mauvais\u00a0: tcp/") || strings.Contains(stdout, "connu de tous") {
		t.Errorf("exit %d\n%s", code, stdout)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	validate(t, "probe.json", string(text))
	x, err := assess.ParseTranscript(text)
	if err != nil || x.Device.MAC != "02:00:5e:10:00:01" {
		t.Errorf("%v, %+v", err, x)
	}
}

func TestTheSecurityTxtOfASiteIsLookedAtOnlyWhenAsked(t *testing.T) {
	said := fmt.Sprintf("Contact: mailto:security@lamps.example\nExpires: %s\nPolicy: https://lamps.example/security\n", time.Now().Add(90*24*time.Hour).UTC().Format(time.RFC3339))
	asked := 0
	site := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "http://127.0.0.1/", http.StatusFound)
			return
		}
		fmt.Fprint(w, strings.TrimPrefix(r.URL.Query().Get("x"), " ")+said)
	}))
	t.Cleanup(site.Close)
	dir := t.TempDir()
	roots := filepath.Join(dir, "roots.pem")
	write(t, roots, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw})))
	file := filepath.Join(dir, "security.txt")
	write(t, file, said)
	port := camera(t)
	base := []string{"127.0.0.1", "--yes", "--no-logins", "--ports", port, "--json", "--roots", roots}
	if code, stdout, stderr := playedProbe(t, locale.English, base...); code != exitDone || strings.Contains(stdout, "security.txt") || asked != 0 {
		t.Errorf("exit %d, asked %d times: %s", code, asked, stderr)
	}
	link := site.URL + "/.well-known/security.txt"
	for _, tt := range []struct {
		name, outcome string
		args          []string
		code          int
	}{
		{"on the web", assess.Good, []string{"--allow", "127.0.0.0/8", "--security-txt", link}, exitDone},
		{"in a file", assess.Unclear, []string{"--security-txt", file}, exitDone},
		{"at a private address", "", []string{"--security-txt", link}, exitFailed},
		{"sent away from https", "", []string{"--allow", "127.0.0.0/8", "--security-txt", site.URL + "/away"}, exitFailed},
	} {
		code, stdout, stderr := playedProbe(t, locale.English, append(append([]string{}, base...), tt.args...)...)
		if code != tt.code {
			t.Errorf("%s: exit %d, %s", tt.name, code, stderr)
			continue
		}
		if code != exitDone {
			continue
		}
		validate(t, "probe.json", stdout)
		x, err := assess.ParseTranscript([]byte(stdout))
		if err != nil {
			t.Fatal(err)
		}
		if c := x.Checks[len(x.Checks)-1]; c.Check != "security.txt" || c.Outcome != tt.outcome {
			t.Errorf("%s: %+v", tt.name, c)
		}
	}
}

// A capture tells how a device is updated; one in which it does not speak tells nothing, and is refused.
func TestHowADeviceIsUpdatedIsLookedForInACapture(t *testing.T) {
	port := camera(t)
	base := []string{"127.0.0.1", "--yes", "--no-logins", "--ports", port, "--json"}
	if code, _, stderr := playedProbe(t, locale.English, append(base, "--capture", maker+"bench.pcap")...); code != exitFailed || !strings.Contains(stderr, "in none of the captures") {
		t.Errorf("a capture of another device: exit %d, %s", code, stderr)
	}
	data, err := os.ReadFile(maker + "bench.pcap")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bench.pcap")
	write(t, file, strings.ReplaceAll(string(data), "\x02\x00\x5e\x70\x00\x14", "\x02\x00\x5e\x10\x00\x01"))
	code, stdout, stderr := playedProbe(t, locale.English, append(base, "--capture", file)...)
	if code != exitDone {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	validate(t, "probe.json", stdout)
	x, err := assess.ParseTranscript([]byte(stdout))
	if err != nil {
		t.Fatal(err)
	}
	if c := x.Checks[len(x.Checks)-1]; c.Check != "update.traffic" || c.Outcome != assess.Good || c.Port != "capture" {
		t.Errorf("%+v", x.Checks)
	}
}

func TestAProgramInClearCountsOnlyFromAServerForUpdates(t *testing.T) {
	clear := func(peer string) []finding.Finding {
		return []finding.Finding{{Kind: finding.ClearFirmware, Device: "d1", Role: finding.Actor, Confidence: 0.75, Details: []finding.Detail{{Key: "file", Value: "plug.bin"}, {Key: "peer", Value: peer}}}}
	}
	peer := func(name, service string) []inspect.Peer {
		return []inspect.Peer{{Name: name, Scope: "internet", Services: []string{service}}}
	}
	for name, c := range map[string]struct {
		peers []inspect.Peer
		found []finding.Finding
		want  []string
	}{
		"from a server for updates":          {peer("fw.lamps.example", "tcp/80 http"), clear("fw.lamps.example"), []string{assess.Bad}},
		"from any server":                    {peer("cdn.example", "tcp/80 http"), clear("cdn.example"), []string{assess.Unclear}},
		"by another device":                  {nil, []finding.Finding{{Kind: finding.ClearFirmware, Device: "d2", Role: finding.Actor, Confidence: 1}}, nil},
		"a server for updates, encrypted":    {peer("update.lamps.example", "tcp/443 tls"), nil, []string{assess.Good}},
		"a server for updates, in clear":     {peer("update.lamps.example", "tcp/80 http"), nil, []string{assess.Unclear}},
		"a server that is not named for any": {peer("swift.example", "tcp/443 tls"), nil, nil},
		"nothing":                            {nil, nil, nil},
	} {
		var got []string
		for _, x := range updateTraffic(&inspect.Device{ID: "d1", Peers: c.peers}, c.found) {
			got = append(got, x.Outcome)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestNoCheckIsWithoutAdvice(t *testing.T) {
	for _, l := range locale.Languages {
		words := locale.New(l)
		for _, a := range assess.Checks() {
			if key := "probe.do." + a.Check; len(a.Refutes) > 0 && words.Text(key) == key {
				t.Errorf("%s: nothing says what to do about %s", l, a.Check)
			}
		}
	}
}
