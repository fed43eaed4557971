package guide

import (
	"encoding/json"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"plimsoll.example/plimsoll/internal/locale"
)

// maxGrade is the school grade by which people can read what Plimsoll says.
const maxGrade = 8.0

// leastWords is the shortest text of which a grade of its own means something.
const leastWords = 25

// measure is what reading measures count. A line that ends without a stop is a sentence too.
type measure struct{ words, sentences, syllables int }

var stop = regexp.MustCompile(`[.!?]+(\s|$)`)

func count(lang locale.Lang, texts ...string) (m measure) {
	for _, text := range texts {
		for _, sentence := range stop.Split(text, -1) {
			words := m.words
			for _, word := range strings.Fields(sentence) { // a no-break space parts words too
				if n := syllables(lang, word); n > 0 {
					m.words++
					m.syllables += n
				}
			}
			if m.words > words {
				m.sentences++
			}
		}
	}
	return m
}

// grade is the school grade, as in the United States, in which texts are read with ease.
//
// English: the Flesch-Kincaid grade (Kincaid, Fishburne, Rogers and Chissom 1975). French: reading ease by Kandel and
// Moles (1958), who fitted Flesch's measure to French, then the grade that Flesch's own table gives for that ease.
func grade(lang locale.Lang, texts ...string) float64 {
	m := count(lang, texts...)
	if m.words == 0 {
		return 0
	}
	length := float64(m.words) / float64(m.sentences)
	weight := float64(m.syllables) / float64(m.words)
	if lang == locale.French {
		return gradeOf(207 - 1.015*length - 73.6*weight)
	}
	return 0.39*length + 11.8*weight - 15.59
}

// flesch is Flesch's table (The Art of Readable Writing, 1949): each band of reading ease, by its middle, and the
// grade that it stands for. The one of 60 to 70 stands for the grades 8 and 9.
var flesch = []struct{ ease, grade float64 }{{95, 5}, {85, 6}, {75, 7}, {65, 8.5}, {55, 11}, {40, 14.5}, {15, 17}}

// gradeOf draws straight lines between the middles of the bands, and on beyond the ends.
func gradeOf(ease float64) float64 {
	i := 1
	for i < len(flesch)-1 && ease < flesch[i].ease {
		i++
	}
	a, b := flesch[i-1], flesch[i]
	return a.grade + (ease-a.ease)*(b.grade-a.grade)/(b.ease-a.ease)
}

// syllables is how many syllables a word has when it is spoken, or 0 for what is no word. Where spelling does not
// tell, it counts one more rather than one less. What is written in digits is read digit by digit.
func syllables(lang locale.Lang, word string) (n int) {
	for _, part := range strings.FieldsFunc(strings.ToLower(word), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '’' }) {
		for _, r := range part {
			if unicode.IsDigit(r) {
				n++
			}
		}
		part = strings.TrimFunc(part, func(r rune) bool { return !unicode.IsLetter(r) })
		switch {
		case part == "":
		case slices.Contains(spelled, part), !strings.ContainsFunc(part, isVowel):
			n += len([]rune(part))
		case lang == locale.French:
			n += frenchSyllables(part)
		default:
			n += englishSyllables(part)
		}
	}
	return n
}

// odd are English words that the rules below count wrongly.
var odd = map[string]int{
	"app": 1, "apps": 1, "area": 3, "being": 2, "business": 2, "camera": 3, "cameras": 3, "create": 2, "done": 1, "every": 2, "everyone": 3,
	"everything": 3, "everywhere": 3, "fire": 1, "gone": 1, "idea": 3, "ideas": 3, "maybe": 2, "none": 1, "one": 1, "once": 1, "people": 2,
	"quiet": 2, "real": 1, "science": 2, "sometimes": 2, "somebody": 3, "someone": 2, "something": 2, "somewhere": 2, "video": 3, "videos": 3,
	"warehouse": 2, "whole": 1, "wi": 1, "fi": 1, "the": 1, "homeowner": 3, "sometime": 2, "lifetime": 2, "elsewhere": 2, "therefore": 2, "likely": 2,
	"lately": 2, "rarely": 2, "safely": 2, "completely": 3, "closely": 2, "household": 2, "households": 2, "homes": 1, "anyone": 3, "careful": 2,
	"useful": 2, "movement": 2, "movements": 2, "statement": 2, "basement": 2, "software": 2, "hardware": 2, "firmware": 2, "timeline": 2, "baseline": 2,
	"react": 2, "reacts": 2, "pin": 1, "nas": 1, "co": 1,
}

// spelled are abbreviations that have vowels and are read letter by letter all the same, in both languages.
var spelled = []string{"acr", "arp", "gps", "id", "ra", "smb", "upnp", "usb", "udp", "wpa"}

var (
	group    = regexp.MustCompile(`[aeiouy]+`)
	mute     = regexp.MustCompile(`[^aeiouy][^aeiouyl]?e$|[^aeiouy]es$|[^aeiouytd]ed$|[aeiouy]le$|[aeiouy]les$`)
	sounded  = regexp.MustCompile(`([sxz]|ch|sh|[cg])es$`)
	twoSound = regexp.MustCompile(`[^ctsgxln]io|[^ctsgx]ia|[^aeiouy]ia$|eo[^u]|[aeiouy]ing|ua[lt]|io$|dua|uou|ien[tc]|[^q]uie|..[^aeiouy]iers?$`)
	inner    = regexp.MustCompile(`([^aeiouy])e(ful|less|ly|ment|ments|thing|where|one|body|time|times)$`)
)

func englishSyllables(word string) int {
	word, _, _ = strings.Cut(word, "’") // ’s, n’t: no syllable, or one that the rest has
	if n, ok := odd[word]; ok {
		return n
	}
	n := len(group.FindAllString(word, -1))
	if mute.MatchString(word) && !sounded.MatchString(word) && !regexp.MustCompile(`[^aeiouy]les?$`).MatchString(word) {
		n--
	}
	if inner.MatchString(word) {
		n--
	}
	n += len(twoSound.FindAllString(word, -1))
	return max(1, n)
}

func isVowel(r rune) bool {
	return strings.ContainsRune("aàâäeéèêëiîïoôöuùûüyœæ", r)
}

// frenchSyllables counts vowel sounds. The e at the end, alone or with s, is not spoken; nt after it may be spoken.
func frenchSyllables(word string) (n int) {
	parts := strings.Split(word, "’")
	for i, part := range parts {
		if i < len(parts)-1 { // jusqu’, l’: the vowel at the end is left out, and u of qu is none
			part = strings.TrimSuffix(part, "u")
		}
		n += frenchPart([]rune(part))
	}
	return n
}

func frenchPart(w []rune) (n int) {
	end := len(w)
	if end > 1 && w[end-1] == 's' {
		end--
	}
	last := end - 1 // the place of an e that ends the word
	for i := 0; i < len(w); i++ {
		switch {
		case !isVowel(w[i]):
		case i == last && w[i] == 'e' && n > 0: // mute
		case i > 0 && isVowel(w[i-1]) && !hiatus(w, i):
		default:
			n++
		}
	}
	return n
}

// hiatus reports whether the vowel at i begins a syllable of its own though it follows another vowel.
func hiatus(w []rune, i int) bool {
	a, b := w[i-1], w[i]
	switch {
	case strings.ContainsRune("äëïöü", b), strings.ContainsRune("éèêï", a):
		return true
	case a == 'a' && strings.ContainsRune("éèoa", b), a == 'o' && strings.ContainsRune("éèoa", b), a == 'e' && strings.ContainsRune("éèoe", b):
		return true
	case a == 'y' && i > 1 && isVowel(w[i-2]): // essayer
		return true
	case a == 'y': // yeux
		return false
	case b == 'y' && i+1 < len(w) && w[i+1] == 's': // pays
		return true
	case a == 'u' && strings.ContainsRune("aàâéèoe", b):
		// The u of qu, gu and ou is no vowel of its own, and that of eu, au goes with what is before it.
		return i > 1 && !strings.ContainsRune("qgoae", w[i-2]) && !(b == 'e' && i == len(w)-1)
	case a == 'i' && i > 2 && strings.ContainsRune("aeéèo", b):
		// A consonant with l or r before: pu-bli-er, ou-bli-er, cri-er.
		return strings.ContainsRune("lr", w[i-2]) && !isVowel(w[i-3]) && w[i-3] != 'r' && w[i-3] != 'l'
	}
	return false
}

func TestSyllablesOfEnglishWords(t *testing.T) {
	for word, want := range map[string]int{
		"a": 1, "the": 1, "device": 2, "devices": 3, "router": 2, "password": 2, "internet": 3, "encryption": 3, "encrypted": 3, "update": 2, "updates": 2,
		"address": 2, "addresses": 3, "people": 2, "someone": 2, "used": 1, "needed": 2, "asked": 1, "wanted": 2, "little": 2, "cable": 2, "while": 1,
		"video": 3, "camera": 3, "privacy": 3, "security": 4, "certificate": 4, "network": 2, "networks": 2, "changes": 2, "pauses": 2, "maker’s": 2,
		"don’t": 1, "being": 2, "trying": 2, "idea": 3, "area": 3, "piano": 3, "radio": 3, "quiet": 2, "million": 2, "station": 2, "special": 2,
		"homes": 1, "likely": 2, "completely": 3, "table": 2, "tables": 2, "whole": 1, "school": 1, "early": 2, "year": 1, "Wi-Fi": 2, "192.0.2.1": 6,
		"1,024": 4, "DNS": 3, "HTTPS": 5, "“there”": 1, "yes": 1, "eye": 1, "manual": 3, "situation": 4, "usual": 3, "client": 2, "science": 2, "times": 1,
		"voice": 1, "closed": 1, "added": 2, "makes": 1, "images": 3, "uses": 2, "service": 2, "services": 3, "easier": 3, "carrier": 3, "react": 2, "UPnP": 4,
	} {
		if got := syllables(locale.English, word); got != want {
			t.Errorf("%s: %d, want %d", word, got, want)
		}
	}
}

func TestSyllablesOfFrenchWords(t *testing.T) {
	for word, want := range map[string]int{
		"le": 1, "de": 1, "que": 1, "appareil": 3, "l’appareil": 3, "appareils": 3, "routeur": 2, "mot": 1, "passe": 1, "mots": 1, "réseau": 2, "vidéo": 3,
		"chiffrement": 3, "télévision": 4, "création": 3, "pays": 2, "essayer": 3, "fille": 1, "fabricant": 3, "clé": 1, "clés": 1, "mise": 1, "mises": 1,
		"jour": 1, "caméra": 3, "thermostat": 3, "sécurité": 4, "vie": 1, "privée": 2, "Internet": 3, "oublier": 3, "situation": 4, "tuer": 2, "naïf": 2,
		"guide": 1, "quatre": 1, "lumière": 2, "lieu": 1, "lieux": 1, "réel": 2, "maïs": 2, "yeux": 1, "œil": 1, "cœur": 1, "aujourd’hui": 3, "Canada": 3,
		"oui": 1, "louer": 1, "bien": 1, "information": 4, "journée": 2, "années": 2, "éteint": 2, "VPN": 3, "UPnP": 4, "HTTPS": 5, "obéit": 3, "192.0.2.1": 6, "c’est": 1, "jusqu’à": 2, "poubelle": 2,
	} {
		if got := syllables(locale.French, word); got != want {
			t.Errorf("%s: %d, want %d", word, got, want)
		}
	}
}

func TestGradesOfTextsWhoseGradeIsKnown(t *testing.T) {
	for _, tt := range []struct {
		name     string
		lang     locale.Lang
		text     string
		from, to float64
	}{
		{"a first reader", locale.English, "The cat sat on the mat. The dog ran to the cat. They had fun.", -3, 2},
		{
			"a law", locale.English,
			"Notwithstanding any provision of this agreement to the contrary, the parties acknowledge that the confidentiality obligations " +
				"established hereunder shall continue indefinitely following the termination of their contractual relationship.", 18, 40,
		},
		{"une comptine", locale.French, "Le chat dort. Il fait beau. La lune luit. Je vais au lit.", 0, 5},
		{
			"une loi", locale.French,
			"Nonobstant toute disposition contraire de la présente convention, les parties reconnaissent que les obligations de confidentialité " +
				"établies ci-dessus demeureront applicables indéfiniment après la résiliation de leur relation contractuelle.", 16, 40,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if g := grade(tt.lang, tt.text); g < tt.from || g > tt.to {
				t.Errorf("grade %.1f, want %.0f to %.0f", g, tt.from, tt.to)
			}
		})
	}
	// By hand: 10 words in 2 sentences, 11 syllables.
	const text = "The old man sat down. He had a red apple."
	if got, want := grade(locale.English, text), 0.39*5+11.8*1.1-15.59; math.Abs(got-want) > 1e-9 {
		t.Errorf("got %v, want %v by hand", got, want)
	}
	for ease, want := range map[float64]float64{95: 5, 75: 7, 70: 7.75, 65: 8.5, 105: 4} {
		if got := gradeOf(ease); math.Abs(got-want) > 1e-9 {
			t.Errorf("ease %v is grade %v, want %v", ease, got, want)
		}
	}
}

func TestFindingsAreReadWithEase(t *testing.T) {
	for _, lang := range locale.Languages {
		words := locale.New(lang)
		worst := 0.0
		for _, f := range cases() {
			text := Explain(words, f, "Camera")
			whole := grade(lang, text.parts()...)
			worst = max(worst, whole)
			if whole > maxGrade {
				t.Errorf("%s %s %s: grade %.1f", lang, f.Kind, f.Role, whole)
			}
			for _, part := range slices.Concat([]string{text.Seen, text.Sure, text.Why, text.Undo, strings.Join(text.Do, " "), strings.Join(text.Who, " "), strings.Join(text.Call, " ")}) {
				if g := grade(lang, part); g > maxGrade && count(lang, part).words >= leastWords {
					t.Errorf("%s %s %s: grade %.1f: %q", lang, f.Kind, f.Role, g, part)
				}
			}
		}
		t.Logf("%s: the hardest finding is of grade %.1f", lang, worst)
	}
}

// What the pages of a home say, by the part of their key that tells what it is about.
func TestPagesOfAHomeAreReadWithEase(t *testing.T) {
	for _, lang := range locale.Languages {
		data, err := os.ReadFile("../locale/" + string(lang) + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var messages map[string]any
		if err := json.Unmarshal(data, &messages); err != nil {
			t.Fatal(err)
		}
		groups := map[string][]string{}
		for key, m := range messages {
			parts := strings.Split(key, ".")
			if parts[0] != "household" || strings.HasSuffix(key, ".where") { // an address on a letter is no prose
				continue
			}
			text, ok := m.(string)
			if forms, many := m.(map[string]any); many {
				text, ok = forms["other"].(string)
			}
			if !ok {
				t.Fatalf("%s: %v", key, m)
			}
			groups[parts[1]] = append(groups[parts[1]], text)
			if g := grade(lang, text); g > maxGrade && count(lang, text).words >= leastWords {
				t.Errorf("%s %s: grade %.1f: %q", lang, key, g, text)
			}
		}
		for name, list := range groups {
			if g := grade(lang, list...); g > maxGrade && count(lang, list...).words >= leastWords {
				t.Errorf("%s household.%s: grade %.1f", lang, name, g)
			}
		}
	}
}
