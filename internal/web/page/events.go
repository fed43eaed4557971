package page

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Events tells pages that are looked at that there is something new. They are told that there is, not what: they ask
// for themselves anew, so that nobody is told what they may not see, and who missed one misses nothing.
type Events struct {
	mu      sync.Mutex
	streams map[chan struct{}]bool
	closed  bool
}

// Bounds of news.
const (
	maxStreams = 256
	beat       = 15 * time.Second // how often a stream says that it is alive
	patience   = 5 * time.Second  // with who does not read
)

// Changed tells all that there is something new. It never waits.
func (e *Events) Changed() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.streams {
		select {
		case c <- struct{}{}:
		default: // it knows already
		}
	}
}

// Close ends all streams.
func (e *Events) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for c := range e.streams {
		delete(e.streams, c)
		close(c)
	}
}

// join adds a stream; false where there are too many.
func (e *Events) join() (c chan struct{}, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || len(e.streams) >= maxStreams {
		return nil, false
	}
	if e.streams == nil {
		e.streams = map[chan struct{}]bool{}
	}
	c = make(chan struct{}, 1)
	e.streams[c] = true
	return c, true
}

func (e *Events) leave(c chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.streams, c)
}

// ServeHTTP is a stream of server-sent events.
func (e *Events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, ok := e.join()
	if !ok {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "too many pages follow the news", http.StatusServiceUnavailable)
		return
	}
	defer e.leave(c)
	headers(w.Header())
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	say := func(text string) bool {
		if err := out.SetWriteDeadline(time.Now().Add(patience)); err != nil {
			return false
		}
		if _, err := fmt.Fprint(w, text); err != nil {
			return false
		}
		return out.Flush() == nil
	}
	if !say("retry: 3000\n\n") {
		return
	}
	alive := time.NewTicker(beat)
	defer alive.Stop()
	for {
		text := ": alive\n\n"
		select {
		case <-r.Context().Done():
			return
		case _, ok := <-c:
			if !ok {
				return
			}
			text = "event: change\ndata: 1\n\n"
		case <-alive.C:
		}
		if !say(text) {
			return
		}
	}
}
