package sqlite_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/notice"
)

// What is queued is there after a restart, once for each occasion, with what was told; what is over is forgotten.
func TestWhatIsToBeToldIsKept(t *testing.T) {
	name := filepath.Join(t.TempDir(), "home.db")
	s := open(t, name)
	at := time.Date(2026, 11, 29, 18, 0, 0, 0, time.UTC)
	d := &notice.Delivery{Channel: "a", Occasion: "week", At: at, Until: at.Add(time.Hour), Next: at, State: notice.Waiting, Message: notice.Message{Week: &notice.Week{Sentence: "s"}}}
	other := *d
	other.Message = notice.Message{Week: &notice.Week{Sentence: "another"}}
	gone := &notice.Delivery{Channel: "b", Occasion: "week", At: at.Add(-time.Minute), State: notice.Waiting, Message: notice.Message{Alert: &notice.Alert{}}}
	for _, list := range [][]*notice.Delivery{{d, gone}, {&other}} {
		if err := s.Queue(t.Context(), list, []string{"k", "l"}, at); err != nil {
			t.Fatal(err)
		}
	}
	d.State, d.Tries, d.Trouble, d.Next = notice.GivenUp, 3, "refused", at.Add(time.Minute)
	if err := s.SaveDelivery(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, name)
	list, err := s.Deliveries(t.Context(), 10)
	if err != nil || len(list) != 2 || list[0].Channel != "a" || list[0].Message.Week.Sentence != "s" || list[0].State != notice.GivenUp || list[0].Tries != 3 || list[0].Trouble != "refused" || !list[0].Next.Equal(d.Next) || !list[0].Until.Equal(d.Until) {
		t.Fatalf("%+v %v", list, err)
	}
	if err := s.Forget(t.Context(), []string{"l", "m"}); err != nil {
		t.Fatal(err)
	}
	if told, err := s.Told(t.Context()); err != nil || len(told) != 1 || !told["k"].Equal(at) {
		t.Errorf("%v %v", told, err)
	}
	if err := s.ForgetDeliveries(t.Context(), at, []string{"a"}); err != nil {
		t.Fatal(err)
	}
	list, err = s.Deliveries(t.Context(), 10)
	if left := slices.Collect(func(yield func(string) bool) {
		for _, d := range list {
			yield(d.Channel)
		}
	}); err != nil || len(left) != 1 || left[0] != "a" {
		t.Errorf("left: %v %v", left, err)
	}
	if err := s.ForgetDeliveries(t.Context(), at.Add(time.Second), []string{"a"}); err != nil {
		t.Fatal(err)
	}
	if list, err = s.Deliveries(t.Context(), 10); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
}
