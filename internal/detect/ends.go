package detect

import (
	"bytes"
	"net/netip"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// conversation names a flow by its ends, whichever way a packet goes.
type conversation struct {
	low, high         frame.Addr
	lowPort, highPort uint16
	proto             uint8
}

func converse(a, b frame.Addr, p, q uint16, proto uint8) conversation {
	if c := bytes.Compare(a[:], b[:]); c > 0 || c == 0 && p > q {
		a, b, p, q = b, a, q, p
	}
	return conversation{a, b, p, q, proto}
}

// conversation is the flow that a fact was said in.
func (f *Fact) conversation() conversation {
	return converse(f.Frame.Src, f.Frame.Dst, f.Frame.SrcPort, f.Frame.DstPort, f.Frame.Proto)
}

func (f *Flow) conversation() conversation {
	return converse(f.Addr[flow.Orig], f.Addr[flow.Resp], f.Port[flow.Orig], f.Port[flow.Resp], f.Proto)
}

// whom says who gives and who is given: the one that a fact is about, and the other end.
func (f *Fact) whom() (subject, other Party) {
	subject, other = f.Sender(), f.Receiver()
	if f.Subject != subject.MAC && f.Subject == other.MAC {
		return other, subject
	}
	return subject, other
}

// call is what people call a party, as somebody else knows it now.
func (w *Watch) call(p Party, by frame.MAC) string {
	return (&View{watch: w}).call(p, by, w.now)
}

// unicast reports whether an address is that of one host.
func unicast(a frame.Addr) bool {
	ip := a.Netip()
	return !a.IsZero() && !ip.IsMulticast() && !ip.IsUnspecified() && ip != broadcast4
}

var broadcast4 = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// byKind weighs by the sort of device: what a thing does unasked is worse than what a person does on a computer.
func byKind(iot, other, general finding.Severity) func(*View, *device.Device) finding.Severity {
	return func(v *View, d *device.Device) finding.Severity {
		switch v.Kind(d) {
		case device.IoT:
			return iot
		case device.General:
			return general
		}
		return other
	}
}

// text is octets from the wire, printable.
func text(b []byte) string { return device.Printable(b, 253) }
