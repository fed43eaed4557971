package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/report"
)

// Bounds on what the page shows of a device's peers.
const (
	mostDrawn = 10
	mostPeers = 24
)

// talks is whom a device talks with: a picture, and the same in a table.
type talks struct {
	Rows    []talk
	More    string
	Picture picture
}

// talk is one row of the table.
type talk struct{ Purpose, Name, Services, Size string }

// purposes are the groups of peers, in the order in which they are shown.
var purposes = [...]string{"maker", "update", "clock", "names", "internet", "home", "router", "nearby"}

// purpose says what a peer is for, as far as its name and the protocol tell.
func purpose(d *inspect.Device, p *inspect.Peer) string {
	switch p.Scope {
	case "lan":
		return "home"
	case "gateway":
		return "router"
	case "multicast":
		return "nearby"
	}
	only := func(protocol string) bool {
		return len(p.Services) > 0 && !slices.ContainsFunc(p.Services, func(s string) bool { return !strings.HasSuffix(s, " "+protocol) })
	}
	name := strings.ToLower(p.Name)
	switch {
	case only("ntp"):
		return "clock"
	case only("dns"):
		return "names"
	case slices.ContainsFunc(words(name), func(s string) bool {
		return slices.Contains([]string{"update", "updates", "upgrade", "firmware", "fw", "ota", "fota", "swupdate"}, s)
	}):
		return "update"
	case ofMaker(d, name):
		return "maker"
	}
	return "internet"
}

// ofMaker reports whether a name is that of the maker's own servers: it holds the maker's name, or was a reason to
// know the maker.
func ofMaker(d *inspect.Device, name string) bool {
	maker := letters(d.Identity.Maker)
	if name == "" || maker == "" {
		return false
	}
	if len(maker) > 3 && strings.Contains(letters(name), maker) || slices.Contains(words(name), maker) {
		return true
	}
	for i := range d.Identity.Because {
		b := &d.Identity.Because[i]
		switch b.Fact {
		case "dns.query", "dns.answer", "tls.sni", "http.host", "flow.peer":
			if value := strings.Trim(strings.ToLower(b.Value), "."); b.Weight > 0 && value != "" && (name == value || strings.HasSuffix(name, "."+value)) {
				return true
			}
		}
	}
	return false
}

// words are the words of a domain name.
func words(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) })
}

// letters are the letters and digits of s, small.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

func newTalks(w report.Words, d *inspect.Device) talks {
	var t talks
	groups := make(map[string][]*inspect.Peer)
	for i := range d.Peers {
		p := &d.Peers[i]
		if p.Scope == "multicast" && len(w.Services(p.Services)) == 0 {
			continue // how every device finds its way
		}
		if len(t.Rows) == mostPeers {
			t.More = w.Text("report.talks.more")
			break
		}
		g := purpose(d, p)
		groups[g] = append(groups[g], p)
		t.Rows = append(t.Rows, talk{}) // counted here, filled below
	}
	if d.Others != nil {
		t.More = w.Text("inspect.others", "n", d.Others.Flows)
	}
	t.Rows = t.Rows[:0]
	for _, g := range purposes {
		for _, p := range groups[g] {
			use := w.Text("report.purpose." + g)
			services := strings.Join(slices.DeleteFunc(w.Services(p.Services), func(s string) bool { return strings.EqualFold(s, use) }), ", ")
			t.Rows = append(t.Rows, talk{use, shorten(peerName(w, p)), shorten(services), w.Size(locale.Octets(p.Octets))})
		}
	}
	t.Picture = draw(w, groups)
	return t
}

// drawnName is a peer's name in the picture: those who speak to everyone nearby are known by what they say.
func drawnName(w report.Words, p *inspect.Peer) string {
	if p.Name == "" && p.Scope == "multicast" {
		return strings.Join(w.Services(p.Services), ", ")
	}
	return peerName(w, p)
}

func peerName(w report.Words, p *inspect.Peer) string {
	if p.Name == "" && p.Scope == "multicast" {
		return w.Text("report.all") + " (" + p.Addresses[0] + ")"
	}
	return w.Peer(p)
}

// picture is the drawing: a curve from the device to each peer, the thicker the more was said. Names stand at a part
// of its width, so that they keep their size on a narrow screen; heights are in CSS pixels.
type picture struct {
	Height int
	Middle int
	Alt    string
	Curves []curve
	Labels []label
}

type curve struct {
	Path  string // in a box 100 wide and Height high
	Width string
}

type label struct {
	Y     int
	Text  string
	Group bool
}

const (
	groupHeight = 30
	peerHeight  = 24
	mostLetters = 26
)

// draw draws the peers with the most octets of each group.
func draw(w report.Words, groups map[string][]*inspect.Peer) picture {
	var all []*inspect.Peer
	for _, list := range groups {
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b *inspect.Peer) int {
		if a.Octets != b.Octets {
			if a.Octets > b.Octets {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name+a.Addresses[0], b.Name+b.Addresses[0])
	})
	all = all[:min(len(all), mostDrawn)]
	var (
		p    picture
		ends []int
		said []*inspect.Peer
		alt  []string
	)
	for _, g := range purposes {
		var shown []*inspect.Peer
		for _, q := range groups[g] {
			if slices.Contains(all, q) {
				shown = append(shown, q)
			}
		}
		if len(shown) == 0 {
			continue
		}
		alt = append(alt, w.Text("report.purpose."+g)+" "+w.Number(int64(len(groups[g]))))
		p.Height += groupHeight
		p.Labels = append(p.Labels, label{p.Height - 9, w.Text("report.purpose." + g), true})
		for _, q := range shown {
			p.Height += peerHeight
			p.Labels = append(p.Labels, label{p.Height - 8, short(drawnName(w, q)), false})
			ends, said = append(ends, p.Height-12), append(said, q)
		}
	}
	p.Height += 6
	p.Middle = p.Height / 2
	for i, y := range ends {
		p.Curves = append(p.Curves, curve{
			fmt.Sprintf("M0 %d C55 %d 45 %d 100 %d", p.Middle, p.Middle, y, y),
			strconv.FormatFloat(thickness(said[i].Octets, all[0].Octets), 'f', 1, 64),
		})
	}
	p.Alt = w.Text("report.talks.alt", "groups", alt)
	return p
}

// thickness is 1.2 to 9 CSS pixels, by the logarithm of the octets: one to a million is the usual range.
func thickness(octets, most uint64) float64 {
	return 1.2 + 7.8*math.Log1p(float64(octets))/max(1, math.Log1p(float64(most)))*min(1, math.Log1p(float64(octets))/math.Log1p(1e7))
}

// short keeps the beginning of a name, which tells it from others, and the end, which says whose it is.
func short(s string) string {
	const head = 9
	r := []rune(s)
	if len(r) <= mostLetters {
		return s
	}
	return string(r[:head]) + "…" + string(r[len(r)-mostLetters+head+1:])
}
