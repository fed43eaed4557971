package country

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/locale"
)

// The block in the repository is read from its file, so that the build for small routers is tested with it too.
func table(t testing.TB) Table {
	t.Helper()
	block, err := os.ReadFile("countries.bin")
	if err != nil {
		t.Fatal(err)
	}
	x, err := Parse(string(block))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestLookupTellsWhereAnAddressIsRegistered(t *testing.T) {
	x := table(t)
	for _, tt := range []struct{ name, addr, want string }{
		{"the first range of the source", "1.0.0.0", "AU"},
		{"the last address of a range", "1.0.0.255", "AU"},
		{"the first address of the next range", "1.0.1.0", "CN"},
		{"a large network", "8.8.8.8", "US"},
		{"Télécom Paris", "137.194.2.1", "FR"},
		{"a university in Montréal", "132.204.8.1", "CA"},
		{"a university in Zürich", "129.132.19.216", "CH"},
		{"IPv4 in IPv6", "::ffff:137.194.2.1", "FR"},
		{"IPv4 behind a translator", "64:ff9b::89c2:201", "FR"},
		{"IPv6", "2001:200::1", "JP"},
		{"IPv6 of a large network", "2001:4860:4860::8888", "US"},
		{"the home", "192.168.1.1", ""},
		{"carrier-grade NAT, of which the source knows something", "100.64.1.7", ""},
		{"this machine", "127.0.0.1", ""},
		{"documentation", "203.0.113.9", ""},
		{"a group", "239.255.255.250", ""},
		{"beyond all", "255.255.255.255", ""},
		{"nothing", "0.0.0.0", ""},
		{"link-local", "fe80::1%eth0", ""},
		{"unique local", "fd00::1", ""},
		{"a group of IPv6", "ff02::fb", ""},
		{"Teredo, which the source marks as of nowhere", "2001:0:53aa:64c::1", ""},
		{"documentation of IPv6", "2001:db8::1", ""},
		{"beyond all of IPv6", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := x.Lookup(netip.MustParseAddr(tt.addr)); got != tt.want {
				t.Errorf("Lookup(%s) = %q, want %q", tt.addr, got, tt.want)
			}
		})
	}
	if got := x.Lookup(netip.Addr{}); got != "" {
		t.Errorf("Lookup of no address = %q", got)
	}
	if want := time.Date(2026, 6, 25, 0, 0, 0, 0, time.UTC); !x.AsOf.Equal(want) {
		t.Errorf("the data is as of %s, want %s", x.AsOf, want)
	}
}

func TestTheZeroTableKnowsNothing(t *testing.T) {
	var x Table
	for _, a := range []string{"8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"} {
		if got := x.Lookup(netip.MustParseAddr(a)); got != "" {
			t.Errorf("Lookup(%s) = %q", a, got)
		}
	}
}

func TestEveryCountryHasANameInBothLanguages(t *testing.T) {
	x := table(t)
	for _, lang := range []locale.Lang{locale.English, locale.French} {
		words := locale.New(lang)
		for i := 0; i < len(x.codes); i += codeLen {
			key := "country." + strings.ToLower(x.codes[i:i+codeLen])
			if name := words.Text(key); name == key {
				t.Errorf("%s: no name of %s", lang, key)
			}
		}
	}
	if n := len(x.codes) / codeLen; n < 240 {
		t.Errorf("%d countries only", n)
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	x := table(t)
	four, six := netip.MustParseAddr("137.194.2.1"), netip.MustParseAddr("2001:4860:4860::8888")
	if n := testing.AllocsPerRun(100, func() { x.Lookup(four); x.Lookup(six) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// All of the block is in order and reaches its end, and it is as small as it is said to be.
func TestTheBlockIsWholeAndSmall(t *testing.T) {
	x := table(t)
	size := len(x.codes)
	for i := range x.families {
		f := &x.families[i]
		size += len(f.index) + len(f.boundaries)
		width := f.octets + placeLen
		at, rest, n := uint64(0), f.boundaries, 0
		for ; len(rest) > 0; n++ {
			if n%groupLen == 0 {
				row := f.index[n/groupLen*width:]
				start, place := number(row, f.octets), int(number(row[f.octets:], placeLen))
				if n > 0 && start != at || place != len(f.boundaries)-len(rest) {
					t.Fatalf("IPv%d: group %d begins at %x, %d in the index, and at %x, %d", f.octets, n/groupLen, start, place, at, len(f.boundaries)-len(rest))
				}
				at = start
			}
			if int(rest[0])*codeLen > len(x.codes) {
				t.Fatalf("IPv%d: country %d", f.octets, rest[0])
			}
			distance, octets := readDistance(rest[1:])
			if octets == 0 || at+distance > 1<<(8*f.octets) {
				t.Fatalf("IPv%d: boundary %d goes on from %x for %x", f.octets, n, at, distance)
			}
			at, rest = at+distance, rest[1+octets:]
		}
		if n < 200_000 || (n+groupLen-1)/groupLen != len(f.index)/width {
			t.Errorf("IPv%d: %d boundaries in %d groups", f.octets, n, len(f.index)/width)
		}
	}
	if size > 3<<19 {
		t.Errorf("%d octets", size)
	}
}

// What a block says is what its source says, for the ends of each range and what lies between; and the command makes the
// same block again.
func TestTheBlockIsWhatTheSourceSays(t *testing.T) {
	sources := []string{"/usr/share/tor/geoip", "/usr/share/tor/geoip6"}
	for i, size := range []int64{9481354, 15991320} { // of the edition that it was made of
		if info, err := os.Stat(sources[i]); err != nil || info.Size() != size {
			t.Skipf("%s is not here in the edition that countries.bin was made of (tor-geoipdb 0.4.9.11)", sources[i])
		}
	}
	out := filepath.Join(t.TempDir(), "countries.bin")
	if text, err := exec.Command("go", append([]string{"run", "./gen", "-o", out}, sources...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := os.ReadFile("countries.bin"); err != nil || string(got) != string(want) {
		t.Errorf("countries.bin is not what gen makes of the lists: %v", err)
	}
	x := table(t)
	data, err := os.ReadFile(sources[0])
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSpace(line), ",")
		if len(f) != 3 {
			continue
		}
		var ends [2]netip.Addr
		for i := range ends {
			var n uint64
			for _, c := range f[i] {
				n = 10*n + uint64(c-'0')
			}
			ends[i] = netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(n))))
			got := x.Lookup(ends[i])
			if got != f[2] && got != "" && (f[2] != "UK" || got != "GB") {
				t.Fatalf("Lookup(%s) = %q, and the source says %q", ends[i], got, f[2])
			}
			if got != "" {
				checked++
			}
		}
	}
	if checked < 700_000 {
		t.Errorf("only %d ends of ranges have a country", checked)
	}
}

func TestBlocksThatAreNoneAreRefused(t *testing.T) {
	block, err := os.ReadFile("countries.bin")
	if err != nil {
		t.Fatal(err)
	}
	good := string(block)
	for name, bad := range map[string]string{
		"nothing": "", "another file": "PK\x03\x04" + good[4:], "cut off": good[:len(good)/2], "more": good + "x",
		"no day": good[:4] + "2026-13-45" + good[14:], "no codes": good[:15] + "a\x00" + good[17:],
	} {
		if _, err := Parse(bad); !errors.Is(err, ErrBlock) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// small is a block written by hand: 1.0.0.0/8 is of CA, 3.0.0.0 to 3.1.223.255 of FR.
const small = "CTY12026-06-25\x02CAFR" +
	"\x00\x00\x00\x01\x00\x00\x00\x07" + "\x01\x00\x00\x00\x00\x00\x00" + "\x01\x18\x00\x18\x02\xed\x00" +
	"\x00\x00\x00\x00\x00\x00\x00\x00"

func TestABlockWrittenByHandIsRead(t *testing.T) {
	x, err := Parse(small)
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"0.255.255.255": "", "1.0.0.0": "CA", "1.255.255.255": "CA", "2.0.0.0": "", "2.255.255.255": "", "3.0.0.0": "FR", "3.1.223.255": "FR", "3.1.224.0": "",
		"::1": "", "2001:200::1": "",
	} {
		if got := x.Lookup(netip.MustParseAddr(addr)); got != want {
			t.Errorf("Lookup(%s) = %q, want %q", addr, got, want)
		}
	}
}

// What was packed is what is looked up, whatever the ranges.
func FuzzPack(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 255, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 128, 0, 2})
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 255, 255, 255, 255, 2, 9, 9, 9, 9, 0, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		var ranges []Range
		next := uint64(0)
		for ; len(data) >= 9 && next < 1<<32; data = data[9:] {
			first := next + uint64(binary.BigEndian.Uint32(data))
			last := min(first+uint64(binary.BigEndian.Uint32(data[4:])), 1<<32-1)
			if first > last {
				break
			}
			ranges = append(ranges, Range{ip4(first), ip4(last), []string{"", "CA", "FR"}[data[8]%3]})
			next = last + 1
		}
		block, err := Pack(time.Date(2026, 6, 25, 0, 0, 0, 0, time.UTC), ranges)
		if err != nil {
			t.Fatal(err)
		}
		x, err := Parse(block)
		if err != nil {
			t.Fatal(err)
		}
		covered := func(a netip.Addr) string {
			for _, r := range ranges {
				if r.First.Compare(a) <= 0 && a.Compare(r.Last) <= 0 {
					return r.Country
				}
			}
			return ""
		}
		for _, r := range ranges {
			for _, a := range []netip.Addr{r.First, r.Last, r.First.Prev(), r.Last.Next()} {
				if got := x.Lookup(a); got != covered(a) {
					t.Errorf("Lookup(%s) = %q, want %q", a, got, covered(a))
				}
			}
		}
	})
}

func ip4(n uint64) netip.Addr {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(n))))
}

func TestNetworksSmallerThanASiteHaveACountryOnlyIfAllOfItsHave(t *testing.T) {
	a := netip.MustParseAddr
	block, err := Pack(time.Time{}, []Range{
		{a("2001:200:0:1::"), a("2001:200:0:1:ffff:ffff:ffff:ffff"), "JP"},
		{a("2001:200:0:2::"), a("2001:200:0:2:ffff:ffff:ffff:ffff"), "JP"},
		{a("2001:200:1::"), a("2001:200:1:7:ffff:ffff:ffff:ffff"), "JP"},
		{a("2001:200:1:8::"), a("2001:200:1:8:ffff:ffff:ffff:ffff"), "FR"},
		{a("2001:200:1:9::"), a("2001:200:3:ffff:ffff:ffff:ffff:ffff"), "CA"},
	})
	if err != nil {
		t.Fatal(err)
	}
	x, err := Parse(block)
	if err != nil || !x.AsOf.IsZero() {
		t.Fatal(x.AsOf, err)
	}
	for addr, want := range map[string]string{"2001:200:0:1::5": "JP", "2001:200:1:8::1": "", "2001:200:1::1": "", "2001:200:2::": "CA", "2001:200:4::": ""} {
		if got := x.Lookup(a(addr)); got != want {
			t.Errorf("Lookup(%s) = %q, want %q", addr, got, want)
		}
	}
	if _, err := Pack(time.Time{}, []Range{{a("10.0.0.2"), a("10.0.0.3"), "CA"}, {a("10.0.0.3"), a("10.0.0.4"), "CA"}}); !errors.Is(err, ErrBlock) {
		t.Errorf("ranges that overlap: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(small, []byte{1, 2, 3, 4})
	f.Add(small[:20], []byte{0x20, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Add("CTY12026-06-25\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", []byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, block string, addr []byte) {
		x, err := Parse(block)
		if err != nil {
			if !errors.Is(err, ErrBlock) || x != (Table{}) {
				t.Fatalf("%v, with a table", err)
			}
			return
		}
		a, _ := netip.AddrFromSlice(addr)
		if c := x.Lookup(a); c != "" && (len(c) != codeLen || !strings.Contains(x.codes, c)) {
			t.Errorf("Lookup(%s) = %q", a, c)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	x := table(b)
	for _, a := range []string{"137.194.2.1", "2001:4860:4860::8888"} {
		addr := netip.MustParseAddr(a)
		b.Run(a, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x.Lookup(addr)
			}
		})
	}
}
