package main

import (
	"cmp"
	"errors"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"plimsoll.example/plimsoll/internal/locale"
)

// newRoot is the command line.
func newRoot(e env, words *locale.Catalogue) *cobra.Command {
	root := &cobra.Command{
		Use:           "plimsoll",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			return configure(c, e.getenv)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return wrongUsage("error.verb", "name", args[0])
			}
			return c.Help()
		},
	}
	root.SetIn(e.in)
	root.SetOut(e.out)
	root.SetErr(e.err)
	root.SetFlagErrorFunc(flagFault)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { help(c, words) })
	root.CompletionOptions.DisableDefaultCmd = true
	root.PersistentFlags().BoolP("help", "h", false, "")
	root.PersistentFlags().Func("lang", "", func(s string) error {
		_, err := locale.For(s, e.getenv)
		return err
	})
	root.PersistentFlags().String("config", "", "")
	root.Flags().Bool("version", false, "")
	verb := newHelp()
	root.SetHelpCommand(verb)
	root.AddCommand(
		newInspect(e, words),
		newDevices(e, words),
		newHome(e, words),
		newNorms(e, words),
		newGuide(e, words),
		newHeaders(e),
		newCompletion(),
		newConfig(e, words),
		newMan(e, words),
		verb,
	)
	root.AddCommand(newDesk(e, words)...)
	describe(root, words)
	keepTold(root)
	return root
}

// noArgs is for verbs that take none: what somebody names is not passed over.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return wrongUsage("error.args", "name", args[0], "verb", c.CommandPath())
}

// version tells the program's own and that of the Go that built it.
func version() string {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return "?"
	}
	return cmp.Or(b.Main.Version, "(devel)") + " " + b.GoVersion
}

// language is chosen before anything else is read, so that mistakes are told in it too. One that is not known is
// told as the flags are read, and so is a file that cannot be.
func language(args []string, getenv func(string) string) locale.Lang {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.ParseErrorsAllowlist.UnknownFlags = true
	f.BoolP("help", "h", false, "")
	file := f.String("config", "", "")
	lang := f.String("lang", getenv(variable("lang")), "")
	_ = f.Parse(args) // newRoot's flags find the same fault, and more
	if *lang == "" {
		s, _ := loadSettings(*file, getenv)
		for _, x := range s.file {
			if x.Key() == "lang" && len(x.Values) == 1 {
				*lang = x.Values[0]
			}
		}
	}
	l, err := locale.For(*lang, getenv)
	if err != nil {
		l, _ = locale.For("", getenv) // has no error
	}
	return l
}

// variable is the name in the environment that sets a flag: PLIMSOLL_MAX_FLOWS for max-flows, and for the verb inspect
// alone PLIMSOLL_INSPECT_MAX_FLOWS, for inspect-max-flows.
func variable(flag string) string {
	return "PLIMSOLL_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// flagFault is a mistake in the flags.
func flagFault(c *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		bare    *pflag.ValueRequiredError
		value   *pflag.InvalidValueError
		syntax  *pflag.InvalidSyntaxError
	)
	verb := c.CommandPath()
	switch {
	case errors.As(err, &unknown):
		dashes := "--"
		if unknown.GetSpecifiedShortnames() != "" {
			dashes = "-"
		}
		return wrongUsage("error.flag.unknown", "name", dashes+unknown.GetSpecifiedName(), "command", verb)
	case errors.As(err, &bare):
		return wrongUsage("error.flag.bare", "name", "--"+bare.GetFlag().Name, "command", verb)
	case errors.As(err, &value):
		f := value.GetFlag()
		return wrongValue(f, "--"+f.Name, value.GetValue())
	case errors.As(err, &syntax):
		return wrongUsage("error.flag.syntax", "name", syntax.GetSpecifiedFlag(), "command", verb)
	}
	return wrongUsage("error.failed", "cause", err.Error())
}

// wrongValue is a flag, set by that name, that cannot have the value.
func wrongValue(f *pflag.Flag, name, value string) error {
	kind := f.Name
	if f.Value.Type() == "bool" {
		kind = "bool"
	}
	return wrongUsage("error.value."+kind, "name", name, "value", value)
}
