package control

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
)

// Read serves what can be read of an API, and nothing that changes something, to programs that show a token (RFC 6750 §2.1).
// All that is known of a home at once is not among it: that takes who may carry it away. known says whether a secret is one.
func Read(api http.Handler, known func(ctx context.Context, secret string) (bool, error), log *slog.Logger) http.Handler {
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
		case r.URL.Path == exportPath:
			http.Error(w, "a token cannot take all of a home away", http.StatusForbidden)
		default:
			api.ServeHTTP(w, r)
		}
	})
}
