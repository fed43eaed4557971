// Package passkey makes passkeys and lets people in by what those sign (WebAuthn Level 3). A passkey works at one name
// alone, so a page elsewhere that looks like ours gets nothing from it; it asks for a finger, a face or a PIN each time.
//
// Whatever a browser must answer is asked with a challenge that is kept here, lasts for minutes and is good once. No
// statement about who made a device is asked for or taken.
package passkey

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"plimsoll.example/plimsoll/internal/auth"
)

// store keeps people. What is not there is an error that wraps fs.ErrNotExist.
type store interface {
	Users(ctx context.Context) ([]*auth.User, error)
	SaveUser(ctx context.Context, u *auth.User) error
	ChangeUser(ctx context.Context, name string, do func(u *auth.User) error) error
}

// Bounds of what is waited for and taken.
const (
	Lasts      = 5 * time.Minute // until a question is over
	questions  = 4096            // that are waited for: the oldest are over first
	MostAnswer = 64 << 10        // octets of JSON
	mostID     = 1023            // octets of a credential ID (WebAuthn Level 3 §7.1)
)

// Ring is the passkeys of one site. Any number of goroutines may use it.
type Ring struct {
	Name  string // of the site, which browsers show
	Door  *auth.Door
	Store store
	Now   func() time.Time
	Log   *slog.Logger
	// Note is told of who added a passkey; nil: nobody is.
	Note func(ctx context.Context, person, role string) error

	mu    sync.Mutex
	asked map[string]*question // by challenge
	order []string             // challenges, the oldest first; some are answered
}

// question is what a browser is asked, once.
type question struct {
	origin  string
	from    netip.Addr
	person  string // who adds a passkey; "": who comes in by one
	handle  []byte // theirs
	until   time.Time
	session webauthn.SessionData
}

// holder is a person, as the library sees them.
type holder struct{ *auth.User }

func (h holder) WebAuthnID() []byte          { return h.Handle }
func (h holder) WebAuthnName() string        { return h.User.Name }
func (h holder) WebAuthnDisplayName() string { return h.User.Name }

// WebAuthnCredentials are those whose form is known.
func (h holder) WebAuthnCredentials() (list []webauthn.Credential) {
	for _, k := range h.Passkeys {
		var c webauthn.Credential
		if err := json.Unmarshal(k.Data, &c); err == nil {
			list = append(list, c)
		}
	}
	return list
}

// Make asks a browser for a new passkey of a person who is in: the result is the JSON of CredentialCreationOptions. origin
// is where the person sees the site: scheme, name, port. Who came in by a code of the terminal is called by their role, and
// is kept as a person from now on.
func (r *Ring) Make(ctx context.Context, origin, name, role string, from netip.Addr) ([]byte, error) {
	if err := r.Door.Attempt(from); err != nil {
		return nil, err
	}
	party, host, err := r.party(origin)
	if err != nil {
		return nil, err
	}
	u, err := r.holder(ctx, name, role)
	if err != nil {
		return nil, fmt.Errorf("make passkey: %w", err)
	}
	if len(u.Passkeys) >= auth.MostPasskeys {
		return nil, auth.ErrMany
	}
	var there []protocol.CredentialDescriptor
	for _, c := range (holder{u}).WebAuthnCredentials() {
		there = append(there, c.Descriptor())
	}
	options, session, err := party.BeginRegistration(holder{u}, webauthn.WithExclusions(there), webauthn.WithCredentialParameters(webauthn.CredentialParametersRecommendedL3()))
	if err != nil {
		return nil, fmt.Errorf("make passkey for %s: %w", host, err)
	}
	r.wait(&question{origin: origin, from: from, person: name, handle: u.Handle, session: *session})
	return json.Marshal(options)
}

// holder is a person who has a handle.
func (r *Ring) holder(ctx context.Context, name, role string) (*auth.User, error) {
	handle := make([]byte, 32)
	_, _ = rand.Read(handle) // never fails
	var u *auth.User
	err := r.Store.ChangeUser(ctx, name, func(x *auth.User) error {
		if len(x.Handle) == 0 {
			x.Handle = handle
		}
		u = x
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) && name == role {
		u = &auth.User{Name: name, Role: role, Handle: handle, Since: r.Now().UTC()}
		err = r.Store.SaveUser(ctx, u)
	}
	return u, err
}

// Keep keeps the passkey that a browser made for a person, under a name that they gave it.
func (r *Ring) Keep(ctx context.Context, origin, name, title string, answer []byte) error {
	if len(answer) > MostAnswer {
		return auth.ErrAnswer
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return r.no(ctx, auth.ErrAnswer, err)
	}
	q := r.take(parsed.Response.CollectedClientData.Challenge, origin, name)
	if q == nil {
		return auth.ErrLate
	}
	if f := parsed.Response.AttestationObject.Format; f != string(protocol.AttestationFormatNone) && f != string(protocol.AttestationFormatPacked) {
		return r.no(ctx, auth.ErrAnswer, fmt.Errorf("attestation of format %q, where none was asked for", f))
	}
	party, host, err := r.party(origin)
	if err != nil {
		return err
	}
	c, err := party.CreateCredential(holder{&auth.User{Name: name, Handle: q.handle}}, q.session, parsed)
	switch {
	case err != nil:
		return r.no(ctx, auth.ErrRefused, err)
	case len(c.ID) == 0 || len(c.ID) > mostID:
		return r.no(ctx, auth.ErrAnswer, fmt.Errorf("credential ID of %d octets", len(c.ID)))
	}
	c.Attestation = webauthn.CredentialAttestation{} // nobody looks at it again
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("keep passkey: %w", err)
	}
	switch other, err := r.find(ctx, func(u *auth.User) bool { return index(u, c.ID) >= 0 }); {
	case err != nil:
		return fmt.Errorf("keep passkey: %w", err)
	case other != nil:
		return auth.ErrHas
	}
	role := ""
	err = r.Store.ChangeUser(ctx, name, func(u *auth.User) error {
		switch {
		case !bytes.Equal(u.Handle, q.handle): // somebody else by that name, or one whose passkeys were taken away
			return auth.ErrLate
		case len(u.Passkeys) >= auth.MostPasskeys:
			return auth.ErrMany
		case index(u, c.ID) >= 0:
			return auth.ErrHas
		}
		u.Passkeys = append(u.Passkeys, auth.Passkey{ID: c.ID, Name: title, Host: host, Made: r.Now().UTC(), Data: data})
		role = u.Role
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return auth.ErrLate
	}
	if err != nil {
		return fmt.Errorf("keep passkey: %w", err)
	}
	r.Door.Succeeded(q.from)
	r.Log.InfoContext(ctx, "passkey added", "person", name, "host", host)
	if r.Note != nil {
		return r.Note(ctx, name, role)
	}
	return nil
}

// Ask asks a browser for a passkey of whoever is at it: the result is the JSON of CredentialRequestOptions. Where somebody
// asks from counts as an attempt to come in.
func (r *Ring) Ask(origin string, from netip.Addr) ([]byte, error) {
	if err := r.Door.Attempt(from); err != nil {
		return nil, err
	}
	party, host, err := r.party(origin)
	if err != nil {
		return nil, err
	}
	options, session, err := party.BeginDiscoverableLogin()
	if err != nil {
		return nil, fmt.Errorf("ask for a passkey of %s: %w", host, err)
	}
	r.wait(&question{origin: origin, from: from, session: *session})
	return json.Marshal(options)
}

// Enter lets somebody in by what their passkey signed. agent is what their browser calls itself.
func (r *Ring) Enter(ctx context.Context, origin string, answer []byte, agent string) (token string, err error) {
	if len(answer) > MostAnswer {
		return "", auth.ErrAnswer
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return "", r.no(ctx, auth.ErrAnswer, err)
	}
	q := r.take(parsed.Response.CollectedClientData.Challenge, origin, "")
	if q == nil {
		return "", auth.ErrLate
	}
	party, _, err := r.party(origin)
	if err != nil {
		return "", err
	}
	handle := parsed.Response.UserHandle
	u, err := r.find(ctx, func(u *auth.User) bool { return len(handle) > 0 && bytes.Equal(u.Handle, handle) })
	switch {
	case err != nil:
		return "", fmt.Errorf("enter by passkey: %w", err)
	case u == nil:
		return "", r.no(ctx, auth.ErrRefused, errors.New("nobody has that handle"))
	}
	copied := false
	err = r.Store.ChangeUser(ctx, u.Name, func(u *auth.User) error {
		c, err := party.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
			if !bytes.Equal(u.Handle, handle) {
				return nil, errors.New("the handle is another by now")
			}
			return holder{u}, nil
		}, q.session, parsed)
		if err != nil {
			return r.no(ctx, auth.ErrRefused, err)
		}
		k := &u.Passkeys[index(u, c.ID)]
		if k.Copied || c.Authenticator.CloneWarning {
			k.Copied, copied = true, true
			return nil
		}
		k.Used = r.Now().UTC()
		k.Data, err = json.Marshal(c)
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", auth.ErrRefused
	case err != nil:
		return "", fmt.Errorf("enter by passkey: %w", err)
	case copied:
		r.Log.WarnContext(ctx, "passkey counted back: there may be a copy of it, and it lets nobody in", "person", u.Name)
		return "", auth.ErrCopied
	}
	r.Door.Succeeded(q.from)
	return r.Door.BeginAs(ctx, u.Name, agent, func(now *auth.User) (string, error) {
		if index(now, parsed.RawID) < 0 {
			return "", auth.ErrRefused
		}
		return now.Role, nil
	}, parsed.RawID)
}

// party is the site as the library sees it, at one origin.
func (r *Ring) party(origin string) (party *webauthn.WebAuthn, host string, err error) {
	u, err := url.Parse(origin)
	if err != nil {
		return nil, "", fmt.Errorf("origin %q: %w", origin, err)
	}
	party, err = webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: r.Name, RPOrigins: []string{origin}, AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(), UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: webauthn.TimeoutConfig{Timeout: Lasts}, Registration: webauthn.TimeoutConfig{Timeout: Lasts}},
	})
	return party, u.Hostname(), err
}

// no logs why an answer is refused, which its sender is not told.
func (r *Ring) no(ctx context.Context, refused, why error) error {
	args := []any{"error", why}
	if e := (*protocol.Error)(nil); errors.As(why, &e) {
		args = append(args, "detail", e.DevInfo)
	}
	r.Log.InfoContext(ctx, "passkey refused", args...)
	return refused
}

// wait keeps a question until it is answered or over.
func (r *Ring) wait(q *question) {
	now := r.Now()
	q.until = now.Add(Lasts)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked == nil {
		r.asked = map[string]*question{}
	}
	for len(r.order) > 0 {
		if old := r.asked[r.order[0]]; old != nil && !now.After(old.until) && len(r.order) < questions {
			break
		}
		delete(r.asked, r.order[0])
		r.order = r.order[1:]
	}
	r.asked[q.session.Challenge] = q
	r.order = append(r.order, q.session.Challenge)
}

// take is the question that a challenge was for, which nobody can answer again; nil if there is none, if it is over, or if
// another was asked, elsewhere.
func (r *Ring) take(challenge, origin, person string) *question {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.asked[challenge]
	delete(r.asked, challenge)
	if q == nil || r.Now().After(q.until) || q.origin != origin || q.person != person {
		return nil
	}
	return q
}

// find is the first person of that kind; nil if there is none.
func (r *Ring) find(ctx context.Context, is func(*auth.User) bool) (*auth.User, error) {
	list, err := r.Store.Users(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i], nil
	}
	return nil, nil //nolint:nilnil // there is none
}

func index(u *auth.User, id []byte) int {
	return slices.IndexFunc(u.Passkeys, func(k auth.Passkey) bool { return bytes.Equal(k.ID, id) })
}
