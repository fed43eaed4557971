package main

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"plimsoll.example/plimsoll/internal/home"
)

// metrics are counters in the text format of Prometheus, version 0.0.4. None names a device or whom it talks to. They are
// few: a library for them would be a tenth of the program.
func (g *gateway) metrics() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		s := g.status()
		fmt.Fprintf(w, "# HELP plimsoll_devices Devices of the home.\n# TYPE plimsoll_devices gauge\n")
		for _, state := range home.States {
			fmt.Fprintf(w, "plimsoll_devices{state=%q} %d\n", state, s.Devices[state])
		}
		for _, m := range []struct {
			name, kind, help string
			value            uint64
		}{
			{"faults", "gauge", "What does not work.", uint64(len(s.Faults))},
			{"findings_open", "gauge", "Findings that nobody has dealt with.", uint64(s.Findings)},
			{"questions", "gauge", "What the household is asked.", uint64(len(s.Asks))},
			{"flows_total", "counter", "Flows that ended.", g.flows.Load()},
			{"packets_total", "counter", "Packets that were seen.", g.engine.Load().Progress.Packets.Load()},
		} {
			fmt.Fprintf(w, "# HELP plimsoll_%[1]s %[3]s\n# TYPE plimsoll_%[1]s %[2]s\nplimsoll_%[1]s %[4]d\n", m.name, m.kind, m.help, m.value)
		}
	})
}

// serveMetrics serves them where Prometheus was said to ask, and nothing else there.
func (g *gateway) serveMetrics() (serve func(context.Context) error, err error) {
	if g.metricsAt == "" {
		return func(context.Context) error { return nil }, nil
	}
	l, err := net.Listen("tcp", g.metricsAt)
	if err != nil {
		return nil, &fault{err, "error.home.metrics", []any{"address", g.metricsAt, "cause", err.Error()}}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", g.metrics())
	return func(ctx context.Context) error { return serveHTTP(ctx, l, mux, func() {}, g.log) }, nil
}
