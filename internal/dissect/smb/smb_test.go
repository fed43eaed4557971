package smb

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf16"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func session(message []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...)
}

func utf16le(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func netbios(name string, suffix byte) []byte {
	b := []byte{32}
	for _, c := range append([]byte(name+strings.Repeat(" ", 15-len(name))), suffix) {
		b = append(b, 'A'+c>>4, 'A'+c&15)
	}
	return append(b, 0)
}

// build1 builds a message of version 1.
func build1(command byte, response, unicode bool, words, data []byte) []byte {
	b := make([]byte, 32)
	copy(b, "\xffSMB")
	b[4] = command
	if response {
		b[9] = 0x80
	}
	if unicode {
		b[11] = 0x80
	}
	b = append(append(b, byte(len(words)/2)), words...)
	return session(append(binary.LittleEndian.AppendUint16(b, uint16(len(data))), data...))
}

// build2 builds a message of version 2 around a body.
func build2(command uint16, response bool, body []byte) []byte {
	b := make([]byte, header2)
	copy(b, "\xfeSMB\x40")
	binary.LittleEndian.PutUint16(b[12:], command)
	if response {
		b[16] = 1
	}
	return session(append(b, body...))
}

func build2Setup(response bool, blob []byte) []byte {
	body := make([]byte, 24)
	at := 12
	if response {
		body, at = body[:8], 4
	}
	binary.LittleEndian.PutUint16(body[at:], uint16(header2+len(body)))
	binary.LittleEndian.PutUint16(body[at+2:], uint16(len(blob)))
	return build2(sessionSetup2, response, append(body, blob...))
}

// ntlmMessage builds an NTLM message whose payload fields are at the given places.
func ntlmMessage(kind byte, size, versionAt, flagsAt int, fields map[int][]byte) []byte {
	b := make([]byte, size)
	copy(b, "NTLMSSP\x00")
	b[8] = kind
	binary.LittleEndian.PutUint32(b[flagsAt:], ntlmUnicode|ntlmVersion)
	copy(b[versionAt:], []byte{10, 0, 0x65, 0x4f, 0, 0, 0, 15})
	for _, at := range []int{12, 28, 36, 40, 44} {
		if value, ok := fields[at]; ok {
			binary.LittleEndian.PutUint16(b[at:], uint16(len(value)))
			binary.LittleEndian.PutUint32(b[at+4:], uint32(len(b)))
			b = append(b, value...)
		}
	}
	return append([]byte{0x60, 0x40, 0x06, 0x06}, b...) // as in SPNEGO
}

func pair(id uint16, value string) []byte {
	b := binary.LittleEndian.AppendUint16(nil, id)
	v := utf16le(value)
	return append(binary.LittleEndian.AppendUint16(b, uint16(len(v))), v...)
}

func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func negotiateRequest2() []byte {
	body := make([]byte, 36)
	body[0], body[2], body[4] = 36, 3, 1
	for _, d := range []uint16{0x0202, 0x0210, 0x0302} {
		body = binary.LittleEndian.AppendUint16(body, d)
	}
	return build2(negotiate2, false, body)
}

func negotiateResponse2() []byte {
	body := make([]byte, 64)
	body[0], body[2] = 65, 3
	binary.LittleEndian.PutUint16(body[4:], 0x0311)
	return build2(negotiate2, true, body)
}

var (
	challengeBlob = ntlmMessage(2, 56, 48, 20, map[int][]byte{40: join(
		pair(2, "HOME"), pair(1, "NAS-Ü"), pair(4, "home.arpa"), pair(3, "nas.home.arpa"), pair(0, ""))})
	answerBlob = ntlmMessage(3, 72, 64, 60, map[int][]byte{28: utf16le("HOME"), 36: utf16le("alice"), 44: utf16le("LAPTOP")})
	dialects1  = []byte("\x02PC NETWORK PROGRAM 1.0\x00\x02NT LM 0.12\x00\x02SMB 2.???\x00")
)

func words(n int, at map[int]uint16) []byte {
	b := make([]byte, 2*n)
	for i, v := range at {
		binary.LittleEndian.PutUint16(b[i:], v)
	}
	return b
}

func TestConnections(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []byte
		want []string
		s    dissect.State
	}{
		{"client of version 2", join(build1(negotiate1, false, true, nil, dialects1), negotiateRequest2(),
			build2Setup(false, []byte("NTLMSSP\x00\x01")), build2Setup(false, answerBlob), build2(3, false, make([]byte, 8))), []string{
			"smb.dialect 2.??? side=client offered=PC NETWORK PROGRAM 1.0,NT LM 0.12,SMB 2.???",
			"smb.dialect 3.0.2 side=client signing=enabled offered=2.0.2,2.1,3.0.2",
			"smb.hostname LAPTOP source=ntlm os=10.0.20325",
			"smb.domain HOME",
		}, dissect.Done},
		{"server of version 2", join(negotiateResponse2(), build2Setup(true, challengeBlob), build2Setup(true, nil)), []string{
			"smb.dialect 3.1.1 side=server signing=required",
			"smb.hostname NAS-Ü source=ntlm dns=nas.home.arpa os=10.0.20325",
			"smb.domain HOME dns=home.arpa",
		}, dissect.Next},
		{
			"client that knows version 1 alone", build1(negotiate1, false, false, nil, []byte("\x02LANMAN1.0\x00\x02NT LM 0.12\x00")),
			[]string{"smb.dialect NT LM 0.12 side=client offered=LANMAN1.0,NT LM 0.12"},
			dissect.Next,
		},
		{"server of version 1", build1(negotiate1, true, true, join(words(16, nil), []byte{0, 8}), join(make([]byte, 8), utf16le("HOME\x00DISK\x00"))), []string{
			"smb.dialect NT LM 0.12 side=server signing=disabled", "smb.domain HOME", "smb.hostname DISK source=negotiate",
		}, dissect.Next},
		{"server of LAN Manager", build1(negotiate1, true, false, words(13, nil), nil), []string{"smb.dialect LANMAN side=server"}, dissect.Next},
		{"server that refuses", build1(negotiate1, true, false, words(1, map[int]uint16{0: 0xffff}), nil), nil, dissect.Next},
		{"setup with NTLM", build1(sessionSetup1, false, true, words(12, map[int]uint16{14: uint16(len(answerBlob))}),
			join(answerBlob, make([]byte, 1-len(answerBlob)%2), utf16le("Windows 7\x00NT 6.1\x00"))), []string{
			"smb.hostname LAPTOP source=ntlm os=10.0.20325", "smb.domain HOME", "smb.native_os Windows 7 lanman=NT 6.1 side=client",
		}, dissect.Next},
		{"setup without", build1(sessionSetup1, false, false, words(13, map[int]uint16{14: 3, 16: 2}), []byte("pwdpwalice\x00HOME\x00Unix\x00Samba\x00")), []string{
			"smb.domain HOME", "smb.native_os Unix lanman=Samba side=client",
		}, dissect.Next},
		{
			"answer to a setup", build1(sessionSetup1, true, true, words(3, nil), join([]byte{0}, utf16le("Unix\x00Samba 3.0.24\x00WG\x00"))),
			[]string{"smb.native_os Unix lanman=Samba 3.0.24 side=server"},
			dissect.Next,
		},
		{"encrypted", session(append([]byte("\xfdSMB"), make([]byte, 100)...)), nil, dissect.Done},
		{"a file", append([]byte("\x00\x0f\xff\xff\xfeSMB\x40"), make([]byte, 100)...), nil, dissect.Done},
		{"other command of version 1", build1(0x25, false, false, nil, nil), nil, dissect.Done},
		{"too short", session([]byte("\xffSMB")), nil, dissect.No},
		{"zeros", make([]byte, 64), nil, dissect.No},
		{"TLS", []byte("\x16\x03\x01\x02\x00\x01"), nil, dissect.No},
		{"HTTP", []byte("GET / HTTP/1.1\r\n\r\n"), nil, dissect.No},
	} {
		for _, size := range []int{1, 50, len(tt.in)} {
			got, s := dissecttest.Stream(t, Dissect, dissect.Message{}, dissecttest.Split(tt.in, size)...)
			if s != tt.s {
				t.Errorf("%s in segments of %d: state %d, want %d", tt.name, size, s, tt.s)
			}
			dissecttest.Equal(t, got, tt.want)
			if strings.Contains(strings.Join(got, "\n"), "alice") {
				t.Errorf("%s: the user was told", tt.name)
			}
		}
	}
}

func TestSessionOverNetBIOS(t *testing.T) {
	m := dissect.Message{Src: netip.MustParseAddrPort("192.0.2.1:50000"), Dst: netip.MustParseAddrPort("192.0.2.2:139")}
	request := join([]byte{sessionRequest, 0, 0, 68}, netbios("*SMBSERVER", 0x20), netbios("LAPTOP", 0))
	got, s := dissecttest.Stream(t, Dissect, m, request, negotiateRequest2())
	if s != dissect.Next {
		t.Errorf("state %d", s)
	}
	dissecttest.Equal(t, got, []string{
		"smb.hostname LAPTOP source=netbios",
		"smb.dialect 3.0.2 side=client signing=enabled offered=2.0.2,2.1,3.0.2",
	})
	m.Src, m.Dst = m.Dst, m.Src
	got, s = dissecttest.Stream(t, Dissect, m, []byte{sessionPositive, 0, 0, 0}, negotiateResponse2())
	if s != dissect.Next {
		t.Errorf("state %d", s)
	}
	dissecttest.Equal(t, got, []string{"smb.dialect 3.1.1 side=server signing=required"})
	request[5] = 'z'
	if _, s := dissecttest.Stream(t, Dissect, m, request); s != dissect.No {
		t.Errorf("a damaged name: state %d", s)
	}
}

func FuzzDissect(f *testing.F) {
	f.Add(join(negotiateRequest2(), build2Setup(false, answerBlob)), 40)
	f.Add(join(negotiateResponse2(), build2Setup(true, challengeBlob)), 4)
	f.Add(build1(sessionSetup1, false, true, words(13, map[int]uint16{14: 3}), utf16le("xxxxxxxx\x00y\x00z")), 99)
	f.Add(build1(negotiate1, true, true, join(words(16, nil), []byte{0, 8}), make([]byte, 20)), 99)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		dissecttest.Stream(t, Dissect, dissect.Message{}, dissecttest.Split(b, max(size, len(b)/100))...)
	})
}
