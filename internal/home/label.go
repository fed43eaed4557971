package home

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/label"
)

// Label is what is known of the label that the household says is a device’s: what it says, and how it stands by the word of
// its registry. It follows from Stance.LabelFile and what registries say.
type Label struct {
	File     string       `json:"file"`     // Stance.LabelFile, of which this is known
	ID       label.Hash   `json:"id"`       // its leaf hash
	Registry string       `json:"registry"` // URL; "": no registry that is trusted knows who granted it
	Issuer   string       `json:"issuer"`
	GTIN     string       `json:"gtin"`
	Maker    string       `json:"maker"`
	Model    string       `json:"model"`
	Issued   label.Day    `json:"issued"`
	Support  label.Day    `json:"support_until,omitzero"`
	MUDURL   string       `json:"mud_url,omitempty"`
	Proof    string       `json:"issued_proof"` // see label.Verdict
	Status   label.Status `json:"status"`
	AsOf     time.Time    `json:"status_as_of,omitzero"` // of the bundle that says so
	Since    time.Time    `json:"since,omitzero"`        // of the bundle that said so first
	Problems []string     `json:"problems"`              // what keeps it from being better: see label.ProblemKind, and below
	Trouble  string       `json:"trouble,omitempty"`     // ID of the last finding that its status led to
}

// What keeps a label from being better beside what label.Verify says.
const (
	NoRegistry    = "no-registry"    // none that is trusted knows who granted it
	QuietRestored = "quiet-restored" // its registry says that it is active again, and shows no record of who restored it
)

// LabelAction is what the program does by itself when a label is suspended or withdrawn.
type LabelAction string

// The actions; "" in a stance is what holds for all.
const (
	Tell   LabelAction = "tell"
	CutOff LabelAction = "quarantine" // if the device has one purpose
)

// bad is what is said of a label that stays said until somebody who may shows otherwise.
func bad(s label.Status) bool { return s == label.Suspended || s == label.Withdrawn }

// Stands is a label after what is known of it now, by a verdict, or nil where no registry that is trusted knows who granted
// it. restored says whether there is a record that it was restored since a time; it is asked where a suspension is said to be
// over. Bad news stands until it is shown to be over.
func (l *Label) Stands(v *label.Verdict, registry string, restored func(since time.Time) (bool, error)) *Label {
	n := *l
	n.Problems = []string{}
	if v == nil {
		n.Problems = append(n.Problems, NoRegistry)
		if !bad(l.Status) {
			n.Status = label.Unknown
		}
		return &n
	}
	n.Registry, n.Issuer, n.Proof, n.AsOf = registry, v.Issuer, v.IssuedProof, v.StatusAsOf
	for _, p := range v.Problems {
		n.Problems = append(n.Problems, string(p.Kind))
	}
	switch {
	case v.Status == l.Status:
	case l.Status == label.Withdrawn, l.Status == label.Suspended && v.Status == label.Unknown:
		if v.Status == label.Active {
			n.Problems = append(n.Problems, QuietRestored)
		}
	case l.Status == label.Suspended && v.Status == label.Active:
		switch shown, err := restored(l.Since); {
		case err != nil: // nobody could be asked: that is no fault of the registry’s
		case shown:
			n.Status, n.Since = v.Status, v.StatusAsOf
		default:
			n.Problems = append(n.Problems, QuietRestored)
		}
	default:
		n.Status, n.Since = v.Status, v.StatusAsOf
	}
	return &n
}

// statusKinds are the findings that a status leads to.
var statusKinds = map[label.Status]struct {
	kind     finding.Kind
	severity finding.Severity
}{
	label.Suspended: {finding.LabelSuspended, finding.High},
	label.Withdrawn: {finding.LabelWithdrawn, finding.High},
	label.Expired:   {finding.LabelExpired, finding.Low},
}

// LabelKinds are the kinds of finding that labels lead to.
var LabelKinds = []finding.Kind{finding.LabelSuspended, finding.LabelWithdrawn, finding.LabelExpired, finding.SupportEnded}

// Findings are what follows from a label for its device. Each suspension is one of its own.
func (l *Label) Findings(device string, now time.Time) (list []finding.Finding) {
	add := func(kind finding.Kind, severity finding.Severity, key string, since time.Time, details ...finding.Detail) {
		at := since.UnixNano()
		list = append(list, finding.Finding{
			Kind: kind, Device: device, Role: finding.Actor, Key: key, Severity: severity, Confidence: 1, First: at, Last: at, Detected: at, Count: 1,
			Details: append([]finding.Detail{{Key: "product", Value: l.Maker + " " + l.Model}}, details...),
		})
	}
	if k, ok := statusKinds[l.Status]; ok {
		add(k.kind, k.severity, fmt.Sprintf("%s %d", l.ID, l.Since.Unix()), l.Since, finding.Detail{Key: "issuer", Value: l.Issuer})
	}
	if l.Support != 0 && label.DayOf(now) > l.Support {
		add(finding.SupportEnded, finding.Medium, l.ID.String(), (l.Support + 1).Time(), finding.Detail{Key: "day", Value: l.Support.String()})
	}
	return list
}

// Same reports whether a label stands as another one does, but for how new that is.
func (l *Label) Same(o *Label) bool {
	a, b := *l, *o
	a.AsOf, b.AsOf, a.Problems, b.Problems = time.Time{}, time.Time{}, nil, nil
	return reflect.DeepEqual(a, b) && slices.Equal(l.Problems, o.Problems)
}

// CutsOff reports whether the household chose that the device is cut off when its label is suspended or withdrawn: for it,
// or else for all.
func (d *Device) CutsOff(all LabelAction) bool { return cmp.Or(d.LabelAction, all) == CutOff }

// labelled takes in what is known of the label of a device, or with nil that it has none. Its MUD URL counts if it is
// active, and once it counts until the label goes: what a product needs to do does not change by a suspension.
func (d *Device) labelled(l *Label) {
	counts := slices.ContainsFunc(d.MUD, func(u MUDURL) bool { return l != nil && u.Via == "label" && u.URL == l.MUDURL })
	d.Label = l
	switch {
	case l != nil && l.MUDURL != "" && l.Status == label.Active:
		d.Says(MUDURL{URL: l.MUDURL, Via: "label", At: l.AsOf})
	case !counts:
		d.MUD = slices.DeleteFunc(d.MUD, func(u MUDURL) bool { return u.Via == "label" })
	}
}

// Labelled takes in what is known of the label of a device, or with nil that it has none.
func (h *Household) Labelled(ctx context.Context, id string, l *Label) (*Device, error) {
	return h.alter(ctx, id, func(d *Device) { d.labelled(l) })
}

// worse reports whether a label was suspended or withdrawn, the household chose that this cuts its device off, and it is not
// cut off yet.
func (d *Device) worse(all LabelAction) bool {
	return d.Label != nil && bad(d.Label.Status) && d.CutsOff(all) && d.State != Quarantined && d.State != Refused
}

// better reports whether the label that a device was cut off for is active again.
func (d *Device) better() bool {
	return d.Label != nil && d.Label.Status == label.Active && d.State == Quarantined && d.Label.Trouble != "" && d.Reason == d.Label.Trouble
}

// Cut reports whether the program is to cut a device off for its label now; of one that has not one purpose, it asks. Whether
// it did so before for the same cause, the audit log says.
func (d *Device) Cut(all LabelAction) bool { return d.worse(all) && d.Kind() == device.IoT }
