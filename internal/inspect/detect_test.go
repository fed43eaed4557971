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
		{"telnet on random addresses, one each second", finding.ScanHorizontal, func(a *lab.Actor) { a.ScanTelnet(60, time.Second) }, suspect, ""},
		{"a port that nobody knows, on random addresses", finding.ScanHorizontal, func(a *lab.Actor) { a.ScanService(9034, 200, 5*time.Millisecond) }, suspect, ""},
		{"a web port on random addresses", finding.ScanHorizontal, func(a *lab.Actor) { a.ScanService(443, 400, 5*time.Millisecond) }, suspect, ""},
		{"one address every seven seconds", finding.ScanHorizontal, func(a *lab.Actor) { a.ScanService(23, 80, 7*time.Second) }, suspect, ""},
		{"all neighbours", finding.ScanHorizontal, func(a *lab.Actor) { a.ScanNeighbours(10 * time.Millisecond) }, suspect, ""},
		{"ports of a device", finding.ScanVertical, func(a *lab.Actor) { a.ScanPorts(victim, 100, 20*time.Millisecond, 80, 443) }, suspect, victim},
		{"ports of a device, one every five seconds", finding.ScanVertical, func(a *lab.Actor) { a.ScanPorts(victim, 60, 5*time.Second, 80) }, suspect, victim},
		{"ports of a server", finding.ScanVertical, func(a *lab.Actor) { a.ScanQuietly("www.example.org", 100, 20*time.Millisecond) }, suspect, ""},
		{"passwords by Telnet", finding.GuessCredentials, func(a *lab.Actor) { a.GuessTelnet(victim, "\r\nDiskStation", 12) }, suspect, victim},
		{"passwords by SSH", finding.GuessCredentials, func(a *lab.Actor) { a.GuessSSH(victim, lab.OpenSSH8, 30) }, suspect, victim},
		{"passwords by HTTP", finding.GuessCredentials, func(a *lab.Actor) { a.GuessHTTP(victim, 5000, 20) }, suspect, victim},
		{"passwords by FTP", finding.GuessCredentials, func(a *lab.Actor) { a.GuessBy(lab.FTPLogin, victim, 21, 12, 300*time.Millisecond) }, suspect, victim},
		{"passwords by POP3", finding.GuessCredentials, func(a *lab.Actor) { a.GuessBy(lab.POP3Login, victim, 110, 12, 300*time.Millisecond) }, suspect, victim},
		{"passwords by SMTP", finding.GuessCredentials, func(a *lab.Actor) { a.GuessBy(lab.SMTPLogin, victim, 587, 12, 300*time.Millisecond) }, suspect, victim},
		{"passwords by MQTT", finding.GuessCredentials, func(a *lab.Actor) { a.GuessBy(lab.MQTTLogin, victim, 1883, 12, 300*time.Millisecond) }, suspect, victim},
		{"passwords by RTSP", finding.GuessCredentials, func(a *lab.Actor) { a.GuessBy(lab.RTSPLogin, victim, 554, 12, 300*time.Millisecond) }, suspect, victim},
		{"passwords by VNC", finding.GuessCredentials, func(a *lab.Actor) { a.GuessBy(lab.VNCLogin, victim, 5900, 12, 300*time.Millisecond) }, suspect, victim},
		{"passwords by RDP", finding.GuessCredentials, func(a *lab.Actor) { a.GuessBy(lab.RDPLogin, victim, 3389, 12, 300*time.Millisecond) }, suspect, victim},
		{"passwords by SMB", finding.GuessCredentials, func(a *lab.Actor) { a.GuessBy(lab.SMBLogin, victim, 445, 12, 300*time.Millisecond) }, suspect, victim},
		{"passwords by FTP on another port, slowly", finding.GuessCredentials, func(a *lab.Actor) { a.GuessBy(lab.FTPLogin, victim, 2121, 20, 10*time.Second) }, suspect, victim},
		{"SYNs to all ports with forged senders", finding.FloodSYN, func(a *lab.Actor) { a.FloodSYNEverywhere("www.example.org", 2000, 2*time.Millisecond) }, suspect, ""},
		{"SYNs", finding.FloodSYN, func(a *lab.Actor) { a.FloodSYN("www.example.org", 80, 300, 2*time.Millisecond, false) }, suspect, ""},
		{"SYNs to a device", finding.FloodSYN, func(a *lab.Actor) { a.FloodSYN(victim, 80, 300, 2*time.Millisecond, false) }, suspect, victim},
		{"SYNs with forged senders", finding.FloodSYN, func(a *lab.Actor) { a.FloodSYN("www.example.org", 443, 300, 3*time.Millisecond, true) }, suspect, ""},
		{"forged senders", finding.SpoofSource, func(a *lab.Actor) { a.FloodSYN("www.example.org", 443, 300, 3*time.Millisecond, true) }, suspect, ""},
		{"datagrams to many ports", finding.FloodUDP, func(a *lab.Actor) { a.FloodUDP("www.example.org", 500, 512, time.Millisecond) }, suspect, ""},
		{"pings", finding.FloodICMP, func(a *lab.Actor) { a.FloodICMP("www.example.org", 600, 5*time.Millisecond) }, suspect, ""},
		{"ARP", finding.FloodARP, func(a *lab.Actor) { a.FloodARP(4000, 2*time.Millisecond) }, suspect, ""},
		{"answers of NTP to a stranger", finding.ReflectParticipant, func(a *lab.Actor) { a.ReflectNTP("www.example.org", 20, 80*time.Millisecond) }, suspect, ""},
		{"answers of DNS that nobody asked for", finding.ReflectParticipant, func(a *lab.Actor) { a.Reflected(53, 300, 1200, time.Millisecond) }, "", suspect},
		{"a group as the sender", finding.SpoofSource, func(a *lab.Actor) { a.EchoToAll(50, time.Millisecond) }, suspect, ""},
		{"a conversation in pings", finding.TunnelICMP, func(a *lab.Actor) { a.TunnelICMP("www.example.org", 60) }, suspect, ""},
		{"a beacon", finding.BeaconRare, func(a *lab.Actor) { a.Beacon("www.example.org", 48101, 20*time.Second) }, suspect, ""},
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
				if c.kind != finding.BeaconRare && c.kind != finding.TunnelICMP { // which take time to tell
					inTime(t, &truth, &r.Findings[i])
				}
			}
		})
	}
}

// inTime checks that a finding was raised within 5 seconds of the attack's beginning, or 50 of its packets.
func inTime(t *testing.T, truth *lab.Finding, f *Finding) {
	t.Helper()
	fiftieth := truth.First // they come at a steady pace
	if truth.Count > 0 {
		fiftieth = fiftieth.Add(truth.Last.Sub(truth.First) * 50 / time.Duration(truth.Count))
	}
	latest := max(truth.First.Add(5*time.Second).UnixNano(), fiftieth.UnixNano())
	if at := parse(f.Detected).UnixNano(); at > latest {
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
		{"a phone that looks for screens", func(a *lab.Actor) { a.LookForScreens() }},
		{"a file shared with many", func(a *lab.Actor) { a.Swarm(400, 30*time.Millisecond) }},
		{"the way to a server", func(a *lab.Actor) { a.Trace("www.example.org", 25) }},
		{"a server that is away", func(a *lab.Actor) { a.CallInVain("www.example.org", 443, 200, time.Second) }},
		{"video to a recorder", func(a *lab.Actor) { a.Stream(victim, 5004, 20000, 1200, 2*time.Millisecond) }},
		{"a voice call", func(a *lab.Actor) { a.Stream("www.example.org", 16384, 5000, 172, 20*time.Millisecond) }},
		{"pages with the right password", func(a *lab.Actor) { a.PollHTTP(victim, 5000, 60, 3*time.Second) }},
		{"a ping each second", func(a *lab.Actor) {
			for range 200 {
				a.Ping("www.example.org")
				a.Wait(time.Second)
			}
		}},
		{"a password forgotten by turns", func(a *lab.Actor) {
			for i, login := range []lab.Login{lab.FTPLogin, lab.POP3Login, lab.MQTTLogin, lab.RTSPLogin, lab.VNCLogin, lab.SMBLogin} {
				a.LogIn(login, victim, uint16(10000+i), 2, 20*time.Second)
			}
		}},
		{"a password forgotten", func(a *lab.Actor) { a.GuessSSH(victim, lab.OpenSSH8, 3) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, f := range judged(t, Config{}, scene(t, c.script).Packets).Findings {
				if f.Kind.About().Attack && f.Severity > finding.Info {
					t.Errorf("%s: %s of %s, %s", f.Severity, f.Kind, f.Device, f.Evidence[0].Note)
				}
			}
		})
	}
}
