package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is really printed is what the published schemas say.
func TestMUDOutputKeepsToItsSchemas(t *testing.T) {
	script, err := os.ReadFile("testdata/mud.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, part := range strings.Split(string(script), "\n-- ")[1:] {
		name, text, _ := strings.Cut(part, " --\n")
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	printed := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		run(context.Background(), args, env{nil, &out, &errs, func(string) string { return "" }})
		if out.Len() == 0 {
			t.Fatalf("%v printed nothing; %s", args, &errs)
		}
		return out.String()
	}
	for line := range strings.Lines(printed("mud", "check", "--json", file("lamp.json"), file("old.json"), file("new.json"), file("broken.json"))) {
		validate(t, "mud-check.json", line)
	}
	for _, name := range []string{"lamp.json", "old.json", "new.json"} {
		validate(t, "mud-show.json", printed("mud", "show", "--json", file(name)))
		validate(t, "mud-diff.json", printed("mud", "diff", "--json", file(name), file("lamp.json")))
		validate(t, "mud-diff.json", printed("mud", "diff", "--json", file("lamp.json"), file(name)))
	}
	validate(t, "mud-qr.json", printed("mud", "qr", "--json", file("lamp.json"), "--mac", "02:00:5e:10:00:01", "--out", file("sticker.png")))
	validate(t, "mud-scan.json", printed("mud", "scan", "--json", file("sticker.png")))
	const device = "50:c7:bf:1d:77:0e"
	validate(t, "mud-compile.json", printed("mud", "compile", "--format", "json", file("lamp.json"), "--device", device))
	validate(t, "mud-compile.json", printed("mud", "compile", "--format", "json", file("old.json"), "--device", device, "--network", "../../testdata/home.pcapng"))
	validate(t, "mud-rehearse.json", printed("mud", "rehearse", "--json", file("lamp.json"), "../../testdata/home.pcapng", "--device", device))

	// Those that others wrote, where they are.
	published, _ := filepath.Glob("../../../shared/data/mud/unsw/*.json")
	for _, name := range published {
		validate(t, "mud-check.json", printed("mud", "check", "--json", name))
		validate(t, "mud-show.json", printed("mud", "show", "--json", name))
		validate(t, "mud-compile.json", printed("mud", "compile", "--format", "json", name, "--device", device))
		validate(t, "mud-rehearse.json", printed("mud", "rehearse", "--json", name, "../../testdata/home.pcapng", "--device", device))
	}
}
