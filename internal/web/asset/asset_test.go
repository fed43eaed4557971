package asset_test

import (
	"compress/gzip"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/web/asset"
	"plimsoll.example/plimsoll/internal/web/asset/bundle"
)

func TestWhatIsServedIsMadeOfTheSources(t *testing.T) {
	want, err := bundle.Build("src/plimsoll.ts")
	if err != nil {
		t.Fatal(err)
	}
	if asset.Script != string(want) {
		t.Error("dist/plimsoll.js is not what its sources make: go generate ./internal/web/asset")
	}
}

// A script must not be a burden: what it does is optional.
func TestTheScriptIsSmall(t *testing.T) {
	var n counter
	z := gzip.NewWriter(&n)
	if _, err := io.WriteString(z, asset.Script); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if t.Logf("%d octets, %d packed", len(asset.Script), n); n > 40_000 {
		t.Errorf("%d octets packed, at most 40 000 are meant", n)
	}
}

type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// Nothing here asks anybody else for anything.
func TestNothingComesFromElsewhere(t *testing.T) {
	for name, text := range map[string]string{"base.css": asset.Base, "pages.css": asset.Pages, "plimsoll.js": asset.Script, "shapes.svg": asset.Shapes} {
		for _, bad := range []string{"http://", "https://", "url(", "@import", "//cdn"} {
			if strings.Contains(strings.ReplaceAll(text, "http://www.w3.org/2000/svg", ""), bad) {
				t.Errorf("%s has %s", name, bad)
			}
		}
	}
}

func TestTheScriptMayBeKept(t *testing.T) {
	w := httptest.NewRecorder()
	asset.ServeScript(w, httptest.NewRequest("GET", asset.ScriptPath(), nil))
	if got := w.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") || w.Body.String() != asset.Script {
		t.Errorf("Cache-Control %q, %d octets", got, w.Body.Len())
	}
}
