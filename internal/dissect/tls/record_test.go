package tls

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func names(facts []string) []string {
	var list []string
	for _, f := range facts {
		list = append(list, strings.Fields(f)[0])
	}
	return list
}

func TestClientHello(t *testing.T) {
	got, state := dissecttest.Stream(t, Dissect, dissect.Message{FromInitiator: true}, records(1<<14, message(1, chrome())))
	dissecttest.Equal(t, without(got, "tls.ja3"), []string{
		"tls.sni light.example",
		"tls.version 1.3 side=client",
		"tls.alpn h2,http/1.1 side=client",
		"tls.ja4 t13d1516h2_8daaf6152771_e5627efa2ab1",
		"tls.offer 0304-0303 ciphers=1301-1302-1303-c02b-c02f-c02c-c030-cca9-cca8-c013-c014-009c-009d-002f-0035 groups=001d-0017-0018 " +
			"signatures=0403-0804-0401-0503-0805-0501-0806-0601 certificate_compression=0002 " +
			"extensions=001b-0000-0033-0010-4469-0017-002d-000d-0005-0023-0012-002b-ff01-000b-000a-0015 psk_modes=0001 protocols=h2,http/1.1",
	})
	if state != dissect.Next {
		t.Errorf("state %d", state)
	}
}

// cut shows Dissect a stream in segments of size octets, however short: what a message has to tell comes with its
// last octet.
func cut(t *testing.T, stream []byte, size int, initiator bool) (facts []string, state dissect.State) {
	t.Helper()
	var out dissect.Facts
	m := dissect.Message{Stream: true, FromInitiator: initiator}
	var held []byte
	for segment := range slices.Chunk(stream, size) {
		held = append(held, segment...)
		for state = dissect.Next; state == dissect.Next && len(held) > 0; {
			m.Data = slices.Clone(held)
			var n int
			n, state = Dissect(&m, &out)
			held = held[n:]
		}
		if state == dissect.No || state == dissect.Done {
			break
		}
	}
	for i := range out.Len() {
		line := out.At(i).Name + " " + string(out.Value(i))
		out.Fields(i, func(key string, value []byte) { line += " " + key + "=" + string(value) })
		facts = append(facts, line)
	}
	return facts, state
}

// without leaves out the facts of one name.
func without(facts []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(facts), func(f string) bool { return strings.HasPrefix(f, name+" ") })
}

func TestFactsDoNotDependOnHowTheStreamIsCut(t *testing.T) {
	certificate := message(11, vector24(vector24(bytes.Repeat([]byte{0x30}, 900))))
	server := slices.Concat(message(2, answer(0x0303, 0xc02f, alpn("h2"))), certificate, message(14, nil))
	streams := map[string][]byte{"client": message(1, chrome()), "server": server}
	for name, stream := range streams {
		want, _ := dissecttest.Stream(t, Dissect, dissect.Message{}, records(1<<14, stream))
		if len(want) == 0 {
			t.Fatalf("%s: no facts", name)
		}
		for _, perRecord := range []int{1, 3, 50, 333, 1 << 14} {
			whole := records(perRecord, stream)
			for _, perSegment := range []int{1, 2, 5, 7, 100, 536, 1448} {
				got, _ := cut(t, whole, perSegment, false)
				if !slices.Equal(got, want) {
					t.Errorf("%s, records of %d, segments of %d:\n got %s\nwant %s", name, perRecord, perSegment, got, want)
				}
			}
		}
	}
}

func TestServerHello(t *testing.T) {
	for _, tt := range []struct {
		name  string
		body  []byte
		want  []string
		state dissect.State
	}{
		{"1.3", answer(0x0303, 0x1302, extension(43, u16(0x0304))), []string{
			"tls.version 1.3 side=server", "tls.cipher TLS_AES_256_GCM_SHA384",
		}, dissect.Done},
		{"1.2", answer(0x0303, 0xc02f, alpn("h2")), []string{
			"tls.version 1.2 side=server", "tls.cipher TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "tls.alpn h2 side=server",
		}, dissect.Next},
		{"SSL 3.0 with a broken cipher", answer(0x0300, 0x0005), []string{
			"tls.version ssl3 side=server", "tls.cipher TLS_RSA_WITH_RC4_128_SHA weak=rc4",
		}, dissect.Next},
		{"unknown cipher", answer(0x0303, 0xabcd), []string{
			"tls.version 1.2 side=server", "tls.cipher 0xabcd",
		}, dissect.Next},
		{"1.0, the shortest hello", answer(0x0301, 0x002f), []string{
			"tls.version 1.0 side=server", "tls.cipher TLS_RSA_WITH_AES_128_CBC_SHA",
		}, dissect.Next},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, state := dissecttest.Stream(t, Dissect, dissect.Message{}, records(1<<14, message(2, tt.body)))
			dissecttest.Equal(t, without(got, "tls.ja3s"), tt.want)
			if len(got) != len(tt.want)+1 || state != tt.state {
				t.Errorf("%d facts, state %d", len(got), state)
			}
		})
	}
}

// With a HelloRetryRequest the server answers twice, and says the middle that looks like TLS 1.2 between.
func TestRetriedHelloIsReadToo(t *testing.T) {
	retry := answer(0x0303, 0x1301, extension(43, u16(0x0304)), extension(51, u16(23)))
	copy(retry[2:], helloRetry[:])
	stream := slices.Concat(
		records(1<<14, message(2, retry)), record(20, []byte{1}),
		records(1<<14, message(2, answer(0x0303, 0x1301, extension(51, make([]byte, 69)), extension(43, u16(0x0304))))),
		record(23, make([]byte, 60)))
	for _, size := range []int{1, 4, len(stream)} {
		got, state := cut(t, stream, size, false)
		want := []string{"tls.version", "tls.cipher", "tls.ja3s", "tls.version", "tls.cipher", "tls.ja3s"}
		if !slices.Equal(names(got), want) || state != dissect.Done {
			t.Errorf("segments of %d: state %d, got %s", size, state, got)
		}
	}
}

func TestAlerts(t *testing.T) {
	hello := records(1<<14, message(2, answer(0x0303, 0xc02f)))
	for _, tt := range []struct {
		name   string
		stream []byte
		want   []string
	}{
		{"instead of a hello", record(21, []byte{2, 70}), []string{"tls.alert protocol_version"}},
		{"of a kind without a name", record(21, []byte{2, 200}), []string{"tls.alert 200"}},
		{"a warning before the hello", slices.Concat(record(21, []byte{1, 112}), hello), []string{"tls.version", "tls.cipher", "tls.ja3s"}},
		{"after the hello", slices.Concat(hello, record(21, []byte{2, 48})), []string{"tls.version", "tls.cipher", "tls.ja3s", "tls.alert"}},
		{"encrypted", record(21, make([]byte, 26)), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 1000} {
				got, state := cut(t, tt.stream, size, false)
				if len(tt.want) == 1 {
					dissecttest.Equal(t, got, tt.want)
				} else {
					dissecttest.Equal(t, names(got), tt.want)
				}
				if state == dissect.No {
					t.Error("not recognised")
				}
			}
		})
	}
}

func TestClientHelloOfSSL2(t *testing.T) {
	body := slices.Concat([]byte{1, 3, 1}, u16(6), u16(0), u16(16), []byte{0, 0, 4, 0, 0, 0x0a}, make([]byte, 16))
	stream := slices.Concat(append([]byte{0x80}, vector8(body)...), record(20, []byte{1}))
	for _, size := range []int{1, 10, 1000} {
		got, state := dissecttest.Stream(t, Dissect, dissect.Message{}, dissecttest.Split(stream, size)...)
		dissecttest.Equal(t, got, []string{"tls.version 1.0 side=client hello=ssl2"})
		if state != dissect.Done {
			t.Errorf("state %d", state)
		}
	}
}

func TestEncryptedHelloIsTold(t *testing.T) {
	body := hello(0x0303, []int{0x1301}, serverName("public.example"), extension(0xfe0d, make([]byte, 200)), versions(0x0304))
	got, _ := dissecttest.Stream(t, Dissect, dissect.Message{}, records(1<<14, message(1, body)))
	if len(got) != 5 || got[0] != "tls.sni public.example ech=1" || !strings.HasPrefix(got[3], "tls.ja4 t13d010300_") {
		t.Errorf("got %s", got)
	}
}

func TestWeakCiphersThatAClientOffers(t *testing.T) {
	body := hello(0x0301, []int{0x002f, 0x0005, 0x0003, 0x000a, 0x0018})
	got, _ := dissecttest.Stream(t, Dissect, dissect.Message{}, records(1<<14, message(1, body)))
	if last := got[len(got)-1]; last != "tls.weak_ciphers anon,export,rc4,3des" {
		t.Errorf("got %s", last)
	}
}

func TestOtherProtocolsAreRefused(t *testing.T) {
	for name, data := range map[string]string{
		"HTTP": "GET / HTTP/1.1\r\n", "SSH": "SSH-2.0-dropbear\r\n", "zeros": "\x00\x00\x00\x00\x00\x00\x00\x00",
		"a record of nothing": "\x16\x03\x01\x00\x00\x01", "a record too long": "\x16\x03\x01\x7f\xff\x01",
		"a version of nobody": "\x16\x03\x09\x00\x40\x01", "a hello too long": "\x16\x03\x01\x00\x40\x01\x7f\xff\xff",
		"SSL2 with odd ciphers": "\x80\x2e\x01\x03\x01\x00\x07\x00\x00\x00\x10", "a word with its top bit set": "\x80\x01\x02\x03\x04",
		"a malformed hello": "\x16\x03\x01\x00\x08\x01\x00\x00\x04\x03\x03\x00\x00",
	} {
		for _, final := range []bool{false, true} {
			m := dissect.Message{Data: []byte(data), Stream: true, Final: final}
			if lines, _, state := dissecttest.Call(t, Dissect, &m); state != dissect.No {
				t.Errorf("%s: state %d, facts %s", name, state, lines)
			}
		}
	}
}

func TestMiddleOfAStreamIsRecognised(t *testing.T) {
	for name, data := range map[string][]byte{
		"data":               record(23, make([]byte, 400)),
		"change of ciphers":  record(20, []byte{1}),
		"encrypted finished": record(22, bytes.Repeat([]byte{0x5a}, 40)),
	} {
		m := dissect.Message{Data: data, Stream: true}
		if lines, _, state := dissecttest.Call(t, Dissect, &m); state != dissect.Done || len(lines) != 0 {
			t.Errorf("%s: state %d, facts %s", name, state, lines)
		}
	}
}

func TestEndlessMessageIsGivenUp(t *testing.T) {
	// A certificate that claims 16 MiB, sent one record after the other.
	stream := records(1<<14, message(2, answer(0x0303, 0xc02f)), []byte{11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc, 0xff, 0xff, 0xf9}, make([]byte, 200_000))
	got, state := dissecttest.Stream(t, Dissect, dissect.Message{}, dissecttest.Split(stream, 1448)...)
	if state != dissect.Done || !slices.Equal(names(got), []string{"tls.version", "tls.cipher", "tls.ja3s"}) {
		t.Errorf("state %d, got %s", state, got)
	}
}

func TestHostileScratch(t *testing.T) {
	for _, scratch := range [][]byte{{0}, {1, 2}, {0, 0xff, 0xff}, {0, 0, 9, 1}, {0, 0, 0, 1, 0xff, 0xff, 0xff}, bytes.Repeat([]byte{1}, 400)} {
		m := dissect.Message{Data: records(1<<14, message(1, chrome())), Stream: true, Scratch: scratch}
		dissecttest.Call(t, Dissect, &m)
		m = dissect.Message{Data: dtls(1, 0, hello(0xfefd, []int{1}), 0, 20), Scratch: scratch}
		dissecttest.Call(t, DissectDTLS, &m)
	}
}

func TestOrdinaryHelloIsReadWithoutAllocating(t *testing.T) {
	m := dissect.Message{Data: records(1<<14, message(1, chrome())), Stream: true, FromInitiator: true}
	other := dissect.Message{Data: []byte("GET / HTTP/1.1\r\nHost: light.example\r\n\r\n"), Stream: true}
	server := dissect.Message{Data: records(1<<14, message(2, answer(0x0303, 0xc02f, alpn("h2")))), Stream: true}
	var out dissect.Facts
	for name, f := range map[string]func(){
		"client": func() { Dissect(&m, &out) },
		"server": func() { Dissect(&server, &out) },
		"other":  func() { Dissect(&other, &out); DissectDTLS(&other, &out) },
	} {
		if n := testing.AllocsPerRun(100, func() { out.Reset(); f() }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkClientHello(b *testing.B) {
	m := dissect.Message{Data: records(1<<14, message(1, chrome())), Stream: true, FromInitiator: true}
	var out dissect.Facts
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		Dissect(&m, &out)
	}
}
