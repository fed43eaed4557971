// Package eve writes findings as EVE JSON, a line each, in the shape that Suricata gives its alerts, so that whatever
// takes those takes these. docs/eve.md says which field is what.
package eve

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
)

// event is one line. The names, and their order, are Suricata's; what it has no place for is under plimsoll.
type event struct {
	Timestamp   string  `json:"timestamp"`
	FlowID      uint64  `json:"flow_id,omitempty"`
	Packet      uint64  `json:"pcap_cnt,omitempty"`
	EventType   string  `json:"event_type"`
	SrcIP       string  `json:"src_ip,omitempty"`
	SrcPort     uint16  `json:"src_port,omitempty"`
	DestIP      string  `json:"dest_ip,omitempty"`
	DestPort    uint16  `json:"dest_port,omitempty"`
	Proto       string  `json:"proto,omitempty"`
	CommunityID string  `json:"community_id,omitempty"`
	Alert       alert   `json:"alert"`
	File        string  `json:"pcap_filename,omitempty"`
	Plimsoll    details `json:"plimsoll"`
}

type alert struct {
	Action      string              `json:"action"`
	GID         int                 `json:"gid"`
	SignatureID int                 `json:"signature_id"`
	Rev         int                 `json:"rev"`
	Signature   string              `json:"signature"`
	Category    string              `json:"category"`
	Severity    int                 `json:"severity"` // 1 is the worst
	Metadata    map[string][]string `json:"metadata"`
}

// details are what a finding has beside.
type details struct {
	Finding    string            `json:"finding"`
	Kind       finding.Kind      `json:"kind"`
	Role       finding.Role      `json:"role"`
	Severity   finding.Severity  `json:"severity"`
	Confidence float64           `json:"confidence"`
	First      string            `json:"first"`
	Last       string            `json:"last"`
	Count      uint64            `json:"count"`
	Device     about             `json:"device"`
	Title      map[string]string `json:"title"` // by language
	Seen       map[string]string `json:"seen"`
	Evidence   []proof           `json:"evidence"`
}

// about is the device that a finding is about.
type about struct {
	ID        string      `json:"id"`
	MAC       string      `json:"mac"`
	Name      string      `json:"name"`
	Addresses []string    `json:"addresses"`
	Kind      device.Kind `json:"kind"`
	Category  string      `json:"category"`
	Maker     string      `json:"maker"`
	Model     string      `json:"model"`
}

type proof struct {
	Packets     []uint64 `json:"packets"`
	File        string   `json:"pcap_filename,omitempty"`
	CommunityID string   `json:"community_id,omitempty"`
	Note        string   `json:"note,omitempty"`
}

// Write writes a line for each finding, in the order in which they were raised.
func Write(w io.Writer, r *inspect.Result) error {
	devices := make(map[string]*inspect.Device, len(r.Devices))
	for i := range r.Devices {
		devices[r.Devices[i].ID] = &r.Devices[i]
	}
	words := locale.New(locale.English)
	var events []event
	for i := range r.Findings {
		e, err := newEvent(&r.Findings[i], devices[r.Findings[i].Device], r.Capture.Files, words)
		if err != nil {
			return err
		}
		events = append(events, e)
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for i := range events {
		if err := out.Encode(&events[i]); err != nil {
			return err
		}
	}
	return nil
}

func newEvent(f *inspect.Finding, d *inspect.Device, files []string, words *locale.Catalogue) (event, error) {
	detected, err := time.Parse(time.RFC3339Nano, f.Detected)
	if err != nil {
		return event{}, fmt.Errorf("time of finding %s: %w", f.ID, err)
	}
	s := of(f.Kind)
	e := event{
		Timestamp: detected.UTC().Format("2006-01-02T15:04:05.000000-0700"), EventType: "alert",
		Alert: alert{
			Action: "allowed", GID: 1, SignatureID: s.id, Rev: 1, Signature: "PLIMSOLL " + string(f.Kind) + " " + s.text,
			Category: s.category, Severity: severity(f.Severity),
			Metadata: map[string][]string{
				"kind": {string(f.Kind)}, "role": {string(f.Role)}, "confidence": {confidence(f.Confidence)}, "signature_severity": {grave(f.Severity)},
			},
		},
		Plimsoll: details{
			Finding: f.ID, Kind: f.Kind, Role: f.Role, Severity: f.Severity, Confidence: f.Confidence, First: f.First, Last: f.Last, Count: f.Count,
			Device: about{ID: f.Device, Addresses: []string{}, Kind: device.Unknown}, Title: map[string]string{}, Seen: map[string]string{}, Evidence: []proof{},
		},
	}
	if len(f.Norms) > 0 {
		e.Alert.Metadata["norm"] = f.Norms
	}
	for lang, text := range f.Text {
		e.Plimsoll.Title[lang], e.Plimsoll.Seen[lang] = text.Title, text.Seen
	}
	for i := range f.Evidence {
		x := &f.Evidence[i]
		p := proof{Packets: x.Packets, CommunityID: x.Flow, Note: x.Note}
		if int(x.File) < len(files) && len(x.Packets) > 0 {
			p.File = files[x.File]
		}
		e.Plimsoll.Evidence = append(e.Plimsoll.Evidence, p)
	}
	if len(f.Evidence) > 0 {
		x := &f.Evidence[0]
		e.CommunityID, e.FlowID = x.Flow, flowID(x.Flow)
		e.SrcIP, e.SrcPort = end(x.Ends.From)
		e.DestIP, e.DestPort = end(x.Ends.To)
		e.Proto = protocol(x.Ends.Proto)
		if len(x.Packets) > 0 {
			e.Packet, e.File = x.Packets[0], e.Plimsoll.Evidence[0].File
		}
	}
	if d == nil {
		return e, nil
	}
	e.Plimsoll.Device = about{
		ID: d.ID, MAC: d.MAC, Name: inspect.Name(d, words), Addresses: append([]string{}, d.Addresses...),
		Kind: d.Identity.Kind, Category: d.Identity.Category, Maker: d.Identity.Maker, Model: d.Identity.Model,
	}
	if e.SrcIP == "" && e.DestIP == "" && len(d.Addresses) > 0 { // nothing in it spoke IP
		if f.Role == finding.Actor {
			e.SrcIP = d.Addresses[0]
		} else {
			e.DestIP = d.Addresses[0]
		}
	}
	return e, nil
}

// end is an address and its port, as text; empty where there is none.
func end(a netip.AddrPort) (string, uint16) {
	if !a.Addr().IsValid() {
		return "", 0
	}
	return a.Addr().String(), a.Port()
}

// protocol is a transport as Suricata names it.
func protocol(p uint8) string {
	switch p {
	case 0:
		return ""
	case frame.ProtoTCP:
		return "TCP"
	case frame.ProtoUDP:
		return "UDP"
	case frame.ProtoICMP:
		return "ICMP"
	case frame.ProtoICMPv6:
		return "IPv6-ICMP"
	case frame.ProtoIGMP:
		return "IGMP"
	}
	return fmt.Sprint(p)
}

// flowID is a number for the flow, made of its Community ID; it is small enough for a reader that keeps numbers as
// binary64.
func flowID(community string) uint64 {
	_, text, _ := strings.Cut(community, ":")
	sum, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(sum) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(sum) >> 11
}

// severity is Suricata's: 1 is the worst, and 4 asks for nothing.
func severity(s finding.Severity) int {
	return [...]int{finding.Info: 4, finding.Low: 3, finding.Medium: 2, finding.High: 1, finding.Critical: 1}[s]
}

// grave and confidence are words that rules commonly have in their metadata.
func grave(s finding.Severity) string {
	return [...]string{finding.Info: "Informational", finding.Low: "Minor", finding.Medium: "Minor", finding.High: "Major", finding.Critical: "Critical"}[s]
}

func confidence(x float64) string {
	switch {
	case x >= 0.9:
		return "High"
	case x >= 0.7:
		return "Medium"
	}
	return "Low"
}
