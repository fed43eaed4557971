//go:build !gateway

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/assess"
	"plimsoll.example/plimsoll/label"
)

// maker is a maker’s folder, as docs/assess.md shows it.
const maker = "../../testdata/maker/"

// assessed assesses what is in the maker’s folder, with the flags.
func assessed(t *testing.T, flags ...string) (code int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	flows := filepath.Join(dir, "flows.json")
	code, text, stderr := call(t, nil, "inspect", "--json", "--flows", flows, maker+"bench.pcap")
	if code != exitDone {
		t.Fatal(stderr)
	}
	capture := filepath.Join(dir, "capture.json")
	write(t, capture, text)
	args := []string{"label", "assess", "--product", maker + "product.json", "--declaration", maker + "declaration.json", "--device", "02:00:5e:70:00:14"}
	args = append(append(args, flags...), capture, flows, maker+"probe.json", maker+"policy.md", maker+"report.md")
	return call(t, nil, args...)
}

func TestTheFilesOfAMakerAreOfTheirSchemas(t *testing.T) {
	for file, schema := range map[string]string{"product.json": "product.json", "declaration.json": "declaration.json", "probe.json": "probe.json"} {
		text, err := os.ReadFile(maker + file)
		if err != nil {
			t.Fatal(err)
		}
		validate(t, schema, string(text))
	}
}

func TestWhatAMakerHandsInBecomesClassesAndVerdicts(t *testing.T) {
	var result struct {
		Norms []struct {
			Norm    string
			Class   label.Class
			Verdict assess.Verdict
		}
		Problems []any
	}
	get := func(flags ...string) map[string]string {
		t.Helper()
		code, stdout, stderr := assessed(t, append([]string{"--json"}, flags...)...)
		if code != exitDone {
			t.Fatalf("exit %d, %s", code, stderr)
		}
		validate(t, "label-assess.json", stdout)
		result.Norms = nil
		if err := json.Unmarshal([]byte(stdout), &result); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, n := range result.Norms {
			got[n.Norm] = n.Class.String() + " " + n.Verdict.String()
		}
		return got
	}
	got := get("--lab", "Example Test House")
	for id, want := range map[string]string{
		"etsi.5.1-1":  "lab-tested pass",         // its report
		"etsi.5.1-5":  "lab-tested pass",         // its probe
		"etsi.5.3-5":  "lab-tested pass",         // its capture
		"etsi.5.3-16": "lab-tested pass",         // the plug names its model
		"etsi.5.3-2":  "seen inconclusive",       // what was sent cannot be seen
		"etsi.5.5-1":  "seen inconclusive",       // what was not captured is not known
		"etsi.5.6-1":  "seen inconclusive",       // nor what was not tried
		"etsi.5.5-5":  "declared inconclusive",   // that nothing was found says nothing
		"etsi.5.2-1":  "declared inconclusive",   // nor does a document that nobody has judged
		"etsi.5.7-1":  "not-claimed fail",        // by its own word
		"etsi.6-2":    "declared not-applicable", // by a condition
	} {
		if got[id] != want {
			t.Errorf("%s: %s, want %s", id, got[id], want)
		}
	}
	if len(result.Problems) > 0 {
		t.Errorf("problems: %v", result.Problems)
	}
	got = get()
	for id, want := range map[string]string{"etsi.5.1-1": "declared inconclusive", "etsi.5.1-5": "seen pass"} {
		if got[id] != want {
			t.Errorf("without a laboratory, %s: %s, want %s", id, got[id], want)
		}
	}
}

func TestEvidenceAgainstALabelStopsIt(t *testing.T) {
	text, err := os.ReadFile(maker + "probe.json")
	if err != nil {
		t.Fatal(err)
	}
	x, err := assess.ParseTranscript(text)
	if err != nil {
		t.Fatal(err)
	}
	x.Checks = append(x.Checks, assess.Check{Check: "login.default", Port: "tcp/23", Outcome: assess.Bad, Detail: "user root", Exchanges: []int{}})
	x.SHA256 = x.Digest()
	if text, err = json.Marshal(x); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.json")
	write(t, bad, string(text))
	out := filepath.Join(t.TempDir(), "statement.json")
	code, stdout, stderr := assessed(t, "--fail-on", "high", "--out", out, bad)
	if code != exitFound || !strings.Contains(stderr, "not met") {
		t.Errorf("exit %d, %s", code, stderr)
	}
	for _, want := range []string{"etsi.5.1-1 M", "refuted · fail", "what was declared and what was found do not agree", "mend it"} {
		if !strings.Contains(strings.Join(strings.Fields(stdout), " "), want) {
			t.Errorf("no %q", want)
		}
	}
	if code, stdout, _ = assessed(t, "--lang", "fr", bad); code != exitDone || !strings.Contains(stdout, "démenti · échec") {
		t.Errorf("exit %d\n%s", code, stdout)
	}
	write(t, bad, strings.Replace(string(text), `"bad"`, `"good"`, 1))
	if code, _, stderr = assessed(t, bad); code != exitFailed || !strings.Contains(stderr, "altered") {
		t.Errorf("a transcript that was altered: exit %d, %s", code, stderr)
	}
}

// The README shows the five commands of docs/assess.md, which the next test runs.
func TestTheReadmeLeadsFromAMakersFolderToAPrintedLabel(t *testing.T) {
	examples := regexp.MustCompile("(?s)```sh\nplimsoll inspect bench.pcap .*?```")
	of := func(name string) string {
		data, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		return examples.FindString(string(data))
	}
	readme := of("README.md")
	if readme == "" || readme != of("docs/assess.md") || strings.Count(readme, "\nplimsoll ") != 5 {
		t.Errorf("the README shows\n%s\nand docs/assess.md\n%s", readme, of("docs/assess.md"))
	}
}

// What docs/assess.md shows is what happens: from a maker’s folder to a printed label, and to a check with no network.
func TestTheExampleOfTheDocumentMakesALabel(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("the program openssl is missing")
	}
	doc, err := os.ReadFile("../../docs/assess.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range assess.Checks() {
		if !strings.Contains(string(doc), "| `"+a.Check+"` |") {
			t.Errorf("docs/assess.md does not name the check %s", a.Check)
		}
	}
	blocks := regexp.MustCompile("(?s)```(sh)?\n(.*?)```").FindAllStringSubmatch(string(doc), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d examples", len(blocks))
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(maker)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, m := range regexp.MustCompile("`(openssl [^`]*)`").FindAllStringSubmatch(string(doc), -1) {
		f := strings.Fields(m[1])
		if out, err := exec.Command(f[0], f[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", m[1], err, out)
		}
	}
	commands := strings.Split(strings.TrimSpace(blocks[0][2]), "\n")
	if len(commands) != 5 {
		t.Errorf("%d commands", len(commands))
	}
	said := ""
	for _, line := range commands {
		line, to, _ := strings.Cut(line, " > ")
		var args []string
		for i, part := range strings.Split(line, `"`) {
			if i%2 == 1 {
				args = append(args, part)
			} else {
				args = append(args, strings.Fields(part)...)
			}
		}
		want := exitDone
		if args[2] == "verify" {
			want = exitFound // genuine, and a key alone does not tell its status
		}
		code, stdout, stderr := call(t, nil, args[1:]...)
		if code != want {
			t.Fatalf("%s: exit %d, %s", line, code, stderr)
		}
		if to != "" {
			write(t, to, stdout)
		}
		said += stdout
	}
	for _, want := range []string{blocks[1][2], "Genuine"} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing says\n%s", want)
		}
	}
}
