package detect

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
)

var certificateThresholds = []Threshold{
	{"tls.certificate.sent", 1024, "octets", "that a client sent to a server whose certificate is at fault: a hello and the end of a handshake are less, so it went on"},
}

// certificate finds servers on the Internet that show a certificate which proves nothing, to clients that go on all the
// same. Who may vouch for a server cannot be told without a list of authorities, so that is not asked.
type certificate struct {
	*Watch
	sent  uint64
	names *Table[conversation, string]   // that the client asked for
	fault *Table[conversation, shown]    // shown in a flow that goes on
	off   *Table[conversation, struct{}] // where the client refused
}

type shown struct {
	fault string
	minor bool // made out to no name of the Internet, by a maker for its own products, which know it; or a key short for today
	when  int64
	proof finding.Evidence
	peer  string
}

func newCertificate(w *Watch) Detector {
	c := &certificate{
		Watch: w, sent: uint64(w.Threshold("tls.certificate.sent")),
		names: NewTable[conversation, string](1024), fault: NewTable[conversation, shown](512), off: NewTable[conversation, struct{}](256),
	}
	return Detector{Fact: c.fact, Ended: c.ended, Facts: []string{"tls.sni", "tls.certificate", "tls.alert"}}
}

// clockSet is a capture time from which on the clock of who captured was set.
var clockSet = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

func (c *certificate) fact(f *Fact) {
	key := f.conversation()
	switch f.Name {
	case "tls.sni":
		name, _ := c.names.Get(key)
		*name = strings.ToLower(text(f.Value))
	case "tls.alert":
		c.off.Get(key)
	case "tls.certificate":
		if string(f.Lookup("side")) != "server" || f.Lookup("error") != nil {
			return
		}
		name := c.names.Look(key)
		if fault := c.look(f, name); fault != "" {
			s, fresh := c.fault.Get(key)
			if fresh || s.fault == "" {
				minor := fault == "short-key" || fault == "wrong-name" && len(f.Lookup("names")) == 0 && !strings.Contains(string(f.Value), ".")
				*s = shown{fault, minor, f.Time, f.Evidence("certificate for " + text(f.Value) + ": " + fault), c.call(f.Sender(), f.Receiver().MAC)}
				if name != nil && *name != "" {
					s.peer = *name
				}
			}
		}
	}
}

// slack is how wrong a clock may be.
const slack = int64(24 * time.Hour)

// look is what is wrong with a certificate, or "".
func (c *certificate) look(f *Fact, name *string) string {
	if f.Time > clockSet {
		if at, ok := instant(f.Lookup("not_after")); ok && f.Time > at+slack {
			return "expired"
		}
		if at, ok := instant(f.Lookup("not_before")); ok && f.Time < at-slack {
			return "not-yet-valid"
		}
	}
	if f.Lookup("self_signed") != nil {
		return "self-signed"
	}
	if name != nil && *name != "" && !covers(f.Lookup("names"), f.Value, *name) {
		return "wrong-name"
	}
	if s := string(f.Lookup("signature")); strings.Contains(s, "md5") {
		return "md5"
	}
	if k, ok := strings.CutPrefix(string(f.Lookup("key")), "rsa"); ok {
		if n, err := strconv.Atoi(strings.Trim(k, "-_ ")); err == nil && n < 2048 {
			return "short-key"
		}
	}
	return ""
}

func instant(b []byte) (int64, bool) {
	t, err := time.Parse(time.RFC3339, string(b))
	if err != nil || t.Year() < 1700 || t.Year() > 2200 { // beyond, there are no nanoseconds
		return 0, false
	}
	return t.UnixNano(), true
}

// namesKept is from how many octets on the names of a certificate may not all have been told.
const namesKept = 400

// covers reports whether a certificate is made out to a name (RFC 9525, Section 6.3), or may be.
func covers(names, subject []byte, name string) bool {
	if len(names) >= namesKept {
		return true
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true // addresses are not among the names
	}
	list := strings.Split(strings.ToLower(string(names)), ",")
	if len(names) == 0 {
		list = []string{strings.ToLower(string(subject))}
	}
	_, parent, _ := strings.Cut(name, ".")
	for _, n := range list {
		if n == name || strings.HasPrefix(n, "*.") && n[2:] == parent {
			return true
		}
	}
	return false
}

// ended tells of a flow that went on although the certificate was at fault.
func (c *certificate) ended(f *Flow) {
	if f.Protocol != "tls" {
		return
	}
	key := f.conversation()
	s := c.fault.Look(key)
	if s == nil || s.fault == "" {
		return
	}
	was := *s
	s.fault = ""
	if f.Payload[flow.Orig] < c.sent || c.off.Look(key) != nil {
		return
	}
	client, server := f.Party(flow.Orig), f.Party(flow.Resp)
	what := was.fault + " " + was.peer
	if c.Again(finding.TLSCertificate, client, server, what, finding.Medium, f.Last) {
		return
	}
	c.Raise(Sighting{
		Kind: finding.TLSCertificate, Actor: client, Target: server, Key: what, Severity: finding.Medium, Confidence: 0.8, First: was.when, Time: f.Last,
		Details: []finding.Detail{{Key: "peer", Value: was.peer}, {Key: "fault", Value: was.fault}}, Evidence: was.proof,
		Holds: func(v *View) bool { return v.Outside(server) },
		Weigh: func(v *View, d *device.Device) finding.Severity {
			if v.Kind(d) == device.General || was.minor {
				return finding.Low // a person may have been asked
			}
			return finding.Medium
		},
	})
}
