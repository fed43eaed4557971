// Package passkeytest is a device that keeps passkeys, for tests: it signs as a telephone does (WebAuthn Level 3 §6).
package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/url"

	"github.com/fxamacker/cbor/v2"
)

// The flags of authenticator data (WebAuthn Level 3 §6.1).
const (
	Present  = 1 << 0
	Verified = 1 << 2
	attested = 1 << 6
)

// Device has one passkey.
type Device struct {
	Origin string // where its browser is
	Flags  byte
	Count  uint32 // of signatures; the next one has one more
	ID     []byte // of the passkey
	Handle []byte // of its owner
	Format string // of the attestation
	Cross  bool   // the page is within another
	Object []byte // attestation object (§6.5.4): if set it is sent, else it is that which was

	key *ecdsa.PrivateKey
}

// New is a device whose owner gives a finger each time.
func New(origin string) *Device {
	return &Device{Origin: origin, Flags: Present | Verified, Format: "none"}
}

// options are those of a question, as far as a device needs them.
type options struct {
	PublicKey struct {
		Challenge string
		RPID      string `json:"rpId"`
		RP        struct{ ID string }
		User      struct{ ID string }
	} `json:"publicKey"`
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// clientData is what the browser says of the ceremony (§5.8.1).
func (d *Device) clientData(kind, challenge string) []byte {
	data, _ := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": d.Origin, "crossOrigin": d.Cross}) // of strings: it never fails
	return data
}

// host is the relying party ID that a browser would sign for: that of the page, whatever the question says.
func (d *Device) host() string {
	u, err := url.Parse(d.Origin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func (d *Device) authData(flags byte) []byte {
	host := sha256.Sum256([]byte(d.host()))
	return binary.BigEndian.AppendUint32(append(host[:], flags), d.Count)
}

// Create makes a passkey, and answers a question for a new one.
func (d *Device) Create(question []byte) ([]byte, error) {
	var o options
	if err := json.Unmarshal(question, &o); err != nil {
		return nil, err
	}
	var err error
	if d.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	if d.Handle, err = base64.RawURLEncoding.DecodeString(o.PublicKey.User.ID); err != nil {
		return nil, err
	}
	if d.ID == nil {
		d.ID = make([]byte, 16)
		_, _ = rand.Read(d.ID) // never fails
	}
	point, err := d.key.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	public, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]}) // RFC 9053 §7.1.1
	if err != nil {
		return nil, err
	}
	auth := append(d.authData(d.Flags|attested), make([]byte, 16)...)
	auth = append(binary.BigEndian.AppendUint16(auth, uint16(len(d.ID))), d.ID...)
	object, err := cbor.Marshal(map[string]any{"fmt": d.Format, "attStmt": map[string]any{}, "authData": append(auth, public...)})
	if err != nil {
		return nil, err
	}
	if d.Object == nil {
		d.Object = object
	}
	return d.answer(map[string]any{"clientDataJSON": b64(d.clientData("webauthn.create", o.PublicKey.Challenge)), "attestationObject": b64(d.Object)})
}

// Get answers a question for a passkey.
func (d *Device) Get(question []byte) ([]byte, error) {
	var o options
	if err := json.Unmarshal(question, &o); err != nil {
		return nil, err
	}
	if d.key == nil {
		return nil, errors.New("there is no passkey yet")
	}
	d.Count++
	auth, client := d.authData(d.Flags), d.clientData("webauthn.get", o.PublicKey.Challenge)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(auth[:len(auth):len(auth)], hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, sum[:])
	if err != nil {
		return nil, err
	}
	return d.answer(map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(auth), "signature": b64(signature), "userHandle": b64(d.Handle)})
}

func (d *Device) answer(response map[string]any) ([]byte, error) {
	return json.Marshal(map[string]any{"id": b64(d.ID), "rawId": b64(d.ID), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}})
}
