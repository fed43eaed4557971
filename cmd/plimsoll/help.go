package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"plimsoll.example/plimsoll/internal/locale"
)

// newHelp is another way to write --help.
func newHelp() *cobra.Command {
	return &cobra.Command{Use: "help", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		verb, rest, err := c.Root().Find(args)
		if err != nil || len(rest) > 0 {
			return wrongUsage("error.verb", "name", strings.Join(args, " "))
		}
		return verb.Help()
	}}
}

// key is where the catalogue has the texts of a verb.
func key(c *cobra.Command) string { return "cli." + strings.ReplaceAll(c.CommandPath(), " ", ".") }

// describe gives verbs and flags their words, for help and for completion.
func describe(c *cobra.Command, words *locale.Catalogue) {
	c.Short, _, _ = strings.Cut(words.Text(key(c)), "\n")
	usage := func(f *pflag.Flag) {
		f.Usage = words.Text("cli.flag." + f.Name)
		if own := key(c) + ".flag." + f.Name; words.Text(own) != own { // it means something else there
			f.Usage = words.Text(own)
		}
	}
	c.Flags().VisitAll(usage)
	c.PersistentFlags().VisitAll(usage)
	for _, verb := range c.Commands() {
		describe(verb, words)
	}
}

// help prints what a verb is for, with examples first. The texts are in the catalogue, under the verb's name.
func help(c *cobra.Command, words *locale.Catalogue) {
	out, verb := c.OutOrStdout(), key(c)
	fmt.Fprintf(out, "%s\n\n%s\n", words.Text(verb), words.Text("cli.examples"))
	for line := range strings.Lines(words.Text(verb + ".examples")) {
		fmt.Fprintf(out, "  %s", line)
	}
	fmt.Fprintf(out, "\n\n%s\n  %s %s\n", words.Text("cli.usage"), c.CommandPath(), words.Text(verb+".usage"))
	if c.HasSubCommands() {
		fmt.Fprintf(out, "\n%s\n", words.Text("cli.verbs"))
		for _, v := range c.Commands() {
			if !v.Hidden {
				fmt.Fprintf(out, "  %-11s %s\n", v.Name(), v.Short)
			}
		}
	}
	fmt.Fprintf(out, "\n%s\n", words.Text("cli.flags"))
	for _, flags := range []*pflag.FlagSet{c.LocalFlags(), c.InheritedFlags()} {
		flags.VisitAll(func(f *pflag.Flag) { fmt.Fprint(out, flagLine(f, words)) })
	}
	fmt.Fprintf(out, "\n%s\n", words.Text("cli.environment"))
}

func flagLine(f *pflag.Flag, words *locale.Catalogue) string {
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	if f.Value.Type() != "bool" {
		name += " " + words.Text("cli.value."+f.Name)
	}
	return fmt.Sprintf("  %-26s %s\n", name, f.Usage)
}
