package household_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"testing"

	"plimsoll.example/plimsoll/internal/web/household/householdtest"
)

// house is a home, and somebody who looks at its pages.
type house struct {
	*householdtest.House
	jar    http.CookieJar
	status int // of the last answer
}

func furnish(t *testing.T, doors bool) *house {
	return &house{House: householdtest.Furnish(t, doors), jar: newJar(t)}
}

func newJar(t testing.TB) http.CookieJar {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return jar
}

func (h *house) get(t *testing.T, path string) string {
	t.Helper()
	return h.answer(t, func(c *http.Client) (*http.Response, error) { return c.Get(h.URL + path) })
}

func (h *house) post(t *testing.T, path string, form ...string) string {
	t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		v.Set(form[i], form[i+1])
	}
	return h.answer(t, func(c *http.Client) (*http.Response, error) { return c.PostForm(h.URL+path, v) })
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
