package mud

import (
	"bytes"
	"errors"
	"math"
	"slices"
)

// The names that RFC 7951 gives the two roots of a MUD file.
const (
	mudRoot  = "ietf-mud:mud"
	aclsRoot = "ietf-access-control-list:acls"
)

// Parse reads a MUD file in either form. It keeps data.
//
// The error is an *InvalidError where the file must not be applied. The File is there even then, unless data is no JSON object,
// with what could be read: to show, not to apply.
func Parse(data []byte) (*File, error) { return parse(data, false) }

// ParseStrict reads a MUD file in the RFC's form. What only the drafts have is an error.
func ParseStrict(data []byte) (*File, error) { return parse(data, true) }

func parse(data []byte, strict bool) (*File, error) {
	r := &reader{strict: strict}
	f := &File{Form: RFC, Raw: data}
	text, bom := bytes.CutPrefix(data, []byte("\ufeff"))
	if bom {
		r.tell("draft.bom", "")
	}
	root, err := tree(text)
	switch fault, ok := errors.AsType[*fault](err); {
	case ok:
		r.tell(fault.code, fault.path, fault.args...)
		f = nil
	case root.kind != object:
		r.wrong(place{node: root}, object)
		f = nil
	default:
		r.file(f, place{node: root})
	}
	if f != nil {
		f.Problems = r.problems
		if r.draft {
			f.Form = Draft
		}
	}
	if r.errors() == 0 {
		return f, nil
	}
	return f, &InvalidError{slices.DeleteFunc(slices.Clone(r.problems), func(p Problem) bool { return p.Level != Error })}
}

// file reads the two roots.
func (r *reader) file(f *File, root place) {
	var policies, lists bool
	r.object(root, "", fields{
		mudRoot:  func(p place) { policies = true; r.mud(f, p) },
		aclsRoot: func(p place) { lists = true; r.acls(f, p) },
	}, map[string]string{
		"ietf-access-control-list:access-lists": aclsRoot,
		"access-lists":                          aclsRoot,
	}, func(p place) { r.tell("mud.root", p.path, "name", last(p.path)) })
	if !policies {
		r.tell("yang.missing", "", "name", mudRoot)
	}
	if !lists && len(f.FromDevice)+len(f.ToDevice) > 0 {
		r.tell("yang.missing", "", "name", aclsRoot)
	}
	for _, d := range []Direction{FromDevice, ToDevice} {
		for _, name := range f.Policy(d) {
			if lists && f.ACL(name) == nil {
				r.tell("policy.missing-acl", "/"+mudRoot+"/"+string(d)+"-policy", "name", name)
			}
		}
	}
	if n := r.told - len(r.problems); n > 0 {
		r.problems = append(r.problems, Problem{Level: Note, Code: "file.problems", Args: []any{"n", int64(n)}})
	}
}

// mud reads the container of RFC 8520 §3.
func (r *reader) mud(f *File, root place) {
	known := fields{
		"mud-version": func(p place) {
			n, ok := r.number(p, 0, math.MaxUint8)
			if f.Version = uint8(n); ok && n != 1 {
				r.tell("mud.version", p.path, "value", p.text)
			}
		},
		"mud-url":            func(p place) { f.URL = r.uri(p) },
		"last-update":        func(p place) { f.LastUpdate = r.time(p) },
		"mud-signature":      func(p place) { f.Signature = r.reference(p) },
		"cache-validity":     func(p place) { f.CacheValidity = r.hours(p) },
		"is-supported":       func(p place) { f.IsSupported = r.boolean(p) },
		"systeminfo":         func(p place) { f.SystemInfo = r.text(p, maxString) },
		"mfg-name":           func(p place) { f.MfgName = r.text(p, maxString) },
		"model-name":         func(p place) { f.ModelName = r.text(p, maxString) },
		"firmware-rev":       func(p place) { f.FirmwareRev = r.text(p, maxString) },
		"software-rev":       func(p place) { f.SoftwareRev = r.text(p, maxString) },
		"documentation":      func(p place) { f.Documentation = r.uri(p) },
		"extensions":         func(p place) { f.Extensions = r.extensions(p) },
		"from-device-policy": func(p place) { f.FromDevice = r.policy(p) },
		"to-device-policy":   func(p place) { f.ToDevice = r.policy(p) },
		"ietf-mud-tls:is-tls-dtls-profile-supported": func(p place) {
			b := r.boolean(p)
			f.TLSProfiles = &b
		},
		"ietf-mud-transparency:transparency": func(p place) { f.Transparency = r.transparency(p) },
		"mudtx:transparency": func(p place) { // with the module's prefix, as RFC 9472's own examples have it
			r.tell("transparency.prefix", p.path)
			if root.get("ietf-mud-transparency:transparency") != nil {
				r.tell("json.duplicate", p.path, "name", "transparency")
			}
			f.Transparency = r.transparency(p)
		},
		"ietf-ol:ol":                           func(p place) { f.Ownership = r.ownership(p) },
		"ietf-mud-reporter-extension:reporter": func(p place) { f.Reporter = r.reporter(p) },
	}
	r.object(root, "ietf-mud", known, map[string]string{
		"mud-transparency:transparency": "ietf-mud-transparency:transparency",
		"ol:ol":                         "ietf-ol:ol",
		"ietf-mud-reporter:reporter":    "ietf-mud-reporter-extension:reporter",
		"mud-reporter:reporter":         "ietf-mud-reporter-extension:reporter",
	}, r.ignored)
	if root.kind != object {
		return
	}
	for _, name := range []string{"mud-url", "last-update", "is-supported"} {
		if root.get(name) == nil && root.get("ietf-mud:"+name) == nil {
			r.tell("yang.missing", root.path, "name", name)
		}
	}
	if root.get("mud-version") == nil && root.get("ietf-mud:mud-version") == nil {
		r.tell("draft.version", root.path)
		f.Version = 1
	}
}

// hours reads cache-validity: 1 to 168 (RFC 8520 §3.5).
func (r *reader) hours(p place) uint8 {
	n, ok := r.number(p, 0, math.MaxUint32)
	if !ok {
		return 0
	}
	if n < 1 || n > 168 {
		r.tell("cache.range", p.path, "value", p.text)
		return 0
	}
	return uint8(n)
}

// extensions reads the names of what the file uses beyond RFC 8520: each of 1 to 40 characters.
func (r *reader) extensions(p place) (names []string) {
	r.list(p, func(p place) {
		s := r.text(p, 40)
		switch {
		case s == "":
		case slices.Contains(names, s):
			r.tell("yang.twice", p.path, "value", s)
		default:
			names = append(names, s)
		}
	})
	return names
}

// policy reads the names of the access lists of one direction.
func (r *reader) policy(p place) (names []string) {
	r.object(p, "ietf-mud", fields{"access-lists": func(p place) {
		r.object(p, "ietf-mud", fields{"access-list": func(p place) {
			r.list(p, func(p place) {
				name := ""
				r.object(p, "ietf-mud", fields{
					"name": func(p place) { name = r.name(p) },
				}, map[string]string{"acl-name": "name"}, func(p place) {
					if s := last(p.path); s == "acl-type" || s == "type" {
						r.tell("draft.policy-type", p.path)
						return
					}
					r.ignored(p)
				})
				switch {
				case p.kind != object:
				case name == "":
					r.tell("yang.missing", p.path, "name", "name")
				case slices.Contains(names, name):
					r.tell("policy.twice", p.path, "name", name)
				default:
					names = append(names, name)
				}
			})
		}}, nil, r.ignored)
	}}, nil, r.ignored)
	return names
}
