package quic

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func facts(version string) []string {
	return []string{
		"quic.version " + version,
		"tls.sni light.example transport=quic",
		"tls.version 1.3 side=client transport=quic",
		"tls.alpn h3 side=client transport=quic",
		"tls.ja3",
		"tls.ja4 q13d0205h3_62ed6f6ca7ad",
		"tls.offer 0304 ciphers=1301-1302 extensions=0000-0010-002b-0033-0039 protocols=h3 transport=quic",
		"quic.user_agent Lamps",
	}
}

// datagrams shows Dissect one direction of a flow.
func datagrams(t testing.TB, initiator bool, list ...[]byte) (got []string, state dissect.State) {
	t.Helper()
	m := dissect.Message{FromInitiator: initiator}
	for _, m.Data = range list {
		var lines []string
		lines, _, state = dissecttest.Call(t, Dissect, &m)
		got = append(got, lines...)
		if state == dissect.No || state == dissect.Done {
			break
		}
	}
	return got, state
}

func expect(t testing.TB, version string, list ...[]byte) {
	t.Helper()
	got, state := datagrams(t, true, list...)
	if want := facts(version); state != dissect.Done || !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("state %d\n got %s\nwant %s", state, got, want)
	}
}

// RFC 9001, Appendix A.1, and RFC 9369, Appendix A.1.
func TestKeys(t *testing.T) {
	id := dissecttest.Hex(t, "8394c8f03e515708")
	for _, tt := range []struct {
		version     uint32
		key, iv, hp string
	}{
		{version1, "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2"},
		{version2, "8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9"},
	} {
		f, _ := lookup(tt.version)
		k := f.derive(id)
		if want := dissecttest.Hex(t, tt.key+tt.iv+tt.hp); !bytes.Equal(k[:], want) {
			t.Errorf("version %x: got %x, want %x", tt.version, k, want)
		}
	}
}

// RFC 9001, Appendix A.2: the whole of a client's first datagram. Sealing is deterministic, so the sample
// of the ciphertext and the protected header that the RFC shows prove that the packet is the RFC's.
func TestPacketOfTheRFC(t *testing.T) {
	message := dissecttest.Hex(t, `
		010000ed0303ebf8fa56f129 39b9584a3896472ec40bb863cfd3e868 04fe3a47f06a2b69484c000004130113
		02010000c000000010000e00000b6578 616d706c652e636f6dff01000100000a 00080006001d00170018001000070005
		04616c706e0005000501000000000033 00260024001d00209370b2c9caa47fba baf4559fedba753de171fa71f50f1ce1
		5d43e994ec74d748002b000302030400 0d0010000e0403050306030203080408 050806002d00020101001c0002400100
		3900320408ffffffffffffffff050480 00ffff07048000ffff08011001048000 75300901100f088394c8f03e51570806
		048000ffff`)
	frame := append([]byte{frameCrypto, 0, 0x40, 0xf1}, message...)
	s := sender{t: t, version: version1, first: "\x83\x94\xc8\xf0\x3e\x51\x57\x08", number: 2}
	f, _ := lookup(version1)
	head := dissecttest.Hex(t, "c300000001088394c8f03e5157080000449e00000002")
	packet := s.protect(f.derive([]byte(s.first)), head, 18, append(frame, make([]byte, 1162-len(frame))...))
	if want := dissecttest.Hex(t, "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9b"); !bytes.HasPrefix(packet, want) || len(packet) != 1200 {
		t.Fatalf("%d octets: %x", len(packet), packet[:len(want)])
	}
	got, state := datagrams(t, true, packet)
	if state != dissect.Done || len(got) < 3 || got[0] != "quic.version 1" || got[1] != "tls.sni example.com transport=quic" ||
		got[3] != "tls.alpn alpn side=client transport=quic" {
		t.Errorf("state %d, got %s", state, got)
	}
}

func TestVersions(t *testing.T) {
	for version, want := range map[uint32]string{
		version1: "1", version2: "2", 0xff000016: "draft-22", 0xff000018: "draft-24", 0xff00001d: "draft-29", 0xff000022: "draft-34",
		mvfst22: "mvfst-22", mvfst27: "mvfst-27", mvfstTrial: "mvfst", 0x54303530: "T050", 0x54303531: "T051",
	} {
		s := sender{t: t, version: version, first: "camera42"}
		expect(t, want, s.initial(1200, crypto(0, hello("light.example", 32))))
	}
}

// A hello with a post-quantum key share does not fit into one datagram.
func TestHelloInManyPieces(t *testing.T) {
	h := hello("light.example", 1220)
	s := sender{t: t, version: version1, first: "camera42", token: "a token"}
	ping := []byte{framePing}
	ack := []byte{frameACK, 2, 0, 1, 0, 0, 0}
	ecn := []byte{frameACKECN, 2, 0, 0, 0, 1, 1, 1}
	first, second := s.initial(1200, crypto(0, h[:1100])), s.initial(1200, crypto(1100, h[1100:]))
	later := s
	later.now = "chosen by server"
	for name, list := range map[string][][]byte{
		"in order":      {first, second},
		"reordered":     {second, first},
		"duplicated":    {first, first, second},
		"of two sizes":  {s.initial(1200, crypto(0, h[:900])), s.initial(1200, crypto(500, h[500:]))},
		"with another":  {first, later.initial(1200, ack, crypto(1100, h[1100:]))},
		"after nothing": {s.initial(1200, ping), first, second},
		"shuffled": {
			s.initial(1200, ping, crypto(1300, h[1300:]), []byte{0, 0, 0}, crypto(10, h[10:50]), ecn, crypto(0, h[:3])),
			s.initial(1200, crypto(3, h[3:10]), ping, crypto(50, h[50:1000])),
			s.initial(1200, crypto(900, h[900:1310])),
		},
		"packets in one datagram": {
			slices.Concat(s.initial(0, crypto(500, h[500:])), s.initial(0, crypto(0, h[:200])), s.initial(0, crypto(200, h[200:500]))),
		},
	} {
		t.Run(name, func(t *testing.T) { expect(t, "1", list...) })
	}
}

// A Retry makes the client begin anew with the connection ID of the server, from which the keys then come.
func TestKeysChangeAfterRetry(t *testing.T) {
	h := hello("light.example", 1220)
	before := sender{t: t, version: version1, first: "camera42"}
	after := sender{t: t, version: version1, first: "retry with this", token: "token", number: 1}
	expect(t, "1", before.initial(1200, crypto(0, h[:1000])), after.initial(1200, crypto(1000, h[1000:])), after.initial(1200, crypto(0, h[:1000])))
}

func TestDatagramsThatTellNothing(t *testing.T) {
	s := sender{t: t, version: version1, first: "camera42"}
	whole := s.initial(1200, crypto(0, hello("light.example", 32)))
	damaged := bytes.Clone(whole)
	damaged[700] ^= 1
	short := append([]byte{0x41}, make([]byte, 60)...)

	got, state := datagrams(t, true, damaged, short)
	dissecttest.Equal(t, got, []string{"quic.version 1"})
	if state != dissect.Done {
		t.Errorf("damaged, then 1-RTT: state %d", state)
	}

	// Of a server only the version is told: the keys are not to be had from what it sends.
	got, state = datagrams(t, false, damaged)
	dissecttest.Equal(t, got, []string{"quic.version 1"})
	if state != dissect.Done {
		t.Errorf("server: state %d", state)
	}
}

func TestNegotiationOfVersions(t *testing.T) {
	s := sender{t: t, version: version1, first: "camera42"}
	trial := s.initial(1200)
	binary.BigEndian.PutUint32(trial[1:], 0x1a2a3a4a)
	expect(t, "1", trial, s.initial(1200, crypto(0, hello("light.example", 32))))

	negotiation := slices.Concat([]byte{0xaa, 0, 0, 0, 0, 0, 4}, []byte("some"), []byte{0, 0, 0, 1, 0xff, 0, 0, 29})
	if got, state := datagrams(t, false, negotiation); state != dissect.Next || len(got) != 0 {
		t.Errorf("state %d, got %s", state, got)
	}
}

func TestHelloThatNeverEndsIsGivenUp(t *testing.T) {
	s := sender{t: t, version: version1, first: "camera42"}
	endless := append([]byte{1, 0, 0x7f, 0xff}, make([]byte, 30_000)...)
	var list [][]byte
	for i := 0; i+600 < len(endless); i += 1000 {
		list = append(list, s.initial(1200, crypto(i, endless[i:i+600])))
	}
	var gaps [][]byte
	for i := range 300 {
		gaps = append(gaps, crypto(4+3*i, []byte{7}))
	}
	for name, list := range map[string][][]byte{
		"long":            list,
		"full of gaps":    {s.initial(2000, gaps...)},
		"not a hello":     {s.initial(1200, crypto(0, []byte{2, 0, 0, 4, 1, 2, 3, 4}))},
		"far too far out": {s.initial(1200, slices.Concat([]byte{frameCrypto, 0xbf, 0xff, 0xff, 0xff}, number(1), []byte{1}))},
	} {
		t.Run(name, func(t *testing.T) {
			if got, state := datagrams(t, true, list...); len(got) != 1 || state == dissect.No || name != "long" && state != dissect.Done {
				t.Errorf("state %d, got %s", state, got)
			}
		})
	}
}

func TestGoogle(t *testing.T) {
	chlo := slices.Concat([]byte("CHLO"), []byte{3, 0, 0, 0},
		[]byte("PAD\x00"), []byte{4, 0, 0, 0}, []byte("SNI\x00"), []byte{17, 0, 0, 0}, []byte("UAID"), []byte{22, 0, 0, 0},
		[]byte("----light.exampleLamps"))
	want := []string{"tls.sni light.example transport=quic", "quic.user_agent Lamps"}
	old := slices.Concat([]byte{0x0d}, []byte("camera42Q043"), []byte{1}, make([]byte, 12), []byte{0xa0, 1, 0, 4}, chlo)
	newer := slices.Concat([]byte{0xc3}, []byte("Q046"), []byte{0x50}, []byte("camera42"), []byte{0, 0, 0, 1}, make([]byte, 12), []byte{0xa0, 1, 0, 4}, chlo)
	s := sender{t: t, version: 0x51303530, first: "camera42"}
	for version, data := range map[string][]byte{"Q043": old, "Q046": newer, "Q050": s.initial(1200, crypto(0, chlo))} {
		got, state := datagrams(t, true, data)
		dissecttest.Equal(t, got, append([]string{"quic.version " + version}, want...))
		if state != dissect.Done {
			t.Errorf("%s: state %d", version, state)
		}
	}
	for n := range len(old) { // cut anywhere
		datagrams(t, true, old[:n])
	}
}

func TestOtherProtocolsAreRefused(t *testing.T) {
	s := sender{t: t, version: version1, first: "camera42"}
	whole := s.initial(1200, crypto(0, hello("light.example", 32)))
	for name, data := range map[string][]byte{
		"nothing": {}, "DNS": dissecttest.Hex(t, "8180818000010001000000000377777706676f6f676c6503636f6d0000010001"),
		"RTP": append([]byte{0x80, 0x60, 0, 1}, make([]byte, 160)...), "an unknown version": append([]byte{0xc0, 0x12, 0x34, 0x56, 0x78, 0, 0}, make([]byte, 1300)...),
		"DTLS": append([]byte{0x16, 0xfe, 0xfd}, make([]byte, 60)...), "cut": whole[:600], "1-RTT": append([]byte{0x41}, make([]byte, 60)...),
		"no fixed bit": append([]byte{whole[0] &^ 0x40}, whole[1:]...), "a long connection ID": append([]byte{0xc0, 0, 0, 0, 1, 21}, make([]byte, 1300)...),
	} {
		if got, state := datagrams(t, true, data); state != dissect.No {
			t.Errorf("%s: state %d, got %s", name, state, got)
		}
	}
	m := dissect.Message{Data: append([]byte{0x80, 0x60, 0, 1}, make([]byte, 160)...)}
	var out dissect.Facts
	if n := testing.AllocsPerRun(100, func() { Dissect(&m, &out) }); n != 0 {
		t.Errorf("%v allocations to say no", n)
	}
}

func FuzzDissect(f *testing.F) {
	h := hello("light.example", 1220)
	s := sender{t: f, version: version1, first: "camera42"}
	f.Add(s.initial(1200, crypto(0, h[:1000])), s.initial(1200, crypto(1000, h[1000:])), true)
	f.Add([]byte("\x0dcamera42Q043\x01CHLO\x01\x00\x00\x00SNI\x00\x05\x00\x00\x00hello"), []byte{0x40}, true)
	f.Add([]byte("\xaa\x00\x00\x00\x00\x00\x04some\x00\x00\x00\x01"), s.initial(1200), false)
	f.Fuzz(func(t *testing.T, a, b []byte, initiator bool) {
		datagrams(t, initiator, a, b)
	})
}

// FuzzFrames gives the fuzzer what nobody else could make: packets whose protection is right.
func FuzzFrames(f *testing.F) {
	h := hello("light.example", 32)
	f.Add(crypto(0, h), []byte{})
	f.Add(slices.Concat(crypto(40, h[40:]), []byte{frameACKECN, 2, 0, 0, 0, 1, 1, 1}, crypto(0, h[:10])), crypto(10, h[10:40]))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		s := sender{t: t, version: version1, first: "camera42"}
		if len(a) > 1<<13 || len(b) > 1<<13 {
			return
		}
		datagrams(t, true, s.initial(60, a), s.initial(60, b))
	})
}

func BenchmarkHello(b *testing.B) {
	s := sender{t: b, version: version1, first: "camera42"}
	m := dissect.Message{Data: s.initial(1200, crypto(0, hello("light.example", 32))), FromInitiator: true}
	var out dissect.Facts
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		m.Scratch = m.Scratch[:0]
		Dissect(&m, &out)
	}
}
