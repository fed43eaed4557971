// Package finding says what a finding is: one norm broken, or one sign of attack, by one device, with what proves it.
// It knows the kinds of finding and what each stands for; it finds nothing itself, and has neither clock nor words.
package finding

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
)

// Severity is how bad a finding is. The zero value is the least.
type Severity uint8

// The severities, in order.
const (
	Info     Severity = iota // worth knowing; nothing to do
	Low                      // worth a look when there is time
	Medium                   // should be put right
	High                     // harm is likely, or is being done: act soon
	Critical                 // harm is being done to people, or to many: act now
)

var severities = [...]string{"info", "low", "medium", "high", "critical"}

// String is the word in the contracts.
func (s Severity) String() string { return severities[s] }

// MarshalText writes the word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *Severity) UnmarshalText(b []byte) error {
	for i, w := range severities {
		if w == string(b) {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("severity %q is none of info, low, medium, high, critical", b)
}

// Role says whether the device does it, or suffers it.
type Role string

// The roles.
const (
	Actor  Role = "actor"
	Target Role = "target"
)

// Direction says what a finding does to the claim that its norms are met; Neither, that it decides nothing.
type Direction string

// The directions.
const (
	Refutes  Direction = "refutes"
	Supports Direction = "supports"
	Neither  Direction = "neither"
)

// Finding is one of a kind, about one device. Detectors join what belongs together: Key tells two findings of one
// kind and device apart, such as the service that is scanned for.
type Finding struct {
	Kind       Kind
	Device     string // the device's ID, as inspect prints it
	Role       Role
	Key        string
	Severity   Severity
	Confidence float64 // in [0,1]: how often such a finding is right
	First      int64   // capture time of the first and last packet of it, ns
	Last       int64
	Detected   int64  // capture time at which it was first raised, ns
	Count      uint64 // how often it was seen; what is counted depends on the kind
	Details    []Detail
	Evidence   []Evidence
}

// Detail is one thing that the texts say of this case. Each kind has the details that its row in the table of kinds
// names; Value is a string, []string, uint64, time.Duration, or what else locale.Catalogue writes by its type. Text
// from the wire must have gone through device.Printable.
type Detail struct {
	Key   string
	Value any
}

// Evidence points at what proves a finding.
type Evidence struct {
	Packets []uint64 // places in the file, counting from 1, as Wireshark shows them; a few, in order
	File    uint16   // which file, counting from 0 in the order given
	Flow    string   // Community ID, or "" where there is no flow
	Note    string   // in the words of the protocol, for who checks it: a technical annex, not translated
	Ends    Ends     // of the flow, or of the packet where there is no flow
}

// Ends are the two ends of a flow, or of a packet; the zero value where neither speaks IP.
type Ends struct {
	Proto    uint8          // IP protocol number
	From, To netip.AddrPort // From began the flow, or sent the packet; ports are 0 where there are none
}

// Detail is the value of that key, or nil.
func (f *Finding) Detail(key string) any {
	for _, d := range f.Details {
		if d.Key == key {
			return d.Value
		}
	}
	return nil
}

// ID names the finding: the same for the same kind, device, role and key, in each run.
func (f *Finding) ID() string {
	h := sha256.New()
	for _, s := range []string{string(f.Kind), f.Device, string(f.Role), f.Key} {
		h.Write(binary.AppendUvarint(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
