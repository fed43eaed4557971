package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/control"
)

// newHome is the verbs of the gateway.
func newHome(e env, words *locale.Catalogue) *cobra.Command {
	c := &cobra.Command{Use: "home", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return wrongUsage("error.verb", "name", "home "+args[0])
		}
		return c.Help()
	}}
	c.AddCommand(newHomeRun(e, words), newHomeStatus(e, words), newHomeDevices(e, words), newHomeExplain(e, words))
	for _, v := range []struct {
		name string
		verb home.Verb
	}{
		{"admit", home.Admit},
		{"hold", home.HoldTo},
		{"release", home.Release},
		{"quarantine", home.Quarantine},
		{"accept", home.Accept},
		{"confirm", home.Confirm},
		{"watch", home.WatchOn},
	} {
		c.AddCommand(newHomeDecide(e, words, v.name, v.verb))
	}
	c.AddCommand(
		newHomeAllow(e, words), newHomeDisallow(e, words), newHomeController(e, words), newHomeCode(e, words), newHomeDescribe(e, words), newHomeLabel(e, words), newHomeSticker(e, words), newHomeNotices(e, words),
		newHomeJoin(e, words), newHomeSplit(e, words),
		newHomeUndo(e, words), newHomeRehearse(e, words),
		newHomeExport(e, words), newHomeImport(e, words), newHomeOff(e, words), newHomeDoctor(e, words),
	)
	return c
}

// remote is the gateway that runs, as its verbs reach it.
type remote struct {
	env
	words  *locale.Catalogue
	socket string
	json   bool
}

// flags adds those that all of them have.
func (r *remote) flags(c *cobra.Command) {
	c.Flags().StringVar(&r.socket, "socket", "", "")
	c.Flags().BoolVar(&r.json, "json", false, "")
}

// socketPath is where the gateway answers: as the flag says, else in the folder for such things.
func socketPath(flag string, getenv func(string) string) string {
	switch {
	case flag != "":
		return flag
	case os.Geteuid() == 0:
		return "/run/plimsoll/control"
	case filepath.IsAbs(getenv("XDG_RUNTIME_DIR")):
		return filepath.Join(getenv("XDG_RUNTIME_DIR"), "plimsoll", "control")
	}
	return filepath.Join(stateDir("", getenv), "control")
}

// call asks the gateway for something, and reads its answer into v.
func (r *remote) call(ctx context.Context, method, path string, body, v any) error {
	var in io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		in = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://gateway/api/v1/"+path, in)
	if err != nil {
		return err
	}
	path = socketPath(r.socket, r.getenv)
	resp, err := control.Client(path).Do(req)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return &fault{key: "error.home.down", args: []any{"name", path}}
	case errors.Is(err, fs.ErrPermission):
		return &fault{fs.ErrPermission, "error.home.denied", []any{"name", path}}
	case err != nil:
		return fmt.Errorf("speak to the gateway: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refusal(resp)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(v)
}

// refusals are the problems that the catalogue has words for, each with its exit code’s cause.
var refusals = map[string]struct {
	key   string
	cause error
}{
	"device-unknown": {"error.home.device-unknown", fs.ErrNotExist},
	"not-found":      {"error.home.not-found", fs.ErrNotExist},
	"no-file":        {"error.home.no-file", nil},
	"consent":        {"error.home.consent", nil},
	"stale":          {"error.home.stale", nil},
	"export":         {"error.home.export.refused", nil},
	"verb":           {"error.home.verb", errUsage},
	"not-in-force":   {"error.home.not-in-force", nil},
	"not-kept":       {"error.home.not-kept", nil},

	"no-registry":      {"error.home.no-registry", nil},
	"registry-away":    {"error.home.registry-away", nil},
	"label":            {"error.home.label.refused", errUnverified},
	"sticker-none":     {"error.home.sticker.none", nil},
	"sticker-hostile":  {"error.home.sticker.hostile", errUnverified},
	"sticker-other":    {"error.home.sticker.other", errUnverified},
	"sticker-url":      {"error.home.sticker.url", errUnverified},
	"sticker-unknown":  {"error.home.sticker.unknown", errUnverified},
	"sticker-unlogged": {"error.home.sticker.unlogged", errUnverified},
	"sticker-status":   {"error.home.sticker.status", errUnverified},
}

func refusal(resp *http.Response) error {
	var p control.Problem
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&p); err != nil {
		return &fault{key: "error.home.answer", args: []any{"status", resp.Status}}
	}
	if r, ok := refusals[strings.TrimPrefix(p.Type, "urn:plimsoll:problem:")]; ok {
		return &fault{r.cause, r.key, []any{"cause", p.Detail}}
	}
	return &fault{key: "error.home.answer", args: []any{"status", resp.Status + ": " + p.Detail}}
}

func newHomeStatus(e env, words *locale.Catalogue) *cobra.Command {
	r := remote{env: e, words: words}
	c := &cobra.Command{Use: "status", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		var s home.Status
		if err := r.call(c.Context(), http.MethodGet, "status", nil, &s); err != nil {
			return err
		}
		if r.json {
			return printJSON(r.out, s)
		}
		n := 0
		for _, k := range s.Devices {
			n += k
		}
		lines := []string{
			words.Text("home.status."+string(s.Mode), "lan", s.LAN, "since", s.Since.Local()),
			words.Text("home.status.devices", "n", n),
		}
		for _, state := range home.States {
			if k := s.Devices[state]; k > 0 {
				lines = append(lines, "  "+words.Text("home.state."+string(state))+": "+words.Number(int64(k)))
			}
		}
		lines = append(lines, words.Text("home.status.findings", "n", s.Findings))
		for i, q := range s.Asks {
			if i == maxAsked {
				lines = append(lines, words.Text("home.ask.more", "n", len(s.Asks)-i))
				break
			}
			lines = append(lines, r.question(&q))
		}
		for i := range s.Registries {
			lines = append(lines, r.registry(&s.Registries[i]))
		}
		for _, f := range home.Told(s.Faults) {
			lines = append(lines, words.Text("home.fault."+f.Kind, "what", f.What, "cause", f.Cause))
		}
		return r.print(lines)
	}}
	r.flags(c)
	return c
}

// question is one as people read it.
func (r *remote) question(q *home.Question) string {
	why, about := "", string(q.About)
	switch {
	case q.About == home.OtherURL && q.Why != "":
		why = r.words.Text("home.url." + q.Why)
	case q.About == home.LabelWorse:
		why = r.words.Text("label.status." + q.Why)
	case q.Why != "":
		why = r.words.Text("home.offer." + q.Why)
	case q.About == home.AskController && q.Class != "":
		about += ".class"
	}
	return r.words.Text("home.ask."+about, "device", q.Title, "default", q.Default, "url", q.URL, "why", why, "class", q.Class)
}

// maxAsked bounds the questions that are shown at a time.
const maxAsked = 8

func (r *remote) print(lines []string) error {
	for _, l := range lines {
		if _, err := fmt.Fprintln(r.out, printable(l)); err != nil {
			return err
		}
	}
	return nil
}

func newHomeDevices(e env, words *locale.Catalogue) *cobra.Command {
	r := remote{env: e, words: words}
	c := &cobra.Command{Use: "devices", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		var list struct{ Devices []*home.Device }
		if err := r.call(c.Context(), http.MethodGet, "devices", nil, &list); err != nil {
			return err
		}
		if r.json {
			return printJSON(r.out, map[string]any{"devices": append([]*home.Device{}, list.Devices...)})
		}
		var lines []string
		for _, d := range list.Devices {
			address := ""
			if len(d.Addresses) > 0 {
				address = d.Addresses[0].String()
			}
			lines = append(lines, fmt.Sprintf("%-24.24s %-22.22s %-16s %s", d.Title(), r.kind(d), address, words.Text("home.state."+string(d.State))))
		}
		return r.print(lines)
	}}
	r.flags(c)
	return c
}

// kind is what a device is, in a word.
func (r *remote) kind(d *home.Device) string {
	return r.words.Text("category." + cmp.Or(d.Correction().Category, d.Identity.Category, "unknown"))
}

func newHomeExplain(e env, words *locale.Catalogue) *cobra.Command {
	r := remote{env: e, words: words}
	c := &cobra.Command{Use: "explain", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.home.which")
		}
		return r.explain(c.Context(), args[0])
	}}
	r.flags(c)
	return c
}

func newHomeDecide(e env, words *locale.Catalogue, name string, verb home.Verb) *cobra.Command {
	r := remote{env: e, words: words}
	argument := ""
	var long time.Duration
	c := &cobra.Command{Use: name, Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.home.which")
		}
		if verb == home.Admit && argument == "" {
			return wrongUsage("error.home.as")
		}
		return r.decide(c.Context(), "devices/"+url.PathEscape(args[0]), map[string]any{"verb": verb, "argument": until(argument, long)})
	}}
	r.flags(c)
	switch verb {
	case home.Admit:
		c.Flags().StringVar(&argument, "as", "", "")
	case home.Quarantine:
		c.Flags().StringVar(&argument, "why", "", "")
		during(c, &long)
	case home.WatchOn:
		c.Flags().Func("again", "", func(s string) error {
			if argument = s; s != string(home.Tell) && s != string(home.CutOff) {
				return fs.ErrInvalid
			}
			return nil
		})
	case home.HoldTo, home.Accept:
		c.Flags().StringVar(&argument, "file", "", "")
	}
	return c
}

func newHomeUndo(e env, words *locale.Catalogue) *cobra.Command {
	r := remote{env: e, words: words}
	var seq int64
	c := &cobra.Command{Use: "undo", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		return r.decide(c.Context(), "undo", map[string]any{"seq": seq})
	}}
	r.flags(c)
	c.Flags().Int64Var(&seq, "decision", 0, "")
	return c
}

// decide asks for a decision, and says what it led to.
func (r *remote) decide(ctx context.Context, path string, body any) error {
	var d home.Decision
	if err := r.call(ctx, http.MethodPost, path, body, &d); err != nil {
		return err
	}
	if r.json {
		return printJSON(r.out, d)
	}
	said, err := r.done(ctx, &d)
	if err != nil {
		return err
	}
	return r.print(append(said, r.words.Text("home.undo", "seq", d.Seq)))
}

// done says what a decision led to.
func (r *remote) done(ctx context.Context, d *home.Decision) ([]string, error) {
	if d.Device == "" {
		return []string{r.words.Text("home.import.undone")}, nil
	}
	var list struct{ Devices []*home.Device }
	if err := r.call(ctx, http.MethodGet, "devices", nil, &list); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list.Devices, func(x *home.Device) bool { return x.ID == d.Device })
	if i < 0 {
		return nil, nil
	}
	device := list.Devices[i]
	lines := []string{r.words.Text("home.now."+d.After.Now(), "device", device.Title(), "until", d.After.Until.Local())}
	switch d.Verb {
	case home.Confirm, home.WatchOn, home.Accept, home.Join, home.Split:
		lines = append(lines, r.words.Text("home.did."+string(d.Verb), "device", device.Title()))
		if d.After.Retest.Going() {
			lines = append(lines, r.words.Text("home.retest.then."+string(d.After.Retest.Then())))
		}
	case home.Bind, home.OnLabel:
		lines = append(lines, r.labelled(device)...)
		if device.LabelAction != "" {
			lines = append(lines, r.words.Text("home.label.action."+string(device.LabelAction), "device", device.Title()))
		}
	case home.Except, home.Disallow:
		if more := r.beside(device, list.Devices); len(more) > 0 {
			lines = append(lines, more...)
		} else {
			lines = append(lines, r.words.Text("home.allow.nothing", "device", device.Title()))
		}
	case home.Control, home.Uncontrol:
		lines = append(lines, r.controlled(device, list.Devices)...)
	}
	return lines, nil
}

// controlled says who controls a device.
func (r *remote) controlled(d *home.Device, all []*home.Device) (lines []string) {
	for _, c := range d.Controllers {
		key := "home.controller.own"
		if c.Class != "" {
			key = "home.controller.class"
		}
		lines = append(lines, r.words.Text(key, "device", d.Title(), "who", called(c.Party, all), "class", c.Class))
	}
	if len(lines) == 0 {
		lines = append(lines, r.words.Text("home.controller.none", "device", d.Title()))
	}
	return lines
}
