package home_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/label"
)

func TestASuspensionIsOverOnlyWhereARecordShowsSo(t *testing.T) {
	noon := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	was := &home.Label{Status: label.Suspended, Since: noon}
	for name, c := range map[string]struct {
		shown  bool
		err    error
		status label.Status
		quiet  bool
	}{
		"a record":              {true, nil, label.Active, false},
		"no record":             {false, nil, label.Suspended, true},
		"nobody could be asked": {false, errors.New("away"), label.Suspended, false},
	} {
		v := &label.Verdict{Genuine: true, Status: label.Active, StatusAsOf: noon.Add(time.Hour)}
		got := was.Stands(v, "https://registry.example", func(since time.Time) (bool, error) {
			if !since.Equal(noon) {
				t.Errorf("%s: asked since %s", name, since)
			}
			return c.shown, c.err
		})
		if got.Status != c.status || slices.Contains(got.Problems, home.QuietRestored) != c.quiet {
			t.Errorf("%s: %s, %v", name, got.Status, got.Problems)
		}
	}
}
