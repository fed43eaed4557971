package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"plimsoll.example/plimsoll/internal/baseline"
	"plimsoll.example/plimsoll/internal/detect"
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/indicator"
	"plimsoll.example/plimsoll/internal/inspect"
)

// errFound is the cause of the fault that findings are, where --fail-on asks for it.
var errFound = errors.New("findings")

// judgement is what the flags of inspect say about findings.
type judgement struct {
	detect detect.Config
	fails  bool             // --fail-on was given:
	failOn finding.Severity // from this one on

	indicators []string // files of lists
	baseline   string   // file; "": none
	half       time.Duration
	list       bool // the thresholds, and no more
}

// flags adds those that findings have.
func (j *judgement) flags(f *pflag.FlagSet) {
	f.Func("fail-on", "", func(s string) error {
		j.fails = true
		return j.failOn.UnmarshalText([]byte(s))
	})
	f.StringArrayVar(&j.indicators, "indicators", nil, "")
	f.StringVar(&j.baseline, "baseline", "", "")
	f.Func("half-life", "", func(s string) error {
		days, err := strconv.ParseUint(s, 10, 8)
		if err != nil || days == 0 || days > maxHalfLife {
			return strconv.ErrRange
		}
		j.half = time.Duration(days) * 24 * time.Hour
		return nil
	})
	f.Func("threshold", "", func(list string) error {
		if list == "list" {
			j.list = true
			return nil
		}
		for s := range strings.SplitSeq(list, ",") {
			if err := j.detect.Set(s); err != nil {
				return err
			}
		}
		return nil
	})
}

// maxHalfLife is in days: what is older than 64 is not kept.
const maxHalfLife = 32

// unusable is why a baseline cannot be read, by what package baseline calls it.
var unusable = map[string]string{"damaged": "error.baseline.damaged", "newer": "error.baseline.newer", "other": "error.baseline.other"}

// prepare reads the lists and the baseline that the flags name.
func (in *inspection) prepare() error {
	if len(in.indicators) > 0 {
		in.detect.Indicators = &indicator.Set{}
	}
	for _, name := range in.indicators {
		feed, err := in.detect.Indicators.LoadFile(name)
		var format *indicator.FormatError
		if errors.As(err, &format) {
			return &fault{err, "error.indicators", []any{"name", name, "what", in.wrong(format)}}
		}
		if err != nil {
			return err
		}
		in.say("inspect.indicators.read", "name", name, "n", feed.Entries)
		for _, why := range slices.Sorted(maps.Keys(feed.Skipped)) {
			fmt.Fprintln(in.err, "  "+in.words.Text("inspect.indicators."+string(why), "n", feed.Skipped[why]))
		}
	}
	if in.baseline == "" {
		return nil
	}
	base, found, err := baseline.Load(in.baseline)
	var bad *baseline.FileError
	if errors.As(err, &bad) {
		return &fault{err, unusable[bad.Kind], []any{"name", in.baseline, "cause", bad.Err.Error()}}
	}
	if err != nil {
		return err
	}
	base.SetHalfLife(in.half)
	in.detect.Baseline, in.detect.Learner = base, baseline.NewLearner(base)
	if !found {
		in.say("inspect.baseline.first", "name", in.baseline)
	}
	return nil
}

// wrong says what is wrong with a list, and where.
func (in *inspection) wrong(e *indicator.FormatError) string {
	what := in.words.Text("indicators.fault." + e.Fault)
	switch {
	case e.Found != "":
		return in.words.Text("indicators.at.found", "n", e.Line, "what", what, "found", e.Found)
	case e.Line > 0:
		return in.words.Text("indicators.at.line", "n", e.Line, "what", what)
	case e.Offset > 0:
		return in.words.Text("indicators.at.octet", "n", e.Offset, "what", what)
	}
	return what
}

// say tells people something on standard error.
func (in *inspection) say(key string, args ...any) {
	fmt.Fprintln(in.err, printable(in.words.Text(key, args...)))
}

// learn keeps what is normal from now on.
func (in *inspection) learn(engine *inspect.Engine) error {
	b := engine.Learned()
	if b == nil {
		return nil
	}
	if err := b.Save(in.baseline); err != nil {
		return &fault{err, "error.write", []any{"name", in.baseline, "cause", err.Error()}}
	}
	return nil
}

// verdict is the fault that the findings of a result are, or nil.
func (j *judgement) verdict(r *inspect.Result) error {
	n := 0
	for i := range r.Findings {
		if j.fails && r.Findings[i].Severity >= j.failOn {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return &fault{errFound, "error.found-findings", []any{"n", n}}
}

// thresholds are the names of all, one a line, each with its default.
func thresholds() string {
	var b strings.Builder
	for _, t := range detect.Thresholds() {
		fmt.Fprintf(&b, "%s=%g\n", t.Name, t.Default)
	}
	return b.String()
}

// announce tells findings as they come, of what is listened to.
func (in *inspection) announce(cfg *inspect.Config) {
	cfg.Detect.OnFinding = func(f *finding.Finding, d *device.Device) {
		name := d.ID()
		if names := d.Hostnames(); len(names) > 0 {
			name = names[0]
		}
		fmt.Fprintln(in.err, "\r"+printable(in.words.Text("inspect.found", "device", name, "title", guide.Explain(in.words, f, name).Title)))
	}
}
