package stratum

import (
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

var toPool = dissect.Message{
	Src: netip.MustParseAddrPort("192.0.2.1:50000"), Dst: netip.MustParseAddrPort("192.0.2.66:3333"), FromInitiator: true,
}

func TestDissect(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"Bitcoin", `{"id": 1, "method": "mining.subscribe", "params": ["cgminer/4.10.0"]}`, []string{"stratum.method mining.subscribe agent=cgminer/4.10.0"}},
		{"no program", `{"id":1,"method":"mining.subscribe","params":[null]}`, []string{"stratum.method mining.subscribe"}},
		{"options first", `{"method":"mining.configure","id":1,"params":[["version-rolling"],{}]}`, []string{"stratum.method mining.configure"}},
		{"work of a pool", `{"params":["bf","4d16","0100","072f",["ab","cd"],"00000002","1c2ac4af","504e86b9",false],"id":null,"method":"mining.notify"}`, []string{"stratum.method mining.notify"}},
		{"Monero", `{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"44AF","pass":"x","agent":"XMRig/6.21.0 (Linux x86_64)","algo":["rx/0","cn/r"]}}`, []string{"stratum.method login agent=XMRig/6.21.0 (Linux x86_64)"}},
		{"a pool of Monero", `{"jsonrpc":"2.0","id":1,"error":null,"result":{"id":"b1","job":{"blob":"0e0e","job_id":"77","target":"f3220000"},"status":"OK"}}`, []string{"stratum.method job"}},
		{"more work", `{"jsonrpc":"2.0","method":"job","params":{"blob":"0e0e","job_id":"78","target":"f3220000"}}`, []string{"stratum.method job"}},
		{"work is done", `{"id":2,"jsonrpc":"2.0","method":"submit","params":{"id":"b1","job_id":"78","nonce":"d0030040","result":"e1364b8782"}}`, []string{"stratum.method submit"}},
		{"Ethereum", `{"worker": "eth1.0", "jsonrpc": "2.0", "params": ["0x9c", "x"], "id": 2, "method": "eth_submitLogin"}`, []string{"stratum.method eth_submitLogin"}},
		{"Ethereum asks", `{"id":5,"jsonrpc":"2.0","method":"eth_getWork","params":[]}`, []string{"stratum.method eth_getWork"}},

		// Others speak JSON-RPC, or objects on lines, too.
		{"a lamp", `{"id":1,"method":"set_power","params":["on","smooth",500]}`, nil},
		{"what a lamp says", `{"method":"props","params":{"power":"on"}}`, nil},
		{"somebody logs in", `{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"me","pass":"x"}}`, nil},
		{"a camera's own login", `{"method":"global.login","params":{"userName":"admin","clientType":"Web3.0"},"id":1}`, nil},
		{"something is submitted", `{"id":1,"method":"submit","params":{"result":"ok"}}`, nil},
		{"a node is asked", `{"jsonrpc":"2.0","method":"eth_blockNumber","params":[],"id":83}`, nil},
		{"a mine of another kind", `{"id":1,"method":"mining.dig","params":["coal"]}`, nil},
		{"work of another kind", `{"method":"job","params":{"job_id":5,"file":"a.gcode"},"id":1}`, nil},
		{"an answer", `{"id":1,"result":true,"error":null}`, nil},
		{"another object", `{"a":1}`, nil},
		{"half an object", `{"id":1,"method":"mining.subscribe"`, nil},
		{"text", "mining.subscribe", nil},
	} {
		for _, size := range []int{1, 9, len(tt.in) + 1} {
			for _, end := range []string{"\n", ""} {
				if size == 1 && len(tt.in) > 100 {
					continue
				}
				got, s := dissecttest.Stream(t, Dissect, toPool, dissecttest.Split([]byte(tt.in+end), size)...)
				if want := dissect.Done; tt.want != nil && s != want && end != "" {
					t.Errorf("%s in segments of %d: state %d, want %d", tt.name, size, s, want)
				}
				if end != "" || len(got) > 0 {
					dissecttest.Equal(t, got, tt.want)
				}
			}
		}
	}
}

// What never ends is not waited for, nor is what begins as no object of these protocols.
func TestWaitingIsBounded(t *testing.T) {
	for in, want := range map[string]dissect.State{
		`{"id":"` + strings.Repeat("a", maxLine): dissect.No,
		`{"id":"` + strings.Repeat("a", 1000):    dissect.More,
		`{"name":"`:                              dissect.No,
		`{`:                                      dissect.More,
	} {
		m := toPool
		m.Data, m.Stream = []byte(in), true
		if _, _, s := dissecttest.Call(t, Dissect, &m); s != want {
			t.Errorf("%.20s: state %d, want %d", in, s, want)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte(`{"id":1,"method":"mining.subscribe","params":["a"]}`+"\n"), 7)
	f.Add([]byte(`{"id":1,"method":"login","params":{"login":"a","agent":"b"}}`+"\n"), 100)
	f.Add([]byte(`{"id":1,"result":{"job":{"blob":"a","job_id":"b"}}}`+"\n"), 100)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		lines, s := dissecttest.Stream(t, Dissect, toPool, dissecttest.Split(b, max(size, len(b)/100))...)
		if len(lines) > 1 || len(lines) == 1 && s != dissect.Done {
			t.Fatalf("state %d with %q", s, lines)
		}
	})
}
