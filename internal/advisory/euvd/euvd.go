// Package euvd reads answers of ENISA’s EU Vulnerability Database: lists of records, with or without a page around them.
//
// The lists are windows on the last records, not catalogues. Whoever asks the service names itself: it refuses the
// default names of libraries.
package euvd

import (
	"encoding/json"
	"io"
	"strings"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/record"
	"plimsoll.example/plimsoll/internal/advisory/version"
)

type entry struct {
	ID             string `json:"id"`
	Description    string `json:"description"`
	Published      string `json:"datePublished"`
	Updated        string `json:"dateUpdated"`
	Aliases        string `json:"aliases"`
	ExploitedSince string `json:"exploitedSince"`
	Products       []struct {
		Product struct {
			Name   string `json:"name"`
			Vendor name   `json:"vendor"`
		} `json:"product"`
		Version string `json:"product_version"`
	} `json:"enisaIdProduct"`
	Vendors []struct {
		Vendor name `json:"vendor"`
	} `json:"enisaIdVendor"`
}

type name struct {
	Name string `json:"name"`
}

// Read reads an answer and gives its records.
func Read(r io.Reader, give func(*advisory.Advisory) error) (head record.Head, err error) {
	err = record.List(r, []string{"items"}, func(raw json.RawMessage) error {
		var e entry
		if record.Unmarshal(raw, &e) != nil || !strings.HasPrefix(e.ID, "EUVD-") {
			head.Skipped++
			return nil
		}
		a := e.read()
		a.Digest = record.Digest(raw)
		head.See(a.Modified)
		return give(a)
	}, nil)
	return head, err
}

func (e *entry) read() *advisory.Advisory {
	title, _, _ := strings.Cut(strings.TrimSpace(e.Description), "\n")
	a := &advisory.Advisory{
		Source: advisory.EUVD, Kind: advisory.Flaw, ID: record.Text(e.ID), Title: record.Text(title), Published: record.Time(e.Published),
		Modified: record.Time(e.Updated), Exploited: e.ExploitedSince != "",
		Names: append([]string{record.Text(e.ID)}, record.Texts(strings.Fields(e.Aliases))...),
	}
	// Makers and products stand in two lists: with several makers, whose which product is cannot be told.
	maker := ""
	if len(e.Vendors) == 1 {
		maker = e.Vendors[0].Vendor.Name
	}
	for _, p := range e.Products[:min(len(e.Products), record.MaxAffected)] {
		own := p.Product.Vendor.Name
		if own == "" {
			own = maker
		}
		f := advisory.Affected{Says: advisory.IsAffected, Maker: record.Text(own), Product: record.Text(p.Product.Name)}
		v := record.Text(p.Version)
		if span, ok := version.ParseSpan(v); ok {
			f.Versions = []version.Span{span}
			if span.Before != "" {
				f.Fixed = []string{span.Before}
			}
		}
		a.Affected = append(a.Affected, f)
	}
	return a
}
