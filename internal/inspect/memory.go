package inspect

import (
	"cmp"
	"slices"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
)

// What an inspection that has no end remembers outlives it: Recall, Changed and Forget are called before Run, from
// Config.OnBlock, or after Run, if Config.Remember was set.

// Recall takes in conversations that an earlier inspection remembered.
func (e *Engine) Recall(list []policy.Remembered) {
	for _, r := range list {
		k := keyOf(r.Device, &r.Packet, r.Unsure)
		if _, ok := e.talks.index[k]; !ok && e.talks.room(r.Device) {
			e.talks.put(talk{Remembered: r, key: k})
		}
	}
}

// Changed are the conversations that are new, or went on, since it was last asked. Hellos are not among what is told.
func (e *Engine) Changed() (list []policy.Remembered) {
	for i := range e.talks.list {
		if x := &e.talks.list[i]; x.changed {
			x.changed = false
			list = append(list, x.Remembered)
		}
	}
	return list
}

// Conversations are those of whoever has the link-layer addresses, in the order of their beginning.
func (e *Engine) Conversations(macs []frame.MAC) []policy.Conversation { return e.talks.of(macs) }

// Forget forgets conversations of which nothing was heard since a time, ns. Where there is little room left, it makes
// some, and those that went on last stay.
func (e *Engine) Forget(before int64) {
	t := e.talks
	full := len(t.list) > maxConversations/8*7
	slices.SortStableFunc(t.list, func(a, b talk) int { return cmp.Compare(b.Last, a.Last) })
	kept := t.list[:0]
	of := map[frame.MAC]int{}
	for _, x := range t.list {
		crowded := t.ofDevice[x.Device] > maxOfDevice/8*7 && of[x.Device] >= maxOfDevice/4*3 || full && len(kept) >= maxConversations/4*3
		if x.Last < before || crowded {
			t.ungreet(x.key)
			continue
		}
		of[x.Device]++
		kept = append(kept, x)
	}
	clear(t.list[len(kept):])
	t.list, t.ofDevice = kept, of
	clear(t.index)
	for i := range t.list {
		t.index[t.list[i].key] = int32(i)
	}
	for k, q := range t.asked {
		if q.last < before {
			delete(t.asked, k)
			t.names[k.device]--
		}
	}
}

// ungreet forgets the hellos of a conversation.
func (t *talks) ungreet(k talkKey) {
	if k.direction != policy.FromDevice {
		return
	}
	g := greeting(k.device, &policy.Packet{Peer: k.peer, Own: k.own, PeerPort: k.peerPort, OwnPort: k.ownPort, Proto: k.proto})
	t.helloed -= len(t.hellos[g])
	delete(t.hellos, g)
}
