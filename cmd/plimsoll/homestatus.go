package main

import (
	"context"
	"fmt"
	"net/http"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/web/control"
	"plimsoll.example/plimsoll/mud"
)

func (g *gateway) status() home.Status {
	s := home.Status{
		Schema: home.StatusSchema, Mode: g.mode, Version: version(), Since: g.since.UTC(), LAN: g.lan, WAN: g.wan, Devices: map[home.State]int{},
		Asks: []home.Question{}, Faults: g.troubles.all(), Seen: map[string]int{"flows": int(g.flows.Load())},
	}
	for _, d := range g.household.Devices() {
		s.Devices[d.State]++
	}
	s.Asks = append(append(s.Asks, g.household.Questions()...), g.controllerless(context.Background())...)
	for i := range s.Asks {
		if why, ok := g.changes.Load(s.Asks[i].Device); ok && s.Asks[i].About == home.OtherURL {
			s.Asks[i].Why = string(why.(mud.URLChange))
		}
	}
	s.Registries = g.labels.status()
	if list, err := g.store.Findings(context.Background(), "", 1000); err == nil {
		for _, f := range list {
			if f.State == home.Open {
				s.Findings++
			}
		}
	}
	return s
}

func (g *gateway) api() *control.API {
	return &control.API{
		Household: g.household, History: g.store, Status: g.status, Rehearse: g.rehearse, Offer: g.offer, Label: g.labels.bind, Sticker: g.labels.sticker,
		Export: g.export, Import: g.take, Code: g.code, Metrics: g.metrics(), Log: g.log,
	}
}

// metrics are counters in the text format of Prometheus, version 0.0.4. None names a device or whom it talks to. They are
// few: a library for them would be a tenth of the program.
func (g *gateway) metrics() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		for _, m := range []struct {
			name, kind, help string
			value            uint64
		}{
			{"devices", "gauge", "Devices of the home.", uint64(g.household.Len())},
			{"faults", "gauge", "What does not work.", uint64(len(g.troubles.all()))},
			{"flows_total", "counter", "Flows that ended.", g.flows.Load()},
			{"packets_total", "counter", "Packets that were seen.", g.engine.Load().Progress.Packets.Load()},
		} {
			fmt.Fprintf(w, "# HELP plimsoll_%[1]s %[3]s\n# TYPE plimsoll_%[1]s %[2]s\nplimsoll_%[1]s %[4]d\n", m.name, m.kind, m.help, m.value)
		}
	})
}
