package control

import (
	"fmt"
	"net/http"
)

// Metric is a number that is watched from outside.
type Metric struct {
	Name, Help string
	Counter    bool // it only grows; else it is a gauge
	Value      func() uint64
}

// Metrics answers with numbers in the text format of Prometheus. They are few and have no labels: a library for that would be
// a tenth of the program.
func Metrics(list []Metric) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		for _, m := range list {
			kind := "gauge"
			if m.Counter {
				kind = "counter"
			}
			_, _ = fmt.Fprintf(w, "# HELP plimsoll_%s %s\n# TYPE plimsoll_%s %s\nplimsoll_%s %d\n", m.Name, m.Help, m.Name, kind, m.Name, m.Value())
		}
	})
}
