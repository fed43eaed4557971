package assess

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/finding"
)

// Kind is what a file of evidence is, told from what is in it.
type Kind string

// The kinds.
const (
	Capture  Kind = "capture"  // what plimsoll inspect --json found in captures
	Flows    Kind = "flows"    // what plimsoll inspect --flows wrote of them
	Probe    Kind = "probe"    // transcript
	Paper    Kind = "document" // anything else: it is what its digest says
	Declared Kind = "declaration"
)

// Evidence is one file.
type Evidence struct {
	Name   string
	SHA256 string
	Kind   Kind
	Device string // hardware address of the product in it; "" for paper
	First  string // RFC 3339
	Last   string

	Declaration *Declaration // of the kind Declared
	capture     *capture
	flows       []flow
	transcript  *Transcript
}

// ErrEvidence is the cause where a file of evidence cannot be used.
var ErrEvidence = errors.New("evidence cannot be used")

// capture is the part of schema/inspect.json that says something of norms.
type capture struct {
	Schema  string `json:"schema"`
	Capture struct {
		First string `json:"first"`
		Last  string `json:"last"`
	} `json:"capture"`
	Devices  []device `json:"devices"`
	Findings []struct {
		ID         string            `json:"id"`
		Kind       string            `json:"kind"`
		Device     string            `json:"device"`
		Role       finding.Role      `json:"role"`
		Confidence float64           `json:"confidence"`
		Norms      []string          `json:"norms"`
		Direction  finding.Direction `json:"direction"`
		First      string            `json:"first"`
		Last       string            `json:"last"`
		Text       map[string]struct {
			Title string `json:"title"`
			Seen  string `json:"seen"`
		} `json:"text"`
		Evidence []struct {
			Packets []uint64 `json:"packets"`
			Flow    string   `json:"flow"`
		} `json:"evidence"`
	} `json:"findings"`
}

type device struct {
	ID       string   `json:"id"`
	MAC      string   `json:"mac"`
	MACs     []string `json:"macs"`
	First    string   `json:"first"`
	Last     string   `json:"last"`
	Identity struct {
		Maker   string `json:"maker"`
		Model   string `json:"model"`
		Because []struct {
			Fact   string `json:"fact"`
			Value  string `json:"value"`
			Packet uint64 `json:"packet"`
		} `json:"because"`
	} `json:"identity"`
	MUDURL *struct {
		URL string `json:"url"`
	} `json:"mud_url"`
	Peers []struct {
		Name     string   `json:"name"`
		Scope    string   `json:"scope"`
		Services []string `json:"services"`
		Octets   uint64   `json:"bytes"`
	} `json:"peers"`
}

// flow is the part of schema/flow.json that says something of norms.
type flow struct {
	TS        float64  `json:"ts"` // seconds since 1970-01-01
	UID       string   `json:"uid"`
	Service   string   `json:"service"`
	State     string   `json:"conn_state"`
	Out       uint64   `json:"orig_bytes"`
	In        uint64   `json:"resp_bytes"`
	Device    string   `json:"orig_l2_addr"`
	Names     []string `json:"names"`
	TLS       string   `json:"tls"`
	Community string   `json:"community_id"`
}

// Bounds on what is taken.
const (
	maxFlows    = 1 << 20
	maxFindings = 1 << 16
)

// ParseEvidence reads a file, whatever it is.
func ParseEvidence(name string, data []byte) (*Evidence, error) {
	sum := sha256.Sum256(data)
	e := &Evidence{Name: name, SHA256: hex.EncodeToString(sum[:]), Kind: Paper}
	var head struct {
		Schema string `json:"schema"`
		UID    string `json:"uid"`
		Orig   string `json:"id.orig_h"`
	}
	first := json.NewDecoder(bytes.NewReader(data))
	if !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) || first.Decode(&head) != nil {
		return e, nil
	}
	switch {
	case head.Schema == "plimsoll.inspect/1":
		e.Kind, e.capture = Capture, &capture{}
		if err := json.Unmarshal(data, e.capture); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrEvidence, name, err)
		}
		if len(e.capture.Findings) > maxFindings {
			return nil, fmt.Errorf("%w: %s: %d findings, at most %d are taken", ErrEvidence, name, len(e.capture.Findings), maxFindings)
		}
		e.First, e.Last = e.capture.Capture.First, e.capture.Capture.Last
	case head.Schema == TranscriptSchema:
		t, err := ParseTranscript(data)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrEvidence, name, err)
		}
		e.Kind, e.transcript, e.Device, e.First, e.Last = Probe, t, t.Device.MAC, t.Started, t.Ended
	case head.Schema == DeclarationSchema:
		d, err := ParseDeclaration(data, e.SHA256)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrEvidence, name, err)
		}
		e.Kind, e.Declaration = Declared, d
	case strings.HasPrefix(head.Schema, "plimsoll."):
		return nil, fmt.Errorf("%w: %s: nothing of norms is read from %.60q", ErrEvidence, name, head.Schema)
	case head.UID != "" && head.Orig != "":
		e.Kind = Flows
		lines := json.NewDecoder(bytes.NewReader(data))
		for {
			var f flow
			if err := lines.Decode(&f); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("%w: %s: flow %d: %w", ErrEvidence, name, len(e.flows)+1, err)
			}
			if e.flows = append(e.flows, f); len(e.flows) > maxFlows {
				return nil, fmt.Errorf("%w: %s: more than %d flows", ErrEvidence, name, maxFlows)
			}
		}
	}
	return e, nil
}

// Transcript is that of a probe, or nil.
func (e *Evidence) Transcript() *Transcript { return e.transcript }

// Find says which device of the evidence is the product: mac, if it is given; else the one device that names the
// product’s MUD URL, or that was recognised as its maker’s model. It never guesses.
func (e *Evidence) Find(p *Product, mac string) error {
	switch e.Kind {
	case Flows:
		if mac == "" {
			return fmt.Errorf("%w: %s: flows do not say which device is the product; name its hardware address", ErrEvidence, e.Name)
		}
		e.Device = mac
		e.flows = slices.DeleteFunc(e.flows, func(f flow) bool { return f.Device != mac })
		for _, f := range e.flows {
			at := time.UnixMicro(int64(f.TS * 1e6)).UTC().Format(time.RFC3339)
			if e.First == "" || at < e.First {
				e.First = at
			}
			e.Last = max(e.Last, at)
		}
	case Probe:
		if mac != "" && e.Device != "" && e.Device != mac {
			return fmt.Errorf("%w: %s: it is about %s, not %s", ErrEvidence, e.Name, e.Device, mac)
		}
	case Capture:
		var found []*device
		for i := range e.capture.Devices {
			d := &e.capture.Devices[i]
			if mac != "" && (d.MAC == mac || slices.Contains(d.MACs, mac)) || mac == "" && d.is(p) {
				found = append(found, d)
			}
		}
		if len(found) != 1 {
			return fmt.Errorf("%w: %s: %d of its %d devices can be the product; name its hardware address", ErrEvidence, e.Name, len(found), len(e.capture.Devices))
		}
		e.Device, e.First, e.Last = found[0].MAC, found[0].First, found[0].Last
		e.capture.Devices = []device{*found[0]}
	}
	return nil
}

func (d *device) is(p *Product) bool {
	return d.MUDURL != nil && p.MUDURL != "" && d.MUDURL.URL == p.MUDURL ||
		strings.EqualFold(d.Identity.Maker, p.Maker) && strings.EqualFold(d.Identity.Model, p.Model)
}
