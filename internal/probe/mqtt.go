package probe

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"plimsoll.example/plimsoll/internal/assess"
)

// mqtt looks at an MQTT server without TLS (MQTT 3.1.1).
func (r *run) mqtt(ctx context.Context, port uint16) string {
	from, name := r.next(), portName("tcp", port)
	a, err := r.mqttConnect(ctx, port, nil)
	if err != nil {
		return ""
	}
	if a == accepted {
		r.found("access.open", assess.Bad, name, "MQTT takes anybody without a name", from)
		return "mqtt"
	}
	r.found("login.clear", assess.Bad, name, "MQTT without TLS asks for a name and a password", from)
	r.logins(ctx, name, func(ctx context.Context, k Credential) (answer, error) { return r.mqttConnect(ctx, port, &k) })
	return "mqtt"
}

func (r *run) mqttConnect(ctx context.Context, port uint16, k *Credential) (answer, error) {
	what := "connect without a name"
	if k != nil {
		what = "log in"
	}
	c, err := r.dial(ctx, "tcp", port, what)
	if err != nil {
		return unknown, err
	}
	defer c.Close()
	if _, err := c.Write(mqttHello(k)); err != nil {
		return unknown, err
	}
	b := c.until(4, 2*r.greet, func(b []byte) bool { return len(b) >= 4 })
	if len(b) < 4 || b[0] != 0x20 || b[1] != 2 {
		return unknown, fmt.Errorf("no CONNACK")
	}
	c.received("CONNACK %d", b[3])
	if b[3] == 0 {
		_, _ = c.Write([]byte{0xe0, 0}) // DISCONNECT
		return accepted, nil
	}
	return refused, nil
}

// mqttHello is a CONNECT (MQTT 3.1.1, Section 3.1).
func mqttHello(k *Credential) []byte {
	text := func(b []byte, s string) []byte {
		return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
	}
	flags := byte(2) // clean session
	if k != nil {
		flags |= 0xc0
	}
	body := append(text(nil, "MQTT"), 4, flags, 0, 10)
	body = text(body, stranger)
	if k != nil {
		body = text(text(body, k.User), k.Password)
	}
	var out bytes.Buffer
	out.WriteByte(0x10)
	for n := len(body); ; {
		b := byte(n % 128)
		if n /= 128; n > 0 {
			b |= 128
		}
		out.WriteByte(b)
		if n == 0 {
			break
		}
	}
	out.Write(body)
	return out.Bytes()
}
