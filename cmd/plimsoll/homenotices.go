package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/notice"
	"plimsoll.example/plimsoll/internal/web/household"
)

// noticeFlags say what is sent out of the home, where the pages do not.
type noticeFlags struct {
	channels  []string // see notice.Parse
	at, quiet string
}

func (n *noticeFlags) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&n.channels, "notice", nil, "")
	f.StringVar(&n.at, "notice-at", "", "")
	f.StringVar(&n.quiet, "notice-quiet", "", "")
}

// maxSecret bounds the files that a channel may name, octets.
const maxSecret = 64 << 10

// openNotices makes what sends the digest. By default it sends nothing to anybody.
func (g *gateway) openNotices(ctx context.Context, dir string) error {
	g.post = &notice.Post{
		Dir: dir, Ledger: g.store, Source: g.newPages(), Link: g.link, Floor: floor(), Log: g.log, Fault: g.fault,
		Now: time.Now,
	}
	for _, text := range g.notices.channels {
		c, err := notice.Parse(text, g.lang, func(name string) ([]byte, error) { return readFile(name, maxSecret) })
		if err != nil {
			return g.badNotice("--notice", err)
		}
		g.post.Fixed = append(g.post.Fixed, *c)
	}
	if g.notices.at != "" {
		digest, err := notice.ParseDigest(g.notices.at)
		if err != nil {
			return g.badNotice("--notice-at", err)
		}
		g.post.At = &digest
	}
	if g.notices.quiet != "" {
		span, err := notice.ParseSpan(g.notices.quiet)
		if err != nil {
			return g.badNotice("--notice-quiet", err)
		}
		g.post.Quiet = &span
	}
	g.fault(ctx, "read where notices are sent", g.post.Open()) // a house is held, whether it can say so or not
	return nil
}

// badNotice says what is wrong with a flag. Its value is not told: addresses of webhooks are secrets.
func (g *gateway) badNotice(flag string, err error) error {
	if !errors.Is(err, notice.ErrChannel) {
		return err
	}
	what, _ := notice.Say(g.words, notice.KindOf(err))
	return wrongUsage("error.home.notice", "name", flag, "cause", what)
}

// newPages are the pages of the home, which also say what is sent of it.
func (g *gateway) newPages() *household.Pages {
	return &household.Pages{
		Household: g.household, History: g.store, Mode: g.mode, Status: g.status, Now: time.Now, Log: g.log,
		Rehearse: g.rehearse, People: g.store, Export: g.export, Import: g.take, Shields: g.shields, Label: g.labelled, Code: g.labels.code, Scan: scanPhoto, Tokens: true,
		Countries: g.countries, Notices: g.post,
	}
}

// link is where others than this machine find the pages; "" is nowhere.
func (g *gateway) link(lang locale.Lang) string {
	at := g.served.Load()
	if at == nil {
		return ""
	}
	if public := g.pages.public; public != nil {
		return public.JoinPath(string(lang), "/").String()
	}
	host := ""
	switch a := at.Addr().Unmap(); {
	case a.IsLoopback():
		return ""
	case len(g.pages.names) > 0:
		host = g.pages.names[0]
	case a.IsUnspecified():
		host = addressOf(g.lan)
	default:
		host = a.String()
	}
	if host == "" {
		return ""
	}
	u := url.URL{Scheme: "https", Host: net.JoinHostPort(host, strconv.Itoa(int(at.Port()))), Path: "/" + string(lang) + "/"}
	return u.String()
}

// addressOf is the address of an interface by which the devices behind it reach this machine; "" is none.
func addressOf(name string) string {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return ""
	}
	list, err := i.Addrs()
	if err != nil {
		return ""
	}
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && p.Addr().IsPrivate() {
			return p.Addr().String()
		}
	}
	return ""
}

// newHomeNotices is the verb that says where something is sent to, and tries it.
func newHomeNotices(e env, words *locale.Catalogue) *cobra.Command {
	r := &remote{env: e, words: words}
	test := false
	c := &cobra.Command{Use: "notices", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		var all notice.Report
		if err := r.call(c.Context(), http.MethodGet, "notices", nil, &all); err != nil {
			return err
		}
		if test {
			return r.tryNotices(c.Context(), &all)
		}
		if r.json {
			return printJSON(r.out, all)
		}
		return r.print(reportNotices(words, &all))
	}}
	r.flags(c)
	c.Flags().BoolVar(&test, "test", false, "")
	return c
}

// reportNotices is a report in lines.
func reportNotices(words *locale.Catalogue, all *notice.Report) (lines []string) {
	if len(all.Channels) == 0 {
		return []string{words.Text("household.notices.none")}
	}
	for _, x := range all.Channels {
		text := words.Text("household.notices.digest")
		if x.Alerts {
			text = words.Text("household.notices.both")
		}
		if x.Last != nil {
			if x.Last.State == notice.Sent {
				text += " " + words.Text("household.notices.sent", "at", x.Last.At.Local())
			} else if x.Last.Trouble != "" {
				what, do := notice.Say(words, x.Last.Trouble)
				text += " " + what + " " + do
			}
		}
		lines = append(lines, words.Text("home.notices.channel", "kind", words.Text("household.notices."+string(x.Kind)), "name", x.Name, "text", text))
	}
	return append(lines, words.Text("household.notices.next", "at", all.Next.Local()))
}

// tryNotices sends a test to each channel. It fails if one does not take it.
func (r *remote) tryNotices(ctx context.Context, all *notice.Report) error {
	var lines []string
	trials := []notice.Trial{}
	bad := 0
	for _, x := range all.Channels {
		var t notice.Trial
		if err := r.call(ctx, http.MethodPost, "notices/"+url.PathEscape(x.ID)+"/test", nil, &t); err != nil {
			return err
		}
		trials = append(trials, t)
		text := r.words.Text("household.notices.tried")
		if !t.Sent {
			bad++
			what, do := notice.Say(r.words, t.Trouble)
			text = what + " " + do + " (" + t.Cause + ")"
		}
		lines = append(lines, r.words.Text("home.notices.channel", "kind", r.words.Text("household.notices."+string(x.Kind)), "name", x.Name, "text", text))
	}
	if len(lines) == 0 {
		lines = []string{r.words.Text("household.notices.none")}
	}
	err := r.print(lines)
	if r.json {
		err = printJSON(r.out, map[string]any{"schema": notice.TrialSchema, "trials": trials})
	}
	if err == nil && bad > 0 {
		return &fault{os.ErrInvalid, "error.home.notices", []any{"n", bad}}
	}
	return err
}
