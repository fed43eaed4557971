package probe

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"plimsoll.example/plimsoll/internal/assess"
)

// quality looks at the TLS of a port: which versions it agrees to, whether to broken suites, and its certificate. It
// reports whether TLS is spoken there at all.
func (r *run) quality(ctx context.Context, port uint16) bool {
	from, name := r.next(), portName("tcp", port)
	state, err := r.handshake(ctx, port, loose(tls.VersionTLS10, tls.VersionTLS13), "TLS, any version")
	if err != nil {
		return false
	}
	if len(state.PeerCertificates) > 0 {
		r.certificate(name, state.PeerCertificates[0], from)
	}
	var agreed, old []string
	sure := true // each version was either agreed to or clearly refused
	for v := uint16(tls.VersionTLS10); v <= tls.VersionTLS13; v++ {
		_, err := r.handshake(ctx, port, loose(v, v), tls.VersionName(v))
		switch {
		case err == nil && v < tls.VersionTLS12:
			old = append(old, tls.VersionName(v))
		case err == nil:
			agreed = append(agreed, tls.VersionName(v))
		default:
			sure = sure && refusal(err)
		}
	}
	weak := r.weakSuite(ctx, port)
	switch {
	case len(old) > 0:
		r.found("tls.version", assess.Bad, name, strings.Join(old, ", "), from)
	case len(agreed) > 0 && sure && weak == "":
		r.found("tls.version", assess.Good, name, strings.Join(agreed, ", "), from)
	default:
		r.found("tls.version", assess.Unclear, name, strings.Join(agreed, ", "), from)
	}
	if weak != "" {
		r.found("tls.cipher", assess.Bad, name, weak, from)
	}
	return true
}

// refusal reports whether a handshake failed because the server said no, or hung up, rather than for want of an answer.
func refusal(err error) bool {
	var alert tls.AlertError
	return errors.As(err, &alert) || strings.Contains(err.Error(), "remote error: tls:") || strings.Contains(err.Error(), "unsupported version") ||
		strings.Contains(err.Error(), "EOF") || strings.Contains(err.Error(), "connection reset")
}

// weakSuite is a suite that protects little (RFC 7465, RFC 9325 Section 4.1) to which the server agrees; "" if none.
func (r *run) weakSuite(ctx context.Context, port uint16) string {
	c := loose(tls.VersionTLS10, tls.VersionTLS12)
	c.CipherSuites = nil
	for _, s := range tls.InsecureCipherSuites() {
		if strings.Contains(s.Name, "RC4") || strings.Contains(s.Name, "3DES") {
			c.CipherSuites = append(c.CipherSuites, s.ID)
		}
	}
	state, err := r.handshake(ctx, port, c, "TLS, broken suites alone")
	if err != nil {
		return ""
	}
	return tls.CipherSuiteName(state.CipherSuite)
}

func (r *run) handshake(ctx context.Context, port uint16, config *tls.Config, what string) (*tls.ConnectionState, error) {
	c, err := r.dial(ctx, "tcp", port, what)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	t := tls.Client(lent{c}, config)
	if err := t.HandshakeContext(ctx); err != nil {
		c.received("no TLS: %v", err)
		return nil, err
	}
	state := t.ConnectionState()
	c.received("%s %s", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
	return &state, nil
}

// certificate notes the key of a certificate, and what is weak in it. That nobody else vouches for a device at home is
// usual, and no fault.
func (r *run) certificate(port string, cert *x509.Certificate, from int) {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	r.key(port, "tls", hex.EncodeToString(sum[:]))
	if key, ok := cert.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < 2048 {
		r.found("tls.certificate", assess.Bad, port, fmt.Sprintf("an RSA key of %d bits", key.N.BitLen()), from)
	}
	if r.Now().After(cert.NotAfter) {
		r.found("tls.certificate", assess.Unclear, port, "it has expired", from)
	}
}
