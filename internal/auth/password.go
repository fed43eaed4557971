// Package auth says who somebody is: by a password, by a code from the terminal of the machine, or by a session that
// one of them began. Secrets are kept as digests alone, and whoever guesses is slowed down.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The cost of a guess (OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane).
const (
	memory  = 19 * 1024 // KiB
	passes  = 2
	lanes   = 1
	hashLen = 32
	saltLen = 16
)

// Bounds of a password, octets.
const (
	LeastPassword = 8
	MostPassword  = 256
)

// What an attempt to come in can be refused for.
var (
	ErrRefused  = errors.New("name, password or code is wrong")
	ErrOften    = errors.New("too many attempts: wait a minute")
	ErrPassword = fmt.Errorf("a password has %d to %d octets", LeastPassword, MostPassword)
)

// kiln is where passwords are hashed: two at a time, for each takes 19 MiB.
type kiln chan struct{}

func newKiln() kiln { return make(kiln, 2) }

func (k kiln) hash(ctx context.Context, password string, salt []byte, memory, passes uint32, lanes uint8) ([]byte, error) {
	select {
	case k <- struct{}{}:
		defer func() { <-k }()
		return argon2.IDKey([]byte(password), salt, passes, memory, lanes, hashLen), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// make is a new hash of a password, as a PHC string.
func (k kiln) make(ctx context.Context, password string) (string, error) {
	if len(password) < LeastPassword || len(password) > MostPassword || !utf8.ValidString(password) {
		return "", ErrPassword
	}
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt) // never fails
	h, err := k.hash(ctx, password, salt, memory, passes, lanes)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes, b64.EncodeToString(salt), b64.EncodeToString(h)), nil
}

// check reports whether a password is that of a hash. A hash that costs more than ours did is refused: it could fill the
// memory.
func (k kiln) check(ctx context.Context, password, phc string) (bool, error) {
	if len(password) > MostPassword {
		return false, nil
	}
	parts := strings.Split(phc, "$")
	var version int
	var m, t uint32
	var p uint8
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errors.New("check password: hash is of an unknown kind")
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, errors.New("check password: hash is of another version")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &m, &t, &p); err != nil || m > 2*memory || t < 1 || t > 2*passes || p < 1 || p > 4 {
		return false, errors.New("check password: hash costs what none of ours does")
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err := errors.Join(err1, err2); err != nil || len(want) != hashLen {
		return false, fmt.Errorf("check password: hash is damaged: %w", err)
	}
	got, err := k.hash(ctx, password, salt, m, t, p)
	if err != nil {
		return false, fmt.Errorf("check password: %w", err)
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
