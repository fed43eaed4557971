package label

import (
	"cmp"
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
	return sign(payload, "", key)
}

// sign makes a COSE_Sign1 of a payload. typ keeps what is signed from being taken for something else (RFC 9596); a label
// has none.
func sign(payload []byte, typ string, key ed25519.PrivateKey) ([]byte, error) {
	signer, err := cose.NewSigner(cose.AlgorithmEdDSA, crypto.Signer(key))
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	public, _ := key.Public().(ed25519.PublicKey)
	m := cose.NewSign1Message()
	m.Headers.Protected.SetAlgorithm(cose.AlgorithmEdDSA)
	m.Headers.Protected[cose.HeaderLabelKeyID] = KeyID(public)
	if typ != "" {
		m.Headers.Protected[headerType] = typ
	}
	m.Payload = payload
	if err := m.Sign(rand.Reader, nil, signer); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	// without the tag: what is expected here is known (RFC 9052 §2)
	u := cose.UntaggedSign1Message(*m)
	return u.MarshalCBOR()
}

// headerType is the COSE header that says of which type a message is (RFC 9596 §2).
const headerType = int64(16)

// Open reads a label, and verifies that the key that it names made it. find is asked for the key of an ID, and answers nil
// for one that it does not know. Whether the holder of the key could grant the label, Verify says.
func Open(sign1 []byte, find func(id []byte) ed25519.PublicKey) (*Statement, ed25519.PublicKey, error) {
	payload, key, err := unseal(sign1, "", find)
	if err != nil {
		return nil, nil, err
	}
	s, err := ParseStatement(payload)
	return s, key, err
}

// unseal verifies a COSE_Sign1 of a type, and gives its payload and the key that made it.
func unseal(sign1 []byte, typ string, find func(id []byte) ed25519.PublicKey) ([]byte, ed25519.PublicKey, error) {
	var u cose.UntaggedSign1Message
	if err := u.UnmarshalCBOR(sign1); err != nil {
		return nil, nil, fmt.Errorf("%w: read COSE_Sign1: %w", ErrSignature, err)
	}
	if alg, err := u.Headers.Protected.Algorithm(); err != nil || alg != cose.AlgorithmEdDSA {
		return nil, nil, fmt.Errorf("%w: it is not by EdDSA", ErrSignature)
	}
	id, _ := u.Headers.Protected[cose.HeaderLabelKeyID].([]byte)
	is, _ := u.Headers.Protected[headerType].(string)
	headers := 2
	if typ != "" {
		headers = 3
	}
	if len(id) != 8 || is != typ || len(u.Headers.Protected) != headers || len(u.Headers.Unprotected) != 0 {
		return nil, nil, fmt.Errorf("%w: its header is not that of a %s", ErrSignature, cmp.Or(typ, "label"))
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
	return u.Payload, key, nil
}
