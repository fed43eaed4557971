package household_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/web/household"
	"plimsoll.example/plimsoll/internal/web/page"
)

// house is a home that is served from a real database.
type house struct {
	*home.Household
	store        *sqlite.Store
	pages        *household.Pages
	site         *page.Site
	handler      http.Handler
	url          string
	jar          http.CookieJar
	camera, lamp *home.Device
	finding      finding.Finding
	status       int // of the last answer
}

func (h *house) get(t *testing.T, path string) string {
	t.Helper()
	return h.answer(t, func(c *http.Client) (*http.Response, error) { return c.Get(h.url + path) })
}

func (h *house) post(t *testing.T, path string, form ...string) string {
	t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		v.Set(form[i], form[i+1])
	}
	return h.answer(t, func(c *http.Client) (*http.Response, error) { return c.PostForm(h.url+path, v) })
}

func (h *house) answer(t *testing.T, ask func(*http.Client) (*http.Response, error)) string {
	t.Helper()
	resp, err := ask(&http.Client{Jar: h.jar})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	h.status = resp.StatusCode
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if key := regexp.MustCompile(`>\s*(household|page|report|grade|home|guide|label|mud|inspect|reason|category)\.[a-z.]+\s*<`).Find(b); key != nil {
		t.Errorf("a message is missing: %s", key)
	}
	return string(b)
}
