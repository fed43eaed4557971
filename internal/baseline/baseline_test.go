package baseline_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/baseline"
)

const (
	lamp  = "00:17:88:00:00:01"
	phone = "02:00:00:00:00:01"
)

var start = time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)

// talk is a conversation with a name at an hour after the start.
func talk(name string, hours float64) *baseline.Sight {
	at := start.Add(time.Duration(hours * float64(time.Hour))).UnixNano()
	return &baseline.Sight{
		Name: name, Addr: netip.MustParseAddr("198.51.100.1"), Proto: "tcp", Port: 443, Protocol: "tls",
		Octets: 1000, First: at, Last: at + int64(time.Minute),
	}
}

// part is a capture: from an hour to another, the lamp talks to its cloud each half hour, and to a few others.
func part(l *baseline.Learner, from, to float64) baseline.Span {
	for h := from; h < to; h += 0.5 {
		l.Sight(lamp, talk("cloud.example.com", h))
		if int(h*2)%3 == 0 {
			l.Sight(lamp, talk(fmt.Sprintf("s%d.cdn.example.net", int(h)), h))
		}
		x := talk("", h)
		x.Addr, x.Port = netip.MustParseAddr("203.0.113.9"), 8883
		l.Sight(lamp, x)
	}
	at := func(h float64) int64 { return start.Add(time.Duration(h * float64(time.Hour))).UnixNano() }
	return baseline.Span{First: at(from), Last: at(to) - 1}
}

var members = []baseline.Member{{MACs: []string{lamp}}, {MACs: []string{phone}}}

// learned is what is normal after parts, each a run of its own or all in one.
func learned(t *testing.T, apart bool, hours ...float64) *baseline.Baseline {
	t.Helper()
	b, _, err := baseline.Load(filepath.Join(t.TempDir(), "none"))
	if err != nil {
		t.Fatal(err)
	}
	var spans []baseline.Span
	l := baseline.NewLearner(b)
	for i := 0; i+1 < len(hours); i += 2 {
		spans = append(spans, part(l, hours[i], hours[i+1]))
		if apart {
			b = l.Finish(members, spans)
			l, spans = baseline.NewLearner(b), nil
		}
	}
	return l.Finish(members, spans)
}

func octets(t *testing.T, b *baseline.Baseline) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestTheSameCapturesGiveTheSameBaselineInEachGroupingAndOrder(t *testing.T) {
	want := octets(t, learned(t, false, 0, 6, 24, 30, 48, 54))
	for name, b := range map[string]*baseline.Baseline{
		"apart":     learned(t, true, 0, 6, 24, 30, 48, 54),
		"backwards": learned(t, true, 48, 54, 24, 30, 0, 6),
		"replayed":  learned(t, true, 0, 6, 24, 30, 0, 6, 48, 54, 48, 54),
		"shuffled":  learned(t, false, 48, 54, 0, 6, 24, 30),
	} {
		if got := octets(t, b); !bytes.Equal(got, want) {
			t.Errorf("%s: another baseline", name)
		}
	}
}

func TestWhatWasNeverSeenIsNew(t *testing.T) {
	b := learned(t, true, 0, 6, 24, 30, 48, 54)
	at := 72.0
	for _, test := range []struct {
		what                  string
		sight                 *baseline.Sight
		destination, kin, svc bool
	}{
		{"the same as ever", talk("cloud.example.com", at), false, false, false},
		{"another name of its maker", talk("update.example.com", at), true, true, false},
		{"one more of a family", talk("s99.cdn.example.net", at), false, false, false},
		{"a stranger", talk("stranger.example.org", at), true, false, false},
		{"a neighbour of an address without a name", with(talk("", at), "203.0.113.77", 8883), false, false, false},
		{"the address of a name", with(talk("", at), "198.51.100.1", 443), false, false, false},
		{"an address far away", with(talk("", at), "192.0.2.1", 443), true, false, false},
		{"another service", with(talk("cloud.example.com", at), "198.51.100.1", 23), false, false, true},
	} {
		n, ok := b.Judge(lamp, test.sight)
		if !ok || n.Destination != test.destination || n.Kin != test.kin || n.Service != test.svc || n.New() != (test.destination || test.svc) {
			t.Errorf("%s: %+v, %v", test.what, n, ok)
		}
		if n.Days != 3 || n.Sure < 0.6 || n.Sure > 0.75 {
			t.Errorf("%s: after %d days it is %v sure", test.what, n.Days, n.Sure)
		}
	}
	if _, ok := b.Judge("00:17:88:00:00:99", talk("cloud.example.com", at)); ok {
		t.Error("of a device that was never seen, something is said to be new")
	}
}

func with(s *baseline.Sight, addr string, port uint16) *baseline.Sight {
	s.Addr, s.Port = netip.MustParseAddr(addr), port
	return s
}

func TestItIsSurerTheMoreItHasSeen(t *testing.T) {
	last := -1.0
	for _, hours := range [][]float64{{0, 1}, {0, 6}, {0, 6, 24, 30}, {0, 6, 24, 30, 48, 54, 72, 78}} {
		n, ok := learned(t, true, hours...).Judge(lamp, talk("stranger.example.org", 100))
		if !ok || n.Sure <= last {
			t.Errorf("%v hours: %v sure, before %v", hours, n.Sure, last)
		}
		last = n.Sure
	}
}

func TestWhatIsLongAgoIsForgotten(t *testing.T) {
	b := learned(t, true, 0, 6)
	if n, ok := b.Judge(lamp, talk("cloud.example.com", 24*70)); ok {
		t.Errorf("after ten weeks: %+v", n)
	}
	octets, ok := b.Usual(lamp, start.UnixNano())
	if !ok || octets < 4000 {
		t.Errorf("usual at eight: %v, %v", octets, ok)
	}
	if octets, _ := b.Usual(lamp, start.Add(10*time.Hour).UnixNano()); octets != 0 {
		t.Errorf("usual at six in the evening: %v", octets)
	}
	// a day of half the traffic, a half-life later, counts twice as much as the first
	l := baseline.NewLearner(b)
	x := talk("cloud.example.com", 24*7)
	x.Octets = 100_000
	l.Sight(lamp, x)
	b = l.Finish(members, nil)
	b.SetHalfLife(7 * 24 * time.Hour)
	got, _ := b.Usual(lamp, x.First)
	if want := (octets*0.5 + 100_000) / 1.5; got < want-1 || got > want+1 {
		t.Errorf("usual: %v, want %v", got, want)
	}
}

func TestAnUnusualHourIsToldAfterAWeek(t *testing.T) {
	var hours []float64
	for d := range 7 {
		hours = append(hours, float64(24*d), float64(24*d+6))
	}
	b := learned(t, true, hours...)
	if n, _ := b.Judge(lamp, talk("cloud.example.com", 24*7+12)); !n.Hour || n.New() {
		t.Errorf("at eight in the evening: %+v", n)
	}
	if n, _ := b.Judge(lamp, talk("cloud.example.com", 24*7+1)); n.Hour {
		t.Errorf("at nine in the morning: %+v", n)
	}
}

func TestAPhoneIsKnownUnderItsNextAddress(t *testing.T) {
	b, _, _ := baseline.Load(filepath.Join(t.TempDir(), "none"))
	next := "02:00:00:00:00:02"
	for i, mac := range []string{phone, next} {
		l := baseline.NewLearner(b)
		l.Sight(mac, talk("mail.example.com", float64(24*i)))
		b = l.Finish([]baseline.Member{{MACs: []string{mac}, Claims: []string{"name pixel 1,3,6"}}}, nil)
	}
	if len(b.Devices) != 1 || len(b.Devices[0].MACs) != 2 || len(b.Devices[0].Destinations[0].Seen) != 2 {
		t.Errorf("%+v", b.Devices)
	}
	// two that were known apart are one, as a later run shows
	l := baseline.NewLearner(b)
	third := "02:00:00:00:00:03"
	l.Sight(third, talk("mail.example.com", 50))
	b = l.Finish([]baseline.Member{{MACs: []string{third}}}, nil)
	l = baseline.NewLearner(b)
	l.Sight(third, talk("mail.example.com", 60))
	b = l.Finish([]baseline.Member{{MACs: []string{phone, third}}}, nil)
	if len(b.Devices) != 1 || b.Device(third) != b.Device(next) {
		t.Errorf("%d devices", len(b.Devices))
	}
	if _, err := baseline.Read(bytes.NewReader(octets(t, b))); err != nil {
		t.Error(err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	b, _, _ := baseline.Load(filepath.Join(t.TempDir(), "none"))
	l := baseline.NewLearner(b)
	for i := range 3000 {
		x := talk(fmt.Sprintf("n%d.d%d.example", i, i), 1)
		x.Port = uint16(i + 1)
		l.Sight(lamp, x)
		l.Serve(lamp, "tcp", uint16(i+1), "", x.First, x.Last)
		l.Sight(fmt.Sprintf("00:17:88:01:%02x:%02x", i>>8, i&255), talk("cloud.example.com", 1))
	}
	l.Sight(lamp, talk("kept.example.com", 24)) // seen last: it counts most
	var all []baseline.Member
	for i := range 3000 {
		all = append(all, baseline.Member{MACs: []string{fmt.Sprintf("00:17:88:01:%02x:%02x", i>>8, i&255)}})
	}
	b = l.Finish(append(all, members...), nil)
	if len(b.Devices) > 256 || len(b.Device(lamp).Destinations) > 128 || len(b.Device(lamp).Serves) > 32 {
		t.Errorf("%d devices, %d destinations, %d services", len(b.Devices), len(b.Device(lamp).Destinations), len(b.Device(lamp).Serves))
	}
	if n, _ := b.Judge(lamp, talk("kept.example.com", 25)); n.Destination {
		t.Error("what counts most was forgotten")
	}
}

func packed(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(text)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAFileThatCannotBeReadIsRefusedAndKept(t *testing.T) {
	good := octets(t, learned(t, true, 0, 6))
	pack := func(s string) []byte {
		return packed(t, []byte(s))
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 0x20
	for name, test := range map[string]struct {
		data []byte
		kind string
	}{
		"cut":          {good[:len(good)/2], "damaged"},
		"flipped":      {flipped, "damaged"},
		"newer":        {pack(`{"schema":"plimsoll.baseline/2"}`), "newer"},
		"another":      {pack(`{"schema":"plimsoll.inspect/1"}`), "other"},
		"text":         {[]byte("hello"), "other"},
		"empty":        {nil, "other"},
		"no JSON":      {pack("hello"), "damaged"},
		"unknown part": {pack(`{"schema":"plimsoll.baseline/1","spans":[],"devices":[],"more":1}`), "damaged"},
		"no device":    {pack(`{"schema":"plimsoll.baseline/1","devices":[null]}`), "damaged"},
		"spans":        {pack(`{"schema":"plimsoll.baseline/1","spans":[{"first":5,"last":1}]}`), "damaged"},
		"huge":         {pack(`{"schema":"plimsoll.baseline/1","spans":[` + strings.Repeat(" ", 65<<20) + `]}`), "other"},
	} {
		file := filepath.Join(t.TempDir(), "base.gz")
		if err := os.WriteFile(file, test.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, found, err := baseline.Load(file)
		var bad *baseline.FileError
		if !errors.As(err, &bad) || bad.Kind != test.kind || bad.Name != file || found || !strings.Contains(err.Error(), "another file") {
			t.Errorf("%s: %v", name, err)
		}
		if kept, _ := os.ReadFile(file); !bytes.Equal(kept, test.data) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func TestABaselineIsReadAsItWasWritten(t *testing.T) {
	b := learned(t, true, 0, 6, 24, 30)
	file := filepath.Join(t.TempDir(), "base.gz")
	if err := b.Save(file); err != nil {
		t.Fatal(err)
	}
	again, found, err := baseline.Load(file)
	if err != nil || !found || !bytes.Equal(octets(t, again), octets(t, b)) {
		t.Errorf("%v, %v", found, err)
	}
}

// FuzzRead holds that what is read can be written, is read again as the same, and can be judged by and learned on.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"schema":"plimsoll.baseline/1","spans":[{"first":1,"last":2}],"devices":[{"macs":["00:17:88:00:00:01"],"seen":[{"day":20577,"hours":7}],"destinations":[{"name":"*.example.com","seen":[{"day":20577,"hours":7}],"addresses":["198.51.100.1"],"services":[{"name":"tcp/443","protocol":"tls","seen":[{"day":20577,"hours":1}]}]}],"serves":[{"name":"tcp/80","seen":[{"day":20577,"hours":1}]}],"volume":[{"day":20577,"hours":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24]}]}]}`))
	f.Add([]byte(`{"schema":"plimsoll.baseline/1","devices":[{"macs":[]}]}`))
	f.Add([]byte(`{"schema":"plimsoll.baseline/1","devices":[{"macs":["x"],"seen":[{"day":-2147483648,"hours":4294967295}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := baseline.Read(bytes.NewReader(packed(t, text)))
		if err != nil {
			return
		}
		b.Judge(lamp, talk("cloud.example.com", 1))
		b.Usual(lamp, start.UnixNano())
		l := baseline.NewLearner(b)
		part(l, 0, 2)
		next := l.Finish(members, []baseline.Span{{First: 1, Last: 2}})
		first := octets(t, next)
		again, err := baseline.Read(bytes.NewReader(first))
		if err != nil {
			t.Fatalf("what was written is refused: %v", err)
		}
		if !bytes.Equal(octets(t, again), first) {
			t.Fatal("it is written another way")
		}
	})
}
