//go:build !gateway

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/feed"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
)

// advised is what schema/registry-advisories.json describes.
type advised struct {
	Schema   string          `json:"schema"`
	Products int             `json:"products"`
	Feeds    []advisedFeed   `json:"feeds"`
	Matches  []advisedMatch  `json:"matches"`
	Changes  []advisedChange `json:"changes"`
}

type advisedFeed struct {
	Location string `json:"location"`
	Format   string `json:"format"`
	Records  int    `json:"records"`
	Kept     int    `json:"kept"`
	Skipped  int    `json:"skipped"`
	Released string `json:"released"` // RFC 3339, or ""
	Problem  string `json:"problem"`
}

type advisedMatch struct {
	Product    string            `json:"product"` // its ID
	Maker      string            `json:"maker"`
	Model      string            `json:"model"`
	Case       string            `json:"case"`
	Title      string            `json:"title"`
	Source     advisory.Source   `json:"source"`
	Record     string            `json:"record"`
	SHA256     string            `json:"sha256"`
	Exploited  bool              `json:"exploited"`
	Says       advisory.Says     `json:"says"`
	Versions   string            `json:"versions"`
	Fixed      []string          `json:"fixed"`
	Component  string            `json:"component"`
	Confidence float64           `json:"confidence"`
	Reasons    []advisory.Reason `json:"reasons"`
}

type advisedChange struct {
	Product  string            `json:"product"`
	Act      advisory.Act      `json:"act"`
	Person   bool              `json:"person"` // it waits for one
	To       label.Status      `json:"to"`
	Cause    string            `json:"cause"`
	Because  string            `json:"because"`
	Evidence advisory.Evidence `json:"evidence"`
	SHA256   string            `json:"sha256"` // of the evidence
}

// newRegistryAdvisories says what feeds would do to labels, and does nothing.
func newRegistryAdvisories(e env, words *locale.Catalogue) *cobra.Command {
	var products, from string
	var asJSON bool
	c := &cobra.Command{Use: "advisories", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) == 0 || (products == "") == (from == "") {
			return wrongUsage("error.advisories.args")
		}
		var held *shelf
		var err error
		if products != "" {
			held, err = readShelf(e, products)
		} else {
			held, err = fetchShelf(c.Context(), from)
		}
		if err != nil {
			return err
		}
		result, err := lookOnce(c.Context(), held, args)
		if err != nil {
			return err
		}
		a, err := newAdvised(held, result)
		if err != nil {
			return err
		}
		if asJSON {
			err = printJSON(e.out, a)
		} else {
			err = a.tell(e.out, words)
		}
		if err != nil {
			return err
		}
		broken := 0
		for _, f := range a.Feeds {
			if f.Problem != "" {
				broken++
			}
		}
		if broken > 0 {
			return &fault{key: "error.advisories.feeds", args: []any{"n", broken}}
		}
		return nil
	}}
	f := c.Flags()
	f.StringVar(&products, "products", "", "")
	f.StringVar(&from, "registry", "", "")
	f.BoolVar(&asJSON, "json", false, "")
	return c
}

// lookOnce reads feeds for labels, with copies that are not kept.
func lookOnce(ctx context.Context, held *shelf, locations []string) (*feed.Result, error) {
	aliases, err := advisory.LoadAliases()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "plimsoll-feeds-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	w := &feed.Watcher{Register: held, Aliases: aliases, Fetcher: feed.Fetcher{Agent: "plimsoll/" + version()}, Dir: dir, Log: slog.New(slog.DiscardHandler)}
	for _, l := range locations {
		w.Feeds = append(w.Feeds, feed.Parse(l))
	}
	if err := w.Open(); err != nil {
		return nil, err
	}
	return w.Look(ctx)
}

// shelf is products that somebody asks about: a register in memory, of which nothing is published.
type shelf struct {
	holdings []*feed.Holding
	kept     map[string][]advisory.Evidence
	revision int
}

// maxProducts bounds the products of a file, and maxProductFile its octets.
const (
	maxProducts    = 100_000
	maxProductFile = 64 << 20
)

// shelved is one product in a file: the twin in JSON of a statement is one too.
type shelved struct {
	advisory.Product
	Status label.Status `json:"status"`
}

func readShelf(e env, name string) (*shelf, error) {
	data, err := e.readInput(name, maxProductFile)
	if err != nil {
		return nil, err
	}
	var list []shelved
	if strings.HasPrefix(strings.TrimSpace(string(data[:min(len(data), 64)])), "{") {
		data = append(append([]byte{'['}, data...), ']')
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, &fault{key: "error.advisories.products", args: []any{"name", name, "cause", err.Error()}}
	}
	s := &shelf{kept: map[string][]advisory.Evidence{}}
	for i := range list {
		if err := s.add(&list[i]); err != nil {
			return nil, &fault{key: "error.advisories.products", args: []any{"name", name, "cause", err.Error()}}
		}
	}
	return s, nil
}

func (s *shelf) add(p *shelved) error {
	n := len(s.holdings)
	switch {
	case n >= maxProducts:
		return fmt.Errorf("more than %d products", maxProducts)
	case p.Maker == "" || p.Model == "":
		return fmt.Errorf("product %d: no maker or no model", n+1)
	}
	p.ID = cmp.Or(p.ID, p.GTIN, fmt.Sprint(n+1))
	for _, h := range s.holdings[max(0, n-1):] { // the same product twice in a row: its labels
		if h.Product.ID == p.ID {
			p.ID += fmt.Sprint("#", n+1)
		}
	}
	if p.Status == "" || p.Status == label.Unknown {
		p.Status = label.Active
	}
	s.holdings = append(s.holdings, &feed.Holding{Product: p.Product, Standing: advisory.Standing{Status: p.Status}})
	return nil
}

// fetchShelf reads the labels of a registry.
func fetchShelf(ctx context.Context, base string) (*shelf, error) {
	client, err := newRegistryClient(base)
	if err != nil {
		return nil, err
	}
	s := &shelf{kept: map[string][]advisory.Evidence{}}
	for from := int64(0); from >= 0; {
		var answer struct {
			Labels []struct {
				ID      string
				Product label.Statement
				Status  label.Status
			}
			Next int64
		}
		data, err := client.do(ctx, http.MethodGet, fmt.Sprintf("/api/v1/labels?limit=100&from=%d", from), nil, nil)
		if err != nil {
			return nil, err
		}
		err = json.Unmarshal(data, &answer)
		if err == nil && answer.Next >= 0 && (answer.Next <= from || len(answer.Labels) == 0) {
			err = fmt.Errorf("its page after %d is %d", from, answer.Next)
		}
		for _, l := range answer.Labels {
			p := &shelved{advisory.Of(&l.Product), l.Status}
			p.ID = l.ID
			if err == nil {
				err = s.add(p)
			}
		}
		if err != nil {
			return nil, &fault{key: "error.advisories.registry", args: []any{"url", base, "cause", err.Error()}}
		}
		from = answer.Next
	}
	return s, nil
}

// Revision counts what was applied.
func (s *shelf) Revision(context.Context) (string, error) { return fmt.Sprint(s.revision), nil }

// Holdings are the products with an active or suspended label.
func (s *shelf) Holdings(context.Context) (list []*feed.Holding, _ error) {
	for _, h := range s.holdings {
		if h.Standing.Status == label.Active || h.Standing.Status == label.Suspended {
			list = append(list, h)
		}
	}
	return list, nil
}

// Apply notes a change, so that it does not follow twice.
func (s *shelf) Apply(_ context.Context, c *advisory.Change) error {
	for i, h := range s.holdings {
		if h.Product.ID == c.Product {
			s.kept[c.Product] = append(s.kept[c.Product], c.Evidence)
			status := h.Standing.Status
			if !c.Act.Person() && c.To != "" {
				status = c.To
			}
			s.holdings[i] = &feed.Holding{Product: h.Product, Standing: advisory.Replay(status, s.kept[c.Product])}
		}
	}
	s.revision++
	return nil
}

func newAdvised(held *shelf, r *feed.Result) (*advised, error) {
	a := &advised{Schema: "plimsoll.registry.advisories/1", Products: len(held.holdings), Feeds: []advisedFeed{}, Matches: []advisedMatch{}, Changes: []advisedChange{}}
	for _, f := range r.Feeds {
		one := advisedFeed{f.Location, string(f.Source), f.Records, f.Kept, f.Skipped, rfc3339(f.Released), ""}
		if f.Err != nil {
			one.Problem = f.Err.Error()
		}
		a.Feeds = append(a.Feeds, one)
	}
	for _, m := range r.Matches {
		a.Matches = append(a.Matches, advisedMatch{
			m.Product.ID, m.Product.Maker, m.Product.Model, m.Case.ID, m.Case.Title(), m.Advisory.Source, m.Advisory.ID, m.Advisory.Digest, m.Case.Exploited(),
			m.Says, m.Versions.String(), append([]string{}, m.Fixed...), m.Component, m.Confidence, m.Reasons,
		})
	}
	for _, c := range r.Changes {
		_, digest, err := c.Evidence.JSON()
		if err != nil {
			return nil, err
		}
		a.Changes = append(a.Changes, advisedChange{c.Product, c.Act, c.Act.Person(), c.To, c.Cause, c.Because, c.Evidence, digest})
	}
	return a, nil
}

// tell says it to people: the feeds, then each match with its reasons, then what would follow.
func (a *advised) tell(w io.Writer, words *locale.Catalogue) error {
	var lines []string
	say := func(indent, key string, args ...any) { lines = append(lines, indent+words.Text(key, args...)) }
	for _, f := range a.Feeds {
		say("", "advisories.feed", "name", f.Location, "format", cmp.Or(f.Format, "?"), "n", f.Records, "kept", f.Kept)
		if f.Skipped > 0 {
			say("  ", "advisories.skipped", "n", f.Skipped)
		}
		if f.Problem != "" {
			say("  ", "advisories.problem", "cause", f.Problem)
		}
	}
	if len(a.Matches) == 0 {
		say("", "advisories.none", "n", a.Products)
	}
	for _, m := range a.Matches {
		lines = append(lines, "")
		say("", "advisories.match", "maker", m.Maker, "model", m.Model, "id", m.Product, "case", m.Case, "title", m.Title)
		if m.Exploited {
			say("  ", "advisories.exploited")
		}
		say("  ", "advisories.says."+string(m.Says), "source", string(m.Source))
		for _, r := range m.Reasons {
			say("  ", "advisories.reason."+r.Step+"."+r.Result, "theirs", r.Theirs, "ours", r.Ours)
		}
		if len(m.Fixed) > 0 {
			say("  ", "advisories.fixed", "list", strings.Join(m.Fixed, ", "))
		}
		say("  ", "advisories.confidence", "share", locale.Fraction(m.Confidence))
	}
	if len(a.Changes) > 0 {
		lines = append(lines, "")
	}
	for _, c := range a.Changes {
		say("", "advisories.act."+string(c.Act), "product", c.Product, "cause", c.Cause)
		say("  ", "advisories.because."+c.Because)
	}
	if len(a.Matches) > 0 && len(a.Changes) == 0 {
		lines = append(lines, "")
		say("", "advisories.nothing")
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(w, printable(l)); err != nil {
			return err
		}
	}
	return nil
}
