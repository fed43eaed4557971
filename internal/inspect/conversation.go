package inspect

import (
	"cmp"
	"slices"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
)

// Bounds on what is kept for policies to judge. A scanner's conversations are without number; its first ones tell.
const (
	maxConversations  = 16384
	maxOfDevice       = 2048
	maxQuestions      = 4096
	maxNamesOfADevice = 512 // that it asks for: one that asks for names without end hides no other
	maxHellos         = 4096
	maxOfTalk         = 8 // different hellos
)

// talks are the conversations of each device, those alike together, with its hellos, and the names that it asked for.
type talks struct {
	index     map[talkKey]int32
	list      []talk
	ofDevice  map[frame.MAC]int
	asked     map[questionKey]*question
	hellos    map[talkKey][]offer
	helloed   int               // hellos kept
	names     map[frame.MAC]int // in asked
	forgotten uint64            // flows that there was no room for
}

type talk struct {
	policy.Remembered
	key     talkKey
	going   int64 // when the flow began that was counted while it went on, and has not ended; 0: there is none
	changed bool  // since it was last asked for
}

type talkKey struct {
	device            frame.MAC
	peer, own         frame.Addr
	peerPort, ownPort uint16
	proto, icmp       uint8
	direction         policy.Direction
	unsure            bool
}

type questionKey struct {
	device frame.MAC
	name   string
}

// question is a name that a device asked DNS for.
type question struct {
	count       uint64
	first, last int64
	number      uint64
	file        uint16
}

func newTalks() *talks {
	return &talks{
		index: map[talkKey]int32{}, ofDevice: map[frame.MAC]int{}, asked: map[questionKey]*question{}, names: map[frame.MAC]int{},
		hellos: map[talkKey][]offer{},
	}
}

// flow adds a flow that ended, or goes on, to the conversations of the devices at its ends. name is what the flow itself says that
// its responder is called.
func (t *talks) flow(f *flow.Flow, name string, names *device.Names) {
	for side := range 2 {
		c, ok := policy.Seen(f, side)
		m := f.MAC[side]
		if !ok || m.IsZero() || m.IsGroup() && !device.IsSynthetic(m) {
			continue
		}
		if c.Own.Is4() && !device.IsLocal(&c.Own) && c.Own != (frame.Addr{10: 0xff, 11: 0xff}) {
			continue // of a host behind a router
		}
		k := keyOf(m, &c.Packet, c.Unsure)
		going := f.End() == flow.EndNot
		if i, ok := t.index[k]; ok {
			t.list[i].add(&c, going)
			continue
		}
		if !t.room(m) {
			t.forgotten++
			continue
		}
		c.Names = names.Lookup(m, c.Peer, f.First, nil)
		c.Told = len(c.Names) > 0
		if name != "" && side == flow.Orig && !c.Told {
			c.Names = []string{name}
		}
		c.Protocol = serviceName(f.Service)
		c.Flow = f.CommunityID()
		x := talk{Remembered: policy.Remembered{Device: m, Conversation: c}, key: k, changed: true}
		if going {
			x.going = c.First
		}
		t.put(x)
	}
}

// room reports whether there is room for another conversation of a device.
func (t *talks) room(m frame.MAC) bool {
	return len(t.list) < maxConversations && t.ofDevice[m] < maxOfDevice
}

func (t *talks) put(x talk) {
	t.index[x.key] = int32(len(t.list))
	t.ofDevice[x.Device]++
	t.list = append(t.list, x)
}

// keyOf is what the conversations of a device that are kept as one have in common.
func keyOf(m frame.MAC, q *policy.Packet, unsure bool) talkKey {
	k := talkKey{m, q.Peer, q.Own, q.PeerPort, q.OwnPort, q.Proto, q.Type, q.Direction, unsure}
	switch {
	case q.Direction == policy.ToDevice && passing(q.PeerPort, q.OwnPort):
		k.peerPort = 0
	case q.Direction == policy.FromDevice && !q.Peer.IsGroup() && passing(q.OwnPort, q.PeerPort): // a group's members answer to that port
		k.ownPort = 0
	}
	return k
}

// passing reports whether a port is one that an end took for the conversation alone, as Linux does from 32768 on and
// others from 49152.
func passing(port, other uint16) bool { return port >= 32768 && port != other }

func (t *talk) add(c *policy.Conversation, going bool) {
	t.changed = true
	t.First, t.Last = min(t.First, c.First), max(t.Last, c.Last)
	t.Answered = t.Answered || c.Answered
	switch {
	case going: // it is counted when it ends
	case t.going != 0 && t.going == c.First: // it was counted
		t.going = 0
	default:
		t.Flows += c.Flows
		t.Packets += c.Packets
		t.Octets += c.Octets
	}
}

// asks notes that a device asked for a name.
func (t *talks) asks(m frame.MAC, name []byte, at int64, number uint64, file uint16) {
	k := questionKey{m, policy.Hostname(device.Printable(name, 253))}
	q := t.asked[k]
	if q == nil {
		if len(t.asked) >= maxQuestions || t.names[m] >= maxNamesOfADevice {
			return
		}
		t.names[m]++
		q = &question{first: at, number: number, file: file}
		t.asked[k] = q
	}
	q.count++
	q.last = at
}

// of are the conversations of a device that has the given link-layer addresses, in the order of their beginning.
func (t *talks) of(macs []frame.MAC) []policy.Conversation {
	var list []policy.Conversation
	for i := range t.list {
		if slices.Contains(macs, t.list[i].Device) {
			c := t.list[i].Conversation
			c.Hellos = t.greetings(t.list[i].Device, &c.Packet)
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b policy.Conversation) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Direction, b.Direction))
	})
	return list
}
