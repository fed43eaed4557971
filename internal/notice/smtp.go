package notice

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/internet"
	"plimsoll.example/plimsoll/internal/locale"
)

// mail sends a message by SMTP submission (RFC 6409), encrypted at once or by STARTTLS (RFC 8314): without, nothing is said
// but to this machine.
func (c *Channel) mail(ctx context.Context, words *locale.Catalogue, m Message, id string, at time.Time) error {
	u, err := url.Parse(c.Server)
	if err != nil {
		return err
	}
	body, err := letter(c, words, m, id, at)
	if err != nil {
		return err
	}
	host := u.Hostname()
	own := internet.Loopback(host)
	conn, err := call(ctx, net.JoinHostPort(host, c.port(u)), own)
	if err != nil {
		return trouble(err, unreachable)
	}
	defer conn.Close()
	secure, err := c.secure(host)
	if err != nil {
		return err
	}
	if u.Scheme == "smtps" {
		conn = tls.Client(conn, secure)
	}
	s, err := smtp.NewClient(conn, host)
	if err != nil {
		return trouble(err, nonsense)
	}
	defer s.Close()
	if u.Scheme == "smtp" {
		offered, _ := s.Extension("STARTTLS")
		authenticates, _ := s.Extension("AUTH")
		switch {
		case own && (c.Secret == "" || authenticates): // nobody is between
		case !offered:
			return &Trouble{noTLS, errors.New("the server does not offer STARTTLS")}
		default:
			if err := s.StartTLS(secure); err != nil {
				return trouble(err, noTLS)
			}
		}
	}
	if err := c.signIn(s, host); err != nil {
		return trouble(unsaid(err), password)
	}
	if err := s.Mail(c.From); err != nil {
		if code(err) == 530 { // RFC 4954 §6: it wants a password first
			return trouble(err, password)
		}
		return trouble(err, sender)
	}
	if err := s.Rcpt(c.To); err != nil {
		return trouble(err, recipient)
	}
	w, err := s.Data()
	if err != nil {
		return trouble(err, rejected)
	}
	if _, err := w.Write(body); err != nil {
		return trouble(err, rejected)
	}
	if err := w.Close(); err != nil {
		return trouble(err, rejected)
	}
	_ = s.Quit() // it was taken: how they part is no matter
	return nil
}

// signIn says who sends, in the best way that the server offers.
func (c *Channel) signIn(s *smtp.Client, host string) error {
	if c.Secret == "" {
		return nil
	}
	ok, ways := s.Extension("AUTH")
	if !ok {
		return errors.New("the server takes no password")
	}
	user := c.User
	if user == "" {
		user = c.From
	}
	has := func(way string) bool { return strings.Contains(" "+strings.ToUpper(ways)+" ", " "+way+" ") }
	if has("PLAIN") || !has("LOGIN") {
		return s.Auth(smtp.PlainAuth("", user, c.Secret, host))
	}
	return s.Auth(&login{user, c.Secret})
}

// login is AUTH LOGIN, which some large providers offer alone. It is used where the connection is encrypted, or ends on
// this machine.
type login struct{ user, secret string }

// Start begins.
func (l *login) Start(s *smtp.ServerInfo) (string, []byte, error) {
	if !s.TLS && !internet.Loopback(s.Name) {
		return "", nil, errors.New("a password is not sent without encryption")
	}
	return "LOGIN", nil, nil
}

// Next answers the two questions that there are, whatever they are called.
func (l *login) Next(question []byte, more bool) ([]byte, error) {
	switch q := strings.ToLower(string(question)); {
	case !more:
		return nil, nil
	case strings.HasPrefix(q, "user"):
		return []byte(l.user), nil
	case strings.HasPrefix(q, "pass"):
		return []byte(l.secret), nil
	default:
		return nil, errors.New("the server asks what nobody expects")
	}
}

// unsaid is an error without what a server said: to one who signs in, some say back what they were told.
func unsaid(err error) error {
	if n := code(err); n != 0 {
		return fmt.Errorf("the server answers %d", n)
	}
	if _, ok := errors.AsType[textproto.ProtocolError](err); ok {
		return errors.New("the server answers nothing that is an answer")
	}
	return err
}
