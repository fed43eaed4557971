package inspect

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/identify"
	"plimsoll.example/plimsoll/internal/lab"
	"plimsoll.example/plimsoll/internal/lab/wire"
	"plimsoll.example/plimsoll/internal/netnstest"
)

// What is found on a live wire is what is found in a capture of it: the same kinds, of the same devices, in the same roles.
func TestAWireAndItsCaptureAgree(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		netnstest.Veth(t, "near", "far")
		packets := scene(t, func(a *lab.Actor) {
			a.ScanPorts(victim, 100, 20*time.Millisecond, 80, 443)
			a.GuessTelnet(victim, "\r\nDiskStation", 12)
			a.ScanTelnet(60, 50*time.Millisecond)
			a.FloodSYN("www.example.org", 80, 300, 2*time.Millisecond, false)
		}).Packets
		l, err := capture.OpenLive(capture.LiveConfig{Interface: "near", Promiscuous: true})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		sent := make(chan error, 1)
		go func() { sent <- replay("far", packets) }()

		var recorded []wire.Packet
		idle := 0
		k, err := identify.Load()
		if err != nil {
			t.Fatal(err)
		}
		e := New(Config{})
		err = e.Run(t.Context(), func(b *capture.Batch) error {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if idle > 3 {
				return io.EOF
			}
			err := l.Next(ctx, b)
			for i, r := range b.Records {
				recorded = append(recorded, wire.Packet{Time: r.Time, Data: bytes.Clone(b.Frame(i))})
			}
			if len(b.Records) == 0 && len(recorded) >= len(packets) {
				idle++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		live := kindsOf(e.Result(k, nil, nil, false))
		file := kindsOf(judged(t, Config{}, recorded))
		if !slices.Equal(live, file) {
			t.Errorf("on the wire\n%q\nin the capture\n%q", live, file)
		}
		for _, kind := range []finding.Kind{finding.ScanVertical, finding.ScanHorizontal, finding.GuessCredentials, finding.FloodSYN} {
			if !slices.ContainsFunc(live, func(s string) bool { return bytes.HasPrefix([]byte(s), []byte(kind)) }) {
				t.Errorf("no %s on the wire: %q", kind, live)
			}
		}
	})
}

// replay sends packets to an interface, faster than they were played, but not so fast that some are lost.
func replay(name string, packets []wire.Packet) error {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return fmt.Errorf("find interface: %w", err)
	}
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open socket: %w", err)
	}
	defer syscall.Close(fd)
	for n, p := range packets {
		if err := syscall.Sendto(fd, p.Data, 0, &syscall.SockaddrLinklayer{Ifindex: i.Index}); err != nil {
			return fmt.Errorf("send packet %d: %w", n, err)
		}
		if n%64 == 63 {
			time.Sleep(2 * time.Millisecond)
		}
	}
	return nil
}

// kindsOf are what is found, each once: kind, device and role.
func kindsOf(r *Result) (list []string) {
	for _, f := range r.Findings {
		list = append(list, fmt.Sprint(f.Kind, " ", f.Device, " ", f.Role))
	}
	slices.Sort(list)
	return slices.Compact(list)
}
