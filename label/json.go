package label

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// twin is a statement as people and programs read it.
type twin struct {
	GTIN string `json:"gtin"` // 14 digits
	plain
	Norms     map[string]Class `json:"norms"` // by identifier; those of the profile that are not here are not claimed
	Sensors   []string         `json:"sensors"`
	Practices []string         `json:"practices"`
}

// plain has the fields of a statement without its methods.
type plain Statement

// MarshalJSON writes the twin of the statement: the same, with words for numbers.
func (s *Statement) MarshalJSON() ([]byte, error) {
	t := twin{GTIN: s.GTIN14(), plain: plain(*s), Norms: map[string]Class{}, Sensors: s.Sensors.Words(), Practices: s.Practices.Words()}
	for i, n := range ProfileNorms(s.Profile) {
		if c := s.class(i); c != NotClaimed {
			t.Norms[n] = c
		}
	}
	return json.Marshal(t)
}

// UnmarshalJSON reads the twin of a statement. What it does not know it refuses.
func (s *Statement) UnmarshalJSON(data []byte) error {
	var t twin
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return fmt.Errorf("%w: %w", ErrStatement, err)
	}
	*s = Statement(t.plain)
	if !ValidGTIN(t.GTIN) {
		return fmt.Errorf("%w: %.20q is no GTIN, or its check digit is wrong", ErrStatement, t.GTIN)
	}
	if _, err := fmt.Sscan(trimZeros(t.GTIN), &s.GTIN); err != nil {
		return fmt.Errorf("%w: GTIN %.20q: %w", ErrStatement, t.GTIN, err)
	}
	var err error
	var b uint32
	if b, err = bits(t.Sensors, sensors); err != nil {
		return err
	}
	s.Sensors = Sensors(b)
	if b, err = bits(t.Practices, practices); err != nil {
		return err
	}
	s.Practices = Practices(b)
	norms := ProfileNorms(s.Profile)
	s.Norms = make([]byte, (len(norms)+1)/2)
	for n, c := range t.Norms {
		if !s.SetClass(n, c) {
			return fmt.Errorf("%w: profile %d has no norm %.40q", ErrStatement, s.Profile, n)
		}
	}
	return nil
}

func trimZeros(s string) string {
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	return s
}

// Words are those of the sensors, as in JSON.
func (s Sensors) Words() []string { return words(uint32(s), sensors) }

// Words are those of the practices, as in JSON.
func (p Practices) Words() []string { return words(uint32(p), practices) }

// Has reports whether a practice is stated.
func (p Practices) Has(word string) bool { return slices.Contains(p.Words(), word) }

// words are those of the bits that are set; a bit without a word is its number.
func words(b uint32, names []string) []string {
	list := []string{}
	for i := range 32 {
		if b>>i&1 == 0 {
			continue
		}
		if i < len(names) {
			list = append(list, names[i])
		} else {
			list = append(list, fmt.Sprintf("bit-%d", i))
		}
	}
	return list
}

func bits(list, names []string) (b uint32, err error) {
	for _, w := range list {
		i := slices.Index(names, w)
		if i < 0 {
			return 0, fmt.Errorf("%w: %.40q is none of %v", ErrStatement, w, names)
		}
		b |= 1 << i
	}
	return b, nil
}
