package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/netnstest"
)

func TestInterfaceThatDisappearsIsToldAfterWhatWasSeen(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		netnstest.Veth(t, "near", "far")
		ready, hello := io.Pipe()
		var out, err bytes.Buffer
		code := make(chan int)
		go func() {
			code <- run(t.Context(), []string{"inspect", "-i", "near"}, env{nil, &out, io.MultiWriter(&err, hello), os.Getenv})
		}()
		if _, err := ready.Read(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, ready) }()
		send(t, "far")
		time.Sleep(200 * time.Millisecond) // longer than the kernel keeps a block that is not full
		netnstest.Remove(t, "far")
		if got := <-code; got != exitFailed {
			t.Errorf("exit %d, want %d", got, exitFailed)
		}
		if !strings.Contains(err.String(), "near can no longer be listened to") {
			t.Errorf("stderr %q", err.String())
		}
		if !strings.Contains(out.String(), "02:00:00:00:00:01") {
			t.Errorf("no report of what was seen: %q", out.String())
		}
	})
}

// send sends an ARP announcement of 02:00:00:00:00:01.
func send(t *testing.T, name string) {
	t.Helper()
	frame := []byte("\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01\x08\x06" +
		"\x00\x01\x08\x00\x06\x04\x00\x01\x02\x00\x00\x00\x00\x01\x0a\x00\x00\x01\x00\x00\x00\x00\x00\x00\x0a\x00\x00\x01")
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	itf, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: itf.Index, Protocol: unix.ETH_P_ARP}); err != nil {
		t.Fatal(err)
	}
}

// powerless runs f on a thread without capabilities, which even root’s files are closed to.
func powerless(t *testing.T, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread without capabilities ends with the goroutine
		none := make([]unix.CapUserData, 2)
		err := unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0])
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestCaptureWithoutTheCapabilityNamesIt(t *testing.T) {
	var code int
	var en, fr string
	powerless(t, func() {
		code, _, en = call(t, nil, "inspect", "-i", "lo")
		_, _, fr = call(t, nil, "inspect", "-i", "lo", "--lang", "fr")
	})
	if code != exitNotPermitted {
		t.Errorf("exit %d, want %d", code, exitNotPermitted)
	}
	for text, want := range map[string]string{
		en: "listening on lo is not permitted: it needs the capability CAP_NET_RAW. Run plimsoll with sudo",
		fr: "l’écoute de lo n’est pas permise\u00a0: il faut la capacité CAP_NET_RAW. Lancez plimsoll avec sudo",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("got %q, want %q", text, want)
		}
	}
}

func TestFilesThatMayNotBeReadAreNotPermitted(t *testing.T) {
	closed := filepath.Join(t.TempDir(), "closed")
	if err := os.WriteFile(closed, []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	const mac = " --device 50:c7:bf:1d:77:0e"
	for _, args := range []string{
		"inspect CLOSED", "devices CLOSED", "headers CLOSED", "inspect --indicators CLOSED HOME", "inspect --baseline CLOSED HOME", "inspect --config CLOSED HOME",
		"config show --config CLOSED", "config check CLOSED", "mud check CLOSED", "mud compile CLOSED" + mac, "mud diff CLOSED CLOSED", "mud learn CLOSED" + mac,
		"mud qr CLOSED", "mud rehearse CLOSED HOME" + mac, "mud scan CLOSED", "mud show CLOSED", "mud sign CLOSED --key x --cert y",
		"mud verify CLOSED --signature x --anchors y", "mud fetch https://lamps.example/ --anchors CLOSED --state " + t.TempDir(),
	} {
		var code int
		var talk string
		powerless(t, func() {
			code, _, talk = call(t, nil, strings.Fields(strings.NewReplacer("CLOSED", closed, "HOME", played).Replace(args))...)
		})
		if code != exitNotPermitted || !strings.Contains(talk, "not permitted") || !strings.Contains(talk, closed) {
			t.Errorf("plimsoll %s: exit %d, %s", args, code, talk)
		}
	}
}
