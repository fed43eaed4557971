package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/netnstest"
)

// diagnosed is what the doctor says, by name, and how it ends.
func diagnosed(t *testing.T, args ...string) (map[string]examined, int) {
	t.Helper()
	var out, complaint bytes.Buffer
	code := run(t.Context(), append([]string{"home", "doctor", "--json"}, args...), env{nil, &out, &complaint, os.Getenv})
	validate(t, "home-doctor.json", out.String())
	var x diagnosis
	if err := json.Unmarshal(out.Bytes(), &x); err != nil {
		t.Fatalf("%v: %s%s", err, out.String(), complaint.String())
	}
	said := map[string]examined{}
	for _, k := range x.Checks {
		said[k.Name] = k
		if k.Verdict != fine && (k.Do == "" || strings.HasPrefix(k.Do, "home.doctor.")) {
			t.Errorf("%s: %s, and nothing to do", k.Name, k.Verdict)
		}
	}
	return said, code
}

// script runs ip or nft with lines.
func script(t *testing.T, text string, args ...string) {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", args, err, out)
	}
}

func tune(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil {
		if os.Getenv("PLIMSOLL_NETNS") == "require" {
			t.Fatal(err)
		}
		t.Skipf("this kernel does not let /proc/sys/net/%s be set: %v", name, err)
	}
}

// gatewayOf makes the namespace a gateway that has all it needs: a bridge with two ports, and a way out.
func gatewayOf(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"nft", "ip"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("PLIMSOLL_NETNS") == "require" {
				t.Fatal(err)
			}
			t.Skipf("the program %s is missing", tool)
		}
	}
	for _, n := range []string{"lan", "tv", "wan"} {
		netnstest.Veth(t, n+"0", n+"1")
	}
	script(t, "link add br0 type bridge\nlink set lan0 master br0\nlink set tv0 master br0\nlink set br0 up\naddr add 192.168.9.1/24 dev br0\naddr add fd09::1/64 dev br0 nodad\n", "ip", "-batch", "-")
	tune(t, "ipv4/ip_forward", "1")
	tune(t, "ipv6/conf/all/forwarding", "1")
	for _, n := range []string{"iptables", "ip6tables", "arptables"} {
		_ = os.WriteFile("/proc/sys/net/bridge/bridge-nf-call-"+n, []byte("0"), 0)
	}
}

func TestTheDoctorFindsNothingWhereAllIsWell(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		gatewayOf(t)
		said, code := diagnosed(t, "--lan", "br0", "--wan", "wan0", "--state", t.TempDir())
		for name, x := range said {
			if x.Verdict != fine && name != "disk" { // of the machine that tests
				t.Errorf("%s: %s: %s", name, x.Verdict, x.Detail)
			}
		}
		if len(said) < 12 || code != exitDone && said["disk"].Verdict == fine {
			t.Errorf("exit %d after %d checks", code, len(said))
		}
	})
}

func TestTheDoctorFindsWhatIsWrong(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		gatewayOf(t)
		dir := t.TempDir()
		find := func(name string, want verdict, detail string, args ...string) {
			t.Helper()
			said, code := diagnosed(t, append([]string{"--state", dir}, args...)...)
			if x := said[name]; x.Verdict != want || !strings.Contains(x.Detail, detail) {
				t.Errorf("%s: %s: %q, want %s: %q", name, x.Verdict, x.Detail, want, detail)
			}
			if (want == broken) && code == exitDone {
				t.Errorf("%s cannot work, and the doctor ends as if it could", name)
			}
		}
		lan := []string{"--lan", "br0", "--wan", "wan0"}

		script(t, "table inet fw4 {\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n", "nft", "-f", "-")
		find("firewalls", suspect, "inet fw4", lan...)
		script(t, "delete table inet fw4\n", "nft", "-f", "-")

		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(192, 168, 9, 1), Port: 53})
		if err != nil {
			t.Fatal(err)
		}
		find("resolver", broken, "192.168.9.1:53", lan...)
		find("resolver", fine, "", append(lan, "--dns-port", "5353")...)
		c.Close()

		tune(t, "ipv4/ip_forward", "0")
		find("forwarding", suspect, "ipv4.ip_forward=0", lan...)
		tune(t, "ipv4/ip_forward", "1")

		find("interfaces", broken, "none0", "--lan", "none0")
		netnstest.SetDown(t, "wan0")
		find("interfaces", suspect, "wan0: down", lan...)
		netnstest.SetUp(t, "wan0")

		find("neighbours", suspect, "lan0: no bridge", "--lan", "lan0", "--wan", "wan0")
		script(t, "link set tv0 nomaster\n", "ip", "-batch", "-")
		find("neighbours", suspect, "1 port", lan...)
		script(t, "link set tv0 master br0\n", "ip", "-batch", "-")

		none := filepath.Join(dir, "none")
		if err := os.Mkdir(none, 0o700); err != nil {
			t.Fatal(err)
		}
		full := func() (ok bool) { return unix.Mount("none", none, "tmpfs", 0, "size=1m") == nil }
		if full() {
			find("disk", suspect, none, "--state", none)
			_ = unix.Unmount(none, 0)
		}

		if _, err := os.Stat("/proc/sys/net/bridge/bridge-nf-call-iptables"); err == nil {
			tune(t, "bridge/bridge-nf-call-iptables", "1")
			find("br_netfilter", suspect, "bridge-nf-call-iptables=1", lan...)
		}
	})
}

// What this machine cannot lack is told by an nft that stands in for it, in words of the real one.
func TestTheDoctorFindsWhatTheKernelLacks(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the gateway is for Linux")
	}
	pretend := func(t *testing.T, script string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "nft"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", dir)
	}
	const version = "[ \"$1\" = --version ] && echo 'nftables v1.0.9 (Old Doc Yak #3)' && exit\n"
	for name, c := range map[string]struct {
		script, check string
		want          verdict
		detail        string
	}{
		"old":     {"[ \"$1\" = --version ] && echo 'nftables v0.9.8 (E.D.S.)'\nexit 0\n", "nft", broken, "0.9.8"},
		"lacking": {version + "[ \"$1\" = --check ] && echo '/dev/stdin:5:2-60: Error: Could not process rule: Operation not supported' >&2 && exit 1\nexit 0\n", "kernel", broken, "Operation not supported"},
		"offload": {version + "[ \"$2\" = flowtables ] && printf 'table inet fw4 {\\n\\tflowtable ft {\\n\\t\\thook ingress priority filter\\n\\t\\tdevices = { lan1, wan }\\n\\t\\tflags offload\\n\\t}\\n}\\n'\nexit 0\n", "offload", suspect, ""},
		"whole":   {version + "exit 0\n", "offload", fine, ""},
	} {
		t.Run(name, func(t *testing.T) {
			pretend(t, c.script)
			said, _ := diagnosed(t, "--state", t.TempDir(), "--dns-port", "0")
			if x := said[c.check]; x.Verdict != c.want || !strings.Contains(x.Detail, c.detail) {
				t.Errorf("%s: %s: %q, want %s: %q", c.check, x.Verdict, x.Detail, c.want, c.detail)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		said, code := diagnosed(t, "--state", t.TempDir(), "--dns-port", "0")
		if said["nft"].Verdict != broken || code == exitDone {
			t.Errorf("no nft: %+v, exit %d", said["nft"], code)
		}
	})
}

func TestTheDoctorFindsWhatPrivilegesAreMissing(t *testing.T) {
	done := make(chan examined)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		if err := unix.Capset(&header, &make([]unix.CapUserData, 2)[0]); err != nil {
			t.Error(err)
		}
		d := doctor{words: locale.New(locale.English)}
		done <- d.privileges()
	}()
	x := <-done
	for _, name := range []string{"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_NET_BIND_SERVICE"} {
		if x.Verdict != broken || !strings.Contains(x.Detail, name) {
			t.Errorf("%s is missing, and the doctor says %s: %s", name, x.Verdict, x.Detail)
		}
	}
}
