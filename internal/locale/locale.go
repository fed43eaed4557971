// Package locale says things in a person's language: messages from a catalogue, and numbers, sizes,
// dates, durations and lists as that language writes them.
//
// The messages are en.json and fr.json: flat objects, a key to a text. A text may hold named places,
// as in "{name} was first seen {when}". A text that depends on a number is an object with a form for "one"
// and a form for "other", chosen by the argument called n:
//
//	"inspect.devices": {"one": "{n} device", "other": "{n} devices"}
//
// English has "one" for 1 alone, French for 0 and 1 (Unicode CLDR, plural rules).
package locale

import (
	"fmt"
	"strconv"
	"strings"
)

// Lang is a language that Plimsoll speaks, as its ISO 639 code.
type Lang string

// The languages. They are equals; English is what somebody gets who asks for neither.
const (
	English Lang = "en"
	French  Lang = "fr"
)

// Languages are all of them, in the order in which they are shown.
var Languages = []Lang{English, French}

// For chooses the language: the one that the flag names, else the one of the environment, by POSIX's
// order of LC_ALL, LC_MESSAGES and LANG. It is an error to ask by flag for one that Plimsoll does not speak.
func For(flag string, getenv func(string) string) (Lang, error) {
	if flag != "" {
		switch l := language(flag); l {
		case English, French:
			return l, nil
		default:
			return English, fmt.Errorf("language %q is not known: choose en or fr", flag)
		}
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := getenv(name); value != "" {
			if language(value) == French {
				return French, nil
			}
			break
		}
	}
	return English, nil
}

// language is the language alone of a locale name such as fr_CA.UTF-8 or fr-CA.
func language(name string) Lang {
	if i := strings.IndexAny(name, "_-.@"); i >= 0 {
		name = name[:i]
	}
	return Lang(strings.ToLower(name))
}

// maxRanges bounds the languages of a request that are looked at.
const maxRanges = 32

// Accepted chooses the language by what a request accepts (RFC 9110 §12.5.4): of those that Plimsoll speaks, the one with
// the greatest weight, and of equals the first; otherwise, where it names none of them.
func Accepted(header string, otherwise Lang) Lang {
	best, weight := otherwise, 0.0
	n := 0
	for part := range strings.SplitSeq(header, ",") {
		if n++; n > maxRanges {
			break
		}
		name, parameters, _ := strings.Cut(part, ";")
		q := 1.0
		if value, ok := strings.CutPrefix(strings.TrimSpace(parameters), "q="); ok {
			var err error
			if q, err = strconv.ParseFloat(strings.TrimSpace(value), 64); err != nil || !(q >= 0 && q <= 1) {
				continue
			}
		}
		switch l := language(strings.TrimSpace(name)); l {
		case English, French:
			if q > weight {
				best, weight = l, q
			}
		}
	}
	return best
}
