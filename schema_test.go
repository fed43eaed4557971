package plimsoll_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// examples are one good instance of each schema; good ones stay good, and each change to them below is refused.
var examples = map[string]struct {
	good  string
	wrong map[string][2]string // what is wrong: old text, new text
}{
	"inspect.json": {
		good: `{"schema": "plimsoll.inspect/1",
			"capture": {"files": ["home.pcapng"], "packets": 2, "bytes": 120, "first": "2026-11-22T20:05:00.000000001Z", "last": "2026-11-22T20:05:01Z",
				"link_types": ["EN10MB"], "cut": false, "undecoded": 0, "evicted": {"flows": 0, "devices": 0}, "warnings": []},
			"devices": [{"id": "d1", "mac": "02:00:5e:10:00:01", "macs": ["02:00:5e:10:00:01"], "randomised": true,
				"addresses": ["192.0.2.7", "fe80::1"], "hostnames": ["lamp"], "first": "2026-11-22T20:05:00Z", "last": "2026-11-22T20:05:01Z",
				"identity": {"kind": "iot", "maker": "Example", "model": "", "category": "light", "confidence": 0.9,
					"because": [{"fact": "dhcp.vendor_class", "value": "lamp", "packet": 1, "weight": 1.5}]},
				"mud_url": {"url": "https://example.com/lamp.json", "via": "dhcpv4"},
				"traffic": {"flows": 1, "bytes_out": 60, "bytes_in": 60, "packets_out": 1, "packets_in": 1},
				"peers": [{"name": "example.com", "addresses": ["198.51.100.1"], "scope": "internet", "services": ["tcp/443 tls"], "bytes": 120}],
				"others": {"flows": 0, "bytes": 0}, "carries": true, "findings": ["f1"],
				"grade": {"state": "unknown", "because": ["watch.short"], "would_change": ["watch.longer"],
					"evidence": {"identified": true, "watched_ns": 1000000000, "packets": 1, "understood": 0.5, "whole": true}}}],
			"findings": [{"id": "f1", "kind": "tls.weak", "device": "d1", "role": "actor", "severity": "low", "confidence": 1,
				"norms": ["etsi.5.5-1"], "direction": "refutes", "first": "2026-11-22T20:05:00Z", "last": "2026-11-22T20:05:00Z",
				"detected": "2026-11-22T20:05:00Z", "count": 1,
				"text": {"en": {"title": "t", "seen": "s", "sure": "u", "why": "w", "do": ["d"], "undo": "", "who": [], "call": ["c"]},
					"fr": {"title": "t", "seen": "s", "sure": "u", "why": "w", "do": [], "undo": "z", "who": ["w"], "call": []}},
				"evidence": [{"packets": [1], "file": 1, "flow": "1:LQU9qZlK+B5F3KDmev6m5PMibrg=", "note": ""}]}]}`,
		wrong: map[string][2]string{
			"another version":         {"plimsoll.inspect/1", "plimsoll.inspect/2"},
			"a property more":         {`"cut": false`, `"cut": false, "colour": "blue"`},
			"a property less":         {`"cut": false,`, ``},
			"a category not in words": {`"light"`, `"lamp"`},
			"confidence above one":    {"0.9", "1.9"},
			"a capital in a MAC":      {`"mac": "02:00:5e`, `"mac": "02:00:5E`},
			"a name as an address":    {"192.0.2.7", "lamp.local"},
			"a local time":            {"20:05:01Z", "20:05:01-05:00"},
			"packet 0 as evidence":    {`"packets": [1]`, `"packets": [0]`},
			"a grade of no word":      {`"state": "unknown"`, `"state": "safe"`},
			"a grade for no reason":   {`["watch.short"]`, `[]`},
			"one language only":       {`"fr": {`, `"de": {`},
			"a text without a cell":   {`"undo": "",`, ``},
			"file 0 by number":        {`"file": 1`, `"file": 0`},
		},
	},
	"guide.json": {
		good: `{"schema": "plimsoll.guide/1", "lang": "fr", "about": "camera", "title": "caméra", "cells": [` +
			`{"topic": "privacy", "stage": "before", "text": "t", "source": "s"}, {"topic": "privacy", "stage": "use", "text": "t"}, {"topic": "privacy", "stage": "trouble", "text": "t"}, ` +
			`{"topic": "security", "stage": "before", "text": "t"}, {"topic": "security", "stage": "use", "text": "t"}, {"topic": "security", "stage": "trouble", "text": "t"}, ` +
			`{"topic": "functionality", "stage": "before", "text": "t"}, {"topic": "functionality", "stage": "use", "text": "t"}, {"topic": "functionality", "stage": "trouble", "text": "t"}]}`,
		wrong: map[string][2]string{
			"a topic not in words": {`"privacy", "stage": "use"`, `"price", "stage": "use"`},
			"a cell less":          {`, {"topic": "privacy", "stage": "use", "text": "t"}`, ``},
			"an empty text":        {`"text": "t"}]`, `"text": ""}]`},
			"another language":     {`"fr"`, `"de"`},
		},
	},
	"flow.json": {
		good: `{"ts": 1795377900.25, "uid": "1", "id.orig_h": "192.0.2.7", "id.orig_p": 40000, "id.resp_h": "198.51.100.1", "id.resp_p": 443,
			"proto": "tcp", "service": "tls", "duration": 1.5, "orig_bytes": 517, "resp_bytes": 4000, "conn_state": "SF", "history": "ShADadFf",
			"orig_pkts": 9, "resp_pkts": 8, "community_id": "1:LQU9qZlK+B5F3KDmev6m5PMibrg=", "orig_l2_addr": "02:00:5e:10:00:01",
			"resp_l2_addr": "02:00:5e:10:00:02", "names": ["example.com"], "ja3": "e7d705a3286e19ea42f587b344ee6865",
			"ja3s": "ae4edc6faf64d08308082ad26be60767", "ja4": "t13d1516h2_8daaf6152771_e5627efa2ab1", "initiator": "syn"}`,
		wrong: map[string][2]string{
			"a port out of range":     {"40000", "70000"},
			"a state Zeek has not":    {`"SF"`, `"OPEN"`},
			"a Community ID cut":      {"PMibrg=", "PMib"},
			"an encumbered print":     {`"ja4"`, `"ja4` + `s"`},
			"a JA4 without its hash":  {"_e5627efa2ab1", ""},
			"a guess without a word":  {`"syn"`, `""`},
			"time as text":            {"1795377900.25", `"now"`},
			"no names, not even none": {`"names": ["example.com"],`, ``},
		},
	},
	"eve.json": {
		good: `{"timestamp": "2026-11-22T20:05:00.000000+0000", "flow_id": 12, "pcap_cnt": 12, "event_type": "alert", "src_ip": "192.0.2.7", "src_port": 40000,
			"dest_ip": "198.51.100.1", "dest_port": 23, "proto": "TCP", "community_id": "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
			"alert": {"action": "allowed", "gid": 1, "signature_id": 1876001, "rev": 1, "signature": "PLIMSOLL scan.horizontal one service", "category": "c",
				"severity": 1, "metadata": {"kind": ["scan.horizontal"], "role": ["actor"], "confidence": ["High"], "signature_severity": ["Major"]}},
			"plimsoll": {"finding": "f1", "kind": "scan.horizontal", "role": "actor", "severity": "high", "confidence": 0.9, "first": "2026-11-22T20:05:00Z",
				"last": "2026-11-22T20:05:00Z", "count": 3, "device": {"id": "d1", "mac": "02:00:5e:10:00:01", "name": "lamp", "addresses": ["192.0.2.7"],
				"kind": "iot", "category": "light", "maker": "", "model": ""}, "title": {"en": "t", "fr": "t"}, "seen": {"en": "s", "fr": "s"},
				"evidence": [{"packets": [1], "community_id": "1:LQU9qZlK+B5F3KDmev6m5PMibrg="}]}}`,
		wrong: map[string][2]string{
			"a time of RFC 3339":     {"000000+0000", "000000Z"},
			"a number of no kind":    {"1876001", "2000001"},
			"a severity of 0":        {`"severity": 1`, `"severity": 0`},
			"a port without address": {`"src_ip": "192.0.2.7"`, `"src_ip": ""`},
			"one language":           {`"title": {"en": "t", "fr": "t"}`, `"title": {"en": "t"}`},
			"a word as metadata":     {`["actor"]`, `"actor"`},
		},
	},
	"fact.json": {
		good: `{"ts": 1795377900.25, "packet": 12, "device": "02:00:5e:10:00:01", "fact": "dhcp.vendor_class", "value": "lamp", "fields": {"code": "60"}}`,
		wrong: map[string][2]string{
			"packet 0":          {"12", "0"},
			"a fact of nobody":  {`"device": "02:00:5e:10:00:01",`, ``},
			"a bare name":       {"dhcp.vendor_class", "vendor"},
			"a number as field": {`"60"`, `60`},
		},
	},
}

func TestSchemasTakeWhatIsRightAndRefuseWhatIsWrong(t *testing.T) {
	files, err := filepath.Glob("schema/*.json")
	if err != nil || len(files) != len(examples) {
		t.Fatalf("schema/ holds %v (%v), and there are examples of %d", files, err, len(examples))
	}
	for name, example := range examples {
		t.Run(name, func(t *testing.T) {
			s := compile(t, filepath.Join("schema", name))
			if err := validate(s, example.good); err != nil {
				t.Errorf("the good one: %v", err)
			}
			for fault, change := range example.wrong {
				text := strings.Replace(example.good, change[0], change[1], 1)
				if text == example.good {
					t.Errorf("%s: the example has no %q", fault, change[0])
				}
				if validate(s, text) == nil {
					t.Errorf("%s: accepted", fault)
				}
			}
		})
	}
}

func compile(t *testing.T, file string) *jsonschema.Schema {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(file, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(s *jsonschema.Schema, text string) error {
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(instance)
}

// The schema and the program must speak of the same categories.
func TestSchemaHasTheCategoriesOfTheCatalogue(t *testing.T) {
	var schema struct {
		Defs struct {
			Identity struct {
				Properties struct {
					Category struct{ Enum []string } `json:"category"`
				} `json:"properties"`
			} `json:"identity"`
		} `json:"$defs"`
	}
	var words map[string]any
	for name, to := range map[string]any{"schema/inspect.json": &schema, "internal/locale/en.json": &words} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, to); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	enum := schema.Defs.Identity.Properties.Category.Enum
	if len(enum) < 20 {
		t.Fatalf("categories in the schema: %v", enum)
	}
	for _, c := range enum {
		if _, ok := words["category."+c]; c != "" && !ok {
			t.Errorf("category %q has no word in the catalogue", c)
		}
	}
}
