package handshake

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"slices"
)

// Server is what a TLS server has and takes.
type Server struct {
	Certificate *Certificate
	Version     uint16 // the newest that it speaks
	ALPN        []string
}

// Flight is what one side sends before it waits for the other.
type Flight struct {
	FromClient bool
	Data       []byte
}

// Session is a TLS connection over a stream.
type Session struct {
	Flights []Flight // the handshake
	Keys    string   // in the format of SSLKEYLOGFILE
	Version uint16   // as negotiated
	seal    [2]sealer
}

const fromClient, fromServer = 0, 1

// Record types.
const (
	recordSwitch    = 20 // change_cipher_spec
	recordAlert     = 21
	recordHandshake = 22
	recordData      = 23
)

var errNoCommon = errors.New("client and server have no version or cipher suite in common")

// Dial plays the handshake of c with s, which c calls name.
func Dial(r *rand.Rand, c *Client, s *Server, name string) (*Session, error) {
	version := uint16(0)
	for _, v := range c.Versions {
		if v != grease && v <= s.Version {
			version = max(version, v)
		}
	}
	switch version {
	case TLS13:
		return dial13(r, c, s, name)
	case TLS12, TLS10:
		return dial12(r, c, s, name, version)
	}
	return nil, fmt.Errorf("connect to %q: %w", name, errNoCommon)
}

// Seal is data as records of one side.
func (s *Session) Seal(client bool, data []byte) []byte {
	var b []byte
	for len(data) > 0 {
		n := min(len(data), 1<<14)
		b = append(b, s.side(client).seal(recordData, data[:n])...)
		data = data[n:]
	}
	return b
}

// Close is the alert by which one side ends the connection.
func (s *Session) Close(client bool) []byte { return s.side(client).seal(recordAlert, []byte{1, 0}) }

func (s *Session) side(client bool) sealer {
	if client {
		return s.seal[fromClient]
	}
	return s.seal[fromServer]
}

func keyLine(label string, random, secret []byte) string {
	return fmt.Sprintf("%s %x %x\n", label, random, secret)
}

func (s *Server) alpn(c *Client) []byte {
	if !c.has(extALPN) {
		return nil
	}
	for _, p := range s.ALPN {
		if slices.Contains(c.ALPN, p) {
			return vector16(nil, vector8(nil, []byte(p)))
		}
	}
	return nil
}

// schedule is the key schedule of TLS 1.3 (RFC 8446, Section 7.1) together with the messages.
type schedule struct {
	hello, serverHello []byte // messages in the clear
	flight, finished   []byte // the rest of the server's, and of the client's
	random             []byte // the client's
	handshake, traffic [2][]byte
}

func exchange13(r *rand.Rand, c *Client, s *Server, name string, clientParams, serverParams []byte) (*schedule, error) {
	if !slices.Contains(c.Ciphers, aes128SHA256) || !slices.Contains(c.Shares, groupX25519) {
		return nil, fmt.Errorf("connect to %q: %w", name, errNoCommon)
	}
	o := c.offer(r, name, clientParams)
	x := &schedule{hello: o.message, random: o.random}

	key := must(ecdh.X25519().NewPrivateKey(octets(r, 32)))
	share := binary.BigEndian.AppendUint16(nil, groupX25519)
	share = vector16(share, key.PublicKey().Bytes())
	body := append([]byte{3, 3}, octets(r, 32)...)
	body = vector8(body, o.session)
	body = append(body, aes128SHA256>>8, aes128SHA256&0xff, 0)
	var exts []byte
	exts = vector16(append(exts, 0, extKeyShare), share)
	exts = vector16(append(exts, 0, extVersions), []byte{3, 4})
	x.serverHello = message(2, vector16(body, exts))

	shared := must(key.ECDH(o.keys[groupX25519].PublicKey()))
	early := must(hkdf.Extract(sha256.New, make([]byte, 32), nil))
	none := sha256.Sum256(nil)
	secret := must(hkdf.Extract(sha256.New, shared, expandLabel(early, "derived", none[:], 32)))
	transcript := sha256.New()
	transcript.Write(x.hello)
	transcript.Write(x.serverHello)
	soFar := transcript.Sum(nil)
	x.handshake[fromClient] = expandLabel(secret, "c hs traffic", soFar, 32)
	x.handshake[fromServer] = expandLabel(secret, "s hs traffic", soFar, 32)

	say := func(m []byte) {
		x.flight = append(x.flight, m...)
		transcript.Write(m)
	}
	exts = nil
	if p := s.alpn(c); p != nil {
		exts = vector16(append(exts, 0, extALPN), p)
	}
	if serverParams != nil {
		exts = vector16(append(exts, 0, extTransport), serverParams)
	}
	say(message(8, vector16(nil, exts)))
	var list []byte
	for _, der := range s.Certificate.Chain {
		list = append(vector24(list, der), 0, 0)
	}
	say(message(11, vector24([]byte{0}, list)))
	if _, ok := s.Certificate.key.Public().(*ecdsa.PublicKey); !ok {
		return nil, fmt.Errorf("connect to %q: TLS 1.3 is played with ECDSA keys only", name)
	}
	signed := append(bytes.Repeat([]byte{' '}, 64), "TLS 1.3, server CertificateVerify\x00"...)
	digest := sha256.Sum256(append(signed, transcript.Sum(nil)...))
	signature := must(s.Certificate.key.Sign(nil, digest[:], crypto.SHA256))
	say(message(15, vector16([]byte{signECDSA >> 8, signECDSA & 0xff}, signature)))
	say(message(20, finished13(x.handshake[fromServer], transcript)))

	secret = must(hkdf.Extract(sha256.New, make([]byte, 32), expandLabel(secret, "derived", none[:], 32)))
	soFar = transcript.Sum(nil)
	x.traffic[fromClient] = expandLabel(secret, "c ap traffic", soFar, 32)
	x.traffic[fromServer] = expandLabel(secret, "s ap traffic", soFar, 32)
	x.finished = message(20, finished13(x.handshake[fromClient], transcript))
	return x, nil
}

func (x *schedule) keyLog() string {
	return keyLine("CLIENT_HANDSHAKE_TRAFFIC_SECRET", x.random, x.handshake[fromClient]) +
		keyLine("SERVER_HANDSHAKE_TRAFFIC_SECRET", x.random, x.handshake[fromServer]) +
		keyLine("CLIENT_TRAFFIC_SECRET_0", x.random, x.traffic[fromClient]) +
		keyLine("SERVER_TRAFFIC_SECRET_0", x.random, x.traffic[fromServer])
}

func finished13(secret []byte, transcript hash.Hash) []byte {
	m := hmac.New(sha256.New, expandLabel(secret, "finished", nil, 32))
	m.Write(transcript.Sum(nil))
	return m.Sum(nil)
}

func expandLabel(secret []byte, label string, context []byte, n int) []byte {
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = vector8(info, []byte("tls13 "+label))
	return must(hkdf.Expand(sha256.New, secret, string(vector8(info, context)), n))
}

func dial13(r *rand.Rand, c *Client, s *Server, name string) (*Session, error) {
	x, err := exchange13(r, c, s, name, nil, nil)
	if err != nil {
		return nil, err
	}
	var early [2]sealer
	session := &Session{Version: TLS13, Keys: x.keyLog()}
	for side := range early {
		early[side] = newSealer13(x.handshake[side])
		session.seal[side] = newSealer13(x.traffic[side])
	}
	change := record(recordSwitch, TLS12, []byte{1})
	server := append(record(recordHandshake, TLS12, x.serverHello), change...)
	server = append(server, early[fromServer].seal(recordHandshake, x.flight)...)
	client := append(bytes.Clone(change), early[fromClient].seal(recordHandshake, x.finished)...)
	session.Flights = []Flight{
		{true, record(recordHandshake, TLS10, x.hello)},
		{false, server},
		{true, client},
	}
	return session, nil
}

func dial12(r *rand.Rand, c *Client, s *Server, name string, version uint16) (*Session, error) {
	_, elliptic := s.Certificate.key.Public().(*ecdsa.PublicKey)
	suite := uint16(ecdheRSAWithAES128SHA256)
	switch {
	case version == TLS10:
		suite = ecdheRSAWithAES128SHA
	case elliptic:
		suite = ecdheECDSAWithAES128SHA256
	}
	if !slices.Contains(c.Ciphers, suite) || elliptic && version == TLS10 {
		return nil, fmt.Errorf("connect to %q: %w", name, errNoCommon)
	}
	prf := prf12
	if version == TLS10 {
		prf = prf10
	}
	o := c.offer(r, name, nil)
	transcript := bytes.Clone(o.message)

	random := octets(r, 32)
	body := append([]byte{byte(version >> 8), byte(version)}, random...)
	body = vector8(body, octets(r, 32))
	body = append(body, byte(suite>>8), byte(suite), 0)
	var exts []byte
	exts = append(exts, 0xff, 0x01, 0, 1, 0)
	if c.has(extPointFormats) {
		exts = append(exts, 0, extPointFormats, 0, 2, 1, 0)
	}
	if c.has(extMasterSecret) {
		exts = append(exts, 0, extMasterSecret, 0, 0)
	}
	if p := s.alpn(c); p != nil {
		exts = vector16(append(exts, 0, extALPN), p)
	}
	server := message(2, vector16(body, exts))
	var list []byte
	for _, der := range s.Certificate.Chain {
		list = vector24(list, der)
	}
	server = append(server, message(11, vector24(nil, list))...)

	group := groupP256
	key := must(ecdh.P256().NewPrivateKey(octets(r, 32)))
	if slices.Contains(c.Groups, groupX25519) {
		group = groupX25519
		key = must(ecdh.X25519().NewPrivateKey(octets(r, 32)))
	}
	params := vector8([]byte{3, byte(group >> 8), byte(group)}, key.PublicKey().Bytes())
	signed := slices.Concat(o.random, random, params)
	kx := bytes.Clone(params)
	var signature []byte
	if version == TLS10 {
		m, h := md5.Sum(signed), sha1.Sum(signed)
		signature = must(s.Certificate.key.Sign(nil, append(m[:], h[:]...), crypto.MD5SHA1))
	} else {
		algorithm := uint16(signRSA)
		if elliptic {
			algorithm = signECDSA
		}
		digest := sha256.Sum256(signed)
		signature = must(s.Certificate.key.Sign(nil, digest[:], crypto.SHA256))
		kx = binary.BigEndian.AppendUint16(kx, algorithm)
	}
	server = append(server, message(12, vector16(kx, signature))...)
	server = append(server, message(14, nil)...)
	transcript = append(transcript, server...)

	mine := o.keys[uint16(group)]
	client := message(16, vector8(nil, mine.PublicKey().Bytes()))
	transcript = append(transcript, client...)
	premaster := must(key.ECDH(mine.PublicKey()))
	master := prf(premaster, "master secret", slices.Concat(o.random, random), 48)
	if c.has(extMasterSecret) { // RFC 7627
		master = prf(premaster, "extended master secret", digest(version, transcript), 48)
	}
	session := &Session{Version: version, Keys: keyLine("CLIENT_RANDOM", o.random, master)}
	keys := prf(master, "key expansion", slices.Concat(random, o.random), 104)
	if version == TLS10 {
		session.seal[fromClient] = newSealer10(keys[0:20], keys[40:56], keys[72:88])
		session.seal[fromServer] = newSealer10(keys[20:40], keys[56:72], keys[88:104])
	} else {
		session.seal[fromClient] = newSealer12(keys[0:16], keys[32:36])
		session.seal[fromServer] = newSealer12(keys[16:32], keys[36:40])
	}

	// Each message in a record of its own, as small stacks do; a legacy server sends one record.
	change := record(recordSwitch, version, []byte{1})
	done := message(20, prf(master, "client finished", digest(version, transcript), 12))
	transcript = append(transcript, done...)
	reply := message(20, prf(master, "server finished", digest(version, transcript), 12))
	helloVersion := uint16(TLS10)
	session.Flights = []Flight{
		{true, record(recordHandshake, helloVersion, o.message)},
		{false, records(version, server)},
		{true, slices.Concat(record(recordHandshake, version, client), change, session.seal[fromClient].seal(recordHandshake, done))},
		{false, slices.Concat(change, session.seal[fromServer].seal(recordHandshake, reply))},
	}
	return session, nil
}

// records puts each of the messages in a record of its own; TLS 1.0 here puts them all in one.
func records(version uint16, messages []byte) []byte {
	if version == TLS10 {
		return record(recordHandshake, version, messages)
	}
	var b []byte
	for len(messages) > 0 {
		n := 4 + int(messages[1])<<16 + int(messages[2])<<8 + int(messages[3])
		b = append(b, record(recordHandshake, version, messages[:n])...)
		messages = messages[n:]
	}
	return b
}

// digest is the hash of the handshake so far (RFC 5246, Section 7.4.9; RFC 2246, Section 7.4.9).
func digest(version uint16, transcript []byte) []byte {
	if version == TLS10 {
		m, h := md5.Sum(transcript), sha1.Sum(transcript)
		return append(m[:], h[:]...)
	}
	h := sha256.Sum256(transcript)
	return h[:]
}

// prf12 is the pseudorandom function of RFC 5246, Section 5.
func prf12(secret []byte, label string, seed []byte, n int) []byte {
	return pHash(sha256.New, secret, append([]byte(label), seed...), n)
}

// prf10 is the pseudorandom function of RFC 2246, Section 5.
func prf10(secret []byte, label string, seed []byte, n int) []byte {
	seed = append([]byte(label), seed...)
	half := (len(secret) + 1) / 2
	out := pHash(md5.New, secret[:half], seed, n)
	for i, x := range pHash(sha1.New, secret[len(secret)-half:], seed, n) {
		out[i] ^= x
	}
	return out
}

func pHash(h func() hash.Hash, secret, seed []byte, n int) []byte {
	mac := func(parts ...[]byte) []byte {
		m := hmac.New(h, secret)
		for _, p := range parts {
			m.Write(p)
		}
		return m.Sum(nil)
	}
	var out []byte
	for a := mac(seed); len(out) < n; a = mac(a) {
		out = append(out, mac(a, seed)...)
	}
	return out[:n]
}
