package label_test

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"plimsoll.example/plimsoll/label"
)

var update = flag.Bool("update", false, "write the test vectors anew")

// vectors are for whoever implements the format: keys, and what must come of them, octet by octet.
type vectors struct {
	IssuerSeed   string           `json:"issuer_seed"` // Ed25519 seeds, hexadecimal
	RegistrySeed string           `json:"registry_seed"`
	Statement    *label.Statement `json:"statement"`
	CBOR         string           `json:"cbor"`
	Label        string           `json:"label"`    // COSE_Sign1
	Leaf         string           `json:"leaf"`     // its hash in the log
	Envelope     string           `json:"envelope"` // with the proof
	Link         string           `json:"link"`
	Bundle       string           `json:"bundle"`
	Now          string           `json:"now"`
	Status       label.Status     `json:"status"`
	IssuedProof  string           `json:"issued_proof"`
}

func TestThePublishedVectorsHold(t *testing.T) {
	w := grant(t, nil)
	s := plug()
	data, err := s.CBOR()
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := w.envelope(2).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := w.bundle.Sign(key("registry"))
	if err != nil {
		t.Fatal(err)
	}
	leaf := label.LeafHash(w.labels[2])
	v, err := w.trust(t).Verify(w.envelope(2), s.GTIN14(), noon)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(vectors{
		hex.EncodeToString(key("issuer").Seed()), hex.EncodeToString(key("registry").Seed()), s, hex.EncodeToString(data), hex.EncodeToString(w.labels[2]),
		hex.EncodeToString(leaf[:]), hex.EncodeToString(envelope), label.Link("id.registry.example", s, envelope), hex.EncodeToString(bundle),
		noon.Format("2006-01-02T15:04:05Z07:00"), v.Status, v.IssuedProof,
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const name = "testdata/vectors.json"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got)+"\n" {
		t.Errorf("the format has changed: it is published\n%s", got)
	}
}
