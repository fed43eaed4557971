package conformance

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The gateway under test is Plimsoll’s, unless these say otherwise: commands of a shell, run in the gateway’s network
// namespace. docs/conformance.md has what they find in their environment.
const (
	startCommand = "CONFORMANCE_START" // returns when the gateway runs
	stopCommand  = "CONFORMANCE_STOP"  // returns when it does no longer
	crashCommand = "CONFORMANCE_CRASH" // ends it as a crash would; without, such cases are left out
	ageCommand   = "CONFORMANCE_AGE"   // makes the MUD files that it keeps look too old, while it is stopped; the same
)

// another reports whether the gateway under test is another’s.
func another() bool { return os.Getenv(startCommand) != "" }

// program is Plimsoll, built once, or CONFORMANCE_PROGRAM.
var program = sync.OnceValues(func() (string, error) {
	if name := os.Getenv("CONFORMANCE_PROGRAM"); name != "" {
		return name, nil
	}
	name := filepath.Join(buildDir(), "plimsoll")
	cmd := exec.Command("go", "build", "-o", name, "plimsoll.example/plimsoll/cmd/plimsoll")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is given to people
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the gateway: %w: %s", err, out)
	}
	return name, nil
})

func buildDir() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("plimsoll-conformance-%d", os.Getpid()))
}

// atOnce is how many houses there are at a time, on machines with fewer processors too: most of them wait.
const atOnce = 4

func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", strconv.Itoa(max(atOnce, runtime.GOMAXPROCS(0))))
	}
	go feelPulse()
	code := m.Run()
	_ = os.RemoveAll(buildDir())
	if !finish() && code == 0 {
		code = 1
	}
	os.Exit(code)
}

// command runs one of the commands for another gateway, in its namespace. What it leaves running may hold on to its
// output.
func (h *house) command(variable string) {
	t := h.t
	t.Helper()
	log, err := os.OpenFile(filepath.Join(h.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("sh", "-c", os.Getenv(variable))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(),
		"CONFORMANCE_LAN=br0", "CONFORMANCE_WAN=wan0",
		"CONFORMANCE_LAN_V4="+lan4.String(), "CONFORMANCE_LAN_V6="+lan6.String(),
		"CONFORMANCE_WAN_V4="+wan4.String(), "CONFORMANCE_WAN_V6="+wan6.String(),
		"CONFORMANCE_UPSTREAM="+wide(4, 53).String(), "CONFORMANCE_UPSTREAM_V6="+wide(6, 53).String(),
		"CONFORMANCE_ANCHORS="+filepath.Join(h.dir, "anchors.pem"), "CONFORMANCE_ROOTS="+filepath.Join(h.dir, "roots.pem"),
		"CONFORMANCE_STATE="+filepath.Join(h.dir, "state"))
	if err := h.gateway.do(cmd.Run); err != nil {
		said, _ := os.ReadFile(log.Name())
		t.Fatalf("%s: %v\n%s", variable, err, said)
	}
}

// start starts the gateway, and waits until it says that it runs, and resolves names.
func (h *house) start() {
	t := h.t
	t.Helper()
	h.launch()
	if another() {
		return
	}
	h.until("the gateway resolves names", func() bool {
		_, err := (&thing{namespace: h.gateway}).lookUp("cloud.maker.example", 4)
		return err == nil
	})
}

// launch is start, where there may be nobody to resolve names.
func (h *house) launch() {
	t := h.t
	t.Helper()
	if another() {
		if err := os.MkdirAll(filepath.Join(h.dir, "state"), 0o700); err != nil {
			t.Fatal(err)
		}
		h.command(startCommand)
		if !h.running {
			t.Cleanup(func() { h.stop(syscall.SIGTERM) })
		}
		h.running = true
		return
	}
	name, err := program()
	if err != nil {
		t.Fatal(err)
	}
	if h.build != "" {
		name = h.build
	}
	h.process = exec.Command(name, h.flags...)
	h.process.Stderr, h.process.Env = &h.log, h.environ
	if err := h.gateway.do(h.process.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.stop(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("the gateway’s log:\n%s", h.log.String())
		}
	})
	h.until("the gateway runs", func() bool { return h.ask(nil, "status") == nil })
}

// stop ends the gateway: in good order by SIGTERM, or as a crash does.
func (h *house) stop(signal syscall.Signal) {
	switch {
	case another() && !h.running:
	case another() && signal == syscall.SIGKILL:
		h.needs(crashCommand)
		h.command(crashCommand)
		h.running = false
	case another():
		h.command(stopCommand)
		h.running = false
	case h.process != nil:
		_ = h.process.Process.Signal(signal)
		_ = h.process.Wait()
		h.process = nil
	}
}

// needs leaves a test out if the other gateway has no such command.
func (h *house) needs(variable string) {
	h.t.Helper()
	if another() && os.Getenv(variable) == "" {
		h.t.Skipf("another gateway is under test, and %s does not say how to do this with it", variable)
	}
}

// own leaves out a test that asks Plimsoll something.
func own(t *testing.T) {
	t.Helper()
	if another() {
		t.Skip("another gateway is under test: this asks Plimsoll")
	}
}

// ask calls the program’s verbs, and reads what they print into v.
func (h *house) ask(v any, args ...string) error {
	own(h.t)
	name, err := program()
	if err != nil {
		return err
	}
	cmd := exec.Command(name, append([]string{"home"}, append(args, "--json", "--socket", h.socket())...)...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, complaint.String())
	}
	if v == nil {
		return nil
	}
	return json.Unmarshal(out.Bytes(), v)
}

// age makes the MUD files that the gateway keeps look too old, as if it had been off for a week.
func (h *house) age() {
	t := h.t
	t.Helper()
	h.needs(ageCommand)
	h.stop(syscall.SIGTERM)
	if another() {
		h.command(ageCommand)
		h.start()
		return
	}
	names, _ := filepath.Glob(filepath.Join(h.dir, "mud", "*"))
	aged := 0
	for _, name := range names {
		var kept map[string]any
		data, err := os.ReadFile(name)
		if err != nil || json.Unmarshal(data, &kept) != nil || kept["due"] == nil {
			continue
		}
		kept["due"] = time.Now().Add(-time.Hour).UTC().Format(time.RFC3339Nano)
		data, _ = json.Marshal(kept)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		aged++
	}
	if aged == 0 {
		t.Fatal("no MUD file is kept")
	}
	h.start()
}
