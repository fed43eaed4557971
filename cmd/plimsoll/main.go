// Command plimsoll sees what the devices of a network do, explains it, and holds each to its label.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/mud"
)

// The exit codes, which are promises.
const (
	exitDone         = 0
	exitFailed       = 1
	exitUsage        = 2
	exitFound        = 3
	exitUnverified   = 4
	exitNotPermitted = 5
	exitNotFound     = 6
	exitInterrupted  = 130
)

// env is the world as the program finds it.
type env struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the program even while it waits for input
	os.Exit(run(ctx, os.Args[1:], env{os.Stdin, os.Stdout, os.Stderr, os.Getenv}))
}

// run is the program. It alone turns errors into words and exit codes.
func run(ctx context.Context, args []string, e env) int {
	words := locale.New(language(args, e.getenv))
	root := newRoot(e, words)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if code, ok := errors.AsType[exited](err); ok && ctx.Err() == nil {
		return int(code)
	}
	switch {
	case unread(err):
		err = nil
	case errors.As(err, new(exited)):
		err = nil
	case errors.Is(err, errEnded):
		return exitDone
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	case err != nil:
		fmt.Fprintln(e.err, "plimsoll:", explain(err, words))
	}
	switch {
	case err == nil && ctx.Err() != nil:
		return exitInterrupted
	case err == nil:
		return exitDone
	case errors.Is(err, errUsage):
		return exitUsage
	case errors.Is(err, errFound):
		return exitFound
	case errors.Is(err, errUnverified), errors.Is(err, mud.ErrSignature), errors.Is(err, mud.ErrUntrusted), errors.Is(err, mud.ErrClock):
		return exitUnverified
	case errors.Is(err, fs.ErrPermission):
		return exitNotPermitted
	case errors.Is(err, fs.ErrNotExist):
		return exitNotFound
	}
	return exitFailed
}

// exited is the exit code of a program that we started in our place, and that told its errors itself.
type exited int

func (e exited) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// unread reports whether an error says no more than that whoever read what we write has seen enough.
func unread(err error) bool {
	file, ok := errors.AsType[*fs.PathError](err)
	return ok && file.Op == "write" && errors.Is(file.Err, syscall.EPIPE) && !errors.Is(err, errFound)
}
