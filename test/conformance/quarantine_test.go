package conformance

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// browse asks for a page by HTTP as a browser does: its name from the resolver that the network gives, and then.
func (d *thing) browse(family int, url, lang string) (status int, body string, err error) {
	dial := func(ctx context.Context, _, at string) (c net.Conn, err error) {
		name, port, err := net.SplitHostPort(at)
		if err != nil {
			return nil, err
		}
		list := []netip.Addr{}
		if a, err := netip.ParseAddr(name); err == nil {
			list = append(list, a)
		} else if list, err = d.lookUp(name, family); err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("%s leads nowhere", name)
		}
		err = d.do(func() (err error) {
			c, err = (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", net.JoinHostPort(list[0].String(), port))
			return err
		})
		return c, err
	}
	client := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Accept-Language", lang)
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, string(data), err
}

// A device in quarantine learns why by its browser, whatever it asks for; it can be repaired; all else is cut, also what
// was under way; and when it is let out, all is as before.
func TestADeviceInQuarantineIsToldWhyAndCanBeRepaired(t *testing.T) {
	t.Parallel()
	own(t)
	var b table
	defer b.print(t)
	s := newScene(t)
	s.flags = append(s.flags, "--contact", "Nadia, 0612345678")
	for _, f := range []int{4, 6} {
		for _, n := range []int{25, 26} {
			s.internet.listen(t, &s.receiver, netip.AddrPortFrom(wide(f, n), 443))
			s.internet.listen(t, &s.receiver, netip.AddrPortFrom(wide(f, n), 80))
		}
	}
	s.names.lead("updates.maker.example", wide(4, 25), wide(6, 25))
	s.start()
	from, to := listed()
	from = append(append(from, toName("updates.maker.example", 443)...), toName("updates.maker.example", 80)...)
	s.join(s.maker.publish(t, "dut", from, to, s.signer, nil))
	s.settles(s.dut)
	neighbour := s.add("neighbour", 20)
	families(t, func(t *testing.T, f int) {
		v := fmt.Sprintf("quarantine-v%d ", f)
		s.mustAsk("hold", "dut")
		cloud := netip.AddrPortFrom(wide(f, 23), service)
		live := s.dut.begin(&s.receiver, "tcp", cloud)
		b.check(t, v+"before: a conversation that is allowed", true, live.arrives())
		status, _, err := neighbour.browse(f, "http://"+netip.AddrPortFrom(lan(f, 1), 8511).String()+"/", "en")
		b.check(t, v+"the page for who is not in quarantine", true, err != nil && status == 0)

		began := time.Now()
		s.mustAsk("quarantine", "dut", "--why", "It scanned its <neighbours>.")
		b.check(t, v+"what was under way", false, live.arrives())
		t.Logf("in quarantine within %v, program start included", time.Since(began).Round(time.Millisecond))
		for lang, words := range map[string]string{"en": "is cut off from the network", "fr-FR,fr;q=0.9": "est coupé du réseau"} {
			for _, url := range []string{
				"http://anything.example/", "http://connectivitycheck.gstatic.com/generate_204", "http://captive.apple.com/hotspot-detect.html",
				"http://" + net.JoinHostPort(wide(f, 30).String(), "80") + "/", "http://" + net.JoinHostPort(lan(f, 20).String(), "80") + "/",
			} {
				status, body, err := s.dut.browse(f, url, lang)
				seen := err == nil && status == http.StatusOK
				for _, part := range []string{words, "It scanned its &lt;neighbours&gt;.", "Nadia, 0612345678", "updates.maker.example"} {
					seen = seen && strings.Contains(body, part)
				}
				b.check(t, v+"the page at "+url+", "+lang[:2], true, seen)
				if !seen {
					t.Logf("%d %v\n%s", status, err, body)
				}
			}
		}
		list, _ := s.dut.lookUp("stolen-data.example", f)
		b.check(t, v+"other names lead to the page", true, len(list) == 1 && list[0] == lan(f, 1))
		answer, err := s.dut.exchange("udp", netip.AddrPortFrom(lan(4, 1), 53), new(dns.Msg).SetQuestion("stolen-data.example.", dns.TypeTXT))
		b.check(t, v+"other questions are refused", true, err == nil && answer.Rcode == dns.RcodeRefused)

		list, _ = s.dut.lookUp("updates.maker.example", f)
		b.check(t, v+"the name of its updates leads there", true, len(list) == 1 && list[0] == wide(f, 25))
		for _, port := range []uint16{443, 80} {
			b.check(t, fmt.Sprintf("%sits updates, port %d", v, port), true, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 25), port)))
		}
		b.try(
			t,
			probe{v + "what its file lists", false, func() bool { return s.dut.reaches(&s.receiver, "tcp", cloud) }},
			probe{v + "another server, port 443", false, func() bool { return s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 26), 443)) }},
			probe{v + "the same by UDP", false, func() bool { return s.dut.reaches(&s.receiver, "udp", netip.AddrPortFrom(wide(f, 26), 443)) }},
			probe{v + "from the Internet to it", false, func() bool { return fromInternet(s, f, 24, netip.AddrPortFrom(lan(f, 10), inward)) }},
			probe{v + "from a neighbour to it", false, func() bool { return neighbour.reaches(&s.receiver, "tcp", netip.AddrPortFrom(lan(f, 10), inward)) }},
		)
		s.mustAsk("watch", "dut")
		s.settles(s.dut)
		status, _, err = s.dut.browse(f, "http://anything.example/", "en")
		b.check(t, v+"let out: the page", true, err != nil && status == 0)
	})
}
