package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/country"
	"plimsoll.example/plimsoll/internal/eve"
	"plimsoll.example/plimsoll/internal/identify"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/report"
	page "plimsoll.example/plimsoll/internal/web/report"
	"plimsoll.example/plimsoll/norms"
)

// inspection is what the flags of inspect and devices say.
type inspection struct {
	env
	words *locale.Catalogue
	judgement

	json         bool
	flows, facts string
	html, eve    string
	iface        string
	duration     time.Duration // 0: until interrupted
	memory       int           // octets
	maxFlows     uint32        // 0: as memory allows
	table        bool          // the table of devices alone
	mud          string        // folder of MUD files; "": none
}

func newInspect(e env, words *locale.Catalogue) *cobra.Command {
	return newInspection("inspect", inspection{env: e, words: words})
}

func newInspection(name string, in inspection) *cobra.Command {
	c := &cobra.Command{Use: name, Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, paths []string) error {
		if in.list {
			_, err := io.WriteString(in.out, thresholds())
			return err
		}
		if err := in.check(paths); err != nil {
			return err
		}
		return in.run(c.Context(), paths)
	}}
	in.memory = inspect.DefaultMemory
	f := c.Flags()
	f.BoolVar(&in.json, "json", false, "")
	f.StringVar(&in.flows, "flows", "", "")
	f.StringVar(&in.facts, "facts", "", "")
	f.StringVar(&in.html, "html", "", "")
	f.StringVar(&in.eve, "eve", "", "")
	f.StringVarP(&in.iface, "interface", "i", "", "")
	f.Func("for", "", func(s string) (err error) {
		if in.duration, err = time.ParseDuration(s); err == nil && in.duration <= 0 {
			err = strconv.ErrRange
		}
		return err
	})
	f.Func("memory", "", func(s string) (err error) {
		in.memory, err = parseSize(s)
		return err
	})
	f.Uint32Var(&in.maxFlows, "max-flows", 0, "")
	f.StringVar(&in.mud, "mud", "", "")
	in.judgement.flags(f)
	return c
}

// leastMemory is what it takes to look into anything: with less, what it needs for itself would pass the bound.
const leastMemory = 48 << 20

// programMemory is what the program itself takes of it, and what the garbage collector’s part is exceeded by.
const programMemory = 10 << 20

// parseSize reads a number of octets such as 64MiB, 64M or 67108864. The caller has words for what is none.
func parseSize(s string) (int, error) {
	units := []struct {
		suffix string
		shift  uint
	}{{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"K", 10}, {"M", 20}, {"G", 30}, {"", 0}}
	for _, u := range units {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 40)
		if err != nil {
			return 0, err
		}
		if n > 1<<40>>u.shift || n<<u.shift < leastMemory {
			return 0, strconv.ErrRange
		}
		return int(n << u.shift), nil
	}
	return 0, strconv.ErrSyntax
}

// check finds what does not go together.
func (in *inspection) check(paths []string) error {
	switch {
	case in.iface != "" && len(paths) > 0:
		return wrongUsage("error.capture.both")
	case in.iface == "" && len(paths) == 0:
		return wrongUsage("error.capture.none")
	case in.iface == "" && in.duration != 0:
		return wrongUsage("error.capture.for")
	case count("-", paths...) > 1:
		return wrongUsage("error.capture.twice")
	case in.toStdout() > 1:
		return wrongUsage("error.output.stdout")
	}
	return nil
}

// toStdout counts what standard output is to hold in place of the report.
func (in *inspection) toStdout() int {
	n := count("-", in.flows, in.facts, in.html, in.eve)
	if in.json {
		n++
	}
	return n
}

func count[T comparable](s T, list ...T) (n int) {
	for _, x := range list {
		if x == s {
			n++
		}
	}
	return n
}

func (in *inspection) run(ctx context.Context, paths []string) error {
	if err := in.prepare(); err != nil {
		return err
	}
	src, err := in.open(paths)
	if err != nil {
		return err
	}
	defer src.Close()
	cfg := inspect.Config{Memory: in.memory, Flows: int(in.maxFlows), Detect: in.detect, Countries: country.Builtin()}
	if in.iface != "" {
		in.announce(&cfg)
		paths = []string{in.iface}
	}
	if cfg.MUD, err = in.mudFiles(); err != nil {
		return err
	}
	var o *outcome
	out, err := in.create(&cfg, paths, map[string]func(io.Writer, *inspect.Result) error{
		"--html": func(w io.Writer, r *inspect.Result) error {
			catalogue, err := norms.Load()
			if err != nil {
				return err
			}
			return page.Write(w, r, page.Options{
				Lang: in.words.Lang(), Version: version(), Warnings: o.warnings, Thresholds: in.detect.Thresholds,
				Held: o.engine.Held(), Norms: catalogue,
			})
		},
		"--eve": eve.Write,
	})
	if err != nil {
		return err
	}
	o, err = in.look(ctx, src, paths, cfg)
	if err = errors.Join(err, out.flush()); o == nil {
		return errors.Join(err, out.close())
	}
	if err == nil && o.broken == nil { // of what was read in part, nothing is normal yet
		err = in.learn(o.engine)
	}
	if err = errors.Join(err, out.write(o.result), out.close(), in.tellHeld(o.engine), in.print(o.result)); err != nil {
		return err
	}
	return in.verdict(o.result)
}

// outcome is what came of an inspection.
type outcome struct {
	engine *inspect.Engine
	result *inspect.Result
	src    source
	broken error // of the source, which was read up to there
}

// warnings are what people should know of what could not be seen.
func (o *outcome) warnings(words *locale.Catalogue) []string {
	list, _ := o.src.warnings(words)
	list = append(list, lost(o.engine, words)...)
	if o.broken != nil {
		list = append(list, explain(o.broken, words))
	}
	return list
}

// look inspects what a source brings. With an outcome there may be an error too: what was read is told, whatever came
// then.
func (in *inspection) look(ctx context.Context, src source, paths []string, cfg inspect.Config) (*outcome, error) {
	debug.SetMemoryLimit(int64(cfg.Memory) - programMemory)
	defer shedding()()
	knowledge := make(chan loaded, 1)
	go func() {
		k, err := identify.Load()
		shed()
		knowledge <- loaded{k, err}
	}()
	if in.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, in.duration)
		defer cancel()
	}
	engine := inspect.New(cfg)
	stopped := in.progress(engine)
	var broken error // the source
	err := engine.Run(ctx, func(b *capture.Batch) error {
		err := src.next(ctx, b)
		if err != nil && !errors.Is(err, io.EOF) {
			broken = err
		}
		return err
	})
	stopped()
	if err != nil && engine.Progress.Packets.Load() == 0 {
		return nil, err
	}
	k := <-knowledge
	if k.err != nil {
		return nil, errors.Join(err, k.err)
	}
	o := &outcome{engine: engine, src: src, broken: broken}
	_, cut := src.warnings(in.words)
	shed()
	o.result = engine.Result(k.Knowledge, paths, o.warnings(in.words), cut || broken != nil)
	return o, err
}

type loaded struct {
	*identify.Knowledge
	err error
}

// lost tells people what could not be kept or understood.
func lost(engine *inspect.Engine, words *locale.Catalogue) (warnings []string) {
	l := engine.Losses()
	for _, x := range []struct {
		key string
		n   uint64
	}{
		{"inspect.warn.undecoded", l.Undecoded},
		{"inspect.warn.protected", l.Protected},
		{"inspect.warn.fragments", l.Datagrams},
		{"inspect.warn.flows", l.Flows},
		{"inspect.warn.devices", l.Devices},
		{"inspect.warn.streams", l.Streams},
		{"inspect.warn.facts", l.Facts},
		{"inspect.warn.panics", l.Panics},
	} {
		if x.n > 0 {
			warnings = append(warnings, words.Text(x.key, "n", x.n))
		}
	}
	if n := engine.Forgotten(); n > 0 {
		warnings = append(warnings, words.Text("inspect.warn.conversations", "n", n))
	}
	if l.Partial {
		warnings = append(warnings, words.Text("inspect.warn.partial"))
	}
	return warnings
}

func (in *inspection) print(r *inspect.Result) error {
	switch {
	case in.json:
		return r.WriteJSON(in.out)
	case in.toStdout() > 0: // standard output holds something else
		for _, w := range r.Capture.Warnings {
			if _, err := fmt.Fprintln(in.err, in.words.Text("inspect.warning", "text", w)); err != nil {
				return err
			}
		}
		return nil
	case in.table:
		return report.Table(in.out, r, in.words)
	}
	return report.Text(in.out, r, in.words)
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
