package main

import (
	"context"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
)

// newHomeAllow lets a device do one thing more, or lists what devices may do beside their files.
func newHomeAllow(e env, words *locale.Catalogue) *cobra.Command {
	r := remote{env: e, words: words}
	var to, port string
	var long time.Duration
	var list bool
	c := &cobra.Command{Use: "allow", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		switch {
		case list && len(args) == 0 && to == "":
			return r.allowed(c.Context())
		case len(args) != 1 || list:
			return wrongUsage("error.home.which")
		case to == "":
			return wrongUsage("error.home.to")
		}
		argument, err := r.exception(c.Context(), to, port)
		if err != nil {
			return err
		}
		argument = until(argument, long)
		return r.decide(c.Context(), "devices/"+url.PathEscape(args[0]), map[string]any{"verb": home.Except, "argument": argument})
	}}
	r.flags(c)
	exceptionFlags(c, &to, &port)
	during(c, &long)
	c.Flags().BoolVar(&list, "list", false, "")
	return c
}

// during is a flag that says for how long something is decided.
func during(c *cobra.Command, long *time.Duration) {
	c.Flags().Func("for", "", func(s string) (err error) {
		if *long, err = time.ParseDuration(s); err == nil && *long < time.Second {
			return fs.ErrInvalid
		}
		return err
	})
}

// until is the argument of a decision that ends by itself after a time; 0: it does not.
func until(argument string, long time.Duration) string {
	if long == 0 {
		return argument
	}
	return strings.TrimSpace(argument + " " + time.Now().Add(long).UTC().Format(time.RFC3339))
}

// newHomeDisallow takes back what a device was allowed beside its file.
func newHomeDisallow(e env, words *locale.Catalogue) *cobra.Command {
	r := remote{env: e, words: words}
	var to, port string
	c := &cobra.Command{Use: "disallow", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		switch {
		case len(args) != 1:
			return wrongUsage("error.home.which")
		case to == "":
			return wrongUsage("error.home.to")
		}
		argument, err := r.exception(c.Context(), to, port)
		if err != nil {
			return err
		}
		return r.decide(c.Context(), "devices/"+url.PathEscape(args[0]), map[string]any{"verb": home.Disallow, "argument": argument})
	}}
	r.flags(c)
	exceptionFlags(c, &to, &port)
	return c
}

func exceptionFlags(c *cobra.Command, to, port *string) {
	c.Flags().StringVar(to, "to", "", "")
	c.Flags().Func("port", "", func(s string) error {
		*port = s
		if _, _, ok := home.ParseService(s); !ok {
			return fs.ErrInvalid
		}
		return nil
	})
}

// exception is the argument of a decision that allows a party and a service.
func (r *remote) exception(ctx context.Context, to, port string) (string, error) {
	who, err := r.party(ctx, to)
	return strings.TrimSuffix(who+" "+port, " "), err
}

// party is a party as the argument of a decision names it: a device by its ID, for its name may have spaces.
func (r *remote) party(ctx context.Context, word string) (string, error) {
	if _, err := netip.ParseAddr(word); err == nil {
		return word, nil
	}
	var list struct{ Devices []*home.Device }
	if err := r.call(ctx, http.MethodGet, "devices", nil, &list); err != nil {
		return "", err
	}
	found := ""
	mac, macErr := frame.ParseMAC(word)
	for _, d := range list.Devices {
		if d.HasID(word) || macErr == nil && slices.Contains(d.MACs, mac) || strings.EqualFold(d.Title(), word) {
			if found != "" {
				return "", &fault{fs.ErrNotExist, "error.home.several", []any{"name", word}}
			}
			found = d.ID
		}
	}
	if found != "" {
		return found, nil
	}
	if strings.ContainsAny(word, " \t") || !strings.Contains(word, ".") {
		return "", &fault{fs.ErrNotExist, "error.home.party", []any{"name", word}}
	}
	return word, nil
}

// allowed lists what devices may do beside their files.
func (r *remote) allowed(ctx context.Context) error {
	var list struct{ Devices []*home.Device }
	if err := r.call(ctx, http.MethodGet, "devices", nil, &list); err != nil {
		return err
	}
	type allowance struct {
		Device    string         `json:"device"`
		Exception home.Exception `json:"exception"`
	}
	all, lines := []allowance{}, []string(nil)
	for _, d := range list.Devices {
		for _, e := range d.Exceptions {
			all = append(all, allowance{d.ID, e})
		}
		lines = append(lines, r.beside(d, list.Devices)...)
	}
	if r.json {
		return printJSON(r.out, map[string]any{"exceptions": all})
	}
	if len(lines) == 0 {
		lines = []string{r.words.Text("home.allow.none")}
	}
	return r.print(lines)
}

// beside says what a device may do beside its file.
func (r *remote) beside(d *home.Device, all []*home.Device) (lines []string) {
	for _, e := range d.Exceptions {
		key := "home.allow.always"
		if !e.Until.IsZero() {
			key = "home.allow.until"
		}
		service := e.Service
		if service == "" {
			service = r.words.Text("home.allow.all")
		}
		lines = append(lines, r.words.Text(key, "device", d.Title(), "to", called(e.Party, all), "service", service, "until", e.Until.Local()))
	}
	return lines
}

// called is what people call a party.
func called(p home.Party, all []*home.Device) string {
	for _, d := range all {
		if d.HasID(p.Device) {
			return d.Title()
		}
	}
	return p.String()
}

// newHomeController says who controls a device whose file asks for a controller.
func newHomeController(e env, words *locale.Catalogue) *cobra.Command {
	r := remote{env: e, words: words}
	var is, class string
	var remove bool
	c := &cobra.Command{Use: "controller", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		switch {
		case len(args) != 1:
			return wrongUsage("error.home.which")
		case is == "":
			return wrongUsage("error.home.is")
		}
		who, err := r.party(c.Context(), is)
		if err != nil {
			return err
		}
		verb := home.Control
		if remove {
			verb = home.Uncontrol
		}
		argument := strings.TrimSuffix(who+" "+class, " ")
		return r.decide(c.Context(), "devices/"+url.PathEscape(args[0]), map[string]any{"verb": verb, "argument": argument})
	}}
	r.flags(c)
	f := c.Flags()
	f.StringVar(&is, "is", "", "")
	f.StringVar(&class, "class", "", "")
	f.BoolVar(&remove, "remove", false, "")
	return c
}
