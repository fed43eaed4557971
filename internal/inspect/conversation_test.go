package inspect

import (
	"fmt"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
)

func TestADeviceThatAsksForNamesWithoutEndHidesNoOther(t *testing.T) {
	talks := newTalks()
	flood, lamp := frame.MAC{2, 0, 0, 0, 0, 1}, frame.MAC{2, 0, 0, 0, 0, 2}
	for i := range 2 * maxQuestions {
		talks.asks(flood, fmt.Appendf(nil, "%d.flood.example", i), 1, 1, 0)
	}
	talks.asks(lamp, []byte("Strange.Example."), 2, 2, 0)
	if q := talks.asked[questionKey{lamp, "strange.example"}]; q == nil || q.count != 1 {
		t.Error("what the other one asked for is not there")
	}
	if n := len(talks.asked); n > maxNamesOfADevice+1 {
		t.Errorf("%d names are kept", n)
	}
}
