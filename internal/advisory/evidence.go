package advisory

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/label"
)

// EvidenceSchema names the shape of Evidence in JSON.
const EvidenceSchema = "plimsoll.advisory.evidence/1"

// Rules names the rules of Decide: a change of what they do changes it.
const Rules = "plimsoll.advisory.rules/1"

// Evidence is why a change was made: what is logged with it. It holds no time: whoever logs it adds that.
type Evidence struct {
	Schema     string   `json:"schema"`
	By         string   `json:"by"` // the rules
	Product    string   `json:"product"`
	Act        Act      `json:"act"`
	To         string   `json:"to"` // status of the label then
	Cause      string   `json:"cause"`
	Because    string   `json:"because"`
	Confidence float64  `json:"confidence"` // 0 where nothing was matched
	Threshold  float64  `json:"threshold"`
	Reasons    []Reason `json:"reasons"`
	Versions   string   `json:"versions,omitempty"` // whether the label’s firmware is among those affected
	Fixed      []string `json:"fixed,omitempty"`
	Component  string   `json:"component,omitempty"`
	Why        string   `json:"justification,omitempty"` // the maker’s
	Day        string   `json:"day,omitempty"`           // that was passed
	Norm       string   `json:"norm,omitempty"`
	Homes      int      `json:"homes,omitempty"`
	Records    []Record `json:"records"`
}

// Record is a record of a feed, such that it can be found again.
type Record struct {
	Source Source `json:"source"`
	Feed   string `json:"feed"`
	ID     string `json:"id"`
	SHA256 string `json:"sha256"`
}

// complete takes over what the change says.
func (e *Evidence) complete(c *Change) {
	e.Schema, e.By, e.Threshold = EvidenceSchema, Rules, Precision
	e.Product, e.Act, e.To, e.Cause, e.Because = c.Product, c.Act, string(c.To), c.Cause, c.Because
	if e.Reasons == nil {
		e.Reasons = []Reason{}
	}
	if e.Records == nil {
		e.Records = []Record{}
	}
}

// evidence is that of a match. The records of other matches of the case are named too.
func evidence(m *Match, all []Match) Evidence {
	e := Evidence{
		Confidence: m.Confidence, Reasons: m.Reasons, Versions: m.Versions.String(), Fixed: m.Fixed, Component: m.Component, Why: clip(m.Why),
		Records: []Record{recordOf(m.Advisory)},
	}
	more := []Record{}
	if all != nil {
		more = records(m.Case)
	}
	for _, r := range more {
		if !slices.Contains(e.Records, r) && len(e.Records) < 32 {
			e.Records = append(e.Records, r)
		}
	}
	return e
}

func recordOf(a *Advisory) Record { return Record{a.Source, a.Feed, clip(a.ID), a.Digest} }

func records(c *Case) (list []Record) {
	for _, a := range c.Advisories {
		list = append(list, recordOf(a))
	}
	slices.SortFunc(list, func(a, b Record) int {
		return strings.Compare(string(a.Source)+a.ID+a.SHA256, string(b.Source)+b.ID+b.SHA256)
	})
	return list[:min(len(list), 32)]
}

// Replay is how a label stands after changes of which the evidence was kept, in their order. A suspension that is lifted is
// settled: people lift them.
func Replay(status label.Status, kept []Evidence) Standing {
	s := Standing{Status: status}
	without := func(list []string, cause string) []string {
		return slices.DeleteFunc(list, func(c string) bool { return c == cause })
	}
	for _, e := range kept {
		switch e.Act {
		case Open:
			s.Open, s.Closed = append(without(s.Open, e.Cause), e.Cause), without(s.Closed, e.Cause)
		case Close:
			s.Open, s.Closed = without(s.Open, e.Cause), append(without(s.Closed, e.Cause), e.Cause)
		case Suspend:
			if s.Case != "" {
				s.Settled = append(s.Settled, s.Case)
			}
			s.Case = e.Cause
		case ProposeSuspend, ProposeRestore:
			s.Asked = append(without(s.Asked, e.Cause), e.Cause)
		}
	}
	if s.Case != "" && status != label.Suspended {
		s.Settled, s.Case = append(s.Settled, s.Case), ""
	}
	return s
}

// JSON is the evidence in the one form that is logged, and its SHA-256 in hexadecimal.
func (e *Evidence) JSON() (data []byte, digest string, err error) {
	if data, err = json.Marshal(e); err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(data)
	return data, hex.EncodeToString(sum[:]), nil
}
