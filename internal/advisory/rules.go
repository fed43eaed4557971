package advisory

import (
	"cmp"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/advisory/version"
	"plimsoll.example/plimsoll/label"
)

// Precision is the confidence from which a match suspends a label without a person: all steps must be sure. What it comes
// to is measured with the labelled pairs in testdata/pairs.json.
const Precision = 0.9

// RefutingHomes is from how many homes’ reports on a norm a person is asked. They are never enough to suspend: homes are
// anonymous, and can be made up.
const RefutingHomes = 3

// Act is what follows for a label.
type Act string

// The acts. Those that propose wait for a person.
const (
	Open           Act = "open"            // an advisory, for a person to look at
	Close          Act = "close"           // it
	Suspend        Act = "suspend"         // the label
	Expire         Act = "expire"          // it
	ProposeSuspend Act = "propose-suspend" // to a person
	ProposeRestore Act = "propose-restore" // to a person
)

// Person reports whether an act does nothing until a person says so.
func (a Act) Person() bool { return a == ProposeSuspend || a == ProposeRestore }

// Standing is how a label stands: what Decide compares with, so that nothing is done twice.
type Standing struct {
	Status label.Status
	Case   string   // for which it is suspended; "" where a person did it, or another rule
	Open   []string // cases and other causes with an open advisory
	Closed []string // those that were closed, by a rule or a person
	Asked  []string // those that a proposal waits for, or was turned down for
	// Settled are cases that a person decided about: rules do not raise them again.
	Settled []string
}

// Refutation is a norm that homes saw broken.
type Refutation struct {
	Norm  string
	Homes int
}

// Change is one act, with its evidence.
type Change struct {
	Act      Act
	Product  string // its ID
	To       label.Status
	Cause    string // the case, or what else it is about
	Because  string // a word: locale has what it means
	Evidence Evidence
}

// Decide says what follows for a label from the matches of its product and from what else is known, on a day. It keeps
// to these rules:
//
//   - the end of the support, or of the label, expires it;
//   - a flaw that is exploited, in a product that is surely this one, in a version that surely is among what the label
//     covers, suspends it, unless the maker disputes it;
//   - every other match opens an advisory;
//   - the maker’s own word that a product is not affected closes one, unless the flaw is exploited;
//   - a suspension is lifted by people alone: a fixed firmware, or a record that was withdrawn, is a proposal;
//   - what homes refute is a proposal as well.
//
// matches are those of Index.Match with the product, of all cases. withdrawn are cases that their sources took back.
func Decide(p *Product, now Standing, matches []Match, withdrawn []*Case, homes []Refutation, day label.Day) []Change {
	d := decision{product: p, now: now}
	switch {
	case now.Status == label.Withdrawn:
		return nil // for good
	case p.Support != 0 && day > p.Support:
		d.expire("support-ended", p.Support)
	case p.Expires != 0 && day > p.Expires:
		d.expire("label-ended", p.Expires)
	}
	for matches := range byCase(matches) {
		d.flaw(matches, day)
	}
	for _, c := range withdrawn {
		d.withdraw(c)
	}
	for _, r := range homes {
		if r.Homes >= RefutingHomes && now.Status == label.Active && !slices.Contains(now.Asked, "norm:"+r.Norm) {
			d.add(Change{Act: ProposeSuspend, To: label.Suspended, Cause: "norm:" + r.Norm, Because: "refuted-by-homes", Evidence: Evidence{Homes: r.Homes, Norm: r.Norm}})
		}
	}
	return d.changes
}

type decision struct {
	product   *Product
	now       Standing
	changes   []Change
	suspended bool // by a change
}

// status is that of the label after the changes so far.
func (d *decision) status() label.Status {
	for _, c := range slices.Backward(d.changes) {
		if !c.Act.Person() {
			return c.To
		}
	}
	return d.now.Status
}

func (d *decision) add(c Change) {
	c.Product = d.product.ID
	c.Evidence.complete(&c)
	d.changes = append(d.changes, c)
}

func (d *decision) expire(why string, day label.Day) {
	if d.now.Status != label.Active && d.now.Status != label.Suspended {
		return
	}
	d.add(Change{Act: Expire, To: label.Expired, Cause: why, Because: why, Evidence: Evidence{Day: day.String()}})
}

// byCase yields the matches of each case together, in the order of the cases.
func byCase(matches []Match) func(func([]Match) bool) {
	list := slices.Clone(matches)
	slices.SortStableFunc(list, func(a, b Match) int { return strings.Compare(a.Case.ID, b.Case.ID) })
	return func(yield func([]Match) bool) {
		for len(list) > 0 {
			n := 1
			for n < len(list) && list[n].Case.ID == list[0].Case.ID {
				n++
			}
			if !yield(list[:n]) {
				return
			}
			list = list[n:]
		}
	}
}

// flaw decides about the matches of one case.
func (d *decision) flaw(matches []Match, day label.Day) {
	c := matches[0].Case
	if slices.Contains(d.now.Settled, c.ID) {
		return
	}
	if matches[0].Advisory.Kind != Flaw {
		d.other(matches, day)
		return
	}
	says := judge(matches)
	switch {
	case says.affected == nil:
		if says.clear != nil {
			d.close(c, says.clear)
		}
		return
	case says.clear != nil && !c.Exploited():
		d.close(c, says.clear)
		return
	case says.clear != nil:
		d.open(c, says.affected, "disputed", matches)
	case c.Exploited() && says.affected.sure():
		d.suspend(c, says.affected, matches)
	case c.Exploited():
		d.open(c, says.affected, "exploited-unsure", matches)
	case says.affected.Component != "":
		d.open(c, says.affected, "component", matches)
	case says.affected.Confidence >= Precision:
		d.open(c, says.affected, "vulnerable", matches)
	default:
		d.open(c, says.affected, "vulnerable-unsure", matches)
	}
	if d.now.Status == label.Suspended && d.now.Case == c.ID && len(says.fixed) > 0 && !slices.Contains(d.now.Asked, c.ID) {
		e := evidence(says.affected, matches)
		e.Fixed = says.fixed
		d.add(Change{Act: ProposeRestore, To: label.Active, Cause: c.ID, Because: "fixed", Evidence: e})
	}
}

// sure reports whether a match may suspend: the product and the version are certain, and it is not about a part only.
func (m *Match) sure() bool {
	return m.Exact && m.Component == "" && m.Confidence >= Precision && (m.Versions == version.Inside || m.Versions == version.Partly)
}

// sayings is what the records of a case come to for one product.
type sayings struct {
	affected *Match   // the surest that says so
	clear    *Match   // the maker’s word that it is not
	fixed    []string // versions that mend it, by records about exactly this product
}

// judge weighs the matches of a case. What the maker says of its own product counts before what others say; a record
// whose versions are surely others clears the product too, if it is the maker’s or no other one speaks of it.
func judge(matches []Match) (s sayings) {
	var outside *Match
	for i := range matches {
		m := &matches[i]
		if m.Exact {
			for _, f := range m.Fixed {
				if !slices.Contains(s.fixed, f) && len(s.fixed) < 16 {
					s.fixed = append(s.fixed, f)
				}
			}
		}
		switch {
		case m.Says == IsAffected || m.Says == Investigating:
			switch {
			case m.Versions == version.Outside:
				if m.Exact && outside == nil {
					outside = m
				}
			case m.Says == IsAffected && s.better(m):
				s.affected = m
			}
		case (m.Says == NotAffected || m.Says == IsFixed) && m.Exact && m.Versions == version.Inside && m.makersWord():
			if s.clear == nil {
				s.clear = m
			}
		}
	}
	// KEV tells no versions: a record that does, and says that ours are not among them, answers for it.
	if s.affected != nil && s.affected.Versions == version.CannotSay && outside != nil && untold(s.affected) {
		s.affected, s.clear = nil, nil
	}
	slices.Sort(s.fixed)
	return s
}

func (s *sayings) better(m *Match) bool {
	if s.affected == nil {
		return true
	}
	return cmp.Compare(rank(m), rank(s.affected)) > 0
}

func rank(m *Match) float64 {
	if m.Component != "" {
		return m.Confidence - 1 // what is about the product itself counts more
	}
	return m.Confidence
}

func untold(m *Match) bool {
	return slices.ContainsFunc(m.Reasons, func(r Reason) bool { return r.Step == "version" && r.Result == "untold" })
}

// makersWord reports whether the maker of the product itself is speaking.
func (m *Match) makersWord() bool {
	v := makerKey(m.Advisory.Voice)
	return v != "" && slices.ContainsFunc(m.Reasons, func(r Reason) bool {
		return r.Step == "maker" && (r.Result == "same" || r.Result == "alias" || r.Result == "voice")
	})
}

func (d *decision) suspend(c *Case, m *Match, all []Match) {
	switch {
	case d.now.Status == label.Suspended || d.suspended:
		d.open(c, m, "exploited", all)
	case d.now.Status == label.Active:
		d.suspended = true
		d.add(Change{Act: Suspend, To: label.Suspended, Cause: c.ID, Because: "exploited", Evidence: evidence(m, all)})
	}
}

func (d *decision) open(c *Case, m *Match, why string, all []Match) {
	if slices.Contains(d.now.Open, c.ID) || slices.Contains(d.now.Closed, c.ID) && why != "exploited" && why != "exploited-unsure" && why != "disputed" {
		return
	}
	if d.now.Status == label.Suspended && d.now.Case == c.ID {
		return
	}
	d.add(Change{Act: Open, To: d.status(), Cause: c.ID, Because: why, Evidence: evidence(m, all)})
}

func (d *decision) close(c *Case, m *Match) {
	why := "not-affected"
	if m.Says == IsFixed {
		why = "fixed"
	}
	switch {
	case d.now.Status == label.Suspended && d.now.Case == c.ID:
		if !slices.Contains(d.now.Asked, c.ID) {
			d.add(Change{Act: ProposeRestore, To: label.Active, Cause: c.ID, Because: why, Evidence: evidence(m, nil)})
		}
	case slices.Contains(d.now.Open, c.ID):
		d.add(Change{Act: Close, To: d.status(), Cause: c.ID, Because: why, Evidence: evidence(m, nil)})
	}
}

func (d *decision) withdraw(c *Case) {
	switch {
	case d.now.Status == label.Suspended && d.now.Case == c.ID && !slices.Contains(d.now.Asked, c.ID):
		d.add(Change{Act: ProposeRestore, To: label.Active, Cause: c.ID, Because: "withdrawn", Evidence: Evidence{Records: records(c)}})
	case slices.Contains(d.now.Open, c.ID):
		d.add(Change{Act: Close, To: d.status(), Cause: c.ID, Because: "withdrawn", Evidence: Evidence{Records: records(c)}})
	}
}

// other decides about what is no flaw: the certificate of a product, the contact of a maker.
func (d *decision) other(matches []Match, day label.Day) {
	for i := range matches {
		m := &matches[i]
		switch {
		case m.Advisory.Kind == Certificate && m.Says == IsAffected && m.Versions != version.Outside:
			d.open(m.Case, m, "certificate-revoked", matches)
		case m.Advisory.Kind == Contact && m.Advisory.Expires != 0 && day > m.Advisory.Expires:
			d.open(m.Case, m, "contact-expired", matches)
		default:
			continue
		}
		return
	}
}
