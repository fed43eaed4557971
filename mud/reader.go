package mud

import (
	"strconv"
	"strings"
)

// place is a node, and where it is.
type place struct {
	*node
	path  string // JSON Pointer in the file as it came
	canon string // JSON Pointer in the entry as the RFC writes it; "" outside of what an entry matches
}

// at is a step down: name is the step in the file, canon that in the RFC's form.
func (p place) at(n *node, name, canon string) place {
	q := place{node: n, path: p.path + "/" + escape(name)}
	if p.canon != "" {
		q.canon = p.canon + "/" + escape(canon)
	}
	return q
}

// reader turns nodes into a File. It goes on after a problem, so that all are told at once.
type reader struct {
	strict   bool
	draft    bool // something was read that strictly would be an error
	problems []Problem
	told     int // problems, with those that were too many to keep
	entries  int
	ace      *ACE   // the entry that is read, or nil
	ports    []port // of the entry, in the drafts' place for them
}

// tell notes a problem.
func (r *reader) tell(name, path string, args ...any) { r.note(codes[name], name, path, args) }

func (r *reader) note(k code, name, path string, args []any) {
	level := k.level
	if k.strict != "" && k.strict != k.level {
		r.draft = true
		if r.strict {
			level = k.strict
		}
	}
	if r.told++; len(r.problems) < MaxProblems || level == Error && r.errors() == 0 {
		r.problems = append(r.problems, Problem{Level: level, Code: name, Path: path, RFC: k.rfc, Args: args})
	}
}

func (r *reader) errors() (n int) {
	for _, p := range r.problems {
		if p.Level == Error {
			n++
		}
	}
	return n
}

// bad notes a value that is none. In what an entry demands it kills the entry, and in the drafts' form that is all: the
// other entries hold. Elsewhere it spoils the file.
func (r *reader) bad(p place, name string, args ...any) {
	k := codes[name]
	if p.canon != "" && k.level == Error {
		k.level, k.strict = Warning, Error
	}
	r.note(k, name, p.path, args)
	r.kill(p)
}

// kill keeps in the entry what is not understood.
func (r *reader) kill(p place) {
	if p.canon != "" {
		r.ace.Unknown = append(r.ace.Unknown, Member{p.canon, p.json()})
	}
}

// fields are what an object may hold: names as RFC 7951 has them in that place, and what reads each.
type fields map[string]func(place)

// object reads the members of p, whose module is that. Other spellings are names of the drafts, with what they became.
// What has no place there goes to unknown.
func (r *reader) object(p place, module string, known fields, others map[string]string, unknown func(place)) {
	if p.kind != object {
		r.wrong(p, object)
		return
	}
	seen := map[string]bool{}
	for i, name := range p.names {
		m := p.members[i]
		canon, how := spelling(name, module, known, others)
		q := p.at(m, name, canon)
		if how == unspelt {
			unknown(q)
			continue
		}
		if seen[canon] {
			r.tell("json.duplicate", q.path, "name", canon) // in an entry, too, it spoils the file: which one is meant?
			continue
		}
		seen[canon] = true
		switch how {
		case qualified:
			r.tell("yang.qualified", q.path, "name", name, "right", canon)
		case bare:
			r.tell("draft.prefix", q.path, "name", name, "right", canon)
		case old:
			r.tell("draft.name", q.path, "name", name, "right", canon)
		}
		known[canon](q)
	}
}

// The ways in which a member's name can be written.
const (
	unspelt   = iota // it is none of those known
	exact            // as RFC 7951 wants it
	qualified        // with a module's name that is not needed there
	bare             // without the module's name that is needed there
	old              // as a draft had it
)

// spelling finds which of the known names is meant.
func spelling(name, module string, known fields, others map[string]string) (canon string, how int) {
	if _, ok := known[name]; ok {
		return name, exact
	}
	if canon, ok := others[name]; ok {
		return canon, old
	}
	if own, ok := strings.CutPrefix(name, module+":"); ok && known[own] != nil {
		return own, qualified
	}
	if !strings.Contains(name, ":") {
		for canon := range known {
			if strings.HasSuffix(canon, ":"+name) {
				return canon, bare
			}
		}
	}
	return name, unspelt
}

// list reads the members of an array.
func (r *reader) list(p place, read func(place)) {
	if p.kind != array {
		r.wrong(p, array)
		return
	}
	if len(p.members) > MaxEntries {
		r.bad(p, "file.entries", "limit", int64(MaxEntries))
		return
	}
	for i, m := range p.members {
		step := strconv.Itoa(i)
		read(p.at(m, step, step))
	}
}

// wrong tells that a value is of another kind than the model has there.
func (r *reader) wrong(p place, want kind) {
	r.bad(p, "yang.type", "want", kinds[want], "found", kinds[p.kind])
}

// ignored is what to do with nodes that are not known, outside of what an entry matches (RFC 8520 §3.9).
func (r *reader) ignored(p place) { r.tell("yang.unknown", p.path, "name", last(p.path)) }

// unmatched is what to do with them inside of it.
func (r *reader) unmatched(p place) { r.bad(p, "ace.unknown", "name", last(p.path)) }

// last is the last step of a JSON Pointer.
func last(pointer string) string {
	return unescape(pointer[strings.LastIndexByte(pointer, '/')+1:])
}
