//go:build !gateway

package main

import (
	"log/slog"
	"net/http"
	"time"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/web/shop"
	"plimsoll.example/plimsoll/norms"
)

// forPhotos is how long somebody may take to send a photograph or evidence, over a slow line.
const forPhotos = time.Minute

// withPages puts the pages for people beside the API. The page of a product belongs to both: it is what a label leads to.
func (g *registryFlags) withPages(api http.Handler, reg *registry.Registry, log registry.Transparent, catalogue *norms.Catalogue, host string, logger *slog.Logger) (http.Handler, error) {
	pages := &shop.Pages{Registry: reg, Log: log, Norms: catalogue, Rate: g.rate, Now: time.Now, Logger: logger}
	site, err := pages.Site(version(), lowered([]string{host}))
	if err != nil {
		return nil, err
	}
	people, err := site.Handler()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.Handle("GET /{$}", people)
	mux.Handle("/static/", people)
	for _, l := range locale.Languages {
		mux.Handle("/"+string(l)+"/", patient(people))
		mux.Handle("/"+string(l)+"/01/", api)
	}
	return mux, nil
}

// patient waits longer for what is sent.
func patient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			c := http.NewResponseController(w)
			_ = c.SetReadDeadline(time.Now().Add(forPhotos)) // where it cannot be set, the server’s own stays
			_ = c.SetWriteDeadline(time.Now().Add(2 * forPhotos))
		}
		next.ServeHTTP(w, r)
	})
}
