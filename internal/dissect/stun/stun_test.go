package stun

import (
	"net/netip"
	"slices"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

// The samples of RFC 5769 §2.1 to §2.3.
const (
	sampleRequest = "00010058 2112a442 b7e7a701bc34d686fa87dfae 80220010 5354554e207465737420636c69656e74" +
		"00240004 6e0001ff 80290008 932ff9b151263b36 00060009 6576746a3a68367659202020" +
		"00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf"
	sampleResponse4 = "0101003c 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220" +
		"00200008 0001a147e112a643 00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96"
	sampleResponse6 = "01010048 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220" +
		"00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9 00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c"

	plainRequest    = "00010000 2112a442 000102030405060708090a0b"
	classicRequest  = "00010008 000102030405060708090a0b0c0d0e0f 00030004 00000000"
	classicResponse = "01010018 000102030405060708090a0b0c0d0e0f 00010008 0001c350 c0000201 00040008 00010d96 c6336401"
)

func message(t testing.TB, packet string) *dissect.Message {
	return &dissect.Message{
		Data: dissecttest.Hex(t, packet),
		Src:  netip.MustParseAddrPort("192.0.2.1:50000"), Dst: netip.MustParseAddrPort("198.51.100.1:3478"),
	}
}

func TestDissect(t *testing.T) {
	for _, test := range []struct {
		name, packet string
		want         []string
		state        dissect.State
	}{
		{"request", sampleRequest, []string{"stun.software STUN test client side=client"}, dissect.Done},
		{"IPv4", sampleResponse4, []string{
			"stun.software test vector side=server", "stun.mapped 192.0.2.1 port=32853 @02:00:00:00:00:0b",
		}, dissect.Done},
		{"IPv6", sampleResponse6, []string{
			"stun.software test vector side=server",
			"stun.mapped 2001:db8:1234:5678:11:2233:4455:6677 port=32853 @02:00:00:00:00:0b",
		}, dissect.Done},
		{"request that says nothing", plainRequest, nil, dissect.Next},
		{"RFC 3489 request", classicRequest, nil, dissect.Next},
		{"RFC 3489 response", classicResponse, []string{"stun.mapped 192.0.2.1 port=50000 @02:00:00:00:00:0b"}, dissect.Done},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, s := dissecttest.Call(t, Dissect, message(t, test.packet))
			if s != test.state {
				t.Errorf("state %d", s)
			}
			dissecttest.Equal(t, got, test.want)
		})
	}
}

func TestStream(t *testing.T) {
	request, response := dissecttest.Hex(t, plainRequest), dissecttest.Hex(t, sampleResponse4)
	ice := slices.Concat([]byte{0, byte(len(request))}, request, []byte{0, byte(len(response))}, response)
	want := []string{"stun.software test vector side=server", "stun.mapped 192.0.2.1 port=32853 @02:00:00:00:00:0b"}
	for size := 1; size <= len(ice); size++ {
		got, s := dissecttest.Stream(t, Dissect, dissect.Message{}, dissecttest.Split(ice, size)...)
		if s != dissect.Done {
			t.Errorf("ICE, by %d: state %d", size, s)
		}
		dissecttest.Equal(t, got, want)
		got, s = dissecttest.Stream(t, Dissect, dissect.Message{}, dissecttest.Split(slices.Concat(request, response), size)...)
		if s != dissect.Done {
			t.Errorf("by %d: state %d", size, s)
		}
		dissecttest.Equal(t, got, want)
	}
}

func TestMediaAfterSTUNEndsIt(t *testing.T) {
	m := message(t, plainRequest)
	if _, _, s := dissecttest.Call(t, Dissect, m); s != dissect.Next {
		t.Fatalf("state %d", s)
	}
	m.Data = dissecttest.Hex(t, "80600001 00000000 00000000 ffffffff")
	if _, _, s := dissecttest.Call(t, Dissect, m); s != dissect.Done {
		t.Errorf("state %d", s)
	}
}

func TestRejects(t *testing.T) {
	for name, packet := range map[string]string{
		"empty":                      "",
		"RTP":                        "80600001 00000000 00000000 ffffffff ffffffff",
		"DNS":                        "0001 0100 0001 0000 0000 0000 07 6578616d706c65 00 0001 0001",
		"cut":                        sampleRequest[:60],
		"uneven, and then more":      "00010001 2112a442 000102030405060708090a0b 0000",
		"RFC 3489, other type":       "00050000 000102030405060708090a0b0c0d0e0f",
		"RFC 3489, other attribute":  "00010008 000102030405060708090a0b0c0d0e0f 00550004 00000000",
		"RFC 3489, attribute is cut": "00010008 000102030405060708090a0b0c0d0e0f 00030014 00000000",
	} {
		if _, _, s := dissecttest.Call(t, Dissect, message(t, packet)); s != dissect.No {
			t.Errorf("%s: state %d", name, s)
		}
	}
	if _, s := dissecttest.Stream(t, Dissect, dissect.Message{}, []byte("220 ready\r\n")); s != dissect.No {
		t.Errorf("text: state %d", s)
	}
}

func FuzzDissect(f *testing.F) {
	f.Add(dissecttest.Hex(f, sampleResponse4), 7)
	f.Add(dissecttest.Hex(f, sampleResponse6), 30)
	f.Add(dissecttest.Hex(f, classicResponse), 100)
	f.Add(dissecttest.Hex(f, "0014"+plainRequest+"0014"+plainRequest), 9)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		dissecttest.Call(t, Dissect, &dissect.Message{Data: data})
		dissecttest.SplitAgrees(t, Dissect, dissect.Message{}, data, size)
	})
}
