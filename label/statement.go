// Package label makes and verifies the label of a product: a small signed statement of what the product promises, whose
// QR code a phone can check with no network.
//
// A label is a Statement, signed by whoever grants it (Sign). It travels as decimal digits in the fragment of a GS1
// Digital Link (Link), so that any camera opens the product’s page, the server never learns what the fragment says, and
// who has a Bundle of trust can Verify it offline: who granted it, whether it is in the log that all grants are in, and
// what its status was when the bundle was made.
//
// The format is specified in docs/label.md, with test vectors in testdata. What Verify answers is “genuine, issued on
// such a day, status as of such a day”, and never “secure”.
package label

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
)

// Version is that of the format.
const Version = 1

// Class says how it is known whether a product meets a norm. The zero value is the least.
type Class uint8

// The classes, in order of how much is known.
const (
	NotClaimed Class = iota
	Declared
	WebChecked
	Seen // on the wire, in homes
	LabTested
	Refuted
)

var classes = [...]string{"not-claimed", "declared", "web-checked", "seen", "lab-tested", "refuted"}

// String is the word in JSON.
func (c Class) String() string {
	if int(c) < len(classes) {
		return classes[c]
	}
	return fmt.Sprintf("class-%d", uint8(c))
}

// MarshalText writes the word.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the word.
func (c *Class) UnmarshalText(b []byte) error {
	for i, w := range classes {
		if w == string(b) {
			*c = Class(i)
			return nil
		}
	}
	return fmt.Errorf("class %.40q is none of %s", b, strings.Join(classes[:], ", "))
}

// Sensors are what a product has to take in its surroundings, a bit each.
type Sensors uint32

// Practices are what is done with the data of its owner, a bit each.
type Practices uint32

// The words of the bits, from the lowest up. A bit is added at the end, never changed.
var (
	sensors   = []string{"video", "audio", "images", "position", "presence", "motion", "physiological", "environment", "radio", "power"}
	practices = []string{"account-needed", "works-offline", "stored-in-cloud", "shared-with-others", "sold", "used-for-ads", "deletable", "local-control", "automatic-updates", "unique-password"}
)

// Day is a date: days since 1970-01-01, UTC.
type Day uint32

// DayOf is the day of an instant.
func DayOf(t time.Time) Day { return Day(max(0, t.Unix()/86400)) }

// Time is the beginning of the day.
func (d Day) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// String is the day as in RFC 3339.
func (d Day) String() string { return d.Time().Format(time.DateOnly) }

// MarshalText writes it as in RFC 3339.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads it as in RFC 3339.
func (d *Day) UnmarshalText(b []byte) error {
	t, err := time.Parse(time.DateOnly, string(b))
	if err != nil || t.Before(time.Unix(0, 0)) {
		return fmt.Errorf("day %.40q is not as 2030-03-31", b)
	}
	*d = DayOf(t)
	return nil
}

// Statement is what a label says. In CBOR its fields have numbers, in JSON names; both say the same.
type Statement struct {
	Version   int       `cbor:"1,keyasint" json:"version"`
	GTIN      uint64    `cbor:"2,keyasint" json:"-"` // its digits, as a number; see GTIN14
	Maker     string    `cbor:"3,keyasint" json:"maker"`
	Model     string    `cbor:"4,keyasint" json:"model"`
	Hardware  string    `cbor:"5,keyasint,omitempty" json:"hardware,omitempty"` // revision
	Firmware  Range     `cbor:"6,keyasint,omitempty" json:"firmware,omitzero"`
	Profile   uint      `cbor:"7,keyasint" json:"profile"` // which norms Norms is about: see Profile
	Norms     []byte    `cbor:"8,keyasint" json:"-"`       // two classes an octet, in the order of the profile, the high half first
	Support   Day       `cbor:"9,keyasint,omitempty" json:"support_until,omitzero"`
	Issued    Day       `cbor:"10,keyasint" json:"issued"`
	Expires   Day       `cbor:"11,keyasint,omitempty" json:"expires,omitzero"`
	MUDURL    string    `cbor:"12,keyasint,omitempty" json:"mud_url,omitempty"`
	Sensors   Sensors   `cbor:"13,keyasint,omitempty" json:"-"`
	Practices Practices `cbor:"14,keyasint,omitempty" json:"-"`
	Index     uint32    `cbor:"15,keyasint" json:"status_index"` // of its status in the list
	Contact   string    `cbor:"16,keyasint,omitempty" json:"contact,omitempty"`
	SBOMURL   string    `cbor:"17,keyasint,omitempty" json:"sbom_url,omitempty"`
}

// Range is the firmware that a label is about, both ends included; "" leaves an end open.
type Range struct {
	_    struct{} `cbor:",toarray"`
	From string   `json:"from"`
	To   string   `json:"to"`
}

// ErrStatement is the cause where a statement is not one that could be granted.
var ErrStatement = errors.New("statement is not valid")

// Bounds on texts, octets.
const (
	maxName = 64
	maxURL  = 255
)

// GTIN14 is the GTIN with its 14 digits.
func (s *Statement) GTIN14() string { return fmt.Sprintf("%014d", s.GTIN) }

// Check says all that is wrong with a statement.
func (s *Statement) Check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrStatement}, args...)...))
	}
	if s.Version != Version {
		wrong("its version is %d, and this program knows %d", s.Version, Version)
	}
	if s.GTIN > 99_999_999_999_999 || !ValidGTIN(s.GTIN14()) {
		wrong("its GTIN %d has a wrong check digit (GS1 General Specifications §7.9)", s.GTIN)
	}
	for _, t := range []struct {
		name, text string
		most       int
		needed     bool
	}{
		{"maker", s.Maker, maxName, true},
		{"model", s.Model, maxName, true},
		{"hardware", s.Hardware, maxName, false},
		{"firmware", s.Firmware.From, maxName, false},
		{"firmware", s.Firmware.To, maxName, false},
		{"MUD URL", s.MUDURL, maxURL, false},
		{"contact", s.Contact, maxURL, false},
		{"SBOM URL", s.SBOMURL, maxURL, false},
	} {
		switch {
		case t.needed && t.text == "":
			wrong("its %s is missing", t.name)
		case len(t.text) > t.most:
			wrong("its %s has %d octets, at most %d are taken", t.name, len(t.text), t.most)
		case !utf8.ValidString(t.text) || strings.ContainsFunc(t.text, func(r rune) bool { return !unicode.IsPrint(r) }):
			wrong("its %s has characters that cannot be shown", t.name)
		}
	}
	if s.MUDURL != "" && !strings.HasPrefix(s.MUDURL, "https://") {
		wrong("its MUD URL is not https (RFC 8520 §1.5)")
	}
	norms := ProfileNorms(s.Profile)
	if norms == nil {
		wrong("its profile %d is not known", s.Profile)
	} else if len(s.Norms) != (len(norms)+1)/2 {
		wrong("it has %d octets for the %d norms of its profile", len(s.Norms), len(norms))
	}
	for i := range 2 * len(s.Norms) {
		if c := s.class(i); int(c) >= len(classes) || i >= len(norms) && c != 0 {
			wrong("norm %d is of class %d", i, c)
		}
	}
	if s.Issued == 0 || s.Expires != 0 && s.Expires < s.Issued {
		wrong("it was issued on %s and expires on %s", s.Issued, s.Expires)
	}
	return errors.Join(errs...)
}

func (s *Statement) class(i int) Class {
	if i/2 >= len(s.Norms) {
		return NotClaimed
	}
	if i%2 == 0 {
		return Class(s.Norms[i/2] >> 4)
	}
	return Class(s.Norms[i/2] & 15)
}

// Class is how it is known whether the product meets a norm of its profile; NotClaimed for all others.
func (s *Statement) Class(norm string) Class {
	for i, n := range ProfileNorms(s.Profile) {
		if n == norm {
			return s.class(i)
		}
	}
	return NotClaimed
}

// ClassAt is the class of the i-th norm of the profile.
func (s *Statement) ClassAt(i int) Class { return s.class(i) }

// SetClass notes that. It reports false for a norm that the profile does not have.
func (s *Statement) SetClass(norm string, c Class) bool {
	norms := ProfileNorms(s.Profile)
	for i, n := range norms {
		if n != norm {
			continue
		}
		if len(s.Norms) < (len(norms)+1)/2 {
			s.Norms = append(s.Norms, make([]byte, (len(norms)+1)/2-len(s.Norms))...)
		}
		if i%2 == 0 {
			s.Norms[i/2] = s.Norms[i/2]&15 | byte(c)<<4
		} else {
			s.Norms[i/2] = s.Norms[i/2]&0xf0 | byte(c)
		}
		return true
	}
	return false
}

// CBOR is the statement in its one encoding: deterministic (RFC 8949 §4.2).
func (s *Statement) CBOR() ([]byte, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	return encoding().Marshal(s)
}

func encoding() cbor.EncMode {
	o := cbor.CoreDetEncOptions()
	o.Time = cbor.TimeUnix
	m, err := o.EncMode()
	if err != nil {
		panic(err) // the options are the library’s own
	}
	return m
}

func decoding() cbor.DecMode {
	m, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden, MaxNestedLevels: 8,
		MaxArrayElements: 64, MaxMapPairs: 64, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	}.DecMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return m
}

// ParseStatement reads the CBOR of a statement. It takes that one encoding alone.
func ParseStatement(data []byte) (*Statement, error) {
	s := &Statement{}
	if err := decoding().Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStatement, err)
	}
	again, err := s.CBOR()
	if err != nil {
		return nil, err
	}
	if string(again) != string(data) {
		return nil, fmt.Errorf("%w: it is not in the deterministic encoding (RFC 8949 §4.2)", ErrStatement)
	}
	return s, nil
}
