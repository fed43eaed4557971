package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/term"

	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
)

// progress shows how far an inspection has come, on a terminal only. What it returns ends it.
func (in *inspection) progress(engine *inspect.Engine) (stop func()) {
	f, ok := in.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func() {}
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		begin := time.Now()
		shown := false
		for {
			select {
			case <-done:
				if shown {
					fmt.Fprint(f, "\r\x1b[K")
				}
				return
			case <-tick.C:
			}
			n := engine.Progress.Packets.Load()
			rate := float64(n) / time.Since(begin).Seconds()
			fmt.Fprint(f, "\r\x1b[K"+in.words.Text("inspect.progress",
				"n", n, "size", locale.Octets(engine.Progress.Octets.Load()), "rate", uint64(rate)))
			shown = true
		}
	}()
	return func() { close(done); <-gone }
}
