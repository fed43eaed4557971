package label

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/veraison/go-cose"
)

// ErrSignature is the cause where a signature is not good, or not by who it says.
var ErrSignature = errors.New("signature is not good")

// KeyID names a key in a label: the first 8 octets of the SHA-256 of its 32.
func KeyID(key ed25519.PublicKey) []byte {
	sum := sha256.Sum256(key)
	return sum[:8]
}

// Sign makes a label: the COSE_Sign1 (RFC 9052 §4.2) of the statement, with EdDSA by Ed25519.
func Sign(s *Statement, key ed25519.PrivateKey) ([]byte, error) {
	payload, err := s.CBOR()
	if err != nil {
		return nil, fmt.Errorf("sign label: %w", err)
	}
	signer, err := cose.NewSigner(cose.AlgorithmEdDSA, crypto.Signer(key))
	if err != nil {
		return nil, fmt.Errorf("sign label: %w", err)
	}
	public, _ := key.Public().(ed25519.PublicKey)
	m := cose.NewSign1Message()
	m.Headers.Protected.SetAlgorithm(cose.AlgorithmEdDSA)
	m.Headers.Protected[cose.HeaderLabelKeyID] = KeyID(public)
	m.Payload = payload
	if err := m.Sign(rand.Reader, nil, signer); err != nil {
		return nil, fmt.Errorf("sign label: %w", err)
	}
	// without the tag: what is expected here is known (RFC 9052 §2)
	u := cose.UntaggedSign1Message(*m)
	return u.MarshalCBOR()
}

// open reads a label, and verifies that the key that it names made it. find is asked for the key of an ID.
func open(sign1 []byte, find func(id []byte) ed25519.PublicKey) (*Statement, ed25519.PublicKey, error) {
	var u cose.UntaggedSign1Message
	if err := u.UnmarshalCBOR(sign1); err != nil {
		return nil, nil, fmt.Errorf("%w: read COSE_Sign1: %w", ErrSignature, err)
	}
	if alg, err := u.Headers.Protected.Algorithm(); err != nil || alg != cose.AlgorithmEdDSA {
		return nil, nil, fmt.Errorf("%w: it is not by EdDSA", ErrSignature)
	}
	id, _ := u.Headers.Protected[cose.HeaderLabelKeyID].([]byte)
	if len(id) != 8 || len(u.Headers.Protected) != 2 || len(u.Headers.Unprotected) != 0 {
		return nil, nil, fmt.Errorf("%w: its header is not that of a label", ErrSignature)
	}
	key := find(id)
	if key == nil {
		return nil, nil, fmt.Errorf("%w: key %x is nobody’s who may grant labels", ErrUntrusted, id)
	}
	verifier, err := cose.NewVerifier(cose.AlgorithmEdDSA, key)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	m := cose.Sign1Message(u)
	if err := m.Verify(nil, verifier); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	s, err := ParseStatement(u.Payload)
	if err != nil {
		return nil, nil, err
	}
	return s, key, nil
}
