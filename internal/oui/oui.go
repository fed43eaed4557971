// Package oui tells to which organisation the IEEE assigned a link-layer address.
//
// The registry is embedded as one block of octets and searched where it lies: nothing is parsed or
// allocated, at start or later. Command gen makes the block from the IEEE's public listing, which
// the IEEE asserts no copyright in:
//
//	go run ./internal/oui/gen [-o registry.bin] FILE.csv...
//
// Without files it reads Debian's ieee-data. The block here comes from Debian's ieee-data of
// 2022-08-27 (MA-L, MA-M, MA-S) and, later assignments winning, the IEEE's MA-L listing of 2026-07.
package oui

import (
	_ "embed"

	"plimsoll.example/plimsoll/internal/frame"
)

// The block is a header, three tables sorted by prefix, and text.
//
//	"OUI1", then the number of rows of each table, then rows, then text
//	row: the prefix in whole octets, left-aligned, then the place of the name in the text
//	text: for each name its length in one octet, then its octets
//
// All numbers are big-endian; numbers of rows have four octets, places in the text three.
//
//go:embed registry.bin
var registry string

const (
	magic      = "OUI1"
	headerLen  = len(magic) + 3*4
	placeLen   = 3
	longPrefix = 5 // octets of the longest prefix, MA-S
)

// tables are the three sizes of assignment, in the order of the block.
var tables = [3]struct{ bits, octets int }{
	{24, 3}, // MA-L
	{28, 4}, // MA-M
	{36, 5}, // MA-S
}

// Lookup returns the organisation that m is assigned to, as the IEEE writes it, and the length of
// the assigned prefix in bits. Both are zero where there is none to name: for group and for locally
// administered addresses, for what is not assigned, for the address of nobody, and for assignees that asked for privacy.
func Lookup(m frame.MAC) (assignee string, bits int) {
	if m.IsGroup() || m.IsLocal() || m.IsZero() {
		return "", 0
	}
	from := [len(tables)]int{}
	at := headerLen
	for i, t := range tables {
		from[i] = at
		at += rows(i) * (t.octets + placeLen)
	}
	text := at
	for i := len(tables) - 1; i >= 0; i-- { // the longest prefix wins
		if place, ok := find(from[i], rows(i), i, m); ok {
			p := text + place
			n := int(registry[p])
			return registry[p+1 : p+1+n], tables[i].bits
		}
	}
	return "", 0
}

func rows(i int) int {
	p := len(magic) + 4*i
	return int(registry[p])<<24 | int(registry[p+1])<<16 | int(registry[p+2])<<8 | int(registry[p+3])
}

// find looks for the prefix of m among n rows of table i, which begin at from.
func find(from, n, i int, m frame.MAC) (place int, ok bool) {
	t := tables[i]
	var want [longPrefix]byte
	copy(want[:t.octets], m[:])
	if t.bits%8 != 0 {
		want[t.octets-1] &= 0xf0
	}
	key := string(want[:t.octets]) // compared only, so it stays on the stack
	width := t.octets + placeLen
	lo, hi := 0, n
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if registry[from+mid*width:from+mid*width+t.octets] < key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	p := from + lo*width
	if lo == n || registry[p:p+t.octets] != key {
		return 0, false
	}
	p += t.octets
	return int(registry[p])<<16 | int(registry[p+1])<<8 | int(registry[p+2]), true
}
