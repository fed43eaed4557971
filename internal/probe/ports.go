package probe

import (
	"bytes"
	"context"
	"regexp"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/assess"
)

// ports are those that smart devices are known to answer on, each with what is expected there: those of the protocols that
// package dissect reads, and their usual alternatives. What is really spoken is told by what is said.
var ports = []struct {
	port uint16
	what string
}{
	{21, "ftp"},
	{22, "ssh"},
	{23, "telnet"},
	{80, "http"},
	{81, "http"},
	{88, "http"},
	{443, "https"},
	{502, "modbus"},
	{515, "lpd"},
	{554, "rtsp"},
	{631, "http"},
	{1883, "mqtt"},
	{2121, "ftp"},
	{2222, "ssh"},
	{2323, "telnet"},
	{3389, "rdp"},
	{5000, "http"},
	{5555, "adb"},
	{5900, "vnc"},
	{6668, "tuya"},
	{7547, "http"},
	{8000, "http"},
	{8008, "http"},
	{8009, "https"},
	{8080, "http"},
	{8081, "http"},
	{8088, "http"},
	{8443, "https"},
	{8554, "rtsp"},
	{8883, "mqtts"},
	{8888, "http"},
	{9000, "http"},
	{9100, "print"},
	{9999, "kasa"},
	{10554, "rtsp"},
	{34567, "dvr"},
	{37777, "dvr"},
	{49152, "http"},
	{49153, "http"},
	{60001, "http"},
}

// streams tries TCP ports, and looks closely at those that are open.
func (r *run) streams(ctx context.Context) {
	type open struct {
		port  uint16
		what  string
		greet []byte
	}
	var list []open
	expected := map[uint16]string{}
	var all []uint16
	if !r.Only {
		for _, p := range ports {
			all = append(all, p.port)
		}
	}
	for _, p := range ports {
		expected[p.port] = p.what
	}
	for _, p := range r.Ports {
		if p != 0 && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	r.step("ports")
	for _, p := range all {
		c, err := r.dial(ctx, "tcp", p, "connect, and listen")
		if ctx.Err() != nil {
			return
		}
		r.t.Tried = append(r.t.Tried, portName("tcp", p))
		if err != nil {
			continue
		}
		greet := c.until(512, r.greet, func(b []byte) bool { return bytes.Contains(b, []byte("\n")) || bytes.HasSuffix(b, []byte(": ")) })
		c.received("%s", readable(greet))
		_ = c.Close()
		list = append(list, open{p, recognise(greet, expected[p]), greet})
	}
	for _, o := range list {
		if ctx.Err() != nil {
			return
		}
		r.step(portName("tcp", o.port))
		r.t.Open = append(r.t.Open, assess.Service{Port: portName("tcp", o.port), Banner: readable(o.greet)})
		s := &r.t.Open[len(r.t.Open)-1]
		s.Service, s.TLS = r.look(ctx, o.port, o.what)
	}
}

var ftpGreeting = regexp.MustCompile(`(?i)^220[ -].*ftp`)

// recognise tells a protocol by its greeting, or by what is expected on the port.
func recognise(greet []byte, expected string) string {
	switch {
	case bytes.HasPrefix(greet, []byte("SSH-")):
		return "ssh"
	case ftpGreeting.Match(greet) || expected == "ftp" && bytes.HasPrefix(greet, []byte("220")):
		return "ftp"
	case len(greet) > 0 && greet[0] == iac, prompts.Match(bytes.TrimRight(greet, " ")), shells.Match(bytes.TrimRight(greet, " ")):
		return "telnet"
	case bytes.HasPrefix(greet, []byte("RFB ")):
		return "vnc"
	}
	return expected
}

// look looks closely at an open port. It says what is spoken there, and whether under TLS.
func (r *run) look(ctx context.Context, port uint16, what string) (service string, tls bool) {
	switch what {
	case "telnet":
		return r.telnet(ctx, port), false
	case "ftp":
		return r.ftp(ctx, port), false
	case "ssh":
		return r.ssh(ctx, port), false
	case "rtsp":
		return r.rtsp(ctx, port), false
	case "mqtt":
		return r.mqtt(ctx, port), false
	case "adb":
		return r.adb(ctx, port), false
	case "lpd", "print", "modbus", "rdp", "tuya", "kasa", "dvr": // what is sent there may be printed, or move something
		return "", false
	case "vnc":
		return "vnc", false
	case "mqtts":
		if r.quality(ctx, port) {
			return "mqtt", true
		}
		return "", false
	case "https":
		if r.quality(ctx, port) {
			return r.web(ctx, port, true), true
		}
		return r.web(ctx, port, false), false
	}
	if what == "http" {
		if service = r.web(ctx, port, false); service != "" {
			return service, false
		}
	}
	if r.quality(ctx, port) { // first: a server of TLS answers those who speak HTTP in clear too, to send them away
		return r.web(ctx, port, true), true
	}
	if what == "http" {
		return "", false
	}
	return r.web(ctx, port, false), false
}

// readable is a greeting without the commands of Telnet.
func readable(b []byte) string {
	text, _ := options(b)
	return show(strings.ToValidUTF8(string(text), "?"))
}
