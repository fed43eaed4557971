package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What docs/label.md shows is what happens.
func TestTheLabelOfTheDocumentIsMadeAndVerified(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("the program openssl is missing")
	}
	doc, err := os.ReadFile("../../docs/label.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```(json|sh)\n(.*?)```").FindAllStringSubmatch(string(doc), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d examples", len(blocks))
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "plug.json"), []byte(blocks[0][2]), 0o600); err != nil {
		t.Fatal(err)
	}
	said := ""
	for line := range strings.Lines(blocks[1][2]) {
		args := regexp.MustCompile(`\b(plug|authority)\.\w+`).ReplaceAllStringFunc(line, func(name string) string { return filepath.Join(dir, name) })
		f := strings.Fields(args)
		if f[0] != "plimsoll" {
			if out, err := exec.Command(f[0], f[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
			continue
		}
		want := exitDone
		if f[2] == "verify" {
			want = exitFound // genuine, and a key alone does not tell its status
		}
		code, stdout, stderr := call(t, nil, f[1:]...)
		if code != want {
			t.Fatalf("%s: exit %d, %s", line, code, stderr)
		}
		said = stdout
	}
	for _, want := range []string{"Genuine", "Example Lamps LP-110", "26 November 2030", "with a key alone"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in what the verification says:\n%s", want, said)
		}
	}
	if strings.Contains(said, "bundle of") {
		t.Errorf("it speaks of a bundle that there is none of:\n%s", said)
	}
}
