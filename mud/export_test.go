package mud

import (
	"maps"
	"slices"
)

// Codes are all kinds of problem, for tests.
func Codes() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for _, table := range []map[string]code{codes, lints} {
			for name := range maps.Keys(table) {
				if !yield(name) {
					return
				}
			}
		}
	})
}
