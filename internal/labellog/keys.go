package labellog

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
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
	if private, vkey, err = note.GenerateKey(rand.Reader, name); err == nil {
		_, err = note.NewVerifier(vkey) // which looks at the name
	}
	if err != nil || len(name) > 255 {
		return "", "", fmt.Errorf("%w: a name such as log.example/labels is needed, with no blank and no plus sign", ErrKey)
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

// PublicKey is the vkey of a private key that NewLogKey made, or of one of a witness.
func PublicKey(private string, witness bool) (vkey string, err error) {
	part := strings.SplitN(strings.TrimSpace(private), "+", 5)
	if len(part) != 5 {
		return "", fmt.Errorf("%w: it is no private key of a log or a witness", ErrKey)
	}
	if _, err := LogSigner(private); err != nil {
		return "", err
	}
	seed, err := base64.StdEncoding.DecodeString(part[4])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return "", fmt.Errorf("%w: it is no private key of a log or a witness", ErrKey)
	}
	public, _ := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	if vkey, err = note.NewEd25519VerifierKey(part[2], public); err == nil && witness {
		vkey, err = fnote.VKeyToCosignatureV1(vkey)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrKey, err)
	}
	return vkey, nil
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
