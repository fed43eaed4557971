package detect

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Threshold is a number that a detector decides by, which people may set.
type Threshold struct {
	Name    string // the detector's kind and what is counted: scan.horizontal.targets
	Default float64
	Unit    string // packets, seconds, a share of 1 …
	Reason  string // why that much
}

// Thresholds are those of all detectors, by name.
func Thresholds() []Threshold {
	var list []Threshold
	for _, d := range detectors() {
		list = append(list, d.thresholds...)
	}
	slices.SortFunc(list, func(a, b Threshold) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// ErrThreshold is a setting that names no threshold, or no number that one can have.
type ErrThreshold struct {
	Setting string
	Known   bool // the name is that of a threshold, and the value is wrong
}

func (e *ErrThreshold) Error() string {
	if e.Known {
		return fmt.Sprintf("threshold %q: not a number above 0", e.Setting)
	}
	return fmt.Sprintf("threshold %q: no such name", e.Setting)
}

// most bounds a threshold: more than anything here ever counts to, and as a number of seconds still one of nanoseconds.
const most = 1e9

// Set reads a setting such as scan.horizontal.targets=30. What is more than 1e9 is taken for that.
func (c *Config) Set(setting string) error {
	name, value, _ := strings.Cut(setting, "=")
	if !slices.ContainsFunc(Thresholds(), func(t Threshold) bool { return t.Name == name }) {
		return &ErrThreshold{setting, false}
	}
	x, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) || x <= 0 {
		return &ErrThreshold{setting, true}
	}
	if c.Thresholds == nil {
		c.Thresholds = map[string]float64{}
	}
	c.Thresholds[name] = min(x, most)
	return nil
}

// Threshold is the value of a threshold. The name is one of those in the table of detectors.
func (w *Watch) Threshold(name string) float64 {
	if x, ok := w.cfg.Thresholds[name]; ok {
		return x
	}
	for _, t := range Thresholds() {
		if t.Name == name {
			return t.Default
		}
	}
	panic("no threshold " + name) // a slip in a constructor, which every test finds
}

// Span is a threshold in seconds, as nanoseconds of capture time.
func (w *Watch) Span(name string) int64 { return int64(w.Threshold(name) * float64(time.Second)) }
