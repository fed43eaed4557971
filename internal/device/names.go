package device

import (
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
)

// Names remembers which name led a device to an address, from the DNS answers that the device itself was given.
// Its memory is bounded: beyond it, what was said long ago and not again is forgotten.
type Names struct {
	max    int // octets
	octets int
	known  map[nameKey]*names
	order  []nameKey // a queue, from head on
	head   int

	text       map[string]string // one copy of each name
	textOctets int
}

const (
	perAddress = 3 // names kept for one address

	// about how many octets a pair of device and address takes, and a name in text, beside the name itself
	pairSize = 256
	textSize = 64
)

type nameKey struct {
	client frame.MAC
	addr   frame.Addr
}

type names struct {
	list  [perAddress]named
	again bool // said again since it was last at the head of the queue
}

// named is a name and when the device was told it: first and last, capture time in ns.
type named struct {
	name        string
	first, last int64
}

// NewNames remembers as much as limit octets hold.
func NewNames(limit int) *Names {
	return &Names{max: limit, known: map[nameKey]*names{}, text: map[string]string{}}
}

// Learn notes that at a time a client was told that name has the address.
func (n *Names) Learn(client frame.MAC, addr frame.Addr, name []byte, at int64) {
	if len(name) == 0 {
		return
	}
	k := nameKey{client, addr}
	e := n.known[k]
	if e == nil {
		n.known[k] = &names{list: [perAddress]named{{n.Intern(name), at, at}}}
		n.order = append(n.order, k)
		n.octets += pairSize + len(name)
		n.shrink()
		return
	}
	oldest := &e.list[0]
	for i := range e.list {
		x := &e.list[i]
		if x.name == string(name) {
			x.first, x.last = min(x.first, at), max(x.last, at)
			e.again = true
			return
		}
		if x.last < oldest.last {
			oldest = x
		}
	}
	n.octets += len(name) - len(oldest.name)
	*oldest = named{n.Intern(name), at, at}
	n.shrink()
}

// shrink forgets what there is no memory for.
func (n *Names) shrink() {
	for n.octets > n.max*3/4 && len(n.known) > 1 {
		n.forget()
	}
}

// forget drops the pair that has waited longest without being said again.
func (n *Names) forget() {
	k := n.order[n.head]
	if n.head++; n.head > len(n.order)/2 {
		n.order = slices.Delete(n.order, 0, n.head)
		n.head = 0
	}
	e := n.known[k]
	if e.again {
		e.again = false
		n.order = append(n.order, k)
		return
	}
	n.octets -= pairSize
	for i := range e.list {
		n.octets -= len(e.list[i].name)
	}
	delete(n.known, k)
}

// Intern is name as a string, one copy of which serves all.
func (n *Names) Intern(name []byte) string {
	s, ok := n.text[string(name)]
	if !ok {
		if n.textOctets += textSize + len(name); n.textOctets > n.max/4 {
			clear(n.text)
			n.textOctets = 0
		}
		s = string(name)
		n.text[s] = s
	}
	return s
}

// slack is how much later than a flow's first packet an answer may be that led to it: captures and clocks are not exact.
const slack = int64(50 * time.Millisecond)

// Lookup appends to list the names that led the client to the address by the time at, the one that it was told last first.
func (n *Names) Lookup(client frame.MAC, addr frame.Addr, at int64, list []string) []string {
	e := n.known[nameKey{client, addr}]
	if e == nil {
		return list
	}
	var told [perAddress]int64
	from := len(list)
	for _, x := range e.list {
		when := x.last
		if when > at+slack {
			when = x.first // it was told the name again only later
		}
		if x.name == "" || when > at+slack {
			continue
		}
		i := len(list) - from
		list = append(list, x.name)
		for ; i > 0 && told[i-1] < when; i-- {
			told[i], list[from+i] = told[i-1], list[from+i-1]
		}
		told[i], list[from+i] = when, x.name
	}
	return list
}
