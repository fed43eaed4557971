//go:build linux

// Command holdperf measures the gateway's rules in network namespaces of its own: what they cost beside a gateway that
// lets everything pass and beside a linear list of the same rules, and how fast they change. Then it measures the whole
// gateway: how soon a device that joins is held, and how much memory it takes.
//
//	go run ./internal/lab/holdperf [-rounds N] [-o docs/performance.md]
//
// It needs nft and ip, and either root or a kernel that gives its users namespaces.
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
	"strings"
	"syscall"
	"time"

	"plimsoll.example/plimsoll/internal/lab/document"
)

// place is the name of the table in a document.
const place = "held"

// inside is set in the environment of the processes in namespaces: to gateway, client or server.
const inside = "PLIMSOLL_HOLDPERF"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "holdperf:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("holdperf", flag.ContinueOnError)
	rounds := flags.Int("rounds", 7, "how often each ruleset is measured")
	path := flags.String("o", "", "a document to put the table into, between the lines <!-- "+place+" --> and <!-- /"+place+" -->")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch os.Getenv(inside) {
	case "client":
		return client(ctx)
	case "server":
		return server(ctx)
	case "gateway":
		return measure(ctx, *rounds, os.Stdout)
	}
	var doc document.Document
	if *path != "" { // a document that won't take the table is told before the measuring, not after
		var err error
		if doc, err = document.Open(*path, place); err != nil {
			return err
		}
	}
	cmd := self(ctx, "gateway", syscall.CLONE_NEWNET, args...)
	if os.Getuid() != 0 { // then the kernel bounds what one transaction may hold, and 200 devices may be too many
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	var out strings.Builder
	cmd.Stdout = io.MultiWriter(os.Stdout, &out)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("measure inside namespaces: %w", err)
	}
	rows, err := whole(ctx)
	if err != nil {
		return err
	}
	fmt.Print("\n", rows)
	out.WriteString("\n" + rows)
	if *path == "" {
		return nil
	}
	return doc.Write(out.String())
}

// whole measures the whole gateway, as the conformance suite plays it: its program with devices, makers and an Internet.
// It gives rows of a table.
func whole(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "test", module+"/test/conformance", "-run", "^TestFigure", "-figures", "-v", "-count=1", "-timeout=30m")
	said, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("measure the whole gateway: %w: %s", err, said)
	}
	var b strings.Builder
	b.WriteString("| the whole gateway | measured | bar |\n| --- | ---: | ---: |\n")
	for line := range strings.Lines(string(said)) {
		if row, ok := strings.CutPrefix(line, "figure "); ok {
			b.WriteString(row)
		}
	}
	return b.String(), nil
}

const module = "plimsoll.example/plimsoll"

// self is this program again, in namespaces of its own.
func self(ctx context.Context, role string, namespaces uintptr, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), inside+"="+role)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// command runs a program with a text as its input.
func command(ctx context.Context, input string, args ...string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

const date = time.DateOnly
