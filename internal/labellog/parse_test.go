package labellog

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	fwitness "github.com/transparency-dev/formats/witness"

	"plimsoll.example/plimsoll/label"
)

func someKey(name string) ed25519.PrivateKey {
	s := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(s[:])
}

// someLeaves are one of each kind.
func someLeaves(t testing.TB) []Leaf {
	t.Helper()
	at := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	key := someKey("issuer").Public().(ed25519.PublicKey)
	sign1, err := label.Sign(&label.Statement{
		Version: label.Version, GTIN: 9506000134352, Maker: "Example Lamps", Model: "LP-110", Profile: 1,
		Norms: make([]byte, (len(label.ProfileNorms(1))+1)/2), Issued: label.DayOf(at), Index: 2,
	}, someKey("issuer"))
	if err != nil {
		t.Fatal(err)
	}
	hash := label.LeafHash(sign1)
	return []Leaf{
		Grant{sign1},
		StatusChange{at, hash, label.Suspended, "exploited", [32]byte{1}},
		SupportDate{at, hash, label.DayOf(at) + 900, [32]byte{}},
		KeyAdded{at, "authority", key, label.DayOf(at)},
		KeyEnded{at, "authority", key, label.DayOf(at)},
		Digest{at, BundleFile, [32]byte{2}},
		Landmark{label.DayOf(at), 1, hash},
	}
}

func TestEachLeafIsReadAsItWasWritten(t *testing.T) {
	for _, leaf := range someLeaves(t) {
		data, err := Encode(leaf)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseLeaf(data)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(leaf) {
			t.Errorf("%T: %v, %v; want %v", leaf, again, err, leaf)
		}
		for i := range data {
			if other, err := ParseLeaf(data[:i]); err == nil {
				t.Errorf("%T cut to %d octets is %v", leaf, i, other)
			}
		}
	}
}

func TestAGrantHasTheHashThatItsLabelHas(t *testing.T) {
	g := someLeaves(t)[0].(Grant)
	data, err := Encode(g)
	if err != nil || !bytes.Equal(data, g.Label) {
		t.Errorf("the entry is not the label: %v", err)
	}
}

func TestALeafThatIsNoneIsRefused(t *testing.T) {
	good, err := Encode(someLeaves(t)[6])
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"nothing":            nil,
		"too long":           make([]byte, MaxLeaf+1),
		"another version":    append([]byte{0x83, 2}, good[2:]...),
		"an unknown kind":    append([]byte{0x83, 1, 7}, good[3:]...),
		"kind 0":             append([]byte{0x83, 1, 0}, good[3:]...),
		"more behind it":     append(bytes.Clone(good), 0),
		"a long number":      append([]byte{0x83, 0x18, 1}, good[2:]...),
		"a label with a tag": append([]byte{0xd2}, someLeaves(t)[0].(Grant).Label...),
	} {
		if leaf, err := ParseLeaf(data); !errors.Is(err, ErrLeaf) {
			t.Errorf("%s: %v, %v", name, leaf, err)
		}
	}
}

func FuzzParseLeaf(f *testing.F) {
	for _, leaf := range someLeaves(f) {
		data, err := Encode(leaf)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		leaf, err := ParseLeaf(data)
		if err != nil {
			if !errors.Is(err, ErrLeaf) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		again, err := Encode(leaf)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("%v has two encodings, %x and %x: %v", leaf, data, again, err)
		}
	})
}

// somePolicy is a policy of two groups, and keys for it.
func somePolicy(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	_, vkey, err := NewLogKey("log.example/labels")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "# who is believed\nlog %s https://log.example/labels\n\n", vkey)
	for _, name := range []string{"university", "consumers", "operator"} {
		_, vkey, err := NewWitnessKey(name + ".example")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "witness %s %s https://%s.example/witness\n", name, vkey, name)
	}
	b.WriteString("group outside all university consumers\ngroup them 1 outside operator\nquorum them\n")
	return b.String()
}

func TestAPolicyIsReadAsItIsMeant(t *testing.T) {
	text := somePolicy(t)
	p, err := ParsePolicy([]byte(text))
	if err != nil || len(p.logs) != 1 || len(p.verifiers) != 4 || !p.urls {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err := fwitness.ParsePolicy([]byte(text)); err != nil {
		t.Errorf("another program does not read it: %v", err)
	}
	var w []string // the lines of witnesses
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "witness") {
			w = append(w, line)
		}
	}
	log := strings.Split(text, "\n")[1] + "\n"
	for name, bad := range map[string]string{
		"no log":                      w[0] + "quorum university\n",
		"no quorum":                   log + w[0],
		"two quorums":                 log + "quorum none\nquorum none\n",
		"a quorum of nobody":          log + "quorum university\n",
		"a word that is none":         log + "mirror x\nquorum none\n",
		"a group of none":             log + "group g any\nquorum none\n",
		"more than there are":         log + w[0] + "group g 2 university\nquorum g\n",
		"none of a group":             log + w[0] + "group g 0 university\nquorum g\n",
		"less than none":              log + w[0] + "group g -1 university\nquorum g\n",
		"a group of itself":           log + w[0] + "group g any g\nquorum g\n",
		"a witness that counts twice": log + w[0] + "group g 2 university university\nquorum g\n",
		"a witness in two groups":     log + w[0] + w[1] + "group a any university\ngroup b any university\nquorum a\n",
		"a name twice":                log + w[0] + strings.Replace(w[1], "consumers", "university", 1) + "quorum none\n",
		"a name that means another":   log + strings.Replace(w[0], "university", "none", 1) + "quorum none\n",
		"a key twice":                 log + log + "quorum none\n",
		"a key that is none":          "log log.example+00000000+AAAA\nquorum none\n",
		"a URL that is none":          log + strings.Replace(w[0], "https:", "gopher:", 1) + "quorum none\n",
		"one URL for two":             log + w[0] + strings.Replace(w[1], "consumers.example/witness", "university.example/witness", 1) + "quorum none\n",
		"too long":                    log + strings.Repeat("#\n", MaxPolicy),
	} {
		if _, err := ParsePolicy([]byte(bad)); !errors.Is(err, ErrPolicy) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParsePolicy(f *testing.F) {
	text := somePolicy(f)
	f.Add([]byte(text))
	f.Add([]byte(strings.Replace(text, "group them 1", "group them any", 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePolicy(data)
		if err != nil {
			if !errors.Is(err, ErrPolicy) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		if len(p.logs) == 0 || p.quorum == nil {
			t.Errorf("a policy without a log or a quorum was read")
		}
		if _, ok := p.quorum.satisfied(nil); ok && !strings.Contains(p.text, "quorum none") {
			t.Errorf("nobody is enough for\n%s", p.text)
		}
	})
}

func FuzzOpenCheckpoint(f *testing.F) {
	private, vkey, err := NewLogKey("log.example/labels")
	if err != nil {
		f.Fatal(err)
	}
	p, err := ParsePolicy([]byte("log " + vkey + "\nquorum none\n"))
	if err != nil {
		f.Fatal(err)
	}
	_ = private
	f.Add([]byte("log.example/labels\n4\n" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n\n— log.example/labels AAAA\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := p.Open(data); err == nil {
			t.Errorf("somebody without the key signed %+v", c)
		}
		if c, err := parseCheckpoint(data); err == nil && (c.Origin == "" || c.Size >= 1<<62) {
			t.Errorf("%+v", c)
		}
	})
}

func FuzzAddCheckpoint(f *testing.F) {
	hash := base64.StdEncoding.EncodeToString(make([]byte, 32))
	f.Add([]byte("old 4\n" + hash + "\n\nlog.example\n5\n" + hash + "\n\n— log.example AAAA\n"))
	f.Add([]byte("old 0\n\nlog.example\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseAddCheckpoint(data)
		if err != nil {
			if !errors.Is(err, ErrRequest) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		again := fmt.Appendf(nil, "old %d\n", r.old)
		for _, h := range r.proof {
			again = append(again, base64.StdEncoding.EncodeToString(h)+"\n"...)
		}
		if again = append(append(again, '\n'), r.checkpoint...); !bytes.Equal(again, data) {
			t.Errorf("%q was read as %q", data, again)
		}
	})
}

func FuzzOpenProof(f *testing.F) {
	_, vkey, err := NewLogKey("log.example/labels")
	if err != nil {
		f.Fatal(err)
	}
	p, err := ParsePolicy([]byte("log " + vkey + "\nquorum none\n"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 1\n\nlog.example/labels\n2\nAAAA\n\n— log.example/labels AAAA\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, c, err := p.OpenProof(data, []byte("entry")); err == nil {
			t.Errorf("somebody without the key proves %+v", c)
		}
	})
}
