package indicator_test

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"plimsoll.example/plimsoll/internal/indicator"
)

// FuzzLoad holds that whatever a list says, what each home meets is not found by it, that no more is taken than fits,
// and that the same list gives the same.
func FuzzLoad(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*.*")
	if err != nil || len(seeds) < 10 {
		f.Fatal(seeds, err)
	}
	for _, name := range seeds {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, pattern := range []string{"[a:b = 'c' AND (url:value='x' OR domain-name:value IN ('p.example','q.example'))] FOLLOWEDBY [x:y=1]", "[[]", "[domain-name:value NOT = 'x']", "[((((domain-name:value = 'p.example'))))]", "[domain-name:value = 'p"} {
		f.Add([]byte(`{"type":"indicator","pattern":"` + pattern + `"}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, again := indicator.Set{Limit: 50}, indicator.Set{Limit: 50}
		feed, err := s.Load("x", bytes.NewReader(data))
		if s.Len() > 50 {
			t.Fatalf("%d entries", s.Len())
		}
		second, err2 := again.Load("x", bytes.NewReader(data))
		if feed.Entries != second.Entries || (err == nil) != (err2 == nil) || s.Len() != again.Len() {
			t.Fatalf("%+v, then %+v", feed, second)
		}
		for _, a := range []string{"192.168.1.1", "10.0.0.1", "8.8.8.8", "127.0.0.1", "fe80::1", "2606:4700:4700::1111"} {
			if m, ok := s.Address(netip.MustParseAddr(a), 80, now); ok {
				t.Fatalf("%s: %+v", a, m)
			}
		}
		for _, n := range []string{"com", "www.google.com", "connectivitycheck.gstatic.com", "printer.local"} {
			if m, ok := s.Domain(n, now); ok && m.Value != n {
				t.Fatalf("%s: %+v", n, m)
			}
		}
	})
}

func BenchmarkDomain(b *testing.B) {
	var s indicator.Set
	if _, err := s.LoadFile("testdata/plain.txt"); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Domain("a.rather.long.name.of.some.cloud.example.com", now)
	}
}

func BenchmarkAddress(b *testing.B) {
	var s indicator.Set
	if _, err := s.LoadFile("testdata/plain.txt"); err != nil {
		b.Fatal(err)
	}
	a := netip.MustParseAddr("198.51.100.9")
	b.ReportAllocs()
	for b.Loop() {
		s.Address(a, 443, now)
	}
}
