package norms

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

//go:embed data/*.json
var data embed.FS

// order is that of the sources: what they build on comes first.
var order = [...]string{
	"etsi-en-303-645-3.1.3",
	"nistir-8425",
	"ota-iot-trust-framework-2.5",
	"uk-psti-2023-1007",
	"ctia-iot-test-plan-1.0.1",
	"owasp-iot-top10-2018",
	"eu-cra-2024-2847",
}

// Catalogue is all norms. It is read-only: any number of goroutines may use it, and nobody may change what it returns.
type Catalogue struct {
	sources []Source
	norms   []Norm
	kernel  []Shared
	place   map[string]int // of each norm in norms
}

// Load reads the catalogue that is part of the program, and checks that it is whole. It takes a few milliseconds:
// load it once, and pass it on.
func Load() (*Catalogue, error) {
	sub, err := fs.Sub(data, "data")
	if err != nil {
		return nil, fmt.Errorf("norms: %w", err)
	}
	c, err := load(sub)
	if err != nil {
		return nil, fmt.Errorf("norms: %w", err)
	}
	return c, nil
}

// Sources are the documents, in order.
func (c *Catalogue) Sources() []Source { return c.sources }

// Source is the document of that identifier.
func (c *Catalogue) Source(id string) (Source, bool) {
	i := slices.IndexFunc(c.sources, func(s Source) bool { return s.ID == id })
	if i < 0 {
		return Source{}, false
	}
	return c.sources[i], true
}

// All are all norms: by source, and as the source orders them.
func (c *Catalogue) All() []Norm { return c.norms }

// Norm is the norm of that identifier.
func (c *Catalogue) Norm(id string) (Norm, bool) {
	i, ok := c.place[id]
	if !ok {
		return Norm{}, false
	}
	return c.norms[i], true
}

// Kernel is what the sources ask alike: of the norm of that identifier all that it has part in, of a kernel norm
// itself, and of "" everything.
func (c *Catalogue) Kernel(id string) []Shared {
	var list []Shared
	for _, k := range c.kernel {
		if id == "" || k.ID == id || slices.Contains(k.Norms, id) {
			list = append(list, k)
		}
	}
	return list
}

// Relatives are the norms of other sources, or of the same one, that ask for much the same: those that an entry
// names, in either direction. They are in the order of the catalogue.
func (c *Catalogue) Relatives(id string) []string {
	var list []string
	for i := range c.norms {
		n := &c.norms[i]
		if n.ID == id {
			list = append(list, n.Related...)
		} else if slices.Contains(n.Related, id) {
			list = append(list, n.ID)
		}
	}
	slices.SortFunc(list, func(a, b string) int { return c.place[a] - c.place[b] })
	return slices.Compact(list)
}

// load reads a catalogue: one file for each source, and kernel.json.
func load(files fs.FS) (*Catalogue, error) {
	c := &Catalogue{place: map[string]int{}}
	for _, id := range order {
		var file struct {
			Source Source `json:"source"`
			Norms  []Norm `json:"norms"`
		}
		if err := read(files, id+".json", &file); err != nil {
			return nil, err
		}
		if file.Source.ID != id {
			return nil, fmt.Errorf("%s.json: its source says that it is %q", id, file.Source.ID)
		}
		c.sources = append(c.sources, file.Source)
		for _, n := range file.Norms {
			if _, twice := c.place[n.ID]; twice {
				return nil, fmt.Errorf("%s.json: %s is there twice", id, n.ID)
			}
			n.Source = id
			c.place[n.ID] = len(c.norms)
			c.norms = append(c.norms, n)
		}
	}
	var file struct {
		Kernel []Shared `json:"kernel"`
	}
	if err := read(files, "kernel.json", &file); err != nil {
		return nil, err
	}
	c.kernel = file.Kernel
	return c, c.check()
}

// read decodes one file, which holds that and nothing else.
func read(files fs.FS, name string, to any) error {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: something follows at octet %d", name, d.InputOffset())
	}
	return nil
}

// check finds what does not hold together.
func (c *Catalogue) check() error {
	var errs []error
	wrong := func(id, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", id, fmt.Sprintf(format, args...)))
	}
	for _, s := range c.sources {
		counts := map[Level]int{}
		for i := range c.norms {
			if n := &c.norms[i]; n.Source == s.ID {
				counts[n.Status.Level]++
				c.checkNorm(n, &s, func(format string, args ...any) { wrong(n.ID, format, args...) })
			}
		}
		for _, level := range levels {
			if counts[level] != s.Counts[level] {
				wrong(s.ID, "%d norms of level %s, and the source has %d", counts[level], level, s.Counts[level])
			}
		}
	}
	names := map[string]bool{}
	for _, k := range c.kernel {
		if names[k.ID] || !strings.HasPrefix(k.ID, "kernel.") {
			wrong(k.ID, "is there twice, or is no name of a kernel norm")
		}
		names[k.ID] = true
		c.resolve(k.Norms, func(format string, args ...any) { wrong(k.ID, format, args...) })
		whole(k.Title, k.ID, wrong)
		whole(k.Text, k.ID, wrong)
	}
	return errors.Join(errs...)
}

var (
	levels = [...]Level{
		Mandatory, Recommended, Outcome, OTARequired, OTAAdvised, Category1, Category2, Category3, Risk, LevelUnknown,
	}
	pillars   = [...]Pillar{Labelling, Education, Resiliency}
	ways      = [...]Assessment{Observe, Probe, Declare}
	channels  = [...]Channel{Wire, LAN, Web, Doc, Lab, NoChannel}
	evidences = [...]Evidence{CanRefute, CanConfirm, CanBoth, CanNeither}
	states    = [...]State{Verified, Unverified, TextMissing}
)

// checkNorm finds what is wrong in one norm of a source.
func (c *Catalogue) checkNorm(n *Norm, s *Source, wrong func(format string, args ...any)) {
	for _, word := range []struct {
		name, value string
		known       bool
	}{
		{"level", string(n.Status.Level), slices.Contains(levels[:], n.Status.Level)},
		{"pillar", string(n.Pillar), slices.Contains(pillars[:], n.Pillar)},
		{"assessment", string(n.Assessment), slices.Contains(ways[:], n.Assessment)},
		{"channel", string(n.Channel), slices.Contains(channels[:], n.Channel)},
		{"evidence", string(n.Evidence), slices.Contains(evidences[:], n.Evidence)},
		{"state", string(n.State), slices.Contains(states[:], n.State)},
	} {
		if !word.known {
			wrong("%s %q is not known", word.name, word.value)
		}
	}
	for _, way := range n.Also {
		if !slices.Contains(ways[:], way) || way == n.Assessment {
			wrong("also %q is not known, or is said already", way)
		}
	}
	for _, w := range []Words{n.Title, n.Text, n.How} {
		whole(w, n.ID, func(_, format string, args ...any) { wrong(format, args...) })
	}
	if (n.State == Verified) != (n.Reason == nil) {
		wrong("state %s and a reason against it must go together", n.State)
	}
	if (n.Channel == NoChannel) != (n.Evidence == CanNeither) {
		wrong("channel %s and evidence %s do not go together", n.Channel, n.Evidence)
	}
	for _, key := range n.Status.Conditions {
		if _, ok := s.Conditions[key]; !ok {
			wrong("%s has no condition %q", s.ID, key)
		}
	}
	for _, key := range n.Status.Features {
		if _, ok := s.Features[key]; !ok {
			wrong("%s has no feature %q", s.ID, key)
		}
	}
	for _, key := range n.Sources {
		if !slices.ContainsFunc(s.References, func(r Reference) bool { return r.ID == key }) {
			wrong("%s has no reference %q", s.ID, key)
		}
	}
	if len(n.Sources) == 0 {
		wrong("rests on nothing")
	}
	c.resolve(n.Related, wrong)
}

// resolve finds identifiers that name no norm, and such as are not in the order of the catalogue.
func (c *Catalogue) resolve(ids []string, wrong func(format string, args ...any)) {
	last := -1
	for _, id := range ids {
		place, ok := c.place[id]
		switch {
		case !ok:
			wrong("there is no norm %q", id)
		case place <= last:
			wrong("%s is out of order", id)
		}
		last = place
	}
}

// whole finds words that lack a language.
func whole(w Words, id string, wrong func(id, format string, args ...any)) {
	if w.English == "" || w.French == "" || w.English == w.French {
		wrong(id, "not in both languages: %q, %q", w.English, w.French)
	}
}
