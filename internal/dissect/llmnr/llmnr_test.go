package llmnr

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
)

func wire(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

const (
	asks    = "1a2b 0000 0001 0000 0000 0000" + "04 5750414400" + "0001 0001"
	answers = "1a2b 8000 0001 0001 0000 0000" + "06 4465736b2d3100" + "0001 0001" + "c00c 0001 0001 0000001e 0004 c0000214"
	reverse = "1a2b 8000 0001 0001 0000 0000" + "02 3230 01 32 01 30 03 313932 07 696e2d61646472 04 61727061 00" + "000c 0001" +
		"c00c 000c 0001 0000001e 0008 06 4465736b2d31 00"
)

func run(data []byte, port uint16) (int, dissect.State, string) {
	var f dissect.Facts
	n, s := Dissect(&dissect.Message{
		Data: data,
		Src:  netip.MustParseAddrPort("192.0.2.20:50000"),
		Dst:  netip.AddrPortFrom(netip.MustParseAddr("224.0.0.252"), port),
	}, &f)
	var b strings.Builder
	for i := range f.Len() {
		fmt.Fprintf(&b, "%s=%s", f.At(i).Name, f.Value(i))
		f.Fields(i, func(k string, v []byte) { fmt.Fprintf(&b, " %s=%s", k, v) })
		b.WriteByte('\n')
	}
	return n, s, b.String()
}

func TestFacts(t *testing.T) {
	for _, c := range []struct{ name, data, want string }{
		{"a name asked of the neighbours", asks, "llmnr.query=wpad type=A\n"},
		{"a device answers to its name", answers, "llmnr.name=desk-1 address=192.0.2.20\n"},
		{"a device tells its name for its address", reverse, "llmnr.name=desk-1\n"},
	} {
		data := wire(c.data)
		if n, s, got := run(data, 5355); n != len(data) || s != dissect.Next || got != c.want {
			t.Errorf("%s: n=%d of %d state=%d got %q, want %q", c.name, n, len(data), s, got, c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		port uint16
	}{
		{"nothing", nil, 5355},
		{"another port", wire(asks), 5300},
		{"two questions", wire("1a2b 0000 0002 0000 0000 0000 0161 00 0001 0001 c00c 0001 0001"), 5355},
		{"name without end", wire("1a2b 0000 0001 0000 0000 0000 3f61 61 0001 0001"), 5355},
		{"pointer to itself", wire("1a2b 0000 0001 0000 0000 0000 c00c 0001 0001"), 5355},
	} {
		if n, s, got := run(c.data, c.port); n != 0 || s != dissect.No || got != "" {
			t.Errorf("%s: n=%d state=%d %q", c.name, n, s, got)
		}
	}
}

func FuzzDissect(f *testing.F) {
	for _, s := range []string{asks, answers, reverse} {
		f.Add(wire(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, s, got := run(data, 5355)
		if s == dissect.No && (n != 0 || got != "") || s == dissect.Next && n != len(data) || s == dissect.More || s == dissect.Done {
			t.Fatalf("n=%d of %d state=%d %q", n, len(data), s, got)
		}
	})
}
