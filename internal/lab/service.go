package lab

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/netip"
	"strings"
	"time"
)

// NTP asks a server for the time (RFC 5905).
func (a *Actor) NTP(server string) {
	peer := a.resolve(server)
	request := make([]byte, 48)
	request[0], request[2], request[3] = 0x23, 6, 0xec
	binary.BigEndian.PutUint64(request[40:], ntpTime(a.now))
	response := make([]byte, 48)
	copy(response, []byte{0x24, 2, 6, 0xe9, 0, 0, 0x01, 0x40, 0, 0, 0x02, 0x10, 192, 0, 2, 123})
	binary.BigEndian.PutUint64(response[16:], ntpTime(a.now-37e9))
	copy(response[24:32], request[40:])
	there := a.now + int64(peer.distance)/2
	binary.BigEndian.PutUint64(response[32:], ntpTime(there))
	binary.BigEndian.PutUint64(response[40:], ntpTime(there+20000))
	a.ask(peer, 123, request, response)
}

func ntpTime(t int64) uint64 {
	return uint64(t/1e9+2208988800)<<32 | uint64(t%1e9)<<32/1e9
}

// STUN asks a server for the address it sees (RFC 8489).
func (a *Actor) STUN(server, software string) {
	const cookie = 0x2112a442
	peer := a.resolve(server)
	id := octets(a.rng, 12)
	build := func(kind uint16, code uint16, value []byte) []byte {
		n := len(value)
		for len(value)%4 != 0 {
			value = append(value, 0)
		}
		b := binary.BigEndian.AppendUint16(nil, kind)
		b = binary.BigEndian.AppendUint16(b, uint16(4+len(value)+8))
		b = binary.BigEndian.AppendUint32(b, cookie)
		b = append(b, id...)
		b = binary.BigEndian.AppendUint16(b, code)
		b = binary.BigEndian.AppendUint16(b, uint16(n))
		b = append(b, value...)
		sum := crc32.ChecksumIEEE(b) ^ 0x5354554e
		return binary.BigEndian.AppendUint32(append(b, 0x80, 0x28, 0, 4), sum)
	}
	port := a.newPort()
	mapped := []byte{0, 1}
	mapped = binary.BigEndian.AppendUint16(mapped, port^(cookie>>16))
	mapped = binary.BigEndian.AppendUint32(mapped, 0xcb007163^cookie) // the home is 203.0.113.99 outside
	if a.over6(peer) {
		mapped = binary.BigEndian.AppendUint16([]byte{0, 2}, port^(cookie>>16))
		mask := append(binary.BigEndian.AppendUint32(nil, cookie), id...)
		for i, x := range a.v6.AsSlice() {
			mapped = append(mapped, x^mask[i])
		}
	}
	a.askFrom(port, peer, 3478, build(1, 0x8022, []byte(software)), build(0x0101, 0x0020, mapped))
}

// TFTP fetches a file of size octets (RFC 1350).
func (a *Actor) TFTP(from, file string, size int) {
	peer := a.resolve(from)
	src, _ := a.ask(peer, 69, append([]byte{0, 1}, file+"\x00octet\x00"...))
	dst := netip.AddrPortFrom(peer.addr(src.Addr().Is6()), 40000+uint16(a.rng.IntN(9000)))
	for n := uint16(1); size >= 0; n++ {
		block := append(binary.BigEndian.AppendUint16([]byte{0, 3}, n), octets(a.rng, min(size, 512))...)
		size -= 512
		a.now = a.play.after(a.now, peer)
		a.play.udp(a.now, peer, a.mac, dst, src, block)
		a.Between(100*time.Microsecond, 400*time.Microsecond)
		a.play.udp(a.now, &a.host, peer.mac, src, dst, binary.BigEndian.AppendUint16([]byte{0, 4}, n))
	}
}

// SNMP asks a device what it is (RFC 1901, RFC 3418).
func (a *Actor) SNMP(to, community, description string) {
	object := []byte{6, 8, 0x2b, 6, 1, 2, 1, 1, 1, 0} // sysDescr.0
	tlv := func(tag byte, parts ...[]byte) []byte {
		var v []byte
		for _, p := range parts {
			v = append(v, p...)
		}
		if len(v) < 128 {
			return append([]byte{tag, byte(len(v))}, v...)
		}
		return append([]byte{tag, 0x81, byte(len(v))}, v...)
	}
	id := tlv(2, append([]byte{0x11}, octets(a.rng, 3)...))
	zero := []byte{2, 1, 0}
	build := func(pdu byte, value []byte) []byte {
		bindings := tlv(0x30, tlv(0x30, object, value))
		return tlv(0x30, []byte{2, 1, 1}, tlv(4, []byte(community)), tlv(pdu, id, zero, zero, bindings))
	}
	a.ask(a.resolve(to), 161, build(0xa0, []byte{5, 0}), build(0xa2, tlv(4, []byte(description))))
}

// Watch fetches the video of a camera (RFC 7826's predecessor, RFC 2326), with a password in the clear, and
// some packets of it.
func (a *Actor) Watch(camera, user, password string, packets int) {
	c := a.Dial(camera, 554)
	uri := fmt.Sprintf("rtsp://%s/Streaming/Channels/101", c.ends[1].addr)
	agent := "User-Agent: LibVLC/3.0.20 (LIVE555 Streaming Media v2016.11.28)\r\n"
	n := 0
	say := func(method, at, header, status, answer, body string) {
		n++
		c.Send(fmt.Appendf(nil, "%s %s RTSP/1.0\r\nCSeq: %d\r\n%s%s\r\n", method, at, n, agent, header))
		if body != "" {
			answer += fmt.Sprintf("Content-Type: application/sdp\r\nContent-Base: %s/\r\nContent-Length: %d\r\n", uri, len(body))
		}
		c.Recv(fmt.Appendf(nil, "RTSP/1.0 %s\r\nCSeq: %d\r\nServer: %s\r\n%s\r\n%s", status, n, "Rtsp Server/3.0", answer, body))
	}
	family := "IP4 "
	if c.ends[1].addr.Addr().Is6() {
		family = "IP6 "
	}
	sdp := "v=0\r\no=- 1777886400000000 1777886400000000 IN " + family + c.ends[1].addr.Addr().String() +
		"\r\ns=Media Presentation\r\nt=0 0\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=1\r\n"
	port := 2 * (27000 + a.rng.IntN(1000))
	say("OPTIONS", uri, "", "200 OK", "Public: OPTIONS, DESCRIBE, PLAY, PAUSE, SETUP, TEARDOWN, SET_PARAMETER, GET_PARAMETER\r\n", "")
	say("DESCRIBE", uri, "Accept: application/sdp\r\n", "401 Unauthorized", "WWW-Authenticate: Basic realm=\"IP Camera(C2519)\"\r\n", "")
	who := basic(user, password)
	say("DESCRIBE", uri, who+"Accept: application/sdp\r\n", "200 OK", "", sdp)
	transport := fmt.Sprintf("Transport: RTP/AVP;unicast;client_port=%d-%d", port, port+1)
	say("SETUP", uri+"/trackID=1", who+transport+"\r\n", "200 OK", transport+";server_port=8226-8227;ssrc=4f2a91c7\r\nSession: 1287460351;timeout=60\r\n", "")
	say("PLAY", uri+"/", who+"Session: 1287460351\r\nRange: npt=0.000-\r\n", "200 OK", "Session: 1287460351\r\n", "")
	src := netip.AddrPortFrom(c.ends[1].addr.Addr(), 8226)
	dst := netip.AddrPortFrom(c.ends[0].addr.Addr(), uint16(port))
	for i := range packets {
		rtp := binary.BigEndian.AppendUint16([]byte{0x80, 96}, uint16(4000+i))
		rtp = binary.BigEndian.AppendUint32(rtp, uint32(90000+i*3600))
		rtp = append(rtp, 0x4f, 0x2a, 0x91, 0xc7, 0x5c, 0x41)
		a.play.udp(a.now, c.ends[1].host, a.mac, src, dst, append(rtp, octets(a.rng, 300+a.rng.IntN(500))...))
		a.Wait(40 * time.Millisecond)
	}
	say("TEARDOWN", uri+"/", who+"Session: 1287460351\r\n", "200 OK", "Session: 1287460351\r\n", "")
	c.Close()
}

// Telnet logs in over a connection whose responder asks for a name and a password; taken tells whether it
// is let in, and then runs commands.
func (c *Conn) Telnet(banner, user, password string, taken bool, commands ...string) {
	client, server := c.Send, c.Recv
	if c.mine == 1 {
		client, server = server, client
	}
	server([]byte("\xff\xfd\x18\xff\xfd\x20\xff\xfb\x01\xff\xfb\x03")) // DO terminal type and speed, WILL echo and suppress go-ahead
	client([]byte("\xff\xfc\x18\xff\xfc\x20\xff\xfd\x01\xff\xfd\x03"))
	server([]byte(banner + " login: "))
	client([]byte(user + "\r\n"))
	server([]byte(user + "\r\nPassword: "))
	client([]byte(password + "\r\n"))
	if !taken {
		server([]byte("\r\nLogin incorrect\r\n" + banner + " login: "))
		return
	}
	const prompt = "\r\n# "
	server([]byte("\r\n\r\nBusyBox v1.20.2 (2019-03-11 10:21:33 CST) built-in shell (ash)\r\nEnter 'help' for a list of built-in commands.\r\n" + prompt))
	for _, command := range commands {
		client([]byte(command + "\r\n"))
		server([]byte(command + prompt))
	}
}

// Upload puts a file on an FTP server (RFC 959), with a password in the clear.
func (a *Actor) Upload(to, banner, user, password, file string, size int) {
	c := a.Dial(to, 21)
	c.Recv([]byte("220 " + banner + "\r\n"))
	for _, x := range [...][2]string{
		{"USER " + user, "331 Password required for " + user + "."},
		{"PASS " + password, "230 User logged in."},
		{"TYPE I", "200 Type set to I."},
	} {
		c.Send([]byte(x[0] + "\r\n"))
		c.Recv([]byte(x[1] + "\r\n"))
	}
	port := 55536 + uint16(a.rng.IntN(1000))
	if c.ends[1].addr.Addr().Is6() {
		c.Send([]byte("EPSV\r\n"))
		c.Recv(fmt.Appendf(nil, "229 Entering Extended Passive Mode (|||%d|)\r\n", port))
	} else {
		c.Send([]byte("PASV\r\n"))
		c.Recv(fmt.Appendf(nil, "227 Entering Passive Mode (%s,%d,%d).\r\n", strings.ReplaceAll(c.ends[1].addr.Addr().String(), ".", ","), port>>8, port&255))
	}
	c.Send([]byte("STOR " + file + "\r\n"))
	c.Recv([]byte("150 Opening BINARY mode data connection.\r\n"))
	data := a.Dial(to, port)
	data.Send(append([]byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01"), octets(a.rng, size)...))
	data.Close()
	c.Recv([]byte("226 Transfer complete.\r\n"))
	c.Send([]byte("QUIT\r\n"))
	c.Recv([]byte("221 Goodbye.\r\n"))
	c.CloseRemote()
}

// SSH is how an implementation of SSH shows itself.
type SSH struct {
	Banner                string
	Kex, Key, Cipher, MAC string
}

// Implementations of SSH.
var (
	OpenSSH = SSH{
		"SSH-2.0-OpenSSH_9.6p1", "sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256",
		"ssh-ed25519,rsa-sha2-512,rsa-sha2-256", "chacha20-poly1305@openssh.com,aes128-ctr,aes256-gcm@openssh.com", "umac-64-etm@openssh.com,hmac-sha2-256-etm@openssh.com",
	}
	OpenSSH8 = SSH{
		"SSH-2.0-OpenSSH_8.2", "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,diffie-hellman-group14-sha256",
		"rsa-sha2-512,rsa-sha2-256,ssh-rsa,ssh-ed25519", "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr", "umac-64-etm@openssh.com,hmac-sha2-256",
	}
	GoSSH = SSH{
		"SSH-2.0-Go", "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,diffie-hellman-group14-sha256",
		"ssh-ed25519,rsa-sha2-256,ssh-rsa", "aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr", "hmac-sha2-256-etm@openssh.com,hmac-sha2-256",
	}
)

// SSH plays the clear part of an SSH connection (RFC 4253) and, of what is encrypted, as many attempts to log
// in as said and then more octets each way. It does not close.
func (c *Conn) SSH(client, server SSH, attempts, more int) {
	r := c.a.rng
	name := func(s string) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...) }
	packet := func(kind byte, payload []byte) []byte {
		pad := 16 - (len(payload)+6)%8
		b := binary.BigEndian.AppendUint32(nil, uint32(len(payload)+2+pad))
		return append(append(append(b, byte(pad), kind), payload...), octets(r, pad)...)
	}
	kexInit := func(s SSH) []byte {
		b := octets(r, 16)
		for _, list := range [...]string{s.Kex, s.Key, s.Cipher, s.Cipher, s.MAC, s.MAC, "none,zlib@openssh.com", "none,zlib@openssh.com", "", ""} {
			b = append(b, name(list)...)
		}
		return packet(20, append(b, 0, 0, 0, 0, 0))
	}
	c.Send([]byte(client.Banner + "\r\n"))
	c.Recv([]byte(server.Banner + "\r\n"))
	c.Send(kexInit(client))
	c.Recv(kexInit(server))
	c.Send(packet(30, name(string(octets(r, 32)))))
	reply := name(string(append(name("ssh-ed25519"), name(string(octets(r, 32)))...)))
	reply = append(reply, name(string(octets(r, 32)))...)
	reply = append(reply, name(string(append(name("ssh-ed25519"), name(string(octets(r, 64)))...)))...)
	c.Recv(append(packet(31, reply), packet(21, nil)...))
	c.Send(append(packet(21, nil), octets(r, 48)...))
	c.Recv(octets(r, 48))
	for range attempts {
		c.Send(octets(r, 80+16*r.IntN(2)))
		c.a.Between(300*time.Millisecond, 900*time.Millisecond)
		c.Recv(octets(r, 64))
	}
	if more > 0 {
		c.Send(octets(r, more/2))
		c.Recv(octets(r, more/2))
	}
}
