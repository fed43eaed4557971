package main

import (
	"context"
	"net/http"
	"net/url"

	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
)

// explanation is what `home explain --json` prints.
type explanation struct {
	Device   *home.Device   `json:"device"`
	Findings []home.Noted   `json:"findings"`
	Traffic  []home.Traffic `json:"traffic"`
}

// explain says what a device is, what it does, and what was found.
func (r *remote) explain(ctx context.Context, name string) error {
	var x explanation
	if err := r.call(ctx, http.MethodGet, "devices/"+url.PathEscape(name), nil, &x.Device); err != nil {
		return err
	}
	id := url.PathEscape(x.Device.ID)
	var findings struct{ Findings []home.Noted }
	var traffic struct{ Traffic []home.Traffic }
	if err := r.call(ctx, http.MethodGet, "findings?limit=20&device="+id, nil, &findings); err != nil {
		return err
	}
	if err := r.call(ctx, http.MethodGet, "devices/"+id+"/traffic?span=day", nil, &traffic); err != nil {
		return err
	}
	x.Findings, x.Traffic = append([]home.Noted{}, findings.Findings...), append([]home.Traffic{}, traffic.Traffic...)
	if r.json {
		return printJSON(r.out, x)
	}
	d := x.Device
	lines := []string{
		r.words.Text("home.explain.is", "device", d.Title(), "what", r.kind(d), "maker", d.Identity.Maker, "model", d.Identity.Model),
		r.words.Text("home.now."+string(d.State), "device", d.Title(), "until", d.Until.Local()),
	}
	if u := d.Waits(); u != "" {
		lines = append(lines, r.words.Text("home.ask.url", "device", d.Title(), "default", d.URL, "url", u, "why", ""))
	}
	for i := range x.Findings {
		t := guide.Explain(r.words, &x.Findings[i].Finding, d.Title())
		lines = append(lines, "", t.Title, t.Seen, t.Why)
		for _, step := range t.Do {
			lines = append(lines, "  - "+step)
		}
	}
	for i := range x.Traffic {
		if i == 0 {
			lines = append(lines, "", r.words.Text("home.explain.talks"))
		}
		t := &x.Traffic[i]
		lines = append(lines, "  "+t.Peer+" ("+t.Service+"): "+r.words.Size(locale.Octets(t.Out+t.In)))
	}
	return r.print(lines)
}
