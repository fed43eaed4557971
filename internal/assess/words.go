package assess

import "plimsoll.example/plimsoll/internal/locale"

// words are an argument that is itself a text in both languages.
type words struct{ en, fr string }

// Text says it in the language of the catalogue.
func (s *Said) Text(c *locale.Catalogue) string {
	args := make([]any, len(s.Args))
	for i, a := range s.Args {
		if w, ok := a.(words); ok {
			a = w.en
			if c.Lang() == locale.French {
				a = w.fr
			}
		}
		args[i] = a
	}
	return c.Text(s.Key, args...)
}
