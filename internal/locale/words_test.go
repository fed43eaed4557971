package locale_test

import (
	"testing"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/locale"
)

func TestEveryKindAndCategoryHasAWord(t *testing.T) {
	keys := []string{"category.unknown"}
	for _, c := range device.Categories {
		keys = append(keys, "category."+c)
	}
	for _, k := range []device.Kind{device.Unknown, device.IoT, device.General, device.Infrastructure} {
		keys = append(keys, "kind."+string(k))
	}
	for _, l := range locale.Languages {
		c := locale.New(l)
		for _, key := range keys {
			if c.Text(key) == key {
				t.Errorf("%s.json has no %s", l, key)
			}
		}
	}
}
