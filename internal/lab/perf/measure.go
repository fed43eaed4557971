package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The programs that are measured, by their place in the list.
const (
	floor   = iota // headers alone
	inspect        // everything, on all cores
	oneCore        // everything, on one core
	ndpi
	tshark
	count
)

// program is a program as it is called; the capture comes last.
type program struct {
	name string
	path string // "": not installed
	args []string
	env  []string
	once bool // it is slow, and its spread matters little
}

func programs(plimsoll string) (list [count]program) {
	list[floor] = program{name: "headers", path: plimsoll, args: []string{"headers"}}
	list[inspect] = program{name: "inspect", path: plimsoll, args: []string{"inspect", "--json"}}
	list[oneCore] = program{name: "inspect on one core", path: plimsoll, args: []string{"inspect", "--json"}, env: []string{"GOMAXPROCS=1"}}
	list[ndpi] = program{name: "ndpiReader", args: []string{"-q", "-i"}, once: true}
	list[tshark] = program{name: "tshark", args: []string{"-q", "-z", "conv,tcp", "-r"}, once: true}
	for _, i := range []int{ndpi, tshark} {
		list[i].path, _ = exec.LookPath(list[i].name) // whoever has it not measures without
	}
	return list
}

// result is what was measured on one capture.
type result struct {
	capture         string
	packets, octets uint64
	times           [count]times
	peak            int64 // of the memory of inspect on all cores, in KiB
}

// measure runs all programs on all captures in turn, so that whatever else the machine does falls on all alike.
func measure(ctx context.Context, list [count]program, captures []string, runs int, talk io.Writer) ([]result, error) {
	results := make([]result, len(captures))
	for n := range runs {
		for i, path := range captures {
			r := &results[i]
			r.capture = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
			if err := warm(path); err != nil {
				return nil, err
			}
			for k, p := range list {
				if p.path == "" || p.once && n > 0 {
					continue
				}
				m, err := p.run(ctx, path)
				if err != nil {
					return nil, err
				}
				fmt.Fprintf(talk, "run %d of %d, %s: %s %.2f s\n", n+1, runs, r.capture, p.name, m.time.Seconds())
				r.times[k] = append(r.times[k], m.time)
				switch k {
				case floor:
					if r.packets, r.octets, err = counts(m.said); err != nil {
						return nil, fmt.Errorf("%s %s: %w", p.name, path, err)
					}
				case inspect:
					r.peak = max(r.peak, m.peak)
				}
			}
		}
	}
	return results, nil
}

// warm reads a capture to nowhere, so that no program finds it on the disk and the next in memory.
func warm(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(struct{ io.Writer }{io.Discard}, f)
	return err
}

// measurement is one run of a program.
type measurement struct {
	time time.Duration
	peak int64  // of its memory, in KiB
	said []byte // the beginning of its standard output
}

func (p *program) run(ctx context.Context, capture string) (m measurement, err error) {
	var out, talk head
	c := exec.CommandContext(ctx, p.path, append(p.args[:len(p.args):len(p.args)], capture)...)
	c.Env = append(withoutCores(os.Environ()), p.env...)
	c.Stdout, c.Stderr = &out, &talk
	start := time.Now()
	if err := c.Run(); err != nil {
		return m, fmt.Errorf("%s %s: %w\n%s", p.name, capture, err, talk.b)
	}
	m.time = time.Since(start)
	m.said = out.b
	// The kernel begins a child's count with that of its parent, so perf itself must stay small.
	if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.peak = int64(u.Maxrss) //nolint:unconvert // 32 bits on some architectures
	}
	return m, nil
}

// withoutCores is env without what would take cores from a Go program.
func withoutCores(env []string) (rest []string) {
	for _, e := range env {
		if !strings.HasPrefix(e, "GOMAXPROCS=") {
			rest = append(rest, e)
		}
	}
	return rest
}

// head keeps the beginning of what is written to it.
type head struct{ b []byte }

func (h *head) Write(p []byte) (int, error) {
	const most = 4 << 10
	h.b = append(h.b, p[:min(len(p), most-len(h.b))]...)
	return len(p), nil
}

// counts reads how much there was in a capture from what the verb headers says.
func counts(said []byte) (packets, octets uint64, err error) {
	var n [4]uint64
	const form = "%d octets; unread %d, link %d, network %d, transport %d"
	if _, err := fmt.Sscanf(string(said), form, &octets, &n[0], &n[1], &n[2], &n[3]); err != nil {
		return 0, 0, fmt.Errorf("%q does not count packets: %w", said, err)
	}
	return n[0] + n[1] + n[2] + n[3], octets, nil
}
