package main

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/learn"
)

// placed says where addresses are, for who learns what a device with those link-layer addresses does.
func placed(network *device.Network, macs []frame.MAC) func(own, peer netip.Addr) learn.Place {
	return func(own, peer netip.Addr) learn.Place {
		p := learn.Place{Own: true, Scope: learn.Scope(network.Scope(frame.AddrFrom(peer)))}
		owner := network.Host(frame.AddrFrom(own))
		if owner != nil && !slices.ContainsFunc(macs, func(m frame.MAC) bool { return m == owner.MAC || slices.Contains(owner.MACs, m) }) {
			p.Own = false
		}
		switch {
		case p.Scope == "lan":
			p.Scope = learn.Local
		case p.Scope == learn.Multicast && !peer.IsMulticast():
			p.Scope = learn.Broadcast
		}
		if h := network.Host(frame.AddrFrom(peer)); h != nil {
			p.Resolver = h.Resolver
		}
		return p
	}
}

// nobodys is the MUD URL of a file that was learned: nobody will find anything there, and nobody else can claim it
// (RFC 6761 §6.4).
func nobodys(m frame.MAC) string {
	return "https://learned.invalid/" + strings.ReplaceAll(m.String(), ":", "-") + ".json"
}

// systemInfo is what a learned file says of its device, in at most 60 characters (RFC 8520 §3.7).
func systemInfo(maker, model, otherwise string) string {
	r := []rune(cmp.Or(strings.TrimSpace(maker+" "+model), otherwise))
	return string(r[:min(len(r), 60)])
}
