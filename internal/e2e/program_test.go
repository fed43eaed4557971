package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// programVariable names the program where it is built already.
const programVariable = "PLIMSOLL_PROGRAM"

// built is the program, built once for all tests.
var built = sync.OnceValues(func() (name string, err error) {
	if name := os.Getenv(programVariable); name != "" {
		return name, nil
	}
	build := exec.Command("go", "build", "-buildvcs=false", "-o", buildDir()+"/", "./cmd/plimsoll")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return filepath.Join(buildDir(), "plimsoll"), nil
})

// buildDir is for the program, and for what it keeps: a socket has no room for the long names of t.TempDir.
func buildDir() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("plimsoll-e2e-%d", os.Getpid()))
}

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(buildDir()) // what stays is in a temporary folder
	os.Exit(code)
}

// plimsoll is the path of the program.
func plimsoll(t testing.TB) string {
	t.Helper()
	name, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// demo is a demonstration that runs.
type demo struct {
	link    *url.URL          // which lets the owner of the home in
	people  map[string]string // addresses that let in who writes to the registry, by name
	real    bool              // what the home stops is stopped
	tmp     string            // where it keeps what it keeps
	process *os.Process
}

// at is an address of it.
func (d *demo) at(path string) string { return "http://" + d.link.Host + path }

var (
	address = regexp.MustCompile(`http://\S+/sign-in\?code=\d{8}`)
	ofOne   = regexp.MustCompile(`^  (\w+), .*(http://\S+/sign-in\?code=\d{8})`)
)

// play starts a demonstration, as people start it, with more in its environment. It ends with the test.
func play(t testing.TB, env ...string) *demo {
	t.Helper()
	c := exec.Command(plimsoll(t), "demo", "--http", "127.0.0.1:0", "--advisory", "0")
	err := os.MkdirAll(buildDir(), 0o700)
	if err != nil {
		t.Fatal(err)
	}
	tmp, err := os.MkdirTemp(buildDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	c.Env = append(os.Environ(), "TMPDIR="+tmp, "LANG=C.UTF-8")
	c.Env = append(c.Env, env...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	complaints, err := os.Create(filepath.Join(t.TempDir(), "complaints"))
	if err != nil {
		t.Fatal(err)
	}
	defer complaints.Close()
	c.Stderr = complaints
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	d := &demo{people: map[string]string{}, tmp: tmp, process: c.Process}
	said := make(chan string, 1)
	go func() {
		defer close(said)
		home := ""
		lines := bufio.NewScanner(out)
		for len(d.people) < len(writers) && lines.Scan() {
			d.real = d.real || strings.HasPrefix(lines.Text(), "The home’s gateway is real")
			if m := ofOne.FindStringSubmatch(lines.Text()); m != nil {
				d.people[m[1]] = m[2]
			} else if a := address.FindString(lines.Text()); a != "" {
				home = a
			}
		}
		said <- home
		_, _ = io.Copy(io.Discard, out) // until it ends
	}()
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGINT) // unless it has ended
		err := c.Wait()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 130 {
			err = nil
		}
		if err != nil || t.Failed() {
			text, _ := os.ReadFile(complaints.Name())
			t.Logf("demo: %v\n%s", err, text)
		}
	})
	select {
	case a := <-said:
		link, err := url.Parse(a)
		if err != nil {
			t.Fatal(err)
		}
		d.link = link
		return d
	case <-time.After(time.Minute):
		t.Fatal("the demo prints no address")
		return nil
	}
}

// enter comes in by an address with a code, as its reader does.
func (t tab) enter(link string) {
	t.Helper()
	t.do(chromedp.Navigate(link), chromedp.Click(chromedp.CSS("main button")), chromedp.WaitVisible(chromedp.CSS("h1#sentence")))
}

// until waits until an expression is true of the page, or of one that it leads to, once all of it is there.
func (t tab) until(most time.Duration, what, expression string) {
	t.Helper()
	for end := time.Now().Add(most); ; time.Sleep(50 * time.Millisecond) {
		is, err := chromedp.Run(t.ctx, chromedp.Evaluate[bool](`document.readyState == "complete" && (`+expression+`)`))
		if is && err == nil { // while one page follows another there is none
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v (%v); the page is %s: %.600s", what, most, err, eval[string](t, "location.pathname"), eval[string](t, "document.querySelector('main').innerText"))
		}
	}
}
