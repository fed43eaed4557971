package identify

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"plimsoll.example/plimsoll/internal/device"
)

// read calls yield with the columns of each line of a file.
func (k *Knowledge) read(name string, needSource bool, yield func(at place, columns []string) error) error {
	sourced := false
	data, err := files.ReadFile("knowledge/" + name)
	if err != nil {
		return err
	}
	at := place{file: uint8(len(k.files))}
	k.files = append(k.files, name)
	var columns [8]string
	for text := string(data); text != ""; {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		at.line++
		switch {
		case line == "" || line[0] == '#':
			continue
		case line[0] == '[':
			key := strings.Trim(line, "[]")
			i := slices.IndexFunc(k.sources, func(s Source) bool { return s.Key == key })
			if i < 0 {
				return fmt.Errorf("%s:%d: source %q is not in sources.txt", name, at.line, key)
			}
			at.source, sourced = uint8(i), true
			continue
		case !sourced && needSource:
			return fmt.Errorf("%s:%d: stands before the first [source]", name, at.line)
		}
		n := 0
		for rest, more := line, true; more && n < len(columns); n++ {
			columns[n], rest, more = cutColumn(rest)
		}
		if err := yield(at, columns[:n]); err != nil {
			return fmt.Errorf("%s:%d: %w", name, at.line, err)
		}
	}
	return nil
}

// cutColumn cuts at the first bar that has no backslash before it.
func cutColumn(s string) (column, rest string, more bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '|':
			return strings.TrimSpace(s[:i]), s[i+1:], true
		}
	}
	return strings.TrimSpace(s), "", false
}

var errColumns = errors.New("wrong number of columns")

// readSource reads: key | title | licence | address
func (k *Knowledge) readSource(_ place, c []string) error {
	if len(c) != 4 {
		return errColumns
	}
	if slices.ContainsFunc(k.sources, func(s Source) bool { return s.Key == c[0] }) {
		return fmt.Errorf("source %q stands twice", c[0])
	}
	k.sources = append(k.sources, Source{c[0], c[1], c[2], c[3]})
	return nil
}

// readCategory reads: category | kind | share
func (k *Knowledge) readCategory(_ place, c []string) error {
	if len(c) != 3 {
		return errColumns
	}
	share, err := strconv.ParseFloat(c[2], 64)
	if err != nil || share <= 0 {
		return fmt.Errorf("share %q is not a positive number", c[2])
	}
	if len(k.categories) == maxCategories {
		return errors.New("too many categories")
	}
	cat := category{name: c[0], share: share, said: c[0] == "other"}
	for i, name := range kindNames {
		if c[1] == string(name) {
			cat.kind = uint8(i)
			k.covers[cat.name] = 1 << len(k.categories)
			k.covers[string(name)] |= 1 << len(k.categories)
			k.categories = append(k.categories, cat)
			return nil
		}
	}
	return fmt.Errorf("kind %q is none", c[1])
}

// normalise makes the shares add up to one.
func (k *Knowledge) normalise() {
	sum := 0.0
	for _, c := range k.categories {
		sum += c.share
	}
	for i := range k.categories {
		c := &k.categories[i]
		c.share /= sum
		k.logPrior[i] = float32(math.Log(c.share))
		for _, name := range device.Categories {
			c.said = c.said || name == c.name
		}
	}
}

// readMaker reads: maker and how sure | what it makes | assignees in the IEEE registry, between semicolons
//
// In modules.txt the maker is empty: such an assignee sells parts to makers of devices.
func (k *Knowledge) readMaker(at place, c []string) error {
	if len(c) != 3 {
		return errColumns
	}
	maker, sure, err := cutSure(c[0])
	if err != nil {
		return err
	}
	what, err := k.belief(c[1], maker != "")
	if err != nil {
		return err
	}
	if maker != "" && k.makes[maker] == nil && what != nil {
		k.makes[maker] = what // the first line of a maker tells of the whole
		k.addManufacturer(at, escape(maker)+"*", maker)
	}
	for rest, more := c[2], true; more; {
		var assignee string
		assignee, rest, more = strings.Cut(rest, ";")
		if assignee = strings.TrimSpace(assignee); assignee == "" {
			continue
		}
		if err := checkPattern(assignee); err != nil {
			return err
		}
		k.add(at, factAssignee, entry{pattern: assignee, maker: maker, makerSure: sure, what: what})
		if maker != "" && maker != "$1" {
			k.addManufacturer(at, assignee, maker)
		}
	}
	return nil
}

// addManufacturer notes that this is how a maker calls itself in a description of a device.
func (k *Knowledge) addManufacturer(at place, pattern, maker string) {
	key := strings.ToLower(pattern)
	if k.spelled[key] {
		return
	}
	k.spelled[key] = true
	k.add(at, "manufacturer", entry{pattern: pattern, maker: maker, makerSure: 0.97})
}

// readBrand reads: brand | the maker that owns it
func (k *Knowledge) readBrand(_ place, c []string) error {
	if len(c) != 2 {
		return errColumns
	}
	if k.owners[c[0]] != "" {
		return fmt.Errorf("brand %q stands twice", c[0])
	}
	k.owners[c[0]] = c[1]
	return nil
}

// readEntry reads: fact | pattern | maker and how sure | model and how sure | categories and how sure
//
// Trailing columns may be missing.
func (k *Knowledge) readEntry(at place, c []string) (err error) {
	if len(c) < 3 || len(c) > 5 {
		return errColumns
	}
	e := entry{pattern: c[1]}
	name, condition, ok := strings.Cut(c[0], "{")
	if ok {
		field, like, ok := strings.Cut(strings.TrimSuffix(condition, "}"), "=")
		if !ok {
			return fmt.Errorf("%q is not {field=pattern}", condition)
		}
		if err := checkPattern(like); err != nil {
			return err
		}
		e.where = &where{field, like}
	}
	if err := checkPattern(e.pattern); err != nil {
		return err
	}
	if e.maker, e.makerSure, err = cutSure(c[2]); err != nil {
		return err
	}
	if len(c) > 3 {
		if e.model, e.modelSure, err = cutSure(c[3]); err != nil {
			return err
		}
	}
	if len(c) > 4 {
		if e.what, err = k.belief(c[4], false); err != nil {
			return err
		}
	}
	if (strings.Contains(e.maker, "$1") || strings.Contains(e.model, "$1")) && !hasCapture(e.pattern) {
		return errors.New("$1 without a capture in the pattern")
	}
	for _, g := range groups {
		if slices.Contains(g.facts, name) {
			return fmt.Errorf("%s belongs to the group %q: use that", name, g.name)
		}
	}
	if name == "manufacturer" {
		k.spelled[strings.ToLower(e.pattern)] = true
	}
	k.add(at, name, e)
	return nil
}

func (k *Knowledge) add(at place, name string, e entry) {
	e.fact = k.factID(name)
	e.family = familyOf(name)
	e.place = at
	k.entries = append(k.entries, e)
}

// factID numbers the facts and groups that entries speak of.
func (k *Knowledge) factID(name string) uint8 {
	if id, ok := k.ids[name]; ok {
		return id
	}
	id := uint8(len(k.ids))
	k.ids[name] = id
	k.facts[name] = fact{id: id, family: familyOf(name)}
	return id
}

// cutSure splits "Philips 95" into "Philips" and 0.95.
func cutSure(s string) (text string, sure float32, err error) {
	if s == "" {
		return "", 0, nil
	}
	i := strings.LastIndexByte(s, ' ')
	percent, err := strconv.Atoi(s[i+1:])
	if i < 0 || err != nil {
		return "", 0, fmt.Errorf("%q does not end in a percentage", s)
	}
	if percent < 1 || percent > 99 {
		return "", 0, fmt.Errorf("%d %% is not between 1 and 99", percent)
	}
	return s[:i], float32(percent) / 100, nil
}

// escape makes text a pattern for itself.
func escape(s string) string {
	if !strings.ContainsAny(s, `*?#%()\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(`*?#%()\`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// How much one entry can speak against a category at most, so that two that are quite sure of different ones
// leave it open: a factor of 20; what an address speaks against, which nobody makes up, of 150.
const (
	leastLog      = -3.0
	leastMakerLog = -5.0
)

// belief reads "camera 80, doorbell 10": what remains is spread over the rest as before anything was
// seen. In place of a category may stand a kind, which is spread over its categories. Of a maker, the kinds
// of device that are not listed at all get a tenth of that: who makes plugs seldom makes telephones too.
func (k *Knowledge) belief(s string, ofMaker bool) (*belief, error) {
	if s == "" {
		return nil, nil
	}
	key := s
	if ofMaker {
		key = "maker " + s
	}
	if b, ok := k.shares[key]; ok {
		return b, nil
	}
	// What the names cover, and the prior share of it.
	var given [maxCategories]float64
	var listed uint32
	var mentioned [kinds]bool
	sum := 0.0
	for rest, more := s, true; more; {
		var part string
		part, rest, more = strings.Cut(rest, ",")
		name, sure, err := cutSure(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		cover := k.covers[name]
		if cover == 0 {
			return nil, fmt.Errorf("%q is neither a category nor a kind", name)
		}
		mass := 0.0
		for m := cover; m != 0; m &= m - 1 {
			mass += k.categories[bits.TrailingZeros32(m)].share
		}
		for m := cover; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			given[i] += float64(sure) * k.categories[i].share / mass
			mentioned[k.categories[i].kind] = true
		}
		listed |= cover
		sum += float64(sure)
	}
	if sum > 0.995 {
		return nil, fmt.Errorf("%q leaves nothing for what else it might be", s)
	}
	// What remains, as a factor on the prior share of what is not listed, by kind.
	var factor, factorLog [kinds]float64
	free := 0.0
	for i := range factor {
		factor[i] = 1
		if ofMaker && !mentioned[i] {
			factor[i] = 0.1
		}
	}
	for i, c := range k.categories {
		if listed&(1<<i) == 0 {
			free += c.share * factor[c.kind]
		}
	}
	for i := range factor {
		factor[i] *= (1 - sum) / free
		factorLog[i] = math.Log(factor[i])
	}
	least := leastLog
	if ofMaker {
		least = leastMakerLog
	}
	b := &belief{}
	var mass, prior [kinds]float64
	for i, c := range k.categories {
		p := c.share * factor[c.kind]
		b.log[i] = float32(max(factorLog[c.kind], least))
		if listed&(1<<i) != 0 {
			p = given[i]
			b.log[i] = float32(math.Log(p / c.share))
		}
		b.strength = max(b.strength, float32(p))
		if b.log[i] > b.log[b.top] {
			b.top = uint8(i)
		}
		mass[c.kind] += p
		prior[c.kind] += c.share
	}
	for i := range b.kind {
		b.kind[i] = float32(math.Log(mass[i] / prior[i]))
	}
	k.shares[key] = b
	return b, nil
}
