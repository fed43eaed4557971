package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// circumstances says when, where and how it was measured.
func circumstances(ctx context.Context, list [count]program, runs int, now time.Time) string {
	var others, once []string
	for _, p := range []struct {
		program
		flag string // prints the version
	}{{list[ndpi], "-h"}, {list[tshark], "-v"}} {
		if p.path != "" {
			said, _ := exec.CommandContext(ctx, p.path, p.flag).Output() // asked for help, some fail
			others = append(others, strings.TrimSpace(p.name+" "+version(said)))
			once = append(once, p.name)
		}
	}
	s := fmt.Sprintf("%s: %s, %d cores, Linux %s, %s", now.Format(time.DateOnly), processor(), runtime.NumCPU(), kernel(), runtime.Version())
	s += strings.Join(append([]string{""}, others...), ", ")
	switch {
	case runs == 1:
		s += ". One run each"
	default:
		s += fmt.Sprintf(". Medians of %d runs, with the least and the most", runs)
		if len(once) > 0 {
			s += "; one run of " + strings.Join(once, " and ")
		}
	}
	return s + "."
}

var versionNumber = regexp.MustCompile(`\d+(\.\d+)+`)

// version is the first version number in what a program says of itself.
func version(said []byte) string { return string(versionNumber.Find(said)) }

var modelName = regexp.MustCompile(`(?m)^model name\s*: *(.+)$`)

func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	if m := modelName.FindSubmatch(info); m != nil {
		return strings.Join(strings.Fields(string(m[1])), " ")
	}
	return runtime.GOARCH // not every architecture tells a model
}

func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "of unknown release"
	}
	return strings.TrimSpace(string(release))
}
