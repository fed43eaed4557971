package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"plimsoll.example/plimsoll/internal/detect"
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/inspect"
)

// errFound is the cause of the fault that findings are, where --fail-on asks for it.
var errFound = errors.New("findings")

// judgement is what the flags of inspect say about findings.
type judgement struct {
	detect detect.Config
	fails  bool             // --fail-on was given:
	failOn finding.Severity // from this one on
}

// flags adds those that findings have.
func (j *judgement) flags(f *pflag.FlagSet) {
	f.Func("fail-on", "", func(s string) error {
		j.fails = true
		return j.failOn.UnmarshalText([]byte(s))
	})
	f.Func("threshold", "", func(list string) error {
		for s := range strings.SplitSeq(list, ",") {
			if err := j.detect.Set(s); err != nil {
				return err
			}
		}
		return nil
	})
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
		fmt.Fprintf(&b, "\n  %s=%g", t.Name, t.Default)
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
