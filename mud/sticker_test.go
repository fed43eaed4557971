package mud_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/mud"
)

// payload is a sticker with those records.
func payload(records ...string) string {
	return "[)>\x1e06\x1d12N" + strings.Join(records, "\x1f") + "\x1f\x1e\x04"
}

var lampSticker = mud.Sticker{
	Brand: "Lamps Inc.", Product: "Table lamp", Model: "L1", URL: "https://mud.lamps.example/l1.json",
	MAC: net.HardwareAddr{0x02, 0x00, 0x5e, 0x10, 0x00, 0x0f},
}

// Octet by octet, as RFC 9238 wants it.
func TestTheTextOfAStickerIsExact(t *testing.T) {
	got, err := lampSticker.Payload()
	want := "[)>\x1e06\x1d12NB000Lamps Inc.\x1fB001Table lamp\x1fB002L1\x1fM180https://mud.lamps.example/l1.json\x1fM06C02005E10000F\x1f\x1e\x04"
	if err != nil || got != want {
		t.Errorf("%q, %v\nwant %q", got, err, want)
	}
	s, err := mud.ParseSticker(got)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&lampSticker, s); d != "" {
		t.Errorf("it is read as another:\n%s", d)
	}
}

func TestWhatCannotBeOnAStickerIsRefused(t *testing.T) {
	for name, change := range map[string]func(*mud.Sticker){
		"no brand":             func(s *mud.Sticker) { s.Brand = "" },
		"no model":             func(s *mud.Sticker) { s.Model = "" },
		"no URL":               func(s *mud.Sticker) { s.URL = "" },
		"a URL without TLS":    func(s *mud.Sticker) { s.URL = "http://lamps.example/" },
		"a query":              func(s *mud.Sticker) { s.URL += "?x=1" },
		"a fragment":           func(s *mud.Sticker) { s.URL += "#x" },
		"a separator":          func(s *mud.Sticker) { s.Brand = "Lamps\x1fM180https://evil.example/" },
		"letters beyond ASCII": func(s *mud.Sticker) { s.Brand = "Lampes été" },
		"too much":             func(s *mud.Sticker) { s.Product = strings.Repeat("x", 5000) },
		"an address cut":       func(s *mud.Sticker) { s.MAC = s.MAC[:5] },
	} {
		s := lampSticker
		change(&s)
		if text, err := s.Payload(); err == nil {
			t.Errorf("%s: %q", name, text)
		}
	}
}

func TestAReaderIsAsTolerantAsTheRFC(t *testing.T) {
	const brand, model, url = "B000Lamps Inc.", "B002L1", "M180https://mud.lamps.example/l1.json"
	mac := net.HardwareAddr{0x02, 0x00, 0x5e, 0x10, 0x00, 0x0f}
	for name, c := range map[string]struct {
		text string
		want mud.Sticker
	}{
		"records that are not known": {payload("S001serial", brand, "E9990", model, url), mud.Sticker{Skipped: []string{"S001", "E999"}}},
		"another order":              {payload(url, model, brand), mud.Sticker{}},
		"a MAC with colons":          {payload(brand, model, url, "M06C02:00:5e:10:00:0f"), mud.Sticker{MAC: mac}},
		"a MAC with hyphens":         {payload(brand, model, url, "M06C02-00-5E-10-00-0F"), mud.Sticker{MAC: mac}},
		"a MAC with spaces":          {payload(brand, model, url, "M06C0200 5e10 000f"), mud.Sticker{MAC: mac}},
		"an EUI-64":                  {payload(brand, model, url, "M06C02005efffe10000f"), mud.Sticker{MAC: net.HardwareAddr{0x02, 0x00, 0x5e, 0xff, 0xfe, 0x10, 0x00, 0x0f}}},
		"a query":                    {payload(brand, model, url+"?serial=7"), mud.Sticker{Dropped: "serial=7"}},
		"FS before all was said":     {payload(brand+"\x1fB002old\x1f\x1c"+brand, model, url), mud.Sticker{}},
		"another device after FS":    {payload(brand, model, url+"\x1f\x1cB000Other"), mud.Sticker{}},
		"records joined by +":        {payload(brand+"+"+model, url), mud.Sticker{}},
		"a line end after it":        {payload(brand, model, url) + "\r\n", mud.Sticker{}},
	} {
		got, err := mud.ParseSticker(c.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c.want.Brand, c.want.Model, c.want.URL = "Lamps Inc.", "L1", "https://mud.lamps.example/l1.json"
		if d := cmp.Diff(&c.want, got); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
	if s, err := mud.ParseSticker(payload("B000A+B Ltd.", "B002C+", url)); err != nil || s.Brand != "A+B Ltd." || s.Model != "C+" {
		t.Errorf("a + in a name: %+v, %v", s, err)
	}
}

func TestHostileStickersAreRefused(t *testing.T) {
	for _, url := range []string{
		"http://lamps.example/x", "ftp://lamps.example/x", "javascript:alert(1)", "https://user:pass@lamps.example/x",
		"https://lamps.example@evil.example/x", "https://127.0.0.1/x", "https://[::1]/x", "https://10.0.0.1/x", "https://192.168.1.1/x",
		"https://172.16.0.1/x", "https://169.254.169.254/latest", "https://100.64.0.1/x", "https://[fe80::1]/x", "https://[fd00::1]/x",
		"https://[::ffff:192.168.1.1]/x", "https://[64:ff9b::c0a8:101]/x", "https://0.0.0.0/x", "https://224.0.0.1/x", "https://192.0.2.1/x",
		"https://127.1/x", "https://0x7f.1/x", "https://2130706433/x", "https://localhost/x", "https://router/x", "https://router.lan/x",
		"https://fritz.box.home.arpa/x", "https://printer.local/x", "https://lamps.example/a/../../b", "https://lamps.example/a%2fb",
		"https://lamps.example/x#y", "https://lamps.example/x y", "https://lamps.example/<x>", "https:lamps.example", "https:///x",
		"https://lämps.example/x", "https://lamps.example\\@evil.example/", "https://lamps..example/x", "https://%6camps.example/x",
	} {
		s, err := mud.ParseSticker(payload("B000Lamps", "B002L1", "M180"+url))
		if !errors.Is(err, mud.ErrHostile) {
			t.Errorf("%s: %+v, %v", url, s, err)
		}
	}
}

func TestWhatIsNoStickerIsSaidToBeNone(t *testing.T) {
	const url = "M180https://mud.lamps.example/l1.json"
	for name, text := range map[string]string{
		"nothing":             "",
		"a URL":               "https://mud.lamps.example/l1.json",
		"another format":      "[)>\x1e05\x1d12N",
		"its end missing":     strings.TrimSuffix(payload("B000L", "B0021", url), "\x1e\x04"),
		"no brand":            payload("B0021", url),
		"no model":            payload("B000L", url),
		"no URL":              payload("B000L", "B0021"),
		"an empty brand":      payload("B000", "B0021", url),
		"two URLs":            payload("B000L", "B0021", url, "M180https://evil.example/"),
		"a record too short":  payload("B000L", "B0021", url, "X"),
		"a MAC that is none":  payload("B000L", "B0021", url, "M06C0200"),
		"a control character": payload("B000L\x07", "B0021", url),
		"far too much":        payload("B000" + strings.Repeat("x", 5000)),
	} {
		if s, err := mud.ParseSticker(text); !errors.Is(err, mud.ErrNotSticker) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func FuzzParseSticker(f *testing.F) {
	f.Add(payload("B000Lamps", "B001Lamp", "B002L1", "M180https://mud.lamps.example/l1.json", "M06C02:00:5e:10:00:0f"))
	f.Add(payload("B000A+B\x1c", "S1234", "M180https://a.example/?q"))
	f.Add("[)>\x1e06\x1d12N\x1e\x04")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := mud.ParseSticker(text)
		if err != nil {
			if !errors.Is(err, mud.ErrHostile) && !errors.Is(err, mud.ErrNotSticker) {
				t.Errorf("an error of no kind: %v", err)
			}
			return
		}
		if u, err := mud.CheckURL(s.URL); err != nil || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("a URL that must not be: %q, %v", s.URL, err)
		}
		again, err := s.Payload()
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", s, err)
		}
		got, err := mud.ParseSticker(again)
		if err != nil {
			t.Fatalf("%q: %v", again, err)
		}
		s.Dropped, s.Skipped = "", nil
		if d := cmp.Diff(s, got); d != "" {
			t.Errorf("written and read it is another:\n%s", d)
		}
	})
}
