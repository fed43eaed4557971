package localetest

import "testing"

func TestSpacingFindsFaults(t *testing.T) {
	for text, good := range map[string]bool{
		"Vu :":               false,
		"Vu\u00a0: 3":        true,
		"Vu: 3":              false,
		"https://exemple.ca": true,
		"« ici »":            false,
		"«\u00a0ici\u00a0»":  true,
		"Quoi ?":             false,
		"Quoi?":              true,
		"un; deux":           true,
		"un\u00a0; deux":     false,
		"12%":                false,
		"12\u00a0%":          true,
	} {
		if fault := Spacing(text); (fault == "") != good {
			t.Errorf("%q: %q", text, fault)
		}
	}
}
