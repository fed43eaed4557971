package lab

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
)

const testdata = "../../testdata"

func mustPlay(t testing.TB, h *Home) *Trace {
	t.Helper()
	trace, err := h.Play()
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

func TestSameDescriptionGivesSameCapture(t *testing.T) {
	for name, home := range map[string]func() *Home{"family": Family, "infected": Infected} {
		a, b := mustPlay(t, home()), mustPlay(t, home())
		if len(a.Packets) != len(b.Packets) {
			t.Fatalf("%s: %d packets, then %d", name, len(a.Packets), len(b.Packets))
		}
		for i := range a.Packets {
			if a.Packets[i].Time != b.Packets[i].Time || !bytes.Equal(a.Packets[i].Data, b.Packets[i].Data) {
				t.Fatalf("%s: packet %d differs from one play to the next", name, i+1)
			}
		}
	}
}

func TestOneDeviceDoesNotDisturbTheOthers(t *testing.T) {
	of := func(trace *Trace, m frame.MAC) int {
		n := 0
		for _, p := range trace.Packets {
			if frame.MAC(p.Data[6:12]) == m {
				n++
			}
		}
		return n
	}
	with, without := Family(), Family()
	without.Devices = slices.DeleteFunc(without.Devices, func(d Device) bool { return d.Name == "bulb" })
	plug := with.Devices[1].MACs[0]
	if a, b := of(mustPlay(t, with), plug), of(mustPlay(t, without), plug); a != b {
		t.Errorf("the plug sends %d packets with a bulb in the home and %d without", a, b)
	}
}

func TestCommittedCapturesAreThoseGenerated(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		got, err := os.ReadFile(filepath.Join(testdata, filepath.FromSlash(f.Name)))
		if err != nil {
			t.Error(err)
			continue
		}
		// A compressor may do better one day: what counts is what comes out.
		if !bytes.Equal(unpack(t, f.Name, got), unpack(t, f.Name, f.Data)) {
			t.Errorf("%s is not what is generated; run: go run ./internal/lab/labgen -o testdata", f.Name)
		}
	}
}

func unpack(t *testing.T, name string, b []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(b)
	var err error
	switch filepath.Ext(name) {
	case ".gz":
		r, err = gzip.NewReader(r)
	case ".zst":
		var z *zstd.Decoder
		z, err = zstd.NewReader(r)
		r = z
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

func TestCapturesAreSmall(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		limit := 8 << 10
		switch f.Name {
		case "home.pcapng":
			limit = 400 << 10
		case "attack.pcap":
			limit = 300 << 10
		case "maker/bench.pcap":
			limit = 128 << 10
		case "home.truth.json", "attack.truth.json":
			limit = 32 << 10
		}
		if len(f.Data) > limit {
			t.Errorf("%s has %d octets, at most %d are wanted", f.Name, len(f.Data), limit)
		}
	}
}

func TestPacketsAreInOrderAndWithinTheCapture(t *testing.T) {
	for name, h := range map[string]*Home{"family": Family(), "infected": Infected()} {
		trace := mustPlay(t, h)
		first, last := trace.Packets[0].Time, h.Start.Add(h.Length+10*time.Second).UnixNano()
		for i, p := range trace.Packets {
			if p.Time < first || p.Time > last {
				t.Fatalf("%s: packet %d is at %v", name, i+1, time.Unix(0, p.Time).UTC())
			}
			if len(p.Data) > 1514 {
				t.Errorf("%s: packet %d has %d octets", name, i+1, len(p.Data))
			}
			first = p.Time
		}
	}
}

func TestChecksumsAreRight(t *testing.T) {
	for name, h := range map[string]*Home{"family": Family(), "infected": Infected()} {
		for i, p := range mustPlay(t, h).Packets {
			if err := verify(p.Data); err != nil {
				t.Errorf("%s: packet %d: %v", name, i+1, err)
			}
		}
	}
}

func TestTruthNamesEveryDevice(t *testing.T) {
	for name, h := range map[string]*Home{"family": Family(), "infected": Infected()} {
		trace := mustPlay(t, h)
		known := map[string]bool{}
		for _, d := range trace.Truth.Devices {
			for _, m := range d.MACs {
				known[m] = true
			}
			if !slices.Contains(device.Categories, d.Category) {
				t.Errorf("%s: %s is of category %q, which does not exist", name, d.Name, d.Category)
			}
			if len(d.Addresses) == 0 {
				t.Errorf("%s: %s has no address", name, d.Name)
			}
		}
		for i, p := range trace.Packets {
			if m := frame.MAC(p.Data[6:12]); !known[m.String()] {
				t.Fatalf("%s: packet %d is from %v, whom the truth does not know", name, i+1, m)
			}
		}
		for _, f := range trace.Truth.Findings {
			if f.Count == 0 || f.Packets[0] > f.Packets[1] || f.First.After(f.Last) {
				t.Errorf("%s: finding without packets: %+v", name, f)
			}
		}
	}
}

func TestPhoneChangesItsAddress(t *testing.T) {
	for _, d := range mustPlay(t, Family()).Truth.Devices {
		if d.Name != "phone" {
			continue
		}
		if len(d.MACs) != 2 {
			t.Fatalf("the phone had the addresses %v", d.MACs)
		}
		for _, s := range d.MACs {
			if m, err := frame.ParseMAC(s); err != nil || !m.IsLocal() || m.IsGroup() {
				t.Errorf("%s is not a randomised address", s)
			}
		}
	}
}

func TestFamilyHasWhatItIsFor(t *testing.T) {
	kinds := map[string]int{}
	for _, f := range mustPlay(t, Infected()).Truth.Findings {
		kinds[f.Kind]++
	}
	for _, want := range []string{
		"scan.horizontal", "scan.vertical", "guess.credentials", "flood.syn", "flood.udp", "flood.dhcp", "reflect.participant", "spoof.source",
		"spoof.arp", "spoof.router", "beacon.rare", "dns.tunnel", "dns.generated", "clear.credentials", "exposed.portmap",
	} {
		if kinds[want] == 0 {
			t.Errorf("no %s in the attack", want)
		}
	}
	via := map[string]bool{}
	for _, d := range mustPlay(t, Family()).Truth.Devices {
		if d.MUD != nil {
			via[d.MUD.Via] = true
		}
	}
	for _, want := range []string{"dhcpv4", "dhcpv6", "lldp"} {
		if !via[want] {
			t.Errorf("no MUD URL is told by %s", want)
		}
	}
}

func TestAddressesAreThoseForDocumentation(t *testing.T) {
	for _, h := range []*Home{Family(), Infected()} {
		for _, p := range mustPlay(t, h).Packets {
			for _, a := range addresses(p.Data) {
				if !reserved(a) {
					t.Fatalf("%v is somebody's address", a)
				}
			}
		}
	}
}

func TestUnknownNamesFailThePlay(t *testing.T) {
	h := Family()
	h.Devices[0].Script = func(a *Actor) { a.HTTPS("nowhere.example", 1, 1) }
	if _, err := h.Play(); !errors.Is(err, errUnknown) || !strings.Contains(err.Error(), "nowhere.example") {
		t.Errorf("got %v, want an error that names the unknown server", err)
	}
}
