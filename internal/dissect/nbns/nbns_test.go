package nbns

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
)

// encoded writes a name and its suffix in the way of the wire.
func encoded(s string, suffix byte) []byte {
	b := []byte{32}
	for _, c := range append([]byte(fmt.Sprintf("%-15s", s)), suffix) {
		b = append(b, 'A'+c>>4, 'A'+c&15)
	}
	return append(b, 0)
}

func wire(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

var (
	query    = slices.Concat(wire("1a2b 0110 0001 0000 0000 0000"), encoded("FILESRV", 0x20), wire("0020 0001"))
	status   = slices.Concat(wire("1a2b 0000 0001 0000 0000 0000"), encoded("*", 0), wire("0021 0001"))
	register = slices.Concat(wire("1a2b 2910 0001 0000 0000 0001"), encoded("CAM-1", 0), wire("0020 0001"),
		wire("c00c 0020 0001 00000000 0006 0000 c0000214"))
	group = slices.Concat(wire("1a2b 2910 0001 0000 0000 0001"), encoded("WORKGROUP", 0x1e), wire("0020 0001"),
		wire("c00c 0020 0001 00000000 0006 8000 c0000214"))
	found = slices.Concat(wire("1a2b 8500 0000 0001 0000 0000"), encoded("FILESRV", 0x20), wire("0020 0001 00000000 000c 6000 c0000263 6000 c0000214"))
	other = slices.Concat(wire("1a2b 8500 0000 0001 0000 0000"), encoded("FILESRV", 0x20), wire("0020 0001 00000000 0006 6000 c0000263"))
	node  = slices.Concat(wire("1a2b 8400 0000 0001 0000 0000"), encoded("*", 0), wire("0021 0001 00000000 002b 02"),
		[]byte("CAM-1          \x00\x04\x00WORKGROUP      \x00\x84\x00"), make([]byte, 6))
)

func datagram(origin string, text ...[]byte) []byte {
	data := slices.Concat(text...)
	o := netip.MustParseAddr(origin).As4()
	b := slices.Concat([]byte{0x11, 0x02, 0x1a, 0x2b}, o[:], []byte{0, 138, 0, 0, 0, 0}, encoded("NAS-1", 0), encoded("WORKGROUP", 0x1d), data)
	binary.BigEndian.PutUint16(b[10:], uint16(len(b)-14))
	return b
}

func browse(command byte) []byte {
	const mailslot = "\\MAILSLOT\\BROWSE\x00"
	frame := slices.Concat([]byte{command, 0, 0, 0, 0, 0}, []byte("NAS-1\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
		[]byte{6, 1}, wire("039a8100 0f01 55aa"), []byte("Storage of the house\x00"))
	smb := make([]byte, 32+1+2*17+2)
	copy(smb, "\xffSMB\x25")
	smb[32] = 17
	binary.LittleEndian.PutUint16(smb[33+22:], uint16(len(frame)))
	binary.LittleEndian.PutUint16(smb[33+24:], uint16(len(smb)+len(mailslot)))
	binary.LittleEndian.PutUint16(smb[33+34:], uint16(len(mailslot)+len(frame)))
	return slices.Concat(smb, []byte(mailslot), frame)
}

func run(dissector dissect.Func, data []byte) (int, dissect.State, string) {
	var f dissect.Facts
	n, s := dissector(&dissect.Message{Data: data, Src: netip.MustParseAddrPort("192.0.2.20:137"), Dst: netip.MustParseAddrPort("192.0.2.255:137")}, &f)
	var b strings.Builder
	for i := range f.Len() {
		fmt.Fprintf(&b, "%s=%s", f.At(i).Name, f.Value(i))
		f.Fields(i, func(k string, v []byte) { fmt.Fprintf(&b, " %s=%s", k, v) })
		b.WriteByte('\n')
	}
	return n, s, b.String()
}

func TestFacts(t *testing.T) {
	for _, c := range []struct {
		name string
		f    dissect.Func
		data []byte
		want string
	}{
		{"a name is looked for", Dissect, query, "nbns.query=FILESRV suffix=20 type=NB\n"},
		{"all names of a node are asked for", Dissect, status, "nbns.query=* suffix=00 type=NBSTAT\n"},
		{"a device claims its name", Dissect, register, "nbns.name=CAM-1 suffix=00 group=0 address=192.0.2.20\n"},
		{"a device joins its group", Dissect, group, "nbns.name=WORKGROUP suffix=1e group=1 address=192.0.2.20\n"},
		{"a device answers for itself", Dissect, found, "nbns.name=FILESRV suffix=20 group=0 address=192.0.2.20\n"},
		{"a server that answers for others says nothing of itself", Dissect, other, ""},
		{"a node tells its names", Dissect, node, "nbns.name=CAM-1 suffix=00 group=0\nnbns.name=WORKGROUP suffix=00 group=1\n"},
		{
			"a host announces itself", DissectDatagram, datagram("192.0.2.20", browse(1)),
			"nbns.name=NAS-1 suffix=00\nnbns.browser=NAS-1 version=6.1 type=8493571 comment=Storage of the house\n",
		},
		{"another datagram names its sender", DissectDatagram, datagram("192.0.2.20", []byte("abc")), "nbns.name=NAS-1 suffix=00\n"},
		{"an election is no announcement", DissectDatagram, datagram("192.0.2.20", browse(8)), "nbns.name=NAS-1 suffix=00\n"},
		{"what is relayed is not about the relay", DissectDatagram, datagram("192.0.2.99", browse(1)), ""},
	} {
		if n, s, got := run(c.f, c.data); n != len(c.data) || s != dissect.Next || got != c.want {
			t.Errorf("%s: n=%d of %d state=%d\n got %q\nwant %q", c.name, n, len(c.data), s, got, c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, data := range [][]byte{
		nil,
		query[:40],
		slices.Concat(wire("0007 0100 0001 0000 0000 0000"), wire("03777777 076578616d706c65 00 0001 0001")),
		slices.Concat(query[:13], []byte{'Z'}, query[14:]),
		slices.Concat(query[:13], []byte{'a'}, query[14:]),
		slices.Concat(query[:46], []byte{0, 1, 0, 1}),
		datagram("192.0.2.20")[:60],
	} {
		for _, f := range []dissect.Func{Dissect, DissectDatagram} {
			if n, s, got := run(f, data); n != 0 || s != dissect.No || got != "" {
				t.Errorf("%x: n=%d state=%d %q", data, n, s, got)
			}
		}
	}
}

func FuzzDissect(f *testing.F) {
	for _, data := range [][]byte{query, status, register, found, node, datagram("192.0.2.20", browse(1))} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, d := range []dissect.Func{Dissect, DissectDatagram} {
			n, s, got := run(d, data)
			if s == dissect.No && (n != 0 || got != "") || s == dissect.Next && n != len(data) || s == dissect.More {
				t.Fatalf("n=%d of %d state=%d %q", n, len(data), s, got)
			}
		}
	})
}

func TestUsualMessagesDoNotAllocate(t *testing.T) {
	f := new(dissect.Facts)
	for _, data := range [][]byte{query, register, node} {
		m := &dissect.Message{Data: data}
		Dissect(m, f)
		if avg := testing.AllocsPerRun(100, func() { f.Reset(); Dissect(m, f) }); avg != 0 {
			t.Errorf("%x: %v allocations", data, avg)
		}
	}
}
