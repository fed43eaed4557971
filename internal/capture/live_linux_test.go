package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/netnstest"
)

// experimental is an EtherType that nothing but these tests sends (IEEE 802, local experimental).
const experimental = 0x88b5

// ethernet is a frame of that type, or of a type before it.
func ethernet(payload string, before ...uint16) []byte {
	f := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	for _, v := range append(before, experimental) {
		f = binary.BigEndian.AppendUint16(f, v)
	}
	return append(f, fmt.Sprintf("%-60s", payload)...)
}

// sender sends frames on an interface.
type sender struct {
	fd      int
	address unix.SockaddrLinklayer
}

func newSender(t *testing.T, name string) *sender {
	t.Helper()
	itf, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return &sender{fd, unix.SockaddrLinklayer{Ifindex: itf.Index}}
}

func (s *sender) send(t *testing.T, frame []byte) {
	t.Helper()
	if err := unix.Sendto(s.fd, frame, 0, &s.address); err != nil {
		t.Fatalf("send: %v", err)
	}
}

func openLive(t *testing.T, c LiveConfig) *Live {
	t.Helper()
	l, err := OpenLive(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// gather reads until there are n frames that keep wants, and then for a moment more.
func gather(t *testing.T, l *Live, n int, keep func(packet) bool) (packets []packet) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var b Batch
	for calm := 0; calm < 2; {
		if err := l.Next(ctx, &b); err != nil {
			t.Fatalf("after %d frames of %d: %v", len(packets), n, err)
		}
		for i, r := range b.Records {
			if p := (packet{r.Time, r.Number, r.Wire, r.Link, r.File, string(b.Frame(i))}); keep(p) {
				packets = append(packets, p)
			}
		}
		if len(b.Records) == 0 && len(packets) >= n {
			calm++
		}
	}
	return packets
}

func contains(s string) func(packet) bool {
	return func(p packet) bool { return strings.Contains(p.Data, s) }
}

func TestLiveSeesFrames(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		netnstest.Veth(t, "home0", "home1")
		l := openLive(t, LiveConfig{Interface: "home0", Promiscuous: true})
		from, own := newSender(t, "home1"), newSender(t, "home0")
		start := time.Now().UnixNano()
		want := [][]byte{
			ethernet("plimsoll untagged"),
			ethernet("plimsoll tagged", unix.ETH_P_8021Q, 0xa00a),
			ethernet("plimsoll tagged twice", unix.ETH_P_8021AD, 100, unix.ETH_P_8021Q, 7),
			ethernet("plimsoll long " + strings.Repeat("x", 1400)),
		}
		for _, f := range want {
			from.send(t, f)
		}
		own.send(t, ethernet("plimsoll outgoing"))
		want = append(want, ethernet("plimsoll outgoing"))
		got := gather(t, l, len(want), contains("plimsoll"))
		if len(got) != len(want) {
			t.Fatalf("%d frames, want %d", len(got), len(want))
		}
		for i, p := range got {
			if p.Data != string(want[i]) {
				t.Errorf("frame %d\ngot  %x\nwant %x", i, p.Data, want[i])
			}
			if p.Link != frame.LinkEthernet || int(p.Wire) != len(want[i]) {
				t.Errorf("frame %d: link type %d, %d octets", i, p.Link, p.Wire)
			}
			if p.Time < start-int64(time.Minute) || p.Time > start+int64(time.Minute) {
				t.Errorf("frame %d at %d, sent at %d", i, p.Time, start)
			}
		}
		s, err := l.Stats()
		if err != nil || s.Received < uint64(len(want)) || s.Dropped != 0 {
			t.Errorf("%+v, error %v", s, err)
		}
	})
}

func TestLiveSeesLoopbackOnce(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		l := openLive(t, LiveConfig{Interface: "lo"})
		conn, err := net.Dial("udp", "127.0.0.1:9")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("plimsoll once")); err != nil {
			t.Fatal(err)
		}
		got := gather(t, l, 1, func(p packet) bool { return strings.HasSuffix(p.Data, "plimsoll once") && len(p.Data) == 14+20+8+13 })
		if len(got) != 1 || got[0].Link != frame.LinkEthernet {
			t.Errorf("%d frames: %v", len(got), got)
		}
	})
}

func TestLiveSeesTunnelsAsRawIP(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		tun, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
		if err != nil {
			t.Skipf("no tunnels here: %v", err)
		}
		defer tun.Close()
		req, err := unix.NewIfreq("tun0")
		if err != nil {
			t.Fatal(err)
		}
		req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		if err := unix.IoctlIfreq(int(tun.Fd()), unix.TUNSETIFF, req); err != nil {
			t.Skipf("no tunnels here: %v", err)
		}
		netnstest.SetUp(t, "tun0")
		l := openLive(t, LiveConfig{Interface: "tun0"})
		datagram := append([]byte{0x45, 0, 0, 36, 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}, "plimsoll in ip  "...)
		if _, err := tun.Write(datagram); err != nil {
			t.Fatal(err)
		}
		got := gather(t, l, 1, contains("plimsoll"))
		if len(got) != 1 || got[0].Data != string(datagram) || got[0].Link != frame.LinkRaw {
			t.Errorf("got %v", got)
		}
	})
}

func TestLiveFanOutGivesEachFrameToOne(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		netnstest.Veth(t, "home0", "home1")
		const frames = 400
		var lives []*Live
		for range 2 {
			lives = append(lives, openLive(t, LiveConfig{Interface: "home0", Blocks: 4, Group: 42}))
		}
		from := newSender(t, "home1")
		for i := range frames {
			datagram := append([]byte{0x45, 0, 0, 60, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, byte(i >> 8), byte(i), 10, 1, 0, 1, byte(i), 1, 0, 53, 0, 40, 0, 0}, fmt.Sprintf("plimsoll flow %-18d", i)...)
			from.send(t, append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}, datagram...))
		}
		var all []string
		for i, l := range lives {
			got := gather(t, l, 1, contains("plimsoll flow"))
			if len(got) < frames/8 {
				t.Errorf("capture %d has %d frames of %d", i, len(got), frames)
			}
			for _, p := range got {
				all = append(all, p.Data)
			}
		}
		slices.Sort(all)
		if len(all) != frames || len(slices.Compact(all)) != frames {
			t.Errorf("%d frames, want %d", len(all), frames)
		}
	})
}

func TestLiveGoesRoundItsRing(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		netnstest.Veth(t, "home0", "home1")
		l := openLive(t, LiveConfig{Interface: "home0", Blocks: 3})
		from := newSender(t, "home1")
		for round := range 4 {
			const frames = 150
			for i := range frames {
				from.send(t, ethernet(fmt.Sprintf("plimsoll round %d frame %3d %s", round, i, strings.Repeat("x", 1300))))
			}
			got := gather(t, l, frames, contains(fmt.Sprintf("plimsoll round %d", round)))
			if len(got) != frames {
				t.Fatalf("round %d: %d frames", round, len(got))
			}
		}
		for range 2000 {
			from.send(t, ethernet(strings.Repeat("x", 1400)))
		}
		s, err := l.Stats()
		if err != nil || s.Dropped == 0 || s.Received < 600 {
			t.Errorf("%+v, error %v; want drops", s, err)
		}
		if again, _ := l.Stats(); again.Received < s.Received || again.Dropped < s.Dropped {
			t.Errorf("%+v, then %+v: counts fall", s, again)
		}
	})
}

func TestLiveHonoursItsContext(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		l := openLive(t, LiveConfig{Interface: "lo", Blocks: 1})
		var b Batch
		start := time.Now()
		if err := l.Next(t.Context(), &b); err != nil || len(b.Records) != 0 {
			t.Errorf("%d frames on an idle interface, error %v", len(b.Records), err)
		}
		if waited := time.Since(start); waited > 5*pollTime {
			t.Errorf("waited %v", waited)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.Next(ctx, &b); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestLiveSurvivesAnInterfaceThatGoesDown(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		netnstest.Veth(t, "home0", "home1")
		l := openLive(t, LiveConfig{Interface: "home0"})
		netnstest.SetDown(t, "home0")
		var b Batch
		for range 3 {
			if err := l.Next(t.Context(), &b); err != nil {
				t.Fatalf("while down: %v", err)
			}
		}
		netnstest.SetUp(t, "home0")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for seen := false; !seen; { // the other end notices some time later, and drops frames until then
			newSender(t, "home1").send(t, ethernet("plimsoll again"))
			if err := l.Next(ctx, &b); err != nil {
				t.Fatalf("after it came up again: %v", err)
			}
			seen = strings.Contains(string(b.Data), "plimsoll again")
		}
		openLive(t, LiveConfig{Interface: "home0"})
		netnstest.SetDown(t, "home0")
		if _, err := OpenLive(LiveConfig{Interface: "home0"}); err == nil || !strings.Contains(err.Error(), "down") {
			t.Errorf("error %v", err)
		}
	})
}

func TestLiveEndsWhenItsInterfaceGoesAway(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		netnstest.Veth(t, "home0", "home1")
		l := openLive(t, LiveConfig{Interface: "home0"})
		netnstest.Remove(t, "home1")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var b Batch
		for {
			if err := l.Next(ctx, &b); err != nil {
				if !errors.Is(err, unix.ENODEV) || !strings.Contains(err.Error(), "home0") {
					t.Errorf("error %v", err)
				}
				return
			}
		}
	})
}

func TestLiveNeedsAnInterfaceThatExists(t *testing.T) {
	_, err := OpenLive(LiveConfig{Interface: "nosuch0"})
	if err == nil || !strings.Contains(err.Error(), `"nosuch0"`) || !strings.Contains(err.Error(), "lo") {
		t.Errorf("error %v", err)
	}
}

func TestLiveNeedsACapability(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		// The thread that gives up its rights is not used again: it ends with its goroutine.
		done := make(chan error)
		go func() {
			runtime.LockOSThread()
			header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var none [2]unix.CapUserData
			if err := unix.Capset(&header, &none[0]); err != nil {
				done <- err
				return
			}
			_, err := OpenLive(LiveConfig{Interface: "lo"})
			done <- err
		}()
		if err := <-done; !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "CAP_NET_RAW") {
			t.Errorf("error %v", err)
		}
	})
}

// The offsets that are written out here are those of the kernel's structures.
func TestRingOffsets(t *testing.T) {
	var d unix.TpacketHdrV1
	var h unix.Tpacket3Hdr
	const description = unsafe.Offsetof(unix.TpacketBlockDesc{}.Hdr)
	for name, pair := range map[string][2]uintptr{
		"block status": {blockStatus, description + unsafe.Offsetof(d.Block_status)},
		"block frames": {blockFrames, description + unsafe.Offsetof(d.Num_pkts)},
		"block first":  {blockFirst, description + unsafe.Offsetof(d.Offset_to_first_pkt)},
		"block length": {blockLength, description + unsafe.Offsetof(d.Blk_len)},
		"next":         {ringNext, unsafe.Offsetof(h.Next_offset)},
		"seconds":      {ringSec, unsafe.Offsetof(h.Sec)},
		"nanoseconds":  {ringNsec, unsafe.Offsetof(h.Nsec)},
		"captured":     {ringSnap, unsafe.Offsetof(h.Snaplen)},
		"length":       {ringLen, unsafe.Offsetof(h.Len)},
		"status":       {ringStatus, unsafe.Offsetof(h.Status)},
		"frame":        {ringMAC, unsafe.Offsetof(h.Mac)},
		"tag":          {ringVLANTCI, unsafe.Offsetof(h.Hv1) + unsafe.Offsetof(h.Hv1.Vlan_tci)},
		"tag protocol": {ringVLANTPID, unsafe.Offsetof(h.Hv1) + unsafe.Offsetof(h.Hv1.Vlan_tpid)},
		"packet type":  {ringPktType, unsafe.Sizeof(h) + unsafe.Offsetof(unix.RawSockaddrLinklayer{}.Pkttype)},
		"all":          {ringHeader, unsafe.Sizeof(h) + unsafe.Sizeof(unix.RawSockaddrLinklayer{})},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s at %d, want %d", name, pair[0], pair[1])
		}
	}
}

func FuzzRing(f *testing.F) {
	ne := binary.NativeEndian
	good := make([]byte, 48, 512)
	ne.PutUint32(good[blockFrames:], 2)
	ne.PutUint32(good[blockFirst:], 48)
	for i := range 2 {
		h := make([]byte, 160)
		if i == 0 {
			ne.PutUint32(h[ringNext:], 160)
		}
		ne.PutUint32(h[ringSnap:], 60)
		ne.PutUint32(h[ringLen:], 60)
		ne.PutUint32(h[ringStatus:], unix.TP_STATUS_USER|unix.TP_STATUS_VLAN_VALID|unix.TP_STATUS_VLAN_TPID_VALID)
		ne.PutUint16(h[ringMAC:], 82)
		good = append(good, h...)
	}
	f.Add(good, false)
	f.Add(good[:300], true)
	f.Fuzz(func(t *testing.T, data []byte, loopback bool) {
		b := Batch{Data: data}
		w := ringWalker{link: frame.LinkEthernet, loopback: loopback}
		w.walk(&b)
		for i, r := range b.Records {
			if r.Wire < r.Len || r.Number != uint64(i+1) || len(b.Frame(i)) != int(r.Len) {
				t.Fatalf("record %+v", r)
			}
		}
	})
}
