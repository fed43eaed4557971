package indicator_test

import (
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/internal/indicator"
)

var now = time.Date(2026, 5, 5, 12, 0, 0, 0, time.UTC).UnixNano()

func load(t *testing.T, names ...string) (*indicator.Set, indicator.Feed) {
	t.Helper()
	var (
		s    indicator.Set
		feed indicator.Feed
		err  error
	)
	for _, n := range names {
		if feed, err = s.LoadFile(filepath.Join("testdata", n)); err != nil {
			t.Fatal(err)
		}
	}
	return &s, feed
}

// look is the reason and confidence of what is found, or "".
func look(s *indicator.Set, what string, at int64) (m indicator.Match, ok bool) {
	kind, value, _ := strings.Cut(what, " ")
	switch kind {
	case "domain":
		return s.Domain(value, at)
	case "address":
		ap := netip.MustParseAddrPort(value)
		return s.Address(ap.Addr(), ap.Port(), at)
	case "url":
		i := strings.IndexByte(value, '/')
		return s.URL(value[:i], value[i:], at)
	case "ja3":
		return s.JA3(value, at)
	}
	return s.Certificate(value, at)
}

func TestEachPublishedFormatIsReadByItsContent(t *testing.T) {
	for _, test := range []struct {
		file, format string
		entries      int
		skipped      map[indicator.Skip]int
		found        map[string]string // what is looked for: reason
		confidence   map[string]float64
		absent       []string
	}{
		{
			"plain.txt", "plain", 8,
			map[indicator.Skip]int{indicator.WellKnown: 2, indicator.Private: 1, indicator.TooWide: 3},
			map[string]string{
				"domain bad.example": "", "domain A.B.Bad.Example.": "", "domain x.worse.example": "", "address 198.51.100.7:80": "",
				"address 203.0.113.99:1": "", "address [2001:db8:bad:1::1]:443": "", "url files.example/drop/x/y": "", "domain tracker.example": "",
			},
			map[string]float64{"domain bad.example": 0.6, "domain ads.example": 0.3},
			[]string{
				"domain notbad.example", "domain example", "address 198.51.100.8:80", "url files.example/other", "domain files.example",
				"domain google.com", "domain mail.google.com", "address 192.168.1.1:80", "address 8.8.8.8:53", "domain any.com", "domain localhost",
			},
		},
		{
			"urlhaus.csv", "csv", 2,
			map[indicator.Skip]int{indicator.WellKnown: 1},
			map[string]string{"url 198.51.100.20/bins/mips": "malware_download elf Mozi", "address 198.51.100.20:8080": "malware_download elf Mozi", "url shop.example/wp-content/x.php": "malware_download"},
			map[string]float64{"url 198.51.100.20/bins/mips": 0.9, "address 198.51.100.20:8080": 0.45},
			[]string{"address 198.51.100.20:443", "domain shop.example", "domain github.com"},
		},
		{
			"feodo.csv", "csv", 2, nil,
			map[string]string{"address 198.51.100.30:447": "TrickBot", "address 198.51.100.31:443": "Emotet"},
			map[string]float64{"address 198.51.100.30:447": 0.9, "address 198.51.100.31:443": 0.7},
			[]string{"address 198.51.100.30:80"},
		},
		{
			"threatfox.csv", "csv", 3,
			map[indicator.Skip]int{indicator.Unsupported: 1},
			map[string]string{"address 198.51.100.40:23": "Mirai", "domain x.cnc.example": "Bashlite"},
			map[string]float64{"address 198.51.100.40:23": 0.75, "domain cnc.example": 1, "domain victim.example": 0.5},
			[]string{"address 198.51.100.40:80"},
		},
		{
			"sslbl.csv", "csv", 1, nil,
			map[string]string{"certificate 00112233445566778899AABBCCDDEEFF00112233": "AsyncRAT C&C"},
			nil,
			[]string{"ja3 00112233445566778899aabbccddeeff"},
		},
		{"ja3.csv", "csv", 1, nil, map[string]string{"ja3 00112233445566778899aabbccddeeff": "Dridex"}, map[string]float64{"ja3 00112233445566778899aabbccddeeff": 0.4}, nil},
		{
			"threatfox.json", "json", 2, nil,
			map[string]string{"address 198.51.100.41:443": "Xworm", "url cnc2.example/gate": "Xworm"},
			map[string]float64{"address 198.51.100.41:443": 0.8},
			nil,
		},
		{"urlhaus.json", "json", 1, nil, map[string]string{"url files.example/a/b.sh": "malware_download sh Gafgyt"}, nil, nil},
		{"feodo.json", "json", 1, nil, map[string]string{"address 198.51.100.32:8080": "QakBot"}, nil, []string{"address 198.51.100.32:80"}},
		{
			"misp.json", "json", 8,
			map[indicator.Skip]int{indicator.NotMeant: 2, indicator.Unsupported: 1},
			map[string]string{
				"address 198.51.100.50:1": "A worm in lamps", "domain c2.host.example": "second stage", "domain pair.example": "A worm in lamps",
				"url misp.example/x/y": "A worm in lamps", "address 198.51.100.52:6667": "A worm in lamps", "ja3 ffeeddccbbaa99887766554433221100": "A worm in lamps",
				"certificate 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff": "A worm in lamps", "domain inner.example": "A worm in lamps",
			},
			nil,
			[]string{"address 198.51.100.52:80", "domain context-only.example", "domain gone.example", "domain host.example"},
		},
		{
			"stix.json", "json", 7,
			map[indicator.Skip]int{indicator.NotMeant: 1, indicator.Unsupported: 3},
			map[string]string{
				"domain a.stix.example": "Names and addresses", "address 198.51.100.60:9": "Names and addresses", "address [2001:db8::60]:9": "Names and addresses",
				"address 198.51.100.61:4444": "With a port", "domain both.example": "Both", "url stix.example/it's/here": "A URL",
			},
			map[string]float64{"domain stix.example": 0.9, "domain both.example": 0.7},
			[]string{"domain old.example", "domain revoked.example", "address 198.51.100.61:80", "domain half.example", "domain x.like.example"},
		},
	} {
		t.Run(test.file, func(t *testing.T) {
			s, feed := load(t, test.file)
			if feed.Format != test.format || feed.Entries != test.entries || feed.Name != strings.TrimSuffix(test.file, filepath.Ext(test.file)) {
				t.Errorf("read as %q, %q, %d entries", feed.Name, feed.Format, feed.Entries)
			}
			if test.skipped == nil {
				test.skipped = map[indicator.Skip]int{}
			}
			if d := cmp.Diff(test.skipped, feed.Skipped); d != "" {
				t.Errorf("skipped (-want +got):\n%s", d)
			}
			for what, reason := range test.found {
				if m, ok := look(s, what, now); !ok || m.Reason != reason || m.Feed != feed.Name {
					t.Errorf("%s: %+v, %v; want %q", what, m, ok, reason)
				}
			}
			for what, want := range test.confidence {
				if m, _ := look(s, what, now); m.Confidence != want {
					t.Errorf("%s: confidence %v, want %v", what, m.Confidence, want)
				}
			}
			for _, what := range test.absent {
				if m, ok := look(s, what, now); ok {
					t.Errorf("%s was found: %+v", what, m)
				}
			}
		})
	}
}

func TestAnIndicatorCountsWhileItIsValid(t *testing.T) {
	s, _ := load(t, "stix.json", "feodo.csv")
	then := time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	if _, ok := s.Domain("old.example", then); !ok {
		t.Error("it was valid then")
	}
	if _, ok := s.Domain("stix.example", then); ok {
		t.Error("it was not valid yet")
	}
	years := time.Date(2028, 6, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	if m, _ := s.Address(netip.MustParseAddr("198.51.100.30"), 447, years); m.Confidence != 0.45 {
		t.Errorf("an address that was seen two years ago counts %v", m.Confidence)
	}
}

func TestConditionsThatMustHoldTogetherAreOneGroup(t *testing.T) {
	s, _ := load(t, "stix.json")
	a, _ := s.Domain("both.example", now)
	b, _ := s.Address(netip.MustParseAddr("198.51.100.62"), 80, now)
	if a.Group == 0 || a.Group != b.Group || a.Members != 2 || a.Member == b.Member {
		t.Errorf("%+v, %+v", a, b)
	}
	if c, _ := s.Domain("stix.example", now); c.Group != 0 {
		t.Errorf("an alternative waits for others: %+v", c)
	}
}

func TestTheSurestListIsNamed(t *testing.T) {
	var s indicator.Set
	for name, text := range map[string]string{"hosts.txt": "0.0.0.0 cnc.example\n", "plain.txt": "cnc.example\n"} {
		if _, err := s.Load(name, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	if m, _ := s.Domain("cnc.example", now); m.Feed != "plain" {
		t.Errorf("%+v", m)
	}
}

func TestWhatIsNoListIsRefusedWithItsPlace(t *testing.T) {
	for name, test := range map[string]struct {
		text, what string
		line       int
	}{
		"empty":       {"", "empty", 0},
		"prose":       {"# title\n\n<!DOCTYPE html><p>404\n", "<!DOCTYPE", 3},
		"binary":      {"\x1f\x8b\x08\x00\x00", "binary", 1},
		"cut":         {`{"type": "bundle", "objects": [{"type": "indicator"`, "cut", 0},
		"no JSON":     {`{"type": nonsense}`, "no JSON", 0},
		"other JSON":  {`{"type": "FeatureCollection"}`, "none of its objects", 0},
		"two":         {`{"a": [{"ioc_value": "cnc.example", "ioc_type": "domain"}]} {}`, "follows", 0},
		"deep":        {strings.Repeat("[", 100), "nested", 0},
		"long string": {`{"a": "` + strings.Repeat("x", 100<<10) + `"}`, "too long", 0},
	} {
		var s indicator.Set
		_, err := s.Load("list", strings.NewReader(test.text))
		var format *indicator.FormatError
		if !errors.As(err, &format) || !strings.Contains(err.Error(), test.what) || format.Line != test.line {
			t.Errorf("%s: %v", name, err)
		}
	}
	var s indicator.Set
	if _, err := s.LoadFile("testdata/missing"); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s := indicator.Set{Limit: 100}
	var b strings.Builder
	for i := range 1000 {
		b.WriteString(netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}).String() + "\n")
	}
	feed, err := s.Load("many", strings.NewReader(b.String()))
	if err != nil || s.Len() != 100 || feed.Skipped[indicator.Full] != 900 {
		t.Errorf("%d entries, %+v, %v", s.Len(), feed, err)
	}
}

func TestNothingIsFoundInNoSet(t *testing.T) {
	var s *indicator.Set
	for _, what := range []string{"domain a.example", "address 198.51.100.1:80", "url a.example/x", "ja3 00", "certificate 00"} {
		if _, ok := look(s, what, now); ok {
			t.Error(what)
		}
	}
}
