package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"plimsoll.example/plimsoll/internal/locale"
)

// eachFlag calls f with each flag of each verb.
func eachFlag(root *cobra.Command, f func(*cobra.Command, *pflag.Flag)) {
	for _, c := range append(leaves(root), root) {
		c.LocalFlags().VisitAll(func(flag *pflag.Flag) { f(c, flag) })
	}
}

func TestListsInTheFileAreForFlagsThatMayBeGivenAgain(t *testing.T) {
	words := locale.New(locale.English)
	eachFlag(newRoot(env{}, words), func(c *cobra.Command, f *pflag.Flag) {
		says := strings.Contains(f.Usage, "may be given")
		if says != repeats(strings.TrimPrefix(c.CommandPath(), "plimsoll "), f.Name) {
			t.Errorf("%s --%s: “%s”, and may be a list: %v", c.CommandPath(), f.Name, f.Usage, !says)
		}
	})
}

func TestDefaultsThatAreShownAreThoseThatHelpNames(t *testing.T) {
	inHelp := regexp.MustCompile(`\(([^;)]+)`)
	eachFlag(newRoot(env{}, locale.New(locale.English)), func(c *cobra.Command, f *pflag.Flag) {
		value := defaults[f.Name]
		if value == "" {
			return
		}
		if f.DefValue != "" {
			t.Errorf("--%s has the default %s of its own", f.Name, f.DefValue)
		}
		if m := inHelp.FindStringSubmatch(f.Usage); m == nil || m[1] != value {
			t.Errorf("%s --%s: %s, and help says “%s”", c.CommandPath(), f.Name, value, f.Usage)
		}
		if err := f.Value.Set(value); err != nil {
			t.Errorf("%s --%s %s: %v", c.CommandPath(), f.Name, value, err)
		}
	})
}

// What is shown of the verbs is a file that sets the same.
func TestWhatIsShownIsAFile(t *testing.T) {
	_, file, _ := call(t, nil, "config", "show", "--origin")
	name := t.TempDir() + "/config.toml"
	write(t, name, file)
	if code, stdout, stderr := call(t, nil, "config", "check", name); code != exitDone {
		t.Fatalf("%s%s", stdout, stderr)
	}
	_, again, _ := call(t, nil, "config", "show", "--config", name)
	_, before, _ := call(t, nil, "config", "show")
	cut := func(s string) string { _, s, _ = strings.Cut(s, "\n"); return s }
	if cut(again) != cut(before) {
		t.Errorf("got %s\nwant %s", again, before)
	}
}

func TestSettingsAreShownAsTheSchemaSays(t *testing.T) {
	dir := t.TempDir()
	good, bad := dir+"/good.toml", dir+"/bad.toml"
	write(t, good, "lang = 'fr'\n[inspect]\nindicators = ['a', 'b']\n[mud]\nstate = '/x'\n")
	write(t, bad, "[inspect]\nmemory = '1K'\nmemry = 1\n[nothing]\n")
	for _, args := range []string{"", "--config " + good, "--config " + good + " inspect -- --memory 1GiB --threshold scan.horizontal.targets=9", "--config " + good + " mud fetch"} {
		_, stdout, stderr := call(t, nil, append([]string{"config", "show", "--json"}, strings.Fields(args)...)...)
		if stderr != "" {
			t.Fatal(stderr)
		}
		validate(t, "config.json", stdout)
	}
	for _, file := range []string{good, bad, "settings_test.go"} {
		_, stdout, _ := call(t, nil, "config", "check", "--json", file)
		validate(t, "config-check.json", stdout)
	}
	_, stdout, _ := call(t, nil, "guide", "--json")
	validate(t, "guide-list.json", stdout)
}

// Whatever the file holds, the program says so in words and a line, or goes on.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{
		"", "lang = 'fr'", "[inspect]\nmemory = '128MiB'", "[inspect]\nmemry = 1", "[mud.fetch]\nallow = ['192.0.2.0/24']", "mud = 'x'", "[mud]\nmud = 1",
		"[help]\nlang = 'en'", "[['']]", "[inspect]\nthreshold = 'list'", "config = 'other.toml'", "[inspect.memory]\nx = 1", "json = [true]",
	} {
		f.Add(s)
	}
	words := locale.New(locale.English)
	f.Fuzz(func(t *testing.T, text string) {
		name := t.TempDir() + "/config.toml"
		write(t, name, text)
		s, err := loadSettings(name, func(string) string { return "" })
		if err != nil {
			if !strings.Contains(explain(err, words), "config.toml") {
				t.Fatalf("%v does not name the file", err)
			}
			return
		}
		root := newRoot(env{getenv: func(string) string { return "" }}, words)
		problems := slices.Concat(s.check(root), s.checkValues(root))
		for _, p := range problems {
			if p.line < 1 || p.line > strings.Count(text, "\n")+1 || explain(p.err, words) == "" {
				t.Fatalf("%+v", p)
			}
		}
		if len(problems) > 0 {
			return
		}
		for _, c := range leaves(newRoot(env{getenv: func(string) string { return "" }}, words)) { // a file that is right can be used by every verb
			if err := s.apply(c); err != nil && configurable(c) {
				t.Fatalf("%s: %s", c.CommandPath(), explain(err, words))
			}
		}
	})
}
