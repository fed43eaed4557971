package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
)

// newHomeDescribe says what a device is called, where it stands, and where its MUD file is.
func newHomeDescribe(e env, words *locale.Catalogue) *cobra.Command {
	r := remote{env: e, words: words}
	keys := map[string]string{"called": "name", "room": "room", "mud-url": "mud_url"} // flags to members of the API
	c := &cobra.Command{Use: "describe", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.home.which")
		}
		body := map[string]string{}
		for flag, member := range keys {
			if f := c.Flags().Lookup(flag); f.Changed {
				body[member] = f.Value.String()
			}
		}
		if len(body) == 0 {
			return wrongUsage("error.home.describe")
		}
		var d home.Device
		if err := r.call(c.Context(), http.MethodPatch, "devices/"+url.PathEscape(args[0]), body, &d); err != nil {
			return err
		}
		if r.json {
			return printJSON(r.out, &d)
		}
		lines := []string{words.Text("home.explain.is", "device", d.Title(), "what", r.kind(&d), "maker", d.Identity.Maker, "model", d.Identity.Model)}
		if u := d.MUDURL(); u != "" {
			lines = append(lines, words.Text("home.describe.mud", "url", u))
		}
		return r.print(lines)
	}}
	r.flags(c)
	for flag := range keys {
		c.Flags().String(flag, "", "")
	}
	return c
}
