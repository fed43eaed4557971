package detect

import (
	"bytes"
	"fmt"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
)

var guessThresholds = []Threshold{
	{"guess.credentials.failures", 5, "refusals", "of a name or password by one service, within ten minutes: as fail2ban has it; people mistype twice or thrice"},
	{"guess.credentials.sessions", 4, "sessions", "with one service that logs people in, short and soon ended, within a minute: one may try several passwords; ten and more are surely none of people"},
	{"guess.credentials.octets", 5000, "octets", "that the service sends in such a session at most: key exchange and refusal take 2000 to 4500, work takes more"},
	{"guess.credentials.seconds", 60, "seconds", "that such a session lasts at most"},
}

// guesses find who tries passwords: services that refuse again and again, and short sessions one after the other with
// services that do little else at first than ask for a password, whatever port they have.
type guesses struct {
	*Watch
	failures, sessions float64
	octets             uint64
	seconds            int64
	states             *Table[guessKey, guess]
	screens            *Table[conversation, struct{}] // of RDP, which goes on in TLS
}

type guessKey struct {
	from, to Party
	port     uint16
}

// guess is what one device tried on a service of another.
type guess struct {
	refused faded // refusals that were seen
	ended   faded // short sessions
	names   faded // credentials that were sent in the clear
	total   uint64
	first   int64
	proof   [4]uint64
	n       int
	record  *Record
}

// Half-lives: of refusals such that five within ten minutes are about three, and of sessions within a minute likewise.
const (
	refusedHalf = 600e9
	endedHalf   = 60e9
)

// manyTries are more than those of somebody who has forgotten a password, or of a script that logs in by turns.
const manyTries = 10

// loginProtocols begin with a login, so that many short sessions are many logins.
var loginProtocols = map[string]bool{"ssh": true, "telnet": true, "ftp": true, "rdp": true, "vnc": true, "smb": true, "mail": true}

func newGuesses(w *Watch) Detector {
	g := &guesses{
		Watch: w, failures: w.Threshold("guess.credentials.failures"), sessions: w.Threshold("guess.credentials.sessions"),
		octets: uint64(w.Threshold("guess.credentials.octets")), seconds: w.Span("guess.credentials.seconds"), states: NewTable[guessKey, guess](1024),
		screens: NewTable[conversation, struct{}](512),
	}
	return Detector{
		Event: g.event, Steps: []Step{Closed}, Fact: g.fact,
		Facts: []string{"auth.cleartext", "auth.refused", "http.status", "remote.rdp", "rtsp.status", "telnet.prompt"},
	}
}

// event counts sessions that ended soon.
func (g *guesses) event(e *Event) {
	service := e.Service
	if service == "tls" && g.screens.Look(converse(e.Addr[flow.Orig], e.Addr[flow.Resp], e.Port[flow.Orig], e.Port[flow.Resp], e.Proto)) != nil {
		service = "rdp"
	}
	if !loginProtocols[service] {
		return
	}
	if e.Time-e.First > g.seconds || e.Payload[flow.Resp] > g.octets || e.Payload[flow.Orig] == 0 {
		return
	}
	s, fresh := g.states.Get(guessKey{e.Party(flow.Orig), e.Party(flow.Resp), e.Port[flow.Resp]})
	g.note(s, fresh, e.First, e.Number)
	n := 1.0
	if service == "ssh" && e.Ender == flow.Resp {
		n = 2 // who is logged in ends the session; a server ends it after several refusals (MaxAuthTries)
	}
	if s.ended.add(n, e.Time, e.Time, endedHalf); s.ended.n > g.sessions-0.7 {
		g.raise(s, service, e.Party(flow.Orig), e.Party(flow.Resp), e.Time, 0.85,
			e.Evidence(fmt.Sprintf("the last of %d short sessions", s.total)))
	}
}

// fact counts refusals, and passwords that can be seen.
func (g *guesses) fact(f *Fact) {
	server, protocol := f.Sender(), ""
	client, port := f.Receiver(), f.Frame.SrcPort
	switch f.Name {
	case "http.status":
		if !bytes.Equal(f.Value, []byte("401")) && !bytes.Equal(f.Value, []byte("403")) {
			return
		}
		protocol = "http"
	case "rtsp.status":
		if !bytes.Equal(f.Value, []byte("401")) {
			return
		}
		protocol = "rtsp"
	case "remote.rdp":
		g.screens.Get(f.conversation())
		return
	case "auth.refused":
		protocol = string(f.Value)
	case "telnet.prompt": // asked for the password again
		if !bytes.Equal(f.Lookup("kind"), []byte("password")) {
			return
		}
		protocol = "telnet"
	case "auth.cleartext":
		client, server, port = f.Sender(), f.Receiver(), f.Frame.DstPort
		switch string(f.Lookup("scheme")) {
		case "bearer", "query", "uri":
			return // no password that somebody types
		}
		if isGroup(&server.Addr) {
			return
		}
		s, fresh := g.states.Get(guessKey{client, server, port})
		g.note(s, fresh, f.Time, f.Number)
		s.names.add(1, f.Time, f.Time, refusedHalf)
		// a program may log in with each request: it is not refused
		if protocol = string(f.Value); protocol == "http" || protocol == "rtsp" || protocol == "snmp" || protocol == "kasa" {
			g.check(s, protocol, client, server, f)
			return
		}
		if s.names.n > 2*g.failures {
			g.raise(s, protocol, client, server, f.Time, 0.8, f.Evidence("the last of many names and passwords in the clear"))
		}
		return
	}
	s, fresh := g.states.Get(guessKey{client, server, port})
	g.note(s, fresh, f.Time, f.Number)
	s.refused.add(1, f.Time, f.Time, refusedHalf)
	g.check(s, protocol, client, server, f)
}

// check compares refusals and passwords: digest logins are refused once each, and clients probe; who guesses is
// refused for each password.
func (g *guesses) check(s *guess, protocol string, client, server Party, f *Fact) {
	enough := g.failures * 0.95
	if protocol == "telnet" {
		if s.refused.n < enough {
			return
		}
	} else if s.refused.n < enough || s.names.n < enough || s.refused.n < 0.7*s.names.n {
		return
	}
	g.raise(s, protocol, client, server, f.Time, 0.85, f.Evidence("the last of many refusals"))
}

func (g *guesses) note(s *guess, fresh bool, first int64, number uint64) {
	if fresh || s.first == 0 {
		*s = guess{first: first}
	}
	s.total++
	if s.n < len(s.proof) {
		s.proof[s.n] = number
		s.n++
	}
}

func (g *guesses) raise(s *guess, protocol string, client, server Party, at int64, confidence float64, proof finding.Evidence) {
	severity := finding.Medium
	if s.total >= manyTries {
		severity = finding.High
	}
	if s.record != nil {
		s.record.Add(1, at)
		s.record.Severity = max(s.record.Severity, severity)
		return
	}
	proof.Packets = append(s.proof[:s.n:s.n], proof.Packets...)
	s.record = g.Raise(Sighting{
		Kind: finding.GuessCredentials, Actor: client, Target: server, Key: protocol, Severity: severity, Confidence: confidence,
		Count: s.total, First: s.first, Time: at, Evidence: proof,
		Details: []finding.Detail{{Key: "protocol", Value: protocol}, {Key: "count", Value: Counted}},
	})
}
