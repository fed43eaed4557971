package notice

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/textproto"
	"os"
	"strings"
	"syscall"

	"plimsoll.example/plimsoll/internal/locale"
)

// Trouble is why something could not be sent, in a kind for which there are words: notice.trouble.KIND says what it is, and
// notice.trouble.KIND.do what to do.
type Trouble struct {
	Kind  string
	Cause error
}

// The kinds beside those of settings, which begin with "setting.".
const (
	noName      = "name"        // nobody knows the server’s name
	refused     = "refused"     // nobody answers at that port
	silent      = "silent"      // nobody answers in time
	unreachable = "unreachable" // there is no way to it
	certificate = "certificate" // nobody vouches for who answers
	noTLS       = "no-tls"      // it does not encrypt
	outside     = "outside"     // it is not at home, and nothing is encrypted
	password    = "password"
	sender      = "sender"
	recipient   = "recipient"
	moved       = "moved"     // it sends us elsewhere
	rejected    = "rejected"  // it says no
	nonsense    = "nonsense"  // it speaks something else
	elsewhere   = "elsewhere" // anything that there are no other words for
)

func (t *Trouble) Error() string { return t.Kind + ": " + t.Cause.Error() }

// Unwrap is the cause.
func (t *Trouble) Unwrap() error { return t.Cause }

// KindOf is the kind of an error, for Say.
func KindOf(err error) string {
	if t, ok := errors.AsType[*Trouble](err); ok {
		return t.Kind
	}
	return elsewhere
}

// Say puts what went wrong into words: what it is, and what to do. Of settings, one sentence says both.
func Say(words *locale.Catalogue, kind string) (what, do string) {
	if what = words.Text("notice.trouble." + kind); !strings.HasPrefix(kind, "setting.") {
		do = words.Text("notice.trouble." + kind + ".do")
	}
	return what, do
}

// trouble finds out what an error is about. otherwise is its kind where the error does not tell.
func trouble(err error, otherwise string) error {
	if err == nil {
		return nil
	}
	if t, ok := errors.AsType[*Trouble](err); ok {
		return t
	}
	_, dns := errors.AsType[*net.DNSError](err)
	_, badTLS := errors.AsType[tls.RecordHeaderError](err)
	_, badCert := errors.AsType[*tls.CertificateVerificationError](err)
	kind := otherwise
	switch {
	case errors.Is(err, errOutside):
		kind = outside
	case dns:
		kind = noName
	case badTLS:
		kind = noTLS
	case badCert, unvouched(err):
		kind = certificate
	case errors.Is(err, syscall.ECONNREFUSED):
		kind = refused
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		kind = silent
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		kind = unreachable
	case errors.Is(err, errTooMuch):
		kind = nonsense
	}
	return &Trouble{kind, err}
}

func unvouched(err error) bool {
	_, a := errors.AsType[x509.UnknownAuthorityError](err)
	_, b := errors.AsType[x509.HostnameError](err)
	_, c := errors.AsType[x509.CertificateInvalidError](err)
	return a || b || c
}

// code is what an SMTP server answered; 0 is no answer.
func code(err error) int {
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return e.Code
	}
	return 0
}
