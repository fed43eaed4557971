package inspect

import (
	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// FlowRecord is a flow that ended, with what was said in it.
type FlowRecord struct {
	*flow.Flow
	Names []string // that led to the responder, the flow's own word first
	Told  []string // those that DNS answers led the initiator by, the last one first
	note  *note
}

// Service is the name of the protocol that was recognised, or "".
func (r *FlowRecord) Service() string { return serviceName(r.Flow.Service) }

// JA3 is the fingerprint of the TLS client, or "".
func (r *FlowRecord) JA3() string {
	if r.note == nil || r.note.ja3[0] == 0 {
		return ""
	}
	return string(r.note.ja3[:])
}

// JA3S is the fingerprint of the TLS server, or "".
func (r *FlowRecord) JA3S() string {
	if r.note == nil || r.note.ja3s[0] == 0 {
		return ""
	}
	return string(r.note.ja3s[:])
}

// TLS is the version of TLS that the responder chose, such as 1.3, or "".
func (r *FlowRecord) TLS() string {
	if r.note == nil || r.note.tls == 0 {
		return ""
	}
	return tlsVersions[r.note.tls-1]
}

// JA4 is the fingerprint of the TLS client, or "".
func (r *FlowRecord) JA4() string {
	if r.note == nil || r.note.ja4[0] == 0 {
		return ""
	}
	return string(r.note.ja4[:])
}

// FactRecord is one fact, with the packet that said it.
type FactRecord struct {
	Number uint64 // of the packet in its file
	File   uint16
	facts  *dissect.Facts
	i      int
}

// Name is the fact's name.
func (r *FactRecord) Name() string { return r.facts.At(r.i).Name }

// Time is the capture time, nanoseconds since the Unix epoch.
func (r *FactRecord) Time() int64 { return r.facts.At(r.i).Time }

// Subject is the device that the fact is about.
func (r *FactRecord) Subject() frame.MAC { return r.facts.At(r.i).Subject }

// Own reports whether the device itself said it.
func (r *FactRecord) Own() bool { return r.facts.At(r.i).Own }

// Value is the fact's value, as it came from the wire.
func (r *FactRecord) Value() []byte { return r.facts.Value(r.i) }

// Fields calls yield for each field.
func (r *FactRecord) Fields(yield func(key string, value []byte)) { r.facts.Fields(r.i, yield) }
