package ssh

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

const (
	kex     = "curve25519-sha256,diffie-hellman-group14-sha1"
	hostKey = "ssh-ed25519,ssh-rsa"
	up      = "aes128-ctr,aes256-gcm@openssh.com"
	down    = "3des-cbc"
	macUp   = "hmac-sha2-256"
	macDown = "hmac-sha1"
)

// kexPacket is a key exchange message as RFC 4253, Sections 6 and 7.1, lay it out.
func kexPacket(lists ...string) []byte {
	payload := append([]byte{kexInit}, make([]byte, 16)...)
	for _, l := range lists {
		payload = binary.BigEndian.AppendUint32(payload, uint32(len(l)))
		payload = append(payload, l...)
	}
	payload = append(payload, 0, 0, 0, 0, 0)
	padding := 8 - (5+len(payload))%8 + 4
	packet := binary.BigEndian.AppendUint32(nil, uint32(1+len(payload)+padding))
	return append(append(append(packet, byte(padding)), payload...), make([]byte, padding)...)
}

func usual() []byte {
	return kexPacket(kex, hostKey, up, down, macUp, macDown, "none", "zlib", "", "")
}

func digest(lists ...string) string {
	sum := md5.Sum([]byte(strings.Join(lists, ";")))
	return hex.EncodeToString(sum[:])
}

func TestBannerAndFingerprintOfEitherSide(t *testing.T) {
	hello := append([]byte("SSH-2.0-dropbear_2020.81\r\n"), usual()...)
	for _, tt := range []struct {
		name   string
		client bool
		want   []string
	}{
		{"client", true, []string{
			"ssh.banner SSH-2.0-dropbear_2020.81 side=client",
			"ssh.hassh " + digest(kex, up, macUp, "none") + " kex=" + kex + " host_key=" + hostKey + " cipher=" + up + " mac=" + macUp,
		}},
		{"server", false, []string{
			"ssh.banner SSH-2.0-dropbear_2020.81 side=server",
			"ssh.hassh_server " + digest(kex, down, macDown, "zlib") + " kex=" + kex + " host_key=" + hostKey + " cipher=" + down + " mac=" + macDown,
		}},
	} {
		for _, size := range []int{1, 7, 100, len(hello)} {
			got, s := dissecttest.Stream(t, Dissect, dissect.Message{FromInitiator: tt.client}, dissecttest.Split(hello, size)...)
			if s != dissect.Done {
				t.Errorf("%s in segments of %d: state %d", tt.name, size, s)
			}
			dissecttest.Equal(t, got, tt.want)
		}
	}
}

func TestBanners(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
		s        dissect.State
	}{
		{"obsolete version ends the interest", "SSH-1.5-OpenSSH_2.3\nxyz", []string{"ssh.banner SSH-1.5-OpenSSH_2.3 side=server"}, dissect.Done},
		{"both versions", "SSH-1.99-Cisco-1.25\n", []string{"ssh.banner SSH-1.99-Cisco-1.25 side=server"}, dissect.Next},
		{"LF alone", "SSH-2.0-Go\n", []string{"ssh.banner SSH-2.0-Go side=server"}, dissect.Next},
		{"cut by the end of the connection", "SSH-2.0-Go", []string{"ssh.banner SSH-2.0-Go side=server"}, dissect.Done},
		{"too long", "SSH-2.0-" + strings.Repeat("x", 300) + "\r\n", nil, dissect.No},
		{"control characters", "SSH-2.0-\x00\x01\r\n", nil, dissect.No},
		{"no version", "SSH-keygen\r\n", nil, dissect.No},
		{"other letters", "SSL stuff\r\n", nil, dissect.No},
	} {
		got, s := dissecttest.Stream(t, Dissect, dissect.Message{}, []byte(tt.in))
		if s != tt.s {
			t.Errorf("%s: state %d, want %d", tt.name, s, tt.s)
		}
		dissecttest.Equal(t, got, tt.want)
	}
}

func TestKeyExchangeThatIsNoneIsRefused(t *testing.T) {
	damage := func(change func(b []byte)) []byte {
		b := usual()
		change(b)
		return b
	}
	for name, in := range map[string][]byte{
		"other message":        damage(func(b []byte) { b[5] = 21 }),
		"short padding":        damage(func(b []byte) { b[4] = 3 }),
		"padding beyond":       damage(func(b []byte) { b[4] = 255 }),
		"list beyond":          damage(func(b []byte) { b[kexHeader] = 1 }),
		"packet too long":      damage(func(b []byte) { b[1] = 1 }),
		"cut":                  usual()[:200],
		"NetBIOS session":      {0, 0, 0, 4, 0xff, 'S', 'M', 'B'},
		"zeros":                make([]byte, 200),
		"lists that are empty": kexPacket("", "", "", "", "", "", "", "", "", ""),
	} {
		if got, s := dissecttest.Stream(t, Dissect, dissect.Message{}, in); s != dissect.No || len(got) > 0 {
			t.Errorf("%s: state %d, facts %q", name, s, got)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add(append([]byte("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), usual()...), 16, true)
	f.Add([]byte("SSH-1.5-x\n"), 3, false)
	f.Add(usual(), 1000, false)
	f.Fuzz(func(t *testing.T, b []byte, size int, client bool) {
		m := dissect.Message{FromInitiator: client}
		dissecttest.Stream(t, Dissect, m, dissecttest.Split(b, max(size, len(b)/100))...)
	})
}
