package detect

import (
	"plimsoll.example/plimsoll/internal/finding"
)

// miners finds who gets work from a pool that mines digital money, or hands it in. Such programs are the most common
// that are put on devices whose owner knows nothing of it, and no list of pools is ever whole.
type miners struct {
	*Watch
	known *Table[conversation, struct{}] // both sides tell of themselves; each conversation counts once
}

func newMiners(w *Watch) Detector {
	return Detector{Fact: miners{w, NewTable[conversation, struct{}](512)}.fact, Facts: []string{"stratum.method"}}
}

func (x miners) fact(f *Fact) {
	worker, pool := f.Sender(), f.Receiver()
	switch string(f.Value) {
	case "job", "mining.notify", "mining.noop", "mining.set", "mining.set_difficulty", "mining.set_extranonce", "mining.set_target", "mining.set_version_mask":
		worker, pool = pool, worker // these are what a pool says
	}
	if !unicast(worker.Addr) || !unicast(pool.Addr) {
		return
	}
	if _, fresh := x.known.Get(f.conversation()); !fresh {
		return
	}
	note := "mining protocol, " + text(f.Value)
	if agent := f.Lookup("agent"); agent != nil {
		note += " by " + text(agent)
	}
	x.Raise(Sighting{
		Kind: finding.IndicatorMatch, Actor: worker, Target: pool, Key: finding.FeedMining + " " + pool.Addr.Netip().String(),
		Severity: finding.Medium, Confidence: 0.9, Time: f.Time, Evidence: f.Evidence(note),
		Details: []finding.Detail{{Key: "peer", Value: x.call(pool, worker.MAC)}, {Key: "feed", Value: finding.FeedMining}},
		// What has one purpose mines for a stranger; a person may do so on purpose.
		Weigh: byKind(finding.High, finding.Medium, finding.Medium),
	})
}
