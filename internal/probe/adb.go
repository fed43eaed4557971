package probe

import (
	"context"
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/assess"
)

// adb asks for the Android Debug Bridge (AOSP, protocol.txt).
func (r *run) adb(ctx context.Context, port uint16) string {
	from, name := r.next(), portName("tcp", port)
	c, err := r.dial(ctx, "tcp", port, "CNXN")
	if err != nil {
		return ""
	}
	defer c.Close()
	if _, err := c.Write(adbHello()); err != nil {
		return ""
	}
	b := c.until(24, 2*r.greet, func(b []byte) bool { return len(b) >= 24 })
	if len(b) < 24 {
		return ""
	}
	switch word := string(b[:4]); word {
	case "CNXN":
		c.received("CNXN")
		r.found("debug.open", assess.Bad, name, "the Android Debug Bridge lets anybody in", from)
		r.found("access.open", assess.Bad, name, "the Android Debug Bridge lets anybody in", from)
		return "adb"
	case "AUTH", "STLS":
		c.received("%s", word)
		return "adb"
	}
	return ""
}

func adbHello() []byte {
	const word = 0x4e584e43 // CNXN
	data := []byte("host::\x00")
	sum := uint32(0)
	for _, b := range data {
		sum += uint32(b)
	}
	var h []byte
	for _, v := range []uint32{word, 0x01000000, 4096, uint32(len(data)), sum, word ^ 0xffffffff} {
		h = binary.LittleEndian.AppendUint32(h, v)
	}
	return append(h, data...)
}
