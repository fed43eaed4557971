package main

import (
	"bufio"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"plimsoll.example/plimsoll/internal/config"
	"plimsoll.example/plimsoll/internal/locale"
)

// shownSettings is what schema/config.json describes.
type shownSettings struct {
	Schema   string         `json:"schema"`
	File     string         `json:"file"` // "" where there is none
	Settings []shownSetting `json:"settings"`
}

type shownSetting struct {
	Verb   string   `json:"verb"` // "": of all
	Name   string   `json:"name"`
	Values []string `json:"values"` // none: it is not set
	Origin string   `json:"origin"`
	Where  string   `json:"where"`

	kind string // of value, as pflag calls it
}

// checkedSettings is what schema/config-check.json describes.
type checkedSettings struct {
	Schema   string         `json:"schema"`
	File     string         `json:"file"`
	OK       bool           `json:"ok"`
	Problems []shownMistake `json:"problems"`
}

type shownMistake struct {
	Line int    `json:"line"`
	Key  string `json:"key"`
	Text string `json:"text"`
}

// newConfig is the verbs on what flags are set to elsewhere than in the call.
func newConfig(e env, words *locale.Catalogue) *cobra.Command {
	c := &cobra.Command{Use: "config", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return wrongUsage("error.verb", "name", "config "+args[0])
		}
		return c.Help()
	}}
	c.AddCommand(newConfigCheck(e, words), newConfigShow(e, words))
	return c
}

// newConfigShow tells what each flag of a verb, or of all, would be set to, and by what. What follows -- is for the verb.
func newConfigShow(e env, words *locale.Catalogue) *cobra.Command {
	var origins, asJSON bool
	c := &cobra.Command{Use: "show", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		root := c.Root()
		var rest []string
		if i := c.ArgsLenAtDash(); i >= 0 {
			args, rest = args[:i], args[i:]
		}
		verb := root
		if len(args) > 0 {
			if verb = verbOf(root, args); verb == nil {
				return wrongUsage("error.verb", "name", strings.Join(args, " "))
			}
		}
		if err := verb.ParseFlags(rest); err != nil {
			return flagFault(verb, err)
		}
		s, err := loadSettings(c.Flags().Lookup("config").Value.String(), e.getenv)
		if err != nil {
			return err
		}
		if problems := slices.Concat(s.check(root), s.checkValues(newRoot(e, words))); len(problems) > 0 {
			return problems[0].err
		}
		shown := shownSettings{Schema: "plimsoll.config/1", File: s.path, Settings: s.show(root, verb)}
		if asJSON {
			return printJSON(e.out, shown)
		}
		return shown.print(e, words, origins)
	}}
	c.Flags().BoolVar(&asJSON, "json", false, "")
	c.Flags().BoolVar(&origins, "origin", false, "")
	return c
}

// show lists the settings of a verb and of those below it, and where it is about all, those of all.
func (s *settings) show(root, verb *cobra.Command) []shownSetting {
	list := []shownSetting{}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c == root || configurable(c) && !c.Hidden {
			c.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if slices.Contains(unsettable, f.Name) || c != root && root.PersistentFlags().Lookup(f.Name) != nil {
					return
				}
				x := s.of(c, f)
				list = append(list, shownSetting{strings.Join(verbParts(c), " "), f.Name, append([]string{}, x.values...), x.origin, x.where, f.Value.Type()})
			})
		}
		for _, v := range c.Commands() {
			if !slices.Contains(selfless, v.Name()) || c != root {
				walk(v)
			}
		}
	}
	walk(verb)
	return list
}

// print writes the settings as a file that could be their own. What is not set is a remark in it.
func (r *shownSettings) print(e env, words *locale.Catalogue, origins bool) error {
	w := bufio.NewWriter(e.out)
	file := r.File
	if file == "" {
		file = words.Text("config.none")
	}
	fmt.Fprintf(w, "# %s\n", printable(words.Text("config.file", "name", file)))
	verb := ""
	for _, x := range r.Settings {
		if x.Verb != verb {
			verb = x.Verb
			fmt.Fprintf(w, "\n[%s]\n", strings.ReplaceAll(verb, " ", "."))
		}
		line := "# " + x.Name + " ="
		if len(x.Values) > 0 {
			var err error
			if line, err = x.toml(); err != nil {
				return err
			}
		}
		if origins {
			text := words.Text("config.origin."+x.Origin, "where", x.Where)
			line = fmt.Sprintf("%-32s # %s", line, printable(text))
		}
		fmt.Fprintln(w, line)
	}
	return w.Flush()
}

// toml is a setting as a line of the file.
func (x *shownSetting) toml() (string, error) {
	if x.kind == "bool" || strings.Contains(x.kind, "int") {
		return x.Name + " = " + x.Values[0], nil
	}
	return config.Line(x.Name, repeats(x.Verb, x.Name), x.Values...)
}

// newConfigCheck says what is wrong with a file, all of it.
func newConfigCheck(e env, words *locale.Catalogue) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "check", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		name := c.Flags().Lookup("config").Value.String()
		switch {
		case len(args) > 1 || len(args) == 1 && name != "":
			return wrongUsage("error.config.one")
		case len(args) == 1:
			name = args[0]
		}
		path, _ := configPath(name, e.getenv)
		if path == "" {
			return wrongUsage("error.config.one")
		}
		s, err := loadSettings(path, e.getenv)
		var problems []mistake
		switch {
		case err != nil && s.path == "":
			return err
		case err != nil:
			problems = []mistake{{s.broken, "", err}}
		default:
			root := newRoot(e, words)
			problems = slices.Concat(s.check(root), s.checkValues(root))
			slices.SortStableFunc(problems, func(a, b mistake) int { return a.line - b.line })
		}
		if err := s.tell(e, words, problems, asJSON); err != nil {
			return err
		}
		if n := len(problems); n > 0 {
			return &fault{key: "error.config.mistakes", args: []any{"name", s.path, "n", n}}
		}
		return nil
	}}
	c.Flags().BoolVar(&asJSON, "json", false, "")
	return c
}

func (s *settings) tell(e env, words *locale.Catalogue, problems []mistake, asJSON bool) error {
	r := checkedSettings{Schema: "plimsoll.config.check/1", File: s.path, OK: len(problems) == 0, Problems: []shownMistake{}}
	for _, p := range problems {
		r.Problems = append(r.Problems, shownMistake{p.line, p.key, explain(p.err, words)})
	}
	if asJSON {
		return printJSON(e.out, r)
	}
	if r.OK {
		_, err := fmt.Fprintln(e.out, printable(words.Text("config.good", "name", s.path)))
		return err
	}
	for _, p := range r.Problems {
		if _, err := fmt.Fprintln(e.out, p.Text); err != nil {
			return err
		}
	}
	return nil
}
