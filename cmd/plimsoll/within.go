package main

import (
	"runtime/debug"
	"time"
)

// within keeps the process within some octets of memory, as far as what it keeps fits them. The garbage collector gets
// what the program, mapped from its file, leaves of them. That is looked at often: how much of a file comes back with
// each page that is needed is for the kernel and the file system to choose, a page here and 2 MiB there. What it returns
// ends it.
func within(memory int64) (stop func()) {
	sixteenth := memory / 16
	limit := 12 * sixteenth
	debug.SetMemoryLimit(limit)
	tick := time.NewTicker(50 * time.Millisecond)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			program := mapped()
			if program > 3*sixteenth {
				shed()
			}
			left := min(max(15*sixteenth-program, 8*sixteenth), 12*sixteenth) // and a sixteenth for what both are exceeded by
			if left > limit+sixteenth/4 || left < limit-sixteenth/4 {         // setting it stops the world
				limit = left
				debug.SetMemoryLimit(limit)
			}
		}
	}()
	return func() { tick.Stop(); close(done) }
}
