package assess

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// TranscriptSchema names the form of a transcript, which schema/probe.json describes.
const TranscriptSchema = "plimsoll.probe/1"

// Transcript is what a probe did to a device, and what came of it. Secrets are not in it.
type Transcript struct {
	Schema    string     `json:"schema"`
	Device    Target     `json:"device"`
	Started   string     `json:"started"` // RFC 3339
	Ended     string     `json:"ended"`
	Whole     bool       `json:"whole"` // false: it was broken off
	Settings  Settings   `json:"settings"`
	Tried     []string   `json:"tried"` // ports, such as tcp/443
	Open      []Service  `json:"open"`
	Told      Told       `json:"told"`
	Keys      []Key      `json:"keys"`
	Checks    []Check    `json:"checks"`
	Exchanges []Exchange `json:"exchanges"`
	SHA256    string     `json:"sha256"` // of all else: see Digest
}

// Target is the device that was probed.
type Target struct {
	Asked     string `json:"asked"` // as it was called
	Address   string `json:"address"`
	MAC       string `json:"mac"` // "" where the system does not know it
	Interface string `json:"interface"`
}

// Settings are how gentle the probe was.
type Settings struct {
	PaceMS      int64 `json:"pace_ms"`       // between connections
	LoginPaceMS int64 `json:"login_pace_ms"` // between log-ins
	Tries       int   `json:"tries"`         // wrong log-ins at most, at one service
}

// Service is an open port.
type Service struct {
	Port    string `json:"port"`
	Service string `json:"service"` // protocol that was recognised, or ""
	TLS     bool   `json:"tls"`
	Banner  string `json:"banner"` // what it says first, cut
}

// Told is what the device says of itself, unasked.
type Told struct {
	Makers []string `json:"makers"`
	Models []string `json:"models"`
}

// Key is a public key of the device. The same on two units means that they share the secret.
type Key struct {
	Port   string `json:"port"`
	Kind   string `json:"kind"` // ssh or tls
	SHA256 string `json:"sha256"`
}

// Check is one thing that was looked at.
type Check struct {
	Check     string `json:"check"` // as in Checks
	Port      string `json:"port"`
	Outcome   string `json:"outcome"`   // bad, good or unclear
	Detail    string `json:"detail"`    // in the words of the protocol
	Exchanges []int  `json:"exchanges"` // numbers of those that show it
}

// The outcomes.
const (
	Bad     = "bad"
	Good    = "good"
	Unclear = "unclear"
)

// Exchange is a connection or a datagram, in short.
type Exchange struct {
	N         int    `json:"n"`     // from 1
	AtMS      int64  `json:"at_ms"` // since the probe started
	Port      string `json:"port"`
	Sent      string `json:"sent"`     // what it was for, without secrets
	Received  string `json:"received"` // printable, cut, without secrets
	OctetsOut int    `json:"octets_out"`
	OctetsIn  int    `json:"octets_in"`
	TookMS    int64  `json:"took_ms"`
	Fault     string `json:"fault"` // refused, timeout, reset, too-long, other; "" none
}

// About is what a check can say of norms. A check refutes when its outcome is bad and supports when it is good; of either
// list only what the catalogue lets such evidence do counts.
type About struct {
	Check    string
	Refutes  []string
	Supports []string
	Whole    bool     // what supports is all that the norm asks for, so that it passes
	Web      bool     // it was looked up on the web, not at the device
	Declared bool     // it supports only if its detail is an update server that the maker declares
	Shows    []string // features of EN 303 645 that the device is seen to have, whatever the outcome
}

// checks is the table of all checks.
//
// A norm stands here only if the outcome is, by itself, what the norm forbids or asks for:
//   - a password that everybody knows, or that of another unit, is not unique; that none of a short list works says nothing;
//   - Telnet, FTP and HTTP without TLS carry a log-in in clear whenever somebody logs in;
//   - many wrong log-ins that are all taken as fast as the first can go on; such as are refused or held up cannot;
//   - a server that agrees to TLS 1.0 or 1.1, or to a broken suite, breaks RFC 9325; one that agrees to sound ones alone is
//     what 5.5-1 asks for on that port, and on no other: not the whole of it;
//   - a program that came in clear was not delivered by a secure way, and may be signed all the same; an update server that is
//     asked under encryption alone is a part of 5.3-2, if it is the one that the maker declares;
//   - a security.txt that can be used is a part of 5.2-1, which also asks for a policy with delays.
var checks = []About{
	{Check: "access.open", Refutes: []string{"etsi.5.5-4", "cra.I.2d"}},
	{Check: "change.open", Refutes: []string{"etsi.5.5-5", "cra.I.2d"}, Shows: []string{"n"}},
	{Check: "debug.open", Refutes: []string{"etsi.5.6-4A"}, Shows: []string{"q"}},
	{Check: "discovery.leak", Refutes: []string{"etsi.5.6-2"}},
	{Check: "legacy.service", Refutes: []string{"etsi.5.5-1", "owasp.I2"}},
	{Check: "login.clear", Refutes: []string{"etsi.5.1-3"}, Shows: []string{"c", "e"}},
	{
		Check: "login.default", Refutes: []string{"etsi.5.1-1", "nist8425.IAC.1b", "ota.13", "psti.1", "owasp.I1", "cra.I.2b"},
		Shows: []string{"a", "c", "e"},
	},
	{Check: "login.guessing", Refutes: []string{"etsi.5.1-5", "ota.15"}, Supports: []string{"etsi.5.1-5", "ota.15"}, Whole: true, Shows: []string{"a", "c", "e"}},
	{Check: "login.repeated", Refutes: []string{"etsi.5.1-1", "psti.1", "owasp.I1"}, Shows: []string{"a", "c", "e"}},
	{Check: "login.weak", Refutes: []string{"etsi.5.1-3"}, Shows: []string{"c", "e"}},
	{Check: "security.txt", Supports: []string{"etsi.5.2-1", "psti.2"}, Web: true},
	{Check: "tls.certificate", Refutes: []string{"etsi.5.5-1", "nist8425.DP.3"}},
	{
		Check: "tls.version", Refutes: []string{"etsi.5.5-1", "nist8425.DP.3", "owasp.I7", "cra.I.2e"},
		Supports: []string{"etsi.5.5-1", "nist8425.DP.3"},
	},
	{Check: "tls.cipher", Refutes: []string{"etsi.5.5-1", "nist8425.DP.3", "owasp.I7", "cra.I.2e"}},
	{Check: "update.traffic", Refutes: []string{"owasp.I4"}, Supports: []string{"etsi.5.3-2"}, Declared: true},
}

// Checks are all checks.
func Checks() []About { return append([]About(nil), checks...) }

func about(check string) (About, bool) {
	for _, a := range checks {
		if a.Check == check {
			return a, true
		}
	}
	return About{}, false
}

// ErrTranscript is the cause where a transcript is not one, or is not as it was written.
var ErrTranscript = errors.New("not the transcript of a probe")

// Digest is the SHA-256 of the transcript as it is written with SHA256 empty.
func (t *Transcript) Digest() string {
	again := *t
	again.SHA256 = ""
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(&again); err != nil {
		panic(err) // it holds texts and numbers alone
	}
	sum := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(sum[:])
}

// ParseTranscript reads a transcript, and refuses one that was altered.
func ParseTranscript(data []byte) (*Transcript, error) {
	t := &Transcript{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(t); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTranscript, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows at octet %d", ErrTranscript, d.InputOffset())
	}
	if t.Schema != TranscriptSchema {
		return nil, fmt.Errorf("%w: its schema is %.60q, not %s", ErrTranscript, t.Schema, TranscriptSchema)
	}
	if t.SHA256 != t.Digest() {
		return nil, fmt.Errorf("%w: its digest is %.64q and should be %s: it was altered", ErrTranscript, t.SHA256, t.Digest())
	}
	for i := range t.Checks {
		c := &t.Checks[i]
		if _, ok := about(c.Check); !ok {
			return nil, fmt.Errorf("%w: check %d is a %.40q, which is not known", ErrTranscript, i+1, c.Check)
		}
		if c.Outcome != Bad && c.Outcome != Good && c.Outcome != Unclear {
			return nil, fmt.Errorf("%w: check %d came out %.40q", ErrTranscript, i+1, c.Outcome)
		}
	}
	return t, nil
}
