package control

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
)

// readable are the operations that a token opens: what is not among them is closed, whatever an API has besides. Neither all
// that is known of a home at once nor whom it sends something to is.
var readable = [...]string{
	"/api/v1/status", "/api/v1/devices", "/api/v1/devices/{device}", "/api/v1/devices/{device}/traffic", "/api/v1/devices/{device}/policy",
	"/api/v1/devices/{device}/rehearsal", "/api/v1/devices/{device}/offer", "/api/v1/findings", "/api/v1/decisions", "/api/v1/openapi.json", "/metrics",
}

// Read serves what is readable of an API, and nothing that changes something, to programs that show a token (RFC 6750 §2.1).
// known says whether a secret is one.
func Read(api http.Handler, known func(ctx context.Context, secret string) (bool, error), log *slog.Logger) http.Handler {
	open := http.NewServeMux()
	for _, path := range readable {
		open.Handle("GET "+path, api)
	}
	open.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "a token does not open this", http.StatusForbidden)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		ok := strings.EqualFold(scheme, "Bearer") && secret != ""
		if ok {
			var err error
			if ok, err = known(r.Context(), strings.TrimSpace(secret)); err != nil {
				log.ErrorContext(r.Context(), "look for a token", "error", err)
				http.Error(w, "tokens cannot be read now", http.StatusServiceUnavailable)
				return
			}
		}
		switch {
		case !ok:
			w.Header().Set("WWW-Authenticate", `Bearer realm="plimsoll"`)
			http.Error(w, "a token is needed: the pages of the home make one", http.StatusUnauthorized)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "a token can read, and nothing else", http.StatusMethodNotAllowed)
		default:
			open.ServeHTTP(w, r)
		}
	})
}
