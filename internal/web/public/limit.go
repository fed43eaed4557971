package public

import (
	"net/netip"
	"sync"

	"golang.org/x/time/rate"
)

// limits keep one account, or one address, from taking all that there is for writing.
type limits struct {
	rate float64
	mu   sync.Mutex
	of   map[string]*rate.Limiter
}

// maxLimiters bounds those that are remembered. When there are more, all begin anew: whoever makes that happen has as many
// addresses as that.
const maxLimiters = 16384

func newLimits(perSecond float64) *limits {
	return &limits{rate: perSecond, of: map[string]*rate.Limiter{}}
}

func (l *limits) allow(who string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.of[who]
	if x == nil {
		if len(l.of) >= maxLimiters {
			clear(l.of)
		}
		x = rate.NewLimiter(rate.Limit(l.rate), max(1, int(2*l.rate)))
		l.of[who] = x
	}
	return x.Allow()
}

func (l *limits) account(id string) bool { return l.allow("account " + id) }

// address limits who connects, before any signature is verified; of IPv6 the network of 64 bits. A proxy on this machine
// limits by itself.
func (l *limits) address(remote string) bool {
	p, err := netip.ParseAddrPort(remote)
	if err != nil || p.Addr().Unmap().IsLoopback() {
		return true
	}
	a := p.Addr().Unmap()
	bits := 32
	if a.Is6() {
		bits = 64
	}
	n, err := a.WithZone("").Prefix(bits)
	return err != nil || l.allow(n.String())
}
