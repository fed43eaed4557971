package main

import (
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
)

// newHomeLabel says which label is a device’s, and what is done about it.
func newHomeLabel(e env, words *locale.Catalogue) *cobra.Command {
	r := remote{env: e, words: words}
	var none bool
	var action string
	c := &cobra.Command{Use: "label", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return wrongUsage("error.home.which")
		}
		path := "devices/" + url.PathEscape(args[0])
		switch {
		case len(args) == 2 && !none && action == "":
			envelope, _, err := e.readLabel(args[1])
			if err != nil {
				return err
			}
			body, err := envelope.Marshal()
			if err != nil {
				return err
			}
			return r.decide(c.Context(), path+"/label", map[string]any{"envelope": body})
		case len(args) == 1 && none && action == "":
			return r.decide(c.Context(), path, map[string]any{"verb": home.Bind, "argument": ""})
		case len(args) == 1 && !none && action != "":
			return r.decide(c.Context(), path, map[string]any{"verb": home.OnLabel, "argument": strings.TrimPrefix(action, "default")})
		}
		return wrongUsage("error.home.label")
	}}
	r.flags(c)
	c.Flags().BoolVar(&none, "none", false, "")
	c.Flags().StringVar(&action, "action", "", "")
	return c
}

// newHomeSticker takes the MUD URL of the sticker on a device, if a label says the same.
func newHomeSticker(e env, words *locale.Catalogue) *cobra.Command {
	r := remote{env: e, words: words}
	c := &cobra.Command{Use: "sticker", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 2 {
			return wrongUsage("error.home.sticker")
		}
		text := args[1]
		if !strings.HasPrefix(text, "[)>") { // else it is what a scanner read
			var err error
			if text, err = e.readSticker(text); err != nil {
				return err
			}
		}
		return r.decide(c.Context(), "devices/"+url.PathEscape(args[0])+"/sticker", map[string]any{"text": text})
	}}
	r.flags(c)
	return c
}

// labelled says what is known of the label of a device.
func (r *remote) labelled(d *home.Device) (lines []string) {
	l := d.Label
	if l == nil || l.File != d.LabelFile {
		if d.LabelFile != "" {
			lines = append(lines, r.words.Text("home.label.soon"))
		}
		return lines
	}
	lines = append(lines, r.words.Text("home.label.is", "device", d.Title(), "maker", l.Maker, "model", l.Model))
	if l.Issuer != "" {
		lines = append(lines, r.words.Text("label.genuine", "issuer", l.Issuer, "day", r.words.Date(l.Issued.Time())))
	}
	if l.AsOf.IsZero() {
		lines = append(lines, r.words.Text("home.label.unknown"))
	} else {
		lines = append(lines, r.words.Text("home.label.status", "status", r.words.Text("label.status."+string(l.Status)), "time", l.AsOf.Local()))
	}
	if l.Support != 0 {
		lines = append(lines, r.words.Text("label.support", "day", r.words.Date(l.Support.Time())))
	}
	for _, p := range l.Problems {
		lines = append(lines, r.words.Text("home.label.problem."+p))
	}
	return lines
}

// registry says how a registry stands.
func (r *remote) registry(s *home.RegistryStatus) string {
	switch {
	case s.AsOf.IsZero():
		return r.words.Text("home.registry.never", "url", s.URL)
	case s.Fault != "":
		return r.words.Text("home.registry.away", "name", s.Name, "url", s.URL, "time", s.AsOf.Local())
	}
	return r.words.Text("home.registry.good", "name", s.Name, "url", s.URL, "time", s.AsOf.Local())
}
