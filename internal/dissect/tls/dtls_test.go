package tls

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

// datagrams shows DissectDTLS one direction of a flow.
func datagrams(t *testing.T, list ...[]byte) (facts []string, state dissect.State) {
	t.Helper()
	var m dissect.Message
	for _, m.Data = range list {
		var lines []string
		lines, _, state = dissecttest.Call(t, DissectDTLS, &m)
		facts = append(facts, lines...)
		if state == dissect.No || state == dissect.Done {
			break
		}
	}
	return facts, state
}

func TestDatagramHello(t *testing.T) {
	body := hello(0xfefd, []int{0xc02b, 0xc0a8}, serverName("bulb.example"), schemes(0x0403), groups(23), points(0))
	want := []string{
		"tls.sni bulb.example transport=dtls",
		"tls.version 1.2 side=client transport=dtls",
	}
	for name, list := range map[string][][]byte{
		"in one piece":         {dtls(1, 0, body, 0, len(body))},
		"in two datagrams":     {dtls(1, 0, body, 0, 50), dtls(1, 0, body, 50, len(body))},
		"in one datagram":      {slices.Concat(dtls(1, 0, body, 0, 50), dtls(1, 0, body, 50, len(body)))},
		"out of order":         {dtls(1, 0, body, 70, len(body)), dtls(1, 0, body, 30, 70), dtls(1, 0, body, 0, 30)},
		"overlapping":          {dtls(1, 0, body, 0, 60), dtls(1, 0, body, 20, 70), dtls(1, 0, body, 0, 60), dtls(1, 0, body, 65, len(body))},
		"begun anew":           {dtls(1, 0, body, 0, 40), dtls(1, 1, body, 0, 40), dtls(1, 1, body, 40, len(body))},
		"with an earlier one":  {dtls(1, 1, body, 0, 40), dtls(1, 0, body, 0, 40), dtls(1, 1, body, 40, len(body))},
		"of a record for each": dissecttestSplit(body),
	} {
		t.Run(name, func(t *testing.T) {
			got, state := datagrams(t, list...)
			if state != dissect.Done || len(got) != 5 {
				t.Fatalf("state %d, got %s", state, got)
			}
			dissecttest.Equal(t, got[:2], want)
			if !strings.HasPrefix(got[3], "tls.ja4 dd2d020400_") {
				t.Errorf("got %s", got[3])
			}
		})
	}
}

func dissecttestSplit(body []byte) (list [][]byte) {
	for i := 0; i < len(body); i += 9 {
		list = append(list, dtls(1, 0, body, i, min(i+9, len(body))))
	}
	return list
}

func TestDatagramServer(t *testing.T) {
	certificate := flight(certify(t, newKey(t, "ecdsa-p256"), nil))[messageHead:]
	greeting := answer(0xfefd, 0xc02b)
	got, state := datagrams(t,
		dtls(3, 0, make([]byte, 23), 0, 23), // HelloVerifyRequest
		slices.Concat(dtls(2, 1, greeting, 0, len(greeting)), dtls(11, 2, certificate, 0, 100)),
		dtls(11, 2, certificate, 300, len(certificate)),
		dtls(11, 2, certificate, 100, 300))
	if state != dissect.Done || !slices.Equal(names(got), []string{"tls.version", "tls.cipher", "tls.ja3s", "tls.certificate"}) {
		t.Fatalf("state %d, got %s", state, got)
	}
	if !strings.HasPrefix(got[3], "tls.certificate camera-42 side=server transport=dtls sha256=") {
		t.Errorf("got %s", got[3])
	}
}

func TestDatagramEncrypted(t *testing.T) {
	for name, data := range map[string][]byte{
		"data":         dtlsRecord(23, 1, make([]byte, 50)),
		"finished":     dtlsRecord(22, 1, make([]byte, 50)),
		"key exchange": dtls(16, 3, make([]byte, 60), 0, 60),
	} {
		if got, state := datagrams(t, data); state != dissect.Done || len(got) != 0 {
			t.Errorf("%s: state %d, got %s", name, state, got)
		}
	}
}

func TestDatagramAlert(t *testing.T) {
	got, state := datagrams(t, dtlsRecord(21, 0, []byte{2, 48}))
	dissecttest.Equal(t, got, []string{"tls.alert unknown_ca transport=dtls"})
	if state != dissect.Done {
		t.Errorf("state %d", state)
	}
}

func TestOtherDatagramsAreRefused(t *testing.T) {
	whole := dtls(1, 0, chrome(), 0, len(chrome()))
	for name, data := range map[string][]byte{
		"nothing":   {},
		"STUN":      append([]byte{0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 20)...),
		"TLS":       records(1<<14, message(1, chrome())),
		"cut":       whole[:len(whole)-1],
		"malformed": dtls(1, 0, []byte("no hello"), 0, 8),
		"fragment beyond the end": dtlsRecord(22, 0, slices.Concat(
			[]byte{1, 0, 0, 10, 0, 0, 0, 0, 8}, vector24(make([]byte, 8)))),
	} {
		if got, state := datagrams(t, data); state != dissect.No {
			t.Errorf("%s: state %d, got %s", name, state, got)
		}
	}
}

func TestFragmentsThatNeverEndAreGivenUp(t *testing.T) {
	body := make([]byte, 20_000)
	var list [][]byte
	for i := 1; i+20 < len(body); i += 40 { // with gaps, so that none can be joined
		list = append(list, dtls(1, 0, body, i, i+20))
	}
	got, state := datagrams(t, list...)
	if state != dissect.Done || len(got) != 0 {
		t.Errorf("state %d, got %s", state, got)
	}
}

func TestFragments(t *testing.T) {
	whole := []byte("the quick brown fox jumps over the lazy dog")
	for _, order := range [][][2]int{
		{{0, 43}},
		{{0, 10}, {10, 43}},
		{{10, 43}, {0, 10}},
		{{20, 30}, {0, 25}, {28, 43}},
		{{0, 5}, {5, 6}, {6, 7}, {40, 43}, {7, 40}},
		{{0, 43}, {3, 9}, {0, 43}},
	} {
		var f Fragments
		for _, r := range order {
			if !f.Add(r[0], whole[r[0]:r[1]], 1000) {
				t.Fatalf("%v: no room for %v", order, r)
			}
		}
		if got := f.Join(); !bytes.Equal(got, whole) {
			t.Errorf("%v: got %q", order, got)
		}
	}
	var f Fragments
	f.Add(0, whole[:10], 1000)
	f.Add(11, whole[11:], 1000)
	if got := f.Join(); !bytes.Equal(got, whole[:10]) {
		t.Errorf("with a gap: got %q", got)
	}
	if f.Add(50, make([]byte, 1000), 1000) {
		t.Error("room beyond the limit")
	}
}
