package frame

import (
	"net/netip"
	"testing"
)

func FuzzParseAddrAgreesWithTheStandardLibrary(f *testing.F) {
	for _, s := range []string{
		"", "0.0.0.0", "1.2.3.4", "255.255.255.255", "256.1.1.1", "01.2.3.4", "1.2.3", "1.2.3.4.5", "1..3.4", "1.2.3.4.", ".1.2.3.4", "1.2.3.04",
		"::", "fe80::1%eth0", "::ffff:1.2.3.4", "2001:db8::1", "1.2.3.x",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want, err := netip.ParseAddr(string(text))
		got, ok := ParseAddr(text)
		if ok != (err == nil && len(text) <= 64) {
			t.Fatalf("%q: %v, %v", text, ok, err)
		}
		if ok && got != AddrFrom(want) {
			t.Errorf("%q: %v, want %v", text, got.Netip(), want)
		}
	})
}

func TestParseAddrOfIPv4AllocatesNothing(t *testing.T) {
	text := []byte("192.168.1.254")
	if n := testing.AllocsPerRun(100, func() { ParseAddr(text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
