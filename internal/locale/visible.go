package locale

import "unicode"

// Visible is a rune as it is shown, for strings.Map: what a reader cannot see and what misleads (controls, and what turns the
// direction of text, UAX #9 §2) is U+FFFD, for names come from strangers. Lines and tabs stay, and what joins letters or emoji.
func Visible(r rune) rune {
	const nonJoiner, joiner = '\u200c', '\u200d'
	switch {
	case r < 0x7f && r >= ' ', r == '\n', r == '\t', r == nonJoiner, r == joiner:
		return r
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp):
		return unicode.ReplacementChar
	}
	return r
}
