package nft

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
)

// What linux/netfilter says.
const (
	subsystemConntrack = 1
	subsystemNFTables  = 10
	batchBegin         = 16
	batchEnd           = 17

	newElement  = subsystemNFTables<<8 | 12
	getElement  = subsystemNFTables<<8 | 13
	dropElement = subsystemNFTables<<8 | 14
	getState    = subsystemNFTables<<8 | 16
	getEntry    = subsystemConntrack<<8 | 1
	dropEntry   = subsystemConntrack<<8 | 2

	nested = 1 << 15
)

// families are those of tables, by the names that nft gives them.
var families = map[string]uint8{"inet": 1, "arp": 3, "bridge": 7}

var (
	ne = binary.NativeEndian
	be = binary.BigEndian
)

// socket speaks with netfilter. One conversation at a time.
type socket struct {
	mu       sync.Mutex
	fd       int
	sequence uint32
	buffer   []byte
}

func dial() (*socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("open netfilter socket: %w", err)
	}
	// room for the answers to large batches (ENOBUFS), and an end to waiting for a kernel that does not answer
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 4<<20)
	if err := errors.Join(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}),
		unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("set up netfilter socket: %w", err)
	}
	return &socket{fd: fd, buffer: make([]byte, 256<<10)}, nil
}

func (s *socket) close() error { return unix.Close(s.fd) }

// message appends a message; what body appends becomes its attributes.
func (s *socket) message(b []byte, kind, flags uint16, family uint8, resource uint16, body func([]byte) []byte) []byte {
	s.sequence++
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	b = ne.AppendUint16(b, kind)
	b = ne.AppendUint16(b, flags|unix.NLM_F_REQUEST)
	b = ne.AppendUint32(b, s.sequence)
	b = append(b, 0, 0, 0, 0, family, 0)
	b = be.AppendUint16(b, resource)
	if body != nil {
		b = body(b)
	}
	ne.PutUint32(b[at:], uint32(len(b)-at))
	return b
}

// attribute appends an attribute.
func attribute(b []byte, kind uint16, value []byte) []byte {
	b = ne.AppendUint16(b, uint16(4+len(value)))
	b = ne.AppendUint16(b, kind)
	b = append(b, value...)
	return append(b, make([]byte, -len(value)&3)...)
}

// nest appends an attribute that holds others.
func nest(b []byte, kind uint16, body func([]byte) []byte) []byte {
	at := len(b)
	b = ne.AppendUint16(b, 0)
	b = ne.AppendUint16(b, kind|nested)
	b = body(b)
	ne.PutUint16(b[at:], uint16(len(b)-at))
	return b
}

// attributes calls f with each attribute.
func attributes(b []byte, f func(kind uint16, value []byte)) {
	for len(b) >= 4 {
		n := int(ne.Uint16(b))
		if n < 4 || n > len(b) {
			return
		}
		f(ne.Uint16(b[2:])&^(nested|1<<14), b[4:n])
		b = b[min(len(b), (n+3)&^3):]
	}
}

// send sends messages and hears the answers until the one to the last is there; each is called with bodies of
// answers that are no acknowledgements. The first error counts.
func (s *socket) send(b []byte, last uint32, each func([]byte)) (failed error) {
	if err := unix.Sendto(s.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("send to netfilter: %w", err)
	}
	first := ne.Uint32(b[8:])
	for {
		n, _, err := unix.Recvfrom(s.fd, s.buffer, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return errors.Join(failed, fmt.Errorf("hear from netfilter: %w", err))
		}
		for m := s.buffer[:n]; len(m) >= unix.SizeofNlMsghdr; {
			size, sequence := int(ne.Uint32(m)), ne.Uint32(m[8:])
			if size < unix.SizeofNlMsghdr || size > len(m) {
				break
			}
			kind, flags, body := ne.Uint16(m[4:]), ne.Uint16(m[6:]), m[unix.SizeofNlMsghdr:size]
			m = m[min(len(m), (size+3)&^3):]
			if sequence < first || sequence > last {
				continue // of a conversation that was given up
			}
			switch kind {
			case unix.NLMSG_DONE:
				if sequence == last {
					return failed
				}
			case unix.NLMSG_ERROR:
				if len(body) < 4 {
					continue
				}
				if code := int32(ne.Uint32(body)); code != 0 && failed == nil {
					failed = unix.Errno(-code)
				}
				if sequence == last || failed != nil && sequence == first {
					return failed
				}
			default:
				if flags&unix.NLM_F_DUMP_INTR != 0 {
					failed = unix.EINTR
				}
				if each != nil && len(body) >= 4 {
					each(body[4:])
				}
				if sequence == last && flags&unix.NLM_F_MULTI == 0 {
					return failed
				}
			}
		}
	}
}

// ask sends one request that has answers.
func (s *socket) ask(kind, flags uint16, family uint8, body func([]byte) []byte, each func([]byte)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.message(nil, kind, flags, family, 0, body)
	return s.send(b, s.sequence, each)
}

// perMessage bounds the elements in one message: the length of what holds them has 16 bits.
const perMessage = 400

// elements changes sets and maps in one transaction: all of it, or nothing.
func (s *socket) elements(list []change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.message(nil, batchBegin, 0, 0, subsystemNFTables, nil)
	for len(list) > 0 {
		n := 1
		for n < len(list) && n < perMessage && list[n].set == list[0].set && list[n].family == list[0].family && list[n].drop == list[0].drop {
			n++
		}
		kind, flags := uint16(newElement), uint16(unix.NLM_F_CREATE)
		if list[0].drop {
			kind, flags = dropElement, 0
		}
		if n == len(list) {
			flags |= unix.NLM_F_ACK
		}
		var bad error
		b = s.message(b, kind, flags, families[list[0].family], 0, func(b []byte) []byte {
			b = attribute(b, 1, []byte(Table+"\x00"))
			b = attribute(b, 2, []byte(list[0].set+"\x00"))
			return nest(b, 3, func(b []byte) []byte {
				for i := range list[:n] {
					b = nest(b, 1, func(b []byte) []byte {
						element, leads, isMap := strings.Cut(list[i].element, " : ")
						key, err := key(element)
						bad = errors.Join(bad, err)
						b = nest(b, 1, func(b []byte) []byte { return attribute(b, 1, key) })
						if isMap && !list[i].drop {
							b = nest(b, 2, func(b []byte) []byte { return verdict(b, leads) })
						}
						if t := list[i].timeout; t > 0 {
							b = attribute(b, 4, be.AppendUint64(nil, t))
						}
						return b
					})
				}
				return b
			})
		})
		if bad != nil {
			return bad
		}
		list = list[n:]
	}
	last := s.sequence
	b = s.message(b, batchEnd, 0, 0, subsystemNFTables, nil)
	return s.send(b, last, nil)
}

// key is an element as the kernel has it: each part padded to four octets.
func key(element string) (b []byte, err error) {
	for part := range strings.SplitSeq(element, " . ") {
		switch a, e := netip.ParseAddr(part); {
		case e == nil:
			b = append(b, a.AsSlice()...)
		case len(part) == 17 && part[2] == ':':
			m, e := frame.ParseMAC(part)
			if e != nil {
				return nil, fmt.Errorf("element %q: %w", element, e)
			}
			b = append(append(b, m[:]...), 0, 0)
		case part == "tcp":
			b = append(b, unix.IPPROTO_TCP, 0, 0, 0)
		case part == "udp":
			b = append(b, unix.IPPROTO_UDP, 0, 0, 0)
		default:
			port, e := strconv.ParseUint(part, 10, 16)
			if e != nil {
				return nil, fmt.Errorf("element %q: %w", element, e)
			}
			b = append(be.AppendUint16(b, uint16(port)), 0, 0)
		}
	}
	if !strings.Contains(element, " . ") { // only parts of a concatenation are padded
		switch {
		case len(element) == 17 && element[2] == ':':
			b = b[:6]
		case element == "tcp" || element == "udp":
			b = b[:1]
		}
	}
	return b, nil
}

// verdict appends where a map leads: to a chain, that comes back or not.
func verdict(b []byte, leads string) []byte {
	how, chain, _ := strings.Cut(leads, " ")
	code := int32(-3) // NFT_JUMP
	if how == "goto" {
		code = -4
	}
	return nest(b, 2, func(b []byte) []byte {
		b = attribute(b, 1, be.AppendUint32(nil, uint32(code)))
		return attribute(b, 2, []byte(chain+"\x00"))
	})
}

// generation is the number of transactions that changed rules, of whomever.
func (s *socket) generation() (n uint32, err error) {
	err = s.ask(getState, 0, 0, nil, func(b []byte) {
		attributes(b, func(kind uint16, value []byte) {
			if kind == 1 && len(value) == 4 {
				n = be.Uint32(value)
			}
		})
	})
	return n, err
}
