package detect

import (
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
)

// Party is one end of what goes by, as the packets name it. MAC is who put them on the wire, or is sent them: behind the
// router's that may be the whole Internet. Without Addr it is that device, whatever address it speaks from.
type Party struct {
	MAC  frame.MAC
	Addr frame.Addr
}

// IsZero reports whether nobody is meant.
func (p Party) IsZero() bool { return p == Party{} }

// Sighting is what a detector saw. It becomes a finding about the actor, if that is a device of the network, and one
// about the target, if that is: which they are is decided when findings are read. So an Internet host that attacks
// through the router is not taken for the router, and a device that forges its sender is known by its link-layer
// address. Kinds that have one role only make findings of that role.
type Sighting struct {
	Kind       finding.Kind
	Actor      Party  // zero: nobody in particular
	Target     Party  // zero: nobody in particular, or many
	Key        string // tells two findings of one kind and device apart; the same in each run
	Severity   finding.Severity
	Suffered   finding.Severity // of the finding about the target; Info: as Severity
	Confidence float64
	Count      uint64 // 0 counts as 1
	First      int64  // capture time, ns; 0: as Time
	Time       int64  // now
	// Details are what the kind's row in package finding asks for. "peer" may be left out: it is the other party. Values
	// may be Counted or Lasting.
	Details  []finding.Detail
	Evidence finding.Evidence
	// Holds, if set, is asked when findings are read, for what can be known only then. It must not keep what it was
	// given, and is called more than once.
	Holds func(v *View) bool
	// Weigh, if set, is asked then how severe it is about a device, in place of Severity and Suffered: for what depends
	// on the sort of device, and on where the other end is.
	Weigh func(v *View, d *device.Device) finding.Severity
}

// late is the value of a detail that is known when findings are read.
type late uint8

// Values of details that change with each packet.
const (
	Counted late = iota // the record's count
	Lasting             // how long it lasted
)

// Bounds on what is kept.
const (
	maxRecords  = 256 // of one kind: who forges link-layer addresses has any number of devices
	maxEvidence = 6   // of one finding
	maxPackets  = 8   // of one piece of evidence
	maxFindings = 20  // of one kind about one device, so that people read them; the last counts the rest
)

// Record is a sighting that is kept, and grows with what is seen later.
type Record struct {
	Sighting
	Last     int64
	Detected int64
	evidence []finding.Evidence
}

// Add counts n more of the same, seen at a time. Evidence is kept while there is room for it.
func (r *Record) Add(n uint64, at int64) {
	r.Count += n
	r.Last = max(r.Last, at)
}

// Prove adds evidence, while there is room for it. It reports whether there is still more, so that who calls it need not
// make what nobody keeps.
func (r *Record) Prove(e finding.Evidence) (more bool) {
	if len(r.evidence) < maxEvidence {
		e.Packets = e.Packets[:min(len(e.Packets), maxPackets)]
		r.evidence = append(r.evidence, e)
	}
	return len(r.evidence) < maxEvidence
}

// Set gives a detail another value.
func (r *Record) Set(key string, value any) {
	for i := range r.Details {
		if r.Details[i].Key == key {
			r.Details[i].Value = value
			return
		}
	}
	r.Details = append(r.Details, finding.Detail{Key: key, Value: value})
}

type recordKey struct {
	kind          finding.Kind
	actor, target Party
	key           string
}

// records are all that was seen.
type records struct {
	index  map[recordKey]*Record
	list   []*Record
	ofKind map[finding.Kind]int
	lost   uint64
	sink   Record // stands for all that there is no room for
}

// Raise keeps a sighting, or adds it to the one of the same kind, parties and key, and returns what is kept. Where there
// is no room for it, that is kept nowhere; nobody misses those about whom no one knows to be here.
func (w *Watch) Raise(s Sighting) *Record {
	k := recordKey{s.Kind, s.Actor, s.Target, s.Key}
	s.Count = max(s.Count, 1)
	if r := w.records.index[k]; r != nil {
		r.Add(s.Count, s.Time)
		r.Severity, r.Suffered = max(r.Severity, s.Severity), max(r.Suffered, s.Suffered)
		r.Confidence = max(r.Confidence, s.Confidence)
		r.Prove(s.Evidence)
		return r
	}
	if w.records.ofKind[s.Kind] >= maxRecords {
		if !(&View{watch: w}).here(s.Kind, s.Actor, s.Target) {
			return &w.records.sink
		}
		if !w.purge(s.Kind) {
			w.records.lost++
			return &w.records.sink
		}
	}
	if s.First == 0 {
		s.First = s.Time
	}
	r := &Record{Sighting: s, Last: s.Time, Detected: s.Time}
	r.Prove(s.Evidence)
	w.records.ofKind[s.Kind]++
	w.records.index[k] = r
	w.records.list = append(w.records.list, r)
	if w.cfg.OnFinding != nil {
		w.tell(r)
	}
	return r
}

// purge makes room for records of a kind: those go that are about nobody who is known to be here. It looks once for so
// many that had no room.
func (w *Watch) purge(kind finding.Kind) bool {
	if !w.records.purges() {
		return false
	}
	v := &View{watch: w}
	kept := w.records.list[:0]
	for _, r := range w.records.list {
		if r.Kind != kind || v.here(kind, r.Actor, r.Target) {
			kept = append(kept, r)
			continue
		}
		delete(w.records.index, recordKey{r.Kind, r.Actor, r.Target, r.Key})
		w.records.ofKind[kind]--
	}
	clear(w.records.list[len(kept):])
	w.records.list = kept
	return w.records.ofKind[kind] < maxRecords
}

// purges reports whether it is time to look for records that may go.
func (r *records) purges() bool { return r.lost%(maxRecords/4) == 0 }

// Again adds to a sighting that is kept already, if that has all the evidence it has room for, or notes that there is no
// room for one more of the kind. It reports whether it did: then who asks need not make the sighting anew.
func (w *Watch) Again(kind finding.Kind, actor, target Party, key string, severity finding.Severity, at int64) bool {
	r := w.records.index[recordKey{kind, actor, target, key}]
	full := r == nil && w.records.ofKind[kind] >= maxRecords
	switch {
	case full && !(&View{watch: w}).here(kind, actor, target):
		return true
	case full && !w.records.purges():
		w.records.lost++
		return true
	case r == nil || len(r.evidence) < maxEvidence:
		return false
	}
	r.Add(1, at)
	r.Severity = max(r.Severity, severity)
	return true
}

// Lost is how many sightings there was no room for.
func (w *Watch) Lost() uint64 { return w.records.lost }
