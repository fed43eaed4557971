package report

import (
	"slices"
	"testing"
)

func TestTrackersAreInOrder(t *testing.T) {
	if !slices.IsSorted(trackers[:]) || len(slices.Compact(slices.Clone(trackers[:]))) != len(trackers) {
		t.Error("they are not, or one stands twice")
	}
}
