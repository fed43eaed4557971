//go:build !gateway

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
)

// monitorReport is what schema/registry-monitor.json describes.
type monitorReport struct {
	Schema string         `json:"schema"`
	Log    string         `json:"log"`
	Before uint64         `json:"before"` // leaves that were seen before
	Size   uint64         `json:"size"`
	Root   string         `json:"root"` // hexadecimal
	At     string         `json:"cosigned"`
	Leaves []monitorLeaf  `json:"leaves"`
	Alarms []monitorAlarm `json:"alarms"`
}

type monitorLeaf struct {
	Index    uint64          `json:"index"`
	Kind     string          `json:"kind"`
	Issuer   string          `json:"issuer"`
	Label    string          `json:"label,omitempty"` // leaf hash, hexadecimal
	GTIN     string          `json:"gtin,omitempty"`
	Day      label.Day       `json:"day,omitzero"` // issued, supported until, key from or until, closed
	At       string          `json:"at,omitempty"`
	Status   label.Status    `json:"status,omitempty"`
	Reason   labellog.Reason `json:"reason,omitempty"`
	Evidence string          `json:"evidence,omitempty"`
	Key      string          `json:"key,omitempty"`
	Digest   string          `json:"digest,omitempty"`
	Labels   *uint64         `json:"labels,omitempty"`
}

type monitorAlarm struct {
	Kind   labellog.AlarmKind `json:"kind"`
	Index  uint64             `json:"index"`
	Issuer string             `json:"issuer"`
	Text   string             `json:"text"`
	Detail string             `json:"detail"`
}

type watchedLog struct {
	policy, log, issuer, state, bundle, registryKey string
	expect, checkpoints                             []string
	asJSON                                          bool
}

func newRegistryMonitor(e env, words *locale.Catalogue) *cobra.Command {
	var in watchedLog
	c := &cobra.Command{Use: "monitor", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		if in.policy == "" || in.log == "" {
			return wrongUsage("error.registry.log.flags")
		}
		if (in.bundle == "") != (in.registryKey == "") {
			return wrongUsage("error.registry.monitor.bundle")
		}
		m, err := in.monitor(e)
		if err != nil {
			return err
		}
		report, err := m.Check(c.Context())
		if err != nil {
			return logFault(err, in.log)
		}
		if in.asJSON {
			err = printJSON(e.out, newMonitorReport(words, report))
		} else {
			err = tellMonitor(e, words, report)
		}
		if err == nil && len(report.Alarms) > 0 {
			err = &fault{errFound, "error.registry.alarms", []any{"n", len(report.Alarms)}}
		}
		if err == nil && in.issuer != "" { // of somebody whom the log does not know nothing can be wrong
			names := []string{}
			for _, i := range report.Issuers {
				if !slices.Contains(names, i.Name) {
					names = append(names, i.Name)
				}
			}
			if !slices.Contains(names, in.issuer) {
				err = &fault{fs.ErrNotExist, "error.registry.monitor.issuer", []any{"name", in.issuer, "list", names}}
			}
		}
		return err
	}}
	f := c.Flags()
	f.StringVar(&in.policy, "policy", "", "")
	f.StringVar(&in.log, "log", "", "")
	f.StringVar(&in.issuer, "issuer", "", "")
	f.StringArrayVar(&in.expect, "expect", nil, "")
	f.StringArrayVar(&in.checkpoints, "checkpoint", nil, "")
	f.StringVar(&in.bundle, "bundle", "", "")
	f.StringVar(&in.registryKey, "registry-key", "", "")
	f.StringVar(&in.state, "state", "", "")
	f.BoolVar(&in.asJSON, "json", false, "")
	return c
}

func (in *watchedLog) monitor(e env) (*labellog.Monitor, error) {
	p, err := readPolicy(in.policy)
	if err != nil {
		return nil, err
	}
	r, err := labellog.NewReader(in.log, logClient())
	if err != nil {
		return nil, err
	}
	m := &labellog.Monitor{Reader: r, Policy: p, Issuer: in.issuer, State: filepath.Join(stateDir(in.state, e.getenv), "monitor")}
	for _, name := range in.expect {
		if m.Expected == nil {
			m.Expected = map[[32]byte]bool{}
		}
		if err := expected(name, m.Expected); err != nil {
			return nil, err
		}
	}
	for _, name := range in.checkpoints {
		data, err := readFile(name, labellog.MaxCheckpoint)
		if err != nil {
			return nil, err
		}
		m.Others = append(m.Others, data)
	}
	if in.bundle == "" {
		return m, nil
	}
	data, err := readFile(in.bundle, label.MaxBundle)
	if err != nil {
		return nil, err
	}
	m.BundleDigest = sha256.Sum256(data)
	m.Bundle, err = readBundle(in.bundle, in.registryKey)
	return m, err
}

// maxExpected bounds a file of what an issuer expects, octets: a million digests.
const maxExpected = 80 << 20

// expected reads what an issuer expects: a label, or SHA-256 in hexadecimal digits, one a line.
func expected(name string, into map[[32]byte]bool) error {
	data, err := readFile(name, maxExpected)
	if err != nil {
		return err
	}
	if l, err := label.ParseEnvelope(data[:min(len(data), maxLabel)]); err == nil {
		into[label.LeafHash(l.Label)] = true
		return nil
	}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		var digest [32]byte
		if n, err := hex.Decode(digest[:], line[:min(len(line), 64)]); err != nil || n != 32 || len(line) != 64 {
			return &fault{key: "error.registry.expect", args: []any{"name", name, "line", number}}
		}
		into[digest] = true
	}
	return nil
}

func newMonitorReport(words *locale.Catalogue, r *labellog.Report) *monitorReport {
	m := &monitorReport{
		Schema: "plimsoll.registry.monitor/1", Log: r.Now.Origin, Size: r.Now.Size, Root: hex.EncodeToString(r.Now.Root[:]), At: cosigned(r.Now),
		Leaves: []monitorLeaf{}, Alarms: []monitorAlarm{},
	}
	if r.Before != nil {
		m.Before = r.Before.Size
	}
	for i := range r.Leaves {
		m.Leaves = append(m.Leaves, newMonitorLeaf(&r.Leaves[i]))
	}
	for _, a := range r.Alarms {
		m.Alarms = append(m.Alarms, monitorAlarm{a.Kind, a.Index, a.Issuer, alarmText(words, a), a.Detail})
	}
	return m
}

func newMonitorLeaf(s *labellog.Seen) monitorLeaf {
	l := monitorLeaf{Index: s.Index, Issuer: s.Issuer}
	if s.Hash != [32]byte{} {
		l.Label = hex.EncodeToString(s.Hash[:])
	}
	at := func(t time.Time) { l.At = t.Format(time.RFC3339) }
	switch leaf := s.Leaf.(type) {
	case labellog.Grant:
		l.Kind = "grant"
		if s.Label != nil {
			l.GTIN, l.Day = s.Label.GTIN14(), s.Label.Issued
		}
	case labellog.StatusChange:
		l.Kind, l.Status, l.Reason, l.Evidence = "status", leaf.Status, leaf.Reason, hex.EncodeToString(leaf.Evidence[:])
		at(leaf.At)
	case labellog.SupportDate:
		l.Kind, l.Day, l.Evidence = "support", leaf.Until, hex.EncodeToString(leaf.Evidence[:])
		at(leaf.At)
	case labellog.KeyAdded:
		l.Kind, l.Day, l.Key = "key-added", leaf.From, hex.EncodeToString(leaf.Key)
		at(leaf.At)
	case labellog.KeyEnded:
		l.Kind, l.Day, l.Key = "key-ended", leaf.Until, hex.EncodeToString(leaf.Key)
		at(leaf.At)
	case labellog.Digest:
		l.Kind, l.Digest = "bundle", hex.EncodeToString(leaf.SHA256[:])
		if leaf.Of == labellog.StatusListFile {
			l.Kind = "status-list"
		}
		at(leaf.At)
	case labellog.Landmark:
		l.Kind, l.Day, l.Digest, l.Labels = "landmark", leaf.Day, hex.EncodeToString(leaf.Root[:]), &leaf.Labels
	}
	return l
}

// alarmText says an alarm to a person.
func alarmText(words *locale.Catalogue, a labellog.Alarm) string {
	return words.Text("registry.alarm."+string(a.Kind), "index", a.Index, "issuer", a.Issuer)
}

// tellMonitor says what is new, whose it is, and what is wrong.
func tellMonitor(e env, words *locale.Catalogue, r *labellog.Report) error {
	before := uint64(0)
	if r.Before != nil {
		before = r.Before.Size
	}
	lines := []string{words.Text("registry.monitor", "log", r.Now.Origin, "size", r.Now.Size, "before", before)}
	for i := range r.Leaves {
		l := newMonitorLeaf(&r.Leaves[i])
		day := ""
		if l.Day != 0 {
			day = words.Date(l.Day.Time())
		}
		status := ""
		if l.Status != "" {
			status = words.Text("label.status." + string(l.Status))
		}
		lines = append(lines, words.Text("registry.leaf."+l.Kind, "index", l.Index, "issuer", l.Issuer, "day", day, "status", status,
			"gtin", l.GTIN, "label", short(l.Label), "key", short(l.Key), "digest", short(l.Digest)))
	}
	for _, a := range r.Alarms {
		lines = append(lines, words.Text("registry.alarm", "text", alarmText(words, a)), "  "+a.Detail)
	}
	if len(r.Alarms) == 0 {
		lines = append(lines, words.Text("registry.calm"))
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(e.out, printable(l)); err != nil {
			return err
		}
	}
	return nil
}

// short is enough of a digest to tell it by.
func short(digest string) string { return digest[:min(len(digest), 16)] }
