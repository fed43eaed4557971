package labellog_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"

	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/internal/storetest"
	"plimsoll.example/plimsoll/label"
)

// cosigner signs as a witness does, at the time of a test (C2SP tlog-cosignature).
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PrivateKey
	now  func() time.Time
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }
func (c *cosigner) Sign(msg []byte) ([]byte, error) {
	at := c.now().Unix()
	return append(binary.BigEndian.AppendUint64(nil, uint64(at)), ed25519.Sign(c.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, msg))...), nil
}

// witnessed adds witnesses to a world whose log is shut, and a policy that two of three must have cosigned.
type witnessed struct {
	*world
	lines   string
	servers []*httptest.Server
	states  []string
	away    []*atomic.Bool // whether a witness breaks off instead of answering
}

func newWitnessed(t testing.TB) *witnessed {
	t.Helper()
	w := &witnessed{world: newWorld(t)}
	w.shut(t)
	storetest.RemoveLog(w.dir)
	w.lines = "log " + w.vkey + "\n"
	for i := range 3 {
		w.addWitness(t, fmt.Sprintf("w%d", i))
	}
	w.lines += "group them 2 w0 w1 w2\nquorum them\n"
	w.policy = policy(t, w.lines)
	w.open(t, labellog.Options{Policy: w.policy})
	w.append(t, labellog.KeyAdded{Name: "authority", Key: public("authority"), From: w.day() - 1000})
	return w
}

func (w *witnessed) addWitness(t testing.TB, name string) {
	t.Helper()
	private, vkey, err := labellog.NewWitnessKey(name + ".example/witness")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.SplitN(private, "+", 5)[4])
	if err != nil {
		t.Fatal(err)
	}
	v, err := fnote.NewVerifierForCosignatureV1(vkey)
	if err != nil {
		t.Fatal(err)
	}
	logKey, err := note.NewVerifier(w.vkey)
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	s := &cosigner{v.Name(), v.KeyHash(), ed25519.NewKeyFromSeed(raw[1:]), w.now}
	witness, err := labellog.NewWitness(state, s, []note.Verifier{logKey}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	away := new(atomic.Bool)
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if away.Load() {
			panic(http.ErrAbortHandler) // the connection ends without an answer
		}
		witness.ServeHTTP(answer, r)
	}))
	t.Cleanup(server.Close)
	w.servers, w.states, w.away = append(w.servers, server), append(w.states, state), append(w.away, away)
	w.lines += fmt.Sprintf("witness %s %s %s\n", name, vkey, server.URL)
}

// monitor watches a log that is served over HTTP.
func (w *witnessed) monitor(t testing.TB) *labellog.Monitor {
	t.Helper()
	server := httptest.NewServer(labellog.Handler(w.dir))
	t.Cleanup(server.Close)
	r, err := labellog.NewReader(server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &labellog.Monitor{Reader: r, Policy: w.policy, State: filepath.Join(t.TempDir(), "state")}
}

func check(t testing.TB, m *labellog.Monitor, want ...labellog.AlarmKind) *labellog.Report {
	t.Helper()
	r, err := m.Check(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var got []labellog.AlarmKind
	for _, a := range r.Alarms {
		if !slices.Contains(got, a.Kind) {
			got = append(got, a.Kind)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("alarms %v; want %v\n%+v", got, want, r.Alarms)
	}
	return r
}

func encode(t testing.TB, leaf labellog.Leaf) []byte {
	t.Helper()
	data, err := labellog.Encode(leaf)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// force puts octets into a log that is shut, past all that Append checks: what whoever holds the log’s key can do.
func (w *witnessed) force(t testing.TB, dir string, entries ...[]byte) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	driver, err := posix.New(ctx, posix.Config{Path: dir, HTTPClient: http.DefaultClient})
	if err != nil {
		t.Fatal(err)
	}
	group, err := tessera.NewWitnessGroupFromPolicy([]byte(w.lines))
	if err != nil {
		t.Fatal(err)
	}
	o := tessera.NewAppendOptions().WithCheckpointSigner(w.signer).WithCheckpointInterval(100*time.Millisecond).
		WithBatching(256, 5*time.Millisecond).WithWitnesses(group, nil)
	a, shutdown, _, err := tessera.NewAppender(ctx, driver, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, err := a.Add(ctx, tessera.NewEntry(e))(); err != nil {
			t.Fatal(err)
		}
	}
	if err := shutdown(ctx); err != nil {
		t.Fatal(err)
	}
}

// keepDay writes the checkpoint of a day as the log does.
func (w *witnessed) keepDay(t testing.TB, day label.Day) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "landmark", day.String()), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAMonitorThatWatchesAnHonestLogIsCalm(t *testing.T) {
	w := newWitnessed(t)
	m := w.monitor(t)
	n := 0
	for range 3 {
		for range 5 {
			n++
			g := granted(t, "authority", uint32(n), w.day())
			w.append(t, g)
			w.add(time.Hour)
			if n%5 == 3 {
				hash := label.LeafHash(g.Label)
				w.append(t, labellog.StatusChange{Label: hash, Status: label.Suspended, Reason: "exploited", Evidence: [32]byte{1}})
				w.append(t, labellog.StatusChange{Label: hash, Status: label.Active, Reason: "remedied", Evidence: [32]byte{2}})
				w.append(t, labellog.SupportDate{Label: hash, Until: w.day() + 2000})
				check(t, m)
			}
		}
		w.add(19 * time.Hour)
		if err := w.log.CloseDay(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r := check(t, m)
	if r.Now.Size != w.log.Size() && r.Now.Size+1 != w.log.Size() { // the last landmark may not be published yet
		t.Errorf("it saw %d of %d", r.Now.Size, w.log.Size())
	}
	fresh := w.monitor(t)
	if r := check(t, fresh); len(r.Leaves) == 0 || r.Leaves[1].Issuer != "authority" || r.Leaves[1].Label == nil {
		t.Errorf("it does not list the leaves: %+v", r.Leaves)
	}
}

// Each attack is by whoever holds the key of the log, and has witnesses that sign what they see.
func TestWhatALogMustNotDoIsSeen(t *testing.T) {
	day := 24 * time.Hour
	suspended := func(t *testing.T, w *witnessed) [32]byte {
		g := granted(t, "authority", 1, w.day())
		w.append(t, g)
		hash := label.LeafHash(g.Label)
		w.append(t, labellog.StatusChange{Label: hash, Status: label.Suspended, Reason: "exploited", Evidence: [32]byte{1}})
		return hash
	}
	for name, c := range map[string]struct {
		attack func(t *testing.T, w *witnessed, m *labellog.Monitor)
		want   []labellog.AlarmKind
	}{
		"a label that its issuer did not grant": {func(t *testing.T, w *witnessed, m *labellog.Monitor) {
			g := granted(t, "authority", 1, w.day())
			m.Issuer, m.Expected = "authority", map[[32]byte]bool{label.LeafHash(g.Label): true, [32]byte(public("authority")): true}
			w.append(t, g)
			check(t, m)
			w.append(t, granted(t, "authority", 2, w.day()))
		}, []labellog.AlarmKind{labellog.Unexpected}},
		"a key that the issuer did not make": {func(t *testing.T, w *witnessed, m *labellog.Monitor) {
			m.Issuer, m.Expected = "authority", map[[32]byte]bool{[32]byte(public("authority")): true}
			w.append(t, labellog.KeyAdded{Name: "authority", Key: public("mallory"), From: w.day()})
		}, []labellog.AlarmKind{labellog.Unexpected}},
		"a label that nobody may grant": {func(t *testing.T, w *witnessed, _ *labellog.Monitor) {
			w.shut(t)
			w.force(t, w.dir, granted(t, "mallory", 1, w.day()).Label)
		}, []labellog.AlarmKind{labellog.BadGrant}},
		"a label by a key that ended": {func(t *testing.T, w *witnessed, _ *labellog.Monitor) {
			w.append(t, labellog.KeyEnded{Name: "authority", Key: public("authority"), Until: w.day() - 1})
			w.shut(t)
			w.force(t, w.dir, granted(t, "authority", 1, w.day()).Label)
		}, []labellog.AlarmKind{labellog.BadGrant}},
		"a restoration without evidence": {func(t *testing.T, w *witnessed, _ *labellog.Monitor) {
			hash := suspended(t, w)
			w.shut(t)
			w.force(t, w.dir, encode(t, labellog.StatusChange{At: w.now(), Label: hash, Status: label.Active, Reason: "other"}))
		}, []labellog.AlarmKind{labellog.Quiet}},
		"a bundle in which a label is active again": {func(t *testing.T, w *witnessed, m *labellog.Monitor) {
			suspended(t, w)
			b := &label.Bundle{Version: label.Version, Made: w.now().Add(time.Minute)}
			if err := b.SetStatuses(make40(label.Active)); err != nil {
				t.Fatal(err)
			}
			file, err := b.Sign(seed("registry"))
			if err != nil {
				t.Fatal(err)
			}
			if m.Bundle, err = label.ParseBundle(file, public("registry")); err != nil {
				t.Fatal(err)
			}
			m.BundleDigest = [32]byte{7}
			w.append(t, labellog.Digest{Of: labellog.BundleFile, SHA256: m.BundleDigest})
		}, []labellog.AlarmKind{labellog.Quiet}},
		"a bundle that the log does not know": {func(t *testing.T, w *witnessed, m *labellog.Monitor) {
			b := &label.Bundle{Version: label.Version, Made: w.now()}
			if err := b.SetStatuses(make40(label.Active)); err != nil {
				t.Fatal(err)
			}
			file, err := b.Sign(seed("registry"))
			if err != nil {
				t.Fatal(err)
			}
			if m.Bundle, err = label.ParseBundle(file, public("registry")); err != nil {
				t.Fatal(err)
			}
		}, []labellog.AlarmKind{labellog.UnloggedFile}},
		"support that ends sooner": {func(t *testing.T, w *witnessed, _ *labellog.Monitor) {
			g := granted(t, "authority", 1, w.day())
			w.append(t, g)
			for _, until := range []label.Day{w.day() + 950, w.day() + 940} {
				w.append(t, labellog.SupportDate{Label: label.LeafHash(g.Label), Until: until})
			}
		}, []labellog.AlarmKind{labellog.Shortened}},
		"a label of a day that was seen without it": {func(t *testing.T, w *witnessed, m *labellog.Monitor) {
			w.append(t, granted(t, "authority", 1, w.day()))
			w.add(day)
			w.append(t, granted(t, "authority", 2, w.day()))
			check(t, m)
			w.shut(t)
			w.force(t, w.dir, granted(t, "authority", 3, w.day()-1).Label)
		}, []labellog.AlarmKind{labellog.BackDated}},
		"a day that is closed twice, for a label that came late": {func(t *testing.T, w *witnessed, m *labellog.Monitor) {
			w.append(t, granted(t, "authority", 1, w.day()))
			w.add(day)
			w.append(t, granted(t, "authority", 2, w.day()))
			check(t, m)
			w.shut(t)
			late := granted(t, "authority", 3, w.day()-1)
			root, _ := label.Landmark(w.day()-1, [][]byte{late.Label})
			w.force(t, w.dir, late.Label)
			w.keepDay(t, w.day()-1)
			w.force(t, w.dir, encode(t, labellog.Landmark{Day: w.day() - 1, Labels: 1, Root: root}))
		}, []labellog.AlarmKind{labellog.BackDated}},
		"a day that was skipped, closed late for a label of that day": {func(t *testing.T, w *witnessed, _ *labellog.Monitor) {
			w.append(t, granted(t, "authority", 1, w.day()))
			w.add(5 * day)
			if err := w.log.CloseDay(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.shut(t)
			late := granted(t, "authority", 3, w.day()-3)
			root, _ := label.Landmark(w.day()-3, [][]byte{late.Label})
			w.force(t, w.dir, late.Label)
			w.keepDay(t, w.day()-3)
			w.force(t, w.dir, encode(t, labellog.Landmark{Day: w.day() - 3, Labels: 1, Root: root}))
		}, []labellog.AlarmKind{labellog.BackDated}},
		"a label of tomorrow": {func(t *testing.T, w *witnessed, _ *labellog.Monitor) {
			w.shut(t)
			w.force(t, w.dir, granted(t, "authority", 1, w.day()+1).Label)
		}, []labellog.AlarmKind{labellog.ForwardDated}},
		"a landmark of a day that is not over": {func(t *testing.T, w *witnessed, _ *labellog.Monitor) {
			g := granted(t, "authority", 1, w.day())
			w.append(t, g)
			w.shut(t)
			w.keepDay(t, w.day())
			root, _ := label.Landmark(w.day(), [][]byte{g.Label})
			w.force(t, w.dir, encode(t, labellog.Landmark{Day: w.day(), Labels: 1, Root: root}))
		}, []labellog.AlarmKind{labellog.ForwardDated}},
		"a landmark of other labels": {func(t *testing.T, w *witnessed, _ *labellog.Monitor) {
			w.append(t, granted(t, "authority", 1, w.day()))
			w.shut(t)
			w.keepDay(t, w.day())
			w.add(day)
			root, _ := label.Landmark(w.day(), [][]byte{granted(t, "authority", 2, w.day()).Label})
			w.force(t, w.dir, encode(t, labellog.Landmark{Day: w.day() - 1, Labels: 1, Root: root}))
		}, []labellog.AlarmKind{labellog.BadLandmark}},
		"a change of a label that there is none of": {func(t *testing.T, w *witnessed, _ *labellog.Monitor) {
			w.append(t, labellog.StatusChange{Label: [32]byte{9}, Status: label.Suspended, Reason: "other", Evidence: [32]byte{1}})
		}, []labellog.AlarmKind{labellog.NoSuchLabel}},
		"two labels with one status": {func(t *testing.T, w *witnessed, _ *labellog.Monitor) {
			for _, key := range []string{"authority", "authority 2"} {
				if key != "authority" {
					w.append(t, labellog.KeyAdded{Name: "authority", Key: public(key), From: w.day()})
				}
				w.append(t, granted(t, key, 1, w.day()))
			}
		}, []labellog.AlarmKind{labellog.IndexTaken}},
		"an entry that is no leaf": {func(t *testing.T, w *witnessed, _ *labellog.Monitor) {
			w.shut(t)
			w.force(t, w.dir, []byte("advertisement"))
		}, []labellog.AlarmKind{labellog.Unreadable}},
		"a log that is put back": {func(t *testing.T, w *witnessed, m *labellog.Monitor) {
			old, err := os.ReadFile(filepath.Join(w.dir, "checkpoint"))
			if err != nil {
				t.Fatal(err)
			}
			w.append(t, granted(t, "authority", 1, w.day()))
			check(t, m)
			w.shut(t)
			if err := os.WriteFile(filepath.Join(w.dir, "checkpoint"), old, 0o600); err != nil {
				t.Fatal(err)
			}
		}, []labellog.AlarmKind{labellog.Rollback}},
		"a tile that is not there": {func(t *testing.T, w *witnessed, _ *labellog.Monitor) {
			w.append(t, granted(t, "authority", 1, w.day()))
			w.shut(t)
			if err := os.RemoveAll(filepath.Join(w.dir, "tile", "0")); err != nil {
				t.Fatal(err)
			}
		}, []labellog.AlarmKind{labellog.Missing}},
		"a tile that was altered": {func(t *testing.T, w *witnessed, _ *labellog.Monitor) {
			w.append(t, granted(t, "authority", 1, w.day()))
			w.shut(t)
			alter(t, filepath.Join(w.dir, "tile", "0", "000.p", "2"))
		}, []labellog.AlarmKind{labellog.Altered}},
		"an entry that was altered": {func(t *testing.T, w *witnessed, _ *labellog.Monitor) {
			w.append(t, granted(t, "authority", 1, w.day()))
			w.shut(t)
			alter(t, filepath.Join(w.dir, "tile", "entries", "000.p", "2"))
		}, []labellog.AlarmKind{labellog.Altered, labellog.BadGrant}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWitnessed(t)
			m := w.monitor(t)
			c.attack(t, w, m)
			r := check(t, m, c.want...)
			for _, a := range r.Alarms {
				if a.Detail == "" {
					t.Errorf("%s says nothing", a.Kind)
				}
			}
		})
	}
}

// alter changes the last octet of a file.
func alter(t testing.TB, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Two logs with one key: somebody is shown another one. Witnesses do not cosign both, so that it takes a quorum of them
// to be in it; and then a monitor sees it, or a checkpoint that others were shown.
func TestASplitViewIsSeenAndNotCosigned(t *testing.T) {
	w := newWitnessed(t)
	m := w.monitor(t)
	w.append(t, granted(t, "authority", 1, w.day()))
	first, err := os.ReadFile(filepath.Join(w.dir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	check(t, m)
	w.shut(t)

	other := t.TempDir()
	key := encode(t, labellog.KeyAdded{At: w.now(), Name: "authority", Key: public("authority"), From: w.day() - 1000})
	unwitnessed := &witnessed{world: w.world, lines: "log " + w.vkey + "\nquorum none\n"}
	unwitnessed.force(t, other, key, granted(t, "authority", 2, w.day()).Label)
	forged, err := os.ReadFile(filepath.Join(other, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	knew := 0
	for _, s := range w.servers {
		switch status, body := add(t, s.URL, "old 2\n\n"+string(forged)); {
		case status == http.StatusConflict && strings.Contains(body, "another root"):
			knew++
		case status != http.StatusConflict || body != "1\n": // two others were enough, and it was not asked
			t.Errorf("a witness answered %d %q", status, body)
		}
	}
	if knew < 2 {
		t.Errorf("%d of three witnesses saw that it is another log", knew)
	}
	// the witnesses are in it
	for _, dir := range w.states {
		files, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		if err := os.Remove(files[0]); err != nil {
			t.Fatal(err)
		}
	}
	conspiracy := &witnessed{world: w.world, lines: "log " + w.vkey + "\n"}
	for i := range 3 {
		conspiracy.addWitness(t, fmt.Sprintf("w%d", i))
	}
	conspiracy.lines += "group them 2 w0 w1 w2\nquorum them\n"
	third := t.TempDir()
	conspiracy.force(t, third, key, granted(t, "authority", 2, w.day()).Label, granted(t, "authority", 3, w.day()).Label)
	r, err := labellog.NewReader(third, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.Reader, m.Policy = r, policy(t, conspiracy.lines)
	check(t, m, labellog.SplitView)
	m.State = ""
	m.Others = [][]byte{first}
	m.Policy = policy(t, "log "+w.vkey+"\nquorum none\n")
	if r := check(t, m, labellog.SplitView); r.Alarms[0].Index != 2 {
		t.Errorf("%+v", r.Alarms)
	}
}

func add(t testing.TB, url, body string) (status int, answer string) {
	t.Helper()
	r, err := http.Post(url+"/add-checkpoint", "text/plain", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(data)
}

func BenchmarkAppendAwaitingCosignedInclusion(b *testing.B) {
	w := newWitnessed(b)
	leaf := granted(b, "authority", 1, w.day())
	b.SetParallelism(64)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := w.log.Append(context.Background(), leaf); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}
