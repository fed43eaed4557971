package conformance

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/certtest"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/web/control"
)

var kills = flag.Int("kills", 25, "how often the gateway is killed while it decides")

// The gateway is killed at random instants, some of them while it starts, under traffic of both families and while
// several people decide. Five things must be so each time: nothing that was acknowledged is lost; the database is whole;
// two seconds after the next start the rules are those that a gateway makes that never ran before; a device that is held
// gets nothing through meanwhile; and what others may do goes on.
func TestAGatewayThatIsKilledLosesNothingAndLetsNothingThrough(t *testing.T) {
	k := newKilling(t)
	var b table
	defer b.print(t)
	began := time.Now()
	for round := range *kills {
		k.round(round)
		if t.Failed() && k.faults > 10 {
			break
		}
	}
	k.traffic.end()
	b.check(t, "acknowledged decisions that were lost", 0, k.lost)
	b.check(t, "databases that were not whole", 0, k.damaged)
	b.check(t, "starts after which the rules were not those intended in 2 s", 0, k.late)
	b.check(t, "packets of a held device that came through", 0, k.leaked())
	b.check(t, "times that a device was treated otherwise than decided", 0, k.wrong)
	b.check(t, "conversations of others that were cut", 0, k.traffic.cut())
	b.check(t, "times that an address was told, and its rule did not stand", 0, int(k.unready.Load()))
	b.check(t, "addresses told before that were not reached after", 0, k.forgotten)
	t.Logf("%d kills in %v, %d of them while it started; %d decisions acknowledged, %d that nobody was told of kept; %d packets of held devices sent to where they may not; %d round trips of others, the longest %v, %d datagrams lost; %d times the machine stood still and nothing was judged; rules as intended after %v at most, %v in the middle",
		*kills, time.Since(began).Round(time.Second), k.early, k.acknowledged, k.unheard, k.sent.Load(), k.traffic.trips.Load(),
		time.Duration(k.traffic.slowest.Load()).Round(time.Millisecond), k.traffic.lost.Load(), k.traffic.excused.Load(),
		slices.Max(k.took).Round(time.Millisecond), median(k.took).Round(time.Millisecond))
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

// counted is a port that killing listens on: packets that come are counted by sender, and answered.
const counted = 5600

// killing is a house whose gateway is killed again and again.
type killing struct {
	*house
	t        *testing.T
	random   *rand.Rand
	sink     sink
	traffic  *traffic
	scratch  *namespace // where what is intended is made
	dut      *thing     // that is decided about
	lamp     *thing     // too
	still    *thing     // that is held all the time
	ids      map[string]string
	names    []string
	toldMu   sync.Mutex
	told     map[netip.Addr]bool // where names led the device that is held
	sent     atomic.Int64
	unready  atomic.Int64
	took     []time.Duration
	faults   int
	lost     int
	damaged  int
	late     int
	wrong    int
	early    int
	unheard  int
	passed   int // packets of the device that is decided about, while it was to be held
	acked    []*home.Decision
	seen     map[int64]bool
	rotation int

	acknowledged, forgotten int
}

func newKilling(t *testing.T) *killing {
	t.Helper()
	own(t)
	h := newHouse(t)
	k := &killing{
		house: h, t: t, random: rand.New(rand.NewPCG(7, uint64(*kills))), scratch: newNamespace(t, "scratch"), ids: map[string]string{},
		told: map[netip.Addr]bool{}, seen: map[int64]bool{}, dut: h.add("dut", 10), lamp: h.add("lamp", 11), still: h.add("still", 12),
	}
	phone, tablet := h.add("phone", 13), h.add("tablet", 14)
	var from []entry
	for i := range 4 {
		name := fmt.Sprintf("c%d.maker.example", i)
		k.names = append(k.names, name)
		from = append(from, entry{
			"ip":  map[string]any{"ietf-acldns:dst-dnsname": name, "protocol": 17},
			"udp": map[string]any{"destination-port": map[string]any{"operator": "eq", "port": counted}},
		})
	}
	port := func(direction string, n int) map[string]any {
		return map[string]any{direction + "-port": map[string]any{"operator": "eq", "port": n}}
	}
	from = append(from, entry{
		"ipv4": map[string]any{"destination-ipv4-network": wide(4, 53).String() + "/32", "protocol": 6},
		"ipv6": map[string]any{"destination-ipv6-network": wide(6, 53).String() + "/128", "protocol": 6},
		"tcp":  port("destination", counted),
	})
	to := []entry{{
		"ipv4": map[string]any{"source-ipv4-network": wide(4, 1).String() + "/32", "protocol": 6},
		"ipv6": map[string]any{"source-ipv6-network": wide(6, 1).String() + "/128", "protocol": 6},
		"tcp":  port("destination", inward),
	}}
	for _, f := range []int{4, 6} {
		for _, n := range []int{20, 21, 22, 23, 24, 30, 53} {
			k.sink.listen(t, h.internet, netip.AddrPortFrom(wide(f, n), counted))
		}
		k.sink.listen(t, k.still.namespace, netip.AddrPortFrom(lan(f, k.still.number), inward))
		k.sink.listen(t, phone.namespace, netip.AddrPortFrom(lan(f, phone.number), inward))
	}
	h.names.lead("cloud.maker.example", wide(4, 23))
	k.rotate()
	maker := newMaker(t, h.internet, h.root, wide(4, 10), nil)
	url := maker.publish(t, "dut", from, to, certtest.Issue(t, h.anchor, "signer", nil), nil)
	h.start()
	for _, d := range []*thing{k.dut, k.lamp, k.still, phone, tablet} {
		link := url
		if d == phone || d == tablet {
			link = ""
		}
		d.dhcp(t, 3, link)
		d.hello(lan(4, d.number))
		d.hello(lan(6, d.number))
	}
	for _, d := range []*thing{phone, tablet} {
		h.until("the devices are known", func() bool { return h.device(d).State != "" })
		h.mustAsk("admit", d.mac.String(), "--as", "full")
	}
	for _, d := range []*thing{k.dut, k.lamp, k.still} {
		h.until("the devices are held", func() bool { return h.device(d).State == "held" && len(h.device(d).Addresses) >= 2 })
		list, err := k.devices()
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
			if len(x.MACs) > 0 && x.MACs[0].String() == d.mac.String() {
				k.ids[d.name] = x.ID
			}
		}
	}
	k.traffic = newTraffic(t)
	for _, f := range []int{4, 6} {
		k.traffic.begin(phone.namespace, "tcp", netip.AddrPortFrom(wide(f, 30), counted))
		k.traffic.begin(phone.namespace, "udp", netip.AddrPortFrom(wide(f, 30), counted))
		k.traffic.begin(k.still.namespace, "tcp", netip.AddrPortFrom(wide(f, 53), counted))
		k.traffic.begin(h.internet, "tcp", netip.AddrPortFrom(lan(f, k.still.number), inward), wide(f, 1))
		k.traffic.begin(tablet.namespace, "tcp", netip.AddrPortFrom(lan(f, phone.number), inward))
		k.traffic.anew(phone.namespace, netip.AddrPortFrom(wide(f, 24), counted))
		k.probe(k.still, netip.AddrPortFrom(wide(f, 30), counted))
		k.probe(k.dut, netip.AddrPortFrom(wide(f, 30), counted))
		k.ask(f)
	}
	return k
}

// rotate has the names lead elsewhere, as those of content networks do.
func (k *killing) rotate() {
	k.rotation++
	for i, name := range k.names {
		n := 20 + (k.rotation+i)%5
		k.house.names.lead(name, wide(4, n), wide(6, n))
	}
}

// probe sends to where a device may not, unless it is free, until the test ends.
func (k *killing) probe(d *thing, to netip.AddrPort) {
	c := d.begin(nil, "udp", to)
	if c == nil {
		k.t.Fatal("no socket")
	}
	k.traffic.run(func() {
		_, _ = c.Write([]byte("a packet to probe"))
		k.sent.Add(1)
		time.Sleep(5 * time.Millisecond)
	}, func() { c.Close() })
	if d == k.still {
		k.traffic.run(func() {
			k.sent.Add(1)
			if x := d.begin(nil, "tcp", to); x != nil {
				x.Close()
			}
		}, func() {})
	}
}

// ask has the device that is held ask where names lead, and go there at once.
func (k *killing) ask(family int) {
	n := family
	k.traffic.run(func() {
		n++
		list, err := k.still.lookUp(k.names[n%len(k.names)], family)
		if err != nil { // nobody answers while nobody runs
			time.Sleep(10 * time.Millisecond)
			return
		}
		for _, a := range list {
			began := time.Now()
			if !k.still.echoes(netip.AddrPortFrom(a, counted)) && !k.traffic.excuses(began) {
				k.unready.Add(1)
			}
			k.toldMu.Lock()
			k.told[a] = true
			k.toldMu.Unlock()
		}
		time.Sleep(5 * time.Millisecond)
	}, func() {})
}

// echoes reports whether a datagram is answered.
func (n *namespace) echoes(at netip.AddrPort) bool {
	c := n.begin(nil, "udp", at)
	if c == nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte("one of sixteen..")); err != nil {
		return false
	}
	_, err := c.Read(make([]byte, 64))
	return err == nil
}

// round is one kill.
func (k *killing) round(n int) {
	k.rotate()
	tried := k.decideUntil(func() {
		time.Sleep(time.Duration(k.random.IntN(350)) * time.Millisecond)
		k.stop(syscall.SIGKILL)
	})
	if n%4 == 3 { // once more, while it starts
		k.early++
		k.spawn()
		time.Sleep(time.Duration(k.random.IntN(120)) * time.Millisecond)
		k.stop(syscall.SIGKILL)
	}
	k.whileDown(tried)
	stances := k.kept()
	k.restart()
	k.after(stances)
}

// decideUntil has two people decide while something is done. It returns the devices about which one may have decided
// without being told.
func (k *killing) decideUntil(done func()) (unsure map[string]bool) {
	var group sync.WaitGroup
	end := make(chan struct{})
	var mu sync.Mutex
	unsure = map[string]bool{}
	for _, who := range []*thing{k.dut, k.lamp} {
		seed := k.random.Uint64()
		group.Go(func() {
			random := rand.New(rand.NewPCG(seed, 1))
			for {
				select {
				case <-end:
					return
				default:
				}
				d, undo, err := k.decide(random, k.ids[who.name])
				var refused *refusal
				switch {
				case err == nil:
					mu.Lock()
					k.acked = append(k.acked, d)
					mu.Unlock()
				case !errors.As(err, &refused): // the gateway is gone
					mu.Lock()
					unsure[k.ids[who.name]] = true
					if undo { // of whatever was decided last
						unsure[k.ids[k.dut.name]] = true
					}
					mu.Unlock()
					return
				}
			}
		})
	}
	done()
	close(end)
	group.Wait()
	return unsure
}

// whileDown looks whether the rules that stand, with nobody who keeps them, are those of the last decision.
func (k *killing) whileDown(unsure map[string]bool) {
	var last *home.Decision
	for _, d := range k.acked {
		if d.Device == k.ids["dut"] && (last == nil || d.Seq > last.Seq) {
			last = d
		}
	}
	came := k.sink.from(k.dut)
	time.Sleep(time.Duration(60+k.random.IntN(150)) * time.Millisecond)
	came = k.sink.from(k.dut) - came
	if unsure[k.ids["dut"]] || last == nil {
		return // the one that nobody was told of may be in force, or not
	}
	switch free := last.After.State == home.Free; {
	case !free && came > 0:
		k.passed += came
		k.fault("nobody runs, it is %s, and %d packets came through", last.After.State, came)
	case free && came == 0:
		k.wrong++
		k.fault("nobody runs, it is free, and nothing came through")
	}
}

// kept looks at the database as the kill left it, and returns the stances in it.
func (k *killing) kept() map[string]home.Stance {
	dir := k.copyState()
	defer os.RemoveAll(dir)
	stances := map[string]home.Stance{}
	if err := whole(filepath.Join(dir, "home.db")); err != nil {
		k.damaged++
		k.fault("the database: %v", err)
		return stances
	}
	s, err := sqlite.Open(k.t.Context(), filepath.Join(dir, "home.db"))
	if err != nil {
		k.damaged++
		k.fault("open the database: %v", err)
		return stances
	}
	defer s.Close()
	last := map[string]*home.Decision{}
	bySeq := map[int64]*home.Decision{}
	for before := int64(0); ; {
		list, err := s.Decisions(k.t.Context(), "", before, 500)
		if err != nil {
			k.t.Fatal(err)
		}
		for _, d := range list {
			bySeq[d.Seq], before = d, d.Seq
			if l := last[d.Device]; l == nil || d.Seq > l.Seq {
				last[d.Device] = d
			}
		}
		if len(list) < 500 {
			break
		}
	}
	k.acknowledged = len(k.acked)
	for _, d := range k.acked {
		k.seen[d.Seq] = true
		switch have := bySeq[d.Seq]; {
		case have == nil, have.Verb != d.Verb, have.Device != d.Device, string(mustJSON(have.After)) != string(mustJSON(d.After)):
			k.lost++
			k.fault("decision %d, %s %s, was acknowledged, and is %+v", d.Seq, d.Verb, d.Device, have)
		}
	}
	for seq, d := range bySeq {
		if !k.seen[seq] && d.Actor != home.Program {
			k.seen[seq] = true
			k.unheard++
		}
	}
	list, err := s.Devices(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	for _, d := range list {
		stances[d.ID] = d.Stance
		if l := last[d.ID]; l != nil && string(mustJSON(l.After)) != string(mustJSON(d.Stance)) {
			k.lost++
			k.fault("%s is %+v, and the last decision about it, %d, made it %+v", d.ID, d.Stance, l.Seq, l.After)
		}
	}
	return stances
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// whole has SQLite look at all of a database.
func whole(name string) error {
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return err
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRow("pragma integrity_check").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return errors.New(verdict)
	}
	rows, err := db.Query("pragma foreign_key_check")
	if err != nil {
		return err
	}
	defer rows.Close()
	if rows.Next() {
		return errors.New("a key leads nowhere")
	}
	return rows.Err()
}

// copyState copies what is kept.
func (k *killing) copyState() string {
	dir, err := os.MkdirTemp("", "plimsoll-kept-")
	if err != nil {
		k.t.Fatal(err)
	}
	for _, name := range []string{"home.db", "home.db-wal", "names.jsonl"} {
		data, err := os.ReadFile(filepath.Join(k.dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			k.t.Fatal(err)
		}
	}
	return dir
}

// restart starts the gateway again, and waits until the rules are those that a gateway makes that never ran before.
func (k *killing) restart() {
	began := time.Now()
	k.spawn()
	var gap string
	for time.Since(began) < 2*time.Second || time.Since(began) < 15*time.Second && k.traffic.excuses(began) {
		if _, err := k.devices(); err == nil {
			if gap = k.gap(); gap == "" {
				k.took = append(k.took, time.Since(began))
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	k.late++
	k.took = append(k.took, time.Since(began))
	k.fault("%s: 2 s after the start, the rules are not those intended:\n%s", time.Now().UTC().Format(time.TimeOnly), gap)
	k.until("the gateway answers", func() bool { _, err := k.devices(); return err == nil })
}

// after looks whether devices are treated as was decided.
func (k *killing) after(stances map[string]home.Stance) {
	list, err := k.devices()
	if err != nil {
		k.t.Fatal(err)
	}
	for _, d := range list {
		if want, ok := stances[d.ID]; ok && string(mustJSON(want)) != string(mustJSON(d.Stance)) {
			k.wrong++
			k.fault("%s was kept as %+v, and is %+v", d.ID, want, d.Stance)
		}
	}
	came := k.sink.from(k.dut)
	time.Sleep(100 * time.Millisecond)
	came = k.sink.from(k.dut) - came
	switch state := stances[k.ids["dut"]].State; {
	case state == home.Free && came == 0:
		k.wrong++
		k.fault("it is free, and nothing came through")
	case state != home.Free && came > 0:
		k.passed += came
		k.fault("it is %s, and %d packets came through", state, came)
	}
	k.toldMu.Lock()
	told := make([]netip.Addr, 0, len(k.told))
	for a := range k.told {
		told = append(told, a)
	}
	k.toldMu.Unlock()
	for _, a := range told {
		reached := false
		for range 5 { // again only where the machine stood still
			began := time.Now()
			if reached = k.still.echoes(netip.AddrPortFrom(a, counted)); reached || !k.traffic.excuses(began) {
				break
			}
		}
		if !reached {
			k.forgotten++
			k.fault("a name led to %s before the kill, and it is not reached", a)
		}
	}
}

// leaked is how many packets came through that must not.
func (k *killing) leaked() int {
	n := k.passed
	for _, f := range []int{4, 6} {
		n += k.sink.count(lan(f, k.still.number), wide(f, 30))
	}
	return n
}

func (k *killing) fault(format string, args ...any) {
	k.faults++
	k.t.Errorf(format, args...)
}

// refusal is an answer that something cannot be done.
type refusal struct{ problem control.Problem }

func (r *refusal) Error() string { return r.problem.Detail }

// call speaks to the gateway as its verbs do, and starts no program for it.
func (h *house) call(method, path string, body, v any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://gateway/api/v1/"+path, bytes.NewReader(mustJSON(body)))
	if err != nil {
		return err
	}
	c := control.Client(h.socket())
	defer c.CloseIdleConnections()
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var p control.Problem
		if err := json.Unmarshal(data, &p); err != nil {
			return err
		}
		return &refusal{p}
	}
	return json.Unmarshal(data, v)
}

func (k *killing) devices() ([]*home.Device, error) {
	var list struct{ Devices []*home.Device }
	err := k.call(http.MethodGet, "devices", nil, &list)
	return list.Devices, err
}

// decide makes one of the decisions that people make.
func (k *killing) decide(random *rand.Rand, id string) (d *home.Decision, undo bool, err error) {
	verbs := []struct {
		verb     home.Verb
		argument string
	}{
		{home.HoldTo, ""},
		{home.Release, ""},
		{home.Admit, "none"},
		{home.Admit, "full"},
		{home.Admit, "device-only"},
		{home.Quarantine, "a test"},
		{home.Confirm, ""},
		{home.WatchOn, ""},
		{home.Undo, ""},
	}
	v := verbs[random.IntN(len(verbs))]
	d = &home.Decision{}
	if v.verb == home.Undo {
		return d, true, k.call(http.MethodPost, "undo", map[string]any{"seq": 0}, d)
	}
	return d, false, k.call(http.MethodPost, "devices/"+id, map[string]any{"verb": v.verb, "argument": v.argument}, d)
}
