package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"plimsoll.example/plimsoll/internal/home"
)

// troubles are what does not work, by what it is. Any number of goroutines may use them.
type troubles struct {
	mu   sync.Mutex
	list map[string]trouble
}

type trouble struct {
	home.Fault
	told time.Time
}

// tellAgain is how often another cause of the same is news: some have a number in them that changes each time.
const tellAgain = time.Minute

// troubleKinds are the kinds of what does not work, by how it begins; the catalogue has home.fault.KIND for each.
var troubleKinds = [][2]string{
	{"keep ports apart", "lateral"},
	{"keep ", "keep"},
	{"prune ", "keep"},
	{"end rehearsals", "keep"},
	{"enforce", "enforce"},
	{"resolve names", "resolve"},
	{"ask for names", "upstream"},
	{"MUD file of ", "file"},
	{"watch the network", "watch"},
	{"answer the verbs", "control"},
	{"show ", "pages"},
	{"registry ", "registry"},
	{"record of label ", "registry"},
	{"confine the gateway", "confine"},
	{"send notices", "notice"},
	{"clock", "clock"},
	{"read packets", "defect"},
	{"take in what was seen", "defect"},
}

func troubleKind(what string) string {
	for _, k := range troubleKinds {
		if strings.HasPrefix(what, k[0]) {
			return k[1]
		}
	}
	return "other"
}

// note takes in how something is; it reports whether that is news.
func (t *troubles) note(what string, err error, now time.Time) (news bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	was, broken := t.list[what]
	if err == nil {
		delete(t.list, what)
		return broken
	}
	if t.list == nil {
		t.list = map[string]trouble{}
	}
	f := trouble{home.Fault{Kind: troubleKind(what), What: what, Cause: err.Error(), Since: now}, now}
	news = !broken || was.Cause != f.Cause && now.Sub(was.told) >= tellAgain
	if broken {
		f.Since = was.Since
	}
	if !news {
		f.told = was.told
	}
	t.list[what] = f
	return news
}

// all are those of now, in the order of what they are.
func (t *troubles) all() []home.Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]home.Fault, 0, len(t.list))
	for _, f := range t.list {
		list = append(list, f.Fault)
	}
	slices.SortFunc(list, func(a, b home.Fault) int { return strings.Compare(a.What, b.What) })
	return list
}

// fault notes that something does not work, or works again; it is logged once.
func (g *gateway) fault(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() != nil {
		return
	}
	switch news := g.troubles.note(what, err, time.Now().UTC()); {
	case news && err == nil:
		g.log.InfoContext(ctx, "works again", "what", what)
	case news:
		g.log.ErrorContext(ctx, "does not work", "what", what, "error", err)
	}
}

// caught is what f returns, or that it panicked: what a stranger’s packet or file makes one part stumble over must not
// take the others down.
func caught(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a defect of the program: %v\n%s", p, firstFrames(debug.Stack()))
		}
	}()
	return f()
}

// firstFrames are as many lines of a stack as say where it was.
func firstFrames(stack []byte) string {
	lines := strings.Split(string(stack), "\n")
	// the first are of the panic itself
	from := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "panic(") })
	lines = lines[max(from+2, 0):]
	return strings.Join(lines[:min(len(lines), 8)], "\n")
}
