package record_test

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/advisory/record"
)

func list(t *testing.T, r io.Reader) (out []string, err error) {
	t.Helper()
	err = record.List(r, []string{"items"}, func(raw json.RawMessage) error {
		out = append(out, string(raw))
		return nil
	}, nil)
	return out, err
}

func TestRecordsComeOneByOneAsTheyStandThere(t *testing.T) {
	for _, text := range []string{`[{"a": 1}, 2]`, `{"x": {"items": [9]}, "items": [{"a": 1}, 2], "y": []}`} {
		got, err := list(t, strings.NewReader(text))
		if err != nil || len(got) != 2 || got[0] != `{"a": 1}` {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

func TestWhatIsCutOrWrongIsToldWithItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		`{"items": [{"a": 1}, {"b"`: "in the middle", `{"items": [1, x]}`: "at octet", `{"items": 7}`: "no list", `"items"`: "neither", ``: "in the middle", `{"items": {}}`: "no list",
	} {
		_, err := list(t, strings.NewReader(text))
		if !errors.Is(err, record.ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// endless is a list with one record that never ends.
type endless struct{ begun bool }

func (e *endless) Read(p []byte) (int, error) {
	if !e.begun {
		e.begun = true
		return copy(p, `["`), nil
	}
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestARecordThatNeverEndsIsGivenUp(t *testing.T) {
	if _, err := list(t, &endless{}); !errors.Is(err, record.ErrLarge) {
		t.Error(err)
	}
	var v any
	if _, err := record.Document(&endless{}, &v); !errors.Is(err, record.ErrLarge) {
		t.Error(err)
	}
}

func TestTimesAreReadAsFeedsWriteThem(t *testing.T) {
	want := time.Date(2026, 11, 26, 20, 30, 58, 0, time.UTC)
	for _, s := range []string{"2026-11-26T20:30:58Z", "2026-11-26T20:30:58.000Z", "2026-11-26T15:30:58-05:00", "Nov 26, 2026, 8:30:58 PM", "2026-11-26 20:30:58"} {
		if got := record.Time(s); !got.Equal(want) {
			t.Errorf("%s: %v", s, got)
		}
	}
	for _, s := range []string{"", "soon", "2026-13-01", strings.Repeat("1", 1000)} {
		if got := record.Time(s); !got.IsZero() {
			t.Errorf("%s: %v", s, got)
		}
	}
}

func FuzzList(f *testing.F) {
	f.Add([]byte(`{"x": 1, "items": [{"a": 1}, 2]}`))
	f.Add([]byte(`[1,2`))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := 0
		err := record.List(strings.NewReader(string(data)), []string{"items"}, func(raw json.RawMessage) error {
			n++
			if !json.Valid(raw) {
				t.Errorf("a record that is no JSON: %q", raw)
			}
			return nil
		}, nil)
		if err == nil && n == 0 && len(data) == 0 {
			t.Error("nothing is a list")
		}
		if s := record.Text(string(data)); len(s) > record.MaxText || !utf8.ValidString(s) {
			t.Errorf("%q", s)
		}
	})
}
