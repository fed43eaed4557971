package conformance

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/certtest"
	"plimsoll.example/plimsoll/mud"
)

// office is a registry of labels, a program of its own on the Internet.
type office struct {
	*house
	dir     string
	at      string
	process *exec.Cmd
}

// newOffice has an account that may grant labels, and is not started.
func newOffice(t *testing.T, h *house) *office {
	t.Helper()
	o := &office{house: h, dir: t.TempDir(), at: "https://" + netip.AddrPortFrom(wide(4, 12), 7390).String()}
	server := certtest.Issue(t, h.root, "registry", func(c *x509.Certificate) {
		c.IPAddresses = []net.IP{wide(4, 12).AsSlice()}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})
	save(t, server, o.dir, "tls.pem")
	key, err := x509.MarshalPKCS8PrivateKey(server.Key)
	if err != nil {
		t.Fatal(err)
	}
	o.write("tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	o.write("feeds/kev.json", `{"catalogVersion": "1", "dateReleased": "2026-11-25T00:00:00Z", "vulnerabilities": []}`)
	o.write("feeds/cve.json", `{"dataType": "CVE_RECORD", "cveMetadata": {"cveId": "CVE-2026-0001", "state": "PUBLISHED", "dateUpdated": "2026-11-20T10:00:00Z"},
		"containers": {"cna": {"affected": [{"vendor": "Example Lamps", "product": "LP-110", "versions": [{"version": "0", "status": "affected", "lessThan": "4"}]}]}}}`)
	o.write("issuer.pem", o.verb("registry", "key", "make", "--kind", "issuer", "--out", "issuer.key"))
	o.verb("registry", "account", "add", "body", "--org", "Example Body", "--role", "certification-body", "--public", "issuer.pem", "--from", time.Now().UTC().Format(time.DateOnly), "--state", o.dir)
	return o
}

// write puts a file there, whole.
func (o *office) write(name, text string) {
	o.t.Helper()
	name = filepath.Join(o.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		o.t.Fatal(err)
	}
}

// command is the program, in the folder of the registry.
func (o *office) command(args ...string) *exec.Cmd {
	o.t.Helper()
	name, err := program()
	if err != nil {
		o.t.Fatal(err)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = o.dir
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+filepath.Join(o.house.dir, "roots.pem"), "PLIMSOLL_CONFIG="+os.DevNull)
	return cmd
}

// try calls the program from the Internet, and gives back what it prints.
func (o *office) try(args ...string) (string, error) {
	cmd := o.command(args...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := o.internet.do(cmd.Start)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		err = fmt.Errorf("plimsoll %v: %w: %s", args, err, complaint.String())
	}
	return out.String(), err
}

// verb is try, of what must be done.
func (o *office) verb(args ...string) string {
	o.t.Helper()
	out, err := o.try(args...)
	if err != nil {
		o.t.Fatal(err)
	}
	return out
}

// start runs the registry with its settings as they come, until it is ready.
func (o *office) start() {
	o.t.Helper()
	o.process = o.command("registry", "run", "--state", o.dir, "--listen", strings.TrimPrefix(o.at, "https://"), "--public-url", o.at, "--tls-cert", "tls.pem", "--tls-key", "tls.key",
		"--feed", "feeds/kev.json", "--feed", "feeds/cve.json")
	pipe, err := o.process.StderrPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	if err := o.internet.do(o.process.Start); err != nil {
		o.t.Fatal(err)
	}
	ready := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(pipe)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "registry runs") {
				ready <- true
			}
		}
		ready <- false
	}()
	o.t.Cleanup(o.end)
	select {
	case ok := <-ready:
		if !ok {
			o.t.Fatal("the registry ended")
		}
	case <-time.After(time.Minute):
		o.t.Fatal("the registry does not start")
	}
}

func (o *office) end() {
	if o.process == nil {
		return
	}
	_ = o.process.Process.Signal(syscall.SIGTERM)
	_ = o.process.Wait()
	o.process = nil
}

// grant signs and grants a label of a lamp whose MUD URL is that, into the file lamp.label.
func (o *office) grant(url string) {
	o.t.Helper()
	s, err := json.Marshal(map[string]any{
		"version": 1, "gtin": "09506000134352", "maker": "Example Lamps", "model": "LP-110", "firmware": map[string]string{"from": "3.1", "to": ""}, "profile": 1,
		"norms": map[string]string{"etsi.5.1-1": "declared"}, "issued": time.Now().UTC().Format(time.DateOnly), "support_until": "2031-03-31", "mud_url": url, "status_index": 0,
	})
	if err != nil {
		o.t.Fatal(err)
	}
	o.write("lamp.json", string(s))
	o.verb("label", "sign", "lamp.json", "--key", "issuer.key", "--out", "lamp.label")
	o.verb("label", "grant", "lamp.label", "--registry", o.at, "--category", "light")
}

// lamp is what the gateway knows of the label of a device.
type lamp struct {
	State string
	Label struct {
		Status   string
		AsOf     time.Time `json:"status_as_of"`
		Problems []string
	}
	MUD []struct{ URL, Via string }
}

func (h *house) lamp(d *thing) (l lamp) {
	var x struct{ Device lamp }
	if err := h.ask(&x, "explain", d.mac.String()); err != nil {
		h.t.Fatal(err)
	}
	return x.Device
}

// The bar is a minute from an entry in KEV to a device that is cut off, with the settings as they come.
func TestAnEntryInKEVCutsADeviceOffWithinAMinuteAndNoSwappedStickerIsTaken(t *testing.T) {
	var b table
	defer b.print(t)
	s := newScene(t)
	o := newOffice(t, s.house)
	o.start()
	url := s.publishGood()
	o.grant(url)
	s.until("it is published", func() bool {
		_, err := o.try("label", "verify", "lamp.label", "--registry", o.at, "--registry-key", "registry/registry.key.pub")
		return err == nil
	})
	s.flags = append(s.flags, "--registry", o.at, "--registry-key", filepath.Join(o.dir, "registry", "registry.key.pub"), "--label-action", "quarantine")
	s.house.start()
	s.join("") // of a MUD URL it says nothing
	s.until("the device is known", func() bool { return s.device(s.dut).State != "" })
	sticker := func(url string) error {
		text, err := (&mud.Sticker{Brand: "Example Lamps", Model: "LP-110", URL: strings.Replace(url, "45.45.45.10", "mud.lamps.example", 1), MAC: s.dut.mac}).Payload()
		if err != nil {
			t.Fatal(err)
		}
		return s.ask(nil, "sticker", "dut", text)
	}
	err := sticker("https://45.45.45.10/swapped.json")
	b.check(t, "sticker: swapped, exit", true, err != nil && strings.Contains(err.Error(), "exit status 4") && strings.Contains(err.Error(), "another MUD URL"))
	b.check(t, "sticker: swapped, its URL", 0, len(s.lamp(s.dut).MUD))

	s.mustAsk("label", "dut", filepath.Join(o.dir, "lamp.label"))
	l := s.lamp(s.dut)
	b.check(t, "label: status", "active", l.Label.Status)
	b.check(t, "label: its MUD URL", url+" by label", func() string {
		if len(l.MUD) == 0 {
			return ""
		}
		return l.MUD[0].URL + " by " + l.MUD[0].Via
	}())
	s.until("the device is held", func() bool { return s.device(s.dut).State == "held" })
	good := netip.AddrPortFrom(wide(4, 20), service)
	if _, err := s.dut.lookUp("cloud.maker.example", 4); err != nil {
		t.Fatal(err)
	}
	b.check(t, "label: what its file allows", true, s.dut.reaches(&s.receiver, "tcp", good))
	under := s.dut.begin(&s.receiver, "tcp", good)
	b.check(t, "label: a conversation under way", true, under.arrives())

	o.write("feeds/kev.json", `{"catalogVersion": "2", "dateReleased": "2026-11-26T00:00:00Z", "vulnerabilities": [
		{"cveID": "CVE-2026-0001", "vendorProject": "Example Lamps", "product": "LP-110", "dateAdded": "2026-11-26"}]}`)
	entered := time.Now()
	took := time.Duration(0)
	for time.Since(entered) < 2*time.Minute {
		before := time.Since(entered)
		if !s.dut.reaches(&s.receiver, "tcp", good) && s.lamp(s.dut).State == "quarantined" {
			took = before
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	fmt.Printf("from the entry in KEV until nothing of the device arrives: %.1f s\n", took.Seconds())
	b.check(t, "KEV: cut off within a minute", true, took > 0 && took <= time.Minute)
	b.check(t, "KEV: and what was under way", false, under.arrives())
	b.check(t, "KEV: the device", "quarantined suspended", s.lamp(s.dut).State+" "+s.lamp(s.dut).Label.Status)

	o.verb("label", "restore", "lamp.label", "--registry", o.at, "--key", "issuer.key", "--reason", "remedied")
	for end := time.Now().Add(time.Minute); !s.asks("restored") && time.Now().Before(end); time.Sleep(time.Second) {
	}
	b.check(t, "restored: it is asked whether to let it out", true, s.asks("restored"))
	b.check(t, "restored: and it is not, by itself", "quarantined active", s.lamp(s.dut).State+" "+s.lamp(s.dut).Label.Status)
	s.mustAsk("watch", "dut")
	s.until("it is let out", func() bool { return s.dut.reaches(&s.receiver, "tcp", good) })

	o.end()
	asOf := s.lamp(s.dut).Label.AsOf
	var status struct {
		Registries []struct {
			AsOf  time.Time `json:"as_of"`
			Fault string
		}
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
		if err := s.ask(&status, "status"); err == nil && status.Registries[0].Fault != "" {
			break
		}
	}
	b.check(t, "registry away: it is said", true, status.Registries[0].Fault != "")
	b.check(t, "registry away: status as of", "active "+asOf.String(), s.lamp(s.dut).Label.Status+" "+s.lamp(s.dut).Label.AsOf.String())
	s.house.stop(syscall.SIGTERM)
	s.house.start()
	b.check(t, "after a start without it", "active", s.lamp(s.dut).Label.Status)
}
