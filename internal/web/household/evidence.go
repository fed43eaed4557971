package household

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/internal/web/page"
)

// EvidenceSchema names the shape of evidence, which schema/home-evidence.json describes.
const EvidenceSchema = "plimsoll.home.evidence/1"

// evidence is what was promised of a device beside what it did, to go along with a letter. No link-layer address is in it
// that the gateway saw, and nothing of other devices but the IP addresses that it talked to.
type evidence struct {
	Schema   string            `json:"schema"`
	Version  string            `json:"version"` // of the program
	At       time.Time         `json:"at"`
	Device   evidenceDevice    `json:"device"`
	Label    *evidenceLabel    `json:"label,omitempty"`
	File     *evidenceFile     `json:"file,omitempty"` // what it may do
	Beyond   []evidenceBeyond  `json:"beyond"`         // what it did, or tried, beyond that, as far as is remembered
	Findings []evidenceFinding `json:"findings"`
	Traffic  []evidenceTraffic `json:"traffic"` // of the days that are shown, by day and peer
}

type evidenceDevice struct {
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	Category string    `json:"category"`
	Maker    string    `json:"maker"`
	Model    string    `json:"model"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
}

type evidenceLabel struct {
	Maker   string    `json:"maker"`
	Model   string    `json:"model"`
	GTIN    string    `json:"gtin"`
	Support string    `json:"support_until,omitempty"`
	Status  string    `json:"status"`
	AsOf    time.Time `json:"as_of"`
}

type evidenceFile struct {
	SHA256 string          `json:"sha256"`
	Origin string          `json:"origin"`
	Body   json.RawMessage `json:"body"` // RFC 8520; of a file that was learned, without link-layer addresses
}

type evidenceBeyond struct {
	Peer    string `json:"peer"`
	Service string `json:"service"`
	Count   uint64 `json:"count"`
}

type evidenceFinding struct {
	Kind       finding.Kind   `json:"kind"`
	Role       finding.Role   `json:"role"`
	Confidence float64        `json:"confidence"`
	Count      uint64         `json:"count"`
	First      time.Time      `json:"first"`
	Last       time.Time      `json:"last"`
	State      home.NoteState `json:"state"`
	Title      string         `json:"title"` // in the language of the address
	Seen       string         `json:"seen"`
}

type evidenceTraffic struct {
	Day     string `json:"day"` // UTC
	Peer    string `json:"peer"`
	Scope   string `json:"scope"`
	Service string `json:"service"`
	Flows   uint64 `json:"flows"`
	Out     uint64 `json:"bytes_out"`
	In      uint64 `json:"bytes_in"`
}

func (p *Pages) evidence(r *page.Request, d *home.Device) (*page.View, error) {
	x, err := p.newEvidence(r, d)
	if err != nil {
		return nil, err
	}
	body, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return nil, err
	}
	return &page.View{File: &page.File{Name: "plimsoll-" + d.ID + "-" + p.Now().UTC().Format(time.DateOnly) + ".json", Type: "application/json", Body: body}}, nil
}

func (p *Pages) newEvidence(r *page.Request, d *home.Device) (*evidence, error) {
	now, id := p.Now(), d.Is()
	name := outwardName(r.Words, d)
	x := &evidence{
		Schema: EvidenceSchema, Version: p.site.Version, At: now.UTC(), Beyond: []evidenceBeyond{}, Findings: []evidenceFinding{}, Traffic: []evidenceTraffic{},
		Device: evidenceDevice{name, string(id.Kind), id.Category, id.Maker, id.Model, d.First.UTC(), d.Last.UTC()},
	}
	l, err := p.labelOf(r, d)
	if err != nil {
		return nil, err
	}
	if l != nil {
		s := l.Statement
		x.Label = &evidenceLabel{s.Maker, s.Model, s.GTIN14(), home.DayOrNone(s.Support), string(l.Status), l.AsOf.UTC()}
	}
	if d.File != "" {
		_, kept, err := p.file(r, d.File)
		if err != nil {
			return nil, err
		}
		x.File = &evidenceFile{kept.SHA256, kept.Origin, kept.Body}
		if kept.Origin == home.Learned { // it has the address in its URL
			x.File.Body = []byte(unlinked(string(kept.Body)))
		}
		beyond, err := p.Rehearse(r.Context(), d, false, r.Words)
		if err != nil && !errors.Is(err, home.ErrNoFile) && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if beyond == nil {
			beyond = &policy.RehearsalDocument{}
		}
		for _, s := range beyond.Stopped {
			x.Beyond = append(x.Beyond, evidenceBeyond{unlinked(s.Peer), s.Service, s.Count})
		}
	}
	findings, err := p.History.Findings(r.Context(), d.ID, mostFindings)
	if err != nil {
		return nil, err
	}
	for i := range findings {
		f := &findings[i]
		t := guide.Explain(r.Words, &f.Finding, name)
		x.Findings = append(x.Findings, evidenceFinding{
			f.Kind, f.Role, f.Confidence, f.Count, time.Unix(0, f.First).UTC(), time.Unix(0, f.Last).UTC(), f.State, unlinked(t.Title), strings.ToValidUTF8(unlinked(t.Seen), "?"),
		})
	}
	traffic, err := p.History.Traffic(r.Context(), d.ID, 24*time.Hour, p.ago(), now, mostTraffic)
	if err != nil {
		return nil, err
	}
	for i := range traffic {
		t := &traffic[i]
		x.Traffic = append(x.Traffic, evidenceTraffic{t.At.UTC().Format(time.DateOnly), unlinked(t.Peer), t.Scope, t.Service, t.Flows, t.Out, t.In})
	}
	return x, nil
}
