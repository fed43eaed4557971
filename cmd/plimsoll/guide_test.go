package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/locale"
)

func TestGuideAsJSONKeepsToItsSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../schema/guide.json")
	if err != nil {
		t.Fatal(err)
	}
	about := device.Categories
	for _, k := range finding.Kinds() {
		about = append(about[:len(about):len(about)], string(k.Kind))
	}
	for _, name := range about {
		for _, lang := range locale.Languages {
			var out, talk bytes.Buffer
			e := env{strings.NewReader(""), &out, &talk, func(string) string { return "" }}
			if code := run(context.Background(), []string{"guide", "--json", "--lang", string(lang), name}, e); code != exitDone || talk.Len() > 0 {
				t.Fatalf("%s: exit code %d, %s", name, code, talk.String())
			}
			doc, err := jsonschema.UnmarshalJSON(&out)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := schema.Validate(doc); err != nil {
				t.Errorf("%s %s: %v", name, lang, err)
			}
		}
	}
}
