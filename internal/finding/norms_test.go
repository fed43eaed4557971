package finding

import (
	"slices"
	"testing"

	"plimsoll.example/plimsoll/norms"
)

// What a finding says of norms must be something that the catalogue has, and that its evidence can say.
func TestKindsSpeakToNormsThatTheirEvidenceCanReach(t *testing.T) {
	c, err := norms.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range Kinds() {
		last := -1
		for _, id := range k.Norms {
			n, ok := c.Norm(id)
			if !ok {
				t.Errorf("%s: the catalogue has no norm %s", k.Kind, id)
				continue
			}
			if k.Direction == Refutes && !n.Evidence.Refutes() || k.Direction == Supports && !n.Evidence.Confirms() {
				t.Errorf("%s %s %s, whose evidence can do %q", k.Kind, k.Direction, id, n.Evidence)
			}
			if n.State == norms.TextMissing {
				t.Errorf("%s speaks to %s, and nobody knows what that asks", k.Kind, id)
			}
			place := slices.IndexFunc(c.All(), func(other norms.Norm) bool { return other.ID == id })
			if place <= last {
				t.Errorf("%s: %s is not in the order of the catalogue", k.Kind, id)
			}
			last = place
		}
		if len(k.Norms) == 0 && k.Direction != Neither {
			t.Errorf("%s %s no norm", k.Kind, k.Direction)
		}
	}
}
