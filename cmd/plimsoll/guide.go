package main

import (
	"bufio"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/locale"
)

// guideSchema names the shape of guideResult, which schema/guide.json describes.
const guideSchema = "plimsoll.guide/1"

// guideResult is what the guide says of one category of device or kind of finding.
type guideResult struct {
	Schema string       `json:"schema"`
	Lang   locale.Lang  `json:"lang"`
	About  string       `json:"about"`
	Title  string       `json:"title"`
	Cells  []guide.Cell `json:"cells"`
}

// guideTopics is what schema/guide-list.json describes.
type guideTopics struct {
	Schema string       `json:"schema"`
	Lang   locale.Lang  `json:"lang"`
	Topics []guideTopic `json:"topics"`
}

type guideTopic struct {
	About string `json:"about"`
	Is    string `json:"is"` // category or kind
	Title string `json:"title"`
}

// newGuide shows what to know of a category of device or a kind of finding, or all that the guide is about.
func newGuide(e env, words *locale.Catalogue) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "guide", Args: cobra.ArbitraryArgs}
	c.Flags().BoolVar(&asJSON, "json", false, "")
	c.RunE = func(_ *cobra.Command, args []string) error {
		w := bufio.NewWriter(e.out) // keeps its first error for Flush
		switch {
		case len(args) > 1:
			return wrongUsage("error.guide.one")
		case len(args) == 0 && asJSON:
			return printJSON(e.out, newGuideTopics(words))
		case len(args) == 0:
			guideList(w, words)
			return w.Flush()
		}
		cells := guide.Cells(words, args[0])
		if cells == nil {
			return &fault{fs.ErrNotExist, "error.guide.unknown", []any{"name", args[0]}}
		}
		r := guideResult{guideSchema, words.Lang(), args[0], guide.Title(words, args[0]), cells}
		if !asJSON {
			guidePage(w, words, &r)
			return w.Flush()
		}
		return printJSON(e.out, r)
	}
	return c
}

func newGuideTopics(words *locale.Catalogue) guideTopics {
	r := guideTopics{Schema: "plimsoll.guide.list/1", Lang: words.Lang()}
	for _, category := range device.Categories {
		r.Topics = append(r.Topics, guideTopic{category, "category", guide.Title(words, category)})
	}
	for _, k := range finding.Kinds() {
		r.Topics = append(r.Topics, guideTopic{string(k.Kind), "kind", guide.Title(words, string(k.Kind))})
	}
	return r
}

func guideList(w *bufio.Writer, words *locale.Catalogue) {
	fmt.Fprintln(w, words.Text("guide.categories"))
	is := "category"
	for _, t := range newGuideTopics(words).Topics {
		if t.Is != is {
			is = t.Is
			fmt.Fprintf(w, "\n%s\n", words.Text("guide.kinds"))
		}
		fmt.Fprintf(w, "  %-20s %s\n", t.About, t.Title)
	}
}

func guidePage(w *bufio.Writer, words *locale.Catalogue, r *guideResult) {
	fmt.Fprintln(w, r.Title)
	topic := ""
	for i := range r.Cells {
		c := &r.Cells[i]
		if c.Topic != topic {
			topic = c.Topic
			fmt.Fprintf(w, "\n%s\n", words.Text("guide.topic."+topic))
		}
		text := c.Text
		if c.Source != "" {
			text = words.Text("guide.source", "text", text, "source", c.Source)
		}
		fmt.Fprintf(w, "  %s\n", words.Text("guide.cell", "stage", words.Text("guide.stage."+c.Stage), "text", text))
	}
	fmt.Fprintf(w, "\n%s\n", words.Text("guide.note"))
}
