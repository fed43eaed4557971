package main

import "time"

// shedding sheds each second, since the program comes back in larger pieces than are needed. What it returns ends it.
func shedding() (stop func()) {
	tick := time.NewTicker(time.Second)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				shed()
			}
		}
	}()
	return func() { tick.Stop(); close(done) }
}
