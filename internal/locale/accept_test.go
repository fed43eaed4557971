package locale

import (
	"slices"
	"strings"
	"testing"
)

func TestARequestGetsTheLanguageThatItAcceptsMost(t *testing.T) {
	for header, want := range map[string]Lang{
		"":                                     English,
		"fr":                                   French,
		"fr-CA,fr;q=0.8,en;q=0.5":              French,
		"de, en;q=0.7, fr;q=0.9":               French,
		"en-GB,en;q=0.9,fr;q=0.9":              English,
		"fr;q=0, en;q=0.1":                     English,
		"fr;q=2, en;q=0.1":                     English,
		"fr;q=NaN":                             English,
		"de-DE,de;q=0.9":                       English,
		strings.Repeat("x,", maxRanges) + "fr": English,
	} {
		if got := Accepted(header, English); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
	if got := Accepted("de", French); got != French {
		t.Errorf("who accepts none of them gets %s, not what was chosen", got)
	}
}

func FuzzAccepted(f *testing.F) {
	for _, s := range []string{"", "fr-CA,fr;q=0.8,en;q=0.5", "en;q=1.000, *;q=0", ";;;q=,", "fr;q=1e309"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if got := Accepted(header, French); !slices.Contains(Languages, got) {
			t.Errorf("%q gives %q", header, got)
		}
		if !strings.Contains(strings.ToLower(header), "en") && Accepted(header, French) != French {
			t.Errorf("%q is taken for English", header)
		}
	})
}
