package home

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"plimsoll.example/plimsoll/label"
)

// Word is all that the household says of a device. What is decided about it is its Stance.
type Word struct {
	Name      string      `json:"name,omitempty"`
	Room      string      `json:"room,omitempty"`
	Corrected *Correction `json:"corrected,omitempty"`
	Care      *Care       `json:"care,omitempty"`
	MUDURL    string      `json:"mud_url,omitempty"` // where its file is, by the operator’s word
}

// Said is the word of the household before somebody spoke, and after.
type Said struct {
	Before Word `json:"before"`
	After  Word `json:"after"`
}

// Care is what a household notes of a device, as on the back of its receipt.
type Care struct {
	Bought  label.Day `json:"bought,omitzero"`
	Support label.Day `json:"support_until,omitzero"` // the last day with updates, by its box or its maker
	Offline Offline   `json:"offline,omitempty"`
	Note    string    `json:"note,omitempty"`
}

// Offline is what somebody saw a device do while there was no Internet.
type Offline string

// What it did; "" is that nobody tried.
const (
	WorksOffline Offline = "works"
	StopsOffline Offline = "stops"
)

// MaxNote bounds the note of a device, octets.
const MaxNote = 1600

// check finds what nobody can have noted.
func (c *Care) check() error {
	switch {
	case c == nil:
		return nil
	case len(c.Note) > MaxNote || !utf8.ValidString(c.Note):
		return fmt.Errorf("a note has at most %d octets", MaxNote)
	case !slices.Contains([]Offline{"", WorksOffline, StopsOffline}, c.Offline):
		return fmt.Errorf("%.40q is none of works, stops", c.Offline)
	}
	return nil
}

// Noted is what the household notes of a device, if anything.
func (d *Device) Noted() Care { return orNone(d.Care) }

// Correction is what the household says that a device is, if it says anything.
func (d *Device) Correction() Correction { return orNone(d.Corrected) }

// word is what the household says of a device now.
func (d *Device) word() Word {
	w := Word{Name: d.Name, Room: d.Room, Corrected: d.Corrected, Care: d.Care}
	for _, u := range d.MUD {
		if u.Via == "operator" {
			w.MUDURL = u.URL
		}
	}
	return w
}

// back makes one thing what it was before, if it is still what it became.
func back[T any](now *T, before, after T) bool {
	switch {
	case reflect.DeepEqual(before, after):
		return true
	case !reflect.DeepEqual(*now, after):
		return false
	}
	*now = before
	return true
}

// String is what was said that was not said before, for the audit log: at most maxText octets.
func (s *Said) String() string {
	var list []string
	add := func(name string, now, before any) {
		if now != before {
			list = append(list, fmt.Sprintf("%s=%q", name, fmt.Sprint(now)))
		}
	}
	a, b := &s.After, &s.Before
	add("name", a.Name, b.Name)
	add("room", a.Room, b.Room)
	now, before := orNone(a.Corrected), orNone(b.Corrected)
	add("kind", now.Kind, before.Kind)
	add("maker", now.Maker, before.Maker)
	add("model", now.Model, before.Model)
	add("category", now.Category, before.Category)
	care, was := orNone(a.Care), orNone(b.Care)
	add("bought", DayOrNone(care.Bought), DayOrNone(was.Bought))
	add("support_until", DayOrNone(care.Support), DayOrNone(was.Support))
	add("offline", care.Offline, was.Offline)
	add("note", care.Note, was.Note)
	if a.MUDURL != b.MUDURL {
		list = append(list, fmt.Sprintf("mud_url=%q via=operator", a.MUDURL))
	}
	text := strings.ToValidUTF8(strings.Join(list, " "), "")
	return strings.ToValidUTF8(text[:min(len(text), maxText)], "")
}

// DayOrNone is a day as in RFC 3339, "" where none is said.
func DayOrNone(d label.Day) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// orNone is what a pointer leads to, or the zero value.
func orNone[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// Describe takes what somebody says of a device, and notes in the log who said what: change alters a copy of it, but not
// its stance. The decision is nil where nothing is new.
func (h *Household) Describe(ctx context.Context, actor, word string, change func(*Device)) (*Device, *Decision, error) {
	h.deciding.Lock()
	defer h.deciding.Unlock()
	was, err := h.Find(word)
	if err != nil {
		return nil, nil, err
	}
	d, err := h.alter(ctx, was.ID, change)
	if err != nil {
		return nil, nil, err
	}
	said := &Said{was.word(), d.word()}
	if reflect.DeepEqual(said.Before, said.After) {
		return d, nil, nil
	}
	made := &Decision{At: h.Now().UTC(), Actor: actor, Verb: Describe, Device: d.ID, Argument: said.String(), Before: d.Stance, After: d.Stance, Said: said}
	if err := h.Ledger.Record(ctx, made); err != nil {
		return nil, nil, fmt.Errorf("keep who said it: %w", err)
	}
	return d, made, nil
}

// unsay takes back what somebody said of a device, as far as that decision changed it.
func (h *Household) unsay(ctx context.Context, actor string, last *Decision) (*Decision, error) {
	d, err := h.Find(last.Device)
	if err != nil || last.Undone != 0 || last.Said == nil {
		return nil, fmt.Errorf("undo decision %d: %w", last.Seq, ErrStale)
	}
	now, before, after := d.word(), last.Said.Before, last.Said.After
	if !back(&now.Name, before.Name, after.Name) || !back(&now.Room, before.Room, after.Room) || !back(&now.Corrected, before.Corrected, after.Corrected) ||
		!back(&now.Care, before.Care, after.Care) || !back(&now.MUDURL, before.MUDURL, after.MUDURL) {
		return nil, fmt.Errorf("undo decision %d: %w", last.Seq, ErrStale)
	}
	if d, err = h.alter(ctx, d.ID, func(d *Device) {
		d.Name, d.Room, d.Corrected, d.Care = now.Name, now.Room, now.Corrected, now.Care
		switch {
		case before.MUDURL == after.MUDURL:
		case now.MUDURL == "":
			d.MUD = slices.DeleteFunc(d.MUD, func(u MUDURL) bool { return u.Via == "operator" })
		default:
			d.Says(MUDURL{URL: now.MUDURL, Via: "operator", At: h.Now().UTC()})
		}
	}); err != nil {
		return nil, err
	}
	return h.record(ctx, &Decision{Actor: actor, Verb: Undo, Device: d.ID, Argument: fmt.Sprint(last.Seq), Before: d.Stance, After: d.Stance})
}

// Note keeps what a person says of a finding of a device: that it is normal, done with, or open again. Errors wrap
// fs.ErrNotExist if the device has no such finding.
func (h *Household) Note(ctx context.Context, actor, device, finding string, state NoteState) (*Decision, error) {
	h.deciding.Lock()
	defer h.deciding.Unlock()
	d, err := h.Find(device)
	if err != nil {
		return nil, err
	}
	was, err := h.Ledger.NoteOf(ctx, d.ID, finding)
	if err != nil {
		return nil, err
	}
	if err := h.Ledger.SetFinding(ctx, finding, state); err != nil {
		return nil, err
	}
	made := &Decision{
		At: h.Now().UTC(), Actor: actor, Verb: NoteOn, Device: d.ID, Argument: strings.Join([]string{finding, string(state), string(was)}, " "), Before: d.Stance, After: d.Stance,
	}
	if err := h.Ledger.Record(ctx, made); err != nil {
		return nil, fmt.Errorf("keep who said it: %w", err)
	}
	return made, nil
}

// unnote makes a finding what it was to the household before a decision, if nobody said anything else of it since.
func (h *Household) unnote(ctx context.Context, actor string, last *Decision) (*Decision, error) {
	stale := fmt.Errorf("undo decision %d: %w", last.Seq, ErrStale)
	d, err := h.Find(last.Device)
	said := strings.Fields(last.Argument)
	if err != nil || last.Undone != 0 || len(said) != 3 {
		return nil, stale
	}
	if now, err := h.Ledger.NoteOf(ctx, d.ID, said[0]); err != nil || now != NoteState(said[1]) {
		return nil, stale
	}
	if err := h.Ledger.SetFinding(ctx, said[0], NoteState(said[2])); err != nil {
		return nil, err
	}
	return h.record(ctx, &Decision{Actor: actor, Verb: Undo, Device: d.ID, Argument: fmt.Sprint(last.Seq), Before: d.Stance, After: d.Stance})
}
