package main

import (
	"os"
	"strings"
	"testing"
)

// What the README shows of a run is what the program prints, in that order, with “…” for what is left out.
func TestReadmeShowsWhatIsPrinted(t *testing.T) {
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	const command = "\n$ go run ./cmd/plimsoll "
	_, text, ok := strings.Cut(string(data), command)
	if !ok {
		t.Fatal("the README shows no run")
	}
	text, _, _ = strings.Cut(text, "\n```")
	args, shown, _ := strings.Cut(text, "\n")
	t.Chdir("../..")
	_, printed, _ := call(t, nil, strings.Fields(args)...)
	for part := range strings.SplitSeq(shown+"\n", "…\n") {
		before, after, ok := strings.Cut(printed, strings.Trim(part, "\n")+"\n")
		if !ok {
			t.Fatalf("not printed:\n%s", part)
		}
		_, printed = before, after
	}
}
