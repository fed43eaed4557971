package labellog

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"regexp"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"

	"plimsoll.example/plimsoll/label"
)

// Bounds and version of a leaf.
const (
	MaxLeaf     = 8 << 10 // octets
	maxName     = 64      // octets
	leafVersion = 1
)

var word = regexp.MustCompile(`^([a-z][a-z-]{0,31})?$`)

// ErrLeaf is the cause where octets are not a leaf of this log.
var ErrLeaf = errors.New("leaf is not valid")

// Leaf is what one entry of the log says: a Grant, StatusChange, SupportDate, KeyAdded, KeyEnded, Digest or Landmark.
type Leaf interface {
	// number is that of the kind in the encoding; 0 is a grant, which has none.
	number() uint64
	check() error
}

// Grant says that a label was granted. Its entry is the COSE_Sign1 and nothing else, so that its hash in the log is
// label.LeafHash.
type Grant struct {
	Label []byte // COSE_Sign1
}

// StatusChange says that a label has another status from now on, and which record of evidence is the reason.
type StatusChange struct {
	At       time.Time    `cbor:"1,keyasint"` // seconds
	Label    [32]byte     `cbor:"2,keyasint"` // label.LeafHash of the grant
	Status   label.Status `cbor:"3,keyasint"`
	Reason   Reason       `cbor:"4,keyasint"`
	Evidence [32]byte     `cbor:"5,keyasint"` // SHA-256 of the record: the change as it was signed
}

// SupportDate says until when there are security updates, which may differ from what the label was granted with.
type SupportDate struct {
	At       time.Time `cbor:"1,keyasint"`
	Label    [32]byte  `cbor:"2,keyasint"`
	Until    label.Day `cbor:"3,keyasint"`
	Evidence [32]byte  `cbor:"4,keyasint"` // SHA-256 of the record; zeros: none
}

// KeyAdded says that an issuer may grant labels with a key, from a day on.
type KeyAdded struct {
	At   time.Time         `cbor:"1,keyasint"`
	Name string            `cbor:"2,keyasint"` // of the issuer
	Key  ed25519.PublicKey `cbor:"3,keyasint"`
	From label.Day         `cbor:"4,keyasint"`
}

// KeyEnded says that a key grants no more after a day. What it granted until then stands: the log proves the day.
type KeyEnded struct {
	At    time.Time         `cbor:"1,keyasint"`
	Name  string            `cbor:"2,keyasint"`
	Key   ed25519.PublicKey `cbor:"3,keyasint"`
	Until label.Day         `cbor:"4,keyasint"` // included
}

// Digest says which file the registry published: a bundle of trust or a status list.
type Digest struct {
	At     time.Time `cbor:"1,keyasint"`
	Of     File      `cbor:"2,keyasint"`
	SHA256 [32]byte  `cbor:"3,keyasint"`
}

// Landmark closes a day: the root of the tree of the labels granted since the landmark before (label.Landmark).
type Landmark struct {
	Day    label.Day `cbor:"1,keyasint"`
	Labels uint64    `cbor:"2,keyasint"` // how many
	Root   [32]byte  `cbor:"3,keyasint"`
}

// Reason is a word for why a status changed: one of these, or another of small letters and hyphens.
type Reason string

// Some of the reasons.
const (
	Other           Reason = ""
	Exploited       Reason = "exploited"
	SupportEnded    Reason = "support-ended"
	EvidenceRefuted Reason = "evidence-refuted"
	MakerRequest    Reason = "maker-request"
	IssuerError     Reason = "issuer-error"
	Remedied        Reason = "remedied"
	Superseded      Reason = "superseded"
)

// File is a kind of file that the registry publishes.
type File uint8

// The files.
const (
	BundleFile File = iota + 1
	StatusListFile
)

func (Grant) number() uint64        { return 0 }
func (StatusChange) number() uint64 { return 1 }
func (SupportDate) number() uint64  { return 2 }
func (KeyAdded) number() uint64     { return 3 }
func (KeyEnded) number() uint64     { return 4 }
func (Digest) number() uint64       { return 5 }
func (Landmark) number() uint64     { return 6 }

// Statement is what the label of the grant says. Who says it is not verified.
func (g Grant) Statement() (*label.Statement, error) {
	return (&label.Envelope{Version: label.Version, Label: g.Label}).Statement()
}

func (g Grant) check() error {
	if len(g.Label) == 0 || g.Label[0] != signFirst {
		return errors.New("it is no COSE_Sign1 without a tag")
	}
	_, err := g.Statement()
	return err
}

func (c StatusChange) check() error {
	if !word.MatchString(string(c.Reason)) {
		return fmt.Errorf("reason %.40q is no word", c.Reason)
	}
	switch c.Status {
	case label.Active, label.Suspended, label.Withdrawn, label.Expired:
		return checkTime(c.At)
	}
	return fmt.Errorf("status %.20q is none that a label can be given", c.Status)
}

func (d SupportDate) check() error { return checkTime(d.At) }

func (k KeyAdded) check() error { return errors.Join(checkTime(k.At), checkIssuer(k.Name, k.Key)) }

func (k KeyEnded) check() error { return errors.Join(checkTime(k.At), checkIssuer(k.Name, k.Key)) }

func (d Digest) check() error {
	if d.Of != BundleFile && d.Of != StatusListFile {
		return fmt.Errorf("a digest of file %d, which is none", d.Of)
	}
	return checkTime(d.At)
}

func (l Landmark) check() error {
	if l.Day == 0 || l.Labels > 1<<32 {
		return fmt.Errorf("a landmark of day %d with %d labels", l.Day, l.Labels)
	}
	return nil
}

func checkTime(at time.Time) error {
	if s := at.Unix(); s <= 0 || s >= 1<<37 || at.Nanosecond() != 0 {
		return fmt.Errorf("its time %d is no second since 1970", s)
	}
	return nil
}

func checkIssuer(name string, key ed25519.PublicKey) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return fmt.Errorf("an issuer’s name of %d octets", len(name))
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("an issuer’s name with %U, which cannot be shown", r)
		}
	}
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("a key of %d octets", len(key))
	}
	return nil
}

// The first octets tell a grant from all others: the COSE_Sign1 is an array of four, the rest one of three.
const (
	signFirst  = 0x84
	otherFirst = 0x83
)

type wire struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Kind    uint64
	Body    cbor.RawMessage
}

// Encode writes a leaf in its one encoding: a grant as its COSE_Sign1, all others as deterministic CBOR (RFC 8949
// §4.2), an array of the version, the kind and a map. The error wraps ErrLeaf.
func Encode(leaf Leaf) ([]byte, error) {
	if err := leaf.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLeaf, err)
	}
	data := []byte(nil)
	if g, ok := leaf.(Grant); ok {
		data = g.Label
	} else {
		body, err := encoding().Marshal(leaf)
		if err == nil {
			data, err = encoding().Marshal(wire{Version: leafVersion, Kind: leaf.number(), Body: body})
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrLeaf, err)
		}
	}
	if len(data) > MaxLeaf {
		return nil, fmt.Errorf("%w: it has %d octets, and at most %d go in", ErrLeaf, len(data), MaxLeaf)
	}
	return data, nil
}

// ParseLeaf reads what Encode wrote, and nothing else. The error wraps ErrLeaf.
func ParseLeaf(data []byte) (Leaf, error) {
	leaf, err := parseLeaf(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLeaf, err)
	}
	again, err := Encode(leaf)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, data) {
		return nil, fmt.Errorf("%w: it is not in the deterministic encoding", ErrLeaf)
	}
	return leaf, nil
}

func parseLeaf(data []byte) (Leaf, error) {
	if len(data) == 0 || len(data) > MaxLeaf {
		return nil, fmt.Errorf("it has %d octets", len(data))
	}
	if data[0] == signFirst {
		return Grant{data}, nil
	}
	var w wire
	mode, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden, MaxNestedLevels: 4,
		MaxArrayElements: 16, MaxMapPairs: 16, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	}.DecMode()
	if err != nil {
		return nil, err
	}
	if err := mode.Unmarshal(data, &w); err != nil {
		return nil, err
	}
	if data[0] != otherFirst || w.Version != leafVersion {
		return nil, fmt.Errorf("it is of version %d, and this program knows %d", w.Version, leafVersion)
	}
	switch w.Kind {
	case StatusChange{}.number():
		l := StatusChange{}
		err = mode.Unmarshal(w.Body, &l)
		l.At = l.At.UTC()
		return l, err
	case SupportDate{}.number():
		l := SupportDate{}
		err = mode.Unmarshal(w.Body, &l)
		l.At = l.At.UTC()
		return l, err
	case KeyAdded{}.number():
		l := KeyAdded{}
		err = mode.Unmarshal(w.Body, &l)
		l.At = l.At.UTC()
		return l, err
	case KeyEnded{}.number():
		l := KeyEnded{}
		err = mode.Unmarshal(w.Body, &l)
		l.At = l.At.UTC()
		return l, err
	case Digest{}.number():
		l := Digest{}
		err = mode.Unmarshal(w.Body, &l)
		l.At = l.At.UTC()
		return l, err
	case Landmark{}.number():
		l := Landmark{}
		err = mode.Unmarshal(w.Body, &l)
		return l, err
	}
	return nil, fmt.Errorf("it is of kind %d, which this program does not know", w.Kind)
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
