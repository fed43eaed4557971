package guide

import (
	"slices"
	"strings"
	"sync"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/locale"
)

// Cell is one text of the guide: what to know of one topic at one stage.
type Cell struct {
	Topic  string `json:"topic"`            // one of Topics
	Stage  string `json:"stage"`            // one of Stages
	Text   string `json:"text"`             // one to three sentences
	Source string `json:"source,omitempty"` // whose advice it is in line with, where there is one; the words are ours
}

// Topics and Stages are the rows and columns of the guide, in order: the grid that the consumer group of Canada's
// multistakeholder process on the security of the Internet of Things agreed on in 2018. Functionality is also what a
// contract allows: to repair, to sell, to use with other makes. locale has their names as guide.topic.* and guide.stage.*.
var (
	Topics = []string{"privacy", "security", "functionality"}
	Stages = []string{"before", "use", "trouble"} // before buying, in use, at trouble
)

// sources has by key of a cell the advice that it is in line with: a key of body.json, or a provision of ETSI EN 303 645.
var sources = sync.OnceValue(func() map[string]string { return table("source.json") })

// Cells are the nine texts on a category of device (device.Categories) or a kind of finding, topic by topic; nil for
// what the guide does not know.
func Cells(words *locale.Catalogue, about string) []Cell {
	said := cells.in(words.Lang())
	var list []Cell
	for _, topic := range Topics {
		for _, stage := range Stages {
			key := about + "." + topic + "." + stage
			text := said.Text(key)
			if text == key {
				return nil
			}
			list = append(list, Cell{topic, stage, text, source(said, sources()[key])})
		}
	}
	return list
}

func source(said *locale.Catalogue, key string) string {
	if key == "" {
		return ""
	}
	if id, ok := strings.CutPrefix(key, "etsi."); ok {
		return said.Text("body.etsi", "id", id)
	}
	return said.Text("body." + key)
}

// Title is what people call a category of device, or a kind of finding of which a device is the actor.
func Title(words *locale.Catalogue, about string) string {
	if slices.Contains(device.Categories, about) {
		return words.Text("category." + about)
	}
	return findings.in(words.Lang()).Text(about + "." + string(finding.Actor) + ".title")
}
