//go:build !gateway

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"plimsoll.example/plimsoll/internal/locale"
)

// A registry that is only beginning says when to come again, and whoever asks it waits for that: no verb fails for having
// been a second early. One that wants to be left alone for an hour is told of.
func TestABusyRegistryIsAskedAgainWhenItSays(t *testing.T) {
	var asked atomic.Int32
	wait := "1"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != `{"label":"x"}` {
			t.Errorf("sent: %q", body)
		}
		if asked.Add(1) == 1 {
			w.Header().Set("Retry-After", wait)
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"detail": "nothing was published yet"}`)
			return
		}
		_, _ = io.WriteString(w, `{"done": true}`)
	}))
	defer s.Close()
	c, err := newRegistryClient(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	body := map[string]string{"label": "x"}
	if data, err := c.do(t.Context(), http.MethodPost, "/", body, nil); err != nil || string(data) != `{"done": true}` || asked.Load() != 2 {
		t.Errorf("%s, %v, asked %d times", data, err, asked.Load())
	}
	asked.Store(0)
	wait = "3600"
	if _, err := c.do(t.Context(), http.MethodPost, "/", body, nil); err == nil || !strings.Contains(explain(err, locale.New(locale.English)), "nothing was published yet") || asked.Load() != 1 {
		t.Errorf("%v, asked %d times", err, asked.Load())
	}
}
