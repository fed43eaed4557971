package mud

import "strings"

// transparency reads RFC 9472 §4.
func (r *reader) transparency(root place) *Transparency {
	t := &Transparency{}
	r.object(root, "ietf-mud-transparency", fields{
		"sboms": func(p place) {
			r.list(p, func(p place) {
				var s SBOM
				r.object(p, "ietf-mud-transparency", fields{
					"version-info": func(p place) { s.Version = r.text(p, maxString) },
					"sbom-url":     func(p place) { s.URL = r.uri(p) },
				}, nil, r.ignored)
				t.SBOMs = append(t.SBOMs, s)
			})
		},
		"sbom-local-well-known": func(p place) { t.SBOMLocalWellKnown = r.wellKnown(p) },
		"sbom-contact-uri":      func(p place) { t.SBOMContactURI = r.uri(p) },
		"contact-info": func(p place) { // in examples of RFC 9472, not in its model
			r.tell("transparency.name", p.path)
			if root.get("sbom-contact-uri") != nil {
				r.tell("json.duplicate", p.path, "name", "sbom-contact-uri")
			}
			t.SBOMContactURI = r.uri(p)
		},
		"sbom-archive-list": func(p place) { t.SBOMArchiveList = r.uri(p) },
		"vuln-url": func(p place) {
			if p.kind == text { // some drafts had one alone
				r.tell("draft.list", p.path)
				t.VulnURLs = append(t.VulnURLs, r.uri(p))
				return
			}
			r.list(p, func(p place) { t.VulnURLs = append(t.VulnURLs, r.uri(p)) })
		},
		"vuln-contact-uri": func(p place) { t.VulnContactURI = r.uri(p) },
	}, map[string]string{"contact-uri": "vuln-contact-uri", "archive-list": "sbom-archive-list"}, r.ignored)
	sources := 0
	for _, given := range []bool{len(t.SBOMs) > 0, t.SBOMLocalWellKnown != "", t.SBOMContactURI != ""} {
		if given {
			sources++
		}
	}
	if sources > 1 || len(t.VulnURLs) > 0 && t.VulnContactURI != "" {
		r.tell("transparency.choice", root.path)
	}
	return t
}

// wellKnown reads the identity of a protocol, which may stand after its module's name or prefix.
func (r *reader) wellKnown(p place) string {
	if p.kind == text {
		n := *p.node
		n.text = strings.TrimPrefix(strings.TrimPrefix(n.text, "ietf-mud-transparency:"), "mudtx:")
		p.node = &n
	}
	return r.oneOf(p, "https", "http", "coaps", "coap")
}

// ownership reads the extension ol, in the shapes that its drafts had.
func (r *reader) ownership(p place) *Ownership {
	o := &Ownership{}
	r.object(p, "ietf-ol", fields{
		"owners":       func(p place) { o.Owners = r.texts(p) },
		"spdx-tag":     func(p place) { o.SPDXTags = r.texts(p) },
		"license-info": func(p place) { o.LicenseInfo = r.uri(p) },
		"license": func(p place) {
			r.list(p, func(p place) {
				var l License
				r.object(p, "ietf-ol", fields{
					"owner-name":   func(p place) { l.Owner = r.text(p, maxString) },
					"spdx-tags":    func(p place) { l.SPDXTags = r.texts(p) },
					"license-info": func(p place) { l.Info = r.uri(p) },
				}, map[string]string{"spdx-tag": "spdx-tags", "url": "license-info"}, r.ignored)
				o.Licenses = append(o.Licenses, l)
			})
		},
	}, map[string]string{"spdx-tags": "spdx-tag", "url": "license-info"}, r.ignored)
	return o
}

// texts reads a list of texts, or one alone.
func (r *reader) texts(p place) (list []string) {
	if p.kind == text {
		return []string{r.text(p, maxString)}
	}
	r.list(p, func(p place) { list = append(list, r.text(p, maxString)) })
	return list
}

// reporter reads the extension reporter.
func (r *reader) reporter(p place) *Reporter {
	v := &Reporter{}
	r.object(p, "ietf-mud-reporter-extension", fields{
		"report-uri": func(p place) { v.ReportURI = r.uri(p) },
	}, nil, r.ignored)
	return v
}
