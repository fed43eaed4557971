package home

import (
	"sync"
	"time"
)

// Meter adds up traffic until it is kept. Any number of goroutines may use it. The zero value is ready.
type Meter struct {
	mu   sync.Mutex
	list map[trafficKey]*Traffic
	Lost uint64 // flows that there was no room for
}

type trafficKey struct {
	at                    int64
	device, peer, service string
	began                 bool
}

// maxMetered bounds a Meter: it is emptied every few seconds, and a flood has millions of peers.
const maxMetered = 8_000

// Add adds a flow, or several. The time is that of the minute.
func (m *Meter) Add(t Traffic) {
	t.At, t.Span = t.At.UTC().Truncate(time.Minute), time.Minute
	k := trafficKey{t.At.Unix(), t.Device, t.Peer, t.Service, t.Began}
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := m.list[k]; n != nil {
		n.Flows, n.Out, n.In = n.Flows+t.Flows, n.Out+t.Out, n.In+t.In
		return
	}
	if len(m.list) >= maxMetered {
		// what there are so many of is told apart no more
		k.peer, t.Peer = "", ""
		if n := m.list[k]; n != nil {
			n.Flows, n.Out, n.In = n.Flows+t.Flows, n.Out+t.Out, n.In+t.In
			return
		}
		if len(m.list) >= 2*maxMetered {
			m.Lost += t.Flows
			return
		}
	}
	if m.list == nil {
		m.list = map[trafficKey]*Traffic{}
	}
	m.list[k] = &t
}

// Take is what was added up since it was last taken.
func (m *Meter) Take() []Traffic {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Traffic, 0, len(m.list))
	for _, t := range m.list {
		out = append(out, *t)
	}
	m.list = nil
	return out
}

// Return gives back what could not be kept.
func (m *Meter) Return(list []Traffic) {
	for _, t := range list {
		m.Add(t)
	}
}
