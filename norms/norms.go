// Package norms is the catalogue of what has been agreed that smart devices for the home must do: one norm for each
// provision of each source, with what it asks in English and French, how it is assessed, and what evidence can do.
//
// Load reads it. A norm is looked up by its identifier, such as "etsi.5.5-1": a short name of the source, and the
// provision's own number there.
//
//	c, err := norms.Load()
//	n, ok := c.Norm("etsi.5.5-1")
//	fmt.Println(n.Title.In("fr"))
//
// The wording is the catalogue's own; what binds is the source. A norm whose state is not Verified was not, or not
// wholly, checked against it: whoever shows the norm shows that too.
package norms

import (
	"slices"
	"strings"
)

// Words are a text in both languages.
type Words struct {
	English string `json:"en"`
	French  string `json:"fr"`
}

// In is the text in a language, by its ISO 639 code; in English for any but "fr".
func (w Words) In(language string) string {
	if language == "fr" {
		return w.French
	}
	return w.English
}

// Norm is one agreed requirement; in a list of risks, one risk that a product must not have.
type Norm struct {
	ID         string       `json:"id"`
	Source     string       `json:"source"`    // identifier of its Source
	SourceID   string       `json:"source_id"` // number in the source
	Status     Status       `json:"status"`
	History    []Former     `json:"history,omitempty"`
	Title      Words        `json:"title"` // at most 60 characters
	Text       Words        `json:"text"`  // what it asks, in one plain sentence
	Pillar     Pillar       `json:"pillar"`
	Assessment Assessment   `json:"assessment"` // the main way
	Also       []Assessment `json:"also,omitempty"`
	Channel    Channel      `json:"channel"`
	Evidence   Evidence     `json:"evidence"`
	How        Words        `json:"how"`               // how it is assessed
	Related    []string     `json:"related,omitempty"` // norms of other sources that ask for much the same
	Sources    []string     `json:"sources"`           // the Source's references that the entry rests on
	State      State        `json:"state"`
	Reason     *Words       `json:"reason,omitempty"` // why it is not Verified
}

// Status is how binding the source makes a norm, and on whom.
type Status struct {
	Level      Level    `json:"level"`
	From       string   `json:"from,omitempty"`       // date from which it applies
	Conditions []string `json:"conditions,omitempty"` // it applies only if all of these hold: keys of Source.Conditions
	Features   []string `json:"features,omitempty"`   // and the product has all of these: keys of Source.Features
}

// String is the status as ETSI EN 303 645, Table B.1, writes it: "M C F (14, e)".
func (s Status) String() string {
	text := string(s.Level)
	if len(s.Conditions) > 0 {
		text += " C"
	}
	if len(s.Features) > 0 {
		text += " F"
	}
	if list := slices.Concat(s.Conditions, s.Features); len(list) > 0 {
		text += " (" + strings.Join(list, ", ") + ")"
	}
	return text
}

// Level is the source's own word for how binding a norm is.
type Level string

// The levels. CTIA's categories add up: a device of category 2 also meets the norms of category 1.
const (
	Mandatory    Level = "M"
	Recommended  Level = "R"
	Outcome      Level = "outcome"     // NIST: what is to be reached
	OTARequired  Level = "required"    // OTA
	OTAAdvised   Level = "recommended" // OTA
	Category1    Level = "category-1"  // CTIA
	Category2    Level = "category-2"
	Category3    Level = "category-3"
	Risk         Level = "risk"    // OWASP: to be kept away
	LevelUnknown Level = "unknown" // the source could not be read
)

// Former is what a norm was in an earlier edition.
type Former struct {
	Edition  string `json:"edition"`
	Absent   bool   `json:"absent,omitempty"` // it had no such norm
	SourceID string `json:"source_id,omitempty"`
	Status   string `json:"status,omitempty"` // as that edition writes it
	State    State  `json:"state,omitempty"`
}

// Pillar is which of three things a norm serves: the Canadian process of 2018 and 2019 divided the work so.
type Pillar string

// The pillars.
const (
	Labelling  Pillar = "labelling"
	Education  Pillar = "education"
	Resiliency Pillar = "resiliency"
)

// Assessment is a way to find out whether a norm is met.
type Assessment string

// The ways.
const (
	Observe Assessment = "observe" // look at traffic, send nothing
	Probe   Assessment = "probe"   // ask the device, with its owner's consent
	Declare Assessment = "declare" // take the word of the maker, and documents
)

// Channel is where a machine can gather the evidence.
type Channel string

// The channels.
const (
	Wire      Channel = "wire" // traffic as it passes
	LAN       Channel = "lan"  // on the local network
	Web       Channel = "web"  // what is published
	Doc       Channel = "doc"  // documents that the maker hands in
	Lab       Channel = "lab"  // a bench; never in a home
	NoChannel Channel = "none"
)

// Evidence says what evidence through the channel can do to the claim that a norm is met.
type Evidence string

// The directions of evidence.
const (
	CanRefute  Evidence = "refute"  // disprove it, never support it
	CanConfirm Evidence = "confirm" // support it, never disprove it
	CanBoth    Evidence = "both"
	CanNeither Evidence = "none"
)

// Refutes reports whether evidence can disprove the claim.
func (e Evidence) Refutes() bool { return e == CanRefute || e == CanBoth }

// Confirms reports whether evidence can support the claim.
func (e Evidence) Confirms() bool { return e == CanConfirm || e == CanBoth }

// State is how far an entry has been checked against its source.
type State string

// The states.
const (
	Verified    State = "verified"     // number, status and sense agree with the source, or with public copies of it
	Unverified  State = "unverified"   // some of it is from memory or inference, or copies differ
	TextMissing State = "text-missing" // there is such a norm; what it asks is not known
)

// Source is one edition of a document that norms come from.
type Source struct {
	ID         string           `json:"id"`
	Title      Words            `json:"title"`
	Publisher  Words            `json:"publisher"`
	Edition    string           `json:"edition"`
	Date       string           `json:"date"` // of publication: year, month and where known the day
	URL        string           `json:"url"`
	Counts     map[Level]int    `json:"counts"` // how many norms of each level it has
	Conditions map[string]Words `json:"conditions,omitempty"`
	Features   map[string]Words `json:"features,omitempty"`
	References []Reference      `json:"references"`
}

// Reference is something that entries were checked against.
type Reference struct {
	ID   string `json:"id"`
	Text Words  `json:"text"`
}

// Shared is a norm of the kernel: what several sources ask alike.
type Shared struct {
	ID    string   `json:"id"` // "kernel." and a name
	Title Words    `json:"title"`
	Text  Words    `json:"text"`
	Norms []string `json:"norms"`              // those that ask for it, in the order of the catalogue
	CTA   []string `json:"cta_2120,omitempty"` // members of the CTA-2120 label schema that tell of it
	Note  *Words   `json:"note,omitempty"`
}
