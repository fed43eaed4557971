package labellog

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
)

// published are the paths of the files that anybody may have, and of nothing that is beside them.
var published = regexp.MustCompile(`^/(checkpoint|tile/(entries|[0-9]|[1-5][0-9]|6[0-3])(/x[0-9]{3})*/[0-9]{3}(\.p/([1-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?|landmark/[0-9]{4}-[0-9]{2}-[0-9]{2})$`)

// Handler serves the log in a folder to whoever reads it: files and no lists of files (C2SP tlog-tiles). Whatever serves
// files can do the same; what never changes may be kept for a year.
func Handler(dir string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		if !published.MatchString(r.URL.Path) {
			http.NotFound(w, r)
			return
		}
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(r.URL.Path)))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil || !info.Mode().IsRegular() {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Content-Type", "application/octet-stream")
		switch {
		case r.URL.Path == "/checkpoint":
			h.Set("Cache-Control", "no-cache")
			h.Set("Content-Type", "text/plain; charset=utf-8")
		case filepath.Dir(r.URL.Path) == "/landmark":
			h.Set("Content-Type", "text/plain; charset=utf-8")
		}
		http.ServeContent(w, r, "", info.ModTime(), f)
	})
}
