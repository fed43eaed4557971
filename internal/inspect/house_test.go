package inspect

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/identify"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

const sharedData = "../../../shared/data/"

func remembered(t *testing.T, file string) *Engine {
	t.Helper()
	e, _ := inspected(t, Config{Remember: true}, file)
	return e
}

func inspected(t *testing.T, cfg Config, file string) (*Engine, *Result) {
	t.Helper()
	h, err := capture.OpenHistory([]string{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	k, err := identify.Load()
	if err != nil {
		t.Fatal(err)
	}
	e := New(cfg)
	if err := e.Run(context.Background(), h.Next); err != nil {
		t.Fatal(err)
	}
	return e, e.Result(k, nil, nil, false)
}

const (
	plug  = "50:c7:bf:ed:0a:54"
	phone = "192.168.1.222"
)

// profiles is where the hand-written profiles are, or a skip.
func profiles(t *testing.T) string {
	t.Helper()
	dir := sharedData + "mud/profiles-yaml/"
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the profiles of the captured house are missing: %v", err)
	}
	return dir
}

// What a house does in use passes the profiles that were written for its devices by hand, but for what they do not
// speak of.
func TestTrafficOfAHousePassesItsProfiles(t *testing.T) {
	dir := profiles(t)
	var flows, stopped, groups uint64
	for name, mac := range map[string]string{"philips-hue": "00:17:88:74:c2:dc", "smartthings-hub": "68:3a:48:13:27:04", "tplink-plug": plug} {
		f, err := mud.Parse(profileMUD(t, dir+name+"/profile.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(sharedData + "captures/home/smart-home-firewall/" + name + "/*.pcap")
		if err != nil || len(files) == 0 {
			t.Fatalf("no captures of the house: %v", err)
		}
		for _, file := range files {
			e := remembered(t, file)
			m, err := frame.ParseMAC(mac)
			if err != nil {
				t.Fatal(err)
			}
			base := situation(e.scene.devices, e.scene.network)
			base.My = []netip.Addr{netip.MustParseAddr(phone)}
			d := e.scene.device(m)
			r := compileFor(f, &base, d).Rehearse(own(e.talks, d))
			flows += r.Flows
			for _, s := range r.Stopped {
				t.Logf("%s: %d flows %s %s %s", filepath.Base(file), s.First.Flows, s.First.Direction, policy.Service(s.First.Proto, s.First.Service()), s.Peer)
				if s.First.Peer.IsGroup() { // the profiles speak of IPv4 alone
					groups += s.First.Flows
					continue
				}
				stopped += s.First.Flows
				if mac == plug {
					t.Error("the plug's profile is said to be complete")
				}
			}
		}
	}
	t.Logf("%d flows, of which %d with single hosts and %d with groups are stopped", flows, stopped, groups)
	if flows < 2000 || stopped > flows/50 {
		t.Errorf("%d of %d flows are stopped, more than 2 in 100", stopped, flows)
	}
}

// What was injected into the house departs from the profiles.
func TestInjectedFramesDepartFromTheProfiles(t *testing.T) {
	dir := profiles(t)
	for _, x := range []struct {
		capture, profile, note string
		times                  uint64
	}{
		{"interaction-lan-lan.pcap", "profile-attacks.yaml", "no entry allows tcp/9999 to the device from huawei-p20-lite-lan", 1},
		{"proto-lan.pcap", "profile.yaml", "asks for the name example.com", 1416},
	} {
		folder := t.TempDir()
		for name, data := range map[string]string{
			"plug.json": string(profileMUD(t, dir+"tplink-plug/"+x.profile)), "devices.json": `{"` + plug + `": "plug.json"}`,
		} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		files, left, err := LoadMUDFiles(folder)
		if err != nil || len(left) > 0 {
			t.Fatal(left, err)
		}
		_, r := inspected(t, Config{MUD: files}, sharedData+"captures/attacks/smart-home-firewall/"+x.capture)
		found := false
		for _, f := range r.Findings {
			if f.Kind != finding.MUDDeparture {
				continue
			}
			t.Logf("%s: %s %d times: %s", x.capture, f.Severity, f.Count, f.Evidence[0].Note)
			if f.Device != plug {
				t.Errorf("a departure of %s, which has no file", f.Device)
			}
			found = found || strings.Contains(f.Evidence[0].Note, x.note) && f.Evidence[0].Packets[0] == 1 && f.Count == x.times
		}
		if !found {
			t.Errorf("%s: nobody says %d times that %s", x.capture, x.times, x.note)
		}
	}
}
