package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
)

// Bounds on what pages show of a device's peers.
const (
	mostDrawn = 10
	mostPeers = 24
	longest   = 120 // characters of a value from the wire
)

// Talks is whom a device talks with: a picture, and the same in a table.
type Talks struct {
	Groups  []Group
	Known   bool // of some peers, countries are
	More    string
	Picture Picture
}

// Group is the rows of the table with one purpose.
type Group struct {
	Purpose string
	Rows    []Talk
}

// Talk is one row of the table. About is the services, and where the peer’s addresses are registered.
type Talk struct{ Name, About, Size string }

// Purposes are the groups of peers, in the order in which they are shown.
var Purposes = [...]string{"maker", "update", "tracker", "clock", "names", "internet", "home", "router", "nearby"}

// Purpose says what a peer is for, as far as its name and the protocol tell; id is that of the device.
func Purpose(id *device.Identity, p *inspect.Peer) string {
	switch p.Scope {
	case "lan":
		return "home"
	case "gateway":
		return "router"
	case "multicast":
		return "nearby"
	}
	only := func(protocol string) bool {
		return len(p.Services) > 0 && !slices.ContainsFunc(p.Services, func(s string) bool { return protocolOf(s) != protocol })
	}
	name := strings.Trim(strings.ToLower(p.Name), ".")
	switch {
	case isTracker(name):
		return "tracker"
	case only("ntp"):
		return "clock"
	case only("dns"):
		return "names"
	case slices.ContainsFunc(words(name), func(s string) bool {
		return slices.Contains([]string{"update", "updates", "upgrade", "firmware", "fw", "ota", "fota", "swupdate"}, s)
	}):
		return "update"
	case ofMaker(id, name):
		return "maker"
	}
	return "internet"
}

// protocolOf is the protocol of a service: the one that was recognised, else the one that its port stands for.
func protocolOf(service string) string {
	where, protocol, known := strings.Cut(service, " ")
	if known {
		return protocol
	}
	switch where {
	case "udp/123":
		return "ntp"
	case "udp/53", "tcp/53":
		return "dns"
	}
	return ""
}

// ofMaker reports whether a name is that of the maker's own servers: it holds the maker's name, or was a reason to
// know the maker.
func ofMaker(id *device.Identity, name string) bool {
	maker := letters(id.Maker)
	if name == "" || maker == "" {
		return false
	}
	if len(maker) > 3 && strings.Contains(letters(name), maker) || slices.Contains(words(name), maker) {
		return true
	}
	for i := range id.Because {
		b := &id.Because[i]
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

// NewTalks shows the peers of a device that has an identity; others is the conversations that peers has no room for.
func NewTalks(w Words, id *device.Identity, peers []inspect.Peer, others *inspect.Others) Talks {
	var t Talks
	groups := make(map[string][]*inspect.Peer)
	n := 0
	for i := range peers {
		p := &peers[i]
		if p.Scope == "multicast" && len(w.Services(p.Services)) == 0 {
			continue // how every device finds its way
		}
		if n == mostPeers {
			t.More = w.Text("report.talks.more")
			break
		}
		n++
		g := Purpose(id, p)
		groups[g] = append(groups[g], p)
		t.Known = t.Known || len(p.Countries) > 0
	}
	if others != nil {
		t.More = w.Text("inspect.others", "n", others.Flows)
	}
	for _, purpose := range Purposes {
		if len(groups[purpose]) == 0 {
			continue
		}
		g := Group{Purpose: w.Text("report.purpose." + purpose)}
		for _, p := range groups[purpose] {
			services := strings.Join(slices.DeleteFunc(w.Services(p.Services), func(s string) bool { return strings.EqualFold(s, g.Purpose) }), ", ")
			about := []string{Cut(services, longest)}
			if t.Known {
				about = append(about, registered(w, p))
			}
			about = slices.DeleteFunc(about, func(s string) bool { return s == "" })
			g.Rows = append(g.Rows, Talk{Cut(peerName(w, p), longest), strings.Join(about, " · "), w.Size(locale.Octets(p.Octets))})
		}
		t.Groups = append(t.Groups, g)
	}
	t.Picture = draw(w, groups)
	return t
}

// drawnName is a peer's name in the picture: those who speak to everyone nearby are known by what they say.
func drawnName(w Words, p *inspect.Peer) string {
	if p.Name == "" && p.Scope == "multicast" {
		return strings.Join(w.Services(p.Services), ", ")
	}
	return peerName(w, p)
}

func peerName(w Words, p *inspect.Peer) string {
	if p.Name == "" && p.Scope == "multicast" && len(p.Addresses) > 0 {
		return w.Text("report.all") + " (" + p.Addresses[0] + ")"
	}
	return w.Peer(p)
}

// Picture is the drawing: a curve from the device to each peer, the thicker the more was said. Names stand at a part
// of its width, so that they keep their size on a narrow screen; heights are in CSS pixels.
type Picture struct {
	Height int
	Middle int
	Alt    string
	Curves []Curve
	Labels []Label
}

// Curve leads to one peer.
type Curve struct {
	Path  string // in a box 100 wide and Height high
	Width string
}

// Label is a name in the drawing.
type Label struct {
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
func draw(w Words, groups map[string][]*inspect.Peer) Picture {
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
		return cmp.Or(strings.Compare(a.Name, b.Name), slices.Compare(a.Addresses, b.Addresses))
	})
	all = all[:min(len(all), mostDrawn)]
	var (
		p    Picture
		ends []int
		said []*inspect.Peer
		alt  []string
	)
	for _, g := range Purposes {
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
		p.Labels = append(p.Labels, Label{p.Height - 9, w.Text("report.purpose." + g), true})
		for _, q := range shown {
			p.Height += peerHeight
			p.Labels = append(p.Labels, Label{p.Height - 8, short(drawnName(w, q)), false})
			ends, said = append(ends, p.Height-12), append(said, q)
		}
	}
	p.Height += 6
	p.Middle = p.Height / 2
	for i, y := range ends {
		p.Curves = append(p.Curves, Curve{
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
