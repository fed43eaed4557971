package capture

import (
	"math"
	"testing"
)

func TestTimeHasItsOffset(t *testing.T) {
	for _, test := range []struct {
		i     iface
		ticks uint64
		want  int64
	}{
		{iface{mul: 1000, offset: -5e9}, 0, -5e9},
		{iface{mul: 1000, offset: 5e9}, 7, 5e9 + 7000},
		{iface{mul: 1000, plain: math.MaxInt64 / 1000}, 7, 7000},
		{iface{mul: 1000, plain: math.MaxInt64 / 1000}, math.MaxUint64, math.MaxInt64},
		{iface{mul: 1, offset: 5}, math.MaxInt64, math.MaxInt64},
	} {
		if got := test.i.time(test.ticks); got != test.want {
			t.Errorf("%+v: time(%d) = %d, want %d", test.i, test.ticks, got, test.want)
		}
	}
}
