package detect

import (
	"hash/fnv"
	"math"
)

// letters are how often each letter comes in a hundred of English text, from a to z: common knowledge, and near enough
// for names in other languages of Latin letters.
var letters = [26]float64{
	8.2, 1.5, 2.8, 4.3, 12.7, 2.2, 2.0, 6.1, 7.0, 0.15, 0.77, 4.0, 2.4, 6.7, 7.5, 1.9, 0.095, 6.0, 6.3, 9.1, 2.8, 0.98, 2.4, 0.15, 2.0, 0.074,
}

// chance is how much more likely it is that somebody made up the name than that it was drawn by chance: the logarithm
// for each of its letters and digits, on average about 0.7 for words, and -0.3 for letters and -0.5 for letters and digits that are drawn by chance.
func chance(name string) (sum float64, n int) {
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z':
			sum += math.Log(letters[c-'a'] / 100 * 36)
		case c >= '0' && c <= '9', c >= 0x80, c < ' ':
			sum += math.Log(0.36) // a digit in a hundred, each; names in other letters are written in these (RFC 3492)
		default:
			continue
		}
		n++
	}
	return sum, n
}

// distinct tells which of some hundreds of texts are different, most of the time, in a few octets.
type distinct [16]uint64

// add reports whether the text is likely to be new.
func (d *distinct) add(text string) bool {
	h := fnv.New32a()
	h.Write([]byte(text))
	x := h.Sum32() * 0x9e3779b1 >> 22 // ten bits
	bit := uint64(1) << (x & 63)
	if d[x>>6]&bit != 0 {
		return false
	}
	d[x>>6] |= bit
	return true
}
