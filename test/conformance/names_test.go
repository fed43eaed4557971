package conformance

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// lookUp asks the gateway where a name leads, over the family of addresses that it asks for.
func (d *thing) lookUp(name string, family int) ([]netip.Addr, error) {
	return d.lookUpAt(netip.AddrPortFrom(lan(family, 1), 53), name, family)
}

// lookUpAt asks somebody: by UDP, and again by TCP if the answer was cut (RFC 7766 §5).
func (d *thing) lookUpAt(at netip.AddrPort, name string, family int) (list []netip.Addr, err error) {
	q := new(dns.Msg).SetQuestion(dns.Fqdn(name), map[int]uint16{4: dns.TypeA, 6: dns.TypeAAAA}[family])
	q.SetEdns0(1232, false)
	answer, err := d.exchange("udp", at, q)
	if err == nil && answer.Truncated {
		answer, err = d.exchange("tcp", at, q)
	}
	if err != nil {
		return nil, err
	}
	for _, rr := range answer.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			a, _ := netip.AddrFromSlice(rr.A.To4())
			list = append(list, a)
		case *dns.AAAA:
			a, _ := netip.AddrFromSlice(rr.AAAA)
			list = append(list, a)
		}
	}
	if answer.Rcode != dns.RcodeSuccess {
		return nil, errors.New(dns.RcodeToString[answer.Rcode])
	}
	return list, nil
}

func (d *thing) exchange(network string, at netip.AddrPort, q *dns.Msg) (answer *dns.Msg, err error) {
	var conn net.Conn
	err = d.do(func() (err error) {
		conn, err = net.DialTimeout(network, at.String(), time.Second)
		return err
	})
	if err != nil {
		return nil, err
	}
	c := &dns.Conn{Conn: conn, UDPSize: 4096}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(3 * time.Second))
	if err := c.WriteMsg(q); err != nil {
		return nil, err
	}
	return c.ReadMsg()
}

// leads reports whether a name leads a device to addresses.
func (d *thing) leads(name string, family int) bool {
	list, err := d.lookUp(name, family)
	return err == nil && len(list) > 0
}

// names is the DNS of the Internet.
type names struct {
	mu    sync.Mutex
	known map[string][]netip.Addr
	alias map[string]string // CNAME
	brief map[string]bool   // may not be kept: a TTL of 0
}

func (n *names) change(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known, n.alias, n.brief = map[string][]netip.Addr{}, map[string]string{}, map[string]bool{}
	}
	f()
}

// lead has a name lead to addresses.
func (n *names) lead(name string, to ...netip.Addr) { n.change(func() { n.known[name] = to }) }

// serve answers by UDP and TCP.
func (n *names) serve(t *testing.T, in *namespace, at netip.AddrPort) {
	t.Helper()
	err := in.do(func() error {
		u, err := net.ListenPacket("udp", at.String())
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", at.String())
		if err != nil {
			return err
		}
		for _, s := range []*dns.Server{{PacketConn: u, Handler: n}, {Listener: l, Handler: n}} {
			go func() { _ = s.ActivateAndServe() }()
		}
		t.Cleanup(func() { _, _ = u.Close(), l.Close() })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

const timeToLive = 60 // of records, seconds

func (n *names) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg).SetReply(q)
	n.mu.Lock()
	name, qtype := strings.ToLower(strings.TrimSuffix(q.Question[0].Name, ".")), q.Question[0].Qtype
	ttl := uint32(timeToLive)
	if n.brief[name] {
		ttl = 0
	}
	owner := q.Question[0].Name
	for range len(n.alias) {
		to, ok := n.alias[name]
		if !ok {
			break
		}
		m.Answer = append(m.Answer, &dns.CNAME{
			Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: ttl}, Target: dns.Fqdn(to),
		})
		name, owner = to, dns.Fqdn(to)
	}
	list, ok := n.known[name]
	n.mu.Unlock()
	if !ok {
		m.Rcode = dns.RcodeNameError
	}
	for _, a := range list {
		h := dns.RR_Header{Name: owner, Rrtype: qtype, Class: dns.ClassINET, Ttl: ttl}
		switch {
		case a.Is4() && qtype == dns.TypeA:
			m.Answer = append(m.Answer, &dns.A{Hdr: h, A: a.AsSlice()})
		case a.Is6() && qtype == dns.TypeAAAA:
			m.Answer = append(m.Answer, &dns.AAAA{Hdr: h, AAAA: a.AsSlice()})
		}
	}
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
		size := dns.MinMsgSize
		if o := q.IsEdns0(); o != nil {
			size = int(o.UDPSize())
		}
		m.Truncate(size)
	}
	_ = w.WriteMsg(m)
}
