package dns

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/frame"
)

var (
	asker  = frame.MAC{2, 0, 0, 0, 0, 1}
	server = frame.MAC{2, 0, 0, 0, 0, 2}
)

// query and response are messages of the asker and of the server, on the given port of the server.
func query(data []byte, port uint16) *dissect.Message {
	return &dissect.Message{
		Data:   data,
		Src:    netip.AddrPortFrom(netip.MustParseAddr("192.0.2.10"), 40000),
		Dst:    netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), port),
		SrcMAC: asker, DstMAC: server,
	}
}

func response(data []byte, port uint16) *dissect.Message {
	m := query(data, port)
	m.Src, m.Dst, m.SrcMAC, m.DstMAC = m.Dst, m.Src, m.DstMAC, m.SrcMAC
	return m
}

// lines writes facts as "subject name=value key=value …".
func lines(f *dissect.Facts) string {
	var b strings.Builder
	for i := range f.Len() {
		who := map[frame.MAC]string{asker: "asker", server: "server"}[f.At(i).Subject]
		fmt.Fprintf(&b, "%s %s=%s", who, f.At(i).Name, f.Value(i))
		f.Fields(i, func(k string, v []byte) { fmt.Fprintf(&b, " %s=%s", k, v) })
		b.WriteByte('\n')
	}
	return b.String()
}

func run(m *dissect.Message) (int, dissect.State, string) {
	var f dissect.Facts
	f.Begin(m.SrcMAC, 0, 1)
	n, s := Dissect(m, &f)
	return n, s, lines(&f)
}

// build makes a message with one question and what fill adds to it.
func build(t testing.TB, h dnsmessage.Header, name string, typ dnsmessage.Type, fill func(b *dnsmessage.Builder)) []byte {
	t.Helper()
	b := dnsmessage.NewBuilder(nil, h)
	b.EnableCompression()
	q := dnsmessage.Question{Name: dnsmessage.MustNewName(name), Type: typ, Class: dnsmessage.ClassINET}
	if err := b.StartQuestions(); err != nil {
		t.Fatal(err)
	}
	if err := b.Question(q); err != nil {
		t.Fatal(err)
	}
	if fill != nil {
		if err := b.StartAnswers(); err != nil {
			t.Fatal(err)
		}
		fill(&b)
	}
	msg, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func rr(name string, ttl uint32) dnsmessage.ResourceHeader {
	return dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET, TTL: ttl}
}

func alias(name, target string, ttl uint32) func(*dnsmessage.Builder) {
	return func(b *dnsmessage.Builder) {
		_ = b.CNAMEResource(rr(name, ttl), dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(target)})
	}
}

func a(name string, ttl uint32, addr string) func(*dnsmessage.Builder) {
	return func(b *dnsmessage.Builder) {
		ip := netip.MustParseAddr(addr)
		if ip.Is4() {
			_ = b.AResource(rr(name, ttl), dnsmessage.AResource{A: ip.As4()})
		} else {
			_ = b.AAAAResource(rr(name, ttl), dnsmessage.AAAAResource{AAAA: ip.As16()})
		}
	}
}

func all(fill ...func(*dnsmessage.Builder)) func(*dnsmessage.Builder) {
	return func(b *dnsmessage.Builder) {
		for _, f := range fill {
			f(b)
		}
	}
}

var (
	asks    = dnsmessage.Header{ID: 7, RecursionDesired: true}
	answers = dnsmessage.Header{ID: 7, Response: true, RecursionDesired: true, RecursionAvailable: true}
)

func TestFacts(t *testing.T) {
	nx := answers
	nx.RCode = dnsmessage.RCodeNameError
	refused := answers
	refused.RCode = dnsmessage.RCodeRefused
	svcb := func(b *dnsmessage.Builder) {
		r := dnsmessage.HTTPSResource{SVCBResource: dnsmessage.SVCBResource{Priority: 1, Target: dnsmessage.MustNewName(".")}}
		r.SetParam(dnsmessage.SVCParamALPN, []byte("\x02h3\x02h2"))
		r.SetParam(dnsmessage.SVCParamPort, []byte{0x20, 0xfb})
		r.SetParam(dnsmessage.SVCParamIPv4Hint, []byte{192, 0, 2, 7, 192, 0, 2, 8})
		r.SetParam(dnsmessage.SVCParamECH, []byte("key"))
		r.SetParam(dnsmessage.SVCParamIPv6Hint, netip.MustParseAddr("2001:db8::7").AsSlice())
		_ = b.HTTPSResource(rr("shop.example.", 30), r)
	}
	for _, c := range []struct {
		name string
		m    *dissect.Message
		want string
	}{
		{
			"a query names what is asked, in lower case",
			query(build(t, asks, "Cloud.Example.", dnsmessage.TypeA, nil), 53),
			"asker dns.query=cloud.example type=A\n",
		},
		{
			"underscores are common and the type may be unknown",
			query(build(t, asks, "_dmarc._x.example.", 4242, nil), 53),
			"asker dns.query=_dmarc._x.example type=TYPE4242\n",
		},
		{
			"the root has a name",
			query(build(t, asks, ".", 2, nil), 53),
			"asker dns.query=. type=NS\n",
		},
		{
			"an answer is about the asker, the server about itself",
			response(build(t, answers, "cloud.example.", dnsmessage.TypeA, all(
				a("cloud.example.", 60, "192.0.2.5"), a("cloud.example.", 60, "192.0.2.6"))), 53),
			"server dns.server=192.0.2.1\n" +
				"asker dns.answer=cloud.example address=192.0.2.5 type=A ttl=60\n" +
				"asker dns.answer=cloud.example address=192.0.2.6 type=A ttl=60\n",
		},
		{
			"an alias keeps the name that was asked, and its own time to live counts",
			response(build(t, answers, "www.maker.example.", dnsmessage.TypeAAAA, all(
				alias("www.maker.example.", "lb.cdn.example.", 20), alias("lb.cdn.example.", "e1.cdn.example.", 300),
				a("e1.cdn.example.", 90, "2001:db8::5"))), 53),
			"server dns.server=192.0.2.1\n" +
				"asker dns.answer=www.maker.example address=2001:db8::5 type=AAAA ttl=20 cname=e1.cdn.example\n",
		},
		{
			"aliases may follow the addresses",
			response(build(t, answers, "www.maker.example.", dnsmessage.TypeA, all(
				a("e1.cdn.example.", 90, "192.0.2.9"), alias("www.maker.example.", "e1.cdn.example.", 5))), 53),
			"server dns.server=192.0.2.1\n" +
				"asker dns.answer=www.maker.example address=192.0.2.9 type=A ttl=5 cname=e1.cdn.example\n",
		},
		{
			"no such name",
			response(build(t, nx, "gone.example.", dnsmessage.TypeA, nil), 53),
			"server dns.server=192.0.2.1\n" +
				"asker dns.answer=gone.example type=A rcode=NXDOMAIN\n",
		},
		{
			"one that refuses serves nobody",
			response(build(t, refused, "cloud.example.", dnsmessage.TypeA, nil), 53),
			"asker dns.answer=cloud.example type=A rcode=REFUSED\n",
		},
		{
			"a service binding names the addresses that it hints at",
			response(build(t, answers, "shop.example.", dnsmessage.TypeHTTPS, svcb), 53),
			"server dns.server=192.0.2.1\n" +
				"asker dns.svcb=shop.example type=HTTPS ttl=30 priority=1 target=. alpn=h3,h2 port=8443 ech=1\n" +
				"asker dns.answer=shop.example address=192.0.2.7 type=HTTPS ttl=30\n" +
				"asker dns.answer=shop.example address=192.0.2.8 type=HTTPS ttl=30\n" +
				"asker dns.answer=shop.example address=2001:db8::7 type=HTTPS ttl=30\n",
		},
		{
			"found on another port",
			query(build(t, asks, "cloud.example.", dnsmessage.TypeA, nil), 5300),
			"asker dns.query=cloud.example type=A\n",
		},
		{
			"answer found on another port",
			response(build(t, answers, "cloud.example.", dnsmessage.TypeA, a("cloud.example.", 60, "192.0.2.5")), 5300),
			"server dns.server=192.0.2.1\nasker dns.answer=cloud.example address=192.0.2.5 type=A ttl=60\n",
		},
		{
			"octets that do not print are escaped",
			query(wire("000701000001000000000000"+"03"+"61e92e"+"00"+"00010001"), 53),
			"asker dns.query=a\\233\\. type=A\n",
		},
		{
			"a message cut by the capture is read as far as it goes",
			response(build(t, answers, "cloud.example.", dnsmessage.TypeA, all(
				a("cloud.example.", 60, "192.0.2.5"), a("cloud.example.", 60, "192.0.2.6")))[:50], 53),
			"server dns.server=192.0.2.1\nasker dns.answer=cloud.example address=192.0.2.5 type=A ttl=60\n",
		},
		{
			"what a device registers for itself",
			query(wire("0007 2800 0001 0000 0001 0000"+"036c616e00"+"00060001"+"03706331c00c"+"00010001"+"00000e10"+"0004c000020a"), 53),
			"asker dns.update=pc1.lan address=192.0.2.10\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, s, got := run(c.m)
			if got != c.want || s != dissect.Next || n != len(c.m.Data) {
				t.Errorf("n=%d of %d, state=%d\n got %q\nwant %q", n, len(c.m.Data), s, got, c.want)
			}
		})
	}
}

func TestStream(t *testing.T) {
	one := build(t, asks, "one.example.", dnsmessage.TypeA, nil)
	two := build(t, asks, "two.example.", dnsmessage.TypeAAAA, nil)
	both := append(prefixed(one), prefixed(two)...)
	const first, second = "asker dns.query=one.example type=A\n", "asker dns.query=two.example type=AAAA\n"

	t.Run("several messages in one segment", func(t *testing.T) {
		m := query(both, 53)
		m.Stream = true
		if n, s, got := run(m); n != len(both) || s != dissect.Next || got != first+second {
			t.Errorf("n=%d state=%d %q", n, s, got)
		}
	})
	t.Run("cut anywhere, each is told once", func(t *testing.T) {
		for cut := range len(both) {
			m := query(both[:cut], 5300)
			m.Stream = true
			n, s, got := run(m)
			if s == dissect.No || s == dissect.Done || s == dissect.Next && n != cut {
				t.Fatalf("cut at %d: n=%d state=%d", cut, n, s)
			}
			m.Data = both[n:]
			n2, s2, rest := run(m)
			if n+n2 != len(both) || s2 != dissect.Next || got+rest != first+second {
				t.Fatalf("cut at %d: n=%d+%d state=%d %q", cut, n, n2, s2, got+rest)
			}
		}
	})
	t.Run("the answer is about the asker each time", func(t *testing.T) {
		msg := prefixed(build(t, answers, "one.example.", dnsmessage.TypeA, a("one.example.", 9, "192.0.2.5")))
		m := response(append(msg, msg...), 53)
		m.Stream = true
		want := strings.Repeat("server dns.server=192.0.2.1\nasker dns.answer=one.example address=192.0.2.5 type=A ttl=9\n", 2)
		if _, _, got := run(m); got != want {
			t.Errorf("got %q", got)
		}
	})
	t.Run("a stream that ends early is read as far as it goes", func(t *testing.T) {
		m := query(both[:len(both)-2-len(two)-1], 53)
		m.Data = append(m.Data, 0)
		m.Stream, m.Final = true, true
		if _, s, _ := run(m); s == dissect.More {
			t.Error("waits for octets that will not come")
		}
	})
	t.Run("another protocol is refused at its first octets", func(t *testing.T) {
		for _, d := range []string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abcdef", "GET / HTTP/1.1\r\n\r\n", "SSH-2.0-OpenSSH_9.9\r\n"} {
			for _, port := range []uint16{53, 443} {
				m := query([]byte(d), port)
				m.Stream = true
				if _, s, _ := run(m); s != dissect.No {
					t.Errorf("%q to port %d: state=%d", d, port, s)
				}
			}
		}
	})
}

func TestRefusals(t *testing.T) {
	ok := build(t, asks, "cloud.example.", dnsmessage.TypeA, nil)
	for _, c := range []struct {
		name string
		data []byte
		port uint16
	}{
		{"nothing", nil, 53},
		{"too short", ok[:16], 53},
		{"name longer than the message", append(bytes.Clone(ok[:12]), 63, 'a', 0, 0, 1, 0, 1), 53},
		{"pointer to itself", wire("0007010000010000 00000000 c00c 0001 0001"), 53},
		{"pointer ahead", wire("0007010000010000 00000000 c012 0001 0001 0161 00"), 53},
		{"pointer into the header", wire("0007010000010000 00000000 c004 0001 0001"), 53},
		{"two labels that point at each other", wire("0007010000010000 00000000 0161 c00c 0001 0001"), 53},
		{"extended label", wire("0007010000010000 00000000 4101 00 0001 0001"), 53},
		{"name of more than 255 octets", append(append(bytes.Clone(ok[:12]), bytes.Repeat([]byte("\x3f"+strings.Repeat("a", 63)), 4)...), 0, 0, 1, 0, 1), 53},
		{"class of no use", wire("0007010000010000 00000000 0161 00 0001 7777"), 53},
		{"elsewhere, octets left over", append(bytes.Clone(ok), 0), 5300},
		{"elsewhere, no question", response(wire("000781800000 0000 0000 0000"), 53).Data, 5300},
		{"elsewhere, a record is announced that is not there", func() []byte { b := bytes.Clone(ok); b[11] = 1; return b }(), 5300},
		{"multicast DNS has its own dissector", ok, 5353},
		{"LLMNR has its own dissector", ok, 5355},
		{"RTP", wire("8060 0001 0001 0000 1234 5678 7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f"), 40002},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := query(c.data, c.port)
			if n, s, got := run(m); n != 0 || s != dissect.No || got != "" {
				t.Errorf("n=%d state=%d %q", n, s, got)
			}
			if avg := testing.AllocsPerRun(10, func() { Dissect(m, new(dissect.Facts)) }); avg > 0 {
				t.Errorf("%v allocations to say no", avg)
			}
		})
	}
}

func TestRandomOctetsAreRefused(t *testing.T) {
	r := rand.NewChaCha8([32]byte{1})
	b := make([]byte, 256)
	for i := range 200_000 {
		_, _ = r.Read(b)
		if i%2 == 0 { // as near as chance comes to a query
			copy(b[2:], []byte{1, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		}
		m := query(b[:12+i%200], 40001)
		if _, s, got := run(m); s != dissect.No {
			t.Fatalf("took %x for %q", m.Data, got)
		}
	}
}

// A message of pointers that lead to pointers must not cost more than its size is worth.
func TestPointerChainsAreBounded(t *testing.T) {
	msg := wire("0007 8180 0001 0400 0000 0000" + "0161 00 0001 0001")
	for len(msg) < 16000 { // a ladder of pointers inside the data of one record
		msg = binary.BigEndian.AppendUint16(msg, 0xc000|uint16(len(msg)-2)&0x3fff)
	}
	if _, _, ok := AppendName(nil, msg, len(msg)-2); ok {
		t.Error("a chain of 8000 pointers is a name")
	}
}

func TestPlainMessagesDoNotAllocate(t *testing.T) {
	for name, m := range plain(t) {
		f := new(dissect.Facts)
		Dissect(m, f)
		if avg := testing.AllocsPerRun(100, func() {
			f.Reset()
			f.Begin(m.SrcMAC, 0, 1)
			Dissect(m, f)
		}); avg != 0 {
			t.Errorf("%s: %v allocations", name, avg)
		}
	}
}

func plain(t testing.TB) map[string]*dissect.Message {
	return map[string]*dissect.Message{
		"query": query(build(t, asks, "device-metrics-us.maker.example.", dnsmessage.TypeA, nil), 53),
		"answer": response(build(t, answers, "device-metrics-us.maker.example.", dnsmessage.TypeA,
			a("device-metrics-us.maker.example.", 60, "192.0.2.5")), 53),
		"chain": response(build(t, answers, "www.maker.example.", dnsmessage.TypeA, all(
			alias("www.maker.example.", "lb.cdn.example.", 20), a("lb.cdn.example.", 90, "192.0.2.5"), a("lb.cdn.example.", 90, "192.0.2.6"))), 53),
		"rtp": query(wire("8060 0001 0001 0000 1234 5678 7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f"), 40002),
	}
}

func BenchmarkDissect(b *testing.B) {
	for name, m := range plain(b) {
		b.Run(name, func(b *testing.B) {
			f := new(dissect.Facts)
			b.ReportAllocs()
			for b.Loop() {
				f.Reset()
				f.Begin(m.SrcMAC, 0, 1)
				Dissect(m, f)
			}
		})
	}
}

func FuzzDissect(f *testing.F) {
	for _, m := range plain(f) {
		f.Add(m.Data, uint16(53), false)
		f.Add(prefixed(m.Data), uint16(5300), true)
	}
	f.Add(wire("0007 2800 0001 0000 0001 0000"+"036c616e00"+"00060001"+"03706331c00c"+"00010001"+"00000e10"+"0004c000020a"), uint16(53), false)
	f.Fuzz(func(t *testing.T, data []byte, port uint16, isStream bool) {
		m := response(data, port)
		m.Stream, m.Final = isStream, isStream && len(data)%2 == 0
		n, s, got := run(m)
		if n < 0 || n > len(data) {
			t.Fatalf("n=%d of %d", n, len(data))
		}
		if s == dissect.No && (n != 0 || got != "") || s == dissect.More && n == 0 && got != "" {
			t.Fatalf("state=%d n=%d with facts %q", s, n, got)
		}
		if !isStream && s == dissect.More {
			t.Fatal("waits for more of a datagram")
		}
	})
}

// Whatever the other reader takes for a name must be the same name here.
func FuzzName(f *testing.F) {
	f.Add([]byte("\x03www\x07example\x00"))
	f.Add([]byte("\x01a\x00\x01b\xc0\x0c"))
	f.Add([]byte("\x03\xc0\xff.\x00"))
	f.Add(append([]byte("\x01a\xc1\x10"), make([]byte, 300)...))
	f.Fuzz(func(t *testing.T, tail []byte) {
		msg := append(make([]byte, HeaderLen, HeaderLen+len(tail)+4), tail...)
		msg[5] = 1
		name, end, ok := AppendName(nil, append(msg, 0, 1, 0, 1), HeaderLen)
		if ok && (end <= HeaderLen || len(name) > 4*maxName || end > len(msg)+4) {
			t.Fatalf("%q ends at %d of %d", name, end, len(msg))
		}
		var p dnsmessage.Parser
		if _, err := p.Start(append(msg, 0, 1, 0, 1)); err != nil {
			t.Fatal(err)
		}
		q, err := p.Question()
		if err != nil || points(tail) { // the other follows pointers into the header, and ahead
			return
		}
		want := []byte{}
		for _, label := range bytes.Split([]byte(strings.TrimSuffix(q.Name.String(), ".")), []byte(".")) {
			want = append(AppendLabel(want, label), '.')
		}
		if len(want) > 1 {
			want = want[:len(want)-1]
		}
		if !ok || !bytes.Equal(name, want) {
			t.Fatalf("got %q ok=%v, want %q", name, ok, want)
		}
	})
}

// points reports whether the name that data begins with has a pointer.
func points(data []byte) bool {
	for len(data) > 0 && data[0] > 0 {
		if data[0] >= 0xc0 {
			return true
		}
		data = data[min(len(data), 1+int(data[0])):]
	}
	return false
}

func wire(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func prefixed(msg []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...)
}
