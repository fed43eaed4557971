package home

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Settings are what the household says of itself. Nothing of it changes what is enforced.
type Settings struct {
	Name      string  `json:"name"`     // of the home
	Provider  Contact `json:"provider"` // of its Internet line
	Helper    Contact `json:"helper"`   // who is called when nobody at home knows what to do
	GuestPage bool    `json:"guest_page"`
}

// Contact is somebody to call.
type Contact struct {
	Name  string `json:"name"`
	Phone string `json:"phone"`
}

// Check says what is wrong with settings.
func (s *Settings) Check() error {
	for _, text := range []string{s.Name, s.Provider.Name, s.Provider.Phone, s.Helper.Name, s.Helper.Phone} {
		if len(text) > maxName || !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n") {
			return fmt.Errorf("%w: a name has at most %d octets, in one line", ErrVerb, maxName)
		}
	}
	return nil
}

// Tick says that somebody did one point of a list.
type Tick struct {
	At time.Time `json:"at"`
	By string    `json:"by"` // an actor
}

// Ticked is the tick of a point.
type Ticked struct {
	List string `json:"list"`
	Item string `json:"item"` // words, of which one may be the ID of a device
	Tick
}

// Lists are those whose ticks are exported: not what somebody asks for, nor who looked at what.
var Lists = []string{"lessons", "moving-in", "moving-out", "tune-up", "support"}

// Amount is how much a device said on one day, with all of its peers.
type Amount struct {
	Device  string
	Day     time.Time // its beginning, UTC
	Out, In uint64    // octets
	Read    uint64    // of them, in a protocol that was recognised
	Flows   uint64
}

// Stopped counts packets that the rules stopped of one device, since they know it.
type Stopped struct {
	Out     uint64 // that it sent
	In      uint64 // that were sent to it
	Spoofed uint64 // with an address of another one
}

// Shields are what is in force whatever the labels of devices say.
type Shields struct {
	Sources    bool // nothing leaves with an address that is not of this home (BCP 38)
	Ceilings   bool // how much a device may send without an answer
	Inbound    bool // nobody outside begins a conversation, unless that was opened
	Mapping    bool // a device that is held may not open the router
	Neighbours bool // devices that are held reach others at home only as their rules say
	Stopped    map[string]Stopped
}
