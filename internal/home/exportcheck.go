package home

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/mud"
)

// maxSeq bounds the numbers of decisions: as JSON has them exactly (RFC 8259 §6), and with room for all that follow.
const maxSeq = 1<<53 - 1

// Bounds of a device in an export: more than any that was seen has.
const (
	maxHostnames = 64
	maxAddresses = 1024
	maxBecause   = 256
	maxText      = 1024
)

// digestForm is SHA-256 as files are named by.
var digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// check finds what no export of ours has.
func (x *Export) check() error {
	files, ids, macs := map[string]bool{}, map[string]bool{}, map[frame.MAC]bool{}
	for i, f := range x.Files {
		if err := f.check(); err != nil {
			return fmt.Errorf("files[%d].%w", i, err)
		}
		if files[f.SHA256] {
			return fmt.Errorf("files[%d].sha256: it is there twice", i)
		}
		files[f.SHA256] = true
	}
	for i, d := range x.Devices {
		if err := d.check(files); err != nil {
			return fmt.Errorf("devices[%d].%w", i, err)
		}
		for _, m := range d.MACs {
			if macs[m] {
				return fmt.Errorf("devices[%d].macs: %s is there twice", i, m)
			}
			macs[m] = true
		}
		if err := d.checkParts(files); err != nil {
			return fmt.Errorf("devices[%d].%w", i, err)
		}
		for _, p := range d.parts() {
			if ids[p.ID] {
				return fmt.Errorf("devices[%d].id: it is there twice", i)
			}
			ids[p.ID] = true
		}
	}
	last := int64(0)
	for i, d := range x.Decisions {
		switch {
		case d.Seq <= last:
			return fmt.Errorf("decisions[%d].seq: it is not above the one before", i)
		case d.Seq > maxSeq:
			return fmt.Errorf("decisions[%d].seq: it is too large", i)
		case d.Undone < 0:
			return fmt.Errorf("decisions[%d].undone: it is no number of a decision", i)
		case !slices.Contains(verbs, d.Verb):
			return fmt.Errorf("decisions[%d].verb: %.40q is none", i, d.Verb)
		case d.Device != "" && !idForm.MatchString(d.Device):
			return fmt.Errorf("decisions[%d].device: %.40q is no ID", i, d.Device)
		case !short(d.Actor, maxActor) || d.Actor == "":
			return fmt.Errorf("decisions[%d].actor: it says nothing, or too much", i)
		case !short(d.Argument, maxText):
			return fmt.Errorf("decisions[%d].argument: it is too long", i)
		}
		last = d.Seq
		if d.Said != nil {
			for name, w := range map[string]*Word{"before": &d.Said.Before, "after": &d.Said.After} {
				if err := w.check(); err != nil {
					return fmt.Errorf("decisions[%d].said.%s.%w", i, name, err)
				}
			}
		}
		for name, s := range map[string]*Stance{"before": &d.Before, "after": &d.After} {
			if d.Device == "" && s.State == "" {
				continue
			}
			if err := s.check(nil); err != nil {
				return fmt.Errorf("decisions[%d].%s.%w", i, name, err)
			}
		}
	}
	for i, e := range x.Makers {
		if err := e.Check(); err != nil {
			return fmt.Errorf("makers[%d]: %w", i, err)
		}
	}
	for i, n := range x.Notes {
		known := slices.ContainsFunc(finding.Kinds(), func(a finding.About) bool { return a.Kind == n.Kind })
		if !known || !ids[n.Device] || n.Role != finding.Actor && n.Role != finding.Target || n.State != Muted && n.State != Done || !short(n.Key, maxText) {
			return fmt.Errorf("notes[%d]: no finding of a device here is like that", i)
		}
	}
	if x.Settings != nil && x.Settings.Check() != nil {
		return fmt.Errorf("settings: a name has at most %d octets, in one line", maxName)
	}
	for i, t := range x.Ticks {
		if !slices.Contains(Lists, t.List) || t.Item == "" || !short(t.Item, maxName) || !short(t.By, maxActor) || t.At.Unix() < 0 {
			return fmt.Errorf("ticks[%d]: no list has a point like that", i)
		}
	}
	return nil
}

// verbs are all that can be in the audit log.
var verbs = []Verb{Admit, Rehearse, HoldTo, Release, Quarantine, Confirm, WatchOn, Except, Disallow, Control, Uncontrol, Accept, Bind, OnLabel, Learn, Passed, Failed, Describe, NoteOn, Join, Split, Undo, Import}

func short(s string, limit int) bool { return len(s) <= limit && utf8.ValidString(s) }

func (f *File) check() error {
	sum := sha256.Sum256(f.Body)
	switch {
	case hex.EncodeToString(sum[:]) != f.SHA256:
		return errors.New("sha256: it is not that of the body")
	case f.Origin == OfLabel:
		if _, err := label.ParseEnvelope(f.Body); err != nil {
			return fmt.Errorf("body: %w", err)
		}
		return nil
	case f.Origin != Maker && f.Origin != Learned && f.Origin != "operator":
		return fmt.Errorf("origin: %.40q is none", f.Origin)
	}
	if _, err := mud.Parse(f.Body); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return nil
}

// check finds what no device has. The error begins with the member that it is in.
func (d *Device) check(files map[string]bool) error {
	switch {
	case !idForm.MatchString(d.ID):
		return fmt.Errorf("id: %.40q is none", d.ID)
	case len(d.MACs) == 0 || len(d.MACs) > maxMACs || slices.ContainsFunc(d.MACs, func(m frame.MAC) bool { return m.IsZero() || m.IsGroup() }):
		return errors.New("macs: they are none, too many, or not of one device")
	case len(d.Hostnames) > maxHostnames || slices.ContainsFunc(d.Hostnames, func(s string) bool { return !short(s, maxText) }):
		return errors.New("hostnames: they are too many, or too long")
	case len(d.Addresses) > maxAddresses || slices.ContainsFunc(d.Addresses, func(a netip.Addr) bool { return !a.IsValid() }):
		return errors.New("addresses: they are too many, or none")
	case len(d.Leases) > maxLeases:
		return errors.New("leases: they are too many")
	case !aKind(d.Identity.Kind) || !short(d.Identity.Maker, maxText) || !short(d.Identity.Model, maxText) || !short(d.Identity.Category, maxName) ||
		d.Identity.Confidence < 0 || d.Identity.Confidence > 1 || len(d.Identity.Because) > maxBecause:
		return errors.New("identity: no device is like that")
	case d.Last.Before(d.First):
		return errors.New("last: it is before first")
	}
	for i, l := range d.Leases {
		if !l.Address.IsValid() || l.Bits < 0 || l.Bits > l.Address.BitLen() {
			return fmt.Errorf("leases[%d]: it is of no address", i)
		}
	}
	said := d.word()
	if err := said.check(); err != nil {
		return err
	}
	if len(d.MUD) > len(vias) {
		return errors.New("mud: they are too many")
	}
	for i, u := range d.MUD {
		if _, err := mud.CheckURL(u.URL); err != nil && u.Via == "operator" || !short(u.URL, maxText) || !slices.Contains(vias, u.Via) {
			return fmt.Errorf("mud[%d]: it is no MUD URL, or nobody says it", i)
		}
	}
	if o := d.Offer; o != nil && (!files[o.File] || o.Origin != Maker && o.Origin != Learned || !short(o.Why, 64)) {
		return errors.New("offer: its file is not here, or nobody made it")
	}
	return d.Stance.check(files)
}

// checkParts finds what no device was made one of.
func (d *Device) checkParts(files map[string]bool) error {
	switch {
	case len(d.Apart) > maxParts || slices.ContainsFunc(d.Apart, func(id string) bool { return !idForm.MatchString(id) }):
		return errors.New("apart: they are too many, or no IDs")
	case len(d.Parts) == 1 || len(d.Parts) > maxParts || len(d.Parts) > 0 && d.Parts[0].ID != d.ID:
		return errors.New("parts: they are too many, or none of it")
	}
	for i, p := range d.Parts {
		if err := p.check(files); err != nil {
			return fmt.Errorf("parts[%d].%w", i, err)
		}
		if len(p.Parts)+len(p.Apart) > 0 {
			return fmt.Errorf("parts[%d].parts: it has none of its own", i)
		}
	}
	return nil
}

// check finds what nobody can have said. The error begins with the member that it is in.
func (w *Word) check() error {
	c := w.Corrected
	switch {
	case !short(w.Name, maxName):
		return fmt.Errorf("name: a name has at most %d octets", maxName)
	case !short(w.Room, maxName):
		return fmt.Errorf("room: a name has at most %d octets", maxName)
	case c != nil && (!aKind(c.Kind) || !short(c.Maker, maxText) || !short(c.Model, maxText) || !short(c.Category, maxName)):
		return errors.New("corrected: no device is like that")
	case !short(w.MUDURL, maxText):
		return errors.New("mud_url: it is too long")
	}
	if err := w.Care.check(); err != nil {
		return fmt.Errorf("care: %w", err)
	}
	return nil
}

func aKind(k device.Kind) bool {
	return slices.Contains([]device.Kind{"", device.Unknown, device.IoT, device.General, device.Infrastructure}, k)
}

// check finds what nobody can have decided. files are those that are there; nil: that does not matter.
func (s *Stance) check(files map[string]bool) error {
	switch {
	case !slices.Contains([]Admission{"", Full, DeviceOnly, None}, s.Admission):
		return fmt.Errorf("admission: %.40q is none", s.Admission)
	case !slices.Contains(States, s.State):
		return fmt.Errorf("state: %.40q is none", s.State)
	case s.File == "" && (s.State == Rehearsing || s.State == Held):
		return fmt.Errorf("file: it is %s to none", s.State)
	case s.File != "" && !digestForm.MatchString(s.File):
		return errors.New("file: it is no SHA-256")
	case s.File != "" && files != nil && !files[s.File]:
		return errors.New("file: it is not among the files")
	case s.LabelFile != "" && (!digestForm.MatchString(s.LabelFile) || files != nil && !files[s.LabelFile]):
		return errors.New("label_file: it is no SHA-256, or not among the files")
	case s.LabelAction != "" && s.LabelAction != Tell && s.LabelAction != CutOff:
		return fmt.Errorf("label_action: %.40q is none", s.LabelAction)
	case !short(s.Reason, maxText):
		return errors.New("reason: it is too long")
	case s.Was != "" && (!slices.Contains(States, s.Was) || s.Was == Quarantined):
		return fmt.Errorf("was: %.40q is no state", s.Was)
	case !short(s.Retest.For, maxText) || !short(s.Retest.Finding, maxText) || !slices.Contains([]Outcome{"", Clean, Again}, s.Retest.Outcome) || s.Retest.Until.Before(s.Retest.Since):
		return errors.New("retest: none is like that")
	case !short(s.URL, maxText) || len(s.Left) > maxLeft || slices.ContainsFunc(s.Left, func(u string) bool { return !short(u, maxText) }):
		return errors.New("url: it is too long, or too many were left")
	case len(s.Exceptions) > maxExceptions:
		return errors.New("exceptions: they are too many")
	case len(s.Controllers) > maxControllers:
		return errors.New("controllers: they are too many")
	}
	for i, e := range s.Exceptions {
		if again, err := parseException(e.String()); err != nil || again.Party != e.Party || again.Service != e.Service {
			return fmt.Errorf("exceptions[%d]: it is for nobody, or for nothing that can be allowed", i)
		}
	}
	for i, c := range s.Controllers {
		if again, err := parseController(c.String()); err != nil || again != c || strings.ContainsAny(c.Class, "\n\t") {
			return fmt.Errorf("controllers[%d]: nobody can be named so", i)
		}
	}
	return nil
}
