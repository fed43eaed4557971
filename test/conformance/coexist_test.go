package conformance

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
)

// The rulesets of others, as they look on a router of OpenWrt (fw4), on a machine with Docker (by iptables-nft), and on
// one with libvirt (by nft). br0 is the LAN, wan0 leads to the Internet.
const (
	fw4 = `table inet fw4 {
	chain input {
		type filter hook input priority filter; policy drop;
		iifname "lo" accept
		ct state vmap { established : accept, related : accept }
		iifname "br0" jump input_lan
		iifname "wan0" jump input_wan
		jump handle_reject
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state vmap { established : accept, related : accept }
		iifname "br0" jump forward_lan
		iifname "wan0" jump forward_wan
		jump handle_reject
	}
	chain output {
		type filter hook output priority filter; policy accept;
		oifname "lo" accept
		ct state vmap { established : accept, related : accept }
	}
	chain prerouting {
		type filter hook prerouting priority filter; policy accept;
	}
	chain handle_reject {
		meta l4proto tcp reject with tcp reset
		reject
	}
	chain input_lan {
		accept
	}
	chain input_wan {
		icmp type echo-request accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, nd-router-solicit } accept
		jump handle_reject
	}
	chain forward_lan {
		oifname { "br0", "wan0" } accept
	}
	chain forward_wan {
		ct status dnat accept
		tcp dport 6000 accept
		jump handle_reject
	}
	chain srcnat {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "wan0" meta nfproto ipv4 tcp dport 7000 masquerade
	}
	chain mangle_forward {
		type filter hook forward priority mangle; policy accept;
		iifname "wan0" tcp flags & (fin | syn | rst) == syn tcp option maxseg size set rt mtu
		oifname "wan0" tcp flags & (fin | syn | rst) == syn tcp option maxseg size set rt mtu
	}
}
`
	docker = `table ip nat {
	chain DOCKER {
		iifname "docker0" counter return
	}
	chain POSTROUTING {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 172.17.0.0/16 oifname != "docker0" counter masquerade
	}
	chain PREROUTING {
		type nat hook prerouting priority dstnat; policy accept;
		fib daddr type local counter jump DOCKER
	}
	chain OUTPUT {
		type nat hook output priority -100; policy accept;
		ip daddr != 127.0.0.0/8 fib daddr type local counter jump DOCKER
	}
}
table ip filter {
	chain DOCKER {
	}
	chain DOCKER-USER {
		iifname "br0" counter accept
		oifname "br0" counter accept
		counter return
	}
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
		counter jump DOCKER-USER
		oifname "docker0" ct state related,established counter accept
		oifname "docker0" counter jump DOCKER
		iifname "docker0" oifname != "docker0" counter accept
	}
}
`
	libvirt = `table ip libvirt_network {
	chain forward {
		type filter hook forward priority filter; policy accept;
		counter jump guest_cross
		counter jump guest_input
		counter jump guest_output
	}
	chain guest_output {
		ip saddr 192.168.122.0/24 iif "lo" counter accept
		iifname "virbr0" counter reject
	}
	chain guest_input {
		oifname "virbr0" ip daddr 192.168.122.0/24 ct state established,related counter accept
		oifname "virbr0" counter reject
	}
	chain guest_cross {
		iifname "virbr0" oifname "virbr0" counter accept
	}
	chain guest_nat {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 192.168.122.0/24 ip daddr != 192.168.122.0/24 counter masquerade
	}
}
`
)

// ruleset is all rules of the gateway, without how often they fitted.
func (h *house) ruleset() (text string) {
	h.t.Helper()
	err := h.gateway.do(func() error {
		out, err := exec.Command("nft", "-s", "list", "ruleset").Output()
		text = string(out)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return text
}

// The gateway holds beside other firewalls, each of which goes on to have its say, and leaves each as it was.
func TestOtherFirewallsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	own(t)
	for name, rules := range map[string]string{"fw4": fw4, "Docker": docker, "libvirt": libvirt, "all": fw4 + docker + libvirt} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b table
			defer b.print(t)
			s := newScene(t)
			kin := s.add("kin", 20)
			for _, f := range []int{4, 6} {
				kin.listen(t, &s.receiver, netip.AddrPortFrom(lan(f, 20), other))
			}
			load := func(text string) {
				t.Helper()
				err := s.gateway.do(func() error {
					cmd := exec.Command("nft", "-f", "-")
					cmd.Stdin = strings.NewReader(text)
					if out, err := cmd.CombinedOutput(); err != nil {
						return errors.New(string(out))
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			load(rules)
			before := s.ruleset()
			s.start()
			s.join(s.publishGood())
			s.settles(s.dut)
			r := &s.receiver
			cut := strings.Contains(rules, "fw4") // nothing but port 6000 comes in through it
			families(t, func(t *testing.T, f int) {
				v := fmt.Sprintf("beside-%s-v%d ", name, f)
				b.try(
					t,
					probe{v + "what the file lists", true, func() bool { return s.dut.reaches(r, "tcp", netip.AddrPortFrom(wide(f, 23), service)) }},
					probe{v + "what it does not", false, func() bool { return s.dut.reaches(r, "tcp", netip.AddrPortFrom(wide(f, 30), service)) }},
					probe{v + "a name that it lists", true, func() bool {
						_, err := s.dut.lookUp("cloud.maker.example", f)
						return err == nil && s.dut.reaches(r, "tcp", netip.AddrPortFrom(wide(f, 20), service))
					}},
					probe{v + "from the Internet, as listed", true, func() bool { return fromInternet(s, f, 24, netip.AddrPortFrom(lan(f, 10), inward)) }},
					probe{v + "from the Internet, not listed", false, func() bool { return fromInternet(s, f, 30, netip.AddrPortFrom(lan(f, 10), inward)) }},
					probe{v + "a neighbour that is not listed", false, func() bool { return s.dut.reaches(r, "tcp", netip.AddrPortFrom(lan(f, 20), other)) }},
					probe{v + "free: anywhere", true, func() bool { return kin.reaches(r, "tcp", netip.AddrPortFrom(wide(f, 30), other)) }},
					probe{v + "free: from the Internet, by the other firewall’s word", !cut, func() bool { return fromInternet(s, f, 30, netip.AddrPortFrom(lan(f, 20), other)) }},
				)
			})
			// the other firewall is started anew while the gateway runs: fw4 and Docker do so all the time
			fresh := ""
			for line := range strings.Lines(rules) {
				if f := strings.Fields(line); len(f) == 4 && f[0] == "table" {
					fresh += "delete table " + f[1] + " " + f[2] + "\n"
				}
			}
			load(fresh + rules)
			b.check(t, "beside-"+name+" the other starts anew: what the file does not list", false, s.dut.reaches(r, "tcp", netip.AddrPortFrom(wide(4, 30), service)))
			b.check(t, "beside-"+name+" the other starts anew: what it lists", true, s.dut.reaches(r, "tcp", netip.AddrPortFrom(wide(4, 23), service)))
			s.stop(15)
			program, _ := program()
			if err := s.gateway.run(program, "home", "off", "--state", s.dir); err != nil {
				t.Fatal(err)
			}
			after := s.ruleset()
			b.check(t, "beside-"+name+" off: the others’ rules, byte for byte", true, after == before)
			if after != before {
				t.Logf("before:\n%s\nafter:\n%s", before, after)
			}
			b.check(t, "beside-"+name+" off: anything", true, s.dut.reaches(r, "tcp", netip.AddrPortFrom(wide(4, 30), service)))
		})
	}
}
