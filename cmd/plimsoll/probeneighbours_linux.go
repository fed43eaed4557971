//go:build !gateway

package main

import (
	"net/netip"

	"plimsoll.example/plimsoll/internal/enforce"
	"plimsoll.example/plimsoll/internal/frame"
)

func systemNeighbours() map[netip.Addr]frame.MAC { return enforce.Neighbours() }
