package label_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/qr"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

// keys that are the same in each run: ed25519 signs without chance, and so do these tests.
func key(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func plug() *label.Statement {
	s := &label.Statement{
		Version: label.Version, GTIN: 9506000134352, Maker: "Example Lamps", Model: "LP-110", Profile: 1, Support: label.DayOf(noon.AddDate(4, 0, 0)),
		Issued: label.DayOf(noon.AddDate(0, 0, -3)), MUDURL: "https://mud.lamps.example/p", Sensors: 1 << 9, Practices: 1<<1 | 1<<7, Index: 2,
	}
	for i, n := range label.ProfileNorms(1) {
		s.SetClass(n, label.Class(i%5))
	}
	return s
}

// world is an issuer, its labels, the log and the registry’s bundle.
type world struct {
	labels [][]byte
	proofs []*label.Proof
	bundle label.Bundle
}

func grant(t testing.TB, change func(*label.Statement)) *world {
	t.Helper()
	w := &world{}
	for i := range 5 {
		s := plug()
		s.Index = uint32(i)
		if change != nil {
			change(s)
		}
		sign1, err := label.Sign(s, key("issuer"))
		if err != nil {
			t.Fatal(err)
		}
		w.labels = append(w.labels, sign1)
	}
	day := plug().Issued
	root, proofs := label.Landmark(day, w.labels)
	w.proofs = proofs
	w.bundle = label.Bundle{
		Version: label.Version, Registry: "registry.example", Made: noon.Add(-time.Hour), FirstDay: day - 1, Landmarks: [][32]byte{{}, root},
		Issuers: []label.Issuer{{Name: "Example Authority", Key: public(key("issuer")), From: day - 100}},
	}
	if err := w.bundle.SetStatuses([]label.Status{label.Active, label.Suspended, label.Active, label.Withdrawn, label.Expired}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) trust(t testing.TB) *label.Trust {
	t.Helper()
	data, err := w.bundle.Sign(key("registry"))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := label.ParseBundle(data, public(key("registry")))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func (w *world) envelope(i int) *label.Envelope {
	return &label.Envelope{Version: label.Version, Label: w.labels[i], Proof: w.proofs[i]}
}

func TestALabelIsVerifiedOffline(t *testing.T) {
	w := grant(t, nil)
	tr := w.trust(t)
	for i, want := range []label.Status{label.Active, label.Suspended, label.Active, label.Withdrawn, label.Expired} {
		v, err := tr.Verify(w.envelope(i), "09506000134352", noon)
		if err != nil || !v.Genuine || v.Status != want || v.IssuedProof != label.ByLandmark || v.Issuer != "Example Authority" || len(v.Problems) != 0 {
			t.Errorf("label %d: %+v, %v; want %s", i, v, err, want)
		}
	}
}

func TestALinkCarriesTheLabelWhereNoServerSeesIt(t *testing.T) {
	w := grant(t, nil)
	data, err := w.envelope(2).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	link := label.Link("id.registry.example", plug(), data)
	before, fragment, _ := strings.Cut(link, "#")
	if before != "HTTPS://ID.REGISTRY.EXAMPLE/01/09506000134352" || strings.Trim(fragment, "0123456789") != "" {
		t.Errorf("%s", link)
	}
	gtin, got, err := label.ParseLink(link)
	if err != nil || gtin != "09506000134352" || !bytes.Equal(got, data) {
		t.Errorf("%s, %v", gtin, err)
	}
	if e, err := label.ParseEnvelope(got); err != nil || !bytes.Equal(e.Label, w.labels[2]) {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestWhatIsNotGenuineIsSaidNotToBe(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world) (*label.Envelope, string)
		want   error
	}{
		"altered": {func(w *world) (*label.Envelope, string) {
			e := w.envelope(0)
			e.Label = bytes.Replace(e.Label, []byte("LP-110"), []byte("LP-999"), 1)
			return e, ""
		}, label.ErrSignature},
		"a signature cut": {func(w *world) (*label.Envelope, string) {
			e := w.envelope(0)
			e.Label = e.Label[:len(e.Label)-1]
			return e, ""
		}, label.ErrSignature},
		"forged by a stranger": {func(w *world) (*label.Envelope, string) {
			sign1, _ := label.Sign(plug(), key("stranger"))
			return &label.Envelope{Version: 1, Label: sign1}, ""
		}, label.ErrUntrusted},
		"granted before its issuer could": {func(w *world) (*label.Envelope, string) {
			w.bundle.Issuers[0].From = plug().Issued + 1
			return w.envelope(0), ""
		}, label.ErrUntrusted},
		"granted after its issuer’s end": {func(w *world) (*label.Envelope, string) {
			w.bundle.Issuers[0].Until = plug().Issued - 1
			return w.envelope(0), ""
		}, label.ErrUntrusted},
		"of another log": {func(w *world) (*label.Envelope, string) {
			w.bundle.Landmarks[1] = [32]byte{1}
			return w.envelope(0), ""
		}, label.ErrProof},
		"back-dated: not in the log of its day": {func(w *world) (*label.Envelope, string) {
			e := w.envelope(0)
			p := *e.Proof
			p.Day--
			e.Proof = &p
			return e, ""
		}, label.ErrProof},
		"another’s proof": {func(w *world) (*label.Envelope, string) {
			e := w.envelope(0)
			e.Proof = w.proofs[1]
			return e, ""
		}, label.ErrProof},
		"a sticker of another product": {func(w *world) (*label.Envelope, string) { return w.envelope(0), "00012345678905" }, label.ErrStatement},
		"another version":              {func(w *world) (*label.Envelope, string) { return w.envelope(0), "x" }, label.ErrStatement},
	} {
		t.Run(name, func(t *testing.T) {
			w := grant(t, nil)
			e, gtin := c.change(w)
			v, err := w.trust(t).Verify(e, gtin, noon)
			if !errors.Is(err, c.want) || v.Genuine {
				t.Errorf("%+v, %v; want %v", v, err, c.want)
			}
		})
	}
	w := grant(t, nil)
	data, err := w.bundle.Sign(key("somebody"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := label.ParseBundle(data, public(key("registry"))); !errors.Is(err, label.ErrUntrusted) {
		t.Errorf("a bundle by somebody else: %v", err)
	}
}

func TestWhatIsNotKnownIsNotSaid(t *testing.T) {
	w := grant(t, nil)
	v, err := w.trust(t).Verify(w.envelope(0), "", noon.Add(30*24*time.Hour))
	if err != nil || !v.Genuine || v.Status != label.Unknown || len(v.Problems) != 1 || v.Problems[0].Kind != label.BundleOld {
		t.Errorf("a stale bundle: %+v, %v", v, err)
	}
	if v, err = w.trust(t).Verify(w.envelope(1), "", noon.Add(30*24*time.Hour)); err != nil || v.Status != label.Suspended {
		t.Errorf("suspended, by a stale bundle: %+v, %v", v, err)
	}
	e := w.envelope(0)
	e.Proof = nil
	if v, err = w.trust(t).Verify(e, "", noon); err != nil || v.IssuedProof != label.BySignature || len(v.Problems) != 1 || v.Problems[0].Kind != label.Unlogged {
		t.Errorf("without proof: %+v, %v", v, err)
	}
	w.bundle.Landmarks = nil
	if v, err = w.trust(t).Verify(w.envelope(0), "", noon); err != nil || v.IssuedProof != label.BySignature {
		t.Errorf("a bundle older than the label: %+v, %v", v, err)
	}
	alone := w.trust(t)
	alone.Bundle = &label.Bundle{Version: label.Version, Issuers: w.bundle.Issuers}
	if v, err = alone.Verify(w.envelope(0), "", noon); err != nil || !v.Genuine || v.Status != label.Unknown || !v.StatusAsOf.IsZero() ||
		v.IssuedProof != label.BySignature || len(v.Problems) != 1 || v.Problems[0].Kind != label.NoBundle {
		t.Errorf("issuers alone: %+v, %v", v, err)
	}
	late := grant(t, func(s *label.Statement) { s.Index = 900 })
	if v, err = late.trust(t).Verify(late.envelope(0), "", noon); err != nil || v.Status != label.Unknown {
		t.Errorf("beyond the list: %+v, %v", v, err)
	}
	over := grant(t, func(s *label.Statement) { s.Expires = s.Issued + 1 })
	if v, err = over.trust(t).Verify(over.envelope(0), "", noon); err != nil || v.Status != label.Expired {
		t.Errorf("expired: %+v, %v", v, err)
	}
}

func TestAStatementHasOneEncoding(t *testing.T) {
	s := plug()
	data, err := s.CBOR()
	if err != nil {
		t.Fatal(err)
	}
	got, err := label.ParseStatement(data)
	if err != nil || got.Model != s.Model || got.Class("etsi.5.1-2") != label.Declared || got.Class("owasp.I1") != label.NotClaimed {
		t.Errorf("%+v, %v", got, err)
	}
	t.Logf("a statement of %d octets", len(data))
	for name, bad := range map[string][]byte{
		"cut": data[:len(data)-1], "more behind": append(bytes.Clone(data), 0), "empty": nil, "a longer number": bytes.Replace(data, []byte{1, 1}, []byte{1, 0x18, 1}, 1),
	} {
		if _, err := label.ParseStatement(bad); !errors.Is(err, label.ErrStatement) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStatementsThatCannotBeGrantedAreRefused(t *testing.T) {
	for name, change := range map[string]func(*label.Statement){
		"a wrong check digit":        func(s *label.Statement) { s.GTIN++ },
		"no maker":                   func(s *label.Statement) { s.Maker = "" },
		"a control character":        func(s *label.Statement) { s.Model = "x\x1b[2J" },
		"a right-to-left override":   func(s *label.Statement) { s.Maker = "x\u202ey" },
		"a profile of nobody":        func(s *label.Statement) { s.Profile = 99 },
		"too few norms":              func(s *label.Statement) { s.Norms = s.Norms[1:] },
		"a class of nobody":          func(s *label.Statement) { s.Norms[0] = 0xff },
		"a MUD URL without https":    func(s *label.Statement) { s.MUDURL = "http://x/" },
		"expired before it began":    func(s *label.Statement) { s.Expires = s.Issued - 1 },
		"a name of a hundred octets": func(s *label.Statement) { s.Maker = strings.Repeat("x", 100) },
	} {
		s := plug()
		change(s)
		if _, err := label.Sign(s, key("issuer")); !errors.Is(err, label.ErrStatement) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProfilesNameNormsOfTheCatalogue(t *testing.T) {
	c, err := norms.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range label.ProfileNorms(1) {
		if _, ok := c.Norm(n); !ok {
			t.Errorf("profile 1 names %s, which is no norm", n)
		}
	}
}

// Who implements the format needs no Go: the document has the norms of the profile in their order, and the bits.
func TestTheSpecificationNamesNormsAndBitsInTheirOrder(t *testing.T) {
	doc, err := os.ReadFile("../docs/label.md")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, id := range label.ProfileNorms(1) {
		ids = append(ids, strings.TrimPrefix(id, "etsi."))
	}
	for what, list := range map[string][]string{"sensors": label.Sensors(1<<10 - 1).Words(), "practices": label.Practices(1<<10 - 1).Words(), "(`etsi.`)": ids} {
		if line := what + ": " + strings.Join(list, ", "); !strings.Contains(string(doc), line) {
			t.Errorf("docs/label.md does not say %q", line)
		}
	}
}

func TestGTINs(t *testing.T) {
	for s, want := range map[string]bool{
		"09506000134352": true, "9506000134352": true, "00012345678905": true, "012345678905": true, "96385074": true,
		"09506000134353": false, "9506000134350": false, "": false, "123": false, "9506000x34352": false,
	} {
		if label.ValidGTIN(s) != want {
			t.Errorf("%q: want %v", s, want)
		}
	}
}

// million is a bundle of ten years for a million labels, of which one in a hundred is suspended.
func million(tb testing.TB) []byte {
	tb.Helper()
	b := label.Bundle{Version: 1, Made: noon, Landmarks: make([][32]byte, 3650)}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range b.Landmarks {
		b.Landmarks[i] = sha256.Sum256(fmt.Append(nil, i))
	}
	list := make([]label.Status, 1_000_000)
	for i := range list {
		if list[i] = label.Active; rng.IntN(100) == 0 {
			list[i] = label.Suspended
		}
	}
	if err := b.SetStatuses(list); err != nil {
		tb.Fatal(err)
	}
	data, err := b.Sign(key("registry"))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestABundleForAMillionLabelsFitsAPhone(t *testing.T) {
	if n := len(million(t)); n > 300_000 {
		t.Errorf("%d octets, at most 300 000 are meant", n)
	}
}

// BenchmarkBundle builds the bundle for a million labels, and says how large it is.
func BenchmarkBundle(b *testing.B) {
	n := 0
	for b.Loop() {
		n = len(million(b))
	}
	b.ReportMetric(float64(n), "octets")
}

func BenchmarkVerify(b *testing.B) {
	w := grant(b, nil)
	tr := w.trust(b)
	for b.Loop() {
		if _, err := tr.Verify(w.envelope(0), "", noon); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParseLink(f *testing.F) {
	w := grant(f, nil)
	data, err := w.envelope(0).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(label.Link("id.example", plug(), data))
	f.Add("https://id.example/01/09506000134352#1")
	f.Add("https://id.example/01/09506000134352#" + label.Digits([]byte{0, 0, 7}))
	f.Add("HTTPS://X/#")
	tr := w.trust(f)
	f.Fuzz(func(t *testing.T, text string) {
		gtin, got, err := label.ParseLink(text)
		if err != nil {
			return
		}
		if back, err := label.ParseDigits(label.Digits(got)); err != nil || !bytes.Equal(back, got) || !label.ValidGTIN(gtin) {
			t.Fatalf("%q: %x, %x, %v", gtin, got, back, err)
		}
		e, err := label.ParseEnvelope(got)
		if err != nil {
			return
		}
		if v, err := tr.Verify(e, gtin, noon); err == nil != v.Genuine || v.Genuine && !bytes.Equal(e.Label, w.labels[0]) {
			t.Fatalf("%+v, %v", v, err)
		}
	})
}

func FuzzParseBundle(f *testing.F) {
	w := grant(f, nil)
	data, err := w.bundle.Sign(key("registry"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[64:])
	f.Add([]byte{0xa0})
	// signed whatever it is: what is behind the signature is read by who trusts the registry, and must do no harm
	f.Fuzz(func(t *testing.T, body []byte) {
		signed := append(ed25519.Sign(key("registry"), append([]byte("plimsoll trust bundle v1\n"), body...)), body...)
		tr, err := label.ParseBundle(signed, public(key("registry")))
		if err != nil {
			return
		}
		_, _ = tr.Verify(w.envelope(0), "", noon)
		_ = tr.StatusOf(1 << 31)
	})
}

func TestTheTwinInJSONSaysTheSame(t *testing.T) {
	s := plug()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back label.Statement
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	want, err := s.CBOR()
	if err != nil {
		t.Fatal(err)
	}
	got, err := back.CBOR()
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s\n%x\n%x, %v", data, want, got, err)
	}
	for _, text := range []string{`"gtin":"09506000134352"`, `"support_until":"2030-11-26"`, `"sensors":["power"]`, `"practices":["works-offline","local-control"]`, `"etsi.5.1-2":"declared"`} {
		if !strings.Contains(string(data), text) {
			t.Errorf("no %s in %s", text, data)
		}
	}
	for name, bad := range map[string]string{
		"a norm of nobody":   strings.Replace(string(data), "etsi.5.1-2", "etsi.9.9-9", 1),
		"a class of nobody":  strings.Replace(string(data), `"declared"`, `"certain"`, 1),
		"a wrong GTIN":       strings.Replace(string(data), "09506000134352", "09506000134353", 1),
		"a field of nobody":  strings.Replace(string(data), `"maker"`, `"colour":1,"maker"`, 1),
		"a sensor of nobody": strings.Replace(string(data), `"power"`, `"smell"`, 1),
	} {
		if err := json.Unmarshal([]byte(bad), &back); !errors.Is(err, label.ErrStatement) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheCodeIsSmallEnoughForAPack(t *testing.T) {
	s := plug()
	s.MUDURL, s.Contact = "https://mud.lamps.example/p110", "" // 119 octets, as a usual statement
	for i := 0; ; i++ {
		if data, err := s.CBOR(); err != nil || len(data) >= 119 {
			break
		}
		s.MUDURL += "x"
	}
	sign1, err := label.Sign(s, key("issuer"))
	if err != nil {
		t.Fatal(err)
	}
	for depth, most := range map[int]int{0: 61, 12: 97} {
		e := &label.Envelope{Version: label.Version, Label: sign1}
		if depth > 0 {
			e.Proof = &label.Proof{Day: s.Issued, Index: 4000, Path: make([]byte, 32*depth)}
			for i := range e.Proof.Path {
				e.Proof.Path[i] = byte(i*7 + 1)
			}
		}
		data, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		link := label.Link("id.plimsoll.example", s, data)
		c, err := qr.Encode(link)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("depth %d: a label of %d octets, an envelope of %d, %d × %d modules", depth, len(sign1), len(data), c.Size(), c.Size())
		if c.Size() > most {
			t.Errorf("depth %d: %d modules, at most %d are meant", depth, c.Size(), most)
		}
		if got, err := qr.Decode(c.PNG()); err != nil || got != link {
			t.Errorf("depth %d: read as %.40q, %v", depth, got, err)
		}
	}
}

// What French puts before a colon is a space that does not break; what turns the direction of writing is no text of a note.
func TestANoteMayBeWrittenInFrench(t *testing.T) {
	c := label.Change{Version: label.Version, Label: label.Hash{1}, Number: 1, Verb: label.Suspend, At: noon.Unix(), Reason: "advisory", Note: "À savoir\u00a0: «\u00a0corrigé\u00a0»\nbientôt"}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"a\u202eb", "a\tb", "a\x00b", "a\u200bb"} {
		c.Note = bad
		if err := c.Check(); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
