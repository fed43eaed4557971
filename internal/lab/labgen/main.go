// Command labgen writes the project's own captures, with the truth about them.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"plimsoll.example/plimsoll/internal/lab"
)

func main() {
	out := flag.String("o", "testdata", "folder to write to")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "labgen:", err)
		os.Exit(1)
	}
}

func run(folder string) error {
	files, err := lab.Files()
	if err != nil {
		return err
	}
	for _, f := range files {
		path := filepath.Join(folder, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make the folder: %w", err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			return fmt.Errorf("write the capture: %w", err)
		}
	}
	return nil
}
