package inspect

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/identify"
	"plimsoll.example/plimsoll/internal/lab"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// Two devices of the played home: the one whose script a scene writes, and one to do it to.
const (
	suspect = "camera"
	victim  = "nas"
)

// scene plays the family's home, where everybody else lives as ever, while the camera does what script says.
func scene(t *testing.T, script func(a *lab.Actor)) *lab.Trace {
	t.Helper()
	h := lab.Family()
	i := slices.IndexFunc(h.Devices, func(d lab.Device) bool { return d.Name == suspect })
	h.Devices[i].Script = func(a *lab.Actor) {
		a.Join()
		a.Wait(time.Minute)
		script(a)
	}
	trace, err := h.Play()
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

// judged is what is found in packets.
func judged(t *testing.T, cfg Config, packets []wire.Packet) *Result {
	t.Helper()
	var b bytes.Buffer
	if err := (wire.Pcap{Link: frame.LinkEthernet}).Write(&b, packets); err != nil {
		t.Fatal(err)
	}
	r, err := capture.NewReader(&b, "scene")
	if err != nil {
		t.Fatal(err)
	}
	k, err := identify.Load()
	if err != nil {
		t.Fatal(err)
	}
	e := New(cfg)
	if err := e.Run(context.Background(), r.Next); err != nil {
		t.Fatal(err)
	}
	return e.Result(k, nil, nil, false)
}

// attack is a played attack, and what must be found of it.
type attack struct {
	name   string
	kind   finding.Kind
	script func(a *lab.Actor)
	actor  string // the device that must be found in the role; "": none
	target string
}

// Each attack is found, about the right device in the right role, within 5 seconds or 50 of its packets; and
// nothing of the kind is said of anybody else.
func TestAttacksAreFound(t *testing.T) {
	for _, c := range []attack{
		{"telnet on random addresses", finding.ScanHorizontal, func(a *lab.Actor) { a.ScanTelnet(60, 200*time.Millisecond) }, suspect, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			trace := scene(t, c.script)
			at := -1
			for i, f := range trace.Truth.Findings {
				if f.Kind == string(c.kind) {
					at = i
				}
			}
			if at < 0 {
				t.Fatalf("the scene has no %s: %+v", c.kind, trace.Truth.Findings)
			}
			truth := trace.Truth.Findings[at]
			r := judged(t, Config{}, trace.Packets)
			for _, role := range []struct {
				finding.Role
				device string
			}{{finding.Actor, c.actor}, {finding.Target, c.target}} {
				for _, f := range r.Findings {
					if f.Kind == c.kind && f.Role == role.Role && f.Device != macOf(trace, role.device) {
						t.Errorf("%s is said to be %s", f.Device, f.Role)
					}
				}
				if role.device == "" {
					continue
				}
				i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Kind == c.kind && f.Role == role.Role })
				if i < 0 {
					t.Errorf("no %s with the role %s, but %d findings", c.kind, role.Role, len(r.Findings))
					continue
				}
				inTime(t, trace, &truth, &r.Findings[i])
			}
		})
	}
}

// inTime checks that a finding was raised within 5 seconds of the attack's beginning, or 50 of its packets.
func inTime(t *testing.T, trace *lab.Trace, truth *lab.Finding, f *Finding) {
	t.Helper()
	first := truth.Packets[0] - 1
	fifty := min(first+49, truth.Packets[1]-1) // the fiftieth at the earliest: others speak too
	latest := max(trace.Packets[first].Time+int64(5*time.Second), trace.Packets[fifty].Time)
	detected, err := time.Parse(time.RFC3339Nano, f.Detected)
	if err != nil {
		t.Fatal(err)
	}
	if at := detected.UnixNano(); at > latest {
		t.Errorf("found at %s, %s late", f.Detected, time.Duration(at-latest))
	}
	if len(f.Evidence) == 0 || len(f.Evidence[0].Packets) == 0 {
		t.Errorf("nothing proves it")
	}
}

func macOf(trace *lab.Trace, name string) string {
	for _, d := range trace.Truth.Devices {
		if d.Name == name {
			return d.MACs[0]
		}
	}
	return ""
}

// What merely looks like an attack is none.
func TestLookAlikesAreNotFound(t *testing.T) {
	for _, c := range []struct {
		name   string
		script func(a *lab.Actor)
	}{
		{"the life of a family", func(a *lab.Actor) { a.NTP("pool.ntp.org") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, f := range judged(t, Config{}, scene(t, c.script).Packets).Findings {
				if f.Kind.About().Attack {
					t.Errorf("%s: %s of %s, %s", f.Severity, f.Kind, f.Device, f.Evidence[0].Note)
				}
			}
		})
	}
}
