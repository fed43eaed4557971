package report_test

import (
	"testing"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/report"
)

func TestPeersAreGroupedByWhatTheyAreFor(t *testing.T) {
	id := device.Identity{Maker: "TP-Link", Because: []device.Reason{{Fact: "dns.query", Value: "cloud.test", Weight: 2}}}
	for _, tt := range []struct {
		peer inspect.Peer
		want string
	}{
		{inspect.Peer{Name: "devs.tplinkcloud.com", Scope: "internet", Services: []string{"tcp/443 tls"}}, "maker"},
		{inspect.Peer{Name: "eu.cloud.test", Scope: "internet", Services: []string{"tcp/443 tls"}}, "maker"},
		{inspect.Peer{Name: "notcloud.test", Scope: "internet", Services: []string{"tcp/443 tls"}}, "internet"},
		{inspect.Peer{Name: "fw-download.example.com", Scope: "internet", Services: []string{"tcp/80 http"}}, "update"},
		{inspect.Peer{Name: "pool.ntp.org", Scope: "internet", Services: []string{"udp/123 ntp"}}, "clock"},
		{inspect.Peer{Scope: "internet", Services: []string{"udp/53 dns"}}, "names"},
		{inspect.Peer{Scope: "internet", Services: []string{"udp/53 dns", "tcp/443 tls"}}, "internet"},
		{inspect.Peer{Scope: "internet", Services: []string{"udp/123"}}, "clock"},
		{inspect.Peer{Scope: "internet", Services: []string{"tcp/53", "udp/53"}}, "names"},
		{inspect.Peer{Scope: "internet"}, "internet"},
		{inspect.Peer{Name: "nas", Scope: "lan", Services: []string{"udp/123 ntp"}}, "home"},
		{inspect.Peer{Scope: "gateway"}, "router"},
		{inspect.Peer{Scope: "multicast"}, "nearby"},
	} {
		if got := report.Purpose(&id, &tt.peer); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.peer, got, tt.want)
		}
	}
}
