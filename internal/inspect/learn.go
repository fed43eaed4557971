package inspect

import (
	"plimsoll.example/plimsoll/internal/baseline"
	"plimsoll.example/plimsoll/internal/capture"
)

// maxFiles bounds the captures whose spans are told apart; those beyond it are taken as one.
const maxFiles = 4096

// span takes note of when the packets of a file came.
func span(list []baseline.Span, r *capture.Record) []baseline.Span {
	i := min(int(r.File), maxFiles)
	for len(list) <= i {
		list = append(list, baseline.Span{First: 1})
	}
	if s := &list[i]; s.Last < s.First {
		*s = baseline.Span{First: r.Time, Last: r.Time}
	} else {
		s.First, s.Last = min(s.First, r.Time), max(s.Last, r.Time)
	}
	return list
}

// Learned is what is normal with what this inspection saw, or nil where it was not asked to learn. Result comes first:
// there it is decided which addresses are one device.
func (e *Engine) Learned() *baseline.Baseline {
	if e.watch == nil || e.cfg.Detect.Learner == nil {
		return nil
	}
	var members []baseline.Member
	for _, d := range e.scene.devices {
		m := baseline.Member{Claims: d.Claims()}
		for _, mac := range d.MACs {
			m.MACs = append(m.MACs, mac.String())
		}
		members = append(members, m)
	}
	return e.cfg.Detect.Learner.Finish(members, e.spans)
}
