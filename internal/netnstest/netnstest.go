//go:build linux

// Package netnstest runs tests inside user and network namespaces of their own, so that they may send
// frames, capture and load rulesets without root and without touching the host.
package netnstest

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// variable says what to do where the kernel refuses the namespaces: skip the test, or fail it
// ("require"), as continuous integration wants. "skip" leaves all such tests out.
const variable = "PLIMSOLL_NETNS"

// inside is set in the environment of a test binary that runs inside namespaces.
const inside = "PLIMSOLL_NETNS_INSIDE"

// Run runs f as part of test t inside new namespaces, with the loopback interface up, by executing the
// test binary again for this test alone. What t did before is done again inside, so call it first.
func Run(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if os.Getenv(inside) != "" {
		if err := setUp("lo"); errors.Is(err, fs.ErrPermission) {
			refused(t, err)
		} else if err != nil {
			t.Fatal(err)
		}
		f(t)
		return
	}
	if os.Getenv(variable) == "skip" {
		t.Skipf("left out by %s=skip", variable)
	}
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(t.Name()), "/", "$/^") + "$"
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run="+pattern, "-test.v", "-test.count=1")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	switch {
	case cmd.ProcessState == nil:
		refused(t, err)
	case err != nil:
		t.Fatalf("inside namespaces: %v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP: "+t.Name()+" "):
		t.Skipf("inside namespaces:\n%s", out)
	}
	t.Logf("inside namespaces:\n%s", out)
}

// refused ends a test to which the kernel gives no namespaces, or no rights in them.
func refused(t *testing.T, err error) {
	t.Helper()
	if os.Getenv(variable) == "require" {
		t.Fatalf("the kernel refuses namespaces: %v", err)
	}
	t.Skipf("the kernel refuses namespaces: %v", err)
}
