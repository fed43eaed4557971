//go:build !gateway

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/identify"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/policy"
)

func newMUDRehearse(e env, words *locale.Catalogue) *cobra.Command {
	var device frame.MAC
	var by inspect.Controllers
	var asJSON bool
	c := &cobra.Command{Use: "rehearse", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return wrongUsage("error.mud.file")
		case len(args) == 1:
			return wrongUsage("error.capture.missing")
		case device.IsZero():
			return wrongUsage("error.mud.device")
		case count("-", args...) > 1:
			return wrongUsage("error.mud.twice")
		}
		file, err := e.readMUD(args[0], words)
		if err != nil {
			return err
		}
		engine, _, err := e.observe(c.Context(), args[1:], words)
		if err != nil {
			return err
		}
		p, r, ok := engine.Rehearse(file, device, by)
		if !ok {
			return &fault{fs.ErrNotExist, "error.device.unseen", []any{"device", device.String()}}
		}
		if asJSON {
			return printJSON(e.out, r.Document(p, words, printable))
		}
		return tellRehearsal(e.out, p, r, words)
	}}
	deviceFlag(c.Flags(), &device)
	controllerFlag(c.Flags(), &by)
	c.Flags().BoolVar(&asJSON, "json", false, "")
	return c
}

// observe reads captures as one history and remembers who spoke with whom. What people should know of the captures
// goes to standard error.
func (e env) observe(ctx context.Context, paths []string, words *locale.Catalogue) (*inspect.Engine, *inspect.Result, error) {
	h, err := capture.OpenHistory(paths, e.in)
	if err != nil {
		return nil, nil, err
	}
	defer h.Close()
	k, err := identify.Load()
	if err != nil {
		return nil, nil, err
	}
	engine := inspect.New(inspect.Config{Remember: true})
	var broken error
	err = engine.Run(ctx, func(b *capture.Batch) error {
		err := h.Next(b)
		if err != nil && !errors.Is(err, io.EOF) {
			broken = err
		}
		return err
	})
	if err != nil && engine.Progress.Packets.Load() == 0 {
		return nil, nil, err
	}
	warnings, _ := files{h}.warnings(words)
	if broken != nil {
		warnings = append(warnings, explain(broken, words))
	}
	if n := engine.Forgotten(); n > 0 {
		warnings = append(warnings, words.Text("inspect.warn.conversations", "n", n))
	}
	for _, w := range warnings {
		if _, err := fmt.Fprintln(e.err, printable(words.Text("inspect.warning", "text", w))); err != nil {
			return nil, nil, err
		}
	}
	return engine, engine.Result(k, paths, nil, false), nil
}

// tellRehearsal says for people what would have been stopped.
func tellRehearsal(w io.Writer, p *policy.Policy, r *policy.Rehearsal, words *locale.Catalogue) error {
	var b strings.Builder
	stopped := r.Flows - r.Allowed
	switch {
	case r.Flows == 0:
		b.WriteString(words.Text("mud.rehearse.nothing") + "\n")
	case stopped == 0:
		b.WriteString(words.Text("mud.rehearse.all", "n", r.Flows) + "\n")
	default:
		b.WriteString(words.Text("mud.rehearse.some", "n", stopped, "all", r.Flows) + "\n")
	}
	for i := range r.Stopped {
		s := &r.Stopped[i]
		fmt.Fprintf(&b, "\n%s\n", printable(p.Text(&s.Explanation, &s.First.Packet, s.Peer, words, printable)))
		fmt.Fprintf(&b, "  %s %s\n", words.Text("mud.rehearse.often", "n", s.First.Flows),
			words.Text("mud.rehearse.guess", "guess", words.Text("policy.guess."+string(s.Why))))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write what was rehearsed: %w", err)
	}
	return nil
}
