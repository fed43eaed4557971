package locale

import (
	"math"
	"testing"
	"time"
)

func TestNumbers(t *testing.T) {
	en, fr := New(English), New(French)
	for _, tt := range []struct {
		n      int64
		en, fr string
	}{
		{0, "0", "0"},
		{-7, "-7", "-7"},
		{999, "999", "999"},
		{1000, "1,000", "1\u00a0000"},
		{-100000, "-100,000", "-100\u00a0000"},
		{1234567, "1,234,567", "1\u00a0234\u00a0567"},
		{math.MinInt64, "-9,223,372,036,854,775,808", "-9\u00a0223\u00a0372\u00a0036\u00a0854\u00a0775\u00a0808"},
	} {
		if got := en.Number(tt.n); got != tt.en {
			t.Errorf("%d: got %q, want %q", tt.n, got, tt.en)
		}
		if got := fr.Number(tt.n); got != tt.fr {
			t.Errorf("%d: got %q, want %q", tt.n, got, tt.fr)
		}
	}
}

func TestDecimals(t *testing.T) {
	en, fr := New(English), New(French)
	for _, tt := range []struct {
		x      float64
		digits int
		en, fr string
	}{
		{1234.5, 2, "1,234.5", "1\u00a0234,5"},
		{0.126, 2, "0.13", "0,13"},
		{-0.001, 2, "0", "0"},
		{999.999, 1, "1,000", "1\u00a0000"},
		{3, 2, "3", "3"},
		{2.5, 0, "2", "2"},
		{math.NaN(), 1, "NaN", "NaN"},
		{math.Inf(-1), 1, "-Inf", "-Inf"},
	} {
		if got := en.Decimal(tt.x, tt.digits); got != tt.en {
			t.Errorf("%v: got %q, want %q", tt.x, got, tt.en)
		}
		if got := fr.Decimal(tt.x, tt.digits); got != tt.fr {
			t.Errorf("%v: got %q, want %q", tt.x, got, tt.fr)
		}
	}
}

func TestSizes(t *testing.T) {
	en, fr := New(English), New(French)
	for _, tt := range []struct {
		n      Octets
		en, fr string
	}{
		{0, "0\u00a0B", "0\u00a0o"},
		{999, "999\u00a0B", "999\u00a0o"},
		{1000, "1\u00a0kB", "1\u00a0ko"},
		{1500, "1.5\u00a0kB", "1,5\u00a0ko"},
		{9_949, "9.9\u00a0kB", "9,9\u00a0ko"},
		{9_950, "10\u00a0kB", "10\u00a0ko"},
		{42_100, "42\u00a0kB", "42\u00a0ko"},
		{999_499, "999\u00a0kB", "999\u00a0ko"},
		{999_500, "1\u00a0MB", "1\u00a0Mo"},
		{2_340_000_000, "2.3\u00a0GB", "2,3\u00a0Go"},
		{math.MaxUint64, "18,446,744\u00a0TB", "18\u00a0446\u00a0744\u00a0To"},
	} {
		if got := en.Size(tt.n); got != tt.en {
			t.Errorf("%d: got %q, want %q", tt.n, got, tt.en)
		}
		if got := fr.Size(tt.n); got != tt.fr {
			t.Errorf("%d: got %q, want %q", tt.n, got, tt.fr)
		}
	}
}

func TestDurations(t *testing.T) {
	en, fr := New(English), New(French)
	for _, tt := range []struct {
		d      time.Duration
		en, fr string
	}{
		{-time.Hour, "less than a second", "moins d’une seconde"},
		{0, "less than a second", "moins d’une seconde"},
		{400 * time.Millisecond, "less than a second", "moins d’une seconde"},
		{600 * time.Millisecond, "1\u00a0second", "1\u00a0seconde"},
		{45 * time.Second, "45\u00a0seconds", "45\u00a0secondes"},
		{59700 * time.Millisecond, "1\u00a0minute", "1\u00a0minute"},
		{63 * time.Second, "1\u00a0minute 3\u00a0seconds", "1\u00a0minute 3\u00a0secondes"},
		{time.Hour, "1\u00a0hour", "1\u00a0heure"},
		{2*time.Hour + 5*time.Minute + 29*time.Second, "2\u00a0hours 5\u00a0minutes", "2\u00a0heures 5\u00a0minutes"},
		{time.Hour + 59*time.Minute + 45*time.Second, "2\u00a0hours", "2\u00a0heures"},
		{23*time.Hour + 59*time.Minute + 40*time.Second, "1\u00a0day", "1\u00a0jour"},
		{49 * time.Hour, "2\u00a0days 1\u00a0hour", "2\u00a0jours 1\u00a0heure"},
		{1500 * 24 * time.Hour, "1,500\u00a0days", "1\u00a0500\u00a0jours"},
	} {
		if got := en.Duration(tt.d); got != tt.en {
			t.Errorf("%v: got %q, want %q", tt.d, got, tt.en)
		}
		if got := fr.Duration(tt.d); got != tt.fr {
			t.Errorf("%v: got %q, want %q", tt.d, got, tt.fr)
		}
	}
}

func TestDatesAndTimes(t *testing.T) {
	en, fr := New(English), New(French)
	for _, tt := range []struct {
		t      time.Time
		en, fr string
	}{
		{time.Date(2026, 11, 22, 20, 5, 59, 0, time.UTC), "22 November 2026, 20:05", "22 novembre 2026, 20\u00a0h\u00a005"},
		{time.Date(2026, 8, 1, 7, 0, 0, 0, time.UTC), "1 August 2026, 07:00", "1er août 2026, 7\u00a0h\u00a000"},
		{time.Date(2026, 1, 31, 0, 30, 0, 0, time.FixedZone("", -5*3600)), "31 January 2026, 00:30", "31 janvier 2026, 0\u00a0h\u00a030"},
	} {
		if got := en.Time(tt.t); got != tt.en {
			t.Errorf("%v: got %q, want %q", tt.t, got, tt.en)
		}
		if got := fr.Time(tt.t); got != tt.fr {
			t.Errorf("%v: got %q, want %q", tt.t, got, tt.fr)
		}
	}
}

func TestLists(t *testing.T) {
	en, fr := New(English), New(French)
	for _, tt := range []struct {
		items  []string
		en, fr string
	}{
		{nil, "", ""},
		{[]string{"a"}, "a", "a"},
		{[]string{"a", "b"}, "a and b", "a et b"},
		{[]string{"a", "{last}", "c"}, "a, {last} and c", "a, {last} et c"},
	} {
		if got := en.List(tt.items); got != tt.en {
			t.Errorf("%v: got %q, want %q", tt.items, got, tt.en)
		}
		if got := fr.List(tt.items); got != tt.fr {
			t.Errorf("%v: got %q, want %q", tt.items, got, tt.fr)
		}
	}
}

func TestASentenceBeginsWithACapital(t *testing.T) {
	for s, want := range map[string]string{"": "", "a": "A", "éclair": "Éclair", "3 lamps": "3 lamps", "\xffx": "\xffx"} {
		if got := Capital(s); got != want {
			t.Errorf("%q begins as %q, want %q", s, got, want)
		}
	}
}
