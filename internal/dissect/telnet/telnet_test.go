package telnet

import (
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func fromServerOn(port uint16) dissect.Message {
	return dissect.Message{
		Src: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.9"), port),
		Dst: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), 51000),
	}
}

const negotiation = "\xff\xfd\x01\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03"

func TestLogin(t *testing.T) {
	const login = "auth.cleartext telnet user=root server=192.0.2.9 @02:00:00:00:00:0b"
	for _, tt := range []struct {
		name     string
		port     uint16
		segments []string
		want     []string
		s        dissect.State
	}{
		{"camera", 23, []string{negotiation, "\r\nDCS-932L v1.14\r\nlogin: ", "r", "o", "o", "t", "\r\nPassword: ", "\r\n", "\r\n# "}, []string{
			"telnet.banner DCS-932L v1.14",
			"telnet.prompt login: kind=login",
			"telnet.prompt Password: kind=password",
			login,
			"telnet.prompt # kind=shell",
		}, dissect.Done},
		{"all at once, away from the port", 4000, []string{negotiation + "BusyBox login: root\r\nPassword: \r\nLogin incorrect\r\n"}, []string{
			"telnet.prompt BusyBox login: kind=login",
			"telnet.prompt Password: kind=password",
			login,
		}, dissect.Next},
		{"guessing", 2323, []string{"(none) login: ", "root\r\nPassword: ", "\r\nLogin incorrect\r\n(none) login: ", "admin\r\nPassword: ", "\r\n"}, []string{
			"telnet.prompt (none) login: kind=login",
			"telnet.prompt Password: kind=password",
			login,
			"telnet.prompt (none) login: kind=login",
			"telnet.prompt Password: kind=password",
			"auth.cleartext telnet user=admin server=192.0.2.9 @02:00:00:00:00:0b",
		}, dissect.Next},
		{"typing mistake", 23, []string{"login: ", "r", "i", "\b \b", "oot\r\n", "Password: ", "\r\n"}, []string{
			"telnet.prompt login: kind=login",
			"telnet.prompt Password: kind=password",
			login,
		}, dissect.Next},
		{"no echo", 23, []string{"login: ", "Password: ", "\r\n"}, []string{
			"telnet.prompt login: kind=login",
			"telnet.prompt Password: kind=password",
			"auth.cleartext telnet server=192.0.2.9 @02:00:00:00:00:0b",
		}, dissect.Next},
		{"password alone", 23, []string{"\r\nUser Access Verification\r\n\r\nPassword: ", "\r\nrouter> "}, []string{
			"telnet.banner User Access Verification",
			"telnet.prompt Password: kind=password",
			"auth.cleartext telnet server=192.0.2.9 @02:00:00:00:00:0b",
			"telnet.prompt router> kind=shell",
		}, dissect.Done},
		{"open shell", 23, []string{"BusyBox v1.19.4 built-in shell (ash)\r\n", "\r\n/ # "}, []string{
			"telnet.banner BusyBox v1.19.4 built-in shell (ash)",
			"telnet.prompt / # kind=shell",
		}, dissect.Done},
		{"last login is not asked for", 23, []string{"Last login: Fri Nov 20 from 192.0.2.7\r\nWelcome\r\n$ "}, []string{
			"telnet.banner Last login: Fri Nov 20 from 192.0.2.7\nWelcome",
			"telnet.prompt $ kind=shell",
		}, dissect.Done},
		{"long banner", 23, []string{strings.Repeat("=", 500) + "\r\n", strings.Repeat("-", 2000) + "\r\nlogin: "}, []string{
			"telnet.banner " + strings.Repeat("=", 500),
			"telnet.prompt login: kind=login",
		}, dissect.Next},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := fromServerOn(tt.port)
			m.Stream = true
			m.SrcMAC, m.DstMAC = dissecttest.Sender, dissecttest.Receiver
			var got []string
			var s dissect.State
			for _, segment := range tt.segments {
				m.Data = []byte(segment)
				lines, n, state := dissecttest.Call(t, Dissect, &m)
				if n != len(segment) {
					t.Fatalf("consumed %d octets of %q", n, segment)
				}
				got, s = append(got, lines...), state
			}
			if s != tt.s {
				t.Errorf("state %d, want %d", s, tt.s)
			}
			dissecttest.Equal(t, got, tt.want)
		})
	}
}

func TestBannerOfAServerThatAsksNothing(t *testing.T) {
	got, _ := dissecttest.Stream(t, Dissect, fromServerOn(23), []byte(negotiation+"Too many users\r\n"))
	dissecttest.Equal(t, got, []string{"telnet.banner Too many users"})
}

func TestSessionIsLeftAloneAfterManyLines(t *testing.T) {
	got, s := dissecttest.Stream(t, Dissect, fromServerOn(23), []byte("ready\r\n"+strings.Repeat("data\r\n", 100)), []byte("login: "))
	if s != dissect.Done || len(got) != 1 {
		t.Errorf("state %d, facts %q", s, got)
	}
}

func TestCommandsAreTakenOutWhereverTheyAreCut(t *testing.T) {
	data := []byte("\xff\xfa\x18\x01\xff\xf0" + negotiation + "nas\xff\xf9 login: ")
	for size := 1; size <= len(data); size++ {
		got, _ := dissecttest.Stream(t, Dissect, fromServerOn(23), dissecttest.Split(data, size)...)
		if len(got) != 1 || got[0] != "telnet.prompt nas login: kind=login" {
			t.Errorf("in segments of %d: %q", size, got)
		}
	}
}

func TestTheClientIsNotListenedTo(t *testing.T) {
	m := fromServerOn(51000)
	m.Dst = netip.MustParseAddrPort("192.0.2.9:23")
	m.FromInitiator = true
	got, s := dissecttest.Stream(t, Dissect, m, []byte(negotiation), []byte("root\r\nhunter2\r\n"))
	if s != dissect.Done || len(got) != 0 {
		t.Errorf("state %d, facts %q", s, got)
	}
	if got, s := dissecttest.Stream(t, Dissect, m, []byte("root\r\n")); s != dissect.No || len(got) != 0 {
		t.Errorf("without negotiation: state %d, facts %q", s, got)
	}
}

func TestAnEchoedPasswordIsNoPrompt(t *testing.T) {
	got, _ := dissecttest.Stream(t, Dissect, fromServerOn(23), []byte(negotiation), []byte("login: root\r\nPassword: "), []byte("hunter2login: "), []byte("\r\n"))
	if all := strings.Join(got, "\n"); strings.Contains(all, "hunter2") || !strings.Contains(all, "kind=password") {
		t.Errorf("facts %q", got)
	}
}

func TestWhatIsNotTelnet(t *testing.T) {
	for _, tt := range []struct {
		name string
		port uint16
		in   string
	}{
		{"MP3", 8000, "\xff\xfb\x90\x64\x00\x00"},
		{"one command and other octets", 8000, "\xff\xfb\x01\x64\x00\x00"},
		{"text away from the port", 8000, "login: "},
		{"SSH on the port", 23, "SSH-2.0-OpenSSH_9.2\r\n"},
		{"FTP on the port", 23, "220 ready\r\n"},
		{"binary on the port", 23, "\x00\x01\x02\x03"},
		{"JPEG", 23, "\xff\xd8\xff\xe0"},
	} {
		if got, s := dissecttest.Stream(t, Dissect, fromServerOn(tt.port), []byte(tt.in)); s != dissect.No || len(got) > 0 {
			t.Errorf("%s: state %d, facts %q", tt.name, s, got)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte(negotiation+"\r\nrouter login: root\r\nPassword: \r\n# "), 5, uint16(23), []byte(nil))
	f.Add([]byte("\xff\xfa\x18\x00xterm\xff\xf0\xff\xff\xff"), 1, uint16(2323), []byte{1, 1, 0, 3, 'a', 'b', 'c'})
	f.Add([]byte("Password:\b\b\b\b\b\b\n"), 3, uint16(23), []byte{0, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte, size int, port uint16, scratch []byte) {
		m := fromServerOn(port)
		m.Scratch = scratch[:min(len(scratch), dissect.MaxScratch)]
		dissecttest.Stream(t, Dissect, m, dissecttest.Split(b, max(size, len(b)/100))...)
	})
}
