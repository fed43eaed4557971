// Command perf measures how fast plimsoll is, in whole processes, beside other programs that do a part of its work
// where they are installed: for each capture a line of a table.
//
//	go run ./internal/lab/perf [-runs N] [-o docs/performance.md] [CAPTURE…]
//
// Without captures it makes its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"plimsoll.example/plimsoll/internal/lab"
	"plimsoll.example/plimsoll/internal/lab/document"
)

// place is the name of the table in a document.
const place = "measured"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "perf:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, talk io.Writer) error {
	flags := flag.NewFlagSet("perf", flag.ContinueOnError)
	flags.SetOutput(talk)
	runs := flags.Int("runs", 3, "how often each program reads each capture")
	path := flags.String("o", "", "a document to put the table into, between the lines <!-- "+place+" --> and <!-- /"+place+" -->")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *runs < 1 {
		return fmt.Errorf("-runs wants a number above zero, not %d", *runs)
	}
	var doc document.Document
	if *path != "" { // a document that won't take the table is told before the measuring, not after
		var err error
		if doc, err = document.Open(*path, place); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "plimsoll-perf-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := build(ctx, dir)
	if err != nil {
		return err
	}
	captures := flags.Args()
	if len(captures) == 0 {
		if captures, err = generate(dir); err != nil {
			return err
		}
	}
	list := programs(binary)
	results, err := measure(ctx, list, captures, *runs, talk)
	if err != nil {
		return err
	}
	part := table(results) + "\n" + circumstances(ctx, list, *runs, time.Now()) + "\n"
	if _, err := io.WriteString(out, part); err != nil || *path == "" {
		return err
	}
	return doc.Write(part)
}

// build makes the program as it is released: without cgo.
func build(ctx context.Context, dir string) (binary string, err error) {
	binary = filepath.Join(dir, "plimsoll")
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", binary, "plimsoll.example/plimsoll/cmd/plimsoll")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build plimsoll: %w\n%s", err, said)
	}
	return binary, nil
}

// size is how many packets a generated capture has.
const size = 1_000_000

// generate writes the captures that are measured when none is named: steady traffic of a home, and the worst that can
// be done to a flow table.
func generate(dir string) (paths []string, err error) {
	for _, c := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"mixed", func(w io.Writer) error { return lab.Mixed(w, size, size/100) }},
		{"flood", func(w io.Writer) error { return lab.Flood(w, size) }},
	} {
		path := filepath.Join(dir, c.name+".pcap")
		f, err := os.Create(path)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(c.write(f), f.Close()); err != nil {
			return nil, fmt.Errorf("write the capture %s: %w", c.name, err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}
