package main

import (
	"bytes"
	"io"
	"net"
	"os"
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

func TestCaptureWithoutTheCapabilityNamesIt(t *testing.T) {
	type answer struct {
		code        int
		en, fr, err string
	}
	got := make(chan answer)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread without capabilities ends with the goroutine
		var a answer
		none := make([]unix.CapUserData, 2)
		if err := unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0]); err != nil {
			a.err = err.Error()
		}
		a.code, _, a.en = call(t, nil, "inspect", "-i", "lo")
		_, _, a.fr = call(t, nil, "inspect", "-i", "lo", "--lang", "fr")
		got <- a
	}()
	a := <-got
	if a.err != "" {
		t.Fatal(a.err)
	}
	if a.code != exitNotPermitted {
		t.Errorf("exit %d, want %d", a.code, exitNotPermitted)
	}
	for text, want := range map[string]string{
		a.en: "listening on lo is not permitted: it needs the capability CAP_NET_RAW. Run plimsoll with sudo",
		a.fr: "l’écoute de lo n’est pas permise\u00a0: il faut la capacité CAP_NET_RAW. Lancer plimsoll avec sudo",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("got %q, want %q", text, want)
		}
	}
}
