package notice

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/internet"
	"plimsoll.example/plimsoll/internal/locale"
)

// Kind is a way to tell somebody something.
type Kind string

// The kinds.
const (
	Mail    Kind = "mail"
	Webhook Kind = "webhook"
	Ntfy    Kind = "ntfy"
	MQTT    Kind = "mqtt"
)

// Kinds are all of them.
var Kinds = []Kind{Mail, Webhook, Ntfy, MQTT}

// Channel is where something is sent to.
type Channel struct {
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
	// Server is a URL: smtps://mail.example:465 (TLS), smtp://mail.example:587 (STARTTLS), https://hooks.example/plimsoll,
	// https://ntfy.example, mqtts://broker.example:8883. Without TLS (http, mqtt, and smtp to this machine) it must be at home.
	Server string `json:"server"`
	Topic  string `json:"topic,omitempty"` // of ntfy; of MQTT, below which there are week and alert
	User   string `json:"user,omitempty"`
	From   string `json:"from,omitempty"` // of e-mail: an address
	To     string `json:"to,omitempty"`
	Secret string `json:"secret,omitempty"` // password or token
	// CA is what vouches for the server beside the authorities of the system: certificates, PEM. A household’s own server has one.
	CA     string      `json:"ca,omitempty"`
	Lang   locale.Lang `json:"lang"`
	Alerts bool        `json:"alerts"` // what cannot wait, too: else the digest alone
	Fixed  bool        `json:"-"`      // it is set where the program is started
}

// schemes are those that a server of a kind may have, each with its port. The first is meant where there is none.
var schemes = map[Kind][]struct{ name, port string }{
	Mail:    {{"smtps", "465"}, {"smtp", "587"}},
	Webhook: {{"https", "443"}, {"http", "80"}},
	Ntfy:    {{"https", "443"}, {"http", "80"}},
	MQTT:    {{"mqtts", "8883"}, {"mqtt", "1883"}},
}

// unencrypted are the schemes without TLS. smtp has it once it began.
var unencrypted = []string{"http", "mqtt"}

// Complete is the URL of a server that somebody wrote down as people do: mail.example, mail.example:587,
// 192.168.1.5:1883. Where no scheme is said, the port says which.
func Complete(k Kind, server string) string {
	if server == "" || strings.Contains(server, "://") {
		return server
	}
	host, rest, _ := strings.Cut(server, "/")
	list := schemes[k]
	if len(list) == 0 {
		return server
	}
	scheme := list[0].name
	if _, port, err := net.SplitHostPort(host); err == nil {
		for _, s := range list {
			if s.port == port {
				scheme = s.name
			}
		}
		if k == Mail && port != list[0].port {
			scheme = "smtp"
		}
	}
	if rest != "" {
		host += "/" + rest
	}
	return scheme + "://" + host
}

// ErrChannel is the cause where a channel is not as it must be.
var ErrChannel = errors.New("channel cannot be used")

// maxText bounds a field of a channel, maxCA its certificates, octets.
const (
	maxText = 512
	maxCA   = 32 << 10
)

// Check says what is wrong with a channel: a Trouble that wraps ErrChannel.
func (c *Channel) Check() error {
	bad := func(what string) error {
		return &Trouble{Kind: "setting." + what, Cause: fmt.Errorf("%w: %s", ErrChannel, what)}
	}
	if !slices.Contains(Kinds, c.Kind) {
		return bad("kind")
	}
	for _, s := range []string{c.ID, c.Server, c.Topic, c.User, c.From, c.To, c.Secret} {
		if len(s) > maxText || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			return bad("text")
		}
	}
	if !slices.Contains(locale.Languages, c.Lang) {
		return bad("lang")
	}
	u, err := url.Parse(c.Server)
	if err != nil || u.Opaque != "" || u.User != nil || u.Fragment != "" || u.Hostname() == "" || c.port(u) == "" {
		return bad("server")
	}
	if c.Kind != Webhook && (strings.Trim(u.Path, "/") != "" && c.Kind != Ntfy || u.RawQuery != "") {
		return bad("server")
	}
	if slices.Contains(unencrypted, u.Scheme) && !atHome(u.Hostname()) {
		return bad("plain")
	}
	if _, err := c.roots(); err != nil {
		return bad("ca")
	}
	switch c.Kind {
	case Mail:
		for _, a := range []string{c.From, c.To} {
			if !addressed(a) {
				return bad("address")
			}
		}
	case Ntfy:
		if c.Topic == "" || len(c.Topic) > 64 || strings.ContainsFunc(c.Topic, func(r rune) bool { return !word(r) }) {
			return bad("topic")
		}
	case MQTT:
		if c.Topic == "" || strings.ContainsAny(c.Topic, "+#") || strings.HasPrefix(c.Topic, "$") || strings.HasPrefix(c.Topic, "/") || strings.HasSuffix(c.Topic, "/") {
			return bad("topic") // MQTT 3.1.1 §4.7
		}
	case Webhook:
	}
	return nil
}

// addressed reports whether a text is an address of e-mail, in the form that people have: a dot-string of ASCII, and a domain
// (RFC 5321 §4.1.2). What else may be one would have to be quoted.
func addressed(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	good := func(s, more string) bool {
		return s != "" && s[0] != '.' && s[len(s)-1] != '.' && !strings.Contains(s, "..") &&
			!strings.ContainsFunc(s, func(r rune) bool { return !word(r) && !strings.ContainsRune(more, r) })
	}
	return ok && len(s) <= 254 && good(local, ".!#$%&'*+/=?^`{|}~") && good(domain, ".")
}

// word reports whether a rune may be in a topic of ntfy.
func word(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

// port is that of the server; "" if its scheme is none of its kind.
func (c *Channel) port(u *url.URL) string {
	for _, s := range schemes[c.Kind] {
		if s.name == u.Scheme {
			if p := u.Port(); p != "" {
				return p
			}
			return s.port
		}
	}
	return ""
}

// homely are the ends of names that are looked up at home (RFC 6762, RFC 8375, ICANN’s reservation of internal) or that
// routers use for it.
var homely = []string{".local", ".home.arpa", ".internal", ".lan", ".home", ".localdomain", ".fritz.box"}

// atHome reports whether a host, by how it is written, is this machine or one at home: what is not encrypted goes nowhere
// else. Where it leads is looked at once more when it is called.
func atHome(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		return internet.Home(a)
	}
	return !strings.Contains(host, ".") || slices.ContainsFunc(homely, func(end string) bool { return strings.HasSuffix(host, end) })
}

// roots are what vouches for the server; nil are the authorities of the system.
func (c *Channel) roots() (*x509.CertPool, error) {
	if c.CA == "" {
		return nil, nil //nolint:nilnil // no others
	}
	if len(c.CA) > maxCA {
		return nil, fmt.Errorf("%w: more than %d octets of certificates", ErrChannel, maxCA)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM([]byte(c.CA)) {
		return nil, fmt.Errorf("%w: no certificate", ErrChannel)
	}
	return pool, nil
}

// Name is what to call a channel: whom it reaches, and nothing that is secret. The path of a webhook often is, and a topic
// of ntfy always: who knows it may read it.
func (c *Channel) Name() string {
	u, err := url.Parse(c.Server)
	if err != nil {
		return ""
	}
	switch c.Kind {
	case Mail:
		return c.To
	case MQTT:
		return u.Host + "/" + c.Topic
	case Webhook, Ntfy:
	}
	return u.Host
}

// secretive are the parameters of a channel in one line that name files.
const (
	inSecret = "secret"
	inCA     = "ca"
)

// Parse reads a channel in one line, as a flag has it: the server, and after # what else there is to say.
//
//	smtps://me%40mail.example@smtp.mail.example#to=me@mail.example&secret=/etc/plimsoll/mail
//	https://hooks.example/plimsoll
//	ntfy://ntfy.example/topic#alerts=no          (ntfy+http:// without TLS, at home)
//	mqtts://plimsoll@broker.example/home#secret=/etc/plimsoll/mqtt&ca=/etc/plimsoll/broker.pem
//
// to and from are addresses, lang a language, secret and ca files, which read reads; alerts=no sends the digest alone.
func Parse(text string, lang locale.Lang, read func(name string) ([]byte, error)) (*Channel, error) {
	text, fragment, _ := strings.Cut(text, "#")
	u, err := url.Parse(text)
	more, queryErr := url.ParseQuery(fragment)
	if err != nil || queryErr != nil || len(text) > maxText {
		return nil, &Trouble{Kind: "setting.server", Cause: fmt.Errorf("%w: %w", ErrChannel, errors.Join(err, queryErr))}
	}
	if _, ok := u.User.Password(); ok {
		return nil, &Trouble{Kind: "setting.password", Cause: fmt.Errorf("%w: a password in the command line", ErrChannel)}
	}
	c := &Channel{User: u.User.Username(), Lang: lang, Alerts: true, Fixed: true}
	u.User = nil
	switch u.Scheme {
	case "smtp", "smtps":
		c.Kind = Mail
	case "mqtt", "mqtts":
		c.Kind, c.Topic, u.Path = MQTT, strings.Trim(u.Path, "/"), ""
	case "ntfy", "ntfy+http":
		base, topic := "", strings.Trim(u.Path, "/")
		if i := strings.LastIndex(topic, "/"); i >= 0 {
			base, topic = "/"+topic[:i], topic[i+1:]
		}
		c.Kind, c.Topic, u.Path = Ntfy, topic, base
		u.Scheme = map[string]string{"ntfy": "https", "ntfy+http": "http"}[u.Scheme]
	default:
		c.Kind = Webhook
	}
	c.Server = u.String()
	for key, values := range more {
		value := values[len(values)-1]
		switch key {
		case "to":
			c.To = value
		case "from":
			c.From = value
		case "lang":
			c.Lang = locale.Lang(value)
		case "alerts":
			c.Alerts = value != "no"
		case inSecret, inCA:
			data, err := read(value)
			if err != nil {
				return nil, fmt.Errorf("%s of %s: %w", key, c.Name(), err)
			}
			if key == inCA {
				c.CA = string(data)
			} else {
				c.Secret = strings.TrimRight(string(data), "\r\n")
			}
		default:
			return nil, &Trouble{Kind: "setting.more", Cause: fmt.Errorf("%w: nobody knows %q", ErrChannel, key)}
		}
	}
	if c.From == "" {
		c.From = c.Sender()
	}
	c.ID = identify(text, "channel")[:8]
	return c, c.Check()
}

// Sender is the address that e-mail comes from where nobody says: that of the account, else the receiver’s own.
func (c *Channel) Sender() string {
	switch {
	case c.Kind != Mail:
		return ""
	case strings.Contains(c.User, "@"):
		return c.User
	}
	return c.To
}
