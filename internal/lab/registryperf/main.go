// Command registryperf measures a registry: a database with as many labels as -labels says, a real log, and clients on
// loopback in the same process.
//
//	go run ./internal/lab/registryperf [-labels N] [-time D] [-dir DIR] [-o docs/performance.md]
//
// It prints a table, and with -o puts it into a document. With -dir the database stays, and is used again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"plimsoll.example/plimsoll/internal/lab/document"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "registryperf:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, talk io.Writer) (err error) {
	flags := flag.NewFlagSet("registryperf", flag.ContinueOnError)
	flags.SetOutput(talk)
	labels := flags.Int("labels", 1_000_000, "how many labels the database has")
	span := flags.Duration("time", 10*time.Second, "how long each measurement takes")
	dir := flags.String("dir", "", "where the database is, or is made")
	file := flags.String("o", "", "the document to put the table into")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *labels < 1000 || *labels > 10_000_000 || *span < time.Second {
		return errors.New("-labels wants 1000 to 10000000, -time at least 1s")
	}
	var doc document.Document
	if *file != "" {
		if doc, err = document.Open(*file, "registry"); err != nil {
			return err
		}
	}
	if *dir == "" {
		if *dir, err = os.MkdirTemp("", "registryperf"); err != nil {
			return err
		}
		defer os.RemoveAll(*dir)
	}
	name := filepath.Join(*dir, fmt.Sprintf("registry-%d.db", *labels))
	if err := fill(ctx, name, *labels, talk); err != nil {
		return fmt.Errorf("fill %s: %w", name, err)
	}
	p, err := open(ctx, *dir, name, *labels)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	table, err := p.measure(ctx, *span, talk)
	if err != nil {
		return err
	}
	text := table.String() + fmt.Sprintf("\n%s: %d cores, %s, %s; %d labels.\n", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), runtime.GOOS, runtime.Version(), *labels)
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	if *file != "" {
		return doc.Write(text)
	}
	return nil
}

// table is what was measured, a row each.
type table struct{ rows [][3]string }

func (t *table) add(what, measured, bar string) {
	t.rows = append(t.rows, [3]string{what, measured, bar})
}

func (t *table) String() string {
	var b strings.Builder
	b.WriteString("| what | measured | bar |\n| --- | ---: | ---: |\n")
	for _, r := range t.rows {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r[0], r[1], r[2])
	}
	return b.String()
}
