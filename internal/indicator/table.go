package indicator

import "strings"

// column is what the columns of abuse.ch's tables mean, by their names in lower case.
var column = map[string]string{
	"url":     "url",
	"dst_ip":  "address",
	"dstip":   "address",
	"sha1":    "sha1",
	"ja3_md5": "ja3",

	"ioc_value": "value",
	"ioc_type":  "type",

	"dst_port": "port",
	"dstport":  "port",

	"malware_printable": "reason",
	"malware":           "reason",
	"listingreason":     "reason",
	"threat":            "threat",
	"tags":              "tags",

	"dateadded":      "first",
	"first_seen_utc": "first",
	"firstseen":      "first",
	"listingdate":    "first",
	"last_seen_utc":  "last",
	"last_online":    "last",
	"lastseen":       "last",

	"url_status":       "status",
	"c2_status":        "status",
	"confidence_level": "confidence",
	"is_compromised":   "compromised",
}

// table is the columns of one of abuse.ch's tables, in order; "" for one of no interest.
type table []string

// header reads the header of a table, which is a comment in most; nil: it is none.
func header(text string) *table {
	var t table
	value := false
	for _, f := range split(strings.TrimLeft(text, "# ")) {
		role := column[strings.ToLower(strings.TrimSpace(f))]
		t = append(t, role)
		switch role {
		case "url", "address", "sha1", "ja3", "value":
			value = true
		}
	}
	if !value || len(t) < 2 {
		return nil
	}
	return &t
}

// maxColumns bounds a row.
const maxColumns = 64

// split reads the fields of a row: RFC 4180, with spaces allowed before a quote.
func split(row string) (fields []string) {
	for len(fields) < maxColumns {
		row = strings.TrimLeft(row, " \t")
		if !strings.HasPrefix(row, `"`) {
			f, rest, more := strings.Cut(row, ",")
			fields = append(fields, strings.TrimSpace(f))
			if !more {
				break
			}
			row = rest
			continue
		}
		var b strings.Builder
		row = row[1:]
		for {
			f, rest, closed := strings.Cut(row, `"`)
			b.WriteString(f)
			row = rest
			if !closed || !strings.HasPrefix(row, `"`) {
				break
			}
			b.WriteByte('"')
			row = row[1:]
		}
		fields = append(fields, b.String())
		_, rest, more := strings.Cut(row, ",")
		if !more {
			break
		}
		row = rest
	}
	return fields
}

// row takes a row of a table.
func (l *loader) row(t *table, text string) {
	values := map[string]string{}
	for i, f := range split(text) {
		if i < len(*t) && (*t)[i] != "" && f != "" && values[(*t)[i]] == "" {
			values[(*t)[i]] = f
		}
	}
	l.abuse(values, text)
}

// What the lists of abuse.ch are worth, where they do not say it themselves. Of the one of JA3 it says itself that its
// fingerprints were not tested against good software.
const (
	listedURL     = 0.9
	listedOnline  = 0.9
	listedOffline = 0.7
	listedJA3     = 0.4
	listedDigest  = 0.9
)

// abuse takes an entry of a list of abuse.ch's, by what its values mean.
func (l *loader) abuse(v map[string]string, text string) {
	reason := v["reason"]
	if reason == "" {
		reason = v["threat"]
		if tags := v["tags"]; tags != "" && tags != "None" {
			reason = strings.TrimSpace(reason + " " + strings.ReplaceAll(tags, ",", " "))
		}
	}
	make := func(confidence float64) record {
		if c := v["confidence"]; c != "" {
			confidence = float64(min(number(strings.TrimSuffix(c, ".0")), 100)) / 100
		}
		if c := strings.ToLower(v["compromised"]); c == "true" || c == "1" {
			confidence /= 2 // a victim's machine, which does good things too
		}
		r := l.record(confidence, reason)
		r.seen = max(stamp(v["first"]), stamp(v["last"]))
		return r
	}
	online := listedOffline
	if s := v["status"]; s == "" || s == "online" {
		online = listedOnline
	}
	var skip Skip
	switch {
	case v["type"] != "":
		skip = l.typed(v["type"], v["value"], make(0.5))
	case v["address"] != "":
		r := make(online)
		r.port = number(v["port"])
		skip = l.set.addHost(v["address"], r)
	case v["url"] != "":
		skip = l.set.addURL(v["url"], make(listedURL))
	case v["sha1"] != "":
		skip = l.set.addDigest(certificate, v["sha1"], make(listedDigest), 20)
	case v["ja3"] != "":
		skip = l.set.addDigest(ja3, v["ja3"], make(listedJA3), 16)
	default:
		skip = Malformed
	}
	l.took(skip, text)
}

// typed takes a value of a type that ThreatFox names.
func (l *loader) typed(kind, value string, r record) Skip {
	switch strings.ToLower(kind) {
	case "ip:port", "ip", "domain":
		return l.set.addHost(value, r)
	case "url":
		return l.set.addURL(value, r)
	}
	return Unsupported // digests of files
}
