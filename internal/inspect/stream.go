package inspect

import (
	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// segment puts a TCP segment in its place in the stream, and shows what is in order.
func (w *worker) segment(fl *flow.Flow, dir int, app *flow.App, f *frame.Frame, payload []byte, time int64, seq uint64) {
	if app.Over {
		fl.Advance(f, dir) // for the count of octets
		return
	}
	next := fl.NextSeq[dir]
	skip, gap := fl.Advance(f, dir)
	switch {
	case gap:
		// Advance has moved on to the end of this segment: until the gap is closed, what is in order ends at next.
		if w.streams.Hold(app, f.Seq, payload) {
			fl.NextSeq[dir] = next
			return
		}
		// too much waits: give the gap up, and go on behind it
		w.streams.Consume(app, len(w.streams.Pending(app)))
		next = w.held(fl, dir, app, f, next, true, time, seq)
		if app.Over {
			return
		}
		if shown := next - f.Seq; int32(shown) > 0 {
			skip = min(shown, f.PayloadWire) // a part of this segment came before
		}
	case skip >= f.PayloadWire:
		return // sent again
	case int(skip) >= len(payload): // what is new was not captured: a hole
		w.streams.Consume(app, len(w.streams.Pending(app)))
		return
	}
	cut := len(payload) < int(f.PayloadWire)
	w.octets(fl, dir, app, f, payload[min(int(skip), len(payload)):], f.Flags&frame.FIN != 0 || cut, time, seq)
	if !app.Over && w.streams.Held(app) {
		w.held(fl, dir, app, f, fl.NextSeq[dir], false, time, seq)
	}
}

// held shows the segments that waited for the octet next, and returns which octet comes after them; with skip, the gap
// before the first is given up.
func (w *worker) held(fl *flow.Flow, dir int, app *flow.App, f *frame.Frame, next uint32, skip bool, time int64, seq uint64) uint32 {
	for !app.Over {
		b, end, ok := w.streams.TakeHeld(app, next, skip)
		if !ok {
			break
		}
		skip = false
		if int32(end-next) > 0 || len(b) > 0 {
			next = end
			if int32(end-fl.NextSeq[dir]) > 0 {
				fl.NextSeq[dir] = end
			}
			w.octets(fl, dir, app, f, b, false, time, seq)
		}
	}
	return next
}

// finish shows what is pending one last time.
func (w *worker) finish(fl *flow.Flow, dir int, app *flow.App, f *frame.Frame, time int64, seq uint64) {
	w.octets(fl, dir, app, f, nil, true, time, seq)
}

// octets shows octets that are in order, joined to what is pending of the stream, message by message.
func (w *worker) octets(fl *flow.Flow, dir int, app *flow.App, f *frame.Frame, b []byte, final bool, time int64, seq uint64) {
	data := b
	joined := false
	if pending := w.streams.Pending(app); len(pending) > 0 {
		all, ok := w.streams.Append(app, b)
		if !ok {
			w.over(fl, dir, app)
			return
		}
		data, joined = all, true
	}
	if len(data) == 0 {
		return
	}
	m := w.fill(fl, dir, f, time, seq)
	shown := 0
	for range maxCalls {
		m.Data = data[shown:]
		m.Final = final || len(m.Data) >= dissect.MaxStream
		before := w.out.Len()
		p, n, s := w.try(fl, dir, app, m)
		if s == dissect.More && m.Final {
			s = dissect.Done
		}
		if !w.settle(fl, dir, app, p, s, before) {
			return
		}
		switch s {
		case dissect.No:
			shown = len(data)
		case dissect.More:
			shown += n
			w.keep(fl, dir, app, data, shown, joined)
			return
		case dissect.Done: // another protocol follows, and nothing is pending any more
			shown += n
			joined = false // data stays as it is until the next Append, which begins at or behind it
		default:
			if n == 0 {
				n = len(m.Data)
			}
			shown += n
		}
		if shown >= len(data) {
			break
		}
	}
	if joined {
		w.streams.Consume(app, len(data))
	}
}

// keep leaves data from octet at pending for the next segment.
func (w *worker) keep(fl *flow.Flow, dir int, app *flow.App, data []byte, at int, joined bool) {
	if joined {
		w.streams.Consume(app, at)
		return
	}
	if at < len(data) {
		if _, ok := w.streams.Append(app, data[at:]); !ok {
			w.over(fl, dir, app)
		}
	}
}
