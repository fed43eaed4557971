package device

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/frame"
)

// said is what was observed of one device, as long as packets come: in little memory, and without a pointer for each,
// since the collector would follow them all again and again. Finish makes Observations of it.
type said struct {
	list  []saying
	text  []byte   // of all: the value, and for each detail the lengths of key and value, and both
	index []uint16 // open addressing, linear probing, by hash; places in list, +1; a power of two, half of it empty at least
}

// saying is one Observation.
type saying struct {
	hash        uint64 // of fact and value
	packet, seq uint64
	count       uint64
	source      frame.Addr
	from        uint32 // where in text it begins
	value       uint16 // octets of the value
	file        uint16
	fact        uint8 // in facts
	details     uint8
}

// find is what has a hash, or nil.
func (s *said) find(hash uint64) *saying {
	if len(s.index) == 0 {
		return nil
	}
	mask := uint64(len(s.index) - 1)
	for at := hash & mask; s.index[at] != 0; at = (at + 1) & mask {
		if x := &s.list[s.index[at]-1]; x.hash == hash {
			return x
		}
	}
	return nil
}

// add appends what fact i says, and returns how many octets its value and its details take.
func (s *said) add(x saying, facts *dissect.Facts, i int) (value, details int) {
	from := len(s.text)
	s.text = appendPrintable(s.text, facts.Value(i), maxText)
	value = len(s.text) - from
	facts.Fields(i, func(key string, v []byte) {
		if x.details == maxDetails {
			return
		}
		x.details++
		at := len(s.text)
		s.text = append(s.text, 0, 0, 0, 0)
		s.text = append(s.text, key...)
		begin := len(s.text)
		s.text = appendPrintable(s.text, v, maxText)
		binary.LittleEndian.PutUint16(s.text[at:], uint16(len(key)))
		binary.LittleEndian.PutUint16(s.text[at+2:], uint16(len(s.text)-begin))
		details += detailSize + len(s.text) - begin
	})
	x.from, x.value = uint32(from), uint16(value)
	s.list = append(s.list, x)
	if 2*len(s.list) > len(s.index) {
		s.index = make([]uint16, max(8, 2*len(s.index)))
		for i := range s.list {
			s.enter(i)
		}
	} else {
		s.enter(len(s.list) - 1)
	}
	return value, details
}

func (s *said) enter(i int) {
	mask := uint64(len(s.index) - 1)
	at := s.list[i].hash & mask
	for s.index[at] != 0 {
		at = (at + 1) & mask
	}
	s.index[at] = uint16(i + 1)
}

// observations are those of all facts, in the order in which they came.
func (s *said) observations(facts *facts) []Observation {
	n := 0
	for i := range s.list {
		n += int(s.list[i].details)
	}
	list, details, text := make([]Observation, len(s.list)), make([]Detail, 0, n), string(s.text)
	for i := range s.list {
		list[i], details = s.list[i].observation(text[s.list[i].from:], facts, details)
	}
	return list
}

// of are those of one fact.
func (s *said) of(fact string, facts *facts) (list []Observation) {
	for i := range s.list {
		if x := &s.list[i]; facts.names[x.fact] == fact {
			to := len(s.text)
			if i+1 < len(s.list) {
				to = int(s.list[i+1].from)
			}
			o, _ := x.observation(string(s.text[x.from:to]), facts, nil)
			list = append(list, o)
		}
	}
	return list
}

// observation is one, whose text comes first in a text. Its details are appended to some.
func (x *saying) observation(text string, facts *facts, details []Detail) (Observation, []Detail) {
	o := Observation{
		Fact: facts.names[x.fact], Value: text[:x.value], Packet: x.packet, File: x.file, Seq: x.seq, Count: int(x.count), source: x.source,
	}
	text = text[x.value:]
	from := len(details)
	for range x.details {
		key := int(text[0]) | int(text[1])<<8
		value := int(text[2]) | int(text[3])<<8
		text = text[4:]
		details = append(details, Detail{text[:key], text[key : key+value]})
		text = text[key+value:]
	}
	if len(details) > from {
		o.Detail = details[from:len(details):len(details)]
	}
	return o, details
}

// facts numbers the names of facts.
type facts struct {
	ids   map[string]uint8
	names []string
}

// id is the number of a name. It reports false where there are too many.
func (f *facts) id(name string) (uint8, bool) {
	id, ok := f.ids[name]
	if !ok && len(f.names) < 255 {
		id, ok = uint8(len(f.names)), true
		f.ids[name] = id
		f.names = append(f.names, name)
	}
	return id, ok
}
