package labellog

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// ErrKey is the cause where a text is not a key of the kind that is asked for.
var ErrKey = errors.New("key is not valid")

// NewLogKey makes the key of a log, whose name is the log’s origin: the private key, and the vkey that policies name (C2SP
// signed-note).
func NewLogKey(name string) (private, vkey string, err error) {
	if private, vkey, err = note.GenerateKey(rand.Reader, name); err != nil {
		return "", "", fmt.Errorf("%w: name %.80q: %w", ErrKey, name, err)
	}
	return private, vkey, nil
}

// NewWitnessKey makes the key of a witness (C2SP tlog-cosignature).
func NewWitnessKey(name string) (private, vkey string, err error) {
	if private, vkey, err = NewLogKey(name); err != nil {
		return "", "", err
	}
	if vkey, err = fnote.VKeyToCosignatureV1(vkey); err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrKey, err)
	}
	return private, vkey, nil
}

// LogSigner reads the private key of a log.
func LogSigner(private string) (note.Signer, error) {
	s, err := note.NewSigner(strings.TrimSpace(private))
	if err != nil {
		return nil, fmt.Errorf("%w: it is no private key of a log", ErrKey)
	}
	return s, nil
}

// WitnessSigner reads the private key of a witness.
func WitnessSigner(private string) (note.Signer, error) {
	s, err := fnote.NewSignerForCosignatureV1(strings.TrimSpace(private))
	if err != nil {
		return nil, fmt.Errorf("%w: it is no private key of a witness", ErrKey)
	}
	return s, nil
}
