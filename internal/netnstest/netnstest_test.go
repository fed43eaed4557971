//go:build linux

package netnstest

import (
	"net"
	"os"
	"testing"
)

func TestRunIsAloneInItsNamespace(t *testing.T) {
	Run(t, func(t *testing.T) {
		all, err := net.Interfaces()
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range all {
			if i.Flags&net.FlagUp != 0 && i.Name != "lo" {
				t.Errorf("interface %s of the host is here", i.Name)
			}
		}
		if os.Getuid() != 0 {
			t.Errorf("user id %d, want 0", os.Getuid())
		}
		if l, err := net.Listen("tcp", "127.0.0.1:80"); err != nil {
			t.Errorf("no right over the loopback interface: %v", err)
		} else {
			l.Close()
		}
	})
}

func TestVethComesUp(t *testing.T) {
	Run(t, func(t *testing.T) {
		Veth(t, "a0", "b0")
		for _, name := range []string{"a0", "b0"} {
			i, err := net.InterfaceByName(name)
			if err != nil {
				t.Fatal(err)
			}
			if i.Flags&net.FlagUp == 0 {
				t.Errorf("%s is down", name)
			}
		}
	})
}
