//go:build !gateway

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/storetest"
	"plimsoll.example/plimsoll/label"
)

var registryKills = flag.Int("registry.kills", 15, "at how many random instants a registry is killed")

// served is a registry in a process of its own.
type served struct {
	dir      string // of its state
	database string // a URL, or "" for a file
	at       string
	more     []string // flags
	client   *http.Client
	cmd      *exec.Cmd
	talk     bytes.Buffer
	done     chan struct{}
}

// refused is a status that says that what was sent is wrong.
var refused = regexp.MustCompile(`^4[0-9]{2} `)

var listens = regexp.MustCompile(`listen=(127\.0\.0\.1:[0-9]+)`)

// databases runs a test on each kind of database.
func databases(t *testing.T, test func(*testing.T, string)) {
	t.Run("SQLite", func(t *testing.T) { test(t, "") })
	t.Run("PostgreSQL", func(t *testing.T) {
		test(t, storetest.Database(t, storetest.Need(t)))
	})
}

// newServed has an account with a key, and is not started.
func newServed(t *testing.T, database string) *served {
	t.Helper()
	s := &served{dir: t.TempDir(), database: database, client: &http.Client{Timeout: 20 * time.Second}}
	someLabel(t, s.dir)
	s.verb(t, exitDone, "registry account add body --org Example --role certification-body --public DIR/i.pem --from "+label.DayOf(time.Now()).String())
	return s
}

func (s *served) verb(t *testing.T, want int, args string) string {
	t.Helper()
	list := strings.Fields(strings.NewReplacer("DIR", s.dir, "AT", s.at).Replace(args))
	if strings.HasPrefix(args, "registry account") || strings.HasPrefix(args, "registry audit") || strings.HasPrefix(args, "registry person") {
		list = append(list, "--state", s.dir, "--database", s.database)
	}
	code, stdout, stderr := call(t, nil, list...)
	if code != want {
		t.Fatalf("plimsoll %s: exit %d, want %d: %s", args, code, want, stderr)
	}
	return stdout
}

// start runs the registry until it answers.
func (s *served) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command("plimsoll", "registry", "run", "--state", s.dir, "--listen", "127.0.0.1:0", "--public-url", "http://127.0.0.1:7390", "--publish", "200ms", "--rate", "100000", "--database", s.database)
	s.cmd.Args = append(s.cmd.Args, s.more...)
	s.cmd.Env = append(os.Environ(), "PLIMSOLL_CONFIG="+os.DevNull)
	pipe, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found := make(chan string, 1)
	s.done = make(chan struct{})
	go func() {
		lines := bufio.NewScanner(pipe)
		for lines.Scan() {
			if m := listens.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
			s.talk.WriteString(lines.Text() + "\n")
		}
		_ = s.cmd.Wait() // it was killed, mostly
		close(s.done)
		close(found)
	}()
	select {
	case at, ok := <-found:
		if !ok {
			t.Fatalf("it ended: %s", &s.talk)
		}
		s.at = "http://" + at
	case <-time.After(time.Minute):
		_ = s.cmd.Process.Kill()
		t.Fatal("it does not start")
	}
}

// end stops the registry by a signal, and waits for it.
func (s *served) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.done:
	case <-time.After(time.Minute):
		_ = s.cmd.Process.Kill()
		t.Fatalf("it does not end: %s", &s.talk)
	}
}

func (s *served) get(path string) (status int, body []byte, err error) {
	a, err := s.client.Get(s.at + path)
	if err != nil {
		return 0, nil, err
	}
	defer a.Body.Close()
	body, err = io.ReadAll(a.Body)
	return a.StatusCode, body, err
}

func (s *served) post(at, path string, in, out any) error {
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	a, err := s.client.Post(at+path, "application/json", bytes.NewReader(data))
	if err != nil {
		return err
	}
	defer a.Body.Close()
	data, err = io.ReadAll(a.Body)
	if err != nil {
		return err
	}
	if a.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s: %s", a.Status, data)
	}
	return json.Unmarshal(data, out)
}

func TestALabelGoesFromItsIssuerToAVerdictByTheVerbs(t *testing.T) { databases(t, fromIssuerToVerdict) }

func fromIssuerToVerdict(t *testing.T, database string) {
	s := newServed(t, database)
	s.start(t)
	defer s.end(t, syscall.SIGTERM)
	if out := s.verb(t, exitDone, "label grant DIR/some.label --registry AT --category light"); !strings.Contains(out, "/01/"+fmt.Sprintf("%014d", storetest.GTIN(1))) {
		t.Errorf("%s", out)
	}
	s.verb(t, exitDone, "label grant DIR/some.label --registry AT --category light") // again: it is the same
	bundle := func(want int) {
		t.Helper()
		for until := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
			s.verb(t, exitDone, "registry bundle --registry AT --registry-key DIR/registry/registry.key.pub --out DIR/trust.bundle")
			code, _, stderr := call(t, nil, "label", "verify", filepath.Join(s.dir, "some.label"), "--offline", "--bundle", filepath.Join(s.dir, "trust.bundle"), "--registry-key", filepath.Join(s.dir, "registry", "registry.key.pub"))
			if code == want {
				return
			}
			if time.Now().After(until) {
				t.Fatalf("label verify exits %d, want %d: %s", code, want, stderr)
			}
		}
	}
	bundle(exitDone)
	online := "label verify DIR/some.label --registry AT --registry-key DIR/registry/registry.key.pub --json"
	if out := s.verb(t, exitDone, online); !strings.Contains(out, `"issued_proof":"signature-only","status":"active"`) {
		t.Errorf("granted today, and nobody says whose log it is in: %s", out)
	}
	key, err := os.ReadFile(filepath.Join(s.dir, "registry", "log.key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.dir, "policy"), "log "+strings.TrimSpace(string(key))+"\nquorum none\n")
	if out := s.verb(t, exitDone, online+" --policy DIR/policy"); !strings.Contains(out, `"issued_proof":"online","status":"active"`) {
		t.Errorf("by its inclusion: %s", out)
	}
	write(t, filepath.Join(s.dir, "policy"), "log "+otherLog(t)+"\nquorum none\n")
	s.verb(t, exitUnverified, online+" --policy DIR/policy") // another log
	write(t, filepath.Join(s.dir, "kev.json"), `{"cve": "CVE-2026-0001"}`)
	s.verb(t, exitDone, "label suspend DIR/some.label --registry AT --key DIR/issuer.key --reason exploited --note CVE-2026-0001 --evidence DIR/kev.json")
	bundle(exitFound)
	s.verb(t, exitFailed, "label suspend DIR/some.label --registry AT --key DIR/issuer.key --reason exploited")
	s.verb(t, exitUsage, "label restore DIR/some.label --registry AT --key DIR/issuer.key --reason whim")
	s.verb(t, exitDone, "registry key make --kind issuer --out DIR/stranger.key")
	s.verb(t, exitNotPermitted, "label restore DIR/some.label --registry AT --key DIR/stranger.key --reason remedied")
	s.verb(t, exitDone, "label restore DIR/some.label --registry AT --key DIR/issuer.key --reason remedied")
	bundle(exitDone)
	s.verb(t, exitDone, "label withdraw DIR/some.label --registry AT --key DIR/issuer.key --reason maker-request")
	bundle(exitFound)
	if out := s.verb(t, exitDone, "registry audit --limit 100"); strings.Count(out, "done") < 5 {
		t.Errorf("%s", out)
	}
	validate(t, "registry-accounts.json", s.verb(t, exitDone, "registry account list --json"))
	audit := s.verb(t, exitDone, "registry audit --json")
	validate(t, "registry-audit.json", audit)
	auditInWords(t, audit)
}

// acked is what the registry said that it took.
type acked struct {
	mu     sync.Mutex
	leaves map[label.Hash]uint64
}

// grantUntil grants labels until the registry is gone. What it did not hear the answer to, it sends again first.
func (s *served) grantUntil(t *testing.T, at string, next *atomic.Uint32, open *sync.Map, worker int, got *acked, stop <-chan struct{}) {
	key, err := readSigningKey(filepath.Join(s.dir, "issuer.key"))
	if err != nil {
		t.Error(err)
		return
	}
	for {
		select {
		case <-stop:
			return
		default:
		}
		var sign1 []byte
		if v, ok := open.Load(worker); ok {
			sign1 = v.([]byte)
		} else {
			i := next.Add(1) - 1
			if sign1, err = label.Sign(storetest.Statement(int(i), i, label.DayOf(time.Now())), key); err != nil {
				t.Error(err)
				return
			}
			open.Store(worker, sign1)
		}
		var answer struct {
			ID   label.Hash
			Leaf uint64
		}
		if err := s.post(at, "/api/v1/labels", map[string]any{"label": sign1}, &answer); err != nil {
			if refused.MatchString(err.Error()) {
				t.Errorf("a label is refused: %v", err)
			}
			return
		}
		open.Delete(worker)
		got.mu.Lock()
		got.leaves[answer.ID] = answer.Leaf
		got.mu.Unlock()
		if answer.Leaf%5 == 0 {
			c := &label.Change{Version: label.Version, Label: answer.ID, Number: 1, Verb: label.Suspend, At: time.Now().Unix(), Reason: "other"}
			sign1, err := label.SignChange(c, key)
			if err != nil {
				t.Error(err)
				return
			}
			var changed struct{ Leaf uint64 }
			if s.post(at, "/api/v1/labels/"+answer.ID.String()+"/changes", map[string]any{"change": sign1}, &changed) == nil {
				got.mu.Lock()
				got.leaves[registry.ChangeHash(sign1)] = changed.Leaf
				got.mu.Unlock()
			}
		}
	}
}

func TestARegistryThatIsKilledAtAnyInstantLosesNothingThatItAcknowledged(t *testing.T) {
	if testing.Short() {
		t.Skip("it is killed many times")
	}
	databases(t, killed)
}

func killed(t *testing.T, database string) {
	s := newServed(t, database)
	got := &acked{leaves: map[label.Hash]uint64{}}
	var next atomic.Uint32
	var open sync.Map
	var monitor *labellog.Monitor
	for kill := range *registryKills + 1 {
		s.start(t)
		if monitor == nil {
			vkey, err := os.ReadFile(filepath.Join(s.dir, "registry", "log.key.pub"))
			if err != nil {
				t.Fatal(err)
			}
			policy, err := labellog.ParsePolicy([]byte("log " + string(vkey) + "quorum none\n"))
			if err != nil {
				t.Fatal(err)
			}
			monitor = &labellog.Monitor{Policy: policy, State: filepath.Join(s.dir, "seen")}
		}
		s.watched(t, monitor)
		s.still(t, got)
		if t.Failed() || kill == *registryKills {
			break
		}
		stop := make(chan struct{})
		var workers sync.WaitGroup
		for w := range 16 {
			workers.Go(func() { s.grantUntil(t, s.at, &next, &open, w, got, stop) })
		}
		time.Sleep(time.Duration(rand.IntN(700)) * time.Millisecond)
		s.end(t, syscall.SIGKILL)
		close(stop)
		workers.Wait()
	}
	s.watched(t, monitor)
	s.end(t, syscall.SIGTERM)
	s.tied(t, got)
	t.Logf("%d kills, %d acknowledged", *registryKills, len(got.leaves))
}

// watched checks the log as a monitor does that saw it each time.
func (s *served) watched(t *testing.T, m *labellog.Monitor) {
	t.Helper()
	var err error
	if m.Reader, err = labellog.NewReader(s.at, s.client); err != nil {
		t.Fatal(err)
	}
	report, err := m.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range report.Alarms {
		t.Errorf("a monitor alarms: %+v", a)
	}
}

// still checks that what was acknowledged is there.
func (s *served) still(t *testing.T, got *acked) {
	t.Helper()
	for hash, leaf := range got.leaves {
		status, body, err := s.get("/api/v1/labels/" + hash.String())
		if err != nil {
			t.Fatal(err)
		}
		var l struct{ Leaf uint64 }
		if status == http.StatusOK && (json.Unmarshal(body, &l) != nil || l.Leaf != leaf) {
			t.Errorf("label %s was leaf %d, and is %s", hash, leaf, body)
		}
	}
}

// tied checks that each record has its leaf, and each leaf its record.
func (s *served) tied(t *testing.T, got *acked) {
	t.Helper()
	store, err := openRegistry(t.Context(), s.database, filepath.Join(s.dir, "registry"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if p, err := store.Pending(t.Context()); err != nil || len(p) > 0 {
		t.Errorf("%d entries are pending, %v", len(p), err)
	}
	reader, err := labellog.NewReader(filepath.Join(s.dir, "registry", "log"), nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := reader.Published(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var size uint64
	if _, err := fmt.Sscanf(strings.Split(string(data), "\n")[1], "%d", &size); err != nil {
		t.Fatal(err)
	}
	places, index := map[label.Hash]uint64{}, uint64(0)
	for leaf, err := range reader.Leaves(t.Context(), 0, size) {
		if err != nil {
			t.Fatal(err)
		}
		var hash label.Hash
		switch leaf := leaf.(type) {
		case labellog.Grant:
			hash = label.LeafHash(leaf.Label)
		case labellog.StatusChange:
			hash = leaf.Evidence
		case labellog.Digest:
			hash = leaf.SHA256
		default:
			index++
			continue // the log’s own, or a key, whose record is the account
		}
		if first, twice := places[hash]; twice {
			t.Errorf("leaves %d and %d are the same", first, index)
		}
		places[hash] = index
		e, err := store.Entry(t.Context(), hash)
		if err != nil || !e.Logged || e.Index != index {
			t.Errorf("leaf %d, %T, has no record: %+v, %v", index, leaf, e, err)
		}
		index++
	}
	for hash, leaf := range got.leaves {
		if at, ok := places[hash]; !ok || at != leaf {
			t.Errorf("%s was acknowledged as leaf %d, and is %d (%v)", hash, leaf, at, ok)
		}
	}
	list, err := store.Labels(t.Context(), -1, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range list {
		if places[l.ID] != l.Index {
			t.Errorf("label %s says leaf %d, and the log %d", l.ID, l.Index, places[l.ID])
		}
	}
}

// exploited is a record of a flaw in a camera, and a catalogue that says that it is exploited.
const (
	flawRecord = `{"dataType": "CVE_RECORD", "cveMetadata": {"cveId": "CVE-2026-0001", "state": "PUBLISHED", "dateUpdated": "2026-11-20T00:00:00Z"}, "containers": {"cna": {"affected": [
		{"vendor": "Example Cameras", "product": "EX-210", "versions": [{"version": "0", "status": "affected", "lessThan": "3.2.1"}]}]}}}`
	exploited = `{"catalogVersion": "1", "dateReleased": "2026-11-26T00:00:00Z", "vulnerabilities": [{"cveID": "CVE-2026-0001", "vendorProject": "Example Cameras", "product": "EX-210", "dateAdded": "2026-11-26"}]}`
)

func TestAFlawThatIsExploitedSuspendsALabelForAllWhoVerify(t *testing.T) {
	s := newServed(t, "")
	kev, cves := filepath.Join(s.dir, "kev.json"), filepath.Join(s.dir, "cves")
	write(t, kev, `{"catalogVersion": "1", "vulnerabilities": []}`)
	if err := os.Mkdir(cves, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(cves, "CVE-2026-0001.json"), flawRecord)
	s.more = []string{"--feed", kev, "--feed", cves}
	s.start(t)
	defer s.end(t, syscall.SIGTERM)
	st := storetest.Statement(1, 0, label.DayOf(time.Now()))
	st.Maker, st.Model, st.Firmware.From = "Example Cameras", "EX-210", "3.0"
	key, err := readSigningKey(filepath.Join(s.dir, "issuer.key"))
	if err != nil {
		t.Fatal(err)
	}
	sign1, err := label.Sign(st, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.post(s.at, "/api/v1/labels", map[string]any{"label": sign1, "category": "camera"}, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	public, err := readPublicKey(filepath.Join(s.dir, "registry", "registry.key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	status := func() label.Status {
		code, body, err := s.get("/api/v1/bundle")
		if err != nil || code != http.StatusOK {
			return label.Unknown
		}
		trust, err := label.ParseBundle(body, public)
		if err != nil {
			t.Fatal(err)
		}
		return trust.StatusOf(0)
	}
	for until := time.Now().Add(time.Minute); status() != label.Active; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("it is not active")
		}
	}
	write(t, kev, exploited)
	appeared := time.Now()
	for until := appeared.Add(time.Minute); status() != label.Suspended; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("it is not suspended: %s", &s.talk)
		}
	}
	t.Logf("%s from the entry to a bundle that says so, with default intervals but for publishing", time.Since(appeared).Round(time.Millisecond))
}

func TestARegistryIsExposedWithTLSAlone(t *testing.T) {
	s := newServed(t, "")
	key, cert := signer(t)
	if _, _, stderr := call(t, nil, "registry", "run", "--state", s.dir, "--listen", "0.0.0.0:0"); !strings.Contains(stderr, "--tls-cert") {
		t.Errorf("%s", stderr)
	}
	if code, _, stderr := call(t, nil, "registry", "run", "--state", s.dir, "--listen", "0.0.0.0:0", "--tls-cert", key, "--tls-key", cert); code != exitFailed {
		t.Errorf("a key as a certificate: %d %s", code, stderr)
	}
}

// otherLog is the key of a log that nobody runs.
func otherLog(t *testing.T) string {
	t.Helper()
	_, verifier, err := labellog.NewLogKey("registry.example/log")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(verifier)
}
