package resolver

import "testing"

func TestADotWithinALabelEndsNoDomain(t *testing.T) {
	for _, test := range []struct {
		name, domain string
		want         bool
	}{
		{"home.example.", "home.example.", true},
		{"a.home.example.", "home.example.", true},
		{`a\\.home.example.`, "home.example.", true}, // a label that ends in a backslash
		{`a\.home.example.`, "home.example.", false}, // a label of its own, below example
		{"ahome.example.", "home.example.", false},
		{"example.", "home.example.", false},
		{"a.example.", ".", true},
	} {
		if got := within(test.name, test.domain); got != test.want {
			t.Errorf("%s within %s: %v, want %v", test.name, test.domain, got, test.want)
		}
	}
}
