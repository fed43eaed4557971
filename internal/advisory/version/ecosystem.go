package version

import (
	"strings"
)

// Order is how the versions of an ecosystem are compared. ok is false where it cannot be said.
type Order func(a, b string) (order int, ok bool)

// Of is the order of an ecosystem, by the names of the OSV schema: that of Debian for Debian and Ubuntu, Semantic
// Versioning where packages must follow it, Compare for all others.
func Of(ecosystem string) Order {
	name, _, _ := strings.Cut(ecosystem, ":") // Debian:12
	switch name {
	case "Debian", "Ubuntu":
		return Debian
	case "npm", "crates.io", "Go", "Hex", "SwiftURL", "SemVer", "semver":
		return SemVer
	}
	return Compare
}

// SemVer is the precedence of Semantic Versioning 2.0.0 §11. A v before it is passed over.
func SemVer(a, b string) (order int, ok bool) {
	x, okX := parseSemVer(a)
	y, okY := parseSemVer(b)
	if !okX || !okY {
		return 0, false
	}
	for i := range x.core {
		if o := number(x.core[i], y.core[i]); o != 0 {
			return o, true
		}
	}
	switch {
	case len(x.pre) == 0 && len(y.pre) == 0:
		return 0, true
	case len(x.pre) == 0:
		return 1, true
	case len(y.pre) == 0:
		return -1, true
	}
	for i := range min(len(x.pre), len(y.pre)) {
		p, q := x.pre[i], y.pre[i]
		numP, numQ := digitsOnly(p), digitsOnly(q)
		var o int
		switch {
		case numP && numQ:
			o = number(bare(p), bare(q))
		case numP:
			o = -1
		case numQ:
			o = 1
		default:
			o = strings.Compare(p, q)
		}
		if o != 0 {
			return o, true
		}
	}
	return sign(len(x.pre) - len(y.pre)), true
}

type semver struct {
	core [3]string
	pre  []string
}

// parseSemVer reads MAJOR[.MINOR[.PATCH]][-PRE][+BUILD]. OSV writes 0 for the first version of all.
func parseSemVer(s string) (v semver, ok bool) {
	s = strings.TrimPrefix(strings.TrimSpace(s), "v")
	if len(s) > MaxLen {
		return v, false
	}
	s, _, _ = strings.Cut(s, "+")
	core, pre, has := strings.Cut(s, "-")
	if has {
		if v.pre = strings.Split(pre, "."); pre == "" {
			return v, false
		}
	}
	fields := strings.Split(core, ".")
	if len(fields) > 3 {
		return v, false
	}
	v.core = [3]string{"0", "0", "0"}
	for i, f := range fields {
		if !digitsOnly(f) {
			return v, false
		}
		v.core[i] = bare(f)
	}
	return v, true
}

func digitsOnly(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func bare(s string) string {
	if s = strings.TrimLeft(s, "0"); s == "" {
		return "0"
	}
	return s
}

// Debian is the order of Debian Policy §5.6.12, as dpkg has it.
func Debian(a, b string) (order int, ok bool) {
	if len(a) > MaxLen || len(b) > MaxLen || a == "" || b == "" || strings.ContainsAny(a+b, " \t\n") {
		return 0, false
	}
	epochA, upA, revA := debianParts(a)
	epochB, upB, revB := debianParts(b)
	if !digitsOnly(epochA) || !digitsOnly(epochB) {
		return 0, false
	}
	if o := number(bare(epochA), bare(epochB)); o != 0 {
		return o, true
	}
	if o := debianPart(upA, upB); o != 0 {
		return o, true
	}
	return debianPart(revA, revB), true
}

func debianParts(s string) (epoch, upstream, revision string) {
	epoch, upstream, ok := strings.Cut(s, ":")
	if !ok {
		epoch, upstream = "0", s
	}
	if i := strings.LastIndexByte(upstream, '-'); i >= 0 {
		upstream, revision = upstream[:i], upstream[i+1:]
	}
	return epoch, upstream, revision
}

func debianPart(a, b string) int {
	for a != "" || b != "" {
		for (a != "" && !isDigit(a[0])) || (b != "" && !isDigit(b[0])) {
			if o := sign(debianRank(a) - debianRank(b)); o != 0 {
				return o
			}
			a, b = a[min(1, len(a)):], b[min(1, len(b)):]
		}
		n, m := len(a)-len(strings.TrimLeft(a, "0123456789")), len(b)-len(strings.TrimLeft(b, "0123456789"))
		if o := number(bare(a[:n]), bare(b[:m])); o != 0 {
			return o
		}
		a, b = a[n:], b[m:]
	}
	return 0
}

// debianRank orders the character that s begins with: ~ before the end, letters before all others.
func debianRank(s string) int {
	switch {
	case s == "" || isDigit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z':
		return int(s[0])
	}
	return int(s[0]) + 256
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
