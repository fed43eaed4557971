package indicator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Bounds on a document.
const (
	maxDepth  = 32
	maxString = 64 << 10 // octets of a string; what is longer is not read
	maxFields = 64       // of an object that are kept
)

// object is the plain fields of an object under way.
type object struct {
	key    string // under which it is, itself or the list that it is in
	parent *object
	text   map[string]string
	lists  map[string][]string
	slot   uint32 // of its text in the reasons, +1: of a MISP event, whose text may come after what it is for
}

func (o *object) set(key, value string) {
	if len(o.text) < maxFields {
		o.text[key] = value
	}
}

// json reads a document object by object; none is kept.
func (l *loader) json() error {
	l.feed.Format = "json"
	guard := &guard{r: l.in}
	d := json.NewDecoder(guard)
	d.UseNumber()
	root := &object{text: map[string]string{}}
	err := l.value(d, root, "", 0)
	if err == nil {
		if _, e := d.Token(); !errors.Is(e, io.EOF) {
			err = errFollows
		}
	}
	if err != nil {
		fault := "json"
		switch {
		case guard.err != nil:
			return fmt.Errorf("read %s: %w", l.file, guard.err)
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
			fault = "cut"
		case errors.Is(err, errDeep):
			fault = "deep"
		case errors.Is(err, errFollows):
			fault = "follows"
		case errors.Is(err, errString):
			fault = "long"
		}
		return &FormatError{Name: l.file, Offset: d.InputOffset(), Fault: fault}
	}
	if l.feed.Entries == 0 && len(l.feed.Skipped) == 0 {
		return &FormatError{Name: l.file, Fault: "nothing"}
	}
	return l.done()
}

// value reads a value, which is under a key of an object.
func (l *loader) value(d *json.Decoder, in *object, key string, depth int) error {
	if depth > maxDepth {
		return errDeep
	}
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch x := token.(type) {
	case json.Delim:
		if x == '[' {
			for d.More() {
				if err := l.value(d, in, key, depth+1); err != nil {
					return err
				}
			}
			_, err = d.Token()
			return err
		}
		o := &object{key: key, parent: in, text: map[string]string{}}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return err
			}
			name, _ := k.(string)
			if err := l.value(d, o, name, depth+1); err != nil {
				return err
			}
		}
		if _, err = d.Token(); err != nil {
			return err
		}
		l.object(o)
	case string:
		in.put(key, x)
	case json.Number:
		in.put(key, x.String())
	case bool:
		in.put(key, fmt.Sprint(x))
	}
	return nil
}

// put keeps a plain value. Those of a list come one after the other.
func (o *object) put(key, value string) {
	if first, ok := o.text[key]; ok && len(o.lists[key]) < maxFields {
		if o.lists == nil {
			o.lists = map[string][]string{}
		}
		if o.lists[key] == nil {
			o.lists[key] = []string{first}
		}
		o.lists[key] = append(o.lists[key], value)
		return
	}
	o.set(key, value)
}

// all is the values of a list.
func (o *object) all(key string) []string {
	if list := o.lists[key]; list != nil {
		return list
	}
	if v, ok := o.text[key]; ok {
		return []string{v}
	}
	return nil
}

// object takes an object that is complete.
func (l *loader) object(o *object) {
	t := o.text
	has := func(keys ...string) bool {
		for _, k := range keys {
			if t[k] == "" {
				return false
			}
		}
		return true
	}
	switch {
	case has("type", "pattern") && t["type"] == "indicator":
		l.stix(o)
	case o.key == "Event":
		if o.slot > 0 {
			l.set.reasons[o.slot-1] = cut(t["info"], maxText)
		}
	case o.key == "Attribute" && has("type", "value"):
		l.misp(o)
	case has("ioc_type") && (has("ioc_value") || has("ioc")):
		value := t["ioc_value"]
		if value == "" {
			value = t["ioc"]
		}
		l.abuse(map[string]string{
			"type": t["ioc_type"], "value": value, "confidence": t["confidence_level"], "compromised": t["is_compromised"],
			"reason": either(t["malware_printable"], t["malware"]), "first": either(t["first_seen_utc"], t["first_seen"]), "last": either(t["last_seen_utc"], t["last_seen"]),
		}, value)
	case has("ip_address") && (has("port") || has("malware")):
		l.abuse(map[string]string{
			"address": t["ip_address"], "port": t["port"], "status": t["status"], "reason": t["malware"],
			"first": t["first_seen"], "last": t["last_online"],
		}, t["ip_address"])
	case has("url") && (has("dateadded") || has("date_added") || has("url_status")):
		l.abuse(map[string]string{
			"url": t["url"], "status": t["url_status"], "threat": t["threat"], "tags": strings.Join(o.all("tags"), " "),
			"first": either(t["dateadded"], t["date_added"]), "last": t["last_online"],
		}, t["url"])
	}
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// mispConfidence is what an attribute is worth that its authors meant for detection.
const mispConfidence = 0.8

// misp takes an attribute of a MISP event (MISP core format, Section 2.3): those that are meant for detection.
func (l *loader) misp(o *object) {
	t := o.text
	if t["to_ids"] != "true" && t["to_ids"] != "1" || t["deleted"] == "true" || t["deleted"] == "1" {
		l.took(NotMeant, "")
		return
	}
	r := l.record(mispConfidence, t["comment"])
	if t["comment"] == "" {
		for e := o.parent; e != nil; e = e.parent {
			if e.key == "Event" {
				if e.slot == 0 && len(l.set.reasons) < maxReasons {
					l.set.reasons = append(l.set.reasons, "") // one of its own, to be filled in
					e.slot = uint32(len(l.set.reasons))
				}
				if e.slot > 0 {
					r.reason = e.slot - 1
				}
				break
			}
		}
	}
	r.seen = max(stamp(t["last_seen"]), seconds(t["timestamp"]))
	first, second, _ := strings.Cut(t["value"], "|")
	var skip Skip
	switch t["type"] {
	case "ip-dst", "ip-src":
		skip = l.set.addHost(first, r)
	case "ip-dst|port", "ip-src|port", "hostname|port":
		r.port = number(second)
		skip = l.set.addHost(first, r)
	case "domain", "hostname", "domain|ip":
		skip = l.set.addDomain(first, r)
	case "url":
		skip = l.set.addURL(t["value"], r)
	case "ja3-fingerprint-md5":
		skip = l.set.addDigest(ja3, first, r, 16)
	case "x509-fingerprint-sha1":
		skip = l.set.addDigest(certificate, first, r, 20)
	case "x509-fingerprint-sha256":
		skip = l.set.addDigest(certificate, first, r, 32)
	default:
		skip = Unsupported
	}
	l.took(skip, t["value"])
}

// seconds reads seconds since the epoch.
func seconds(s string) uint32 {
	var n uint32
	if _, err := fmt.Sscanf(s, "%d", &n); err != nil || n > uint32(maxTime) {
		return 0
	}
	return n
}

var maxTime = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

// guard bounds what the decoder keeps whole: strings, numbers, and the space between.
type guard struct {
	r      io.Reader
	err    error // of reading
	length int   // of what is under way
	inside bool
	escape bool
}

var (
	errString  = errors.New("a string is too long")
	errDeep    = errors.New("objects are nested too deep")
	errFollows = errors.New("something follows the document")
)

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	for i := range n {
		c := p[i]
		switch {
		case !g.inside:
			switch c {
			case '"':
				g.inside, g.length = true, 0
				continue
			case '{', '}', '[', ']', ',', ':':
				g.length = 0
				continue
			}
		case g.escape:
			g.escape = false
		case c == '\\':
			g.escape = true
		case c == '"':
			g.inside, g.length = false, 0
			continue
		}
		if g.length++; g.length > maxString {
			return i, errString
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		g.err = err
	}
	return n, err
}
