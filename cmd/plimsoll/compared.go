package main

import (
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/mud"
)

// compared is what schema/mud-diff.json describes.
type compared struct {
	Schema  string           `json:"schema"`
	Old     string           `json:"old"`
	New     string           `json:"new"`
	Grows   bool             `json:"grows"` // the new file lets the device or others do something that the old one did not
	Changes []comparedChange `json:"changes"`
}

type comparedChange struct {
	Change  mud.Change      `json:"change"`
	Starts  mud.Starts      `json:"starts"`
	Peer    shownPeer       `json:"peer"`
	Service shownService    `json:"service"`
	Family  string          `json:"family"`
	Before  *comparedBefore `json:"before"`
	Text    string          `json:"text"`
}

type comparedBefore struct {
	Peer    shownPeer    `json:"peer"`
	Service shownService `json:"service"`
}

type shownPeer struct {
	Kind    mud.PeerKind `json:"kind"`
	Value   string       `json:"value"`
	Address string       `json:"address"`
	Text    string       `json:"text"`
}

type shownService struct {
	Protocol string   `json:"protocol"`
	Ports    [][2]int `json:"ports"` // from, to; empty: any
	Name     string   `json:"name"`
	Text     string   `json:"text"`
}

func newCompared(before, after string, changes []mud.Difference, words *locale.Catalogue) compared {
	r := compared{Schema: "plimsoll.mud.diff/1", Old: before, New: after, Changes: []comparedChange{}}
	for _, d := range changes {
		r.Grows = r.Grows || d.Grows()
		c := comparedChange{
			Change: d.Change, Starts: d.Starts, Peer: newShownPeer(d.Peer, words), Service: newShownService(d.Service, words),
			Family: d.Family, Text: d.Text(words),
		}
		if d.Change == mud.Widened || d.Change == mud.Narrowed {
			c.Before = &comparedBefore{newShownPeer(d.BeforePeer, words), newShownService(d.BeforeService, words)}
		}
		r.Changes = append(r.Changes, c)
	}
	return r
}

func newShownPeer(p mud.Peer, words *locale.Catalogue) shownPeer {
	r := shownPeer{Kind: p.Kind, Value: p.Value, Text: p.Text(words)}
	if p.Address.IsValid() {
		r.Address = p.Address.String()
	}
	return r
}

func newShownService(s mud.Service, words *locale.Catalogue) shownService {
	r := shownService{Protocol: s.Protocol, Ports: [][2]int{}, Name: s.Name(), Text: s.Text(words)}
	for _, p := range s.Ports {
		r.Ports = append(r.Ports, [2]int{int(p.Low), int(p.High)})
	}
	return r
}
