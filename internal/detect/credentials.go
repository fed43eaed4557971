package detect

import (
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
)

// credentials finds who gives a password, or something like it, without encryption.
type credentials struct{ *Watch }

func newCredentials(w *Watch) Detector {
	return Detector{Fact: credentials{w}.fact, Facts: []string{"auth.cleartext"}}
}

func (c credentials) fact(f *Fact) {
	giver, taker := f.whom()
	if !unicast(taker.Addr) {
		return
	}
	protocol, scheme := string(f.Value), string(f.Lookup("scheme"))
	if protocol == "snmp" && f.Frame.SrcPort == 161 {
		return // an answer repeats what it was asked with; without a question, it is a reflection
	}
	common := f.Lookup("default") != nil
	// How sure it is that it opens something: what is in a path or a query is at times a mere number.
	sure := 0.95
	if scheme == "uri" || scheme == "query" || scheme == "bearer" {
		sure = 0.6
	}
	weigh := func(v *View, _ *device.Device) finding.Severity {
		abroad := v.Outside(taker) || v.Outside(giver)
		switch {
		case protocol == "snmp" && common && !abroad, protocol == "kasa" && !abroad:
			return finding.Low // everybody at home knows it anyway
		case !abroad && scheme == "digest":
			return finding.Low // whoever listens must guess yet
		case !abroad, scheme == "digest", sure < 0.9, protocol == "snmp" && common, protocol == "irc":
			return finding.Medium
		}
		return finding.High
	}
	s := Sighting{
		Kind: finding.ClearCredentials, Key: protocol + " " + taker.Addr.Netip().String(), Severity: finding.Medium, Confidence: sure, Time: f.Time,
		Details:  []finding.Detail{{Key: "protocol", Value: protocol}},
		Evidence: f.Evidence("credentials over " + protocol + " without encryption " + scheme), Weigh: weigh,
	}
	s.Actor, s.Target = giver, taker
	c.Raise(s)
	s.Actor, s.Target = taker, giver
	s.Holds = func(v *View) bool { return v.Owner(giver) == nil } // somebody outside logs in
	c.Raise(s)
}
