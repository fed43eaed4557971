//go:build linux

package netnstest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Veth makes two Ethernet interfaces, each of which receives what the other sends, and brings them up.
// It is for use inside Run; the namespace takes them away.
func Veth(t testing.TB, a, b string) {
	t.Helper()
	if err := newVeth(a, b); err != nil {
		t.Fatalf("make %s and %s: %v", a, b, err)
	}
	for _, name := range []string{a, b} {
		SetUp(t, name)
	}
	for _, name := range []string{a, b} {
		if err := waitReady(name); err != nil {
			t.Fatal(err)
		}
	}
}

// SetUp brings an interface up.
func SetUp(t testing.TB, name string) {
	t.Helper()
	if err := setUp(name); err != nil {
		t.Fatal(err)
	}
}

// SetDown brings an interface down.
func SetDown(t testing.TB, name string) {
	t.Helper()
	if err := setFlags(name, 0, unix.IFF_UP); err != nil {
		t.Fatal(err)
	}
}

// Remove deletes an interface, and the other end of a pair with it.
func Remove(t testing.TB, name string) {
	t.Helper()
	body := append(make([]byte, unix.SizeofIfInfomsg), attribute(unix.IFLA_IFNAME, []byte(name+"\x00"))...)
	if _, err := request(unix.RTM_DELLINK, unix.NLM_F_ACK, body); err != nil {
		t.Fatalf("remove %s: %v", name, err)
	}
}

func setUp(name string) error { return setFlags(name, unix.IFF_UP, 0) }

func setFlags(name string, set, clear uint16) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, req); err != nil {
		return fmt.Errorf("flags of %s: %w", name, err)
	}
	req.SetUint16(req.Uint16()&^clear | set)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req); err != nil {
		return fmt.Errorf("set flags of %s: %w", name, err)
	}
	return nil
}

// newVeth makes a pair of interfaces.
func newVeth(a, b string) error {
	const vethInfoPeer = 1 // linux/veth.h
	info := make([]byte, unix.SizeofIfInfomsg)
	peer := attribute(vethInfoPeer, info, attribute(unix.IFLA_IFNAME, []byte(b+"\x00")))
	body := append(info, attribute(unix.IFLA_IFNAME, []byte(a+"\x00"))...)
	body = append(body, attribute(unix.IFLA_LINKINFO,
		attribute(unix.IFLA_INFO_KIND, []byte("veth")), attribute(unix.IFLA_INFO_DATA, peer))...)

	_, err := request(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK, body)
	return err
}

// waitReady waits until what is sent on an interface that is up is not dropped any more: the kernel
// attaches the queue in the background, some time after the other end of a pair came up.
func waitReady(name string) error {
	body := append(make([]byte, unix.SizeofIfInfomsg), attribute(unix.IFLA_IFNAME, []byte(name+"\x00"))...)
	for range 1000 {
		answer, err := request(unix.RTM_GETLINK, 0, body)
		if err != nil {
			return err
		}
		if !bytes.Contains(answer, attribute(unix.IFLA_QDISC, []byte("noop\x00"))) {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("%s does not become ready", name)
}

// request sends one rtnetlink(7) message and gives the body of the answer.
func request(kind, flags uint16, body []byte) ([]byte, error) {
	ne := binary.NativeEndian
	msg := ne.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	msg = ne.AppendUint16(msg, kind)
	msg = ne.AppendUint16(msg, unix.NLM_F_REQUEST|flags)
	msg = append(msg, 0, 0, 0, 0, 0, 0, 0, 0) // sequence number, port
	msg = append(msg, body...)

	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, msg, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, err
	}
	answer := make([]byte, 16<<10)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return nil, err
	}
	if n < unix.SizeofNlMsghdr+4 {
		return nil, fmt.Errorf("short netlink answer % x", answer[:n])
	}
	answer = answer[:n]
	if ne.Uint16(answer[4:]) == unix.NLMSG_ERROR {
		if code := int32(ne.Uint32(answer[unix.SizeofNlMsghdr:])); code != 0 {
			return nil, unix.Errno(-code)
		}
	}
	return answer[unix.SizeofNlMsghdr:], nil
}

// attribute is a netlink attribute, padded to four octets.
func attribute(kind uint16, parts ...[]byte) []byte {
	a := make([]byte, unix.SizeofRtAttr)
	for _, p := range parts {
		a = append(a, p...)
	}
	binary.NativeEndian.PutUint16(a, uint16(len(a)))
	binary.NativeEndian.PutUint16(a[2:], kind)
	return append(a, make([]byte, -len(a)&3)...)
}
