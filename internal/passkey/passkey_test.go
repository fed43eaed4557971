package passkey_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/passkey"
	"plimsoll.example/plimsoll/internal/passkey/passkeytest"
	"plimsoll.example/plimsoll/internal/sqlite"
)

const here = "https://id.example:8443"

// hall is a ring whose people are kept in a real database.
type hall struct {
	testing.TB
	*passkey.Ring
	store *sqlite.Store
	now   time.Time
	asks  int
}

func open(t testing.TB) *hall {
	t.Helper()
	s, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "home.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	h := &hall{TB: t, store: s, now: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return h.now }
	h.Ring = &passkey.Ring{Name: "Example", Door: auth.NewDoor(s, now), Store: s, Now: now, Log: slog.New(slog.DiscardHandler)}
	if err := s.SaveUser(context.Background(), &auth.User{Name: "ann", Role: "owner"}); err != nil {
		t.Fatal(err)
	}
	return h
}

// from is somewhere that nobody asked from too often.
func (h *hall) from() netip.Addr {
	h.asks++
	return netip.AddrFrom4([4]byte{192, 0, byte(h.asks >> 11), byte(h.asks >> 3)})
}

func must[T any](h *hall, v T, err error) T {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
	return v
}

// make is the answer of a device to the question for a new passkey.
func (h *hall) make(d *passkeytest.Device, name string) []byte {
	h.Helper()
	q, err := h.Make(context.Background(), here, name, "owner", h.from())
	if err != nil {
		h.Fatal(err)
	}
	a, err := d.Create(q)
	return must(h, a, err)
}

// added is a device with a passkey of a person.
func (h *hall) added(name string) *passkeytest.Device {
	h.Helper()
	d := passkeytest.New(here)
	if err := h.Keep(context.Background(), here, name, "phone", h.make(d, name)); err != nil {
		h.Fatal(err)
	}
	return d
}

func (h *hall) get(d *passkeytest.Device) []byte {
	h.Helper()
	q, err := h.Ask(here, h.from())
	if err != nil {
		h.Fatal(err)
	}
	a, err := d.Get(q)
	return must(h, a, err)
}

func (h *hall) enter(answer []byte) (string, error) {
	return h.Enter(context.Background(), here, answer, "Firefox")
}

func TestAPasskeyLetsInUntilItIsTakenAway(t *testing.T) {
	h := open(t)
	d := h.added("ann")
	first := must(h, d.ID, nil)
	keys, err := h.Door.Passkeys(t.Context(), "ann")
	if err != nil || len(keys) != 1 || keys[0].Name != "phone" || keys[0].Host != "id.example" || !keys[0].Made.Equal(h.now) || !keys[0].Used.IsZero() {
		t.Fatalf("%+v, %v", keys, err)
	}
	h.now = h.now.Add(time.Hour)
	token, err := h.enter(h.get(d))
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.Door.Who(t.Context(), token)
	if err != nil || s.User != "ann" || s.Role != "owner" || s.Agent != "Firefox" || !bytes.Equal(s.Key, first) {
		t.Errorf("%+v, %v", s, err)
	}
	if keys, _ = h.Door.Passkeys(t.Context(), "ann"); !keys[0].Used.Equal(h.now) {
		t.Errorf("last used %v", keys[0].Used)
	}
	other, err := h.Door.Begin(t.Context(), "ann", "owner", "by a password")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Door.RemovePasskey(t.Context(), "ann", []byte("other"), ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that is not there: %v", err)
	}
	answer := h.get(d)
	if err := h.Door.RemovePasskey(t.Context(), "ann", first, other); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Door.Who(t.Context(), token); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("what it began goes on: %v", err)
	}
	if _, err := h.Door.Who(t.Context(), other); err != nil {
		t.Errorf("what it did not begin: %v", err)
	}
	if _, err := h.enter(answer); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("it still lets in: %v", err)
	}
}

// What is asked is what the rules of the site say.
func TestABrowserIsAskedForAPasskeyThatNeedsItsOwner(t *testing.T) {
	h := open(t)
	d := h.added("ann")
	var o struct {
		PublicKey struct {
			RP                     struct{ ID, Name string }
			User                   struct{ ID, Name string }
			Challenge, Attestation string
			Exclude                []struct{ ID string } `json:"excludeCredentials"`
			Selection              struct {
				Resident     string `json:"residentKey"`
				Verification string `json:"userVerification"`
			} `json:"authenticatorSelection"`
			RPID         string `json:"rpId"`
			Verification string `json:"userVerification"`
			Allowed      []any  `json:"allowCredentials"`
		}
	}
	q, err := h.Make(t.Context(), here, "ann", "owner", h.from())
	if err := errors.Join(err, json.Unmarshal(q, &o)); err != nil {
		t.Fatal(err)
	}
	if p := o.PublicKey; p.RP.ID != "id.example" || p.RP.Name != "Example" || p.User.Name != "ann" || strings.Contains(p.User.ID, "ann") || len(p.Exclude) != 1 || p.Selection.Resident != "required" ||
		p.Selection.Verification != "required" || p.Attestation != "none" || len(p.Challenge) < 43 {
		t.Errorf("%s", q)
	}
	q, err = h.Ask(here, h.from())
	if err := errors.Join(err, json.Unmarshal(q, &o)); err != nil {
		t.Fatal(err)
	}
	if p := o.PublicKey; p.RPID != "id.example" || p.Verification != "required" || len(p.Allowed) != 0 || bytes.Contains(q, d.ID) {
		t.Errorf("%s", q)
	}
	for _, origin := range []string{"https://192.0.2.1", "https://[2001:db8::1]:7373", "https://", "%"} {
		if _, err := h.Ask(origin, h.from()); err == nil {
			t.Errorf("%s can have passkeys", origin)
		}
	}
}

func TestAnAnswerIsGoodOnceAndForMinutes(t *testing.T) {
	h := open(t)
	d := h.added("ann")
	answer := h.get(d)
	if _, err := h.enter(answer); err != nil {
		t.Fatal(err)
	}
	if _, err := h.enter(answer); !errors.Is(err, auth.ErrLate) {
		t.Errorf("a second time: %v", err)
	}
	late := h.get(d)
	h.now = h.now.Add(passkey.Lasts + time.Second)
	if _, err := h.enter(late); !errors.Is(err, auth.ErrLate) {
		t.Errorf("too late: %v", err)
	}
	early := h.get(d)
	for range 4096 { // more than are waited for
		if _, err := h.Ask(here, h.from()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.enter(early); !errors.Is(err, auth.ErrLate) {
		t.Errorf("after thousands of others: %v", err)
	}
	made := h.make(passkeytest.New(here), "ann")
	if _, err := h.enter(made); err == nil {
		t.Error("a new passkey lets in as it is made")
	}
	if err := h.Keep(t.Context(), here, "ann", "x", h.get(d)); err == nil {
		t.Error("a signature became a passkey")
	}
}

// A page that is not ours, a device that asked nobody, an owner who is another: none of them comes in.
func TestAnswersThatAreNotRightAreRefused(t *testing.T) {
	h := open(t)
	if err := h.store.SaveUser(t.Context(), &auth.User{Name: "bob", Role: "child"}); err != nil {
		t.Fatal(err)
	}
	bob := h.added("bob")
	for name, spoil := range map[string]func(*passkeytest.Device){
		"another site":            func(d *passkeytest.Device) { d.Origin = "https://id.examp1e:8443" },
		"another port":            func(d *passkeytest.Device) { d.Origin = "https://id.example" },
		"no encryption":           func(d *passkeytest.Device) { d.Origin = "http://id.example:8443" },
		"a frame":                 func(d *passkeytest.Device) { d.Cross = true },
		"nobody verified":         func(d *passkeytest.Device) { d.Flags = passkeytest.Present },
		"nobody present":          func(d *passkeytest.Device) { d.Flags = passkeytest.Verified },
		"the handle of another":   func(d *passkeytest.Device) { d.Handle = bob.Handle },
		"no handle":               func(d *passkeytest.Device) { d.Handle = nil },
		"the name of another key": func(d *passkeytest.Device) { d.ID = bob.ID },
	} {
		d := h.added("ann")
		spoil(d)
		if token, err := h.enter(h.get(d)); !errors.Is(err, auth.ErrRefused) && !errors.Is(err, auth.ErrAnswer) {
			t.Errorf("%s: %q, %v", name, token, err)
		}
	}
	for name, spoil := range map[string]func(*passkeytest.Device){
		"another site":    func(d *passkeytest.Device) { d.Origin = "https://id.examp1e:8443" },
		"nobody verified": func(d *passkeytest.Device) { d.Flags = passkeytest.Present },
		"a frame":         func(d *passkeytest.Device) { d.Cross = true },
		"an attestation":  func(d *passkeytest.Device) { d.Format = "tpm" },
		"a long name":     func(d *passkeytest.Device) { d.ID = make([]byte, 1024) },
	} {
		d := passkeytest.New(here)
		spoil(d)
		if err := h.Keep(t.Context(), here, "bob", "x", h.make(d, "bob")); !errors.Is(err, auth.ErrRefused) && !errors.Is(err, auth.ErrAnswer) {
			t.Errorf("a new passkey of %s: %v", name, err)
		}
	}
	if err := h.Keep(t.Context(), here, "bob", "x", h.make(passkeytest.New(here), "ann")); !errors.Is(err, auth.ErrLate) {
		t.Errorf("what somebody else was asked: %v", err)
	}
	same := passkeytest.New(here)
	same.ID = h.added("ann").ID
	if err := h.Keep(t.Context(), here, "bob", "x", h.make(same, "bob")); !errors.Is(err, auth.ErrHas) {
		t.Errorf("the name of a key of somebody else: %v", err)
	}
	if keys, err := h.Door.Passkeys(t.Context(), "bob"); err != nil || len(keys) != 1 {
		t.Errorf("%d passkeys, %v", len(keys), err)
	}
}

// A counter that went back says that there may be two of one key. It lets nobody in from then on.
func TestACopyOfAPasskeyLetsNobodyIn(t *testing.T) {
	h := open(t)
	d := h.added("ann")
	for range 3 {
		if _, err := h.enter(h.get(d)); err != nil {
			t.Fatal(err)
		}
	}
	d.Count = 1
	if _, err := h.enter(h.get(d)); !errors.Is(err, auth.ErrCopied) {
		t.Errorf("the counter went back: %v", err)
	}
	d.Count = 100
	if _, err := h.enter(h.get(d)); !errors.Is(err, auth.ErrCopied) {
		t.Errorf("afterwards: %v", err)
	}
	if keys, err := h.Door.Passkeys(t.Context(), "ann"); err != nil || !keys[0].Copied {
		t.Errorf("it is not said: %+v, %v", keys, err)
	}
	if _, err := h.enter(h.get(h.added("ann"))); err != nil {
		t.Errorf("another passkey: %v", err)
	}
}

func TestWhoCameInByACodeOfTheTerminalCanHaveAPasskey(t *testing.T) {
	h := open(t)
	if _, err := h.Make(t.Context(), here, "nobody", "owner", h.from()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("somebody who is gone: %v", err)
	}
	token, err := h.enter(h.get(h.added("owner")))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := h.Door.Who(t.Context(), token); err != nil || s.User != "owner" || s.Role != "owner" {
		t.Errorf("%+v, %v", s, err)
	}
}

// A role that was changed and a person who was removed stay so, whatever a browser still has.
func TestAPasskeyIsOfWhoItsOwnerIsNow(t *testing.T) {
	h := open(t)
	d := h.added("ann")
	answer := h.get(d)
	if err := h.store.ChangeUser(t.Context(), "ann", func(u *auth.User) error { u.Role = "child"; return nil }); err != nil {
		t.Fatal(err)
	}
	token, err := h.enter(answer)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := h.Door.Who(t.Context(), token); err != nil || s.Role != "child" {
		t.Errorf("%+v, %v", s, err)
	}
	made := h.make(passkeytest.New(here), "ann")
	if err := h.Door.Reset(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Door.Who(t.Context(), token); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("a session goes on: %v", err)
	}
	if _, err := h.enter(h.get(d)); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("a passkey that was taken away: %v", err)
	}
	if err := h.Keep(t.Context(), here, "ann", "x", made); !errors.Is(err, auth.ErrLate) {
		t.Errorf("one that was asked for before: %v", err)
	}
	if err := h.store.DeleteUser(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	if err := h.Keep(t.Context(), here, "ann", "x", made); !errors.Is(err, auth.ErrLate) {
		t.Errorf("of somebody who is gone: %v", err)
	}
	if _, err := h.store.User(t.Context(), "ann"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("somebody who was removed is back: %v", err)
	}
}

func TestNobodyHasAnyNumberOfPasskeysOrQuestions(t *testing.T) {
	h := open(t)
	for range auth.MostPasskeys {
		h.added("ann")
	}
	if _, err := h.Make(t.Context(), here, "ann", "owner", h.from()); !errors.Is(err, auth.ErrMany) {
		t.Errorf("one more: %v", err)
	}
	one := netip.MustParseAddr("198.51.100.1")
	for i := range 20 {
		if _, err := h.Ask(here, one); i >= 10 && !errors.Is(err, auth.ErrOften) || i < 10 && err != nil {
			t.Fatalf("question %d: %v", i, err)
		}
	}
	if _, err := h.Make(t.Context(), here, "ann", "owner", one); !errors.Is(err, auth.ErrOften) {
		t.Errorf("for a new passkey: %v", err)
	}
	for _, long := range [][]byte{nil, make([]byte, passkey.MostAnswer+1)} {
		if _, err := h.enter(long); !errors.Is(err, auth.ErrAnswer) {
			t.Errorf("%d octets: %v", len(long), err)
		}
		if err := h.Keep(t.Context(), here, "ann", "x", long); !errors.Is(err, auth.ErrAnswer) {
			t.Errorf("%d octets: %v", len(long), err)
		}
	}
}

// refusals are all that may be said of an answer that is not right.
var refusals = []error{auth.ErrAnswer, auth.ErrLate, auth.ErrRefused, auth.ErrHas, auth.ErrCopied}

func refused(err error) bool {
	return slices.ContainsFunc(refusals, func(r error) bool { return errors.Is(err, r) })
}

// Whatever is sent, nobody comes in by it, and nobody gets a passkey from it.
func FuzzAnswersThatNobodyAskedFor(f *testing.F) {
	h := open(f)
	d := h.added("ann")
	f.Add(h.get(d))
	f.Add(h.make(passkeytest.New(here), "ann"))
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA","userHandle":"AA"}}`))
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		for _, origin := range []string{"https://other.example", here} { // at the first, the questions of the seeds are spent
			if token, err := h.Enter(t.Context(), origin, answer, ""); token != "" || !refused(err) {
				t.Errorf("comes in: %q, %v", token, err)
			}
			if err := h.Keep(t.Context(), origin, "ann", "x", answer); !refused(err) {
				t.Errorf("is kept: %v", err)
			}
		}
		if keys, err := h.Door.Passkeys(t.Context(), "ann"); err != nil || len(keys) != 1 {
			t.Errorf("%d passkeys, %v", len(keys), err)
		}
	})
}

// A device may say anything of a new passkey. What is kept of it is bounded, and it lets nobody in who does not have it.
func FuzzWhatDevicesSayOfNewPasskeys(f *testing.F) {
	h := open(f)
	d := passkeytest.New(here)
	h.make(d, "ann")
	f.Add(d.Object)
	f.Add([]byte{0xa0})
	f.Fuzz(func(t *testing.T, object []byte) {
		h.TB = t
		d := passkeytest.New(here)
		d.Object = append([]byte{}, object...)
		h.now = h.now.Add(time.Minute) // nobody asks too often
		err := h.Keep(t.Context(), here, "ann", "x", h.make(d, "ann"))
		if err != nil {
			if !refused(err) {
				t.Error(err)
			}
			return
		}
		keys, err := h.Door.Passkeys(t.Context(), "ann")
		if err != nil || len(keys) != 1 || len(keys[0].ID) == 0 || len(keys[0].ID) > 1023 || len(keys[0].Data) > 2*len(object)+1000 {
			t.Fatalf("%+v, %v", keys, err)
		}
		if token, err := h.enter(h.get(d)); token != "" || !refused(err) {
			t.Errorf("another comes in by it: %v", err)
		}
		if err := h.Door.RemovePasskey(t.Context(), "ann", keys[0].ID, ""); err != nil {
			t.Error(err)
		}
	})
}
