package household

import (
	"net/netip"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/report"
)

// peers adds traffic up by whom it was with, the most first. A device at home has its name.
func (p *Pages) peers(traffic []home.Traffic) (list []inspect.Peer) {
	names := map[string]string{}
	for _, d := range p.Household.Devices() {
		for _, a := range d.Addresses {
			names[a.String()] = d.Title()
		}
	}
	at := map[[2]string]int{}
	for i := range traffic {
		t, scope := &traffic[i], traffic[i].Scope
		if names[t.Peer] != "" { // IPv6 of the home is counted as the Internet
			scope = "lan"
		}
		k := [2]string{t.Peer, scope}
		n, ok := at[k]
		if !ok {
			n = len(list)
			at[k] = n
			q := inspect.Peer{Name: t.Peer, Scope: scope}
			if _, err := netip.ParseAddr(t.Peer); err == nil {
				q.Name, q.Addresses = "", []string{t.Peer}
				if scope != "internet" {
					q.Name = names[t.Peer]
				}
			}
			list = append(list, q)
		}
		q := &list[n]
		q.Octets += t.Out + t.In
		if t.Service != "" && !slices.Contains(q.Services, t.Service) && len(q.Services) < mostServices {
			q.Services = append(q.Services, t.Service)
		}
	}
	for i := range list {
		if q := &list[i]; q.Name == "" && len(q.Addresses) == 0 {
			q.Addresses = []string{"–"} // what there was too much of to tell apart
		}
	}
	slices.SortStableFunc(list, func(a, b inspect.Peer) int {
		switch {
		case a.Octets > b.Octets:
			return -1
		case a.Octets < b.Octets:
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list
}

const mostServices = 12

// does says in plain words what a device did lately.
func (p *Pages) does(w report.Words, d *home.Device, peers []inspect.Peer, said home.Amount) (list []string) {
	if len(peers) == 0 {
		return []string{w.Text("household.talks.none")}
	}
	counts := map[string]int{}
	var purposes []string
	id := d.Is()
	for i := range peers {
		counts[peers[i].Scope]++
	}
	for _, g := range report.Purposes {
		for i := range peers {
			if report.Purpose(&id, &peers[i]) == g {
				purposes = append(purposes, strings.ToLower(w.Text("report.purpose."+g)))
				break
			}
		}
	}
	if n := counts["internet"]; n > 0 {
		list = append(list, w.Text("household.does.internet", "n", n))
	} else {
		list = append(list, w.Text("household.does.stays"))
	}
	if where := reached(peers); len(where) > 0 {
		list = append(list, w.Text("household.does.countries", "list", report.Countries(w.Catalogue, where)))
	}
	if n := counts["lan"] + counts["gateway"]; n > 0 {
		list = append(list, w.Text("household.does.home", "n", n))
	}
	list = append(list, w.Text("household.does.purposes", "list", purposes))
	if most := &peers[0]; most.Octets > 0 {
		list = append(list, w.Text("household.does.most", "who", report.Cut(w.Peer(most), longest), "size", locale.Octets(most.Octets)))
	}
	list = append(list, w.Text("household.does.much", "out", locale.Octets(said.Out), "in", locale.Octets(said.In)))
	return list
}

// reached are the countries of the peers, the one that most was said to first.
func reached(peers []inspect.Peer) (codes []string) {
	for i := range peers {
		for _, c := range peers[i].Countries {
			if !slices.Contains(codes, c) {
				codes = append(codes, c)
			}
		}
	}
	return codes[:min(len(codes), mostListed)]
}
