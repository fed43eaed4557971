package main

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// normsOutput is what the program prints for those arguments.
func normsOutput(t *testing.T, args ...string) string {
	t.Helper()
	var out, talk bytes.Buffer
	e := env{strings.NewReader(""), &out, &talk, func(string) string { return "" }}
	if code := run(context.Background(), append([]string{"norms"}, args...), e); code != exitDone || talk.Len() > 0 {
		t.Fatalf("norms %v: exit code %d, %s", args, code, talk.String())
	}
	return out.String()
}

func TestNormsAsJSONKeepToTheirSchema(t *testing.T) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile("../../schema/norms.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []struct {
		args                   string
		norms, sources, kernel int
	}{
		{"list", 202, 7, 11},
		{"list --source psti", 3, 1, 3},
		{"list --source psti --checked unverified", 0, 0, 0},
		{"show etsi.5.5-1", 1, 1, 1},
		{"show etsi.5.6-8", 1, 1, 0},
		{"show kernel.secure-updates etsi.5.5-1 psti.1", 2, 2, 3},
		{"map", 67, 7, 11},
	} {
		text := normsOutput(t, append(strings.Fields(verb.args), "--json")...)
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", verb.args, err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", verb.args, err)
		}
		var got normsResult
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Norms) != verb.norms || len(got.Sources) != verb.sources || len(got.Kernel) != verb.kernel {
			t.Errorf("%s: %d norms, %d sources, %d in the kernel; want %d, %d, %d", verb.args,
				len(got.Norms), len(got.Sources), len(got.Kernel), verb.norms, verb.sources, verb.kernel)
		}
		if again := normsOutput(t, append(strings.Fields(verb.args), "--json")...); again != text {
			t.Errorf("%s: another run prints something else", verb.args)
		}
	}
}

// Whatever is not wholly checked says so to people too, in each view.
func TestNormsNotCheckedAreMarked(t *testing.T) {
	var all normsResult
	if err := json.Unmarshal([]byte(normsOutput(t, "list", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	list := strings.Split(normsOutput(t, "list"), "\n")
	for _, n := range all.Norms {
		row := list[slices.IndexFunc(list, func(line string) bool { return strings.HasPrefix(line, n.ID+" ") })]
		if marked := strings.Contains(row[:20], "?"); marked != (n.State != "verified") {
			t.Errorf("%s is %s, and listed as %q", n.ID, n.State, row)
		}
		shown := normsOutput(t, "show", "--lang", "fr", n.ID)
		if marked := strings.Contains(shown, "\n  ? "); marked != (n.State != "verified") {
			t.Errorf("%s is %s, and shown as %s", n.ID, n.State, shown)
		}
	}
}

func TestNormsFitATerminal(t *testing.T) {
	for _, language := range []string{"en", "fr"} {
		for _, args := range []string{"list", "map", "show etsi.5.1-5 etsi.5.3-4B nist8425.IAC.2b psti.1 ctia.17 owasp.I10 cra.I.2c kernel.no-shared-password"} {
			text := normsOutput(t, append(strings.Fields(args), "--lang", language)...)
			for line := range strings.Lines(text) {
				line = strings.TrimSuffix(line, "\n")
				if n := utf8.RuneCountInString(line); n > pageWidth && strings.Contains(strings.TrimSpace(line), " ") {
					t.Errorf("%s %s: %d characters: %s", language, args, n, line)
				}
				if strings.TrimRight(line, " ") != line {
					t.Errorf("%s %s: spaces at the end: %q", language, args, line)
				}
			}
		}
	}
}
