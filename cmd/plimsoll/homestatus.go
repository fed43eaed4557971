package main

import (
	"context"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/web/control"
	"plimsoll.example/plimsoll/mud"
)

// status is how the gateway is.
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
	if n, err := g.store.CountFindings(context.Background(), home.Open); err == nil {
		s.Findings = n
	}
	return s
}

func (g *gateway) api() *control.API {
	return &control.API{
		Household: g.household, History: g.store, Status: g.status, Rehearse: g.rehearse, Offer: g.offer, Label: g.labels.bind, Sticker: g.labels.sticker,
		Export: g.export, Import: g.take, Code: g.code, Notices: g.post, Metrics: g.metrics(), Log: g.log,
	}
}
