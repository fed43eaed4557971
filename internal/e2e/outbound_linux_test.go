package e2e

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/netnstest"
)

// outside gives a namespace a way to the Internet, of both kinds, that leads nowhere: whatever leaves is on the
// interface "outside".
func outside(t *testing.T) {
	t.Helper()
	netnstest.Veth(t, "house", "outside")
	for _, args := range []string{
		"addr add 198.51.100.2/24 dev house",
		"neigh replace 198.51.100.1 lladdr 02:00:00:00:00:01 dev house",
		"route add default via 198.51.100.1",
		"addr add 2001:db8::2/64 dev house nodad",
		"neigh replace 2001:db8::1 lladdr 02:00:00:00:00:01 dev house",
		"route add default via 2001:db8::1",
	} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", args, err, out)
		}
	}
}

// browsers reports whether a packet is Chromium’s own: it asks for the addresses of its maker, whatever page it shows.
func browsers(packet []byte) bool {
	return bytes.Contains(packet, []byte("\x06google\x03com\x00")) || bytes.Contains(packet, []byte("\x0agoogleapis\x03com\x00"))
}

// sniff collects what leaves the namespace, but for what the kernel (ARP, ICMPv6) and the browser say by themselves,
// until stop is called.
func sniff(t *testing.T) (stop func() []string) {
	t.Helper()
	live, err := capture.OpenLive(capture.LiveConfig{Interface: "outside"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan []string)
	go func() {
		var left []string
		var b capture.Batch
		var f frame.Frame
		for ctx.Err() == nil {
			err := live.Next(ctx, &b)
			for i, r := range b.Records {
				frame.Decode(&f, r.Link, b.Frame(i), int(r.Wire))
				if f.EtherType != 0x0806 && f.Proto != frame.ProtoICMPv6 && !browsers(b.Frame(i)) {
					left = append(left, f.Src.Netip().String()+" to "+f.Dst.Netip().String())
				}
			}
			if err != nil {
				break
			}
		}
		result <- left
	}()
	return func() []string {
		time.Sleep(200 * time.Millisecond) // what is on its way
		cancel()
		left := <-result
		if err := live.Close(); err != nil {
			t.Error(err)
		}
		return left
	}
}

// What is shown of a home stays in it: while somebody looks at every page of the demonstration, of its home and of its
// registry, the program sends nothing anywhere, and no page asks for anything but what the program itself serves. It is
// started where it finds no nft: so the home has no network of its own in which the sniffer would not hear it.
func TestNothingLeavesTheHouseWhileItsPagesAreLookedAt(t *testing.T) {
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip: apt-get install iproute2")
	}
	chromium(t)
	t.Setenv(programVariable, plimsoll(t))
	netnstest.Run(t, func(t *testing.T) {
		outside(t)
		stop := sniff(t)
		d := play(t, "PATH="+t.TempDir())
		if d.real {
			t.Fatal("the home is in a network of its own: nobody listens there")
		}
		authority, err := url.Parse(d.people["Bea"])
		if err != nil {
			t.Fatal(err)
		}
		registry := "http://" + authority.Host
		page := open(t)
		page.size(1280, 800)
		if err := chromedp.Listen(page.ctx, func(event any) {
			e, ok := event.(*network.EventRequestWillBeSent)
			if ok && !strings.HasPrefix(e.Request.URL, d.at("/")) && !strings.HasPrefix(e.Request.URL, registry+"/") && !strings.HasPrefix(e.Request.URL, "data:") {
				t.Errorf("%s asks for %s", e.DocumentURL, e.Request.URL)
			}
		}); err != nil {
			t.Fatal(err)
		}
		call(page, network.Enable, network.EnableParams{})
		page.enter(d.link.String())
		page.until(90*time.Second, "a camera that goes bad", goesBad)
		home := page.walk(d.at(""), "/en/")
		page.comesIn(authority.String())
		desk := page.walk(registry, "/en/", "/en/desk")
		if left := stop(); len(left) > 0 {
			t.Errorf("while %d pages were looked at, %d packets left: %q", home+desk, len(left), left[:min(len(left), 10)])
		}
		t.Logf("%d pages of the home were looked at, and %d of the registry", home, desk)
		if home < 100 || desk < 30 {
			t.Error("those are not all")
		}
	})
}

// walk looks at all pages of a site that links lead to from some; in French, at one of each kind. It gives how many.
func (t tab) walk(site string, from ...string) int {
	t.Helper()
	seen := map[string]bool{}
	pages := 0
	for todo := from; len(todo) > 0; todo = todo[1:] {
		path, _, _ := strings.Cut(todo[0], "?")
		french := strings.HasPrefix(path, "/fr/")
		if seen[path] || french && seen[kind(path)] || !french && !strings.HasPrefix(path, "/en/") {
			continue
		}
		seen[path] = true
		if french {
			seen[kind(path)] = true
		}
		pages++
		t.do(chromedp.Navigate(site + path))
		todo = append(todo, t.links()...)
	}
	return pages
}

// The sniffer is not asleep: of what does leave it tells.
func TestWhatLeavesTheHouseIsNoticed(t *testing.T) {
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip: apt-get install iproute2")
	}
	netnstest.Run(t, func(t *testing.T) {
		outside(t)
		stop := sniff(t)
		for _, a := range []string{"192.0.2.9:53", "[2001:db8:1::9]:53"} {
			c, err := net.Dial("udp", a)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
		}
		if left := stop(); len(left) != 2 {
			t.Errorf("noticed: %q", left)
		}
	})
}
