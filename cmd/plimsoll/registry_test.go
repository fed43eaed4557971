//go:build !gateway

package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/label"
)

// published is a log with two witnesses, all made by the verbs, in a folder.
type published struct {
	dir  string
	keys map[string]string // what key make printed, by name
}

func (p *published) file(name string) string { return filepath.Join(p.dir, name) }

// do calls the program, with DIR for the folder.
func (p *published) do(t *testing.T, want int, args string) (stdout, stderr string) {
	t.Helper()
	code, stdout, stderr := call(t, nil, strings.Fields(strings.ReplaceAll(args, "DIR", p.dir))...)
	if code != want {
		t.Errorf("plimsoll %s: exit %d, want %d\n%s%s", args, code, want, stdout, stderr)
	}
	return stdout, stderr
}

func publish(t *testing.T) *published {
	t.Helper()
	labellog.LogTo(quiet())
	p := &published{dir: t.TempDir(), keys: map[string]string{}}
	for name, args := range map[string]string{
		"log": "--kind log --name log.registry.example/labels", "w1": "--kind witness --name w1.example", "w2": "--kind witness --name w2.example",
		"authority": "--kind issuer", "registry": "--kind registry", "other": "--kind log --name log.registry.example/labels",
	} {
		p.keys[name], _ = p.do(t, exitDone, "registry key make --out DIR/"+name+".key "+args)
		write(t, p.file(name+".pem"), p.keys[name])
	}
	write(t, p.file("logs"), "log "+p.keys["log"]+"quorum none\n")
	text := "log " + p.keys["log"]
	for _, w := range []string{"w1", "w2"} {
		text += "witness " + w + " " + strings.TrimSpace(p.keys[w]) + " " + p.witness(t, w) + "\n"
	}
	text += "group both all w1 w2\nquorum both\n"
	write(t, p.file("policy"), text)
	write(t, p.file("other.policy"), strings.Replace(text, p.keys["log"], p.keys["other"], 1))
	p.do(t, exitDone, "registry key rotate --log DIR/labels --log-key DIR/log.key --policy DIR/policy --issuer authority --add DIR/authority.pem --from 2026-01-01")
	return p
}

// witness runs a witness until the test ends, and returns its URL.
func (p *published) witness(t *testing.T, name string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	done := make(chan int)
	args := strings.Fields("registry witness --listen 127.0.0.1:0 --policy " + p.file("logs") + " --witness-key " + p.file(name+".key") + " --state " + p.file(name+".state"))
	go func() {
		done <- run(ctx, args, env{strings.NewReader(""), io.Discard, w, func(string) string { return "" }})
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-done; code != exitInterrupted {
			t.Errorf("a witness that is stopped exits with %d", code)
		}
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	return line[strings.Index(line, "http://") : len(line)-1]
}

// append adds leaves by a clock of the registry’s own.
func (p *published) append(t *testing.T, now time.Time, leaves ...labellog.Leaf) {
	t.Helper()
	private, err := os.ReadFile(p.file("log.key"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := labellog.LogSigner(string(private))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := readPolicy(p.file("policy"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	l, err := labellog.Open(ctx, p.file("labels"), signer, labellog.Options{Policy: policy, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range leaves {
		if _, err := l.Append(ctx, leaf); err != nil {
			t.Error(err)
		}
	}
	if err := l.Close(ctx); err != nil {
		t.Error(err)
	}
}

// grant makes a label of a day, as a file and as a leaf.
func (p *published) grant(t *testing.T, index int, day time.Time) labellog.Grant {
	t.Helper()
	name := fmt.Sprintf("%d", index)
	write(t, p.file(name+".json"), fmt.Sprintf(`{"gtin": "09506000134352", "version": 1, "maker": "Example Lamps", "model": "LP-%d", "hardware": "%d", "profile": 1,
		"norms": {}, "issued": %q, "status_index": %d, "sensors": [], "practices": []}`, index, index, day.UTC().Format(time.DateOnly), index))
	p.do(t, exitDone, "label sign DIR/"+name+".json --key DIR/authority.key --out DIR/"+name+".label")
	data, err := os.ReadFile(p.file(name + ".label"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := label.ParseEnvelope(data)
	if err != nil {
		t.Fatal(err)
	}
	return labellog.Grant{Label: e.Label}
}

// noon is the middle of a day, so that no test runs over midnight of the registry’s clock.
func noon() time.Time { return time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour) }

const watch = "registry monitor --log DIR/labels --policy DIR/policy --state DIR/seen "

func TestALogIsMadeWatchedAndProvedByTheVerbs(t *testing.T) {
	p := publish(t)
	g := p.grant(t, 1, noon())
	p.append(t, noon(), g)
	stdout, _ := p.do(t, exitDone, watch+"--json")
	validate(t, "registry-monitor.json", stdout)
	for _, want := range []string{`"kind":"key-added"`, `"kind":"grant"`, `"issuer":"authority"`, `"alarms":[]`} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %s in\n%s", want, stdout)
		}
	}
	stdout, _ = p.do(t, exitDone, "--lang fr "+watch)
	if !strings.Contains(stdout, "2 feuilles, dont 2 déjà vues") {
		t.Errorf("%s", stdout)
	}
	p.do(t, exitDone, watch+"--issuer authority")
	if _, stderr := p.do(t, exitNotFound, watch+"--issuer autority --expect DIR/1.label"); !strings.Contains(stderr, "knows no issuer autority") || !strings.Contains(stderr, "it knows: authority") {
		t.Errorf("of an issuer that there is none of: %s", stderr)
	}
	stdout, _ = p.do(t, exitDone, "registry proof DIR/1.label --log DIR/labels --policy DIR/policy --out DIR/1.proof --json")
	validate(t, "registry-proof.json", stdout)
	stdout, _ = p.do(t, exitDone, "registry proof DIR/1.label --proof DIR/1.proof --policy DIR/policy")
	if !strings.Contains(stdout, "leaf 1 of 2") {
		t.Errorf("%s", stdout)
	}
	p.grant(t, 2, noon())
	p.do(t, exitNotFound, "registry proof DIR/2.label --log DIR/labels --policy DIR/policy")
	stdout, _ = p.do(t, exitDone, "registry key list --log DIR/labels --policy DIR/policy --json")
	validate(t, "registry-keys.json", stdout)
	stdout, _ = p.do(t, exitDone, "registry key list --log DIR/labels --policy DIR/policy")
	if !strings.Contains(stdout, "authority: ") || !strings.Contains(stdout, "from 1 January 2026") {
		t.Errorf("%s", stdout)
	}

	p.do(t, exitDone, "registry key make --kind issuer --out DIR/new.key")
	p.do(t, exitFailed, "registry key make --kind issuer --out DIR/new.key")
	info, err := os.Stat(p.file("new.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret is %v, %v", info.Mode(), err)
	}
	secret, err := os.ReadFile(p.file("log.key"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(p.keys["log"], "PRIVATE") || strings.Contains(p.keys["log"], strings.SplitN(string(secret), "+", 5)[4]) {
		t.Error("the secret is printed")
	}
	rotate := "registry key rotate --log DIR/labels --log-key DIR/log.key --policy DIR/policy --issuer authority --add DIR/new.key.pem --end DIR/authority.pem --until 2026-01-02"
	public, _ := p.do(t, exitDone, "registry key make --kind issuer --out DIR/newer.key")
	write(t, p.file("new.key.pem"), public)
	p.do(t, exitDone, rotate)
	stdout, _ = p.do(t, exitDone, "registry key list --log DIR/labels --policy DIR/policy")
	if strings.Count(stdout, "authority: ") != 2 || !strings.Contains(stdout, "until 2 January 2026") {
		t.Errorf("%s", stdout)
	}
	if err := os.Chmod(p.file("log.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, stderr := p.do(t, exitFailed, rotate); !strings.Contains(stderr, "chmod 600") {
		t.Errorf("%s", stderr)
	}
}

// What an attacker does, with what the verbs say and how they exit.
func TestAttacksOnALogAreSaidWithTheirExitCode(t *testing.T) {
	checkpoint := func(p *published) string { return p.file("labels/checkpoint") }
	for name, c := range map[string]struct {
		attack func(t *testing.T, p *published)
		args   string
		want   int
		says   string
	}{
		"another key signs": {
			func(*testing.T, *published) {},
			"registry monitor --log DIR/labels --policy DIR/other.policy --state DIR/seen", exitUnverified, "no log that the policy names",
		},
		"another key signs what a proof has": {func(t *testing.T, p *published) {
			p.do(t, exitDone, "registry proof DIR/1.label --log DIR/labels --policy DIR/policy --out DIR/1.proof")
		}, "registry proof DIR/1.label --proof DIR/1.proof --policy DIR/other.policy", exitUnverified, "no log that the policy names"},
		"no witness cosigned": {func(t *testing.T, p *published) {
			replace(t, checkpoint(p), func(s string) string {
				head, sigs, _ := strings.Cut(s, "\n\n")
				first, _, _ := strings.Cut(sigs, "\n")
				return head + "\n\n" + first + "\n"
			})
		}, watch, exitUnverified, "too few witnesses"},
		"a checkpoint is altered": {func(t *testing.T, p *published) {
			replace(t, checkpoint(p), func(s string) string { return strings.Replace(s, "\n2\n", "\n3\n", 1) })
		}, watch, exitUnverified, "no checkpoint that can be believed"},
		"a proof is forged": {func(t *testing.T, p *published) {
			p.do(t, exitDone, "registry proof DIR/1.label --log DIR/labels --policy DIR/policy --out DIR/1.proof")
			replace(t, p.file("1.proof"), func(s string) string {
				lines := strings.SplitN(s, "\n", 4)
				lines[2] = "A" + strings.Repeat("B", 42) + "="
				return strings.Join(lines, "\n")
			})
		}, "registry proof DIR/1.label --proof DIR/1.proof --policy DIR/policy", exitUnverified, "not in the log as it says"},
		"a proof is of another label": {func(t *testing.T, p *published) {
			p.do(t, exitDone, "registry proof DIR/1.label --log DIR/labels --policy DIR/policy --out DIR/1.proof")
			p.grant(t, 2, noon())
		}, "registry proof DIR/2.label --proof DIR/1.proof --policy DIR/policy", exitUnverified, "not in the log as it says"},
		"the log is put back": {func(t *testing.T, p *published) {
			old, err := os.ReadFile(checkpoint(p))
			if err != nil {
				t.Fatal(err)
			}
			p.append(t, noon(), p.grant(t, 2, noon()))
			p.do(t, exitDone, watch)
			write(t, checkpoint(p), string(old))
		}, watch, exitFound, "fewer than it had"},
		"others are shown another log": {func(t *testing.T, p *published) {
			// it takes another log by the same key, and witnesses that forget
			true1 := p.file("labels")
			if err := os.Rename(true1, p.file("true")); err != nil {
				t.Fatal(err)
			}
			for _, w := range []string{"w1", "w2"} {
				files, err := filepath.Glob(p.file(w + ".state/witness/*.json"))
				if err != nil || len(files) != 1 {
					t.Fatal(files, err)
				}
				if err := os.Remove(files[0]); err != nil {
					t.Fatal(err)
				}
			}
			text, err := os.ReadFile(p.file("policy"))
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(string(text), "\n")
			for i, w := range []string{"w1", "w2"} {
				lines[i+1] = "witness " + w + " " + strings.TrimSpace(p.keys[w]) + " " + p.witness(t, w)
			}
			write(t, p.file("policy"), strings.Join(lines, "\n"))
			p.do(t, exitDone, "registry key rotate --log DIR/labels --log-key DIR/log.key --policy DIR/policy --issuer mallory --add DIR/authority.pem")
			if err := os.Rename(true1, p.file("split")); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(p.file("true"), true1); err != nil {
				t.Fatal(err)
			}
		}, watch + "--checkpoint DIR/split/checkpoint", exitFound, "not the one that others are shown"},
		"a label is back-dated": {func(t *testing.T, p *published) {
			// this registry’s clock stands still, so that its days do not end
			past := noon().Add(-5 * 24 * time.Hour)
			if err := os.RemoveAll(p.file("labels")); err != nil {
				t.Fatal(err)
			}
			for _, w := range []string{"w1", "w2"} {
				if err := os.RemoveAll(p.file(w + ".state")); err != nil {
					t.Fatal(err)
				}
			}
			text, err := os.ReadFile(p.file("policy"))
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(string(text), "\n")
			for i, w := range []string{"w1", "w2"} {
				lines[i+1] = "witness " + w + " " + strings.TrimSpace(p.keys[w]) + " " + p.witness(t, w)
			}
			write(t, p.file("policy"), strings.Join(lines, "\n"))
			key, err := readPublicKey(p.file("authority.pem"))
			if err != nil {
				t.Fatal(err)
			}
			p.append(t, past, labellog.KeyAdded{Name: "authority", Key: key, From: 1})
			if err := os.RemoveAll(p.file("seen")); err != nil {
				t.Fatal(err)
			}
			p.do(t, exitDone, watch)
			p.append(t, past, p.grant(t, 2, past))
		}, watch, exitFound, "back-dates labels"},
		"a label is forward-dated": {func(t *testing.T, p *published) {
			p.append(t, noon().Add(48*time.Hour), p.grant(t, 2, noon().Add(48*time.Hour)))
		}, watch, exitFound, "forward-dates labels"},
		"a label is restored quietly": {func(t *testing.T, p *published) {
			p.append(t, noon(), labellog.StatusChange{Label: labelHash(t, p.file("1.label")), Status: label.Suspended, Reason: labellog.Exploited, Evidence: [32]byte{1}})
			b := &label.Bundle{Version: label.Version, Made: time.Now().Add(24 * time.Hour)}
			if err := b.SetStatuses([]label.Status{label.Active, label.Active}); err != nil {
				t.Fatal(err)
			}
			key, err := readKey(p.file("registry.key"))
			if err != nil {
				t.Fatal(err)
			}
			file, err := b.Sign(key.(ed25519.PrivateKey))
			if err != nil {
				t.Fatal(err)
			}
			write(t, p.file("trust.bundle"), string(file))
			p.append(t, noon(), labellog.Digest{Of: labellog.BundleFile, SHA256: sha256.Sum256(file)})
		}, watch + "--bundle DIR/trust.bundle --registry-key DIR/registry.pem", exitFound, "restored it quietly"},
		"somebody else grants in the name of an issuer": {func(t *testing.T, p *published) {
			key, err := readPublicKey(p.file("authority.pem"))
			if err != nil {
				t.Fatal(err)
			}
			write(t, p.file("expected"), "# keys and changes\n"+hex.EncodeToString(key)+"\n")
			p.append(t, noon(), p.grant(t, 2, noon()))
		}, watch + "--issuer authority --expect DIR/1.label --expect DIR/expected", exitFound, "who did not expect it"},
		"a tile is not there": {func(t *testing.T, p *published) {
			if err := os.RemoveAll(p.file("labels/tile/0")); err != nil {
				t.Fatal(err)
			}
		}, "registry monitor --log DIR/labels --policy DIR/policy --state DIR/fresh", exitFound, "is not there"},
		"what cannot be proved is not listed": {func(t *testing.T, p *published) {
			if err := os.RemoveAll(p.file("labels/tile/0")); err != nil {
				t.Fatal(err)
			}
		}, "registry key list --log DIR/labels --policy DIR/policy", exitUnverified, "not a whole log"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := publish(t)
			p.append(t, noon(), p.grant(t, 1, noon()))
			p.do(t, exitDone, watch)
			c.attack(t, p)
			stdout, stderr := p.do(t, c.want, c.args)
			if !strings.Contains(stdout+stderr, c.says) {
				t.Errorf("it says\n%s%s\nand not %q", stdout, stderr, c.says)
			}
			if c.want == exitFound {
				args := c.args
				if name != "the log is put back" { // which somebody who comes later does not see
					args = strings.Replace(args, "DIR/seen", "DIR/anew", 1)
				}
				stdout, _ := p.do(t, c.want, args+" --json")
				validate(t, "registry-monitor.json", stdout)
			}
		})
	}
}

func labelHash(t *testing.T, name string) [32]byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	e, err := label.ParseEnvelope(data)
	if err != nil {
		t.Fatal(err)
	}
	return label.LeafHash(e.Label)
}

func replace(t *testing.T, name string, change func(string) string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if again := change(string(data)); again != string(data) {
		write(t, name, again)
		return
	}
	t.Fatalf("nothing in %s was altered", name)
}
