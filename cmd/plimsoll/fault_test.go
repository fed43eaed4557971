package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/locale"
)

const played = "../../testdata/home.pcapng"

// call runs the program inside the test.
func call(t *testing.T, in io.Reader, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, env{in, &out, &err, func(string) string { return "" }})
	return code, out.String(), err.String()
}

func TestExitCodesTellWhatHappened(t *testing.T) {
	for _, tt := range []struct {
		args string
		want int
	}{
		{"devices " + played, exitDone},
		{"--help", exitDone},
		{"help devices", exitDone},
		{"completion zsh", exitDone},
		{"inspect fault_test.go", exitFailed},
		{"inspect", exitUsage},
		{"inspect --bogus", exitUsage},
		{"inspect --memory lots " + played, exitUsage},
		{"inspect --lang de " + played, exitUsage},
		{"inspect --json --flows - " + played, exitUsage},
		{"inspect --flows " + played + " " + played, exitUsage},
		{"frobnicate", exitUsage},
		{"help frobnicate", exitUsage},
		{"completion tcsh", exitUsage},
		{"inspect nothing.pcap", exitNotFound},
		{"inspect -i nosuch0", exitNotFound},
		{"inspect --flows nowhere/flows.jsonl " + played, exitNotFound},
	} {
		if code, _, stderr := call(t, nil, strings.Fields(tt.args)...); code != tt.want {
			t.Errorf("plimsoll %s: exit %d (%s), want %d", tt.args, code, stderr, tt.want)
		}
	}
}

func TestWhatWasReadBeforeAnErrorIsTold(t *testing.T) {
	data, err := os.ReadFile(played)
	if err != nil {
		t.Fatal(err)
	}
	broken := func() io.Reader {
		return io.MultiReader(bytes.NewReader(data[:len(data)/2]), iotest.ErrReader(errors.New("the disk is gone")))
	}
	flows := filepath.Join(t.TempDir(), "flows.jsonl")
	code, stdout, stderr := call(t, broken(), "inspect", "--flows", flows, "-")
	if code != exitFailed || !strings.Contains(stderr, "standard input: the disk is gone") {
		t.Errorf("exit %d, %q: want the error, and exit 1", code, stderr)
	}
	if !strings.Contains(stdout, "13 devices. ") {
		t.Errorf("no report: %q", stdout)
	}
	if lines, err := os.ReadFile(flows); err != nil || !bytes.HasSuffix(lines, []byte("}\n")) {
		t.Errorf("flows were not written to the end: %v", err)
	}
	_, stdout, _ = call(t, broken(), "inspect", "--json", "-")
	if !strings.Contains(stdout, `"cut":true`) || !regexp.MustCompile(`"warnings":\[[^]]*the disk is gone`).MatchString(stdout) {
		t.Error("the JSON object does not say that the capture was not read to its end")
	}
	code, stdout, _ = call(t, iotest.ErrReader(errors.New("the disk is gone")), "inspect", "-")
	if code != exitFailed || stdout != "" {
		t.Errorf("exit %d and a report %q of nothing", code, stdout)
	}
}

func TestFileErrorsAreExplainedInBothLanguages(t *testing.T) {
	for _, tt := range []struct {
		err    error
		en, fr string
	}{
		{&fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}, "reading x is not permitted", "la lecture de x n’est pas permise"},
		{&fs.PathError{Op: "read", Path: "x", Err: io.ErrNoProgress}, "x could not be read: multiple", "lecture de x impossible\u00a0: multiple"},
		{&fs.PathError{Op: "write", Path: "x", Err: fs.ErrPermission}, "x could not be written: perm", "écriture de x impossible\u00a0: perm"},
		{&capture.FormatError{Name: "x", Offset: 4, Found: "pcap of version 9.1"}, "found pcap of version 9.1 at octet 4", "pcap de version 9.1 à l’octet 4"},
		{&capture.FormatError{Name: "x", Found: "a thing without words"}, "found a thing without words", "a thing without words à l’octet 0"},
		{errors.New("what is this"), "it failed: what", "échec\u00a0: what"},
	} {
		for l, want := range map[locale.Lang]string{locale.English: tt.en, locale.French: tt.fr} {
			if got := explain(tt.err, locale.New(l)); !strings.Contains(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
}

// The compiler checks neither keys nor what package capture calls things.
func TestEveryMessageExistsAndEveryErrorIsUsed(t *testing.T) {
	words := locale.New(locale.English)
	exists := func(key string) bool { return words.Text(key) != key }
	used := map[string]bool{}
	for key := range matches(t, "*.go", `"((?:error|inspect|cli)(?:\.[a-z-]+)+)"`) {
		used[key] = true
		if !exists(key) {
			t.Errorf("no message %s", key)
		}
	}
	for key := range matches(t, "../../internal/locale/en.json", `"(error\.[a-z.-]+)":`) {
		if !used[key] && !strings.HasPrefix(key, "error.found.") && !strings.HasPrefix(key, "error.value.") {
			t.Errorf("%s is not used", key)
		}
	}
	slug := strings.NewReplacer(" ", "-", "%q", "", "% x", "")
	const phrase = `"([a-z][a-zA-Z0-9 -]*[a-z])`
	for _, tt := range []struct{ prefix, file, pattern string }{
		{"inspect.damage.", "pcap*.go", `(?:fault = |return )` + phrase},
		{"inspect.damage.", "reader.go", `What: ` + phrase},
		{"error.found.", "*.go", `Found: ` + phrase},
		{"error.found.", "damage.go", `(?:", |return |Sprintf\()` + phrase + `(?:"}| %|")`},
	} {
		found := matches(t, "../../internal/capture/"+tt.file, tt.pattern)
		if len(found) == 0 {
			t.Errorf("nothing in %s is like %s", tt.file, tt.pattern)
		}
		for s := range found {
			if key := tt.prefix + strings.ToLower(slug.Replace(s)); !exists(key) {
				t.Errorf("no message %s", key)
			}
		}
	}
}

// matches is what the pattern's group matches in the files, tests apart.
func matches(t *testing.T, glob, pattern string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(glob)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, name := range slices.DeleteFunc(files, func(s string) bool { return strings.HasSuffix(s, "_test.go") }) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(data, -1) {
			found[string(m[1])] = true
		}
	}
	return found
}

func TestEveryVerbAndFlagHasItsWords(t *testing.T) {
	for _, l := range locale.Languages {
		words := locale.New(l)
		has := func(key string) {
			if words.Text(key) == key {
				t.Errorf("%s: no message %s", l, key)
			}
		}
		var walk func(*cobra.Command)
		walk = func(c *cobra.Command) {
			for _, suffix := range []string{"", ".examples", ".usage"} {
				has(key(c) + suffix)
			}
			flag := func(f *pflag.Flag) {
				has("cli.flag." + f.Name)
				switch f.Value.Type() {
				case "bool":
				case "string":
					has("cli.value." + f.Name)
				default: // not every value will do
					has("cli.value." + f.Name)
					has("error.value." + f.Name)
				}
			}
			c.LocalFlags().VisitAll(flag)
			for _, verb := range c.Commands() {
				walk(verb)
			}
		}
		walk(newRoot(env{}, words))
	}
}

func TestWhatMovesATerminalIsNotPrinted(t *testing.T) {
	const want = "a\ufffd[31m\ufffd\ufffdb é\u00a0…\nc\ufffd"
	if got := printable("a\x1b[31m\xff\u202eb é\u00a0…\nc\r"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
