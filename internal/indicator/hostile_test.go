package indicator

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

// endless gives one octet again and again, and counts.
type endless struct {
	octet byte
	n     int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.n > 64<<20 {
		return 0, io.EOF
	}
	copy(p, bytes.Repeat([]byte{e.octet}, len(p)))
	e.n += len(p)
	return len(p), nil
}

func TestNothingInADocumentIsKeptThatHasNoEnd(t *testing.T) {
	for _, octet := range []byte("1 x\n") {
		for _, start := range []string{"[", `{"a":`, `["a"`} {
			tail := &endless{octet: octet}
			_, err := new(Set).Load("x.json", io.MultiReader(strings.NewReader(start), tail))
			var format *FormatError
			if !errors.As(err, &format) || tail.n > 1<<20 {
				t.Errorf("%q and %q without end: %v after %d octets", start, octet, err, tail.n)
			}
		}
	}
}

func TestAPatternOfMoreConditionsThanCanBeLookedForIsUnsupported(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat("domain-name:value = 'a.example' AND ", 2*maxMembers+1), " AND ")
	ways, unsupported, err := pattern("[" + many + "] OR [domain-name:value = 'b.example']")
	if err != nil || unsupported != 1 || len(ways) != 1 || len(ways[0]) != 1 || ways[0][0].value != "b.example" {
		t.Errorf("got %v, %d unsupported, %v; want b.example alone, and one that is not", ways, unsupported, err)
	}
}

func TestAValueThatIsListedAgainAndAgainIsLookedUpInBoundedTime(t *testing.T) {
	var list strings.Builder
	list.WriteString("# first_seen_utc,dst_ip,dst_port,c2_status,last_online,malware\n")
	for port := 1; port <= 2*maxSame; port++ {
		list.WriteString("2020-01-01 00:00:00,203.0.113.5," + strconv.Itoa(port) + ",online,2020-01-01,x\n")
	}
	var s Set
	if _, err := s.Load("list.csv", strings.NewReader(list.String())); err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddr("203.0.113.5")
	if _, ok := s.Address(at, 2*maxSame, 1577836800e9); !ok {
		t.Error("the last entry is not found")
	}
	looked := 0
	s.find(address, "203.0.113.5/32", 1577836800e9, func(*record) bool { looked++; return false })
	if looked != maxSame {
		t.Errorf("%d entries are looked at, want %d", looked, maxSame)
	}
}
