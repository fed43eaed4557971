package dns

const (
	maxName  = 255 // octets of a name on the wire, RFC 1035, Section 2.3.4
	maxJumps = 32  // compression pointers in one name; those who write messages need a few
)

// Labels walks the labels of one name, following compression pointers (RFC 1035,
// Section 4.1.4). Each pointer must lead to before the part that holds it, so that no
// name is endless.
type Labels struct {
	msg    []byte
	off    int
	floor  int // pointers must lead to before this
	end    int // where the name ends in the record, 0 while that is not known
	octets int
	jumps  int
}

// LabelsAt begins the walk of the name at off.
func LabelsAt(msg []byte, off int) Labels {
	return Labels{msg: msg, off: off, floor: off}
}

// Next is the next label, which is empty at the end of the name. It is not ok if the name is malformed.
func (l *Labels) Next() (label []byte, ok bool) {
	for l.off < len(l.msg) {
		c := int(l.msg[l.off])
		switch c & 0xc0 {
		case 0:
			from, to := l.off+1, l.off+1+c
			l.octets += 1 + c
			if to > len(l.msg) || l.octets > maxName {
				return nil, false
			}
			if c > 0 {
				l.off = to
			} else if l.end == 0 {
				l.end = to
			}
			return l.msg[from:to:to], true
		case 0xc0:
			if l.off+2 > len(l.msg) || l.jumps == maxJumps {
				return nil, false
			}
			to := c&0x3f<<8 | int(l.msg[l.off+1])
			if to < HeaderLen || to >= l.floor {
				return nil, false
			}
			if l.end == 0 {
				l.end = l.off + 2
			}
			l.off, l.floor = to, to
			l.jumps++
		default: // extended labels (RFC 2671) came to nothing
			return nil, false
		}
	}
	return nil, false
}

// End is where the record goes on after the name, once Next has come to the name's end.
func (l *Labels) End() int { return l.end }

// AppendName appends the name at off to dst and says where it ends: lower-case, without the last dot,
// and with everything that does not print escaped as in RFC 1035, Section 5.1. The root is a single dot.
func AppendName(dst, msg []byte, off int) (name []byte, end int, ok bool) {
	l := LabelsAt(msg, off)
	from := len(dst)
	for {
		label, ok := l.Next()
		if !ok {
			return dst[:from], off, false
		}
		if len(label) == 0 {
			if len(dst) == from {
				dst = append(dst, '.')
			}
			return dst, l.end, true
		}
		if len(dst) > from {
			dst = append(dst, '.')
		}
		dst = AppendLabel(dst, label)
	}
}

// AppendLabel appends a label as AppendName does.
func AppendLabel(dst, label []byte) []byte {
	for _, c := range label {
		switch p := printed[c]; p {
		case 0:
			dst = append(dst, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
		case '.', '\\':
			dst = append(dst, '\\', p)
		default:
			dst = append(dst, p)
		}
	}
	return dst
}

// printed is each octet as it prints in a name, in lower case; 0 where it does not.
var printed = func() (t [256]byte) {
	for c := byte('!'); c <= '~'; c++ {
		t[c] = c
		if 'A' <= c && c <= 'Z' {
			t[c] += 'a' - 'A'
		}
	}
	return t
}()

// skipName says where the name at off ends, without looking at what its pointer leads to.
func skipName(msg []byte, off int) (end int, ok bool) {
	for from := off; off < len(msg) && off-from < maxName; {
		switch c := int(msg[off]); c & 0xc0 {
		case 0:
			off += 1 + c
			if c == 0 {
				return off, true
			}
		case 0xc0:
			return off + 2, off+2 <= len(msg)
		default:
			return 0, false
		}
	}
	return 0, false
}
