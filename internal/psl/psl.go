// Package psl tells which part of a domain name somebody can register, by the Public Suffix List.
package psl

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Domain is the registrable domain of a name in lower case, such as example.co.uk for www.example.co.uk, and "" where
// there is none: for an address, a single label, or a public suffix. The list's private part counts: what strangers
// keep below a cloud's name, such as d1.cloudfront.net, is theirs.
func Domain(name string) string {
	d, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil || strings.HasPrefix(d, ".") || !strings.Contains(d, ".") || d[len(d)-1] >= '0' && d[len(d)-1] <= '9' {
		return ""
	}
	return d
}

// IsSuffix reports whether a name in lower case is one below which strangers register theirs: a top-level domain,
// co.uk, cloudfront.net.
func IsSuffix(name string) bool {
	s, _ := publicsuffix.PublicSuffix(name)
	return s == name
}
