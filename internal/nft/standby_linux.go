package nft

import (
	"context"
	"fmt"
	"strings"
)

// Text is the rules that were put in force last, as nft reads them, but that names are not resolved here: for when
// nobody keeps them. It is "" if nobody knows what stands.
func (k *Kernel) Text(g *Gateway) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.loaded == nil {
		return "", nil
	}
	alone := *g
	alone.Devices = k.loaded.devices
	alone.Resolver.Stopped = true
	r, err := alone.rules(k.now(), nil)
	if err != nil {
		return "", err
	}
	return r.String() + "\n", nil
}

// StandBy is for a gateway that cannot run, and does not know what to enforce: the rules that stand go on, or, after the
// machine was started anew, those of text, which Text wrote. Names are no longer led to a resolver that is not there,
// but to the fallback, if there is one, or where they were sent. It reports whether rules stand.
func (k *Kernel) StandBy(ctx context.Context, text string, fallback bool) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	have, err := k.run(ctx, "", "list", "tables")
	if err != nil {
		return false, fmt.Errorf("list tables: %w", err)
	}
	if !strings.Contains(have, "table inet "+Table+"\n") {
		if text == "" {
			return false, nil
		}
		if _, err := k.run(ctx, text, "-f", "-"); err != nil {
			return false, fmt.Errorf("load the last rules: %w", err)
		}
		return true, nil
	}
	if _, err := k.run(ctx, "", "list", "map", "inet", Table, "resolution"); err != nil {
		return true, nil // no names are led anywhere
	}
	var b strings.Builder
	for _, m := range []string{"resolution", "resolution_own"} {
		fmt.Fprintf(&b, "flush map inet %s %s\n", Table, m)
		if fallback {
			fmt.Fprintf(&b, "add element inet %s %s { tcp : goto fallback, udp : goto fallback }\n", Table, m)
		}
	}
	if _, err := k.run(ctx, b.String(), "-f", "-"); err != nil {
		return true, fmt.Errorf("lead names to the fallback: %w", err)
	}
	return true, nil
}
