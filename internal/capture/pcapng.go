package capture

import (
	"math"
	"math/bits"
	"slices"
	"strconv"

	"plimsoll.example/plimsoll/internal/frame"
)

// Block types (draft-ietf-opsawg-pcapng, Section 4 and its registry).
const (
	blockSection   = 0x0a0d0d0a // the same in both byte orders
	blockInterface = 1
	blockPacketOld = 2 // obsolete
	blockSimple    = 3
	blockPacket    = 6

	// Blocks without a frame, which Wireshark numbers all the same.
	blockJournal      = 9 // systemd
	blockCustom       = 0xbad
	blockCustomNoCopy = 0x40000bad
	blockSysdig       = 0x204
	blockSysdig2      = 0x216
	blockSysdig2Large = 0x221
)

const (
	byteOrderMagic = 0x1a2b3c4d
	minBlock       = 12
	trailerSize    = 4  // octets: a block ends with its length again
	sectionHeader  = 28 // octets of a Section Header Block without options
	packetBlock    = 32 // octets of a packet block around an empty frame

	// maxBlock is the largest block that is held in memory: a frame and its options.
	maxBlock = maxFrame + 64<<10
	// maxInterfaces is how many interfaces one section may have.
	maxInterfaces = 1 << 16
	// maxOffset is the largest if_tsoffset that is believed, in seconds.
	maxOffset = math.MaxInt64 / 1_000_000_000
	// maxLinks is how many link types of a file are remembered.
	maxLinks = 64
)

// pcapng walks the next-generation format: sections of blocks, each section in its own byte order and
// with its own interfaces.
type pcapng struct {
	swap       bool // numbers of this section are big-endian
	interfaces []iface
	seen       []frame.LinkType
	trailer    uint32 // if not 0: what comes next is the end of a block, and must say this
	file       uint16
	number     uint64 // of the last packet
	last       int64  // its time
}

// iface is what an Interface Description Block says of the packets that name it.
type iface struct {
	link   frame.LinkType
	snap   uint32 // 0: no limit
	mul    uint64 // nanoseconds in a unit of time, or 0 if that is no whole number
	div    uint64 // else: units in a nanosecond, or 0 if it is a power of two
	shift  uint8  // else: logarithm of the units in a second
	offset int64  // nanoseconds to add
	plain  uint64 // timestamps below need no more than the multiplication
}

// newPcapng checks what it can of the first block, of which head holds the beginning.
func newPcapng(head []byte, file uint16) (*pcapng, *FormatError) {
	if len(head) >= minBlock {
		if _, ok := byteOrder(head); !ok {
			return nil, &FormatError{Offset: 8, Found: "pcapng of no known byte order"}
		}
	}
	if len(head) >= 16 {
		swap, _ := byteOrder(head)
		if major, minor := u16(head[12:], swap), u16(head[14:], swap); major != 1 {
			return nil, &FormatError{Offset: 12, Found: "pcapng of version " + version(major, minor)}
		}
	}
	return &pcapng{file: file}, nil
}

// byteOrder reads the byte-order magic of a Section Header Block.
func byteOrder(block []byte) (swap, ok bool) {
	switch u32(block[8:], false) {
	case byteOrderMagic:
		return false, true
	case bits.ReverseBytes32(byteOrderMagic):
		return true, true
	}
	return false, false
}

func (p *pcapng) links() []frame.LinkType { return p.seen }

func (p *pcapng) packets() uint64 { return p.number }

func (p *pcapng) walk(b *Batch, from int) step {
	s := step{used: from}
	for s.need == 0 && s.fault == "" {
		rest := b.Data[s.used:]
		if p.trailer != 0 {
			p.end(rest, &s)
			continue
		}
		if len(rest) < minBlock {
			s.need = minBlock
			break
		}
		// Nearly all blocks are whole packets in good order.
		if size := int64(u32(rest[4:], p.swap)); u32(rest, p.swap) == blockPacket && packetBlock <= size && size <= int64(len(rest)) &&
			size%4 == 0 && int64(u32(rest[size-trailerSize:], p.swap)) == size {
			if s.fault = p.packet(b, rest[:size], s.used, u32(rest[8:], p.swap)); s.fault == "" {
				s.used += int(size)
			}
			continue
		}
		p.block(b, rest, &s)
	}
	return s
}

// block takes any block, which is the beginning of rest, and moves s beyond it.
func (p *pcapng) block(b *Batch, rest []byte, s *step) {
	kind := u32(rest, p.swap)
	if kind == blockSection {
		swap, ok := byteOrder(rest)
		if !ok {
			s.fault = "byte order"
			return
		}
		p.swap, p.interfaces = swap, p.interfaces[:0]
	}
	size := u32(rest[4:], p.swap)
	if size < minBlock || size%4 != 0 {
		s.fault = "block length"
		return
	}
	switch kind {
	case blockPacket, blockPacketOld, blockSimple, blockInterface, blockSection:
		p.hold(b, kind, size, rest, s)
	case blockJournal, blockCustom, blockCustomNoCopy, blockSysdig, blockSysdig2, blockSysdig2Large:
		p.number++
		p.leave(size, rest, s)
	default:
		p.leave(size, rest, s)
	}
}

// hold takes a block of interest.
func (p *pcapng) hold(b *Batch, kind, size uint32, rest []byte, s *step) {
	if size > maxBlock {
		s.fault = "block too long"
		return
	}
	if len(rest) < int(size) {
		s.need = int(size)
		return
	}
	block := rest[:size]
	if u32(block[size-trailerSize:], p.swap) != size {
		s.used += int(size) - trailerSize
		s.fault = "block lengths differ"
		return
	}
	switch kind {
	case blockPacket:
		s.fault = p.packet(b, block, s.used, u32(block[8:], p.swap))
	case blockPacketOld:
		s.fault = p.packet(b, block, s.used, uint32(u16(block[8:], p.swap)))
	case blockSimple:
		s.fault = p.simple(b, block, s.used)
	case blockInterface:
		s.fault = p.describe(block)
	case blockSection:
		if size < sectionHeader || u16(block[12:], p.swap) != 1 {
			s.fault = "section header"
		}
	}
	if s.fault == "" {
		s.used += int(size)
	}
}

// leave leaves out a block up to its last number, however long it is.
func (p *pcapng) leave(size uint32, rest []byte, s *step) {
	p.trailer = size
	if body := int64(size) - trailerSize; body > int64(len(rest)) {
		s.skip, s.need, s.inside = body, trailerSize, true
	} else {
		s.used += int(body)
	}
}

// end takes the end of a block that was left out.
func (p *pcapng) end(rest []byte, s *step) {
	switch {
	case len(rest) < trailerSize:
		s.need, s.inside = trailerSize, true
	case u32(rest, p.swap) != p.trailer:
		s.fault = "block lengths differ"
	default:
		s.used += trailerSize
		p.trailer = 0
	}
}

// packet reads an Enhanced Packet Block, which lies at off in b.Data, or the Packet Block of old: they
// differ only in how the interface id is written.
func (p *pcapng) packet(b *Batch, block []byte, off int, id uint32) string {
	if len(block) < packetBlock {
		return "block length"
	}
	if int64(id) >= int64(len(p.interfaces)) {
		return "unknown interface"
	}
	size := u32(block[20:], p.swap)
	if int64(size) > int64(len(block)-packetBlock) || size > maxFrame {
		return "frame too long"
	}
	i := &p.interfaces[id]
	p.number++
	p.last = i.time(uint64(u32(block[12:], p.swap))<<32 | uint64(u32(block[16:], p.swap)))
	r := b.add()
	r.Time = p.last
	r.Number = p.number
	r.Offset = uint32(off + 28)
	r.Len = size
	r.Wire = max(size, u32(block[24:], p.swap))
	r.Link = i.link
	r.File = p.file
	return ""
}

// simple reads a Simple Packet Block. It has no time: that of the packet before it is the best guess.
func (p *pcapng) simple(b *Batch, block []byte, off int) string {
	if len(block) < 16 {
		return "block length"
	}
	if len(p.interfaces) == 0 {
		return "unknown interface"
	}
	i := &p.interfaces[0]
	wire := u32(block[8:], p.swap)
	size := min(wire, uint32(len(block)-16))
	if i.snap != 0 {
		size = min(size, i.snap)
	}
	if size > maxFrame {
		return "frame too long"
	}
	p.number++
	r := b.add()
	r.Time = p.last
	r.Number = p.number
	r.Offset = uint32(off + 12)
	r.Len = size
	r.Wire = wire
	r.Link = i.link
	r.File = p.file
	return ""
}

// describe reads an Interface Description Block.
func (p *pcapng) describe(block []byte) string {
	if len(block) < 20 {
		return "block length"
	}
	if len(p.interfaces) == maxInterfaces {
		return "too many interfaces"
	}
	i := iface{
		link: frame.LinkType(u16(block[8:], p.swap)),
		snap: u32(block[12:], p.swap),
		mul:  1000, // microseconds, unless an option says else
	}
	for opts := block[16 : len(block)-trailerSize]; len(opts) >= 4; {
		code, size := u16(opts, p.swap), int(u16(opts[2:], p.swap))
		opts = opts[4:]
		if code == 0 || size > len(opts) {
			break
		}
		switch value := opts[:size]; {
		case code == 9 && size == 1: // if_tsresol
			i.resolve(value[0])
		case code == 14 && size == 8: // if_tsoffset, seconds
			low, high := u32(value, p.swap), u32(value[4:], p.swap)
			if p.swap {
				low, high = high, low
			}
			if sec := int64(uint64(high)<<32 | uint64(low)); -maxOffset <= sec && sec <= maxOffset {
				i.offset = sec * 1e9
			}
		}
		opts = opts[min((size+3)&^3, len(opts)):]
	}
	if i.mul != 0 && i.offset == 0 {
		i.plain = math.MaxInt64 / i.mul
	}
	p.interfaces = append(p.interfaces, i)
	if len(p.seen) < maxLinks && !slices.Contains(p.seen, i.link) {
		p.seen = append(p.seen, i.link)
	}
	return ""
}

// resolve takes an if_tsresol: 10^-n of a second, or 2^-n where the top bit is set.
func (i *iface) resolve(v byte) {
	n := v & 0x7f
	i.mul, i.div, i.shift = 0, 0, 0
	switch {
	case v&0x80 != 0:
		i.shift = n
		if n == 0 {
			i.mul = 1e9
		}
	case n <= 9:
		i.mul = power10(9 - n)
	default:
		i.div = power10(min(n-9, 19)) // finer than 10^-28 of a second: all times are as good as zero
	}
}

func power10(n byte) uint64 {
	v := uint64(1)
	for ; n > 0; n-- {
		v *= 10
	}
	return v
}

// time turns a timestamp into nanoseconds since the Unix epoch.
func (i *iface) time(ticks uint64) int64 {
	if ticks < i.plain {
		return int64(ticks * i.mul)
	}
	return i.scale(ticks)
}

// scale is time for all cases. What is out of bounds becomes the furthest time there is.
func (i *iface) scale(ticks uint64) int64 {
	var over, ns uint64
	switch {
	case i.mul != 0:
		over, ns = bits.Mul64(ticks, i.mul)
	case i.div != 0:
		ns = ticks / i.div
	default: // ticks × 10⁹ / 2^shift, in 128 bits
		over, ns = bits.Mul64(ticks, 1e9)
		if i.shift < 64 {
			over, ns = over>>i.shift, ns>>i.shift|over<<(64-i.shift)
		} else {
			over, ns = 0, over>>(i.shift-64)
		}
	}
	if over != 0 || ns > math.MaxInt64 {
		ns = math.MaxInt64
	}
	t := int64(ns)
	if i.offset > 0 && t > math.MaxInt64-i.offset {
		return math.MaxInt64
	}
	return t + i.offset
}

func version(major, minor uint16) string {
	return strconv.Itoa(int(major)) + "." + strconv.Itoa(int(minor))
}
