package tls

import (
	"bytes"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func FuzzDissect(f *testing.F) {
	f.Add(records(1<<14, message(1, chrome())), 0)
	f.Add(records(40, message(1, hello(0x0303, []int{0x1301}, serverName("a.example"), alpn("h2")))), 70)
	f.Add(records(1<<14, message(2, answer(0x0303, 0xc02f, alpn("h2"))), flight([]byte{0x30, 3, 2, 1, 1})), 60)
	f.Add(record(21, []byte{2, 40}), 3)
	f.Add([]byte("\x80\x1f\x01\x03\x01\x00\x06\x00\x00\x00\x10\x00\x00\x05\x00\x00\x04aaaaaaaaaaaaaaaa"), 11)
	f.Fuzz(func(t *testing.T, data []byte, at int) {
		whole := dissect.Message{Data: data, Stream: true}
		first, _, state := dissecttest.Call(t, Dissect, &whole)

		// In two segments it says the same.
		if at <= 0 || at >= len(data) {
			return
		}
		var out dissect.Facts
		m := dissect.Message{Data: bytes.Clone(data[:at]), Stream: true}
		n, s := Dissect(&m, &out)
		for s == dissect.Next && n < at { // what is left of the first segment is shown again
			m.Data = data[n:at]
			k, next := Dissect(&m, &out)
			n, s = n+k, next
		}
		if s == dissect.More || s == dissect.Next {
			m.Data = bytes.Clone(data[n:])
			_, s = Dissect(&m, &out)
		}
		if out.Len() != len(first) {
			t.Errorf("in two segments %d facts, state %d; in one %d, state %d", out.Len(), s, len(first), state)
		}
	})
}

func FuzzDissectDTLS(f *testing.F) {
	body := hello(0xfefd, []int{0xc02b}, serverName("bulb.example"))
	f.Add(dtls(1, 0, body, 0, len(body)), dtls(1, 1, body, 0, len(body)))
	f.Add(dtls(1, 0, body, 30, len(body)), dtls(1, 0, body, 0, 30))
	f.Add(dtls(3, 0, make([]byte, 20), 0, 20), dtls(2, 1, answer(0xfefd, 0xc02b), 0, 38))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		m := dissect.Message{Data: a}
		if _, _, s := dissecttest.Call(t, DissectDTLS, &m); s == dissect.More || s == dissect.Next {
			m.Data = b
			dissecttest.Call(t, DissectDTLS, &m)
		}
	})
}

func FuzzScratch(f *testing.F) {
	f.Add(records(1<<14, message(1, chrome())), []byte{0, 0, 9, 1, 0})
	f.Add(dtls(1, 0, chrome(), 0, 100), []byte{1, 0, 2, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, data, scratch []byte) {
		if len(scratch) > dissect.MaxScratch {
			return
		}
		var out dissect.Facts
		for _, fn := range []dissect.Func{Dissect, DissectDTLS} {
			m := dissect.Message{Data: data, Stream: true, Scratch: bytes.Clone(scratch)}
			if n, _ := fn(&m, &out); n < 0 || n > len(data) || len(m.Scratch) > max(len(scratch), dissect.MaxScratch) {
				t.Errorf("consumed %d of %d, scratch of %d", n, len(data), len(m.Scratch))
			}
		}
	})
}

func FuzzCertificate(f *testing.F) {
	f.Add(certify(f, newKey(f, "ecdsa-p256"), nil, "camera.example"))
	f.Add(certify(f, newKey(f, "ed25519"), nil))
	f.Fuzz(func(t *testing.T, der []byte) {
		var out dissect.Facts
		addCertificate(der, "server", TCP, &out)
		if out.Len() != 1 || len(out.Lookup(0, "sha256")) != 64 {
			t.Error("no fact of its own for each certificate")
		}
	})
}
