package home

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Party is whom a decision about a device speaks of beside it: another device at home, a DNS name, or an address.
type Party struct {
	Device  string     `json:"device,omitempty"` // its ID
	Name    string     `json:"name,omitempty"`   // lower case; "*." before it stands for whatever lies below
	Address netip.Addr `json:"address,omitzero"`
}

// Exception is one thing that the household lets a device do beside its file: to begin conversations with a party.
type Exception struct {
	Party
	Service string    `json:"service,omitempty"` // tcp/443; "" is all
	Until   time.Time `json:"until,omitzero"`    // when it ends; zero: never
}

// Controller is who controls a device, where its file asks for one and does not say which (RFC 8520 §8.5, §8.6).
type Controller struct {
	Party
	Class string `json:"class,omitempty"` // URI of the class, for the whole home; "": my-controller of this device alone
}

var (
	idForm   = regexp.MustCompile(`^d[0-9a-f]{16}$`)
	nameForm = regexp.MustCompile(`^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$`)
)

// String is how a party is written in the argument of a decision.
func (p Party) String() string {
	switch {
	case p.Device != "":
		return p.Device
	case p.Address.IsValid():
		return p.Address.String()
	}
	return p.Name
}

// parseParty reads what String writes.
func parseParty(word string) (Party, error) {
	if idForm.MatchString(word) {
		return Party{Device: word}, nil
	}
	if a, err := netip.ParseAddr(word); err == nil {
		if a = a.Unmap().WithZone(""); a.IsUnspecified() {
			return Party{}, fmt.Errorf("%w: %s is nobody’s address", ErrVerb, a)
		}
		return Party{Address: a}, nil
	}
	name := strings.ToLower(strings.TrimSuffix(word, "."))
	if len(name) > 253 || !nameForm.MatchString(name) {
		return Party{}, fmt.Errorf("%w: %.80q is no device at home, no address and no name with a dot in it", ErrVerb, word)
	}
	return Party{Name: name}, nil
}

// String is how an exception is written in the argument of a decision: TO [SERVICE] [UNTIL].
func (e Exception) String() string {
	words := []string{e.Party.String()}
	if e.Service != "" {
		words = append(words, e.Service)
	}
	if !e.Until.IsZero() {
		words = append(words, e.Until.UTC().Format(time.RFC3339))
	}
	return strings.Join(words, " ")
}

// parseException reads what String writes.
func parseException(argument string) (e Exception, err error) {
	words := strings.Fields(argument)
	if len(words) == 0 {
		return e, fmt.Errorf("%w: nobody is named whom it may reach", ErrVerb)
	}
	if e.Party, err = parseParty(words[0]); err != nil {
		return e, err
	}
	for _, w := range words[1:] {
		if t, err := time.Parse(time.RFC3339, w); err == nil && e.Until.IsZero() {
			e.Until = t.UTC()
			continue
		}
		if _, _, ok := ParseService(w); !ok || e.Service != "" || !e.Until.IsZero() {
			return e, fmt.Errorf("%w: %.80q is neither a service such as tcp/443 nor a time as in RFC 3339", ErrVerb, w)
		}
		e.Service = w
	}
	return e, nil
}

// ParseService reads a service: its IP protocol number, 6 or 17, and its port.
func ParseService(s string) (proto uint8, port uint16, ok bool) {
	name, text, _ := strings.Cut(s, "/")
	proto, ok = map[string]uint8{"tcp": 6, "udp": 17}[name]
	n, err := strconv.ParseUint(text, 10, 16)
	return proto, uint16(n), ok && err == nil && n > 0 && strconv.FormatUint(n, 10) == text
}

// UnmarshalJSON also reads the name alone that exceptions once were.
func (e *Exception) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &e.Name)
	}
	type object Exception
	return json.Unmarshal(b, (*object)(e))
}

// Holds reports whether an exception is one at that time.
func (e Exception) Holds(now time.Time) bool { return e.Until.IsZero() || now.Before(e.Until) }

// except lets a device do something more. What it may do to the same party and service already is replaced.
func (s *Stance) except(e Exception, now time.Time) error {
	if !e.Holds(now) {
		return fmt.Errorf("%w: that time, %s, is over", ErrVerb, e.Until.Format(time.RFC3339))
	}
	s.Exceptions = slices.DeleteFunc(s.Exceptions, func(x Exception) bool { return x.Party == e.Party && x.Service == e.Service })
	if len(s.Exceptions) >= maxExceptions {
		return fmt.Errorf("%w: it has %d exceptions; release it instead", ErrVerb, len(s.Exceptions))
	}
	s.Exceptions = append(s.Exceptions, e)
	return nil
}

// disallow takes exceptions back: that to a party for a service, or all to it.
func (s *Stance) disallow(e Exception) error {
	n := len(s.Exceptions)
	s.Exceptions = slices.DeleteFunc(s.Exceptions, func(x Exception) bool { return x.Party == e.Party && (e.Service == "" || x.Service == e.Service) })
	if len(s.Exceptions) == n {
		return fmt.Errorf("%w: it has no exception for %s", ErrVerb, e)
	}
	return nil
}

// String is how a controller is written in the argument of a decision: WHO [CLASS].
func (c Controller) String() string { return strings.TrimSuffix(c.Party.String()+" "+c.Class, " ") }

// parseController reads what String writes.
func parseController(argument string) (c Controller, err error) {
	words := strings.Fields(argument)
	if len(words) == 0 || len(words) > 2 {
		return c, fmt.Errorf("%w: say who controls it, and maybe the URI of the class", ErrVerb)
	}
	if c.Party, err = parseParty(words[0]); err != nil {
		return c, err
	}
	if c.Name != "" {
		return c, fmt.Errorf("%w: a controller is a device at home or an address, and %s is a name", ErrVerb, c.Name)
	}
	if len(words) == 2 {
		c.Class = words[1]
		if len(c.Class) > maxClass || !strings.Contains(c.Class, ":") {
			return c, fmt.Errorf("%w: %.80q is no URI of a class", ErrVerb, c.Class)
		}
	}
	return c, nil
}

const (
	maxControllers = 16
	maxClass       = 512
)

func (s *Stance) control(c Controller) error {
	if slices.Contains(s.Controllers, c) {
		return nil
	}
	if len(s.Controllers) >= maxControllers {
		return fmt.Errorf("%w: it has %d controllers", ErrVerb, len(s.Controllers))
	}
	s.Controllers = append(s.Controllers, c)
	return nil
}

func (s *Stance) uncontrol(c Controller) error {
	n := len(s.Controllers)
	s.Controllers = slices.DeleteFunc(s.Controllers, func(x Controller) bool { return x == c })
	if len(s.Controllers) == n {
		return fmt.Errorf("%w: %s does not control it", ErrVerb, c)
	}
	return nil
}

// named puts the ID of a device at home in the place of the word for it that begins the argument of a decision which
// speaks of a party.
func (h *Household) named(verb Verb, argument string) string {
	if verb != Except && verb != Disallow && verb != Control && verb != Uncontrol {
		return argument
	}
	word, rest, more := strings.Cut(strings.TrimSpace(argument), " ")
	if _, err := netip.ParseAddr(word); err == nil {
		return argument
	}
	d, err := h.Find(word)
	if err != nil {
		return argument
	}
	if more {
		return d.ID + " " + rest
	}
	return d.ID
}
