package dissect

import (
	"net/netip"
	"strconv"

	"plimsoll.example/plimsoll/internal/frame"
)

// Bounds on one fact; what is longer is cut.
const (
	MaxValue   = 1024     // octets of a value
	MaxFields  = 16       // fields of one fact
	MaxMessage = 48 << 10 // octets of memory for all facts of one message; see Allow
)

// What a fact and a field take besides their octets.
const (
	factSize  = 96
	fieldSize = 24
)

// Fact is something that a protocol said, with the packet that said it.
type Fact struct {
	Name    string     // one of the names in docs/facts.md, such as "dhcp.hostname"
	Subject frame.MAC  // the device that the fact is about
	Own     bool       // the device itself said it
	Again   bool       // in a message that it said the same way before
	Source  frame.Addr // from which address; zero where there is none
	Time    int64      // capture time, nanoseconds since the Unix epoch
	Seq     uint64     // place of the packet in the history
	value   span
	fields  span // in Facts.fields
}

type span struct{ from, to uint32 }

type field struct {
	key   string
	value span
}

// Facts is an append-only list of facts. Values live in one slab, so that adding allocates nothing
// once the slab has grown. The zero value is ready.
type Facts struct {
	sender  frame.MAC
	source  frame.Addr
	subject frame.MAC
	again   bool
	time    int64
	seq     uint64
	spent   int // octets of memory by the message under way
	saved   int // octets of MaxMessage that Allow keeps from it
	list    []Fact
	fields  []field
	text    []byte
	Lost    uint64 // facts and fields that a message had no room for
}

// Begin says who sent the message that the facts added from here on come from: they are about the sender unless About
// says otherwise.
func (f *Facts) Begin(sender frame.MAC, time int64, seq uint64) {
	f.sender, f.source, f.subject, f.time, f.seq = sender, frame.Addr{}, sender, time, seq
	f.spent, f.saved, f.again = 0, 0, false
}

// Repeat says that the message under way is one that came before.
func (f *Facts) Repeat(again bool) { f.again = again }

// Allow bounds the memory for the facts of the message under way, of n octets, to some times its size: a short message
// that makes many facts is an attack on whoever keeps them.
func (f *Facts) Allow(n int) { f.saved = max(0, MaxMessage-(2<<10)-8*n) }

// From says which address the message came from, after Begin.
func (f *Facts) From(source frame.Addr) { f.source = source }

// About says whom the facts that follow are about; until then it is the sender of the message.
func (f *Facts) About(subject frame.MAC) { f.subject = subject }

// Add appends a fact. The value is copied, and cut at MaxValue octets.
func (f *Facts) Add(name string, value []byte) {
	f.text = append(f.text, value[:min(len(value), MaxValue)]...)
	f.put(name, min(len(value), MaxValue))
}

// AddString is Add for text.
func (f *Facts) AddString(name, value string) {
	f.text = append(f.text, value[:min(len(value), MaxValue)]...)
	f.put(name, min(len(value), MaxValue))
}

// AddAddr is Add for an address.
func (f *Facts) AddAddr(name string, a netip.Addr) {
	n := len(f.text)
	f.text = a.AppendTo(f.text)
	f.put(name, len(f.text)-n)
}

// AddUint is Add for a number.
func (f *Facts) AddUint(name string, v uint64) {
	n := len(f.text)
	f.text = strconv.AppendUint(f.text, v, 10)
	f.put(name, len(f.text)-n)
}

func (f *Facts) put(name string, n int) {
	if f.spent += n + factSize; f.spent > MaxMessage-f.saved {
		f.text = f.text[:len(f.text)-n]
		f.Lost++
		return
	}
	at := uint32(len(f.text))
	fields := uint32(len(f.fields))
	f.list = append(f.list, Fact{})
	x := &f.list[len(f.list)-1] // field by field: as one literal it would be made elsewhere and copied
	x.Name, x.Subject, x.Own, x.Again = name, f.subject, f.subject == f.sender, f.again
	x.Source, x.Time, x.Seq = f.source, f.time, f.seq
	x.value, x.fields = span{at - uint32(n), at}, span{fields, fields}
}

// Field adds detail to the fact that was added last; without one, or beyond MaxFields, it does nothing.
func (f *Facts) Field(key string, value []byte) {
	if f.full() {
		return
	}
	f.text = append(f.text, value[:min(len(value), MaxValue)]...)
	f.putField(key, min(len(value), MaxValue))
}

// FieldString is Field for text.
func (f *Facts) FieldString(key, value string) {
	if f.full() {
		return
	}
	f.text = append(f.text, value[:min(len(value), MaxValue)]...)
	f.putField(key, min(len(value), MaxValue))
}

// FieldAddr is Field for an address.
func (f *Facts) FieldAddr(key string, a netip.Addr) {
	if f.full() {
		return
	}
	n := len(f.text)
	f.text = a.AppendTo(f.text)
	f.putField(key, len(f.text)-n)
}

// FieldUint is Field for a number.
func (f *Facts) FieldUint(key string, v uint64) {
	if f.full() {
		return
	}
	n := len(f.text)
	f.text = strconv.AppendUint(f.text, v, 10)
	f.putField(key, len(f.text)-n)
}

func (f *Facts) full() bool {
	if f.spent > MaxMessage-f.saved || len(f.list) == 0 {
		return true // also, the fact that the field belongs to may be lost
	}
	last := f.list[len(f.list)-1].fields
	return last.to-last.from >= MaxFields
}

func (f *Facts) putField(key string, n int) {
	if f.spent += n + fieldSize; f.spent > MaxMessage-f.saved {
		f.text = f.text[:len(f.text)-n]
		f.Lost++
		return
	}
	at := uint32(len(f.text))
	f.fields = append(f.fields, field{key, span{at - uint32(n), at}})
	f.list[len(f.list)-1].fields.to++
}

// Len is the number of facts.
func (f *Facts) Len() int { return len(f.list) }

// At is fact i, counting from 0. The pointer is valid until the next Add or Reset.
func (f *Facts) At(i int) *Fact { return &f.list[i] }

// Value is the value of fact i: octets from the wire, to be shown to nobody unescaped. It is valid until Reset.
func (f *Facts) Value(i int) []byte {
	v := f.list[i].value
	return f.text[v.from:v.to:v.to]
}

// Fields calls yield for each field of fact i, in the order added.
func (f *Facts) Fields(i int, yield func(key string, value []byte)) {
	s := f.list[i].fields
	for _, x := range f.fields[s.from:s.to] {
		yield(x.key, f.text[x.value.from:x.value.to:x.value.to])
	}
}

// Lookup is the value of the field key of fact i, or nil.
func (f *Facts) Lookup(i int, key string) []byte {
	s := f.list[i].fields
	for _, x := range f.fields[s.from:s.to] {
		if x.key == key {
			return f.text[x.value.from:x.value.to:x.value.to]
		}
	}
	return nil
}

// Truncate forgets the facts from i on.
func (f *Facts) Truncate(i int) {
	if i < len(f.list) {
		f.text = f.text[:f.list[i].value.from]
		f.fields = f.fields[:f.list[i].fields.from]
		f.list = f.list[:i]
	}
}

// Reset forgets all facts and keeps the memory.
func (f *Facts) Reset() {
	f.spent, f.saved = 0, 0
	f.list, f.fields, f.text = f.list[:0], f.fields[:0], f.text[:0]
}
