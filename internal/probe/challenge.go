package probe

import (
	"crypto/md5" //nolint:gosec // what devices ask for
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// challenge is what a server asks for (RFC 9110, Section 11.3; RFC 7616 for Digest).
type challenge struct {
	scheme string // basic, digest, or "" for what is not understood
	params map[string]string
}

// challengeOf is the first challenge of a 401 that is understood.
func challengeOf(p *page) challenge {
	if p.status != 401 {
		return challenge{}
	}
	return parseChallenge(p.header.Values("WWW-Authenticate"))
}

// maxParams bounds the parameters of a challenge.
const maxParams = 16

func parseChallenge(fields []string) challenge {
	for _, f := range fields[:min(len(fields), 8)] {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(f), " ")
		scheme = strings.ToLower(scheme)
		if scheme != "basic" && scheme != "digest" {
			continue
		}
		c := challenge{scheme, map[string]string{}}
		for len(rest) > 0 && len(c.params) < maxParams {
			key, more, ok := strings.Cut(rest, "=")
			if !ok {
				break
			}
			key = strings.ToLower(strings.Trim(key, " ,\t"))
			value := ""
			if more = strings.TrimLeft(more, " "); strings.HasPrefix(more, `"`) {
				value, more, _ = strings.Cut(more[1:], `"`)
			} else if i := strings.IndexAny(more, ", "); i >= 0 {
				value, more = more[:i], more[i:]
			} else {
				value, more = more, ""
			}
			c.params[key], rest = value, more
		}
		return c
	}
	return challenge{}
}

// weak reports whether what is asked for is long broken.
func (c challenge) weak() bool {
	a := strings.ToUpper(c.params["algorithm"])
	return c.scheme == "digest" && (a == "" || strings.HasPrefix(a, "MD5"))
}

// answer is the field Authorization for a log-in; "" for a challenge that cannot be answered.
func (c challenge) answer(k Credential, method, uri string) string {
	switch c.scheme {
	case "basic":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(k.User+":"+k.Password))
	case "digest":
		var digest func() hash.Hash
		switch strings.ToUpper(c.params["algorithm"]) {
		case "", "MD5":
			digest = md5.New
		case "SHA-256":
			digest = sha256.New
		default:
			return ""
		}
		h := func(parts ...string) string {
			d := digest()
			d.Write([]byte(strings.Join(parts, ":")))
			return hex.EncodeToString(d.Sum(nil))
		}
		ha1, ha2 := h(k.User, c.params["realm"], k.Password), h(method, uri)
		field := fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s"`, k.User, c.params["realm"], c.params["nonce"], uri)
		if strings.Contains(c.params["qop"], "auth") {
			const count, cnonce = "00000001", "706c696d736f6c6c"
			field += fmt.Sprintf(`, qop=auth, nc=%s, cnonce="%s", response="%s"`, count, cnonce, h(ha1, c.params["nonce"], count, cnonce, "auth", ha2))
		} else {
			field += fmt.Sprintf(`, response="%s"`, h(ha1, c.params["nonce"], ha2))
		}
		if o := c.params["opaque"]; o != "" {
			field += fmt.Sprintf(`, opaque="%s"`, o)
		}
		if a := c.params["algorithm"]; a != "" {
			field += ", algorithm=" + a
		}
		return strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return -1
			}
			return r
		}, field)
	}
	return ""
}
