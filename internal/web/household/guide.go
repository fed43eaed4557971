package household

import (
	"io/fs"
	"slices"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/page"
)

// topic is what the guide says of one topic, stage by stage.
type topic struct {
	Name  string
	Cells []cell
}

type cell struct{ Stage, Text, Source string }

// topics are the nine cells of a category or a kind of finding.
func topics(words *locale.Catalogue, about string) (list []topic) {
	for _, c := range guide.Cells(words, about) {
		name := words.Text("guide.topic." + c.Topic)
		if n := len(list); n == 0 || list[n-1].Name != name {
			list = append(list, topic{Name: name})
		}
		t := &list[len(list)-1]
		t.Cells = append(t.Cells, cell{words.Text("guide.stage." + c.Stage), c.Text, c.Source})
	}
	return list
}

// shelf is the first page of the guide.
type shelf struct {
	Stages []option
	Own    []option // categories of devices that are here
	Others []option
	Kinds  []option
	Lists  []option
	Detail bool
}

// own are the categories of devices at home.
func (p *Pages) own() (list []string) {
	for _, d := range p.Household.Devices() {
		if c := d.Is().Category; slices.Contains(device.Categories, c) && !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list
}

func (p *Pages) guide(r *page.Request) (*page.View, error) {
	w, own := r.Words, p.own()
	x := &shelf{Detail: p.may(r.Viewer, detail)}
	for _, s := range guide.Stages {
		x.Stages = append(x.Stages, option{Value: "/guide/stage/" + s, Text: w.Text("guide.stage." + s)})
	}
	for _, c := range device.Categories {
		o := option{Value: "/guide/about/" + c, Text: locale.Capital(w.Text("category." + c))}
		if len(guide.Cells(w, c)) == 0 {
			continue
		}
		if slices.Contains(own, c) {
			x.Own = append(x.Own, o)
		} else {
			x.Others = append(x.Others, o)
		}
	}
	for _, k := range finding.Kinds() {
		if len(guide.Cells(w, string(k.Kind))) > 0 {
			x.Kinds = append(x.Kinds, option{Value: "/guide/about/" + string(k.Kind), Text: guide.Title(w, string(k.Kind))})
		}
	}
	for _, l := range lists {
		x.Lists = append(x.Lists, option{Value: "/lists/" + l.name, Text: w.Text("household.list." + l.name)})
	}
	return &page.View{Template: "guide.html", Title: w.Text("household.nav.guide"), Data: x}, nil
}

// leaf is a page of the guide, which fits on paper.
type leaf struct {
	Lead   string
	Topics []topic
	Note   string
}

func (p *Pages) about(r *page.Request) (*page.View, error) {
	about := r.PathValue("about")
	list := topics(r.Words, about)
	if list == nil {
		return nil, fs.ErrNotExist
	}
	return &page.View{
		Template: "leaf.html", Title: locale.Capital(guide.Title(r.Words, about)), Data: &leaf{Topics: list, Note: r.Words.Text("household.guide.note")},
	}, nil
}

// stage is one stage of all devices at home; of the most usual ones, where there are none.
func (p *Pages) stage(r *page.Request) (*page.View, error) {
	stage, w := r.PathValue("stage"), r.Words
	if !slices.Contains(guide.Stages, stage) {
		return nil, fs.ErrNotExist
	}
	own := p.own()
	if len(own) == 0 || stage == "before" {
		own = append(own, "camera", "doorbell", "light", "plug", "speaker", "tv")
	}
	x := &leaf{Lead: w.Text("household.guide.stage." + stage), Note: w.Text("household.guide.note")}
	for _, c := range device.Categories {
		if !slices.Contains(own, c) {
			continue
		}
		t := topic{Name: locale.Capital(w.Text("category." + c))}
		for _, x := range guide.Cells(w, c) {
			if x.Stage == stage {
				t.Cells = append(t.Cells, cell{w.Text("guide.topic." + x.Topic), x.Text, x.Source})
			}
		}
		if t.Cells != nil {
			x.Topics = append(x.Topics, t)
		}
	}
	return &page.View{Template: "leaf.html", Title: w.Text("guide.stage." + stage), Data: x}, nil
}

func (p *Pages) glossary(r *page.Request) (*page.View, error) {
	return &page.View{Template: "glossary.html", Title: r.Words.Text("report.glossary"), Data: guide.Glossary(r.Words)}, nil
}
