// Package ntp dissects the Network Time Protocol, versions 1 to 4 (RFC 1059, RFC 1119, RFC 1305, RFC 5905),
// with its control messages, which attackers reflect off open servers.
package ntp

import "plimsoll.example/plimsoll/internal/dissect"

const (
	port        = 123
	sizeTime    = 48 // octets of a message about time, before extensions and authentication
	sizeControl = 12 // octets of the header of a control message (RFC 9327 §2)
	sizePrivate = 8  // octets of the header of a private message of ntpd
	maxStratum  = 16 // not synchronised
)

// Modes (RFC 5905, Figure 10).
const (
	unspecified = 0 // version 1 has no modes
	client      = 3
	server      = 4
	control     = 6
	private     = 7
)

var modes = [...]string{
	"", "symmetric-active", "symmetric-passive", "client", "server", "broadcast", "control", "private",
}

// Dissect reads one message. Its content is too plain to be told from other protocols by itself, so one
// side must use NTP's port.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if len(d) < sizePrivate || m.Src.Port() != port && m.Dst.Port() != port {
		return 0, dissect.No
	}
	version, mode := d[0]>>3&7, d[0]&7
	if version == 0 || version > 4 {
		return 0, dissect.No
	}
	switch mode {
	case control:
		if len(d) < sizeControl {
			return 0, dissect.No
		}
		begin(out, version, mode)
		out.FieldUint("operation", uint64(d[1]&0x1f))
		response(out, d[1])
		return len(d), dissect.Next
	case private:
		begin(out, version, mode)
		out.FieldUint("request", uint64(d[3]))
		response(out, d[0])
		return len(d), dissect.Next
	case unspecified:
		if version != 1 {
			return 0, dissect.No
		}
		mode = client
		if m.Src.Port() == port && m.Dst.Port() != port {
			mode = server
		}
	}
	stratum := d[1]
	if len(d) < sizeTime || len(d)%4 != 0 || stratum > maxStratum {
		return 0, dissect.No
	}
	begin(out, version, mode)
	if mode != client {
		out.FieldUint("stratum", uint64(stratum))
		if ref := d[12:16]; stratum <= 1 {
			if ref = printable(ref); len(ref) > 0 {
				// The kind of clock, or at stratum 0 the reason for a refusal (RFC 5905 §7.3, §7.4).
				out.Field("reference", ref)
			}
		}
	}
	return len(d), dissect.Done
}

func begin(out *dissect.Facts, version, mode byte) {
	out.AddUint("ntp.version", uint64(version))
	out.FieldString("mode", modes[mode])
}

// response tells a response from a request, by the R bit of b.
func response(out *dissect.Facts, b byte) {
	if b&0x80 != 0 {
		out.FieldString("response", "1")
	}
}

// printable is the beginning of b that is printable ASCII.
func printable(b []byte) []byte {
	for i, c := range b {
		if c <= ' ' || c > '~' {
			return b[:i]
		}
	}
	return b
}
