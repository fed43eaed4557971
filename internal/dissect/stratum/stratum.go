// Package stratum recognises the protocols by which programs that mine digital money get work from a pool and hand it
// in: Stratum of Bitcoin and its kin, that of Monero's pools, and those of Ethereum's, all of them JSON-RPC objects,
// each on a line. None is a standard; this follows what the programs and pools publish of them. Names of workers, which
// are accounts, are passed over.
package stratum

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/dissect"
)

// maxLine is the longest line that is waited for, in octets: a job with all its branches has some 4000.
const maxLine = 16 << 10

// openings are the keys that an object begins with.
var openings = [...]string{`"id"`, `"jsonrpc"`, `"method"`, `"params"`, `"worker"`, `"error"`, `"result"`}

// mining are the methods that begin with “mining.”, and ether those that begin with “eth_”.
var (
	mining = []string{
		"subscribe", "authorize", "configure", "hello", "noop", "notify", "set", "set_difficulty",
		"set_extranonce", "set_target", "set_version_mask", "submit", "suggest_difficulty", "suggest_target",
	}
	ether = []string{"getWork", "submitHashrate", "submitLogin", "submitWork"}
)

// Dissect reads the first line of either side that asks for work, gives some, or hands some in. All after it is alike.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	if !m.Stream || !opens(m.Data) {
		return 0, dissect.No
	}
	end := bytes.IndexByte(m.Data[:min(len(m.Data), maxLine)], '\n')
	switch {
	case end >= 0:
	case m.Final: // some programs leave the end of the line away
		end = len(m.Data)
	case len(m.Data) < maxLine:
		return 0, dissect.More
	default:
		return 0, dissect.No
	}
	method, agent := read(m.Data[:end])
	if method == "" {
		return 0, dissect.No
	}
	out.AddString("stratum.method", method)
	if agent != "" {
		out.FieldString("agent", agent)
	}
	return len(m.Data), dissect.Done
}

// opens reports whether b begins as an object of JSON-RPC does, as far as has come.
func opens(b []byte) bool {
	if len(b) == 0 || b[0] != '{' {
		return false
	}
	b = bytes.TrimLeft(b[1:min(len(b), 64)], " ")
	return slices.ContainsFunc(openings[:], func(key string) bool {
		n := min(len(b), len(key))
		return string(b[:n]) == key[:n]
	})
}

// object is what is read of a line. Both have other members in other protocols.
type object struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
}

// job is work, or what is handed in, of Monero's pools.
type job struct {
	Login  string          `json:"login"`
	Agent  string          `json:"agent"`
	Algo   json.RawMessage `json:"algo"`
	Rig    string          `json:"rigid"`
	Job    json.RawMessage `json:"job_id"`
	Blob   string          `json:"blob"`
	Nonce  string          `json:"nonce"`
	Result string          `json:"result"`
	Inner  *job            `json:"job"`
}

// read is the method of a line, and the program that says it; "" if it is not of these protocols.
func read(line []byte) (method, agent string) {
	var o object
	if json.Unmarshal(line, &o) != nil {
		return "", ""
	}
	if name, ok := strings.CutPrefix(o.Method, "mining."); ok && slices.Contains(mining, strings.TrimPrefix(name, "extranonce.")) {
		if name == "subscribe" {
			var params []any
			if json.Unmarshal(o.Params, &params) == nil && len(params) > 0 {
				agent, _ = params[0].(string)
			}
		}
		return o.Method, agent
	}
	if name, ok := strings.CutPrefix(o.Method, "eth_"); ok && slices.Contains(ether, name) {
		return o.Method, ""
	}
	of := o.Params
	if o.Method == "" {
		of = o.Result // the first job comes with the answer to a login
	}
	var p job
	if len(of) == 0 || of[0] != '{' || json.Unmarshal(of, &p) != nil {
		return "", ""
	}
	switch {
	case o.Method == "login" && p.Login != "" && (p.Agent != "" || len(p.Algo) > 0 || p.Rig != ""):
		return "login", p.Agent
	case o.Method == "submit" && len(p.Job) > 0 && p.Nonce != "" && p.Result != "":
		return "submit", ""
	case o.Method == "job" && p.work(), o.Method == "" && p.Inner != nil && p.Inner.work():
		return "job", ""
	}
	return "", ""
}

// work reports whether there is something to be worked at.
func (j *job) work() bool { return j.Blob != "" && len(j.Job) > 0 }
