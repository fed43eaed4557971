package indicator

import (
	"net/netip"
	"strings"
)

// What a plain list is worth. Lists in the form of a hosts file are mostly of advertising, which is no attack.
const (
	plainConfidence = 0.6
	hostsConfidence = 0.3
)

// lines reads a list line by line: a table of abuse.ch's once a header is found, else a plain list.
func (l *loader) lines() error {
	l.feed.Format = "plain"
	var t *table
	for first := true; ; {
		text, ok, err := l.nextLine()
		if err != nil {
			return err
		}
		if !ok {
			return l.done()
		}
		switch comment := strings.HasPrefix(text, "#"); {
		case text == "" || strings.HasPrefix(text, ";") || strings.HasPrefix(text, "//"):
		case comment || first:
			if h := header(text); h != nil && (t == nil || comment) {
				t = h
				l.feed.Format = "csv"
				first = first && comment
				break
			}
			if comment {
				break
			}
			fallthrough
		default:
			first = false
			if t != nil {
				l.row(t, text)
			} else {
				l.plain(text)
			}
		}
	}
}

// plain takes a line: a name, an address, a network, a URL, or a line of a hosts file; a comment may follow.
func (l *loader) plain(text string) {
	if i := strings.IndexAny(text, "#;"); i > 0 && (text[i-1] == ' ' || text[i-1] == '\t') {
		text = text[:i]
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return
	}
	sink := false
	if len(words) > 1 {
		a, err := netip.ParseAddr(words[0])
		sink = err == nil && (a.IsUnspecified() || a.IsLoopback() || a == broadcast)
	}
	r := l.record(plainConfidence, "")
	if sink {
		r = l.record(hostsConfidence, "")
		for _, w := range words[1:] {
			if w != "localhost" && !strings.HasPrefix(w, "ip6-") && w != "broadcasthost" && w != words[0] {
				l.took(l.set.addDomain(w, r), text)
			}
		}
		return
	}
	w := strings.Trim(words[0], ",\"")
	if strings.Contains(w, "://") {
		l.took(l.set.addURL(w, r), text)
		return
	}
	l.took(l.set.addHost(w, r), text)
}

var broadcast = netip.MustParseAddr("255.255.255.255")
