package conformance

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestRulesThatSomebodyFlushesAreBackAtOnce(t *testing.T) {
	var b table
	defer b.print(t)
	s := enforced(t)
	own(t)
	// a device that is held sends all the time to where it may not
	var s4, s6 sink
	tr := newTraffic(t)
	for f, k := range map[int]*sink{4: &s4, 6: &s6} {
		k.listen(t, s.internet, netip.AddrPortFrom(wide(f, 30), counted))
		c := s.dut.begin(nil, "udp", netip.AddrPortFrom(wide(f, 30), counted))
		tr.run(func() {
			_, _ = c.Write([]byte("a packet to probe"))
			time.Sleep(time.Millisecond)
		}, func() { c.Close() })
	}
	came := func() int {
		return s4.count(lan(4, s.dut.number), wide(4, 30)) + s6.count(lan(6, s.dut.number), wide(6, 30))
	}
	time.Sleep(200 * time.Millisecond)
	b.check(t, "before: packets that came through", 0, came())
	slowest := time.Duration(0)
	for range 5 {
		began := time.Now()
		s.flush(t)
		s.until("the rules are back", func() bool { return strings.Contains(s.rules(), "chain forward") })
		slowest = max(slowest, time.Since(began))
		time.Sleep(300 * time.Millisecond)
		was := came()
		time.Sleep(300 * time.Millisecond)
		b.check(t, "after: packets that came through", 0, came()-was)
	}
	b.check(t, "they are back within a second", true, slowest < time.Second)
	t.Logf("rules stood again at most %v after they were flushed; %d packets came through in five times", slowest.Round(time.Millisecond), came())
	tr.end()
	s.holds(t, &b, "after")
}

// tools is a folder for PATH in which nft is ours: it works as long as works says so.
func (s *scene) tools(t *testing.T) (works func(bool), missing func()) {
	t.Helper()
	real, err := exec.LookPath("nft")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	broken, name := filepath.Join(dir, "broken"), filepath.Join(dir, "nft")
	script := "#!/bin/sh\n[ ! -e " + broken + " ] || { echo 'Error: Could not process rule: Out of memory' >&2; exit 1; }\nexec " + real + " \"$@\"\n"
	if err := os.WriteFile(name, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	s.environ = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	works = func(yes bool) {
		err := os.Remove(broken)
		if !yes {
			err = os.WriteFile(broken, nil, 0o600)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if _, err := os.Stat(name); err != nil {
			if err := os.WriteFile(name, []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return works, func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWithoutNftWhatHoldsGoesOn(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	own(t)
	s := newScene(t)
	works, gone := s.tools(t)
	s.start()
	s.join(s.publishGood())
	s.settles(s.dut)
	for what, fail := range map[string]func(){"nft fails": func() { works(false) }, "nft is gone": gone} {
		fail()
		text, ok := s.says("en", "admit", "dut", "--as", "none")
		b.check(t, what+": a decision is kept, and said not to be in force", true, !ok && strings.Contains(text, "it is decided, and not in force yet"))
		text, _ = s.says("fr", "admit", "dut", "--as", "full")
		b.check(t, what+": in French too", true, strings.Contains(text, "c’est décidé, et pas encore en vigueur"))
		s.told(t, &b, what, "The rules could not be changed", "Les règles n’ont pas pu être changées")
		s.holds(t, &b, what)
		s.resolves(t, &b, what)
		works(true)
		s.until("what was decided is in force", func() bool {
			return s.dut.reachesSoon(&s.receiver, netip.AddrPortFrom(wide(4, 30), service)) && s.dut.reachesSoon(&s.receiver, netip.AddrPortFrom(wide(6, 30), service))
		})
		s.until("nothing is wrong any more", func() bool { return len(s.faults()) == 0 })
		s.mustAsk("hold", "dut")
		s.holds(t, &b, what+" no longer")
	}
	s.stop(syscall.SIGKILL)
	gone()
	path := s.environ
	s.environ = append(os.Environ(), "PATH=/nowhere")
	name, err := program()
	if err != nil {
		t.Fatal(err)
	}
	for language, want := range map[string]string{"en": "the program nft is missing", "fr": "le programme nft manque"} {
		cmd := exec.Command(name, s.flags...)
		cmd.Env = []string{"PATH=/nowhere", "LC_ALL=" + language, "HOME=/root"}
		var out []byte
		_ = s.gateway.do(func() (err error) { out, err = cmd.CombinedOutput(); return err })
		b.check(t, "started without nft: it is said, "+language, true, strings.Contains(string(out), want))
	}
	s.holds(t, &b, "started without nft")
	works(true)
	s.environ = path
	s.start()
	s.holds(t, &b, "nft is there again")
}

func TestALANThatGoesAwayAndComesBackIsHeldAsBefore(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	own(t)
	s := enforced(t)
	port := func(up bool) {
		lines := []string{"link set p-dut master br0", "link set p-dut up"}
		if !up {
			lines = nil
		}
		s.gateway.batch(t, lines)
	}
	again := func(name string) {
		lines := []string{"link set " + name + " up"}
		for _, a := range []netip.Prefix{lan4, lan6} {
			lines = append(lines, "addr replace "+a.String()+" dev "+name+" "+nodad(a))
		}
		s.gateway.batch(t, lines)
	}
	// renamed
	s.gateway.batch(t, []string{"link set br0 down", "link set br0 name br9"})
	again("br9")
	s.told(t, &b, "renamed", "The rules could not be changed", "Les règles n’ont pas pu être changées")
	s.holds(t, &b, "renamed")
	s.gateway.batch(t, []string{"link set br9 down", "link set br9 name br0"})
	again("br0")
	s.until("nothing is wrong any more", func() bool { return len(s.faults()) == 0 })
	s.holds(t, &b, "named as before")
	s.until("names are resolved", func() bool { _, err := s.dut.lookUp("cloud.maker.example", 6); return err == nil })
	s.resolves(t, &b, "named as before")

	// removed, and made anew
	s.gateway.batch(t, []string{"link del br0"})
	s.told(t, &b, "removed", "The network cannot be seen", "Le réseau ne peut pas être vu")
	s.gateway.batch(t, []string{"link add br0 type bridge", "link set br0 address " + routerMAC.String()})
	s.gateway.set(t, "ipv6/conf/br0/accept_dad", "0")
	again("br0")
	port(true)
	s.until("nothing is wrong any more", func() bool { return len(s.faults()) == 0 })
	s.until("names are resolved", func() bool { _, err := s.dut.lookUp("cloud.maker.example", 4); return err == nil })
	s.holds(t, &b, "made anew")
	s.resolves(t, &b, "made anew")
	fresh := s.add("fresh", 41)
	fresh.hello(lan(4, fresh.number))
	s.until("who comes now is seen", func() bool { return s.device(fresh).State != "" })
}

func TestAWANThatComesBackWithAnotherAddressLeadsOn(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	own(t)
	s := enforced(t)
	s.gateway.batch(t, []string{"link set wan0 down"})
	b.check(t, "down: what is listed", false, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(4, 23), service)))
	_, err := s.dut.lookUp("cold.maker.example", 4)
	b.check(t, "down: a name that is not known", true, err != nil)
	b.check(t, "down: the verbs", nil, s.ask(nil, "status"))
	s.gateway.batch(t, []string{
		"link set wan0 up", "addr del " + wan4.String() + " dev wan0", "addr flush dev wan0 scope global",
		"addr add " + within(wide(4, 200)).String() + " dev wan0", "addr add " + within(wide(6, 200)).String() + " dev wan0 nodad",
		"route replace default via " + wide(4, 1).String(), "route replace default via " + wide(6, 1).String(),
	})
	s.internet.batch(t, []string{
		"route replace " + lan4.Masked().String() + " via " + wide(4, 200).String(), "route replace " + lan6.Masked().String() + " via " + wide(6, 200).String(),
	})
	s.until("names are resolved", func() bool { _, err := s.dut.lookUp("cloud.maker.example", 6); return err == nil })
	s.holds(t, &b, "with another address")
	s.resolves(t, &b, "with another address")
	s.until("nothing is wrong any more", func() bool { return len(s.faults()) == 0 })
}

func TestWhereThePortIsTakenNamesGoToTheFallback(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	own(t)
	s := newScene(t)
	s.flag("--fallback", wide(4, 53).String())
	var taken net.PacketConn
	if err := s.gateway.do(func() (err error) {
		taken, err = net.ListenPacket("udp", netip.AddrPortFrom(lan(4, 1), 53).String())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	s.launch()
	s.join(s.publishGood())
	s.settles(s.dut)
	s.told(t, &b, "taken", "Names are not resolved here", "Les noms ne sont pas résolus ici")
	s.holds(t, &b, "taken")
	list, err := s.dut.lookUp("cloud.maker.example", 4)
	b.check(t, "taken: the fallback answers", true, err == nil && len(list) > 0)
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	s.until("nothing is wrong any more", func() bool { return len(s.faults()) == 0 })
	s.resolves(t, &b, "free again")
}

// liar is an upstream that does not do as it should.
type liar struct {
	mode  atomic.Value // string
	asked atomic.Int64
}

func (l *liar) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	l.asked.Add(1)
	name := q.Question[0].Name
	m := new(dns.Msg).SetReply(q)
	a := func(name string, to netip.Addr) dns.RR {
		return &dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: to.AsSlice()}
	}
	alias := func(name, to string) dns.RR {
		return &dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 60}, Target: to}
	}
	wrong := wide(4, 30) // where nobody is to be led
	switch l.mode.Load() {
	case "silent":
		return
	case "wrong identifier":
		m.Id++
		m.Answer = append(m.Answer, a(name, wrong))
	case "wrong question":
		m.Question[0].Name = "elsewhere.example."
		m.Answer = append(m.Answer, a("elsewhere.example.", wrong))
	case "private addresses":
		m.Answer = append(m.Answer, a(name, lan(4, 11)))
	case "names that bite their tails":
		m.Answer = append(m.Answer, alias(name, "b.example."), alias("b.example.", name))
	case "endless names":
		at := name
		for i := range 200 {
			next := strings.Repeat("x", 1+i%50) + string(rune('a'+i%26)) + ".example."
			m.Answer = append(m.Answer, alias(at, next))
			at = next
		}
		m.Answer = append(m.Answer, a(at, wrong))
	case "huge answers":
		if w.LocalAddr().Network() == "udp" {
			m.Truncated = true
			break
		}
		for i := range 3800 {
			m.Answer = append(m.Answer, a(name, netip.AddrFrom4([4]byte{45, 46, byte(i >> 8), byte(i)})))
		}
	case "drops of octets":
		if w.LocalAddr().Network() == "udp" {
			m.Truncated = true
			break
		}
		for range 60 {
			if _, err := w.Write([]byte{0}); err != nil { // a message of one octet, over and over
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
		return
	case "garbage":
		_, _ = w.Write([]byte(strings.Repeat("garbage", 20)))
		return
	case "refusals":
		m.Rcode = dns.RcodeRefused
	case "other names too":
		m.Answer = append(m.Answer, a(name, wide(4, 20)), a("cloud.maker.example.", wrong))
	default:
		if q.Question[0].Qtype == dns.TypeA {
			m.Answer = append(m.Answer, a(name, wide(4, 20)))
		}
	}
	_ = w.WriteMsg(m)
}

// waits asks the gateway where a name leads, longer than the gateway asks others. That there is none is an answer.
func (d *thing) waits(name string) (list []netip.Addr, err error) {
	var conn net.Conn
	if err := d.do(func() (err error) {
		conn, err = net.Dial("udp", netip.AddrPortFrom(lan(4, 1), 53).String())
		return err
	}); err != nil {
		return nil, err
	}
	c := &dns.Conn{Conn: conn}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(7 * time.Second))
	if err := c.WriteMsg(new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)); err != nil {
		return nil, err
	}
	answer, err := c.ReadMsg()
	if err != nil {
		return nil, err
	}
	for _, rr := range answer.Answer {
		if rr, ok := rr.(*dns.A); ok {
			a, _ := netip.AddrFromSlice(rr.A.To4())
			list = append(list, a)
		}
	}
	return list, nil
}

func TestAnUpstreamThatIsDeadOrLiesLeadsNobodyAstray(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	own(t)
	s := newScene(t)
	l := &liar{}
	l.mode.Store("good")
	at := netip.AddrPortFrom(wide(4, 11), 53).String()
	if err := s.internet.do(func() error {
		u, err := net.ListenPacket("udp", at)
		if err != nil {
			return err
		}
		tcp, err := net.Listen("tcp", at)
		if err != nil {
			return err
		}
		for _, server := range []*dns.Server{{PacketConn: u, Handler: l}, {Listener: tcp, Handler: l}} {
			go func() { _ = server.ActivateAndServe() }()
			t.Cleanup(func() { _ = server.Shutdown() })
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	s.flag("--upstream", wide(4, 11).String())
	s.start()
	s.join(s.publishGood())
	s.settles(s.dut)
	if _, err := s.dut.lookUp("cloud.maker.example", 4); err != nil {
		t.Fatal(err)
	}
	named := netip.AddrPortFrom(wide(4, 20), service)
	for i, mode := range []string{
		"silent", "wrong identifier", "wrong question", "private addresses", "names that bite their tails", "endless names", "huge answers",
		"drops of octets", "garbage", "refusals", "other names too",
	} {
		l.mode.Store(mode)
		list, err := s.dut.waits("fresh" + string(rune('a'+i)) + ".maker.example")
		astray := slices.ContainsFunc(list, func(a netip.Addr) bool { return a == wide(4, 30) || a == lan(4, 11) })
		b.check(t, mode+": nobody is led astray", false, astray)
		b.check(t, mode+": there is an answer, or it is said that there is none", nil, err)
		again, err := s.dut.lookUp("cloud.maker.example", 4)
		b.check(t, mode+": what is known is answered", true, err == nil && slices.Contains(again, wide(4, 20)))
		b.check(t, mode+": and reached", true, s.dut.reaches(&s.receiver, "tcp", named))
		b.check(t, mode+": what is not listed", false, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(4, 30), service)))
		if mode == "silent" {
			s.told(t, &b, mode, "Nobody who is asked for names answers", "Personne de ceux à qui l’on demande les noms ne répond")
		}
		l.mode.Store("good")
		s.until("names are resolved again", func() bool {
			list, err := s.dut.lookUp("after"+string(rune('a'+i))+".maker.example", 4)
			return err == nil && slices.Contains(list, wide(4, 20))
		})
	}
	s.until("nothing is wrong any more", func() bool { return len(s.faults()) == 0 })
}
