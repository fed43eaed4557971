package locale

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// space is a space at which no line breaks. French as the Office québécois de la langue française sets
// it uses this one in numbers and before units, colons and closing guillemets; no thin spaces.
const space = "\u00a0"

// Octets is a number of octets, shown as a size.
type Octets uint64

// Fraction is a part of one, shown in hundredths.
type Fraction float64

// Number writes n with its thousands apart: 1,234 in English, 1 234 in French.
func (c *Catalogue) Number(n int64) string { return c.group(strconv.FormatInt(n, 10)) }

// Decimal writes x with at most that many digits after the point, or comma; zeros at the end are left out.
func (c *Catalogue) Decimal(x float64, digits int) string {
	whole, part, _ := strings.Cut(strconv.FormatFloat(x, 'f', digits, 64), ".")
	part = strings.TrimRight(part, "0")
	if whole == "-0" && part == "" {
		whole = "0"
	}
	whole = c.group(whole)
	switch {
	case part == "":
		return whole
	case c.lang == French:
		return whole + "," + part
	default:
		return whole + "." + part
	}
}

// group puts the thousands of a whole number apart.
func (c *Catalogue) group(digits string) string {
	separator := ","
	if c.lang == French {
		separator = space
	}
	first := 0 // digits before the first separator are a group of one to three
	for first < len(digits) && (digits[first] < '0' || digits[first] > '9') {
		first++
	}
	var b strings.Builder
	for i := range len(digits) {
		if i > first && (len(digits)-i)%3 == 0 {
			b.WriteString(separator)
		}
		b.WriteByte(digits[i])
	}
	return b.String()
}

// Percent writes a fraction in hundredths: 12% in English, 12 % in French.
func (c *Catalogue) Percent(f Fraction) string {
	return c.Text("format.percent", "value", c.Decimal(float64(f)*100, 0))
}

// Size writes octets in the largest decimal unit of which there is at least one: 1.5 kB, 1,5 ko.
func (c *Catalogue) Size(n Octets) string {
	units := [...]string{"b", "kb", "mb", "gb", "tb"}
	x, unit, digits := float64(n), 0, 0
	for unit < len(units)-1 && x >= 999.5 { // what rounds to a thousand belongs to the next unit
		x /= 1000
		unit++
	}
	if unit > 0 && x < 9.95 {
		digits = 1
	}
	return c.Text("format.size."+units[unit], "value", c.Decimal(x, digits))
}

// Duration writes d in words, in its two largest units.
func (c *Catalogue) Duration(d time.Duration) string {
	const day = 24 * time.Hour
	units := [...]struct {
		key  string
		size time.Duration
	}{{"format.days", day}, {"format.hours", time.Hour}, {"format.minutes", time.Minute}, {"format.seconds", time.Second}}

	for i, u := range units {
		small := u
		if i+1 < len(units) {
			small = units[i+1]
		}
		r := d.Round(small.size)
		if r < u.size {
			continue
		}
		text := c.Text(u.key, "n", int64(r/u.size))
		if rest := r % u.size / small.size; rest > 0 && small != u {
			text += " " + c.Text(small.key, "n", int64(rest))
		}
		return text
	}
	return c.Text("format.instant")
}

// Date writes the day of t in words: 22 November 2026, 22 novembre 2026.
func (c *Catalogue) Date(t time.Time) string {
	day := strconv.Itoa(t.Day())
	if c.lang == French && t.Day() == 1 {
		day = "1er"
	}
	return c.Text("format.date", "day", day, "month", c.Text("format.month."+strconv.Itoa(int(t.Month()))), "year", strconv.Itoa(t.Year()))
}

// Clock writes the time of day of t: 08:05, 8 h 05.
func (c *Catalogue) Clock(t time.Time) string {
	if c.lang == French {
		return strconv.Itoa(t.Hour()) + space + "h" + space + t.Format("04")
	}
	return t.Format("15:04")
}

// Time writes day and time of t, in the time zone of t.
func (c *Catalogue) Time(t time.Time) string { return c.Date(t) + ", " + c.Clock(t) }

// List writes items one after the other: a, b and c.
func (c *Catalogue) List(items []string) string {
	switch n := len(items); n {
	case 0:
		return ""
	case 1:
		return items[0]
	default:
		return c.Text("format.list", "first", strings.Join(items[:n-1], ", "), "last", items[n-1])
	}
}

// Capital is s with a capital in front, as a sentence begins.
func Capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError { // nothing, or no text
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}
