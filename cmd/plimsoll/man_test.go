package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
)

func TestEveryVerbHasAPageInBothLanguages(t *testing.T) {
	dir := t.TempDir()
	if code, stdout, stderr := call(t, nil, "man", "--out", dir); code != exitDone || stdout+stderr != "" {
		t.Fatalf("exit %d, %s%s", code, stdout, stderr)
	}
	groff, _ := exec.LookPath("groff")
	if groff == "" {
		t.Log("groff is not here: pages are held to their structure alone")
	}
	for l, folder := range map[locale.Lang]string{locale.English: "man1", locale.French: "fr/man1"} {
		words := locale.New(l)
		var walk func(*cobra.Command)
		walk = func(c *cobra.Command) {
			if c.Hidden {
				return
			}
			name := filepath.Join(dir, folder, manName(c)+".1")
			page, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var sections []string
			for _, m := range regexp.MustCompile(`(?m)^\.SH "(.*)"$`).FindAllStringSubmatch(string(page), -1) {
				sections = append(sections, m[1])
			}
			want := []string{"name", "synopsis", "description", "verbs", "examples", "options", "exit", "environment", "files", "see"}
			if !c.HasSubCommands() {
				want = append(want[:3:3], want[4:]...)
			}
			for i := range want {
				want[i] = words.Text("man." + want[i])
			}
			if got, want := strings.Join(sections, ","), strings.Join(want, ","); got != want {
				t.Errorf("%s has the sections %s, want %s", name, got, want)
			}
			for _, m := range regexp.MustCompile(`\\fB(plimsoll\S*)\\fR\(1\)`).FindAllStringSubmatch(string(page), -1) {
				other := filepath.Join(dir, folder, strings.ReplaceAll(m[1], `\-`, "-")+".1")
				if _, err := os.Stat(other); err != nil {
					t.Errorf("%s names a page that is not there: %v", name, err)
				}
			}
			if groff != "" {
				out, err := exec.Command(groff, "-man", "-ww", "-K", "utf8", "-T", "utf8", "-P-c", name).CombinedOutput()
				text := regexp.MustCompile(`.\x08|\x1b\[[0-9;]*m`).ReplaceAllString(string(out), "")
				if err != nil || strings.Contains(text, "warning") || strings.Contains(text, "error:") {
					t.Errorf("groff: %v: %.300s", err, out)
				}
				first, _, _ := strings.Cut(words.Text(key(c)+".examples"), "\n")
				if !strings.Contains(text, first) {
					t.Errorf("%s as it is shown has no %q", name, first)
				}
			}
			for _, v := range c.Commands() {
				walk(v)
			}
		}
		walk(newRoot(env{}, words))
	}
}

func TestWhatRoffWouldTakeForItselfIsText(t *testing.T) {
	if got, want := escaped(".so \\x 'a'-b"), `\&.so \ex \(aqa\(aq\-b`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What a shell offers, by asking as its script does.
func TestShellsCompleteEveryVerbAndFlag(t *testing.T) {
	for _, l := range locale.Languages {
		words := locale.New(l)
		offered := func(parts []string, start string) string {
			args := append([]string{"__complete"}, parts...)
			var out strings.Builder
			getenv := func(name string) string { return map[string]string{"LANG": string(l) + "_CA.UTF-8"}[name] }
			run(t.Context(), append(args, start), env{nil, &out, &strings.Builder{}, getenv})
			return "\n" + out.String()
		}
		var walk func(*cobra.Command)
		walk = func(c *cobra.Command) {
			verbs := offered(verbParts(c), "")
			for _, v := range c.Commands() {
				if !v.Hidden && !strings.Contains(verbs, "\n"+v.Name()+"\t"+v.Short+"\n") {
					t.Errorf("%s: %s is not offered", l, v.CommandPath())
				}
			}
			flags := offered(verbParts(c), "--")
			for _, line := range strings.Split(strings.TrimSpace(flags), "\n") {
				if strings.HasPrefix(line, "--") && !strings.Contains(line, "\t") {
					t.Errorf("%s: %s: %s is offered without a word", l, c.CommandPath(), line)
				}
			}
			if !strings.Contains(flags, "\n--lang\t"+words.Text("cli.flag.lang")) {
				t.Errorf("%s: %s: flags are not offered: %s", l, c.CommandPath(), flags)
			}
			for _, v := range c.Commands() {
				if !v.Hidden {
					walk(v)
				}
			}
		}
		walk(newRoot(env{}, words))
	}
}

func TestScriptsForShellsAreWhatTheShellsRead(t *testing.T) {
	for shell, check := range map[string][]string{"bash": {"-n"}, "zsh": {"-n"}, "fish": {"--no-execute"}} {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("the program %s is missing", shell)
			}
			_, script, _ := call(t, nil, "completion", shell)
			file := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(path, append(check, file)...).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
