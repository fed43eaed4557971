package advisory

import (
	"net/url"
	"strings"
)

// PURL is a package URL (ECMA-427) without qualifiers and subpath.
type PURL struct{ Type, Namespace, Name, Version string }

// ParsePURL reads pkg:type/namespace/name@version. ok is false for what is none.
func ParsePURL(s string) (p PURL, ok bool) {
	rest, ok := strings.CutPrefix(s, "pkg:")
	if !ok || len(s) > 1024 {
		return p, false
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	rest = strings.Trim(rest, "/")
	p.Type, rest, ok = strings.Cut(rest, "/")
	if !ok {
		return p, false
	}
	if i := strings.LastIndexByte(rest, '@'); i > 0 {
		p.Version, rest = decoded(rest[i+1:]), rest[:i]
	}
	if i := strings.LastIndexByte(rest, '/'); i >= 0 {
		p.Namespace, rest = decoded(rest[:i]), rest[i+1:]
	}
	p.Type, p.Name = strings.ToLower(p.Type), decoded(rest)
	if p.Type == "pypi" {
		p.Name = strings.ReplaceAll(p.Name, "_", "-")
	}
	switch p.Type {
	case "pypi", "github", "bitbucket", "deb", "apk", "gitlab", "composer":
		p.Namespace, p.Name = strings.ToLower(p.Namespace), strings.ToLower(p.Name)
	}
	return p, p.Type != "" && p.Name != ""
}

func decoded(s string) string {
	if d, err := url.PathUnescape(s); err == nil {
		return d
	}
	return s
}

// key is the package, whatever its version.
func (p PURL) key() string { return p.Type + "/" + p.Namespace + "/" + p.Name }

// systems are the types of package URLs, and what OSV calls where they come from.
var systems = map[string]string{
	"cargo": "crates.io", "deb/debian": "Debian", "deb/ubuntu": "Ubuntu", "apk/alpine": "Alpine", "golang": "Go", "maven": "Maven", "npm": "npm",
	"pypi": "PyPI", "gem": "RubyGems", "nuget": "NuGet", "hex": "Hex", "composer": "Packagist", "pub": "Pub", "conan": "ConanCenter", "swift": "SwiftURL",
}

// System is where the package comes from, in OSV’s words, or "".
func (p PURL) System() string {
	if s := systems[p.Type+"/"+p.Namespace]; s != "" {
		return s
	}
	return systems[p.Type]
}

// PackageURL is the package URL of a package in OSV’s words, or "".
func PackageURL(system, name string) string {
	system, _, _ = strings.Cut(system, ":")
	for kind, s := range systems {
		if s != system {
			continue
		}
		switch {
		case system == "Maven":
			name = strings.Replace(name, ":", "/", 1)
		case system == "npm":
			name = strings.Replace(name, "@", "%40", 1)
		}
		return "pkg:" + kind + "/" + name
	}
	return ""
}
