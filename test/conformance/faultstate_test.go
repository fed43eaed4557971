package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/home"
)

// mounted is a folder of its own file system, on which faults can be played.
func mounted(t *testing.T, dir, options string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", dir, "tmpfs", 0, options); err != nil {
		missing(t, "no file system can be mounted here: "+err.Error())
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// remount makes a file system read-only, or not.
func remount(t *testing.T, dir string, readOnly bool) {
	t.Helper()
	var flags uintptr = unix.MS_REMOUNT
	if readOnly {
		flags |= unix.MS_RDONLY
	}
	if err := unix.Mount("none", dir, "tmpfs", flags, ""); err != nil {
		t.Fatal(err)
	}
}

// flag gives a flag of the gateway another value.
func (h *house) flag(name, value string) {
	i := slices.Index(h.flags, name)
	if i < 0 {
		h.flags = append(h.flags, name, value)
		return
	}
	h.flags[i+1] = value
}

// heldOn is enforced, with the state in a folder that can have faults.
func heldOn(t *testing.T, options string) (s *scene, dir string) {
	t.Helper()
	own(t)
	s = newScene(t)
	dir = mounted(t, filepath.Join(s.dir, "state"), options)
	s.flag("--state", dir)
	s.start()
	s.join(s.publishGood())
	s.settles(s.dut)
	return s, dir
}

// holds checks, in both families, that the device under test is held to its file: by addresses, and by a name.
func (s *scene) holds(t *testing.T, b *table, when string) {
	t.Helper()
	for _, f := range []int{4, 6} {
		at := func(n int) netip.AddrPort { return netip.AddrPortFrom(wide(f, n), service) }
		b.check(t, fmt.Sprintf("%s: what is listed, v%d", when, f), true, s.dut.reaches(&s.receiver, "tcp", at(23)))
		b.check(t, fmt.Sprintf("%s: what is not listed, v%d", when, f), false, s.dut.reaches(&s.receiver, "tcp", at(30)))
	}
}

// resolves checks that a name leads where it should, and that its address is reached at once.
func (s *scene) resolves(t *testing.T, b *table, when string) {
	t.Helper()
	for _, f := range []int{4, 6} {
		list, err := s.dut.lookUp("cloud.maker.example", f)
		b.check(t, fmt.Sprintf("%s: a name is resolved, v%d", when, f), true, err == nil && len(list) > 0)
		if len(list) > 0 {
			b.check(t, fmt.Sprintf("%s: and reached, v%d", when, f), true, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(list[0], service)))
		}
	}
}

// says is what a verb prints in a language, and whether it did it.
func (h *house) says(language string, args ...string) (string, bool) {
	name, err := program()
	if err != nil {
		h.t.Fatal(err)
	}
	cmd := exec.Command(name, append([]string{"home"}, append(args, "--socket", h.socket())...)...)
	cmd.Env = append(os.Environ(), "LC_ALL="+language)
	out, err := cmd.CombinedOutput()
	return strings.ReplaceAll(string(out), "\u00a0", " "), err == nil
}

// told checks that home status says something in both languages.
func (h *house) told(t *testing.T, b *table, when, english, french string) {
	t.Helper()
	h.until(when+": status says so", func() bool {
		text, _ := h.says("en", "status")
		return strings.Contains(text, english)
	})
	text, _ := h.says("fr", "status")
	b.check(t, when+": status says so in French", true, strings.Contains(text, french))
}

// faults are the kinds of what does not work, as the gateway says.
func (h *house) faults() (kinds []string) {
	var s home.Status
	if err := h.ask(&s, "status"); err != nil {
		return []string{err.Error()}
	}
	for _, f := range s.Faults {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

// flush takes all rules away, as a reboot does, or another program.
func (h *house) flush(t *testing.T) {
	t.Helper()
	if err := h.gateway.run("nft", "flush", "ruleset"); err != nil {
		t.Fatal(err)
	}
}

// attempt starts the gateway, which must refuse, and returns what it says.
func (h *house) attempt(t *testing.T, language string, flags ...string) string {
	t.Helper()
	name, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(name, flags...)
	cmd.Env = append(os.Environ(), "LC_ALL="+language)
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := h.gateway.do(cmd.Start); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	if err := cmd.Wait(); err == nil || !late.Stop() {
		t.Errorf("it was not refused, and said: %s", out.String())
	}
	return strings.ReplaceAll(out.String(), "\u00a0", " ")
}

// fill leaves no room in a file system, and returns what makes room again.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFullDiskRefusesDecisionsAndEndsNothing(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	s, dir := heldOn(t, "size=12m")
	free := fill(t, dir)
	decided, refused := "", false
	for i := 0; i < 2000 && !refused; i++ { // what fits into what the log has already is kept
		text, ok := s.says("en", "admit", "dut", "--as", "device-only")
		if refused = !ok; refused {
			decided = text
		}
	}
	b.check(t, "full: a decision is refused in words", true, strings.Contains(decided, "it is not decided, because it could not be kept"))
	text, _ := s.says("fr", "release", "dut")
	b.check(t, "full: in French too", true, strings.Contains(text, "ce n’est pas décidé"))
	s.told(t, &b, "full", "Nothing can be kept on the disk", "Rien ne peut être conservé sur le disque")
	s.holds(t, &b, "full")
	s.resolves(t, &b, "full")
	late := s.add("late", 40)
	late.hello(lan(4, late.number))
	s.until("a new device is seen all the same", func() bool { return s.device(late).State != "" })

	s.stop(syscall.SIGKILL)
	s.flush(t)
	s.launch()
	s.holds(t, &b, "started on a full disk, after a reboot")
	_, ok := s.says("en", "release", "dut")
	b.check(t, "started on a full disk: a decision is refused", false, ok)

	free()
	s.until("decisions are taken again", func() bool { return s.ask(nil, "hold", "dut") == nil })
	s.until("nothing is wrong any more", func() bool { return len(s.faults()) == 0 })
	late.hello(lan(4, late.number))
	s.until("the new device is known", func() bool { return s.device(late).State != "" })
	s.mustAsk("admit", late.mac.String(), "--as", "none")
	s.stop(syscall.SIGKILL)
	s.start()
	b.check(t, "room again: what was decided since is kept", "held", s.device(s.dut).State)
	b.check(t, "room again: of the new device too", "refused", s.device(late).State)
	s.holds(t, &b, "room again")
}

func TestAStateThatCannotBeWrittenIsEnforcedAfterAReboot(t *testing.T) {
	t.Parallel()
	for _, end := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(end.String(), func(t *testing.T) {
			var b table
			defer b.print(t)
			s, dir := heldOn(t, "size=32m")
			s.stop(end)
			remount(t, dir, true)
			s.flush(t)
			s.start()
			s.holds(t, &b, "read-only, after a reboot")
			s.resolves(t, &b, "read-only")
			text, ok := s.says("fr", "release", "dut")
			b.check(t, "read-only: a decision is refused in words", true, !ok && strings.Contains(text, "ce n’est pas décidé"))
			s.told(t, &b, "read-only", "Nothing can be kept on the disk", "Rien ne peut être conservé sur le disque")
			remount(t, dir, false)
			s.until("decisions are taken again", func() bool { return s.ask(nil, "admit", "dut", "--as", "none") == nil })
			s.until("nothing is wrong any more", func() bool { return len(s.faults()) == 0 })
			s.stop(syscall.SIGKILL)
			s.start()
			b.check(t, "what was decided since is kept", "refused", s.device(s.dut).State)
		})
	}
}

// A database that is not whole is refused and left, and the last rules hold meanwhile, even after a reboot.
func TestADatabaseThatIsNotWholeIsRefusedAndTheLastRulesHold(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	own(t)
	s := newScene(t)
	s.dir, s.run = t.TempDir(), "" // a folder that may be copied as it is
	s.flag("--state", s.dir)
	s.flag("--socket", s.socket())
	s.start()
	s.join(s.publishGood())
	s.settles(s.dut)
	name := filepath.Join(s.dir, "home.db")
	s.until("the rules are kept as text", func() bool {
		text, err := os.ReadFile(filepath.Join(s.dir, "rules.nft"))
		return err == nil && strings.Contains(string(text), wide(6, 23).String())
	})
	s.stop(syscall.SIGTERM)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	for i := 4096 + 8; i < len(flipped); i += 37 {
		flipped[i] ^= 0x5a
	}
	later := bytes.Clone(whole)
	later[60], later[61], later[62], later[63] = 0, 0, 1, 0 // user_version
	for _, c := range []struct {
		what   string
		data   []byte
		en, fr string
	}{
		{"cut off", whole[:len(whole)/2], "is damaged", "est endommagée"},
		{"cut off within a page", whole[:len(whole)-1000], "is damaged", "est endommagée"},
		{"pages flipped", flipped, "is damaged", "est endommagée"},
		{"no header", append([]byte("garbage, garbage"), whole[16:]...), "is damaged", "est endommagée"},
		{"empty", nil, "is damaged", "est endommagée"},
		{"of a later version", later, "later version", "version plus récente"},
	} {
		if err := errors.Join(os.WriteFile(name, c.data, 0o600), os.RemoveAll(name+"-wal"), os.RemoveAll(name+"-shm")); err != nil {
			t.Fatal(err)
		}
		s.flush(t)
		text := s.attempt(t, "en", s.flags...)
		b.check(t, c.what+": it is said", true, strings.Contains(text, c.en) && strings.Contains(text, "The last rules hold"))
		b.check(t, c.what+": in French too", true, strings.Contains(s.attempt(t, "fr", s.flags...), c.fr))
		kept, err := os.ReadFile(name)
		b.check(t, c.what+": it is left as it is", true, err == nil && bytes.Equal(kept, c.data))
		s.holds(t, &b, c.what+", after a reboot")
	}
	if err := os.WriteFile(name, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	// what a crash leaves of the log, and is none
	for _, c := range []struct {
		what string
		data []byte
	}{{"a log of garbage", bytes.Repeat([]byte("garbage "), 4096)}, {"a log that is cut off", make([]byte, 20)}} {
		if err := errors.Join(os.WriteFile(name+"-wal", c.data, 0o600), os.RemoveAll(name+"-shm")); err != nil {
			t.Fatal(err)
		}
		s.flush(t)
		s.start()
		b.check(t, c.what+": the device is held", "held", s.device(s.dut).State)
		s.holds(t, &b, c.what)
		s.stop(syscall.SIGTERM)
	}
}

func TestASecondGatewayIsRefused(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	own(t)
	s := enforced(t)
	b.check(t, "on the same state", true, strings.Contains(s.attempt(t, "en", s.flags...), "another gateway uses"))
	b.check(t, "in French", true, strings.Contains(s.attempt(t, "fr", s.flags...), "une autre passerelle utilise déjà"))
	other := slices.Clone(s.flags)
	dir := t.TempDir()
	other[slices.Index(other, "--state")+1] = dir
	other[slices.Index(other, "--socket")+1] = filepath.Join(dir, "control")
	b.check(t, "on the same network, with a state of its own", true, strings.Contains(s.attempt(t, "en", other...), "another gateway holds the devices of this network"))
	b.check(t, "in French", true, strings.Contains(s.attempt(t, "fr", other...), "une autre passerelle tient déjà les appareils"))
	name, _ := program()
	err := s.gateway.run(name, "home", "off", "--state", dir)
	b.check(t, "off, while one runs", true, err != nil && strings.Contains(err.Error(), "another gateway"))
	s.holds(t, &b, "the first one")
	b.check(t, "the first one goes on", 0, len(s.faults()))
}

func TestVerbsThatCannotBeAnsweredEndNothingElse(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	own(t)
	s := newScene(t)
	s.run = "run"
	dir := mounted(t, filepath.Join(s.dir, s.run), "size=1m")
	remount(t, dir, true)
	s.flag("--socket", s.socket())
	s.spawn()
	s.until("names are resolved", func() bool { _, err := s.dut.lookUp("cloud.maker.example", 4); return err == nil })
	s.join(s.publishGood())
	s.until("the device is held", func() bool {
		return s.dut.stopped(&s.receiver, netip.AddrPortFrom(wide(4, 30), service)) && s.dut.stopped(&s.receiver, netip.AddrPortFrom(wide(6, 30), service))
	})
	s.holds(t, &b, "nowhere to answer")
	text, ok := s.says("fr", "status")
	b.check(t, "nowhere to answer: a verb says so", true, !ok && strings.Contains(text, "aucune passerelle ne répond"))
	remount(t, dir, false)
	s.until("verbs are answered", func() bool { return s.ask(nil, "status") == nil })
	s.until("nothing is wrong any more", func() bool { return len(s.faults()) == 0 })
	b.check(t, "the device", "held", s.device(s.dut).State)
}

// spawn starts the gateway, and waits for nothing.
func (h *house) spawn() {
	h.t.Helper()
	name, err := program()
	if err != nil {
		h.t.Fatal(err)
	}
	h.spawnAs(name)
}

// spawnAs is spawn, of another program than that under test.
func (h *house) spawnAs(name string) {
	h.process = exec.Command(name, h.flags...)
	h.process.Stderr, h.process.Env = &h.log, h.environ
	if err := h.gateway.do(h.process.Start); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		h.stop(syscall.SIGTERM)
		if h.t.Failed() {
			h.t.Logf("the gateway’s log:\n%s", h.log.String())
		}
	})
}

func TestAGatewayThatIsToldToEndUnderLoadEndsSoonAndKeepsWhatItSaid(t *testing.T) {
	var b table
	defer b.print(t)
	k := newKilling(t)
	for range 3 {
		k.decideUntil(func() {
			time.Sleep(time.Duration(50+k.random.IntN(200)) * time.Millisecond)
			began := time.Now()
			process := k.process
			k.stop(syscall.SIGTERM)
			b.check(t, "it ends within 5 s", true, time.Since(began) < 5*time.Second)
			b.check(t, "and says that all is well", 0, process.ProcessState.ExitCode())
		})
		stances := k.kept()
		k.restart()
		k.after(stances)
	}
	k.traffic.end()
	b.check(t, "acknowledged decisions that were lost", 0, k.lost)
	b.check(t, "packets of a held device that came through", 0, k.leaked())
	b.check(t, "conversations of others that were cut", 0, k.traffic.cut())
}
