package inspect

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/mud"
)

// mudText is a MUD file that permits nothing but what its one entry says.
func mudText(url, maker, model string) string {
	return `{"ietf-mud:mud": {"mud-version": 1, "mud-url": "` + url + `", "last-update": "2026-01-01T00:00:00Z", "is-supported": true,
		"systeminfo": "a thing", "mfg-name": "` + maker + `", "model-name": "` + model + `",
		"from-device-policy": {"access-lists": {"access-list": [{"name": "from"}]}}, "to-device-policy": {"access-lists": {"access-list": [{"name": "to"}]}}},
		"ietf-access-control-list:acls": {"acl": [
			{"name": "from", "type": "ipv4-acl-type", "aces": {"ace": [{"name": "cloud", "matches": {"ipv4": {"ietf-acldns:dst-dnsname": "cloud.example", "protocol": 6},
				"tcp": {"destination-port": {"operator": "eq", "port": 443}}}, "actions": {"forwarding": "accept"}}]}},
			{"name": "to", "type": "ipv4-acl-type", "aces": {"ace": [{"name": "app", "matches": {"ipv4": {"protocol": 6},
				"tcp": {"destination-port": {"operator": "eq", "port": 8000}}}, "actions": {"forwarding": "accept"}}]}}]}}`
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestADeviceGetsItsFileOnlyWhereThatIsSure(t *testing.T) {
	m, left, err := LoadMUDFiles(folder(t, map[string]string{
		"02-00-5e-10-00-01.json": mudText("https://a.example/a.json", "", ""),
		"given.json":             mudText("https://b.example/b.json", "", ""),
		"url.json":               mudText("https://c.example/c.json", "", ""),
		"model.json":             mudText("https://d.example/d.json", "Acme", "Lamp 2"),
		"twin-1.json":            mudText("https://e.example/1.json", "Acme", "Twin"),
		"twin-2.json":            mudText("https://e.example/2.json", "Acme", "Twin"),
		"devices.json":           `{"02:00:5e:10:00:02": "given.json"}`,
		"url.evidence.json":      `{"schema": "plimsoll.learn/1"}`,
		"README.txt":             "not a MUD file",
	}))
	if err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
	acme := func(model string, confidence float64) device.Identity {
		return device.Identity{Maker: "acme", Model: model, Confidence: confidence}
	}
	for name, x := range map[string]struct {
		d    Device
		file string
		by   How
	}{
		"named after it":          {Device{MAC: "02:00:5e:10:00:01"}, "02-00-5e-10-00-01.json", ByAddress},
		"given to it":             {Device{MAC: "02:00:5e:10:00:09", MACs: []string{"02:00:5e:10:00:02"}}, "given.json", ByAddress},
		"it says the URL":         {Device{MUDURL: &MUDURL{"https://c.example/c.json", "dhcpv4"}}, "url.json", ByURL},
		"it says another":         {Device{MUDURL: &MUDURL{"https://c.example/c.json?x", "dhcpv4"}, Identity: acme("Lamp 2", 1)}, "", ""},
		"a URL of another device": {Device{MUDURL: &MUDURL{"https://b.example/b.json", "dhcpv4"}}, "", ""},
		"its model":               {Device{Identity: acme("lamp 2", 0.9)}, "model.json", ByModel},
		"perhaps its model":       {Device{Identity: acme("lamp 2", 0.7)}, "", ""},
		"another model":           {Device{Identity: acme("lamp", 0.9)}, "", ""},
		"two files of a model":    {Device{Identity: acme("Twin", 0.9)}, "", ""},
		"nothing known":           {Device{}, "", ""},
	} {
		got := ""
		f, by, _ := m.of(&x.d)
		if f != nil {
			got = f.name
		} else {
			by = ""
		}
		if got != x.file || by != x.by {
			t.Errorf("%s: %q by %q, want %q by %q", name, got, by, x.file, x.by)
		}
	}
}

func TestFilesThatCannotBeUsedAreToldAndLeftOut(t *testing.T) {
	m, left, err := LoadMUDFiles(folder(t, map[string]string{
		"good.json": mudText("https://a.example/a.json", "", ""), "bad.json": "{}", "long.json": strings.Repeat(" ", mud.MaxBytes+1),
		"devices.json": `{"02:00:5e:10:00:02": "gone.json", "nobody": "good.json"}`,
	}))
	if err != nil || len(m.list) != 1 || len(left) != 4 {
		t.Fatalf("%d files, %v, %v", len(m.list), left, err)
	}
	var invalid *mud.InvalidError
	if !errors.As(errors.Join(left[0], left[1], left[2], left[3]), &invalid) {
		t.Errorf("nobody says what is invalid: %v", left)
	}
	if _, _, err := LoadMUDFiles(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// Each departure says who, what, and the nearest entry, with the packet that proves it; the result does not depend on
// the number of cores.
func TestDeparturesAreFindings(t *testing.T) {
	const plug = "50:c7:bf:1d:77:0e"
	files, left, err := LoadMUDFiles(folder(t, map[string]string{plug + ".json": mudText("https://plugs.example/plug.json", "", "")}))
	if err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
	var first []byte
	for _, workers := range []int{1, 3} {
		e, r := inspected(t, Config{MUD: files, Workers: workers}, testdata+"/home.pcapng")
		if held := e.Held(); len(held) != 1 || held[0].Device != plug || held[0].By != ByAddress {
			t.Errorf("held: %+v", held)
		}
		var notes bytes.Buffer
		for _, f := range r.Findings {
			if f.Kind != finding.MUDDeparture {
				continue
			}
			if f.Device != plug || f.Role != finding.Actor || len(f.Evidence) != 1 || f.Evidence[0].Packets[0] == 0 {
				t.Errorf("departure: %+v", f)
			}
			notes.WriteString(f.Evidence[0].Note + "\n")
		}
		for _, want := range []string{
			"no entry allows udp/123 from the device to pool.ntp.org", "The nearest entry allows udp/123 to the time servers of the network",
			"no entry allows tcp/50443 from the device to devs.tplinkcloud.com", "no entry allows tcp/9999 to the device from Pixel-8",
		} {
			if !strings.Contains(notes.String(), want) {
				t.Errorf("nobody says that %s:\n%s", want, &notes)
			}
		}
		if first == nil {
			first = notes.Bytes()
		} else if !bytes.Equal(first, notes.Bytes()) {
			t.Errorf("with %d workers:\n%s\nwith one:\n%s", workers, &notes, first)
		}
	}
}

// RFC 9761: a hello that offers more than the profiles of the entry allow departs from the file.
func TestAHelloOutsideOfItsProfileIsADeparture(t *testing.T) {
	const plug = "50:c7:bf:1d:77:0e" // it offers TLS 1.2, and no ALPN
	text := strings.NewReplacer(
		`"cloud.example"`, `"devs.tplinkcloud.com"`, `"port": 443}`, `"port": 50443}, "PROFILE": 0`,
		`"systeminfo"`, `"extensions": ["ietf-mud-tls"], "ietf-mud-tls:is-tls-dtls-profile-supported": true, "systeminfo"`,
	).Replace(mudText("https://plugs.example/plug.json", "", ""))
	for name, x := range map[string]struct{ profile, note string }{
		"as it is":       {`{"name": "p", "supported-tls-version": ["tls12"]}`, ""},
		"newer":          {`{"name": "p", "supported-tls-version": ["tls13"]}`, "no profile allows: supported-tls-version tls12"},
		"of either kind": {`{"name": "p", "supported-tls-version": ["tls13"]}, {"name": "q", "supported-group": [19, 21, 23, 24]}`, ""},
		"other groups":   {`{"name": "p", "supported-group": [29]}`, "no profile allows: supported-group 0x0018"},
	} {
		files, left, err := LoadMUDFiles(folder(t, map[string]string{plug + ".json": strings.Replace(text, `, "PROFILE": 0}`,
			`}, "ietf-acl-tls:client-profiles": {"tls-dtls-profile": [`+x.profile+`]}`, 1)}))
		if err != nil || len(left) > 0 {
			t.Fatal(left, err)
		}
		_, r := inspected(t, Config{MUD: files}, testdata+"/home.pcapng")
		note := ""
		for _, f := range r.Findings {
			if f.Kind == finding.MUDDeparture && strings.Contains(f.Evidence[0].Note, "devs.tplinkcloud.com") {
				note += f.Evidence[0].Note
			}
		}
		if x.note == "" && note != "" || !strings.Contains(note, x.note) {
			t.Errorf("%s: %q, want %q", name, note, x.note)
		}
	}
}

func TestPeopleNameTheControllersOfADevice(t *testing.T) {
	m, left, err := LoadMUDFiles(folder(t, map[string]string{
		"lamp.json":    mudText("https://a.example/a.json", "", ""),
		"devices.json": `{"02:00:5e:10:00:01": {"file": "lamp.json", "my_controller": ["192.168.1.40"], "controllers": {"https://hub.example/": ["192.168.1.5", "fd00::5"]}}}`,
	}))
	if err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
	_, _, c := m.of(&Device{MAC: "02:00:5e:10:00:01"})
	if len(c.My) != 1 || len(c.Class["https://hub.example/"]) != 2 {
		t.Errorf("controllers: %+v", c)
	}
	_, left, err = LoadMUDFiles(folder(t, map[string]string{"devices.json": `{"02:00:5e:10:00:01": {"file": "lamp.json", "mycontroller": ["192.168.1.40"]}}`}))
	if err != nil || len(left) != 1 {
		t.Errorf("a word that nobody knows: %v, %v", left, err)
	}
}

// A folder of MUD files is written by strangers.
func FuzzLoadMUDFiles(f *testing.F) {
	f.Add(mudText("https://a.example/a.json", "Acme", "Lamp"), `{"02:00:5e:10:00:02": "a.json"}`)
	f.Add("{", `{"x": 1}`)
	f.Fuzz(func(t *testing.T, text, devices string) {
		m, left, err := LoadMUDFiles(folder(t, map[string]string{"a.json": text, devicesFile: devices}))
		if err != nil {
			t.Fatal(err)
		}
		if len(m.list) == 0 && len(left) == 0 {
			t.Error("a file is neither there nor left out")
		}
		for _, a := range m.byMAC {
			if a.file < 0 || a.file >= len(m.list) {
				t.Errorf("a device has file %d of %d", a.file, len(m.list))
			}
		}
	})
}
