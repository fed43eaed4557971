package mud

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// lints are the kinds of problem that Lint finds: the file can be read, and yet.
var lints = map[string]code{
	"url.scheme":             {level: Error, rfc: "8520 §6"},
	"url.invalid":            {level: Error, rfc: "8520 §6"},
	"url.query":              {level: Warning, rfc: "9238"},
	"url.fragment":           {level: Warning, rfc: "8520 §6"},
	"url.length":             {level: Warning, rfc: "8520 §10"},
	"url.address":            {level: Warning, rfc: "8520 §6"},
	"signature.missing":      {level: Warning, rfc: "8520 §13"},
	"signature.scheme":       {level: Warning, rfc: "8520 §13.2"},
	"signature.authority":    {level: Note, rfc: "8520 §13.2"},
	"cache.short":            {level: Warning, rfc: "8520 §3.5"},
	"support.ended":          {level: Note, rfc: "8520 §3.6"},
	"systeminfo.missing":     {level: Note, rfc: "8520 §3.7"},
	"systeminfo.length":      {level: Warning, rfc: "8520 §3.7"},
	"names.missing":          {level: Note, rfc: "8520 §3.8"},
	"revision.fixed":         {level: Warning, rfc: "8520 §3.8"},
	"maker.authority":        {level: Note, rfc: "8520 §4.1"},
	"extension.undeclared":   {level: Error, rfc: "8520 §3.9"},
	"extension.unused":       {level: Note, rfc: "8520 §3.9"},
	"extension.unknown":      {level: Note, rfc: "8520 §3.9"},
	"tls.not-supported":      {level: Warning, rfc: "9761"},
	"transparency.plain":     {level: Warning, rfc: "9472"},
	"transparency.contact":   {level: Warning, rfc: "9472"},
	"policy.empty":           {level: Warning, rfc: "8520 §3.3"},
	"policy.one-way":         {level: Note, rfc: "8520 §3.3"},
	"acl.unreferenced":       {level: Warning, rfc: "8520 §3.3"},
	"acl.both-ways":          {level: Warning, rfc: "8520 §3.3"},
	"acl.empty":              {level: Note, rfc: "8519 §4.1"},
	"acl.family":             {level: Warning, rfc: "8519 §4.1"},
	"dns.wrong-side":         {level: Error, rfc: "8520 §8.2"},
	"dns.address":            {level: Warning, rfc: "8520 §2"},
	"dns.local":              {level: Note, rfc: "8520 §8"},
	"address.literal":        {level: Warning, rfc: "8520 §2"},
	"address.private":        {level: Warning, rfc: "8520 §2"},
	"address.own-side":       {level: Warning, rfc: "8520 §2"},
	"controller.urn":         {level: Warning, rfc: "8520 §17.7"},
	"ace.abstractions":       {level: Warning, rfc: "8520 §2.1"},
	"ace.broad":              {level: Warning, rfc: "8520 §1.7"},
	"ace.direction":          {level: Warning, rfc: "8520 §4.8"},
	"ace.direction-protocol": {level: Warning, rfc: "8520 §4.8"},
	"ace.udp-reply":          {level: Note, rfc: "8520 §4.8"},
	"ace.duplicate":          {level: Warning, rfc: "8519 §3"},
	"ace.shadowed":           {level: Warning, rfc: "8519 §3"},
	"ace.redundant":          {level: Note, rfc: "8519 §3"},
	"ace.protocol":           {level: Warning, rfc: "8519 §4.1"},
	"ace.leaf":               {level: Warning, rfc: "8520 §2"},
	"ace.reject":             {level: Note, rfc: "8520 §2"},
	"ace.cleartext":          {level: Note},
}

// Check is Parse and Lint in one: every problem of a file, those of reading first. The error is as Parse's, or an
// *InvalidError where lint finds what an RFC forbids.
func Check(data []byte, strict bool) (*File, []Problem, error) {
	f, err := parse(data, strict)
	if f == nil {
		invalid, _ := errors.AsType[*InvalidError](err)
		return nil, invalid.Problems, err
	}
	all := slices.Concat(f.Problems, f.Lint())
	if wrong := slices.DeleteFunc(slices.Clone(all), func(p Problem) bool { return p.Level != Error }); len(wrong) > 0 {
		return f, all, &InvalidError{wrong}
	}
	return f, all, nil
}

// linter collects.
type linter struct {
	*File
	problems []Problem
	told     int
	wrong    bool // something is of level Error
}

func (l *linter) tell(name, path string, args ...any) {
	k := lints[name]
	l.told++
	if len(l.problems) >= MaxProblems && (k.level != Error || l.wrong) {
		return
	}
	l.wrong = l.wrong || k.level == Error
	l.problems = append(l.problems, Problem{Level: k.level, Code: name, Path: path, RFC: k.rfc, Args: args})
}

// at is the path of a node of the mud container.
func at(name string) string { return "/" + mudRoot + "/" + name }

// Lint tells what is wrong with a file that can be read: what the RFCs forbid, advise against, and what will not do what
// its author thinks. It is for makers, before they publish; docs/mud.md explains each code.
func (f *File) Lint() []Problem {
	l := &linter{File: f}
	l.url()
	l.about()
	l.extensions()
	l.lists()
	for _, d := range []Direction{FromDevice, ToDevice} {
		l.entries(d)
	}
	if n := l.told - len(l.problems); n > 0 {
		l.problems = append(l.problems, Problem{Level: Note, Code: "file.problems", Args: []any{"n", int64(n)}})
	}
	return l.problems
}

func (l *linter) url() {
	u, err := CheckURL(l.URL)
	switch {
	case l.URL == "": // Parse says so
		return
	case err != nil && !strings.HasPrefix(strings.ToLower(l.URL), "https:"):
		l.tell("url.scheme", at("mud-url"), "value", l.URL)
	case err != nil:
		l.tell("url.invalid", at("mud-url"), "value", l.URL)
	default:
		if u.RawQuery != "" || u.ForceQuery {
			l.tell("url.query", at("mud-url"), "value", u.RawQuery)
		}
		if _, err := netip.ParseAddr(u.Hostname()); err == nil || !strings.Contains(u.Hostname(), ".") {
			l.tell("url.address", at("mud-url"), "value", u.Hostname())
		}
		if u.Fragment != "" || strings.HasSuffix(l.URL, "#") {
			l.tell("url.fragment", at("mud-url"), "value", u.Fragment)
		}
	}
	if n := len(l.URL); n > MaxURLInDHCP {
		l.tell("url.length", at("mud-url"), "n", int64(n), "limit", int64(MaxURLInDHCP))
	}
	switch s := l.SignatureURL(); {
	case s == "":
		l.tell("signature.missing", "/"+mudRoot)
	case !strings.HasPrefix(strings.ToLower(s), "https:"):
		l.tell("signature.scheme", at("mud-signature"), "value", s)
	case Authority(s) != Authority(l.URL):
		l.tell("signature.authority", at("mud-signature"), "value", Authority(s))
	}
}

// stated reports whether the file gave that leaf of the container a value that could be read.
func (l *linter) stated(name string) bool {
	return !slices.ContainsFunc(l.Problems, func(p Problem) bool {
		return p.Level == Error && (p.Path == at(name) || p.Code == "yang.missing" && slices.Contains(p.Args, any(name)))
	})
}

func (l *linter) about() {
	if l.CacheValidity > 0 && l.CacheValidity < 24 {
		l.tell("cache.short", at("cache-validity"), "n", int64(l.CacheValidity))
	}
	if !l.IsSupported && l.stated("is-supported") {
		l.tell("support.ended", at("is-supported"))
	}
	switch n := columns(l.SystemInfo); {
	case n == 0 && l.stated("systeminfo"):
		l.tell("systeminfo.missing", "/"+mudRoot)
	case n > 60:
		l.tell("systeminfo.length", at("systeminfo"), "n", int64(n))
	}
	if l.MfgName == "" || l.ModelName == "" {
		l.tell("names.missing", "/"+mudRoot)
	}
	for _, rev := range []struct{ name, value string }{{"firmware-rev", l.FirmwareRev}, {"software-rev", l.SoftwareRev}} {
		if rev.value != "" && !strings.Contains(l.URL, rev.value) { // a URL that has it changes with it
			l.tell("revision.fixed", at(rev.name), "name", rev.name, "value", rev.value)
		}
	}
	if host := Authority(l.URL); l.MfgName != "" && host != "" && !related(l.MfgName, host) {
		l.tell("maker.authority", at("mfg-name"), "name", l.MfgName, "host", host)
	}
}

// columns is how wide s is on a screen: wide characters of East Asia take two, those that combine none.
func columns(s string) (n int) {
	for _, c := range s {
		switch {
		case unicode.In(c, unicode.Mn, unicode.Me, unicode.Cf):
		case c >= 0x1100 && (c <= 0x115f || c >= 0x2e80 && c <= 0xa4cf || c >= 0xac00 && c <= 0xd7a3 ||
			c >= 0xf900 && c <= 0xfaff || c >= 0xfe30 && c <= 0xfe6f || c >= 0xff00 && c <= 0xff60 || c >= 0xffe0 && c <= 0xffe6 ||
			c >= 0x1f300 && c <= 0x1faff || c >= 0x20000 && c <= 0x3fffd):
			n += 2
		default:
			n++
		}
	}
	return n
}

// related reports whether the host has something of the maker's name: a word of it, or its initials.
func related(maker, host string) bool {
	words := strings.FieldsFunc(strings.ToLower(maker), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	squashed := strings.ReplaceAll(host, "-", "")
	initials := ""
	for _, w := range words {
		if len(w) >= 3 && strings.Contains(squashed, w) {
			return true
		}
		initials += w[:1]
	}
	return len(initials) > 1 && slices.Contains(strings.FieldsFunc(host, func(c rune) bool { return c == '.' || c == '-' }), initials) ||
		strings.Contains(squashed, strings.Join(words, ""))
}

func (l *linter) extensions() {
	profiles := false
	for _, acl := range l.ACLs {
		for i := range acl.ACEs {
			profiles = profiles || len(acl.ACEs[i].Matches.TLS) > 0
		}
	}
	supported := l.TLSProfiles != nil && *l.TLSProfiles
	used := []struct {
		name string
		used bool
	}{
		{"transparency", l.Transparency != nil},
		{"ol", l.Ownership != nil},
		{"reporter", l.Reporter != nil},
		{"ietf-mud-tls", l.TLSProfiles != nil || profiles},
	}
	known := map[string]bool{}
	for _, e := range used {
		known[e.name] = true
		switch declared := slices.Contains(l.Extensions, e.name); {
		case e.used && !declared:
			l.tell("extension.undeclared", "/"+mudRoot, "name", e.name)
		case declared && !e.used:
			l.tell("extension.unused", at("extensions"), "name", e.name)
		}
	}
	for i, name := range l.Extensions {
		if !known[name] {
			l.tell("extension.unknown", at("extensions/")+strconv.Itoa(i), "name", name)
		}
	}
	if profiles && !supported {
		l.tell("tls.not-supported", "/"+mudRoot)
	}
	if t := l.Transparency; t != nil {
		path := at("ietf-mud-transparency:transparency")
		if t.SBOMLocalWellKnown == "http" || t.SBOMLocalWellKnown == "coap" {
			l.tell("transparency.plain", path, "value", t.SBOMLocalWellKnown)
		}
		for _, uri := range []string{t.SBOMContactURI, t.VulnContactURI} {
			scheme, _, _ := strings.Cut(uri, ":")
			if uri != "" && !slices.Contains([]string{"tel", "mailto", "http", "https"}, strings.ToLower(scheme)) {
				l.tell("transparency.contact", path, "value", uri)
			}
		}
	}
}

func (l *linter) lists() {
	live := 0
	for _, d := range []Direction{FromDevice, ToDevice} {
		for _, e := range l.Entries(d) {
			if !e.Dead() {
				live++
			}
		}
	}
	switch {
	case live == 0:
		l.tell("policy.empty", "/"+mudRoot)
	case len(l.FromDevice) == 0 || len(l.ToDevice) == 0:
		l.tell("policy.one-way", "/"+mudRoot)
	}
	for i := range l.ACLs {
		acl := &l.ACLs[i]
		from, to := slices.Contains(l.FromDevice, acl.Name), slices.Contains(l.ToDevice, acl.Name)
		switch {
		case !from && !to:
			l.tell("acl.unreferenced", l.list(acl), "name", acl.Name)
		case from && to:
			l.tell("acl.both-ways", l.list(acl), "name", acl.Name)
		}
		if len(acl.ACEs) == 0 {
			l.tell("acl.empty", l.list(acl), "name", acl.Name)
		}
	}
}

// list is where an access list is.
func (l *linter) list(acl *ACL) string {
	if acl.Path != "" {
		return acl.Path
	}
	i := slices.IndexFunc(l.ACLs, func(a ACL) bool { return a.Name == acl.Name })
	return "/" + aclsRoot + "/acl/" + strconv.Itoa(i)
}

// entries looks at each entry of a direction.
func (l *linter) entries(d Direction) {
	byList := map[*ACL][]*ACE{}
	var order []*ACL
	for acl, e := range l.Entries(d) {
		if byList[acl] == nil {
			order = append(order, acl)
		}
		byList[acl] = append(byList[acl], e)
	}
	for _, acl := range order {
		var before []rule
		var names []string
		for i, e := range byList[acl] {
			path := cmp.Or(e.Path, l.list(acl)+"/aces/ace/"+strconv.Itoa(i))
			if e.Dead() { // Parse says so
				continue
			}
			r := ruleOf(d, acl, e)
			l.entry(d, acl, e, &r, path)
			if len(before) < maxCompared {
				l.shadow(&r, before, names, path)
			}
			before, names = append(before, r), append(names, e.Name)
		}
	}
}

// maxCompared bounds how many entries of a list are compared with those before them: real lists have some two hundred.
const maxCompared = 1024

// shadow tells where entries before leave nothing for this one.
func (l *linter) shadow(r *rule, before []rule, names []string, path string) {
	for i := range before {
		b := &before[i]
		if !b.covers(r) {
			continue
		}
		switch {
		case b.same(r):
			l.tell("ace.duplicate", path, "name", names[i])
		case b.action == r.action:
			l.tell("ace.redundant", path, "name", names[i])
		default:
			l.tell("ace.shadowed", path, "name", names[i])
		}
		return
	}
}
