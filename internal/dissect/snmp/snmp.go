// Package snmp dissects the Simple Network Management Protocol, versions 1 (RFC 1157), 2c (RFC 3416)
// and 3 (RFC 3412). The community, which is a password, is not kept.
package snmp

import (
	"encoding/binary"
	"encoding/hex"

	"plimsoll.example/plimsoll/internal/dissect"
)

// Tags of BER, as SNMP uses it (RFC 1157 §3.2.2).
const (
	integer     = 0x02
	octetString = 0x04
	objectID    = 0x06
	sequence    = 0x30
	getRequest  = 0xa0
	response    = 0xa2
	trapV1      = 0xa4
	inform      = 0xa6
	trapV2      = 0xa7
	report      = 0xa8
)

var operations = [...]string{"get", "get-next", "response", "set", "trap", "get-bulk", "inform", "trap", "report"}

const agentPort = 161

// Dissect reads one message.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if len(d) < 10 || d[0] != sequence {
		return 0, dissect.No
	}
	body, _ := element(d, sequence)
	version, body := element(body, integer)
	if len(version) != 1 {
		return 0, dissect.No
	}
	var ok bool
	switch version[0] {
	case 0:
		ok = community(m, out, "1", body)
	case 1:
		ok = community(m, out, "2c", body)
	case 3:
		ok = secured(m, out, body)
	}
	if !ok {
		return 0, dissect.No
	}
	return len(d), dissect.Next
}

// community reads what follows the version in a message of version 1 or 2c.
func community(m *dissect.Message, out *dissect.Facts, version string, b []byte) bool {
	name, b := element(b, octetString)
	kind, pdu := operation(b)
	if name == nil || pdu == nil {
		return false
	}
	out.AddString("snmp.version", version)
	out.FieldString("pdu", operations[kind-getRequest])
	if kind != response && kind != report {
		out.AddString("auth.cleartext", "snmp")
		if string(name) == "public" || string(name) == "private" {
			out.FieldString("default", "1")
		}
		if a := m.Dst.Addr(); a.IsValid() {
			out.FieldAddr("server", a)
		}
	}
	variables(out, kind, pdu)
	return true
}

// secured reads what follows the version in a message of version 3 (RFC 3412 §6).
func secured(m *dissect.Message, out *dissect.Facts, b []byte) bool {
	global, b := element(b, sequence)
	_, global = element(global, integer) // message identifier
	_, global = element(global, integer) // greatest size
	flags, global := element(global, octetString)
	model, _ := element(global, integer)
	parameters, b := element(b, octetString)
	if len(flags) != 1 || len(model) == 0 || parameters == nil {
		return false
	}
	const authenticated, encrypted = 1, 2
	level := "none"
	switch {
	case flags[0]&encrypted != 0:
		level = "encrypted"
	case flags[0]&authenticated != 0:
		level = "authenticated"
	}
	var kind byte
	var pdu []byte
	if flags[0]&encrypted == 0 {
		scoped, _ := element(b, sequence)
		_, scoped = element(scoped, octetString) // context engine
		_, scoped = element(scoped, octetString) // context name
		if kind, pdu = operation(scoped); pdu == nil {
			return false
		}
	}
	out.AddString("snmp.version", "3")
	if pdu != nil {
		out.FieldString("pdu", operations[kind-getRequest])
	}
	out.FieldString("security", level)

	// The engine named is the agent's, unless the message is a question to it (RFC 3414 §3.1).
	if kind == response || kind == report || kind == trapV2 || kind == 0 && m.Src.Port() == agentPort {
		usm, _ := element(parameters, sequence)
		engine(out, usm)
	}
	variables(out, kind, pdu)
	return true
}

// engine tells the identifier of an SNMP engine, which begins with its maker's enterprise number
// (RFC 3411 §5, SnmpEngineID).
func engine(out *dissect.Facts, usm []byte) {
	id, _ := element(usm, octetString)
	if len(id) < 5 || len(id) > 32 {
		return
	}
	var digits [64]byte
	out.Add("snmp.engine", hex.AppendEncode(digits[:0], id))
	out.FieldUint("enterprise", uint64(binary.BigEndian.Uint32(id)&0x7fffffff))
}

// variables tells what an agent says of its system (RFC 3418, the system group).
func variables(out *dissect.Facts, kind byte, pdu []byte) {
	if kind != response && kind != inform && kind != trapV2 {
		return
	}
	const system = "\x2b\x06\x01\x02\x01\x01" // 1.3.6.1.2.1.1
	_, pdu = element(pdu, integer)            // request
	_, pdu = element(pdu, integer)            // error
	_, pdu = element(pdu, integer)            // index of the error
	list, _ := element(pdu, sequence)
	for len(list) > 0 {
		var binding []byte
		if binding, list = element(list, sequence); binding == nil {
			return
		}
		name, value := element(binding, objectID)
		switch string(name) {
		case system + "\x01\x00":
			text(out, "snmp.sysdescr", value)
		case system + "\x02\x00":
			if id, _ := element(value, objectID); len(id) > 0 {
				var buf [256]byte
				out.Add("snmp.sysobjectid", dotted(buf[:0], id))
			}
		case system + "\x05\x00":
			text(out, "snmp.sysname", value)
		}
	}
}

func text(out *dissect.Facts, name string, value []byte) {
	if v, _ := element(value, octetString); len(v) > 0 {
		out.Add(name, v)
	}
}
