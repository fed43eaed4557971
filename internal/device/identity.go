package device

import "plimsoll.example/plimsoll/internal/frame"

// Kind says what sort of thing a device is, and with that whether a MUD policy makes sense for it.
type Kind string

// The kinds of device.
const (
	Unknown        Kind = "unknown"
	IoT            Kind = "iot"            // has one purpose: RFC 8520's "thing"
	General        Kind = "general"        // a phone, tablet or computer
	Infrastructure Kind = "infrastructure" // carries or serves the traffic of others
)

// Observation is one distinct thing that was seen of a device: a fact with its value, or something that
// the traffic as a whole shows.
type Observation struct {
	Fact   string // as in docs/facts.md
	Value  string // printable
	Detail []Detail
	Packet uint64     // the first packet that said it, counting from 1 in its file; 0: traffic as a whole
	File   uint16     // the file of that packet
	Seq    uint64     // the place of that packet in the history
	Count  int        // how often it was said
	source frame.Addr // of the message, if the device itself sent it and the Internet routes it; else zero
}

// Detail is one field of an observation.
type Detail struct{ Key, Value string }

// Lookup is the value of the detail named key, or "".
func (o *Observation) Lookup(key string) string {
	for _, d := range o.Detail {
		if d.Key == key {
			return d.Value
		}
	}
	return ""
}

// Identity says what a device is, as far as is known.
type Identity struct {
	Kind       Kind     `json:"kind"`
	Maker      string   `json:"maker"`
	Model      string   `json:"model"`
	Category   string   `json:"category"`   // one of Categories, or "" when not known
	Confidence float64  `json:"confidence"` // in [0,1]: how often such a judgement of the category is right; without one, of the kind, else of the maker
	Because    []Reason `json:"because"`    // strongest first
}

// Reason is one observation behind an identity.
type Reason struct {
	Fact   string  `json:"fact"`
	Value  string  `json:"value"`
	Packet uint64  `json:"packet"`         // 0: the traffic as a whole
	File   uint16  `json:"file,omitempty"` // the file of that packet
	Weight float64 `json:"weight"`
}

// Categories are the words for what a device is, in the order in which people are shown them.
var Categories = []string{
	"camera", "doorbell", "light", "plug", "speaker", "tv", "streamer", "hub", "thermostat", "sensor", "lock",
	"appliance", "vacuum", "printer", "scale", "wearable", "health", "toy", "energy", "alarm", "vehicle", "console",
	"router", "access-point", "nas", "phone", "tablet", "computer", "other",
}
