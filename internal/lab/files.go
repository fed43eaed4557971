package lab

import (
	"bytes"
	"fmt"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// Files are the project's own captures, with the truth about them, as they lie in its testdata folder.
func Files() ([]File, error) {
	var files []File
	add := func(name string, data []byte) { files = append(files, File{name, data}) }

	home, err := Family().Play()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	ng := wire.Pcapng{
		Interfaces: []wire.Interface{{Name: "br-lan", Link: frame.LinkEthernet, Resolution: 9}},
		Comment:    "A home, played by internal/lab: no real device, person or network is in it.",
	}
	if err := ng.Write(&b, home.Packets); err != nil {
		return nil, fmt.Errorf("write the home: %w", err)
	}
	truth, err := home.Truth.JSON()
	if err != nil {
		return nil, fmt.Errorf("write the truth: %w", err)
	}
	add("home.pcapng", b.Bytes())
	add("home.truth.json", truth)

	attack, err := Infected().Play()
	if err != nil {
		return nil, err
	}
	var c bytes.Buffer
	if err := (wire.Pcap{Link: frame.LinkEthernet}).Write(&c, attack.Packets); err != nil {
		return nil, fmt.Errorf("write the attack: %w", err)
	}
	if truth, err = attack.Truth.JSON(); err != nil {
		return nil, fmt.Errorf("write the truth: %w", err)
	}
	add("attack.pcap", c.Bytes())
	add("attack.truth.json", truth)

	bench, err := Bench().Play()
	if err != nil {
		return nil, err
	}
	var d bytes.Buffer
	if err := (wire.Pcap{Link: frame.LinkEthernet}).Write(&d, bench.Packets); err != nil {
		return nil, fmt.Errorf("write the bench: %w", err)
	}
	add("maker/bench.pcap", d.Bytes())

	small, err := formats()
	if err != nil {
		return nil, fmt.Errorf("write the formats: %w", err)
	}
	return append(files, small...), nil
}
