//go:build !linux

package e2e

import (
	"net/netip"
	"testing"
)

var ofCamera, ofPlug netip.Addr

// wiretap hears nothing where there are no networks of its own.
type wiretap struct{}

func (d *demo) tap(*testing.T) *wiretap { return nil }
func (w *wiretap) hears(netip.Addr)     {}
func (w *wiretap) misses(netip.Addr)    {}
