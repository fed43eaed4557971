package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"plimsoll.example/plimsoll/internal/durable"
	"plimsoll.example/plimsoll/internal/locale"
)

// newMan prints a page of the manual, or writes all of them, in all languages, into a folder: for packagers.
func newMan(e env, words *locale.Catalogue) *cobra.Command {
	var out string
	c := &cobra.Command{Use: "man", Hidden: true, Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		root := c.Root()
		verb, rest, err := root.Find(args)
		switch {
		case err != nil || len(rest) > 0:
			return wrongUsage("error.verb", "name", strings.Join(args, " "))
		case out == "" || out == "-":
			return manPage(e.out, verb, words)
		case len(args) > 0:
			return wrongUsage("error.man.all")
		}
		for _, l := range locale.Languages {
			dir := filepath.Join(out, "man1")
			if l != locale.English {
				dir = filepath.Join(out, string(l), "man1")
			}
			words := locale.New(l)
			if err := manPages(dir, newRoot(e, words), words); err != nil {
				return err
			}
		}
		return nil
	}}
	c.Flags().StringVar(&out, "out", "", "")
	return c
}

// manPages writes the page of a verb and those of the verbs below it.
func manPages(dir string, c *cobra.Command, words *locale.Catalogue) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var page bytes.Buffer
	if err := manPage(&page, c, words); err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(dir, manName(c)+".1"), page.Bytes(), 0o644); err != nil {
		return err
	}
	for _, v := range c.Commands() {
		if v.Hidden {
			continue
		}
		if err := manPages(dir, v, words); err != nil {
			return err
		}
	}
	return nil
}

// manName is what man calls the page of a verb: plimsoll-mud-fetch.
func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// roff keeps text from being taken for requests, and makes what people copy come out as it was (groff_char(7)).
var roff = strings.NewReplacer(`\`, `\e`, `-`, `\-`, `'`, `\(aq`, "`", `\(ga`, `^`, `\(ha`, `~`, `\(ti`, `"`, `\(dq`, "\n.", "\n\\&.")

// manPage writes the page of a verb, for man(7).
func manPage(w io.Writer, c *cobra.Command, words *locale.Catalogue) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	section := func(name string) { line(`.SH "%s"`, words.Text("man."+name)) }
	// text is a text of several lines; each is a paragraph.
	text := func(s string) {
		for l := range strings.Lines(s) {
			line(".PP\n%s", escaped(strings.TrimSpace(l)))
		}
	}
	verb := key(c)
	what, more, _ := strings.Cut(words.Text(verb), "\n")

	program, _, _ := strings.Cut(version(), " ")
	line(`.TH "%s" "1" "" "Plimsoll %s" "%s"`, escaped(strings.ToUpper(manName(c))), escaped(program), words.Text("man.manual"))
	section("name")
	line(`%s \- %s`, escaped(manName(c)), escaped(strings.TrimSuffix(what, ".")))
	section("synopsis")
	line(".B %s\n%s", escaped(c.CommandPath()), escaped(words.Text(verb+".usage")))
	section("description")
	text(what)
	text(more)
	if c.HasSubCommands() {
		section("verbs")
		for _, v := range c.Commands() {
			if !v.Hidden {
				line(".TP\n.BR %s (1)\n%s", escaped(manName(v)), escaped(v.Short))
			}
		}
	}
	section("examples")
	line(".EX")
	for l := range strings.Lines(words.Text(verb + ".examples")) {
		line("%s", escaped(strings.TrimSuffix(l, "\n")))
	}
	line(".EE")
	section("options")
	for _, flags := range []*pflag.FlagSet{c.LocalFlags(), c.InheritedFlags()} {
		flags.VisitAll(func(f *pflag.Flag) { b.WriteString(manFlag(f, words)) })
	}
	section("exit")
	for l := range strings.Lines(words.Text("man.exits")) {
		code, means, _ := strings.Cut(strings.TrimSpace(l), " ")
		line(".TP\n.B %s\n%s", code, escaped(means))
	}
	section("environment")
	text(words.Text("man.environment.text"))
	section("files")
	for l := range strings.Lines(words.Text("man.files.text")) {
		file, means, _ := strings.Cut(strings.TrimSpace(l), " ")
		line(".TP\n.I %s\n%s", escaped(file), escaped(means))
	}
	section("see")
	line("%s", strings.Join(manSee(c), ",\n"))
	_, err := io.WriteString(w, b.String())
	return err
}

// manSee are the pages above a verb and below it.
func manSee(c *cobra.Command) (list []string) {
	page := func(v *cobra.Command) { list = append(list, fmt.Sprintf(`\fB%s\fR(1)`, escaped(manName(v)))) }
	for v := c.Parent(); v != nil; v = v.Parent() {
		page(v)
	}
	for _, v := range c.Commands() {
		if !v.Hidden {
			page(v)
		}
	}
	if c.Name() != "config" {
		config, _, err := c.Root().Find([]string{"config"})
		if err == nil && c.HasParent() && c.Parent() != config {
			page(config)
		}
	}
	return list
}

func manFlag(f *pflag.Flag, words *locale.Catalogue) string {
	name := `\fB` + escaped("--"+f.Name) + `\fR`
	if f.Shorthand != "" {
		name = `\fB` + escaped("-"+f.Shorthand) + `\fR, ` + name
	}
	if f.Value.Type() != "bool" {
		name += ` \fI` + escaped(words.Text("cli.value."+f.Name)) + `\fR`
	}
	return fmt.Sprintf(".TP\n%s\n%s\n", name, escaped(f.Usage))
}

// escaped is text that stands at the beginning of a line or within one.
func escaped(s string) string {
	s = roff.Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}
