package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/durable"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
)

// newHomeExport writes all that the household knows and decided to a file.
func newHomeExport(e env, words *locale.Catalogue) *cobra.Command {
	r := remote{env: e, words: words}
	c := &cobra.Command{Use: "export", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return wrongUsage("error.args", "name", args[1], "verb", c.CommandPath())
		}
		var raw json.RawMessage
		if err := r.call(c.Context(), http.MethodGet, "export", nil, &raw); err != nil {
			return err
		}
		var b bytes.Buffer
		if err := json.Indent(&b, raw, "", " "); err != nil {
			return err
		}
		b.WriteByte('\n')
		if len(args) == 0 || args[0] == "-" {
			_, err := r.out.Write(b.Bytes())
			return err
		}
		// who lives here, and how, is nobody else’s to read
		if err := durable.WriteFile(args[0], b.Bytes(), 0o600); err != nil {
			return err
		}
		return r.print([]string{words.Text("home.export.done", "name", args[0])})
	}}
	c.Flags().StringVar(&r.socket, "socket", "", "")
	return c
}

// newHomeImport takes in a file that was exported.
func newHomeImport(e env, words *locale.Catalogue) *cobra.Command {
	r := remote{env: e, words: words}
	replace := false
	c := &cobra.Command{Use: "import", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.home.import.file")
		}
		data, err := readFile(args[0], home.MaxExport)
		if err != nil {
			return err
		}
		x, err := home.ParseExport(bytes.NewReader(data))
		if errors.Is(err, home.ErrExport) {
			return &fault{key: "error.home.export", args: []any{"name", args[0], "cause", err.Error()}}
		}
		if err != nil {
			return err
		}
		path := "import"
		if replace {
			path += "?replace=true"
		}
		var d home.Decision
		if err := r.call(c.Context(), http.MethodPost, path, json.RawMessage(data), &d); err != nil {
			return err
		}
		if r.json {
			return printJSON(r.out, d)
		}
		return r.print([]string{
			words.Text("home.import.devices", "n", len(x.Devices)), words.Text("home.import.decisions", "n", len(x.Decisions)),
			words.Text("home.undo", "seq", d.Seq),
		})
	}}
	r.flags(c)
	c.Flags().BoolVar(&replace, "replace", false, "")
	return c
}
