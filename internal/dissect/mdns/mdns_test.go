package mdns

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
)

func message(data []byte) *dissect.Message {
	return &dissect.Message{
		Data: data,
		Src:  netip.MustParseAddrPort("192.0.2.20:5353"),
		Dst:  netip.MustParseAddrPort("224.0.0.251:5353"),
	}
}

func run(m *dissect.Message) (int, dissect.State, string) {
	var f dissect.Facts
	n, s := Dissect(m, &f)
	var b strings.Builder
	for i := range f.Len() {
		fmt.Fprintf(&b, "%s=%s", f.At(i).Name, f.Value(i))
		f.Fields(i, func(k string, v []byte) { fmt.Fprintf(&b, " %s=%s", k, v) })
		b.WriteByte('\n')
	}
	return n, s, b.String()
}

// name writes labels divided by "/", so that a label may have dots.
func name(s string) []byte {
	var b []byte
	for l := range strings.SplitSeq(s, "/") {
		b = append(append(b, byte(len(l))), l...)
	}
	return append(b, 0)
}

func header(flags uint16, counts ...uint16) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0, 0}, flags)
	for _, c := range counts {
		b = binary.BigEndian.AppendUint16(b, c)
	}
	return b
}

func question(s string, typ uint16) []byte {
	return append(name(s), byte(typ>>8), byte(typ), 0, 1)
}

func record(s string, typ uint16, ttl uint32, data ...[]byte) []byte {
	b := append(name(s), byte(typ>>8), byte(typ), 0x80, 1)
	b = binary.BigEndian.AppendUint32(b, ttl)
	d := slices.Concat(data...)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(d))), d...)
}

func texts(pairs ...string) []byte {
	var b []byte
	for _, p := range pairs {
		b = append(append(b, byte(len(p))), p...)
	}
	return b
}

func TestFacts(t *testing.T) {
	const lamp = "Lamp (v1.2) – salon/_hap/_tcp/local"
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{
			"what a device looks for",
			slices.Concat(header(0, 3, 0, 0, 0), question("_googlecast/_tcp/local", 12), question("_services/_dns-sd/_udp/local", 12), question("Box/_airplay/_TCP/local", 16)),
			"mdns.query=_googlecast._tcp type=PTR\n" +
				"mdns.query=_services._dns-sd._udp type=PTR\n" +
				"mdns.query=_airplay._tcp type=TXT instance=Box\n",
		},
		{
			"a host that it looks for",
			slices.Concat(header(0, 1, 0, 0, 0), question("Printer/local", 28)),
			"mdns.query=printer.local type=AAAA\n",
		},
		{
			"a HomeKit accessory announces itself",
			slices.Concat(header(0x8400, 0, 3, 0, 3),
				record("_hap/_tcp/local", 12, 4500, name(lamp)),
				record(lamp, 33, 120, []byte{0, 0, 0, 0, 0x1f, 0x90}, name("Lamp-01/local")),
				record(lamp, 16, 4500, texts("md=L100", "", "=bad", "ci=5", "flag")),
				record("Lamp-01/local", 1, 120, []byte{192, 0, 2, 20}),
				record("lamp-01/local", 28, 120, netip.MustParseAddr("fe80::20").AsSlice()),
				record("Lamp-01/local", 47, 120, []byte{0})),
			"mdns.service=_hap._tcp instance=Lamp (v1.2) – salon\n" +
				"mdns.service=_hap._tcp instance=Lamp (v1.2) – salon host=lamp-01.local port=8080\n" +
				"mdns.txt=md=L100 service=_hap._tcp instance=Lamp (v1.2) – salon\n" +
				"mdns.txt=ci=5 service=_hap._tcp instance=Lamp (v1.2) – salon\n" +
				"mdns.txt=flag service=_hap._tcp instance=Lamp (v1.2) – salon\n" +
				"mdns.hostname=lamp-01.local\n" +
				"mdns.address=192.0.2.20 host=lamp-01.local\n" +
				"mdns.address=fe80::20 host=lamp-01.local\n",
		},
		{
			"passwords in texts",
			slices.Concat(header(0x8400, 0, 2, 0, 0),
				record("Box/_http/_tcp/local", 16, 120, texts("u=admin", "p=SECRET", "path=/index.html")),
				record("Box/_x/_tcp/local", 16, 120, texts("p=1", "Token=SECRET", "password="))),
			"mdns.txt=u=admin service=_http._tcp instance=Box\n" +
				"mdns.txt=p=* service=_http._tcp instance=Box\n" +
				"mdns.txt=path=/index.html service=_http._tcp instance=Box\n" +
				"mdns.txt=p=1 service=_x._tcp instance=Box\n" +
				"mdns.txt=Token=* service=_x._tcp instance=Box\n" +
				"mdns.txt=password= service=_x._tcp instance=Box\n",
		},
		{
			"a Matter device waits to be commissioned",
			slices.Concat(header(0x8400, 0, 2, 0, 0),
				record("_V65521/_sub/_matterc/_udp/local", 12, 120, name("A1B2/_matterc/_udp/local")),
				record("A1B2/_matterc/_udp/local", 16, 120, texts("VP=65521+32769", "CM=1", "D=840"))),
			"mdns.service=_matterc._udp instance=A1B2 subtype=_V65521\n" +
				"mdns.txt=VP=65521+32769 service=_matterc._udp instance=A1B2\n" +
				"mdns.txt=CM=1 service=_matterc._udp instance=A1B2\n" +
				"mdns.txt=D=840 service=_matterc._udp instance=A1B2\n",
		},
		{
			"the list of service types",
			slices.Concat(header(0x8400, 0, 1, 0, 0), record("_services/_dns-sd/_udp/local", 12, 120, name("_ipp/_tcp/local"))),
			"mdns.service=_ipp._tcp\n",
		},
		{
			"what it knows of others is not told of itself",
			slices.Concat(header(0, 1, 1, 0, 0), question("_hap/_tcp/local", 12), record("_hap/_tcp/local", 12, 120, name(lamp))),
			"mdns.query=_hap._tcp type=PTR\n",
		},
		{
			"a probe tells the name that it wants",
			slices.Concat(header(0, 1, 0, 1, 0), question("lamp-01/local", 255), record("lamp-01/local", 1, 120, []byte{192, 0, 2, 20})),
			"mdns.query=lamp-01.local type=ANY\nmdns.hostname=lamp-01.local\nmdns.address=192.0.2.20 host=lamp-01.local\n",
		},
		{
			"an address that is taken back is not told",
			slices.Concat(header(0x8400, 0, 1, 0, 0), record("lamp-01/local", 1, 0, []byte{192, 0, 2, 20})),
			"",
		},
		{
			"system",
			slices.Concat(header(0x8400, 0, 1, 0, 0), record("nas/local", 13, 120, texts("ARMV7L", "LINUX"))),
			"mdns.hinfo=LINUX cpu=ARMV7L\n",
		},
		{
			"cut in the middle, told as far as it goes",
			slices.Concat(header(0x8400, 0, 9, 0, 0), record("nas/local", 1, 120, []byte{192, 0, 2, 20}), []byte{3, 'a'}),
			"mdns.hostname=nas.local\nmdns.address=192.0.2.20 host=nas.local\n",
		},
		{
			"cut in the middle of a text, told as far as it goes",
			slices.Concat(header(0x8400, 0, 2, 0, 0), record("Hub/_hue/_tcp/local", 16, 120, texts("bridgeid=1", "modelid=BSB002"))[:50]),
			"mdns.txt=bridgeid=1 service=_hue._tcp instance=Hub\n",
		},
		{
			"cut in the first name, known all the same",
			append(header(0, 2, 0, 2, 0), question("4/0/7/2/ip6/arpa", 255)[:12]...),
			"",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, s, got := run(message(c.data))
			if got != c.want || s != dissect.Next || n != len(c.data) {
				t.Errorf("n=%d of %d state=%d\n got %s\nwant %s", n, len(c.data), s, got, c.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	q := slices.Concat(header(0, 1, 0, 0, 0), question("_hap/_tcp/local", 12))
	for _, c := range []struct {
		name string
		data []byte
		port uint16
	}{
		{"nothing", nil, port},
		{"no entries", header(0, 0, 0, 0, 0), port},
		{"response code", slices.Concat(header(0x8403, 1, 0, 0, 0), q[12:]), port},
		{"a class of no use", slices.Concat(q[:len(q)-1], []byte{7}), port},
		{"another opcode", slices.Concat(header(0x2800, 1, 0, 0, 0), q[12:]), port},
		{"a name that points at itself", slices.Concat(header(0, 1, 0, 0, 0), []byte{0xc0, 12, 0, 1, 0, 1}), port},
		{"another port", q, 5300},
		{"text", []byte("this is not a message of any kind"), port},
	} {
		m := message(c.data)
		m.Src = netip.AddrPortFrom(m.Src.Addr(), c.port)
		m.Dst = m.Src
		if n, s, got := run(m); n != 0 || s != dissect.No || got != "" {
			t.Errorf("%s: n=%d state=%d %q", c.name, n, s, got)
		}
		if avg := testing.AllocsPerRun(10, func() { Dissect(m, new(dissect.Facts)) }); avg > 0 {
			t.Errorf("%s: %v allocations to say no", c.name, avg)
		}
	}
}

// A small message must not become a large number of facts.
func TestFactsAreBounded(t *testing.T) {
	data := header(0, 10000, 0, 0, 0)
	data = append(data, question(strings.Repeat(strings.Repeat("\xff", 60)+"/", 3)+"x", 1)...)
	for range 9999 {
		data = append(data, 0xc0, 12, 0, 1, 0, 1)
	}
	var f dissect.Facts
	if Dissect(message(data), &f); f.Len() == 0 || f.Len() > maxFacts {
		t.Errorf("%d facts", f.Len())
	}
}

func TestUsualMessagesDoNotAllocate(t *testing.T) {
	f := new(dissect.Facts)
	for _, data := range seeds() {
		m := message(data)
		Dissect(m, f)
		if avg := testing.AllocsPerRun(100, func() { f.Reset(); Dissect(m, f) }); avg != 0 {
			t.Errorf("%q: %v allocations", data, avg)
		}
	}
}

func seeds() [][]byte {
	return [][]byte{
		slices.Concat(header(0, 1, 1, 0, 0), question("_hap/_tcp/local", 12), record("_hap/_tcp/local", 12, 120, name("a/_hap/_tcp/local"))),
		slices.Concat(header(0x8400, 0, 3, 0, 1),
			record("_V65521/_sub/_matterc/_udp/local", 12, 120, name("A1B2/_matterc/_udp/local")),
			record("A1B2/_matterc/_udp/local", 33, 120, []byte{0, 0, 0, 0, 0x15, 0xa4}, name("B0/local")),
			record("A1B2/_matterc/_udp/local", 16, 120, texts("VP=65521+32769", "CM=1", "D=840")),
			record("B0/local", 28, 120, netip.MustParseAddr("fe80::20").AsSlice())),
		slices.Concat(header(0x8400, 0, 1, 0, 0), record("nas/local", 13, 120, texts("ARMV7L", "LINUX"))),
	}
}

func BenchmarkDissect(b *testing.B) {
	m := message(seeds()[1])
	f := new(dissect.Facts)
	b.ReportAllocs()
	for b.Loop() {
		f.Reset()
		Dissect(m, f)
	}
}

func FuzzDissect(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var facts dissect.Facts
		n, s := Dissect(message(data), &facts)
		got := facts.Len()
		if s == dissect.No && (n != 0 || got != 0) || s == dissect.Next && n != len(data) || s == dissect.More {
			t.Fatalf("n=%d of %d, state=%d, %d facts", n, len(data), s, got)
		}
		if got > maxFacts+1 { // an address may bring its host
			t.Fatalf("%d facts", got)
		}
	})
}

// Another reader must find the same hosts and addresses in real traffic.
func TestAddressesEqualTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil || testing.Short() {
		t.Skip("tshark is not installed, or -short")
	}
	root, err := os.Getwd()
	for err == nil && root != "/" {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		root = filepath.Dir(root)
	}
	captures := filepath.Join(filepath.Dir(root), "shared", "data", "captures")
	files, _ := filepath.Glob(filepath.Join(captures, "devices/iot-sentinel/HueBridge/*-1-*"))
	more, _ := filepath.Glob(filepath.Join(captures, "protocols/*/*mdns*.pcap"))
	if files = append(files, more...); len(files) == 0 {
		t.Skip("no captures at ../shared/data")
	}
	messages := 0
	for _, file := range files {
		out, _ := exec.Command(tshark, "-n", "-r", file, "-Y", "mdns && udp && dns.flags.response==1 && !_ws.malformed && !icmp",
			"-T", "fields", "-e", "frame.number", "-e", "udp.payload", "-e", "dns.a", "-e", "dns.aaaa").Output()
		for line := range strings.Lines(string(out)) {
			col := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			payload, err := hex.DecodeString(col[1])
			if err != nil {
				t.Fatal(err)
			}
			var f dissect.Facts
			if _, s := Dissect(message(payload), &f); s != dissect.Next {
				t.Errorf("%s frame %s: refused", filepath.Base(file), col[0])
			}
			var got, want []string
			for i := range f.Len() {
				if f.At(i).Name == "mdns.address" {
					got = append(got, string(f.Value(i)))
				}
			}
			for _, c := range col[2:4] {
				if c != "" {
					want = append(want, strings.Split(c, ",")...)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s frame %s: got %q, want %q", filepath.Base(file), col[0], got, want)
			}
			messages++
		}
	}
	t.Logf("%d responses in %d captures", messages, len(files))
}
