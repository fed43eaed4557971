package inspect

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// The program as people run it stays within the memory of a small router whatever it reads, with default settings and
// with the least that it takes, and says what it forgot for that.
func TestMemoryStaysWithinItsBound(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program and shows it large captures")
	}
	program := filepath.Join(t.TempDir(), "plimsoll")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", program, "plimsoll.example/plimsoll/cmd/plimsoll")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, c := range []struct {
		name    string
		write   func(io.Writer) error
		packets uint64 // 0: whatever it has
		evicts  bool
	}{
		{"a million flows of one packet", func(w io.Writer) error { return lab.Flood(w, 1_000_000) }, 1_000_000, true},
		{"200 devices", func(w io.Writer) error { return lab.Mixed(w, 300_000, 2_000) }, 300_000, false},
		{"a home", writeHome, 0, false},
		{"messages that say as much as they can", writeTalkative, 60_000, false},
		{"packets as large as are believed", writeLarge, 128, false},
	} {
		for _, bound := range []int64{DefaultMemory, 48 << 20} {
			t.Run(fmt.Sprintf("%s, %d MiB", c.name, bound>>20), func(t *testing.T) {
				r, peak := inspectWhole(t, program, bound, c.write)
				t.Logf("%d packets, %d devices, evicted %+v, peak of %.1f MiB", r.Capture.Packets, len(r.Devices), r.Capture.Evicted, float64(peak)/(1<<20))
				if peak > bound {
					t.Errorf("it took %d octets of memory, at most %d", peak, bound)
				}
				if r.Capture.Packets == 0 || c.packets > 0 && r.Capture.Packets != c.packets {
					t.Errorf("%d packets, want %d", r.Capture.Packets, c.packets)
				}
				if e := r.Capture.Evicted; (e.Flows > 0) != c.evicts || (e.Devices > 0) != c.evicts {
					t.Errorf("evicted %+v", e)
				}
			})
		}
	}
}

func writeHome(w io.Writer) error {
	home, err := lab.Family().Play()
	if err != nil {
		return err
	}
	return wire.Pcap{Link: frame.LinkEthernet}.Write(w, home.Packets)
}

// writeTalkative writes announcements of 128 short texts each, no two alike, from one device.
func writeTalkative(w io.Writer) error {
	const texts = 128
	from, to := netip.MustParseAddrPort("192.168.1.9:5353"), netip.MustParseAddrPort("224.0.0.251:5353")
	message := []byte{0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0}
	message = append(message, "\x01a\x05_http\x04_tcp\x05local\x00\x00\x10\x80\x01\x00\x00\x00\x78"...)
	message = binary.BigEndian.AppendUint16(message, 2*texts)
	at := len(message)
	for range texts {
		message = append(message, 1, 0)
	}
	capture, err := capture.NewWriter(w, frame.LinkEthernet)
	if err != nil {
		return err
	}
	for i := range 60_000 {
		binary.BigEndian.PutUint16(message, uint16(i))
		for t := range texts {
			message[at+2*t+1] = byte('!' + (i+t)%90)
		}
		f := wire.Ethernet(frame.MAC{1, 0, 0x5e, 0, 0, 0xfb}, frame.MAC{0x00, 0x11, 0x32, 0, 0, 1}, frame.EtherIPv4, wire.UDP(from, to, message))
		if err := capture.WritePacket(int64(i)*1e6, f, len(f)); err != nil {
			return err
		}
	}
	return nil
}

// writeLarge writes frames of a MiB.
func writeLarge(w io.Writer) error {
	capture, err := capture.NewWriter(w, frame.LinkEthernet)
	if err != nil {
		return err
	}
	f := wire.Ethernet(frame.MAC{0x00, 0x11, 0x32, 0, 0, 2}, frame.MAC{0x00, 0x11, 0x32, 0, 0, 1}, 0x88b5, make([]byte, 1<<20-14))
	for i := range 128 {
		if err := capture.WritePacket(int64(i)*1e6, f, len(f)); err != nil {
			return err
		}
	}
	return nil
}

// peakOf names, for a process that only runs another, the program to run.
const peakOf = "PLIMSOLL_TEST_PEAK_OF"

// inspectWhole runs the program on a capture with a bound on its memory, and returns what it found and the most memory
// that it had, in octets.
func inspectWhole(t *testing.T, program string, bound int64, write func(io.Writer) error) (*Result, int64) {
	t.Helper()
	var found, peak bytes.Buffer
	c := exec.Command(os.Args[0], "-test.run=^$")
	c.Env = append(os.Environ(), peakOf+"="+program)
	if bound != DefaultMemory {
		c.Env = append(c.Env, fmt.Sprintf("PLIMSOLL_MEMORY=%d", bound))
	}
	c.Stdout, c.Stderr = &found, &peak
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(write(in), in.Close(), c.Wait()); err != nil {
		t.Fatalf("%v\n%s", err, peak.Bytes())
	}
	n, err := strconv.ParseInt(strings.TrimSpace(peak.String()), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	r := new(Result)
	if err := json.Unmarshal(found.Bytes(), r); err != nil {
		t.Fatal(err)
	}
	return r, n
}

// TestMain makes the binary of the tests, where peakOf says so, a small process between a test and the program that the
// test runs. The kernel counts a child's memory from what its parent had when it began, and the tests have a lot.
func TestMain(m *testing.M) {
	if program := os.Getenv(peakOf); program != "" {
		runBetween(program)
	}
	os.Exit(m.Run())
}

func runBetween(program string) {
	c := exec.Command(program, "inspect", "--json", "-")
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		fmt.Fprintln(os.Stderr, "the system does not count memory")
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, int64(usage.Maxrss)<<10) //nolint:unconvert // Linux counts in KiB; 32 bits on some architectures
	os.Exit(0)
}
