package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// times are those of one program on one capture.
type times []time.Duration

// median is in seconds.
func (t times) median() float64 {
	s := slices.Sorted(slices.Values(t))
	return (s[(len(s)-1)/2] + s[len(s)/2]).Seconds() / 2
}

// String is the median, with the least and the most.
func (t times) String() string {
	if len(t) < 2 {
		return fmt.Sprintf("%.2f", t.median())
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", t.median(), slices.Min(t).Seconds(), slices.Max(t).Seconds())
}

// over is how many times as long as o it took.
func (t times) over(o times) string {
	if len(t) == 0 {
		return "–"
	}
	ratio := t.median() / o.median()
	if ratio >= 10 {
		return fmt.Sprintf("%.0f×", ratio)
	}
	return fmt.Sprintf("%.1f×", ratio)
}

// columns are the heads of the table.
var columns = []string{
	"capture", "packets", "octets", "floor, s", "inspect, s", "× floor", "one core, s", "speed-up",
	"ndpiReader, × inspect", "tshark, × inspect", "peak RSS",
}

// table is the results in Markdown.
func table(results []result) string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(columns)
	line(append([]string{"---"}, slices.Repeat([]string{"---:"}, len(columns)-1)...))
	for _, r := range results {
		t := &r.times
		line([]string{
			r.capture, strings.TrimSpace(scaled(r.packets)), scaled(r.octets) + "B", t[floor].String(), t[inspect].String(), t[inspect].over(t[floor]),
			t[oneCore].String(), t[oneCore].over(t[inspect]), t[ndpi].over(t[inspect]), t[tshark].over(t[inspect]),
			fmt.Sprintf("%.0f MiB", float64(r.peak)/1024),
		})
	}
	return b.String()
}

// scaled is n in three digits, with the prefix of a power of ten.
func scaled(n uint64) string {
	x, prefix := float64(n), ""
	for _, p := range []string{"k", "M", "G", "T"} {
		if x < 999.5 {
			break
		}
		x, prefix = x/1000, p
	}
	digits := 2
	if prefix == "" || x >= 99.95 {
		digits = 0
	} else if x >= 9.995 {
		digits = 1
	}
	return fmt.Sprintf("%.*f %s", digits, x, prefix)
}
