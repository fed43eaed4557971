package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"plimsoll.example/plimsoll/internal/config"
)

// A value comes from one of these, the strongest first.
const (
	fromFlag        = "flag"
	fromEnvironment = "environment"
	fromFile        = "file"
	fromDefault     = "default"
)

// setting is what a flag is set to, and by what.
type setting struct {
	values []string // empty: it is not set
	origin string
	where  string // --memory, PLIMSOLL_MEMORY, or a file and its line
}

// settings are what is said about flags elsewhere than in the call.
type settings struct {
	path   string // of the file; "" where there is none
	file   []config.Setting
	broken int // the line at which the file is no TOML; 0: none
	getenv func(string) string
}

// again are the flags that may be given several times, and so may be lists in the file: of each verb that has them, or of one.
var again = []string{
	"address", "allow", "controller", "feed", "gateway", "home run registry", "home run registry-key", "host", "indicators", "notice", "threshold", "upstream",
}

// repeats reports whether a flag of a verb may be given several times.
func repeats(verb, flag string) bool {
	return slices.Contains(again, flag) || slices.Contains(again, verb+" "+flag)
}

// defaults are those of the flags that do not themselves tell.
var defaults = map[string]string{"half-life": "14", "memory": "64MiB", "mode": "watch"}

// unsettable are the flags that belong to one call.
var unsettable = []string{"config", "help", "version"}

// selfless are the verbs that tell of the program itself. They work whatever the file says.
var selfless = []string{"completion", "config", "help", "man"}

// configPath is the file to read, and whether it must be there: as the flag or the environment says, else where the
// XDG Base Directory Specification puts it, or for root, who serves all, below /etc.
func configPath(flag string, getenv func(string) string) (path string, must bool) {
	if flag == "" {
		flag = getenv(variable("config"))
	}
	switch {
	case flag != "":
		return flag, true
	case os.Geteuid() == 0:
		return "/etc/plimsoll/config.toml", false
	case filepath.IsAbs(getenv("XDG_CONFIG_HOME")):
		return filepath.Join(getenv("XDG_CONFIG_HOME"), "plimsoll", "config.toml"), false
	case getenv("HOME") == "":
		return "", false
	}
	return filepath.Join(getenv("HOME"), ".config", "plimsoll", "config.toml"), false
}

// loadSettings reads the file that the flag --config names, or the one of the platform, which need not be there.
func loadSettings(flag string, getenv func(string) string) (*settings, error) {
	s := &settings{getenv: getenv}
	path, must := configPath(flag, getenv)
	if path == "" {
		return s, nil
	}
	data, err := readFile(path, config.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) && !must {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	s.path = path
	s.file, err = config.Parse(data)
	if syntax, ok := errors.AsType[*config.SyntaxError](err); ok {
		s.broken = syntax.Line
		return s, wrongUsage("error.config.syntax", "name", s.at(syntax.Line), "cause", syntax.Text)
	}
	return s, err
}

// at is a place in the file.
func (s *settings) at(line int) string { return fmt.Sprintf("%s:%d", s.path, line) }

// configure sets the flags of a verb that its caller did not give.
func configure(c *cobra.Command, getenv func(string) string) error {
	s := &settings{getenv: getenv}
	if configurable(c) {
		var err error
		if s, err = loadSettings(c.Flags().Lookup("config").Value.String(), getenv); err != nil {
			return err
		}
		if problems := s.check(c.Root()); len(problems) > 0 {
			return problems[0].err
		}
	}
	return s.apply(c)
}

// configurable reports whether a verb does something that the file may say about.
func configurable(c *cobra.Command) bool {
	parts := verbParts(c)
	return len(parts) > 0 && !c.HasSubCommands() && !slices.Contains(selfless, parts[0]) && !strings.HasPrefix(parts[0], "__")
}

// verbParts are the words of a verb: mud, fetch.
func verbParts(c *cobra.Command) []string { return strings.Fields(c.CommandPath())[1:] }

// apply sets the flags that were not given.
func (s *settings) apply(c *cobra.Command) (err error) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		got := s.of(c, f)
		if err != nil || got.origin == fromFlag || got.origin == fromDefault {
			return
		}
		for _, value := range got.values {
			if f.Value.Set(value) != nil {
				if got.origin == fromFile {
					got.where += " " + f.Name
				}
				err = wrongValue(f, got.where, value)
				return
			}
		}
	})
	return err
}

// of is what the flag of a verb is set to.
func (s *settings) of(c *cobra.Command, f *pflag.Flag) setting {
	unset := setting{origin: fromDefault}
	if value := cmp.Or(f.DefValue, defaults[f.Name]); value != "" && value != "[]" {
		unset.values = []string{value}
	}
	switch {
	case f.Changed:
		return setting{given(f), fromFlag, "--" + f.Name}
	case slices.Contains(unsettable, f.Name):
		return unset
	}
	// What is said of the verb itself counts more than what is said of all.
	parts := verbParts(c)
	for n := len(parts); n >= 0; n-- {
		name := variable(strings.Join(slices.Concat(parts[:n], []string{f.Name}), "-"))
		if value := s.getenv(name); value != "" {
			return setting{[]string{value}, fromEnvironment, name}
		}
	}
	for n := len(parts); n >= 0; n-- {
		for _, x := range s.file {
			if x.Name == f.Name && slices.Equal(x.Section, parts[:n]) {
				return setting{x.Values, fromFile, s.at(x.Line)}
			}
		}
	}
	return unset
}

// told is the value of a flag that does not itself keep what it was given.
type told struct {
	pflag.Value
	texts []string
}

func (t *told) Set(s string) error {
	err := t.Value.Set(s)
	if err == nil {
		t.texts = append(t.texts, s)
	}
	return err
}

// keepTold makes each flag of a verb and of those below it keep what it was given.
func keepTold(c *cobra.Command) {
	keep := func(f *pflag.Flag) {
		if f.Value.Type() == "func" {
			f.Value = &told{Value: f.Value}
		}
	}
	c.Flags().VisitAll(keep)
	c.PersistentFlags().VisitAll(keep)
	for _, v := range c.Commands() {
		keepTold(v)
	}
}

// given is what the caller set a flag to.
func given(f *pflag.Flag) []string {
	switch v := f.Value.(type) {
	case *told:
		return v.texts
	case pflag.SliceValue:
		return v.GetSlice()
	}
	return []string{f.Value.String()}
}

// mistake is a setting of the file that sets nothing.
type mistake struct {
	line int
	key  string
	err  error
}

// check finds what in the file is about no verb and no flag. Values are for the flags to judge.
func (s *settings) check(root *cobra.Command) (list []mistake) {
	unknown := map[string]bool{} // sections that were told
	for _, x := range s.file {
		section, key := strings.Join(x.Section, "."), ""
		verb := verbOf(root, x.Section)
		switch {
		case verb == nil && unknown[section]:
		case verb == nil:
			unknown[section] = true
			key = "error.config.section"
		case x.Name == "":
		case len(flagsNamed(verb, x.Name)) == 0 && len(x.Section) == 0:
			key = "error.config.key"
		case len(flagsNamed(verb, x.Name)) == 0:
			key = "error.config.key-of"
		case x.Values == nil || x.List && !repeats(strings.Join(x.Section, " "), x.Name):
			key = "error.config.kind"
		}
		if key != "" {
			err := wrongUsage(key, "at", s.at(x.Line), "name", x.Name, "section", section, "verb", strings.Join(x.Section, " "))
			list = append(list, mistake{x.Line, x.Key(), err})
		}
	}
	return list
}

// checkValues finds the values of the file that a flag refuses. It sets flags: the verbs are of no use afterwards.
func (s *settings) checkValues(root *cobra.Command) (list []mistake) {
	for _, x := range s.file {
		verb := verbOf(root, x.Section)
		if verb == nil || x.Name == "" {
			continue
		}
		for _, f := range flagsNamed(verb, x.Name) {
			i := slices.IndexFunc(x.Values, func(value string) bool { return f.Value.Set(value) != nil })
			if i >= 0 {
				list = append(list, mistake{x.Line, x.Key(), wrongValue(f, s.at(x.Line)+" "+x.Name, x.Values[i])})
				break
			}
		}
	}
	return list
}

// verbOf is the verb that a section is about, or nil.
func verbOf(root *cobra.Command, section []string) *cobra.Command {
	c := root
	for _, part := range section {
		i := slices.IndexFunc(c.Commands(), func(v *cobra.Command) bool { return v.Name() == part })
		if i < 0 {
			return nil
		}
		c = c.Commands()[i]
	}
	if c != root && !c.HasSubCommands() && !configurable(c) || c != root && slices.Contains(selfless, section[0]) {
		return nil
	}
	return c
}

// flagsNamed are the flags of that name which the file may set, of a verb and those below it.
func flagsNamed(c *cobra.Command, name string) (list []*pflag.Flag) {
	if slices.Contains(unsettable, name) {
		return nil
	}
	if !c.HasParent() || configurable(c) {
		if f := c.LocalFlags().Lookup(name); f != nil {
			list = append(list, f)
		}
	}
	for _, v := range c.Commands() {
		if !slices.Contains(selfless, v.Name()) || c.HasParent() {
			list = append(list, flagsNamed(v, name)...)
		}
	}
	return list
}
