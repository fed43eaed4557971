package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// misled is the program, as it is, but that the clock that it reads is wrong by as many seconds as the file says that
// TEST_CLOCK names. The kernel lets nobody have a clock of his own (time_namespaces(7)), and the machine’s is others’
// too: so the program is built with another package time, in which this alone is changed.
var misled = sync.OnceValues(func() (string, error) {
	dir := buildDir()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	original := filepath.Join(strings.TrimSpace(string(out)), "src", "time", "time.go")
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	const read, head = "\tsec, nsec, mono := runtimeNow()\n", "func Now() Time {\n"
	if bytes.Count(text, []byte(head+read)) != 1 {
		return "", fmt.Errorf("%s is not as it was in Go 1.26: change what is changed here", original)
	}
	text = bytes.Replace(text, []byte(head+read), []byte("// Jump is by how many seconds the clock is wrong.\nvar Jump int64\n\n"+head+read+"\tsec += Jump\n"), 1)
	const clock = `package main

import (
	"fmt"
	"os"
	"time"
)

func init() {
	read := func() {
		if data, err := os.ReadFile(os.Getenv("TEST_CLOCK")); err == nil {
			_, _ = fmt.Sscan(string(data), &time.Jump)
		}
	}
	read()
	go func() {
		for ; ; time.Sleep(10 * time.Millisecond) {
			read()
		}
	}()
}
`
	folder, err := exec.Command("go", "list", "-f", "{{.Dir}}", "plimsoll.example/plimsoll/cmd/plimsoll").Output()
	if err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		original: filepath.Join(dir, "time.go"),
		filepath.Join(strings.TrimSpace(string(folder)), "clockfortest.go"): filepath.Join(dir, "clock.go"),
	}})
	if err != nil {
		return "", err
	}
	for name, data := range map[string][]byte{"time.go": text, "clock.go": []byte(clock), "overlay.json": overlay} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return "", err
		}
	}
	name := filepath.Join(dir, "misled")
	cmd := exec.Command("go", "build", "-tags", "gateway", "-overlay", filepath.Join(dir, "overlay.json"), "-o", name, "plimsoll.example/plimsoll/cmd/plimsoll")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program with a wrong clock: %w: %s", err, out)
	}
	return name, nil
})

func TestAClockThatIsWrongOrSetNeitherFreesNorHoldsAnybody(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	own(t)
	s := newScene(t)
	name, err := misled()
	if err != nil {
		t.Fatal(err)
	}
	clock := filepath.Join(t.TempDir(), "clock")
	set := func(at time.Time) {
		if err := os.WriteFile(clock+".next", fmt.Append(nil, int64(time.Until(at)/time.Second)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(clock+".next", clock); err != nil {
			t.Fatal(err)
		}
	}
	s.environ = append(os.Environ(), "TEST_CLOCK="+clock)
	s.flag("--rehearsal", "1h")
	run := func() {
		s.spawnAs(name)
		s.until("the gateway runs", func() bool { return s.ask(nil, "status") == nil })
		s.until("names are resolved", func() bool {
			_, err := (&thing{namespace: s.gateway}).lookUp("cloud.maker.example", 4)
			return err == nil
		})
	}
	right, ahead, back := time.Now(), time.Date(2037, 5, 1, 0, 0, 0, 0, time.UTC), time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)

	// 1970: no certificate can be judged, and no file is taken; people’s word holds
	set(back)
	run()
	url := s.publishGood()
	lamp := s.add("lamp", 11)
	s.join(url)
	lamp.join(t, 4, url)
	s.told(t, &b, "1970", "The clock is not set", "L’horloge n’est pas réglée")
	s.until("the device is known", func() bool { return s.device(s.dut).State == "learning" })
	b.check(t, "1970: times that the file was asked for", 0, s.maker.times("dut"))
	s.mustAsk("admit", s.dut.mac.String(), "--as", "none")
	b.check(t, "1970: a device that is refused", false, s.dut.reaches(&s.receiver, "tcp", at(4, 23)) || s.dut.reaches(&s.receiver, "tcp", at(6, 23)))
	s.stop(syscall.SIGKILL)
	run()
	b.check(t, "1970, killed: a device that is refused", false, s.dut.reaches(&s.receiver, "tcp", at(4, 23)) || s.dut.reaches(&s.receiver, "tcp", at(6, 23)))

	// the time of the network comes
	set(right)
	s.until("the file is had, now that the clock is right", func() bool { return s.device(lamp).State == "rehearsing" })
	s.until("nothing is wrong any more", func() bool { return len(s.faults()) == 0 })
	s.mustAsk("admit", s.dut.mac.String(), "--as", "device-only")
	s.until("the device has its file", func() bool { return s.ask(nil, "hold", s.dut.mac.String()) == nil })
	s.settles(s.dut)
	s.resolves(t, &b, "right")

	// far ahead, and back
	for _, step := range []struct {
		name string
		at   time.Time
	}{{"2037", ahead}, {"right again", right}, {"1970 again", back}, {"right once more", right}} {
		set(step.at)
		time.Sleep(2500 * time.Millisecond) // what goes by the clock has had its turn
		b.check(t, step.name+": the device", "held", s.device(s.dut).State)
		b.check(t, step.name+": one that is rehearsed for an hour", "rehearsing", s.device(lamp).State)
		s.holds(t, &b, step.name)
		s.resolves(t, &b, step.name)
		if step.at.Equal(right) {
			continue
		}
		s.stop(syscall.SIGKILL)
		run()
		b.check(t, step.name+", killed: the device", "held", s.device(s.dut).State)
		s.holds(t, &b, step.name+", killed")
		s.resolves(t, &b, step.name+", killed")
	}
	b.check(t, "at last: one that is rehearsed for an hour", "rehearsing", s.device(lamp).State)
}

// at is the service of an address of the Internet.
func at(family, n int) netip.AddrPort { return netip.AddrPortFrom(wide(family, n), service) }
