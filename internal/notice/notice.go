// Package notice tells a household what it should know where it looks anyway: by e-mail, by a webhook, by ntfy or by MQTT.
// Once a week it sends the digest; in between, only what cannot wait, within a budget and outside of quiet hours.
//
// Nothing is sent unless an owner named where to. What is to be sent is kept before it is sent, and marked when it was
// taken: a program that is killed in between sends it again (at least once), with the same identifier, by which receivers
// can tell. What leaves the house is encrypted; secrets are kept in one file that its owner alone may read.
package notice

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"plimsoll.example/plimsoll/internal/locale"
)

// The schemas of what programs are sent, described by schema/home-week.json and schema/home-alert.json.
const (
	WeekSchema  = "plimsoll.home.week/1"
	AlertSchema = "plimsoll.home.alert/1"
)

// Message is what is sent: a week, or an alert.
type Message struct {
	Week  *Week  `json:"week,omitempty"`
	Alert *Alert `json:"alert,omitempty"`
}

// Week is the digest of a home, in the words of one language.
type Week struct {
	Schema   string         `json:"schema"`
	ID       string         `json:"id"` // the same if it is sent again
	Lang     locale.Lang    `json:"lang"`
	Home     string         `json:"home"` // what the household calls it; "" is nothing
	From     time.Time      `json:"from"`
	To       time.Time      `json:"to"`
	Sentence string         `json:"sentence"` // the whole home in one line
	Devices  map[string]int `json:"devices"`  // by where they stand: fine, check, act, unknown
	Actions  []Action       `json:"actions"`  // at most three
	More     string         `json:"more"`     // that there are others; "" is none
	New      []Mention      `json:"new"`      // devices that came
	Found    []Mention      `json:"found"`    // what was found
	Labels   []Mention      `json:"labels"`   // whose status changed
	Support  []Mention      `json:"support"`  // whose updates end soon, or did
	Link     string         `json:"link"`     // to the pages of the home; "" where they have no address that others reach
}

// Action is one thing to do.
type Action struct {
	Device string `json:"device"` // its ID
	Name   string `json:"name"`
	State  string `json:"state"` // where the device stands
	Do     string `json:"do"`
	Why    string `json:"why"`
}

// Mention is a device, and what is said of it.
type Mention struct {
	Device string `json:"device"` // its ID
	Name   string `json:"name"`
	Text   string `json:"text"`
}

// Alert is what does not wait for the digest.
type Alert struct {
	Schema string      `json:"schema"`
	ID     string      `json:"id"` // the same if it is sent again
	Lang   locale.Lang `json:"lang"`
	Home   string      `json:"home"`
	At     time.Time   `json:"at"`
	Test   bool        `json:"test"`   // nothing happened: somebody tries whether it arrives
	Causes []Cause     `json:"causes"` // at most three, the worst first
	More   int         `json:"more"`
	Link   string      `json:"link"`
}

// Class is why somebody is interrupted. There are three reasons, and no others: all else is for the digest.
type Class string

// The classes, the worst first.
const (
	Harm     Class = "harm"     // a device does harm
	Cut      Class = "cut"      // the program cut a device off, or its label was suspended or withdrawn
	Newcomer Class = "newcomer" // a device came, and somebody must say what it may do
)

var classes = [...]Class{Harm, Cut, Newcomer}

// Cause is something that may interrupt, in the words of one language.
type Cause struct {
	Key    string    `json:"-"` // the same as long as it is the same
	Since  time.Time `json:"-"`
	Class  Class     `json:"class"`
	Device string    `json:"device"` // its ID
	Name   string    `json:"name"`
	What   string    `json:"what"`
	Do     string    `json:"do"` // "" is nothing that is known
}

// Bounds of an alert.
const (
	mostCauses = 3
	maxLine    = 400 // octets of a line of text: names and details may come from strangers
)

// identify is what a delivery is known by, on both ends. It tells nothing.
func identify(channel, occasion string) string {
	sum := sha256.Sum256([]byte(channel + "\x00" + occasion))
	return hex.EncodeToString(sum[:12])
}

// named is a message with the identifier of its delivery.
func (m Message) named(id string) Message {
	if m.Week != nil {
		w := *m.Week
		w.ID, m.Week = id, &w
	}
	if m.Alert != nil {
		a := *m.Alert
		a.ID, m.Alert = id, &a
	}
	return m
}

// document is what programs are sent.
func (m Message) document() any {
	if m.Week != nil {
		return m.Week
	}
	return m.Alert
}
