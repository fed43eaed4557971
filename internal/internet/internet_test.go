package internet_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"plimsoll.example/plimsoll/internal/internet"
)

// Whatever form an address of somebody’s own network is written in, nobody is led there; those of the Internet, and what
// a person allows, are reached.
func TestOnlyTheInternetIsConnectedTo(t *testing.T) {
	allow := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	for address, on := range map[string]bool{
		"1.1.1.1:443": true, "[2606:4700:4700::1111]:443": true, "10.1.2.3:80": true, "[64:ff9b::101:101]:443": true,
		"127.0.0.1:80": false, "10.2.0.1:80": false, "192.168.0.1:80": false, "169.254.169.254:80": false, "100.64.0.1:80": false,
		"0.0.0.0:80": false, "255.255.255.255:80": false, "224.0.0.251:5353": false, "[::1]:80": false, "[::]:80": false,
		"[fe80::1%eth0]:80": false, "[fd00::1]:80": false, "[ff02::1]:80": false, "[::ffff:192.168.0.1]:80": false,
		"[::ffff:10.1.2.3]:80": true, "[64:ff9b::c0a8:1]:80": false, "[2002:c0a8:1::]:80": false, "name.example:80": false, "": false,
	} {
		err := internet.Judge(allow)(t.Context(), "tcp", address, nil)
		if on != (err == nil) || err != nil && !errors.Is(err, internet.ErrAddress) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// An address of this machine, or of a network at home, is one however it is written; no other is.
func TestWhatIsAtHomeIsKnown(t *testing.T) {
	for address, home := range map[string]bool{
		"127.0.0.1": true, "::ffff:127.0.0.1": true, "10.1.2.3": true, "::ffff:192.168.0.1": true, "169.254.1.1": true, "fd00::1": true,
		"fe80::1%eth0": true, "100.64.0.1": false, "1.1.1.1": false, "::ffff:1.1.1.1": false, "2606:4700:4700::1111": false, "0.0.0.0": false,
	} {
		if internet.Home(netip.MustParseAddr(address)) != home {
			t.Errorf("%s: not %t", address, home)
		}
	}
	for host, own := range map[string]bool{
		"localhost": true, "127.0.0.2": true, "::1": true, "::ffff:127.0.0.1": true, "localhost.example": false, "10.1.2.3": false, "": false,
	} {
		if internet.Loopback(host) != own {
			t.Errorf("%s: not %t", host, own)
		}
	}
}

// A name that leads to this machine is refused before anything is sent.
func TestANameThatLeadsHomeIsNotConnectedTo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	d := net.Dialer{ControlContext: internet.Judge(nil)}
	if c, err := d.DialContext(context.Background(), "tcp", net.JoinHostPort("localhost", port)); !errors.Is(err, internet.ErrAddress) {
		t.Errorf("%v, %v", c, err)
	}
}
