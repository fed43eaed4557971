package glance_test

import (
	"testing"

	"plimsoll.example/plimsoll/internal/glance"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

const today = label.Day(20_000)

// good is a label in which there is nothing to find fault with.
func good() *label.Statement {
	s := &label.Statement{Version: 1, Profile: 1, Support: today + 400, Issued: today - 10}
	for n, c := range map[string]label.Class{"etsi.5.1-1": label.LabTested, "etsi.5.2-1": label.WebChecked, "etsi.5.3-13": label.Declared} {
		s.SetClass(n, c)
	}
	return s
}

func TestTheVerdictFollowsTheGravestFault(t *testing.T) {
	refute := func(norm string) func(*label.Statement) {
		return func(s *label.Statement) { s.SetClass(norm, label.Refuted) }
	}
	for name, tt := range map[string]struct {
		change func(*label.Statement)
		status label.Status
		want   glance.Verdict
		reason glance.Reason
	}{
		"nothing is wrong":       {func(*label.Statement) {}, label.Active, glance.Good, glance.Kept},
		"suspended":              {func(*label.Statement) {}, label.Suspended, glance.Avoid, glance.Suspended},
		"withdrawn and refuted":  {refute("etsi.5.1-1"), label.Withdrawn, glance.Avoid, glance.Withdrawn},
		"a shared password":      {refute("etsi.5.1-1"), label.Active, glance.Avoid, glance.RefutedCore},
		"another promise broken": {refute("etsi.5.5-1"), label.Active, glance.Check, glance.Refuted},
		"support over":           {func(s *label.Statement) { s.Support = today - 1 }, label.Active, glance.Avoid, glance.SupportOver},
		"support ends today":     {func(s *label.Statement) { s.Support = today }, label.Active, glance.Good, glance.Kept},
		"support not stated":     {func(s *label.Statement) { s.Support = 0 }, label.Active, glance.Check, glance.NoSupport},
		"expired":                {func(*label.Statement) {}, label.Expired, glance.Check, glance.Lapsed},
		"nobody to report to":    {func(s *label.Statement) { s.SetClass("etsi.5.2-1", label.NotClaimed) }, label.Active, glance.Check, glance.NotClaimed},
		"data sold":              {func(s *label.Statement) { s.Practices = 1 << 4 }, label.Active, glance.Check, glance.Sold},
		"status unknown":         {func(*label.Statement) {}, label.Unknown, glance.Check, glance.StatusUnknown},
		"nothing but the maker’s word": {func(s *label.Statement) {
			s.SetClass("etsi.5.1-1", label.Declared)
			s.SetClass("etsi.5.2-1", label.Declared)
		}, label.Active, glance.Check, glance.MakerAlone},
	} {
		s := good()
		tt.change(s)
		if v, r := glance.Judge(s, tt.status, today); v != tt.want || r != tt.reason {
			t.Errorf("%s: %v because of %q, want %v because of %q", name, v, r, tt.want, tt.reason)
		}
	}
	if v, _ := glance.Judge(nil, label.Active, today); v != glance.Unlabelled {
		t.Errorf("no label: %v", v)
	}
}

// What a label does not say is said not to be said, and never counted in its favour.
func TestSilenceIsNoFact(t *testing.T) {
	for _, f := range glance.Facts(&label.Statement{Profile: 1}, locale.New(locale.English)) {
		if f.Known || f.Text == "" || f.Name == "" {
			t.Errorf("%s of an empty label: %q, known: %v", f.Topic, f.Text, f.Known)
		}
	}
}

func TestFactsAreInWords(t *testing.T) {
	s := good()
	s.Sensors, s.Practices = 3, 1|1<<2|1<<3
	for lang, want := range map[locale.Lang][]string{
		locale.English: {"Until 8 November 2025", "Camera and sound.", "Shared with others and kept on the Internet.", "Needs an account.", "Checks: 1 by a laboratory, 1 looked up on the web and 1 by the maker’s word."},
		locale.French:  {"Jusqu’au 8 novembre 2025", "Caméra et son.", "Transmises à d’autres et gardées sur Internet.", "Exige un compte.", "Vérifications\u00a0: 1 par un laboratoire, 1 sur le web et 1 sur parole du fabricant."},
	} {
		for i, f := range glance.Facts(s, locale.New(lang)) {
			if f.Text != want[i] || !f.Known {
				t.Errorf("%s, %s: %q, want %q", lang, f.Topic, f.Text, want[i])
			}
		}
	}
}

// Every reason and every word of a bit has its message, in both languages.
func TestEverythingHasWords(t *testing.T) {
	for _, lang := range []locale.Lang{locale.English, locale.French} {
		words := locale.New(lang)
		for _, r := range []glance.Reason{
			glance.Withdrawn, glance.Suspended, glance.Refuted, glance.RefutedCore, glance.SupportOver, glance.Lapsed, glance.NoSupport, glance.NotClaimed, glance.Sold,
			glance.MakerAlone, glance.StatusUnknown, glance.Kept,
		} {
			if words.Text(string(r)) == string(r) {
				t.Errorf("%s: no message %s", lang, r)
			}
		}
		for _, w := range label.Sensors(1<<10 - 1).Words() {
			if words.Text("glance.sensor."+w) == "glance.sensor."+w {
				t.Errorf("%s: no word for the sensor %s", lang, w)
			}
		}
	}
}

func TestWhatIsLeftIsSaidInYearsAndMonths(t *testing.T) {
	s := good()
	for support, want := range map[label.Day]string{
		0: "", today: "less than a month left", today - 1: "that is over", today + 31: "1 month left", today + 400: "1 year and 1 month left", today + 3*366: "3 years left",
	} {
		s.Support = support
		if got := glance.Left(s, today, locale.New(locale.English)); got != want {
			t.Errorf("until %s: %q, want %q", support, got, want)
		}
	}
}

func TestAPriceComesToLessAYearTheLongerThereAreUpdates(t *testing.T) {
	s := good()
	for support, want := range map[label.Day]float64{today + 364: 100.07, today + 730: 49.97, today: 36525} {
		s.Support = support
		if got, ok := glance.EachYear(100, s, today); !ok || got < want-0.01 || got > want+0.01 {
			t.Errorf("until %s: %.2f, want %.2f", support, got, want)
		}
	}
	for _, support := range []label.Day{0, today - 1} {
		s.Support = support
		if _, ok := glance.EachYear(100, s, today); ok {
			t.Errorf("until %s there is a year", support)
		}
	}
	for text, ok := range map[string]bool{"49.90": true, " 49,90 ": true, "": false, "NaN": false, "Inf": false, "-3": false, "1e300": false, "0": false} {
		if _, got := glance.Price(text); got != ok {
			t.Errorf("price %q: %v", text, got)
		}
	}
}

func TestWhatDiffersComesFirstAndAnUnknownProductIsAColumnOfItsOwn(t *testing.T) {
	catalogue, err := norms.Load()
	if err != nil {
		t.Fatal(err)
	}
	sides := []glance.Side{{good(), label.Active}, {good(), label.Suspended}, {}}
	words := locale.New(locale.English)
	different, same := glance.Compare(sides[:2], today, catalogue, words)
	if len(different) != 1 || different[0].Topic != "verdict" || different[0].Values[0] != "Good to buy" || different[0].Values[1] != "Avoid" || len(same) != 8 {
		t.Errorf("%+v, %d the same", different, len(same))
	}
	different, same = glance.Compare(sides, today, catalogue, words)
	if last := different[1]; len(same) != 0 || last.Values[2] != "Not known" || last.Known[2] {
		t.Errorf("%+v, %+v", different, same)
	}
}
