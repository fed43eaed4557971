package detect

import (
	"bytes"
	"strings"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
)

var contentThresholds = []Threshold{
	{"clear.content.mail", 512, "octets", "that a mail client sent: a look without a message is shorter"},
}

// content finds pictures, sound, forms and mail that go by without encryption.
type content struct {
	*Watch
	mail    uint64
	guarded *Table[conversation, struct{}] // mail that went on encrypted
}

func newContent(w *Watch) Detector {
	c := &content{Watch: w, mail: uint64(w.Threshold("clear.content.mail")), guarded: NewTable[conversation, struct{}](512)}
	return Detector{Fact: c.fact, Ended: c.ended, Facts: []string{"rtsp.sdp", "http.content_type", "mail.starttls"}}
}

func (c *content) fact(f *Fact) {
	from, to := f.Sender(), f.Receiver()
	switch f.Name {
	case "mail.starttls":
		c.guarded.Get(f.conversation())
	case "rtsp.sdp":
		if media := string(f.Lookup("media")); strings.Contains(media, "video") || strings.Contains(media, "audio") {
			c.raise(f, from, to, "rtsp", "description of "+media)
		}
	case "http.content_type":
		kind, _, _ := bytes.Cut(f.Value, []byte(";"))
		kind = bytes.ToLower(bytes.TrimSpace(kind))
		client := string(f.Lookup("side")) == "client"
		switch {
		case bytes.HasPrefix(kind, []byte("video/")), bytes.HasPrefix(kind, []byte("audio/")), string(kind) == "multipart/x-mixed-replace":
			c.raise(f, from, to, "rtp", "HTTP content of type "+text(kind))
		case bytes.HasPrefix(kind, []byte("image/")) && (client || string(f.Lookup("length")) == ""):
			c.raise(f, from, to, "image", "HTTP content of type "+text(kind))
		case string(f.Lookup("length")) == "0": // says nothing
		case client && (string(kind) == "application/x-www-form-urlencoded" || string(kind) == "multipart/form-data"):
			c.raise(f, from, to, "http", "HTTP form")
		}
	}
}

// raise tells of content on its way from one to another. What leaves a device is worse than what comes to it, as web
// pages do; and what leaves the house is worse than what stays.
func (c *content) raise(f *Fact, from, to Party, protocol, note string) {
	if !unicast(to.Addr) {
		return
	}
	there, back := protocol+" to "+to.Addr.Netip().String(), protocol+" from "+from.Addr.Netip().String()
	sent := c.Again(finding.ClearContent, from, to, there, finding.Low, f.Time)
	received := c.Again(finding.ClearContent, to, from, back, finding.Low, f.Time)
	if sent && received {
		return
	}
	s := Sighting{
		Kind: finding.ClearContent, Actor: from, Target: to, Key: there, Severity: finding.Low, Confidence: 0.9, Time: f.Time,
		Details: []finding.Detail{{Key: "protocol", Value: protocol}}, Evidence: f.Evidence(note),
		Weigh: func(v *View, d *device.Device) finding.Severity {
			switch seen := protocol == "rtp" || protocol == "rtsp" || protocol == "image"; {
			case !v.Outside(to):
				return finding.Low
			case seen && v.Kind(d) != device.General:
				return finding.High // pictures or sound of a home on the Internet
			case v.Kind(d) == device.General:
				return finding.Low
			}
			return finding.Medium
		},
	}
	if !sent {
		c.Raise(s)
	}
	if received {
		return
	}
	s.Actor, s.Target, s.Key = to, from, back
	s.Holds = func(v *View) bool { return v.Outside(from) && v.Kind(v.Owner(to)) != device.General }
	s.Weigh = nil
	c.Raise(s)
}

// ended finds mail: all of a conversation was to be seen.
func (c *content) ended(f *Flow) {
	switch f.Protocol {
	case "smtp", "pop3", "imap":
	default:
		return
	}
	if f.Payload[flow.Orig] < c.mail || c.guarded.Look(f.conversation()) != nil {
		return
	}
	client, server := f.Party(flow.Orig), f.Party(flow.Resp)
	c.Raise(Sighting{
		Kind: finding.ClearContent, Actor: client, Target: server, Key: f.Protocol, Severity: finding.Medium, Confidence: 0.9, First: f.First, Time: f.Last,
		Details: []finding.Detail{{Key: "protocol", Value: f.Protocol}}, Evidence: f.Evidence("mail without STARTTLS"),
		Weigh: func(v *View, _ *device.Device) finding.Severity {
			if v.Outside(server) {
				return finding.Medium
			}
			return finding.Low
		},
	})
}
