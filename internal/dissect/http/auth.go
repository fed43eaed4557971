package http

import (
	"bytes"
	"encoding/base64"
)

// maxUser bounds a user's name. What comes with it, the secret, is never kept.
const maxUser = 64

// authorization tells that credentials were sent in the clear, RFC 9110, Section 11.6.2.
func (r *reader) authorization(host, value []byte) {
	scheme, rest, _ := bytes.Cut(value, []byte{' '})
	switch {
	case Is(scheme, "basic"):
		var text [basicText]byte
		r.cleartext(host, "basic", basicUser(text[:], trim(rest)))
	case Is(scheme, "digest"):
		r.cleartext(host, "digest", parameter(rest, "username"))
	case Is(scheme, "bearer"):
		r.cleartext(host, "bearer", nil)
	}
}

func (r *reader) cleartext(host []byte, scheme string, user []byte) {
	r.out.AddString("auth.cleartext", "http")
	r.out.FieldString("scheme", scheme)
	if len(user) > 0 {
		r.out.Field("user", user[:min(len(user), maxUser)])
	}
	if len(host) > 0 {
		r.out.Field("server", host)
	}
}

// basicText is the size in base64 of a name of maxUser octets and its colon.
const basicText = (maxUser + 3) / 3 * 4

// basicUser is what stands before the colon, RFC 7617, Section 2, decoded into text. Without a colon
// nothing says where the secret begins, so that nothing is told.
func basicUser(text, token []byte) []byte {
	n, _ := base64.StdEncoding.Decode(text, token[:min(len(token), basicText)&^3])
	user, _, ok := bytes.Cut(text[:n], []byte{':'})
	if !ok {
		return nil
	}
	return user
}

// credentials tells that a list such as user=a&password=b has a secret. The name and the secret are known
// by the keys that devices use.
func (r *reader) credentials(host, list []byte, scheme string) {
	const maxPairs = 64
	var user []byte
	secret := false
	for i := 0; len(list) > 0 && i < maxPairs; i++ {
		var pair []byte
		pair, list, _ = bytes.Cut(list, []byte{'&'})
		key, value, _ := bytes.Cut(pair, []byte{'='})
		switch {
		case len(value) == 0:
		case isOneOf(key, "password", "passwd", "pass", "pwd", "psw", "passphrase", "loginpas", "userpwd"):
			secret = true
		case isOneOf(key, "user", "username", "usr", "login", "loginuse", "account", "email"):
			user = value
		}
	}
	if secret {
		r.cleartext(host, scheme, user)
	}
}

func isOneOf(key []byte, words ...string) bool {
	for _, w := range words {
		if Is(key, w) {
			return true
		}
	}
	return false
}

// realms tells who asks for credentials, and in which way, RFC 9110, Section 11.6.1.
func (r *reader) realms(fields []byte) {
	const maxRealms = 4
	for told := 0; len(fields) > 0 && told < maxRealms; {
		var name, value []byte
		name, value, fields = Field(fields)
		if !Is(name, "www-authenticate") {
			continue
		}
		scheme, rest, _ := bytes.Cut(value, []byte{' '})
		var buf [16]byte
		r.out.Add("http.realm", parameter(rest, "realm"))
		r.out.Field("scheme", AppendLower(buf[:0], scheme[:min(len(scheme), len(buf))]))
		told++
	}
}
