package notice

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
)

// The packets of MQTT 3.1.1 that it takes to publish (OASIS, §2.2.1); libraries for it are twenty times as large, and do
// what is not needed here.
const (
	mqttConnect    = 1
	mqttConnAck    = 2
	mqttPublish    = 3
	mqttPubAck     = 4
	mqttDisconnect = 14
)

// publication is one message on one topic.
type publication struct {
	topic  string
	body   []byte
	retain bool // whoever subscribes later gets it too
}

// mqtt publishes a message: the last week stays on its topic, an alert does not.
func (c *Channel) mqtt(ctx context.Context, m Message) error {
	body, err := json.Marshal(m.document())
	if err != nil {
		return err
	}
	p := publication{c.Topic + "/alert", body, false}
	if m.Week != nil {
		p = publication{c.Topic + "/week", body, true}
	}
	return c.publish(ctx, p)
}

// publish connects, publishes with “at least once” (QoS 1), and parts when the broker has it all.
func (c *Channel) publish(ctx context.Context, list ...publication) error {
	u, err := url.Parse(c.Server)
	if err != nil {
		return err
	}
	host := u.Hostname()
	conn, err := call(ctx, net.JoinHostPort(host, c.port(u)), u.Scheme == "mqtt")
	if err != nil {
		return trouble(err, unreachable)
	}
	defer conn.Close()
	if u.Scheme == "mqtts" {
		secure, err := c.secure(host)
		if err != nil {
			return err
		}
		t := tls.Client(conn, secure)
		if err := t.HandshakeContext(ctx); err != nil {
			return trouble(err, noTLS)
		}
		conn = t
	}
	r := bufio.NewReader(conn)
	if _, err := conn.Write(c.connect()); err != nil {
		return trouble(err, nonsense)
	}
	kind, body, err := readMQTT(r)
	if err != nil {
		return trouble(err, nonsense)
	}
	if kind != mqttConnAck || len(body) != 2 {
		return &Trouble{nonsense, errors.New("the broker does not answer as one")}
	}
	switch body[1] { // §3.2.2.3
	case 0:
	case 4, 5:
		return &Trouble{password, errors.New("the broker refuses the name or the password")}
	default:
		return &Trouble{rejected, fmt.Errorf("the broker refuses the connection: %d", body[1])}
	}
	for i, p := range list {
		id := uint16(i + 1)
		head := byte(mqttPublish<<4 | 1<<1) // QoS 1
		if p.retain {
			head |= 1
		}
		rest := append(mqttText(nil, p.topic), byte(id>>8), byte(id))
		if _, err := conn.Write(mqttPacket(head, append(rest, p.body...))); err != nil {
			return trouble(err, rejected)
		}
		switch kind, body, err := readMQTT(r); {
		case errors.Is(err, io.EOF): // a broker of 3.1.1 that refuses a topic has no other way to say so
			return &Trouble{rejected, fmt.Errorf("the broker does not take %s", p.topic)}
		case err != nil:
			return trouble(err, nonsense)
		case kind != mqttPubAck || len(body) != 2 || binary.BigEndian.Uint16(body) != id:
			return &Trouble{nonsense, errors.New("the broker does not say that it has it")}
		}
	}
	_, _ = conn.Write([]byte{mqttDisconnect << 4, 0}) // it has all
	return nil
}

// connect is the packet that begins (§3.1): a clean session, under a name of its own.
func (c *Channel) connect() []byte {
	var name [6]byte
	_, _ = rand.Read(name[:]) // which never fails
	flags := byte(1 << 1)     // clean session
	rest := mqttText(nil, "plimsoll-"+hex.EncodeToString(name[:]))
	if c.User != "" || c.Secret != "" {
		flags |= 1 << 7
		rest = mqttText(rest, c.User)
	}
	if c.Secret != "" {
		flags |= 1 << 6
		rest = mqttText(rest, c.Secret)
	}
	head := append(mqttText(nil, "MQTT"), 4, flags, 0, 60) // level 4 is 3.1.1; keep-alive in seconds
	return mqttPacket(mqttConnect<<4, append(head, rest...))
}

// mqttText adds a text with its length (§1.5.3).
func mqttText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// mqttPacket is a packet with its header: seven bits of the length in each octet, the low ones first (§2.2.3).
func mqttPacket(head byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{head}, uint64(len(body))), body...)
}

// maxAnswer bounds a packet of the broker, octets: those that are waited for have two.
const maxAnswer = 1 << 10

// readMQTT reads a packet. The rest of its header does not matter here.
func readMQTT(r io.ByteReader) (kind byte, body []byte, err error) {
	head, err := r.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	n := 0
	for shift := 0; ; shift += 7 { // three octets at most: binary.ReadUvarint takes ten
		b, err := r.ReadByte()
		if err != nil {
			return 0, nil, noEnd(err)
		}
		n |= int(b&0x7f) << shift
		if b&0x80 == 0 {
			break
		}
		if shift >= 14 {
			return 0, nil, fmt.Errorf("%w: a packet of a broker", errTooMuch)
		}
	}
	if n > maxAnswer {
		return 0, nil, fmt.Errorf("%w: %d octets in a packet of a broker", errTooMuch, n)
	}
	body = make([]byte, n)
	for i := range body {
		if body[i], err = r.ReadByte(); err != nil {
			return 0, nil, noEnd(err)
		}
	}
	return head >> 4, body, nil
}

// noEnd is an error where more was to come.
func noEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
