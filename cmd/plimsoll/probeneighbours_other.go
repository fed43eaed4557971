//go:build !gateway && !linux

package main

import (
	"net/netip"

	"plimsoll.example/plimsoll/internal/frame"
)

// systemNeighbours are not asked for here: a device is named by its address or its name.
func systemNeighbours() map[netip.Addr]frame.MAC { return nil }
