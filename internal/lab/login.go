package lab

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"
)

// Login is one attempt to log in, over a connection of its own, that the server refuses.
type Login func(c *Conn, user, password string)

// GuessBy tries n passwords on a service of a device, one connection each.
func (a *Actor) GuessBy(login Login, to string, port uint16, n int, pause time.Duration) {
	a.Finding("guess.credentials", to, func() { a.LogIn(login, to, port, n, pause) })
}

// LogIn is GuessBy by somebody who means no harm.
func (a *Actor) LogIn(login Login, to string, port uint16, n int, pause time.Duration) {
	for i := range n {
		c := a.Dial(to, port)
		login(c, passwords[i%len(passwords)][0], passwords[i%len(passwords)][1])
		c.CloseRemote()
		a.Between(pause/2, pause*3/2)
	}
}

// FTPLogin is refused by a server of FTP (RFC 959).
func FTPLogin(c *Conn, user, password string) {
	c.Recv([]byte("220 (vsFTPd 3.0.3)\r\n"))
	c.Send([]byte("USER " + user + "\r\n"))
	c.Recv([]byte("331 Please specify the password.\r\n"))
	c.Send([]byte("PASS " + password + "\r\n"))
	c.Recv([]byte("530 Login incorrect.\r\n"))
}

// POP3Login is refused by a server of POP3 (RFC 1939).
func POP3Login(c *Conn, user, password string) {
	c.Recv([]byte("+OK Dovecot ready.\r\n"))
	c.Send([]byte("USER " + user + "\r\n"))
	c.Recv([]byte("+OK\r\n"))
	c.Send([]byte("PASS " + password + "\r\n"))
	c.Recv([]byte("-ERR [AUTH] Authentication failed.\r\n"))
}

// SMTPLogin is refused by a server of SMTP (RFC 4954).
func SMTPLogin(c *Conn, user, password string) {
	c.Recv([]byte("220 mail.example ESMTP Postfix\r\n"))
	c.Send([]byte("EHLO client\r\n"))
	c.Recv([]byte("250-mail.example\r\n250 AUTH PLAIN LOGIN\r\n"))
	c.Send([]byte("AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password)) + "\r\n"))
	c.Recv([]byte("535 5.7.8 Error: authentication failed\r\n"))
}

// MQTTLogin is refused by a broker (MQTT 3.1.1, Section 3.2.2.3).
func MQTTLogin(c *Conn, user, password string) {
	head := append(mqttText("MQTT"), 4, 0xc2, 0, 60)
	c.Send(mqtt(0x10, append(append(append(head, mqttText("probe")...), mqttText(user)...), mqttText(password)...)))
	c.Recv(mqtt(0x20, []byte{0, 5}))
}

// RTSPLogin is refused by a camera (RFC 7826, Section 17.4.2).
func RTSPLogin(c *Conn, user, password string) {
	c.Send(fmt.Appendf(nil, "DESCRIBE rtsp://%s/live RTSP/1.0\r\nCSeq: 1\r\n%s\r\n", c.ends[1].addr, basic(user, password)))
	c.Recv([]byte("RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Basic realm=\"camera\"\r\n\r\n"))
}

// VNCLogin is refused by a server of VNC (RFC 6143, Section 7.1); there are no names of users.
func VNCLogin(c *Conn, _, _ string) {
	c.Recv([]byte("RFB 003.008\n"))
	c.Send([]byte("RFB 003.008\n"))
	c.Recv([]byte{1, 2})
	c.Send([]byte{2})
	c.Recv(octets(c.a.rng, 16))
	c.Send(octets(c.a.rng, 16))
	c.Recv([]byte("\x00\x00\x00\x01\x00\x00\x00\x17Authentication failure."))
}

// RDPLogin asks for a screen behind TLS, and is refused there ([MS-RDPBCGR], Section 5.4.2.1).
func RDPLogin(c *Conn, user, _ string) {
	cookie := "Cookie: mstshash=" + user + "\r\n"
	request := append([]byte{3, 0, 0, byte(19 + len(cookie)), byte(14 + len(cookie)), 0xe0, 0, 0, 0, 0, 0}, cookie...)
	c.Send(append(request, 1, 0, 8, 0, 3, 0, 0, 0))
	c.Recv([]byte{3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 2, 0, 8, 0, 2, 0, 0, 0})
	s := c.TLS("desktop.example")
	s.Send(octets(c.a.rng, 120))
	s.Recv(octets(c.a.rng, 90))
}

// SMBLogin is refused by a server of SMB 2 ([MS-SMB2], Section 3.3.5.5).
func SMBLogin(c *Conn, _, _ string) {
	message := func(command, status uint32, flags byte, body []byte) []byte {
		b := append(binary.BigEndian.AppendUint32(nil, uint32(64+len(body))), 0xfe, 'S', 'M', 'B', 64, 0, 0, 0)
		b = binary.LittleEndian.AppendUint32(b, status)
		b = append(b, byte(command), 0, 1, 0, flags, 0, 0, 0)
		b = append(b, make([]byte, 44)...)
		return append(b, body...)
	}
	negotiate := append([]byte{36, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0}, octets(c.a.rng, 16)...)
	c.Send(message(0, 0, 0, append(negotiate, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x02)))
	c.Recv(message(0, 0, 1, append([]byte{65, 0, 1, 0, 0x02, 0x02, 0, 0}, make([]byte, 57)...)))
	setup := []byte{25, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 88, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	c.Send(message(1, 0, 0, append(setup, octets(c.a.rng, 32)...)))
	c.Recv(message(1, 0xc000006d, 1, []byte{9, 0, 0, 0, 0, 0, 0, 0, 0}))
}
