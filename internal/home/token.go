package home

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"time"
)

// Token lets a program read what the gateway knows, and do nothing. Its secret is kept nowhere.
type Token struct {
	ID    string    `json:"id"` // SHA-256 of its secret, in hexadecimal
	Name  string    `json:"name"`
	By    string    `json:"by"` // the actor who made it
	Since time.Time `json:"since"`
	Used  time.Time `json:"used,omitzero"` // when it was used last, to the hour
}

// MaxTokens bounds the tokens of a home.
const MaxTokens = 32

// ErrTokens is the cause where there are so many tokens that no more is made.
var ErrTokens = errors.New("there are as many tokens as there may be")

// NewToken is a token, and its secret: 256 bits that a program shows (RFC 6750 §2.1).
func NewToken(name, by string, now time.Time) (t Token, secret string) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	secret = base64.RawURLEncoding.EncodeToString(b[:])
	return Token{ID: tokenID(secret), Name: name, By: by, Since: now.UTC()}, secret
}

func tokenID(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// FindToken is the place of the token with that secret in a list, or −1. A digest is compared, so how long it takes tells
// nothing of the secret.
func FindToken(list []Token, secret string) int {
	id := tokenID(secret)
	return slices.IndexFunc(list, func(t Token) bool { return t.ID == id })
}
