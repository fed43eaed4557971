package lab

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/klauspost/compress/zstd"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// File is one file of test data.
type File struct {
	Name string // relative to the folder of the test data, with slashes
	Data []byte
}

// Talk is a conversation of a laptop with a resolver and a web site, over both families of IP, that fits on
// a page: what the captures of the various formats hold. Its times are whole microseconds, so that no
// format loses any of it.
func Talk() (*Trace, error) {
	h := &Home{
		Seed: 7, Start: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), Length: time.Minute,
		LAN4: netip.MustParsePrefix("192.168.1.0/24"), LAN6: netip.MustParsePrefix("2001:db8:1d:1::/64"), Domain: "home.arpa",
		Router: Device{Name: "router", Kind: device.Infrastructure, Category: "router", MACs: macs("02:00:5e:10:00:01"), IPv6: FromMAC, Stack: Linux},
		Devices: []Device{{
			Name: "laptop", Kind: device.General, Category: "computer", MACs: macs("02:00:5e:10:00:0a"), IPv4: ip4(10), IPv6: FromMAC, Stack: Linux, Agent: "lab/1",
			Script: func(a *Actor) {
				a.solicit()
				page := Page{"200 OK", "lab", "text/plain", "", "hello, home\n"}
				a.Get("www.example.com", 80, "/four", "", page)
				a.Prefer6 = true
				a.Get("www.example.org", 80, "/six", "", page)
			},
		}},
		Servers: []Server{
			{Name: "www.example.com", Distance: 20 * time.Millisecond, IPv4: []netip.Addr{netip.MustParseAddr("203.0.113.80")}},
			{Name: "www.example.org", Distance: 20 * time.Millisecond, IPv4: []netip.Addr{netip.MustParseAddr("203.0.113.81")}, IPv6: []netip.Addr{netip.MustParseAddr("2001:db8:5e::81")}},
		},
	}
	t, err := h.Play()
	if err != nil {
		return nil, err
	}
	for i := range t.Packets {
		t.Packets[i].Time -= t.Packets[i].Time % 1000
	}
	return t, nil
}

// formats are the files of one conversation in every form.
func formats() ([]File, error) {
	talk, err := Talk()
	if err != nil {
		return nil, err
	}
	gateway := macs("02:00:5e:10:00:01")[0]
	var files []File
	add := func(name string, data []byte) { files = append(files, File{"formats/" + name, data}) }
	pcap := func(f wire.Pcap, packets []wire.Packet) []byte {
		b := f.AppendHeader(nil)
		for _, p := range packets {
			b = f.AppendPacket(b, p)
		}
		return b
	}
	as := func(link frame.LinkType, name string, carry func(i int, f []byte) []byte) {
		var packets []wire.Packet
		for i, p := range talk.Packets {
			if f := carry(i, p.Data); f != nil {
				packets = append(packets, wire.Packet{Time: p.Time, Data: f})
			}
		}
		add(name+".pcap", pcap(wire.Pcap{Link: link}, packets))
	}
	plain := wire.Pcap{Link: frame.LinkEthernet}

	// Containers.
	classic := pcap(plain, talk.Packets)
	add("micro.pcap", classic)
	add("nano.pcap", pcap(wire.Pcap{Link: frame.LinkEthernet, Nano: true}, talk.Packets))
	add("big-endian.pcap", pcap(wire.Pcap{Link: frame.LinkEthernet, BigEndian: true}, talk.Packets))
	add("big-endian-nano.pcap", pcap(wire.Pcap{Link: frame.LinkEthernet, BigEndian: true, Nano: true}, talk.Packets))
	add("snapped.pcap", pcap(wire.Pcap{Link: frame.LinkEthernet, Snap: 144}, talk.Packets))
	var ng bytes.Buffer
	one := wire.Pcapng{Interfaces: []wire.Interface{{Name: "br-lan", Link: frame.LinkEthernet, Resolution: 9}}, Comment: "one interface, nanoseconds"}
	if err := one.Write(&ng, talk.Packets); err != nil {
		return nil, err
	}
	next := bytes.Clone(ng.Bytes())
	add("one-interface.pcapng", next)
	ng.Reset()
	two := wire.Pcapng{BigEndian: true, Interfaces: []wire.Interface{
		{Name: "br-lan", Link: frame.LinkEthernet, Resolution: 6}, {Name: "wg0", Link: frame.LinkRaw, Resolution: 9},
	}}
	var both []wire.Packet
	for _, p := range talk.Packets {
		if d := wire.Datagram(p.Data); d != nil && d[0]>>4 == 6 {
			p = wire.Packet{Time: p.Time, Data: d, Interface: 1}
		}
		both = append(both, p)
	}
	if err := two.Write(&ng, both); err != nil {
		return nil, err
	}
	add("two-interfaces.pcapng", bytes.Clone(ng.Bytes()))

	var packed bytes.Buffer
	gz := gzip.NewWriter(&packed)
	if _, err := gz.Write(classic); err != nil {
		return nil, err
	}
	if err := gz.Close(); err != nil {
		return nil, err
	}
	add("micro.pcap.gz", packed.Bytes())
	zs, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	add("micro.pcap.zst", zs.EncodeAll(classic, nil))

	// Link types.
	as(frame.LinkEthernet, "vlan", func(_ int, f []byte) []byte { return wire.Tag(f, wire.TypeVLAN<<16|42) })
	as(frame.LinkEthernet, "qinq", func(_ int, f []byte) []byte { return wire.Tag(f, wire.TypeQinQ<<16|7, wire.TypeVLAN<<16|42) })
	as(frame.LinkEthernet, "pppoe", func(_ int, f []byte) []byte { return wire.PPPoE(f, 17) })
	as(frame.LinkPPP, "ppp", func(_ int, f []byte) []byte { return wire.PPP(f) })
	as(frame.LinkRaw, "raw", func(_ int, f []byte) []byte { return wire.Datagram(f) })
	as(frame.LinkNull, "null", func(_ int, f []byte) []byte { return wire.Null(f, binary.LittleEndian) })
	as(frame.LinkLoop, "loop", func(_ int, f []byte) []byte { return wire.Null(f, binary.BigEndian) })
	as(frame.LinkSLL, "sll", func(_ int, f []byte) []byte { return wire.SLL(f, gateway) })
	as(frame.LinkSLL2, "sll2", func(_ int, f []byte) []byte { return wire.SLL2(f, gateway) })
	as(frame.LinkDot11, "80211", func(i int, f []byte) []byte { return wire.Dot11(f, gateway, uint16(i)) })
	as(frame.LinkRadiotap, "radiotap", func(i int, f []byte) []byte { return wire.Radiotap(f, gateway, uint16(i)) })

	// Network headers.
	as(frame.LinkEthernet, "extensions", func(_ int, f []byte) []byte { return wire.Extend(f) })
	var pieces, swapped []wire.Packet
	for i, p := range talk.Packets {
		cut := wire.Fragment(p.Data, 48, uint32(i)<<8|1)
		for j, f := range cut {
			pieces = append(pieces, wire.Packet{Time: p.Time + int64(j)*1000, Data: f})
		}
		for j := range cut { // the last piece first
			swapped = append(swapped, wire.Packet{Time: p.Time + int64(j)*1000, Data: cut[len(cut)-1-j]})
		}
	}
	add("fragments.pcap", pcap(plain, pieces))
	add("fragments-reversed.pcap", pcap(plain, swapped))

	// What goes wrong with files.
	add("cut.pcap", classic[:len(classic)-37])
	add("cut.pcapng", next[:len(next)*2/3])
	damaged := bytes.Clone(classic)
	at := 24
	for range 7 {
		at += 16 + int(binary.LittleEndian.Uint32(damaged[at+8:]))
	}
	binary.LittleEndian.PutUint32(damaged[at+8:], 0xfffffff0) // the eighth packet claims 4 GiB
	add("damaged.pcap", damaged)
	add("header-only.pcap", classic[:24])
	return files, nil
}
