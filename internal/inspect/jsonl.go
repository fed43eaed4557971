package inspect

import (
	"bufio"
	"encoding/json"
	"io"
	"strconv"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// Lines writes flow and fact records as JSON lines.
type Lines struct {
	w *bufio.Writer
	b []byte
}

// NewLines writes records to w.
func NewLines(w io.Writer) *Lines { return &Lines{w: bufio.NewWriterSize(w, 64<<10)} }

// Flush writes what is buffered.
func (l *Lines) Flush() error { return l.w.Flush() }

// Flow writes one line of --flows, as schema/flow.json describes it.
func (l *Lines) Flow(r *FlowRecord) error {
	f := r.Flow
	id := f.CommunityID()
	l.b = append(l.b[:0], `{"ts":`...)
	l.b = seconds(l.b, f.First)
	l.b = append(l.b, `,"uid":"`...)
	l.b = append(l.b, uid(f)...)
	l.b = append(l.b, '"')
	l.text("id.orig_h", f.Addr[flow.Orig].Netip().String())
	l.number("id.orig_p", uint64(f.Port[flow.Orig]))
	l.text("id.resp_h", f.Addr[flow.Resp].Netip().String())
	l.number("id.resp_p", uint64(f.Port[flow.Resp]))
	l.text("proto", protoName(f.Proto))
	l.some("service", r.Service())
	l.b = append(l.b, `,"duration":`...)
	l.b = seconds(l.b, f.Last-f.First)
	l.number("orig_bytes", f.Payload[flow.Orig])
	l.number("resp_bytes", f.Payload[flow.Resp])
	l.text("conn_state", f.State())
	l.some("history", f.History())
	l.number("orig_pkts", f.Packets[flow.Orig])
	l.number("resp_pkts", f.Packets[flow.Resp])
	l.text("community_id", id)
	l.mac("orig_l2_addr", f.MAC[flow.Orig])
	l.mac("resp_l2_addr", f.MAC[flow.Resp])
	l.b = append(l.b, `,"names":[`...)
	for i, n := range r.Names {
		if i > 0 {
			l.b = append(l.b, ',')
		}
		l.b = quote(l.b, device.Printable([]byte(n), 253))
	}
	l.b = append(l.b, ']')
	l.some("tls", r.TLS())
	l.some("ja3", r.JA3())
	l.some("ja3s", r.JA3S())
	l.some("ja4", r.JA4())
	l.text("initiator", f.How.String())
	l.b = append(l.b, '}', '\n')
	_, err := l.w.Write(l.b)
	return err
}

// Fact writes one line of --facts, as schema/fact.json describes it.
func (l *Lines) Fact(r *FactRecord) error {
	l.b = append(l.b[:0], `{"ts":`...)
	l.b = seconds(l.b, r.Time())
	l.number("packet", r.Number)
	if r.File > 0 {
		l.number("file", uint64(r.File))
	}
	l.text("device", r.device())
	l.text("fact", r.Name())
	l.text("value", device.Printable(r.Value(), 1024))
	l.b = append(l.b, `,"fields":{`...)
	first := true
	r.Fields(func(key string, value []byte) {
		if !first {
			l.b = append(l.b, ',')
		}
		first = false
		l.b = quote(l.b, key)
		l.b = append(l.b, ':')
		l.b = quote(l.b, device.Printable(value, 1024))
	})
	l.b = append(l.b, '}', '}', '\n')
	_, err := l.w.Write(l.b)
	return err
}

// device is how the subject of a fact is written: where the link has no addresses, its IP address.
func (r *FactRecord) device() string {
	if f := r.facts.At(r.i); f.Own && device.IsSynthetic(f.Subject) {
		return f.Source.Netip().String()
	}
	return device.Name(r.Subject())
}

func (l *Lines) key(k string) {
	l.b = append(l.b, ',', '"')
	l.b = append(l.b, k...)
	l.b = append(l.b, '"', ':')
}

func (l *Lines) text(k, v string) { l.key(k); l.b = quote(l.b, v) }

func (l *Lines) some(k, v string) {
	if v != "" {
		l.text(k, v)
	}
}

func (l *Lines) number(k string, v uint64) { l.key(k); l.b = strconv.AppendUint(l.b, v, 10) }

func (l *Lines) mac(k string, m frame.MAC) {
	if !m.IsZero() && !device.IsSynthetic(m) {
		l.text(k, m.String())
	}
}

// quote appends s, which is printable, as a JSON string.
func quote(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			q, _ := json.Marshal(s) // a string always marshals
			return append(b, q...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// seconds appends nanoseconds as seconds, with all their decimals.
func seconds(b []byte, ns int64) []byte {
	if ns < 0 {
		b = append(b, '-')
		ns = -ns
	}
	b = strconv.AppendInt(b, ns/1e9, 10)
	b = append(b, '.')
	frac := strconv.AppendInt(nil, 1e9+ns%1e9, 10)[1:]
	for len(frac) > 6 && frac[len(frac)-1] == '0' {
		frac = frac[:len(frac)-1]
	}
	return append(b, frac...)
}

// uid tells flows of one history apart: where the flow's first packet was.
func uid(f *flow.Flow) string {
	return "P" + strconv.FormatUint(uint64(f.File), 36) + "." + strconv.FormatUint(f.Number, 36)
}

func protoName(p uint8) string {
	switch p {
	case frame.ProtoTCP:
		return "tcp"
	case frame.ProtoUDP:
		return "udp"
	case frame.ProtoICMP, frame.ProtoICMPv6:
		return "icmp"
	case frame.ProtoSCTP:
		return "sctp"
	}
	return strconv.Itoa(int(p))
}
