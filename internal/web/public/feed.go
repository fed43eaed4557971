package public

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"time"

	"plimsoll.example/plimsoll/internal/registry"
)

// feedSize is how many events a feed has at the most.
const feedSize = 50

// events are the newest grants and changes.
func (s *Site) events(r *http.Request) ([]*registry.Event, error) {
	before, err := number(r, "before", 0, 1<<62)
	if err != nil {
		return nil, err
	}
	return s.Registry.Store.Events(r.Context(), before, feedSize)
}

// title says what an event is. Feeds are read by programs first: they are in English, and each item has its words.
func title(e *registry.Event) string {
	what := string(registry.Grant)
	if e.Change != nil {
		what = string(e.Change.Verb)
	}
	return fmt.Sprintf("%s: %s %s (%014d)", what, e.Product.Maker, e.Product.Model, e.GTIN)
}

func (s *Site) pageURL(gtin uint64) string { return fmt.Sprintf("%s/01/%014d", s.Registry.URL, gtin) }

// itemID names an event for ever: its leaf in the log.
func (s *Site) itemID(e *registry.Event) string {
	return fmt.Sprintf("%s/api/v1/log/%d/proof", s.Registry.URL, e.Index)
}

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Title   string      `xml:"title"`
	ID      string      `xml:"id"`
	Updated string      `xml:"updated"`
	Links   []atomLink  `xml:"link"`
	Author  string      `xml:"author>name"`
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	Title    string   `xml:"title"`
	ID       string   `xml:"id"`
	Updated  string   `xml:"updated"`
	Link     atomLink `xml:"link"`
	Category atomTerm `xml:"category"`
	Summary  string   `xml:"summary"`
}

type atomTerm struct {
	Term string `xml:"term,attr"`
}

func (s *Site) feedAtom(_ http.ResponseWriter, r *http.Request) (*answer, error) {
	list, err := s.events(r)
	if err != nil {
		return nil, err
	}
	at := s.Registry.URL + "/api/v1/feed.atom"
	f := atomFeed{Title: s.Registry.Name, ID: at, Updated: rfc3339(time.Unix(0, 0)), Author: s.Registry.Name, Links: []atomLink{{"self", at}}}
	for i, e := range list {
		if i == 0 {
			f.Updated = rfc3339(e.At)
		}
		f.Entries = append(f.Entries, atomEntry{
			Title: title(e), ID: s.itemID(e), Updated: rfc3339(e.At), Link: atomLink{"alternate", s.pageURL(e.GTIN)}, Category: atomTerm{string(e.Status)}, Summary: summary(e),
		})
	}
	if len(list) == feedSize {
		f.Links = append(f.Links, atomLink{"next", fmt.Sprintf("%s?before=%d", at, list[len(list)-1].Index)}) // RFC 5005 §3
	}
	body, err := xml.Marshal(f)
	return &answer{media: "application/atom+xml; charset=utf-8", body: append([]byte(xml.Header), body...), age: shortly}, err
}

func summary(e *registry.Event) string {
	if e.Change == nil {
		return string(e.Status)
	}
	if e.Change.Note == "" {
		return fmt.Sprintf("%s (%s)", e.Status, e.Change.Reason)
	}
	return fmt.Sprintf("%s (%s): %s", e.Status, e.Change.Reason, e.Change.Note)
}

type jsonFeed struct {
	Version string     `json:"version"`
	Title   string     `json:"title"`
	HomeURL string     `json:"home_page_url"`
	FeedURL string     `json:"feed_url"`
	NextURL string     `json:"next_url,omitempty"`
	Items   []jsonItem `json:"items"`
}

type jsonItem struct {
	ID    string   `json:"id"`
	URL   string   `json:"url"`
	Title string   `json:"title"`
	Text  string   `json:"content_text"`
	At    string   `json:"date_published"`
	Tags  []string `json:"tags"`
	Of    jsonMore `json:"_plimsoll"`
}

// jsonMore is for programs.
type jsonMore struct {
	Event  string `json:"event"` // grant, suspend, …
	Label  string `json:"label"`
	GTIN   string `json:"gtin"`
	Status string `json:"status"`
	Reason string `json:"reason"`
	Leaf   uint64 `json:"leaf"`
}

func (s *Site) feedJSON(_ http.ResponseWriter, r *http.Request) (*answer, error) {
	list, err := s.events(r)
	if err != nil {
		return nil, err
	}
	f := jsonFeed{
		Version: "https://jsonfeed.org/version/1.1", Title: s.Registry.Name, HomeURL: s.Registry.URL + "/", FeedURL: s.Registry.URL + "/api/v1/feed.json",
		Items: []jsonItem{},
	}
	for _, e := range list {
		more := jsonMore{Event: e.Action(), Label: e.Label.String(), GTIN: fmt.Sprintf("%014d", e.GTIN), Status: string(e.Status), Leaf: e.Index}
		if e.Change != nil {
			more.Reason = string(e.Change.Reason)
		}
		f.Items = append(f.Items, jsonItem{s.itemID(e), s.pageURL(e.GTIN), title(e), summary(e), rfc3339(e.At), []string{more.Event, more.Status}, more})
	}
	if len(list) == feedSize {
		f.NextURL = fmt.Sprintf("%s?before=%d", f.FeedURL, list[len(list)-1].Index)
	}
	return &answer{value: f, media: "", age: shortly}, nil
}
