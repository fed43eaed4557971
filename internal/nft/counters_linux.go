package nft

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
)

// Stopped counts what the rules stopped of a device since they know it.
type Stopped struct {
	Out     uint64 // packets that it sent
	In      uint64 // packets that were sent to it
	Spoofed uint64 // packets with an address of another one
}

// Counters are what was stopped, by device.
func (k *Kernel) Counters(_ context.Context) (map[frame.MAC]Stopped, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := map[frame.MAC]Stopped{}
	if k.loaded == nil {
		return all, nil
	}
	owner := map[netip.Addr]frame.MAC{}
	for _, b := range bindings(k.loaded.devices) {
		owner[b.addr] = b.device.MAC
	}
	for _, t := range k.loaded.tables {
		for _, name := range []string{"stopped", "stopped4", "stopped6", "spoofing", "spoofing_edge"} {
			if t.at[name] == nil {
				continue
			}
			err := k.count(t.family, name, func(key []byte, packets uint64) {
				var m frame.MAC
				if name == "stopped4" || name == "stopped6" {
					a, _ := netip.AddrFromSlice(key)
					var ok bool
					if m, ok = owner[a]; !ok {
						return
					}
				} else if copy(m[:], key) < len(m) {
					return
				}
				s := all[m]
				switch name {
				case "stopped":
					s.Out += packets
				case "stopped4", "stopped6":
					s.In += packets
				default:
					s.Spoofed += packets
				}
				all[m] = s
			})
			if err != nil {
				return nil, denied(fmt.Errorf("read counters: %w", err))
			}
		}
	}
	return all, nil
}

// count calls f with the packets of each element of a set that counts.
func (k *Kernel) count(family, set string, f func(key []byte, packets uint64)) error {
	return k.each(family, set, func(key []byte, packets uint64, _ time.Duration) { f(key, packets) })
}

// each calls f with each element of a set: its key, what it counted, and how long it still stands.
func (k *Kernel) each(family, set string, f func(key []byte, packets uint64, left time.Duration)) error {
	return k.socket.ask(getElement, 0x300, families[family], func(b []byte) []byte {
		return attribute(attribute(b, 1, []byte(Table+"\x00")), 2, []byte(set+"\x00"))
	}, func(b []byte) {
		attributes(b, func(kind uint16, list []byte) {
			if kind != 3 { // NFTA_SET_ELEM_LIST_ELEMENTS
				return
			}
			attributes(list, func(_ uint16, element []byte) {
				var key []byte
				var packets uint64
				var left time.Duration
				attributes(element, func(kind uint16, value []byte) {
					switch kind {
					case 1: // NFTA_SET_ELEM_KEY
						attributes(value, func(_ uint16, v []byte) { key = v })
					case 5: // NFTA_SET_ELEM_EXPIRATION, ms
						if len(value) == 8 {
							left = time.Duration(be.Uint64(value)) * time.Millisecond
						}
					case 7: // NFTA_SET_ELEM_EXPR
						attributes(value, func(kind uint16, data []byte) {
							if kind == 2 { // NFTA_EXPR_DATA
								attributes(data, func(kind uint16, v []byte) {
									if kind == 2 && len(v) == 8 { // NFTA_COUNTER_PACKETS
										packets = be.Uint64(v)
									}
								})
							}
						})
					}
				})
				f(key, packets, left)
			})
		})
	})
}
