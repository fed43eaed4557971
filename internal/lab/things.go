package lab

import (
	"crypto/aes"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/netip"
	"time"
)

// Kasa's local protocol: JSON, each octet exclusive-ored with the one before it on the wire.
func kasa(text string) []byte {
	b := make([]byte, len(text))
	key := byte(171)
	for i := range text {
		key ^= text[i]
		b[i] = key
	}
	return b
}

const kasaQuery = `{"system":{"get_sysinfo":{}}}`

func (a *Actor) kasaInfo() string {
	return fmt.Sprintf(`{"system":{"get_sysinfo":{"err_code":0,"sw_ver":"1.2.6 Build 200727 Rel.120821","hw_ver":"1.0","type":"IOT.SMARTPLUGSWITCH","model":"%s","mac":"%s","deviceId":"%X","hwId":"%X","oemId":"%X","alias":"Washing machine","dev_name":"Wi-Fi Smart Plug With Energy Monitoring","icon_hash":"","relay_state":1,"on_time":4711,"active_mode":"schedule","feature":"TIM:ENE","updating":0,"rssi":-58,"led_off":0,"latitude_i":0,"longitude_i":0}}}`,
		a.Model, a.mac, digest(a.mac[:], 20), digest(a.mac[:3], 16), digest(a.mac[3:], 16))
}

func digest(b []byte, n int) []byte {
	x, y := md5.Sum(b), md5.Sum(append([]byte{1}, b...))
	return append(x[:], y[:]...)[:n]
}

// FindKasa asks everyone for Kasa devices; those named answer.
func (a *Actor) FindKasa(names ...string) {
	from := netip.AddrPortFrom(a.v4, a.newPort())
	a.cast(from.Port(), netip.AddrPortFrom(a.broadcast(), 9999), kasa(kasaQuery))
	for _, name := range names {
		b := a.play.actor(name)
		b.at(a.play.after(a.now, &b.host)+int64(5*time.Millisecond), func() {
			b.play.udp(b.now, &b.host, a.mac, netip.AddrPortFrom(b.v4, 9999), from, kasa(b.kasaInfo()))
		})
	}
	a.Wait(200 * time.Millisecond)
}

// SwitchKasa turns a Kasa plug on over TCP.
func (a *Actor) SwitchKasa(name string) {
	frame := func(text string) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), kasa(text)...)
	}
	c := a.Dial(name, 9999)
	c.Send(frame(kasaQuery))
	c.Recv(frame(a.play.actor(name).kasaInfo()))
	c.Send(frame(`{"system":{"set_relay_state":{"state":1}}}`))
	c.Recv(frame(`{"system":{"set_relay_state":{"err_code":0}}}`))
	c.Close()
}

// Tuya tells everyone where a Tuya device is: in the clear on port 6666, or, from version 3.3, encrypted with
// a key that is the same for all on 6667.
func (a *Actor) Tuya(version, productKey string) {
	id := fmt.Sprintf("bf%xplms", digest(a.mac[:], 8))
	text := fmt.Appendf(nil, `{"ip":"%s","gwId":"%s","active":2,"ability":0,"mode":0,"encrypt":true,"productKey":"%s","version":"%s"}`,
		a.v4, id, productKey, version)
	port, command := uint16(6666), uint32(0)
	if version >= "3.3" {
		port, command = 6667, 0x13
		key := md5.Sum([]byte("yGAdlopoPVldABfn"))
		text = ecb(key[:], text)
	}
	b := binary.BigEndian.AppendUint32(nil, 0x000055aa)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, command)
	b = binary.BigEndian.AppendUint32(b, uint32(4+len(text)+8))
	b = append(append(b, 0, 0, 0, 0), text...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = binary.BigEndian.AppendUint32(b, 0x0000aa55)
	a.cast(port, netip.AddrPortFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), port), b)
}

func ecb(key, text []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil // the key has sixteen octets
	}
	pad := 16 - len(text)%16
	for range pad {
		text = append(text, byte(pad))
	}
	for i := 0; i < len(text); i += 16 {
		block.Encrypt(text[i:], text[i:])
	}
	return text
}

// MQTT is a connection of a client to a broker (MQTT 3.1.1).
type MQTT struct {
	a *Actor
	s stream
	n uint16
}

// MQTT connects to a broker over a stream. An empty user sends none.
func (a *Actor) MQTT(s stream, id, user, password string) *MQTT {
	flags := byte(2)
	body := mqttText(id)
	if user != "" {
		flags |= 0xc0
		body = append(append(body, mqttText(user)...), mqttText(password)...)
	}
	head := append(mqttText("MQTT"), 4, flags, 0, 60)
	s.Send(mqtt(0x10, append(head, body...)))
	s.Recv(mqtt(0x20, []byte{0, 0}))
	return &MQTT{a: a, s: s}
}

// Subscribe asks for a topic.
func (m *MQTT) Subscribe(topic string) {
	m.n++
	m.s.Send(mqtt(0x82, append(append([]byte{byte(m.n >> 8), byte(m.n)}, mqttText(topic)...), 0)))
	m.s.Recv(mqtt(0x90, []byte{byte(m.n >> 8), byte(m.n), 0}))
}

// Publish sends a message.
func (m *MQTT) Publish(topic, text string) { m.s.Send(mqtt(0x30, append(mqttText(topic), text...))) }

// Ping keeps the connection alive.
func (m *MQTT) Ping() {
	m.s.Send(mqtt(0xc0, nil))
	m.s.Recv(mqtt(0xd0, nil))
}

func mqttText(s string) []byte { return vector16([]byte(s)) }

func mqtt(kind byte, body []byte) []byte {
	b := []byte{kind}
	n := len(body)
	for ; n > 127; n /= 128 {
		b = append(b, byte(n%128)|128)
	}
	return append(append(b, byte(n)), body...)
}

// CoAP sends a confirmable request and its answer (RFC 7252). Code 1 is GET, 2 POST.
func (a *Actor) CoAP(to string, code byte, path []string, payload, answer string) {
	peer := a.resolve(to)
	id, token := octets(a.rng, 2), octets(a.rng, 4)
	b := append([]byte{0x44, code}, append(id, token...)...)
	last := byte(0)
	option := func(number byte, value string) {
		b = append(append(b, (number-last)<<4|byte(len(value))), value...)
		last = number
	}
	if peer.server != nil && len(to) < 13 {
		option(3, to)
	}
	for _, p := range path {
		option(11, p)
	}
	if payload != "" {
		option(12, "\x32") // application/json
		b = append(append(b, 0xff), payload...)
	}
	r := append([]byte{0x64, 0x45}, append(id, token...)...)
	r = append(r, 0xc1, 0x28) // application/link-format
	if code == 2 {
		r[1] = 0x44
		r = r[:8]
	}
	if answer != "" {
		r = append(append(r, 0xff), answer...)
	}
	a.ask(peer, 5683, b, r)
}
