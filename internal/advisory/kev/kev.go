// Package kev reads CISA’s catalogue of Known Exploited Vulnerabilities.
//
// Its entries name a maker, a product in free text, and a CVE, and no versions: those are in the record of the CVE.
package kev

import (
	"encoding/json"
	"io"
	"time"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/record"
)

type entry struct {
	CVE       string `json:"cveID"`
	Vendor    string `json:"vendorProject"`
	Product   string `json:"product"`
	Name      string `json:"vulnerabilityName"`
	DateAdded string `json:"dateAdded"`
}

// Read reads a catalogue and gives its entries.
func Read(r io.Reader, give func(*advisory.Advisory) error) (record.Head, error) {
	head := record.Head{Whole: true}
	var released time.Time
	err := record.List(r, []string{"vulnerabilities"}, func(raw json.RawMessage) error {
		var e entry
		if record.Unmarshal(raw, &e) != nil || e.CVE == "" {
			head.Skipped++
			return nil
		}
		added := record.Time(e.DateAdded)
		head.See(added)
		return give(&advisory.Advisory{
			Source: advisory.KEV, Kind: advisory.Flaw, ID: record.Text(e.CVE), Names: []string{record.Text(e.CVE)}, Title: record.Text(e.Name),
			Published: added, Modified: added, Exploited: true, Digest: record.Digest(raw),
			Affected: []advisory.Affected{{Says: advisory.IsAffected, Maker: record.Text(e.Vendor), Product: record.Text(e.Product)}},
		})
	}, func(name string, raw json.RawMessage) {
		var s string
		if name == "dateReleased" && json.Unmarshal(raw, &s) == nil {
			released = record.Time(s)
		}
	})
	if !released.IsZero() {
		head.Released = released
	}
	return head, err
}
