package labellog_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"

	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/label"
)

var kills = flag.Int("kills", 15, "how many times a process that appends is killed")

// childDir is in the environment of a process that appends until it is killed.
const childDir = "PLIMSOLL_TEST_LABELLOG"

func TestMain(m *testing.M) {
	labellog.LogTo(slog.New(slog.DiscardHandler))
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, appendForever(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// appendForever grants labels, and says which of them were acknowledged.
func appendForever(dir string) error {
	private, err := os.ReadFile(filepath.Join(dir, "key"))
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir, "policy"))
	if err != nil {
		return err
	}
	signer, err := labellog.LogSigner(string(private))
	if err != nil {
		return err
	}
	p, err := labellog.ParsePolicy(text)
	if err != nil {
		return err
	}
	l, err := labellog.Open(context.Background(), filepath.Join(dir, "log"), signer, labellog.Options{Policy: p})
	if err != nil {
		return err
	}
	if len(l.Issuers()) == 0 {
		if _, err := l.Append(context.Background(), labellog.KeyAdded{Name: "authority", Key: public("authority"), From: 1}); err != nil {
			return err
		}
	}
	var count atomic.Uint32
	var out sync.Mutex
	failed := make(chan error)
	for range 16 {
		go func() {
			for {
				s := &label.Statement{
					Version: label.Version, GTIN: 9506000134352, Maker: "Example", Model: fmt.Sprint(os.Getpid()), Profile: 1,
					Norms: make([]byte, (len(label.ProfileNorms(1))+1)/2), Issued: label.DayOf(time.Now()), Index: uint32(os.Getpid())<<16 | count.Add(1),
				}
				sign1, err := label.Sign(s, seed("authority"))
				if err != nil {
					failed <- err
					return
				}
				index, err := l.Append(context.Background(), labellog.Grant{Label: sign1})
				if errors.Is(err, labellog.ErrDay) { // midnight has passed between the two
					continue
				}
				if err != nil {
					failed <- err
					return
				}
				out.Lock()
				fmt.Printf("%d %x\n", index, label.LeafHash(sign1))
				out.Unlock()
			}
		}()
	}
	return <-failed
}

// A process that appends is killed at any instant, again and again. What it acknowledged is in the log, the log is whole
// by the measure of somebody else’s program, and a monitor that watched throughout never sees anything but growth.
func TestWhatWasAcknowledgedIsInTheLogWhenAProcessIsKilled(t *testing.T) {
	dir := t.TempDir()
	private, vkey, err := labellog.NewLogKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	logKey, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	witnessKey, witnessVkey, err := labellog.NewWitnessKey("w.example")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := labellog.WitnessSigner(witnessKey)
	if err != nil {
		t.Fatal(err)
	}
	witness, err := labellog.NewWitness(t.TempDir(), signer, []note.Verifier{logKey}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(witness)
	defer server.Close()
	text := fmt.Sprintf("log %s\nwitness w %s %s\nquorum w\n", vkey, witnessVkey, server.URL)
	for name, data := range map[string]string{"key": private, "policy": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := labellog.NewReader(filepath.Join(dir, "log"), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &labellog.Monitor{Reader: r, Policy: policy(t, text), State: filepath.Join(dir, "state")}
	acknowledged := map[uint64]string{}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		watchUntil(t, stop, &labellog.Monitor{Reader: r, Policy: m.Policy, State: filepath.Join(dir, "throughout")})
	}()
	for range *kills {
		runUntilKilled(t, dir, acknowledged)
		check(t, m)
	}
	close(stop)
	<-stopped
	c := check(t, m).Now
	if len(acknowledged) < *kills {
		t.Fatalf("%d acknowledged in %d runs: nothing was tried", len(acknowledged), *kills)
	}
	t.Logf("%d acknowledged, %d in the log, %d kills", len(acknowledged), c.Size, *kills)
	index := uint64(0)
	for data, err := range r.Entries(t.Context(), 0, c.Size) {
		if err != nil {
			t.Fatal(err)
		}
		if want, ok := acknowledged[index]; ok && want != fmt.Sprintf("%x", label.LeafHash(data)) {
			t.Errorf("leaf %d is not the one that was acknowledged", index)
		}
		delete(acknowledged, index)
		index++
	}
	if len(acknowledged) > 0 {
		t.Errorf("%d that were acknowledged are not in the log", len(acknowledged))
	}
	oracle(t, filepath.Join(dir, "log"), logKey)
}

// watchUntil watches a log while it is written.
func watchUntil(t *testing.T, stop <-chan struct{}, m *labellog.Monitor) {
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for looks := 0; ; {
		select {
		case <-stop:
			if looks == 0 {
				t.Error("nobody watched")
			}
			return
		case <-tick.C:
		}
		report, err := m.Check(context.Background())
		if errors.Is(err, labellog.ErrMissing) && looks == 0 { // there is no log yet
			continue
		}
		if err != nil || len(report.Alarms) > 0 {
			t.Errorf("look %d: %v, %+v", looks, err, report)
			return
		}
		looks++
	}
}

// oracle has Tessera’s own checker look at all files of a log.
func oracle(t testing.TB, dir string, key note.Verifier) {
	t.Helper()
	hashes := func(bundle []byte) (list [][]byte, err error) {
		var b api.EntryBundle
		if err := b.UnmarshalText(bundle); err != nil {
			return nil, err
		}
		for _, e := range b.Entries {
			list = append(list, rfc6962.DefaultHasher.HashLeaf(e))
		}
		return list, nil
	}
	if err := fsck.New(origin, key, client.FileFetcher{Root: dir}, hashes, fsck.Opts{N: 1}).Check(context.Background()); err != nil {
		t.Errorf("fsck: %v", err)
	}
}

func runUntilKilled(t *testing.T, dir string, acknowledged map[uint64]string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	var once sync.Once
	for lines.Scan() {
		once.Do(func() { // at any instant of some checkpoints
			time.AfterFunc(time.Duration(rand.Int64N(int64(400*time.Millisecond))), func() { _ = cmd.Process.Kill() })
		})
		var index uint64
		var hash string
		if n, _ := fmt.Sscan(lines.Text(), &index, &hash); n == 2 && len(hash) == 64 {
			if other, ok := acknowledged[index]; ok {
				t.Errorf("leaf %d was acknowledged for %s and for %s", index, other, hash)
			}
			acknowledged[index] = hash
		}
	}
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("it was not killed: %v\n%s", err, strings.TrimSpace(stderr.String()))
	}
}
