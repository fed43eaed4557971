package label

import (
	"bytes"
	"compress/zlib"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Status is what became of a label (ISO/IEC 17065 §7.11).
type Status string

// The statuses.
const (
	Active    Status = "active"
	Suspended Status = "suspended"
	Withdrawn Status = "withdrawn"
	Expired   Status = "expired"
	Unknown   Status = "unknown"
)

// statuses are by their two bits in a list.
var statuses = [4]Status{Active, Suspended, Withdrawn, Expired}

// Issuer is somebody who may grant labels, from one day to another.
type Issuer struct {
	Name  string            `cbor:"1,keyasint" json:"name"`
	Key   ed25519.PublicKey `cbor:"2,keyasint" json:"key"`
	From  Day               `cbor:"3,keyasint" json:"from"`
	Until Day               `cbor:"4,keyasint,omitempty" json:"until,omitzero"` // 0: still
}

// Bundle is the state of trust at one time: who may grant labels, the landmark of each day, and the status of every
// label, two bits each. With it a label is verified with no network.
type Bundle struct {
	Version   int        `cbor:"1,keyasint" json:"version"`
	Registry  string     `cbor:"2,keyasint" json:"registry"`
	Made      time.Time  `cbor:"3,keyasint" json:"made"`
	Issuers   []Issuer   `cbor:"4,keyasint" json:"issuers"`
	FirstDay  Day        `cbor:"5,keyasint" json:"first_day"` // of the landmarks
	Landmarks [][32]byte `cbor:"6,keyasint" json:"-"`         // one a day; all zero where nothing was logged
	List      []byte     `cbor:"7,keyasint" json:"-"`         // statuses, zlib (RFC 1950), the lowest bits first
}

// Bounds of a bundle.
const (
	MaxBundle = 16 << 20 // octets
	maxList   = 64 << 20 // octets of statuses, unpacked: 256 million labels
)

// What can be wrong with the trust that a label is held against.
var (
	ErrUntrusted = errors.New("not trusted")
	ErrBundle    = errors.New("trust bundle is not valid")
)

// Statuses are those of labels by their index, two bits each, the lowest bits of an octet first. The zero value is a
// list of none; what it was not told of is active.
type Statuses []byte

// Set notes the status of a label, and reports whether it has bits.
func (l *Statuses) Set(index uint32, s Status) bool {
	n := slices.Index(statuses[:], s)
	if n < 0 {
		return false
	}
	for int64(index) >= 4*int64(len(*l)) {
		*l = append(*l, 0)
	}
	at, shift := index/4, 2*(index%4)
	(*l)[at] = (*l)[at]&^(3<<shift) | byte(n)<<shift
	return true
}

// Pack is the list as a bundle has it: zlib (RFC 1950).
func (l Statuses) Pack() []byte {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, _ = w.Write(l) // into memory: it does not fail
	_ = w.Close()
	return z.Bytes()
}

// SetStatuses packs the status of each label, by its index.
func (b *Bundle) SetStatuses(list []Status) error {
	raw := make(Statuses, (len(list)+3)/4)
	for i, s := range list {
		if !raw.Set(uint32(i), s) {
			return fmt.Errorf("%w: status %q of label %d has no bits", ErrBundle, s, i)
		}
	}
	b.List = raw.Pack()
	return nil
}

// Sign makes the file of a bundle: its CBOR and the registry’s signature of it, in that order.
func (b *Bundle) Sign(key ed25519.PrivateKey) ([]byte, error) {
	data, err := encoding().Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("sign bundle: %w", err)
	}
	return append(ed25519.Sign(key, append([]byte(bundleContext), data...)), data...), nil
}

// bundleContext keeps the signature of a bundle from being taken for one of something else.
const bundleContext = "plimsoll trust bundle v1\n"

// Trust is a bundle that was verified, ready to be asked.
type Trust struct {
	*Bundle
	TTL  time.Duration // how old it may be before its word that a label is active is not taken; 0: Stale
	list []byte        // unpacked
}

// ParseBundle reads the file of a bundle, which must be signed with the registry’s key.
func ParseBundle(data []byte, registry ed25519.PublicKey) (*Trust, error) {
	if len(data) < ed25519.SignatureSize || len(data) > MaxBundle {
		return nil, fmt.Errorf("%w: it has %d octets", ErrBundle, len(data))
	}
	signature, data := data[:ed25519.SignatureSize], data[ed25519.SignatureSize:]
	if !ed25519.Verify(registry, append([]byte(bundleContext), data...), signature) {
		return nil, fmt.Errorf("%w: the registry did not sign it", ErrUntrusted)
	}
	mode, err := cbor.DecOptions{IndefLength: cbor.IndefLengthForbidden, MaxNestedLevels: 8}.DecMode()
	if err != nil {
		return nil, err
	}
	b := &Bundle{}
	if err := mode.Unmarshal(data, b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBundle, err)
	}
	if b.Version != Version {
		return nil, fmt.Errorf("%w: it is of version %d, and this program knows %d", ErrBundle, b.Version, Version)
	}
	for i := range b.Issuers {
		if len(b.Issuers[i].Key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("%w: the key of issuer %d has %d octets", ErrBundle, i, len(b.Issuers[i].Key))
		}
	}
	list, err := unpack(b.List)
	if err != nil {
		return nil, err
	}
	return &Trust{Bundle: b, list: list}, nil
}

// unpack is a list of statuses, two bits each.
func unpack(packed []byte) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("%w: its list: %w", ErrBundle, err)
	}
	list, err := io.ReadAll(io.LimitReader(z, maxList+1))
	if err != nil || len(list) > maxList {
		return nil, fmt.Errorf("%w: its list of %d octets: %w", ErrBundle, len(list), errors.Join(err, z.Close()))
	}
	return list, nil
}

// StatusOf is the status of the label of an index when the bundle was made; Unknown for one that the list does not reach.
func (t *Trust) StatusOf(index uint32) Status {
	if int64(index) >= 4*int64(len(t.list)) {
		return Unknown
	}
	return statuses[t.list[index/4]>>(2*(index%4))&3]
}

// landmark is the root of a day, if there is one.
func (t *Trust) landmark(d Day) (root [32]byte, ok bool) {
	if d < t.FirstDay || uint64(d-t.FirstDay) >= uint64(len(t.Landmarks)) {
		return root, false
	}
	root = t.Landmarks[d-t.FirstDay]
	return root, root != [32]byte{}
}
