package notice_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/notice"
)

// ids are the identifiers of what was sent, of one schema.
func ids(t *testing.T, list []post, schema string) (all []string) {
	t.Helper()
	for _, p := range list {
		var doc struct{ Schema, ID string }
		if err := json.Unmarshal(p.body, &doc); err != nil {
			t.Fatal(err)
		}
		if doc.Schema == schema {
			all = append(all, doc.ID)
		}
	}
	return all
}

// A digest is written once, whatever begins anew: the program, or the clock.
func TestADigestIsSentOnceAcrossRestarts(t *testing.T) {
	x := newReceiver(t)
	h := newHouse(t)
	h.add(t, x.hook())
	dir := h.Dir
	for h.now.Before(evening.AddDate(0, 0, 28)) {
		h.start(t, dir, h.store)
		h.steps(t, 7*time.Hour, 150*time.Minute)
	}
	got := ids(t, x.all(), notice.WeekSchema)
	if len(got) != 4 || got[0] == got[1] {
		t.Errorf("in four weeks: %v", got)
	}
}

// What was due before somebody asked for it, or long ago, is not sent.
func TestADigestThatIsNoNewsIsNotSent(t *testing.T) {
	x := newReceiver(t)
	h := newHouse(t)
	h.now = evening.Add(7 * time.Hour) // an hour after it was due
	h.add(t, x.hook())
	h.steps(t, 24*time.Hour, time.Hour)
	if n := len(x.all()); n != 0 {
		t.Errorf("%d digests of the week before", n)
	}
	h.now = evening.Add(7*24*time.Hour + 4*24*time.Hour) // the machine was off: Thursday
	h.steps(t, 24*time.Hour, time.Hour)
	if n := len(x.all()); n != 0 {
		t.Errorf("%d digests four days late", n)
	}
	h.now = evening.Add(14*24*time.Hour + 30*time.Hour) // a Monday evening
	h.steps(t, time.Hour, time.Hour)
	if n := len(x.all()); n != 1 {
		t.Errorf("%d digests a day late, want 1", n)
	}
}

// forgetful is a ledger that fails once, as if the program were killed after something was sent and before that is known.
type forgetful struct {
	notice.Ledger
	fail bool
}

var errKilled = errors.New("killed")

func (f *forgetful) SaveDelivery(ctx context.Context, d *notice.Delivery) error {
	if d.State == notice.Sent && f.fail {
		f.fail = false
		return errKilled
	}
	return f.Ledger.SaveDelivery(ctx, d)
}

func TestWhatWasSentAndNotMarkedIsSentAgainUnderTheSameIdentifier(t *testing.T) {
	x := newReceiver(t)
	h := newHouse(t)
	h.add(t, x.hook())
	h.steps(t, time.Hour, time.Hour)
	f := &forgetful{h.store, true}
	h.start(t, h.Dir, f)
	h.now = evening.Add(6 * time.Hour)
	if err := h.Step(t.Context()); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	h.start(t, h.Dir, h.store)
	h.steps(t, 24*time.Hour, 10*time.Minute)
	if got := ids(t, x.all(), notice.WeekSchema); len(got) != 2 || got[0] != got[1] {
		t.Errorf("%v", got)
	}
}

// What cannot be sent is tried less and less often, told as a fault, and given up when it is no news.
func TestAServerThatIsAwayIsTriedWithinBounds(t *testing.T) {
	x := newReceiver(t)
	x.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	h := newHouse(t)
	id := h.add(t, x.hook())
	h.steps(t, 30*time.Hour, 15*time.Minute)
	if err := h.faults["send notices to channel "+id]; kind(err) != "rejected" {
		t.Errorf("no fault: %v", h.faults)
	}
	first := len(x.all())
	h.steps(t, 6*24*time.Hour, time.Hour)
	n := len(x.all())
	if first < 5 || n < first || n > 25 {
		t.Errorf("%d attempts in a day, %d until it was given up", first, n)
	}
	list, err := h.store.Deliveries(t.Context(), 10)
	if err != nil || len(list) != 1 || list[0].State != notice.GivenUp {
		t.Errorf("%+v %v", list, err)
	}
	x.mu.Lock()
	x.answer = nil
	x.mu.Unlock()
	h.steps(t, 24*time.Hour, time.Hour) // the next Sunday
	if err := h.faults["send notices to channel "+id]; err != nil || len(x.all()) != n+1 {
		t.Errorf("after it is back: %v, %d", err, len(x.all())-n)
	}
}

func (h *house) cause(class notice.Class, device string) {
	h.causes = append(h.causes, notice.Cause{
		Key: fmt.Sprint(class, device), Since: h.now, Class: class, Device: device, Name: "the " + device, What: "it happened", Do: "Do something.",
	})
}

// Nothing that is so when alerts are switched on interrupts, nor do the devices of the first day: else all of a home would.
func TestABeginningDoesNotInterrupt(t *testing.T) {
	x := newReceiver(t)
	h := newHouse(t)
	h.cause(notice.Harm, "camera")
	h.cause(notice.Newcomer, "lamp")
	h.add(t, x.hook())
	h.steps(t, time.Hour, 10*time.Minute)
	for i := range 9 {
		h.cause(notice.Newcomer, fmt.Sprint("thing", i))
		h.steps(t, 20*time.Minute, 10*time.Minute)
	}
	if got := ids(t, x.all(), notice.AlertSchema); len(got) != 0 {
		t.Errorf("%d interruptions on the first day", len(got))
	}
	h.now = h.now.Add(48 * time.Hour)
	h.steps(t, time.Hour, 10*time.Minute)
	h.cause(notice.Newcomer, "guest")
	h.steps(t, time.Minute, time.Minute)
	if got := ids(t, x.all(), notice.AlertSchema); len(got) != 0 {
		t.Error("it is told before it is known what it is")
	}
	h.steps(t, 10*time.Minute, time.Minute)
	if got := ids(t, x.all(), notice.AlertSchema); len(got) != 1 {
		t.Errorf("%d interruptions for a new device", len(got))
	}
}

// However much happens, a home interrupts so many times a day, not at night, and not twice for the same.
func TestInterruptionsKeepToTheirBudget(t *testing.T) {
	x := newReceiver(t)
	h := newHouse(t)
	h.now = evening.Add(20 * time.Hour) // Monday, 8:00
	h.add(t, x.hook())
	h.steps(t, time.Hour, 10*time.Minute)
	times := func() []time.Time {
		var all []time.Time
		for _, p := range x.all() {
			var a notice.Alert
			if err := json.Unmarshal(p.body, &a); err == nil && a.Schema == notice.AlertSchema {
				validate(t, "home-alert.json", p.body)
				all = append(all, a.At)
			}
		}
		return all
	}
	for i := range 3 * 48 { // something new each half an hour, for three days
		h.cause(notice.Harm, fmt.Sprint("device", i))
		h.steps(t, 30*time.Minute, 15*time.Minute)
	}
	all := times()
	if len(all) < 3*notice.Budget-2 || len(all) > 3*notice.Budget+1 {
		t.Errorf("%d interruptions in three days, with a budget of %d a day", len(all), notice.Budget)
	}
	for i, at := range all {
		if hour := at.Local().Hour(); hour >= 22 || hour < 7 {
			t.Errorf("an interruption at %s", at.Local())
		}
		if i >= notice.Budget && at.Sub(all[i-notice.Budget]) < 24*time.Hour {
			t.Errorf("%d interruptions within %s", notice.Budget+1, at.Sub(all[i-notice.Budget]))
		}
	}
	h.steps(t, 10*24*time.Hour, 2*time.Hour) // the same things go on, and nothing is new
	if n := len(times()); n > len(all)+1 {
		t.Errorf("%d interruptions more for what was told", n-len(all))
	}
}

// What a digest tells interrupts nobody afterwards. What it does not is told: what it had no room for, what began while it was
// written, and who was not known yet; and all, where a channel gets no digest.
func TestADigestTakesFromAlertsWhatItTellsAlone(t *testing.T) {
	x := []notice.Mention{{Device: "x", Name: "x", Text: "it"}}
	for name, c := range map[string]struct {
		class  notice.Class
		before time.Duration // that it begins; 0 is while the digest is written
		tells  func(w *notice.Week)
		late   bool // another channel begins after the digest was due
		want   int
	}{
		"an action":         {notice.Harm, time.Minute, func(w *notice.Week) { w.Actions[0].Device = "x" }, false, 0},
		"a finding":         {notice.Harm, time.Minute, func(w *notice.Week) { w.Found = x }, false, 0},
		"a label":           {notice.Cut, time.Minute, func(w *notice.Week) { w.Labels = x }, false, 0},
		"a newcomer":        {notice.Newcomer, 5 * time.Minute, func(w *notice.Week) { w.New = x }, false, 0},
		"no room":           {notice.Harm, time.Minute, func(w *notice.Week) { w.More = "and one more" }, false, 1},
		"only that it came": {notice.Harm, time.Minute, func(w *notice.Week) { w.New = x }, false, 1},
		"not known yet":     {notice.Newcomer, time.Minute, func(w *notice.Week) { w.New = x }, false, 1},
		"meanwhile":         {notice.Harm, 0, func(*notice.Week) {}, false, 1},
		"a later channel":   {notice.Harm, time.Minute, func(w *notice.Week) { w.Found = x }, true, 1},
	} {
		r := newReceiver(t)
		h := newHouse(t)
		h.now = evening.AddDate(0, 0, -2)
		hook := r.hook()
		h.add(t, hook)
		h.steps(t, time.Hour, time.Hour)
		h.now = evening.Add(6*time.Hour + time.Minute) // it was due a minute ago
		if c.late {
			h.add(t, hook)
		}
		begin := func() {
			h.causes = []notice.Cause{{Key: "k", Since: h.now.Add(-c.before), Class: c.class, Device: "x", Name: "x", What: "it", Do: "Do it."}}
		}
		if c.before > 0 {
			begin()
		}
		h.during = func(w *notice.Week) {
			c.tells(w)
			if c.before == 0 {
				begin()
			}
		}
		h.steps(t, time.Hour, time.Minute)
		if n := len(ids(t, r.all(), notice.WeekSchema)); n != 1 {
			t.Errorf("%s: %d digests", name, n)
		}
		n := len(ids(t, r.all(), notice.AlertSchema))
		if c.late {
			n /= 2
		}
		if n != c.want {
			t.Errorf("%s: %d interruptions, want %d", name, n, c.want)
		}
	}
}

// A server that does not answer holds up no other, nor what is found out meanwhile.
func TestASilentServerHoldsUpNoOther(t *testing.T) {
	free := make(chan struct{})
	slow := newReceiver(t)
	slow.answer = func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-free:
		case <-r.Context().Done():
		}
	}
	x := newReceiver(t)
	h := newHouse(t)
	h.add(t, slow.hook())
	h.add(t, slow.hook())
	h.add(t, x.hook())
	h.steps(t, time.Hour, time.Hour)
	h.now = evening.Add(6 * time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Step(ctx) }()
	for deadline := time.Now().Add(time.Minute); len(x.all()) == 0 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
	}
	if n := len(x.all()); n != 1 {
		t.Errorf("%d digests arrived while another server was silent", n)
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if list, err := h.store.Deliveries(t.Context(), 10); err != nil || slices.ContainsFunc(list, func(d *notice.Delivery) bool { return d.State == notice.Sent }) {
			break
		}
	}
	cancel() // the program ends meanwhile
	if err := <-done; err != nil {
		t.Error(err)
	}
	close(free)
	h.start(t, h.Dir, h.store)
	h.steps(t, time.Hour, 10*time.Minute)
	if n := len(x.all()); n != 1 {
		t.Errorf("%d digests for one", n)
	}
}

// What was sent is forgotten in time, however much there is of it.
func TestWhatWasSentIsForgottenInTime(t *testing.T) {
	x := newReceiver(t)
	h := newHouse(t)
	id := h.add(t, x.hook())
	var list []*notice.Delivery
	for i := range 500 {
		at := h.now.Add(-100 * 24 * time.Hour)
		if i >= 50 {
			at = h.now.Add(-time.Duration(i) * time.Minute)
		}
		list = append(list, &notice.Delivery{Channel: id, Occasion: fmt.Sprint("alert ", i), At: at, Until: at, State: notice.Sent})
	}
	if err := h.store.Queue(t.Context(), list, nil, h.now); err != nil {
		t.Fatal(err)
	}
	h.steps(t, 26*time.Hour, 2*time.Hour)
	kept, err := h.store.Deliveries(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range kept {
		if h.now.Sub(d.At) > 91*24*time.Hour {
			t.Fatalf("%s of %s is kept", d.Occasion, d.At)
		}
	}
	if len(kept) < 450 {
		t.Errorf("%d are kept", len(kept))
	}
}

// What waits for the morning is told in one message, the worst first, one thing of a device; what is over by then is not.
func TestTheNightIsToldInTheMorning(t *testing.T) {
	x := newReceiver(t)
	h := newHouse(t)
	h.add(t, x.hook())
	h.steps(t, 11*time.Hour, time.Hour) // 23:00
	h.cause(notice.Cut, "lamp")
	h.cause(notice.Harm, "camera")
	h.cause(notice.Cut, "camera")
	h.cause(notice.Harm, "plug")
	h.cause(notice.Harm, "cup")
	h.steps(t, 2*time.Hour, time.Hour)
	h.causes = h.causes[:len(h.causes)-1] // the household said that this is normal
	h.steps(t, 9*time.Hour, time.Hour)
	var got []notice.Alert
	for _, p := range x.all() {
		var a notice.Alert
		if err := json.Unmarshal(p.body, &a); err == nil && a.Schema == notice.AlertSchema {
			got = append(got, a)
		}
	}
	if len(got) != 1 {
		t.Fatalf("%d interruptions", len(got))
	}
	var order []string
	for _, c := range got[0].Causes {
		order = append(order, string(c.Class)+" "+c.Device)
	}
	if s := strings.Join(order, ", "); s != "harm camera, harm plug, cut lamp" || got[0].At.Local().Hour() != 7 {
		t.Errorf("at %s: %s", got[0].At.Local(), s)
	}
}

// Who wants the digest alone is not interrupted, and costs the home nothing until it is due.
func TestWhoWantsTheDigestAloneIsNotInterrupted(t *testing.T) {
	x := newReceiver(t)
	h := newHouse(t)
	c := x.hook()
	c.Alerts = false
	h.add(t, c)
	h.steps(t, 2*time.Hour, time.Hour)
	h.cause(notice.Harm, "camera")
	if h.asked != 0 {
		t.Errorf("asked %d times what there is to tell", h.asked)
	}
	h.steps(t, 5*time.Hour, time.Hour)
	if got := x.all(); len(ids(t, got, notice.AlertSchema)) != 0 || len(ids(t, got, notice.WeekSchema)) != 1 {
		t.Errorf("%d posts", len(got))
	}
}

// A defect in what there is to tell is told as a fault, and takes nothing else down.
func TestADefectOfWhatIsToldTakesNothingDown(t *testing.T) {
	h := newHouse(t)
	h.add(t, newReceiver(t).hook())
	h.steps(t, time.Hour, time.Hour)
	h.now = evening.Add(6 * time.Hour)
	h.during = func(*notice.Week) { panic("a name, for a test") }
	ctx, cancel := context.WithCancel(t.Context())
	h.Fault = func(_ context.Context, what string, err error) {
		if ctx.Err() == nil { // what follows is that it was told to end
			h.faults[what] = err
		}
		cancel()
	}
	if err := h.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if err := h.faults["see what to tell"]; err == nil || !strings.Contains(err.Error(), "a name, for a test") {
		t.Errorf("no fault: %v", h.faults)
	}
}

// A channel that is removed is sent nothing more, not even what waited for it.
func TestARemovedChannelIsSentNothing(t *testing.T) {
	x := newReceiver(t)
	x.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	h := newHouse(t)
	id := h.add(t, x.hook())
	h.steps(t, 7*time.Hour, 30*time.Minute)
	n := len(x.all())
	if n == 0 {
		t.Fatal("nothing was tried")
	}
	if err := h.Change(func(s *notice.Settings) error { s.Channels = nil; return nil }); err != nil {
		t.Fatal(err)
	}
	h.steps(t, 24*time.Hour, time.Hour)
	list, err := h.store.Deliveries(t.Context(), 10)
	if err != nil || len(x.all()) != n || len(list) != 0 || h.faults["send notices to channel "+id] != nil {
		t.Errorf("%d more, %v, %v", len(x.all())-n, list, h.faults)
	}
}

// Nothing is due by a clock that nobody set.
func TestAClockThatIsNotSetSendsNothing(t *testing.T) {
	x := newReceiver(t)
	h := newHouse(t)
	h.Floor = evening
	h.add(t, x.hook())
	h.now = time.Date(1970, 1, 4, 17, 0, 0, 0, time.Local)
	h.steps(t, 24*time.Hour, time.Hour)
	if n := len(x.all()); n != 0 {
		t.Errorf("%d posts in 1970", n)
	}
}

// Secrets are in one file, which its owner alone may read. Another server is not given that of the one before.
func TestSecretsStayWhereTheyWerePut(t *testing.T) {
	h := newHouse(t)
	c := notice.Channel{Kind: notice.Ntfy, Server: "https://ntfy.example", Topic: "x", Secret: "tk_s3cr3t", Lang: locale.French}
	c.ID = h.add(t, c)
	info, err := os.Stat(filepath.Join(h.Dir, "notices.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	change := func(c notice.Channel) string {
		if err := h.Change(func(s *notice.Settings) error { s.Put(c); return nil }); err != nil {
			t.Fatal(err)
		}
		return h.Settings().Channels[0].Secret
	}
	c.Secret, c.Topic = "", "y"
	if got := change(c); got != "tk_s3cr3t" {
		t.Errorf("with another topic, the secret is %q", got)
	}
	c.Server = "https://evil.example"
	if got := change(c); got != "" {
		t.Error("another server is given the secret")
	}
	h.start(t, h.Dir, h.store)
	if s := h.Settings(); len(s.Channels) != 1 || s.Channels[0].Topic != "y" || s.At != 18*60 {
		t.Errorf("after a restart: %+v", s)
	}
}

func TestTheNextDigestIsOnItsDay(t *testing.T) {
	for _, x := range []struct{ now, next string }{
		{"2026-11-29 17:59", "2026-11-29 18:00"},
		{"2026-11-29 18:00", "2026-12-06 18:00"},
		{"2026-11-30 00:00", "2026-12-06 18:00"},
		{"2026-12-05 23:59", "2026-12-06 18:00"},
	} {
		now, err := time.ParseInLocation("2006-01-02 15:04", x.now, time.Local)
		if err != nil {
			t.Fatal(err)
		}
		if got := notice.DefaultPlan.Next(now).Format("2006-01-02 15:04"); got != x.next {
			t.Errorf("after %s: %s, want %s", x.now, got, x.next)
		}
	}
	paris, err := time.LoadLocation("Europe/Paris") // which Go brings along
	if err != nil {
		t.Fatal(err)
	}
	plan := notice.Digest{Day: time.Sunday, At: 2*60 + 30} // an hour that there is not once a year, and twice
	for _, day := range []time.Time{time.Date(2026, 3, 28, 12, 0, 0, 0, paris), time.Date(2026, 10, 24, 12, 0, 0, 0, paris)} {
		next := plan.Next(day)
		if d := next.Sub(day); d < 13*time.Hour || d > 17*time.Hour {
			t.Errorf("after %s: %s", day, next)
		}
		if again := plan.Next(next); again.Sub(next) < 6*24*time.Hour {
			t.Errorf("after %s: %s", next, again)
		}
	}
}
