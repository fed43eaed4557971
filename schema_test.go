package plimsoll_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// digest is any SHA-256.
const digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

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
	"config.json": {
		good: `{"schema": "plimsoll.config/1", "file": "home.toml", "settings": [
			{"verb": "mud fetch", "name": "allow", "values": ["192.0.2.0/24"], "origin": "file", "where": "home.toml:3"},
			{"verb": "", "name": "lang", "values": [], "origin": "default", "where": ""}]}`,
		wrong: map[string][2]string{
			"an origin not in words":  {`"file", "where"`, `"rumour", "where"`},
			"a file without its line": {`"home.toml:3"`, `""`},
			"a default that is there": {`"default", "where": ""`, `"default", "where": "home.toml:4"`},
			"a value as text alone":   {`["192.0.2.0/24"]`, `"192.0.2.0/24"`},
		},
	},
	"config-check.json": {
		good: `{"schema": "plimsoll.config.check/1", "file": "home.toml", "ok": false, "problems": [{"line": 3, "key": "inspect.memry", "text": "t"}]}`,
		wrong: map[string][2]string{
			"wrong, and yet good": {`"ok": false`, `"ok": true`},
			"line 0":              {`"line": 3`, `"line": 0`},
			"nothing to say":      {`"text": "t"`, `"text": ""`},
		},
	},
	"guide-list.json": {
		good: `{"schema": "plimsoll.guide.list/1", "lang": "fr", "topics": [{"about": "scan.horizontal", "is": "kind", "title": "t"}]}`,
		wrong: map[string][2]string{
			"neither of the two": {`"kind"`, `"thing"`},
			"no topic":           {`{"about": "scan.horizontal", "is": "kind", "title": "t"}`, ``},
			"a title of nothing": {`"title": "t"`, `"title": ""`},
		},
	},
	"home-alert.json": {
		good: `{"schema": "plimsoll.home.alert/1", "id": "0123456789abcdef01234567", "lang": "fr", "home": "", "at": "2026-11-29T18:00:00Z", "test": false,
			"causes": [{"class": "harm", "device": "d1", "name": "porch", "what": "w", "do": ""}], "more": 0, "link": ""}`,
		wrong: map[string][2]string{
			"a class not in words":  {`"harm"`, `"bother"`},
			"nothing that is so":    {`[{"class": "harm", "device": "d1", "name": "porch", "what": "w", "do": ""}]`, `[]`},
			"a test with causes":    {`"test": false`, `"test": true`},
			"an identifier cut":     {"0123456789abcdef01234567", "0123"},
			"a cause of no word":    {`"what": "w"`, `"what": ""`},
			"a local time":          {`18:00:00Z`, `18:00:00`},
			"fewer than none, more": {`"more": 0`, `"more": -1`},
		},
	},
	"home-doctor.json": {
		good: `{"schema": "plimsoll.home.doctor/1", "checks": [{"name": "kernel", "verdict": "ok", "detail": "6.1.0"},
			{"name": "clock", "verdict": "problem", "do": "Set it."}]}`,
		wrong: map[string][2]string{
			"a verdict that is none":      {`"problem"`, `"bad"`},
			"a problem and nothing to do": {`, "do": "Set it."`, ``},
			"nothing wrong, and to do":    {`"problem"`, `"ok"`},
		},
	},
	"home-evidence.json": {
		good: `{"schema": "plimsoll.home.evidence/1", "version": "v", "at": "2026-11-27T00:00:00Z",
			"device": {"name": "porch", "kind": "iot", "category": "camera", "maker": "Lamps & Co", "model": "", "first": "2026-11-22T20:05:00Z", "last": "2026-11-22T20:05:01Z"},
			"label": {"maker": "Lamps & Co", "model": "L1", "gtin": "00012345678905", "support_until": "2030-01-01", "status": "active", "as_of": "2026-11-22T20:05:01Z"},
			"file": {"sha256": "` + digest + `", "origin": "learned", "body": {}},
			"beyond": [{"peer": "a.example", "service": "tcp/443", "count": 4}],
			"findings": [{"kind": "scan.horizontal", "role": "actor", "confidence": 0.9, "count": 2, "first": "2026-11-22T20:05:00Z", "last": "2026-11-22T20:05:01Z",
				"state": "open", "title": "t", "seen": "s"}],
			"traffic": [{"day": "2026-11-22", "peer": "a.example", "scope": "internet", "service": "tcp/443 tls", "flows": 1, "bytes_out": 1, "bytes_in": 0}]}`,
		wrong: map[string][2]string{
			"another version":      {"evidence/1", "evidence/2"},
			"an address of a link": {`"name": "porch"`, `"name": "porch", "mac": "02:00:5e:10:00:01"`},
			"a label of no number": {"00012345678905", "12"},
			"a digest cut":         {digest, digest[1:]},
			"surer than sure":      {"0.9", "1.9"},
			"nothing beyond":       {`"beyond": [{"peer": "a.example", "service": "tcp/443", "count": 4}],`, ``},
			"a scope of no word":   {`"internet"`, `"moon"`},
		},
	},
	"home-export.json": {
		good: `{"schema": "plimsoll.home.export/1", "version": "v", "at": "2026-11-27T00:00:00Z",
			"devices": [{"id": "d0123456789abcdef", "macs": ["02:00:5e:10:00:01"], "name": "", "room": "", "hostnames": null,
				"identity": {"kind": "iot", "maker": "", "model": "", "category": "camera", "confidence": 0.5, "because": null}, "addresses": ["192.0.2.7"],
				"first": "2026-11-22T20:05:00Z", "last": "2026-11-22T20:05:01Z", "mud": null, "admission": "full", "state": "free", "since": "2026-11-22T20:05:00Z",
				"exceptions": [{"name": "ntp.example", "service": "udp/123", "until": "2026-11-28T00:00:00Z"}], "controllers": [{"device": "d0123456789abcdef"}]}],
			"decisions": [{"seq": 1, "at": "2026-11-22T20:05:00Z", "actor": "uid:0", "verb": "release", "device": "d0123456789abcdef",
				"before": {"admission": "", "state": "learning", "since": "2026-11-22T20:05:00Z"}, "after": {"admission": "full", "state": "free", "since": "2026-11-22T20:05:00Z"}}],
			"files": [{"sha256": "` + digest + `", "at": "2026-11-22T20:05:00Z", "origin": "learned", "body": "e30="}],
			"makers": [{"url": "https://lamps.example/l.json", "current": {"sha256": "` + digest + `", "fetched": "2026-11-22T20:05:00Z", "state": "verified", "file": "e30="}}],
			"notes": [{"kind": "tls.weak", "device": "d0123456789abcdef", "role": "actor", "state": "muted", "last": "2026-11-22T20:05:00Z"}],
			"settings": {"name": "Cottage", "provider": {"name": "", "phone": ""}, "helper": {"name": "Ana", "phone": "1"}, "guest_page": true},
			"ticks": [{"list": "tune-up", "item": "backup", "at": "2026-11-22T20:05:00Z", "by": "page:owner"}]}`,
		wrong: map[string][2]string{
			"another version":           {"export/1", "export/2"},
			"a property more":           {`"room": ""`, `"room": "", "colour": "blue"`},
			"a device of no address":    {`["02:00:5e:10:00:01"]`, `[]`},
			"an ID that is none":        {`"id": "d0`, `"id": "x0`},
			"a state not in words":      {`"free"`, `"happy"`},
			"a service that is none":    {`udp/123`, `ntp`},
			"decision 0":                {`"seq": 1`, `"seq": 0`},
			"a digest cut":              {digest, digest[1:]},
			"a file of nobody":          {`"learned", "body"`, `"found", "body"`},
			"an open finding":           {`"muted"`, `"open"`},
			"a list of nobody":          {`"tune-up"`, `"asked"`},
			"a setting more":            {`"guest_page": true`, `"guest_page": true, "password": "x"`},
			"a decision that says less": {`"actor": "uid:0",`, ``},
		},
	},
	"home-week.json": {
		good: `{"schema": "plimsoll.home.week/1", "id": "0123456789abcdef01234567", "lang": "en", "home": "h", "from": "2026-11-22T18:00:00Z", "to": "2026-11-29T18:00:00Z",
			"sentence": "s", "devices": {"fine": 1, "check": 0, "act": 1, "unknown": 0}, "actions": [{"device": "d1", "name": "porch", "state": "act", "do": "d", "why": ""}],
			"more": "", "new": [{"device": "d2", "name": "lamp", "text": "t"}], "found": [], "labels": [], "support": [], "link": "https://plimsoll.home/en/"}`,
		wrong: map[string][2]string{
			"another version":       {"week/1", "week/2"},
			"a state not in words":  {`"state": "act"`, `"state": "bad"`},
			"a count of text":       {`"fine": 1`, `"fine": "1"`},
			"a state less":          {`"check": 0, `, ``},
			"nothing to say":        {`"sentence": "s"`, `"sentence": ""`},
			"a property more":       {`"found": []`, `"found": [], "score": 7`},
			"a mention of no name":  {`"name": "lamp", `, ``},
			"another language":      {`"en"`, `"de"`},
			"an identifier of ours": {"0123456789abcdef01234567", "week 2026-11-29"},
		},
	},
	"label-compare.json": {
		good: `{"schema": "plimsoll.label.compare/1", "products": [
			{"name": "a.label", "gtin": "09506000134352", "maker": "Example Lamps", "model": "LP-110", "genuine": true, "status": "active"},
			{"name": "b.png", "gtin": "00012345678905", "maker": "Example Lamps", "model": "LP-9", "genuine": true, "status": "suspended"}],
			"different": [{"topic": "verdict", "name": "Verdict", "values": ["Good to buy", "Avoid"], "known": [true, true]}], "same": []}`,
		wrong: map[string][2]string{
			"a status not in words": {`"active"`, `"fine"`},
			"a GTIN cut":            {`09506000134352`, `9506000134352`},
			"a value that is none":  {`"Avoid"`, `null`},
			"a property more":       {`"same"`, `"best": 1, "same"`},
		},
	},
	"cta-2120-corrected.json": { // what it mends is tested in internal/cta2120
		good: `{"schema_version": "1.0.0", "QR_code_url": "https://labels.example/c/ex-210", "product_name": "Example Cam", "manufacturer_name": "Example Cameras",
			"product_model": "EX-210", "version_and_model_numbers": "EX-210", "authorization_date": "2026-03-01", "authorized_by": {"name": "a", "contact": "c"},
			"tested_by": {"name": "a", "contact": "c"}, "sensor_data_collection": [{"sensing": "audio", "has": true}],
			"access_control": {"password_options": ["password"], "password_type": "user_generated"}, "securing_this_product": {"text": "t"},
			"security_update_information": {"update_default": "Manual", "update_options": ["Manual"]}, "support_date": "2031-03-01", "delete_data": {"text": "t"},
			"account_deactivation": {"text": "t"}, "encryption_and_key_management": {"text": "t"}, "general_user_information": {"text": "t"},
			"security_contact": "security@cameras.example", "sbom_hbom_available": {"sbom_maintained": true, "hbom_maintained": false},
			"created": "2026-02-27T16:20:00Z", "modified": "2026-03-01T00:00:00Z"}`,
		wrong: map[string][2]string{
			"a password of no type":      {`, "password_type": "user_generated"`, ``},
			"a member that is misspelt":  {`"product_name"`, `"product_nam"`},
			"other updates, not told of": {`"update_default": "Manual"`, `"update_default": "Other"`},
			"a day that is none":         {`"2031-03-01"`, `"soon"`},
		},
	},
	"label-import.json": {
		good: `{"schema": "plimsoll.cta-2120/1", "statement": {"maker": "Example Cameras", "model": "EX-210", "contact": "", "support_until": "2031-03-01"},
			"rest": {"schema_version": "1.0.0"}}`,
		wrong: map[string][2]string{
			"a day that is none": {`"2031-03-01"`, `"soon"`},
			"no rest":            {`{"schema_version": "1.0.0"}`, `null`},
		},
	},
	"registry-advisories.json": {
		good: `{"schema": "plimsoll.registry.advisories/1", "products": 1,
			"feeds": [{"location": "kev.json", "format": "kev", "records": 1, "kept": 1, "skipped": 0, "released": "2026-11-26T15:00:00Z", "problem": ""}],
			"matches": [{"product": "09506000134352", "maker": "Example Cameras", "model": "EX-210", "case": "CVE-2026-0001", "title": "t", "source": "cve",
				"record": "CVE-2026-0001", "sha256": "` + digest + `", "exploited": true, "says": "affected", "versions": "partly", "fixed": ["3.2.1"], "component": "",
				"confidence": 1, "reasons": [{"step": "maker", "result": "same", "theirs": "a", "ours": "b", "worth": 1}]}],
			"changes": [{"product": "09506000134352", "act": "suspend", "person": false, "to": "suspended", "cause": "CVE-2026-0001", "because": "exploited",
				"evidence": {"schema": "plimsoll.advisory.evidence/1", "by": "plimsoll.advisory.rules/1", "product": "p", "act": "suspend", "to": "suspended",
					"cause": "CVE-2026-0001", "because": "exploited", "confidence": 1, "threshold": 0.9, "reasons": [], "records": [
						{"source": "kev", "feed": "kev.json", "id": "CVE-2026-0001", "sha256": "` + digest + `"}]},
				"sha256": "` + digest + `"}]}`,
		wrong: map[string][2]string{
			"a confidence above one":  {`"confidence": 1, "reasons": [{`, `"confidence": 1.5, "reasons": [{`},
			"a match for no reason":   {`"reasons": [{"step": "maker", "result": "same", "theirs": "a", "ours": "b", "worth": 1}]`, `"reasons": []`},
			"a source not in words":   {`"source": "cve"`, `"source": "rumour"`},
			"an act not in words":     {`"act": "suspend", "person"`, `"act": "punish", "person"`},
			"evidence of other rules": {`rules/1`, `rules/2`},
			"a digest cut":            {`"sha256": "` + digest + `"}]}`, `"sha256": "e3b0"}]}`},
		},
	},
	"label-verify.json": {
		good: `{"schema": "plimsoll.label.verify/1", "genuine": true, "issuer": "Example Authority", "product": {"gtin": "09506000134352", "version": 1,
			"maker": "Example Lamps", "model": "LP-110", "profile": 1, "norms": {"etsi.5.1-1": "lab-tested"}, "issued": "2026-11-23", "status_index": 2,
			"sensors": ["power"], "practices": []}, "issued": "2026-11-23", "issued_proof": "landmark", "status": "active",
			"status_as_of": "2026-11-26T11:00:00Z", "support_until": "", "mud_url": "", "problems": ["p"]}`,
		wrong: map[string][2]string{
			"a status not in words": {`"active"`, `"fine"`},
			"a class not in words":  {`"lab-tested"`, `"sure"`},
			"a GTIN cut":            {`09506000134352`, `9506000134352`},
			"a day that is none":    {`"issued": "2026-11-23", "issued_proof"`, `"issued": "today", "issued_proof"`},
			"a property more":       {`"problems"`, `"secure": true, "problems"`},
		},
	},
	"learn.json": {
		good: `{"schema": "plimsoll.learn/1", "device": "02:00:5e:10:00:01",
			"sources": [{"first": "2026-11-22T20:05:00Z", "last": "2026-11-22T20:06:00Z", "packets": 9}],
			"enough": {"flows": 2, "days": 1, "span_ns": 60000000000, "settled_ns": 0, "missing": 0.5, "sure": "not-yet"},
			"entries": [{"entry": "to-lamps.example-tcp-443", "flows": 2, "packets": 9, "answered": 2, "first": "2026-11-22T20:05:00Z",
				"last": "2026-11-22T20:06:00Z", "days": ["2026-11-22"], "addresses": ["198.51.100.1"]}],
			"left_out": [{"why": "sweep", "service": "tcp/23", "flows": 90, "peers": 80, "first": "2026-11-22T20:05:00Z", "last": "2026-11-22T20:06:00Z"}],
			"lost": 0, "items": [{"began": true, "proto": 6, "scope": "internet", "peer": "lamps.example", "port": 443, "flows": 2, "packets": 9,
				"answered": 2, "first": "2026-11-22T20:05:00Z", "last": "2026-11-22T20:06:00Z", "days": ["2026-11-22"], "ipv4": true}]}`,
		wrong: map[string][2]string{
			"a verdict not in words": {"not-yet", "never"},
			"a share above one":      {"0.5", "1.5"},
			"a day that is none":     {`["2026-11-22"], "addresses"`, `["noon"], "addresses"`},
			"a reason not in words":  {`"sweep"`, `"whim"`},
		},
	},
	"product.json": {
		good: `{"schema": "plimsoll.product/1", "category": "plug", "gtin": "09506000134352", "maker": "Example Lamps", "model": "LP-110", "hardware": "B2",
			"firmware": {"from": "2.0", "to": ""}, "support_until": "2031-03-31", "mud_url": "https://mud.lamps.example/p", "sensors": ["power"], "practices": ["works-offline"]}`,
		wrong: map[string][2]string{
			"a category not in words":    {`"plug"`, `"plugs"`},
			"a GTIN cut":                 {`09506000134352`, `09506000134`},
			"no maker":                   {`"maker": "Example Lamps", `, ``},
			"a MUD URL without TLS":      {`https:`, `http:`},
			"a sensor not in words":      {`"power"`, `"smell"`},
			"classes without evidence":   {`"hardware": "B2"`, `"norms": {"etsi.5.1-1": "lab-tested"}`},
			"a word that is misspelt":    {`"support_until"`, `"suport_until"`},
			"an end of support in words": {`"2031-03-31"`, `"soon"`},
		},
	},
	"declaration.json": {
		good: `{"schema": "plimsoll.declaration/1", "by": "Example Lamps", "date": "2026-11-18", "gtin": "09506000134352", "model": "LP-110",
			"ics": {"conditions": {"15": true}, "features": {"a": false}, "provisions": [{"provision": "5.1-1", "support": "n/a", "justification": "j", "documents": ["d"]}]},
			"ixit": {"AuthMech": [{"id": "A", "description": "d", "factor": "password"}], "SoftServ": [{"id": "S", "description": "d", "ports": ["tcp/443"], "enabled": true}], "UserInfo": {"support_period": "2031-03-31"}},
			"documents": [{"id": "d", "title": "t", "kind": "manual", "sha256": "` + digest + `"}]}`,
		wrong: map[string][2]string{
			"a condition that is none":     {`"15"`, `"99"`},
			"a feature that is none":       {`"a": false`, `"zz": false`},
			"support not in words":         {`"n/a"`, `"maybe"`},
			"a table that is none":         {`"AuthMech"`, `"AuthMechs"`},
			"a row without identifier":     {`"id": "A", `, ``},
			"a port without protocol":      {`"tcp/443"`, `"443"`},
			"a factor not in words":        {`"password"`, `"luck"`},
			"a document without digest":    {`, "sha256": "` + digest + `"`, ``},
			"a member of another spelling": {`"description": "d", "factor"`, `"descr": "d", "factor"`},
			"nobody declares":              {`"by": "Example Lamps", `, ``},
		},
	},
	"probe.json": {
		good: `{"schema": "plimsoll.probe/1", "device": {"asked": "lamp", "address": "192.168.1.20", "mac": "02:00:5e:10:00:01", "interface": "eth0"},
			"started": "2026-11-22T20:05:00Z", "ended": "2026-11-22T20:06:00Z", "whole": true, "settings": {"pace_ms": 100, "login_pace_ms": 1000, "tries": 20},
			"tried": ["tcp/80"], "open": [{"port": "tcp/80", "service": "http", "tls": false, "banner": ""}], "told": {"makers": [], "models": ["LP-110"]},
			"keys": [{"port": "tcp/22", "kind": "ssh", "sha256": "` + digest + `"}],
			"checks": [{"check": "login.clear", "port": "tcp/80", "outcome": "bad", "detail": "d", "exchanges": [1]}],
			"exchanges": [{"n": 1, "at_ms": 0, "port": "tcp/80", "sent": "GET /", "received": "401", "octets_out": 80, "octets_in": 90, "took_ms": 3, "fault": ""}],
			"sha256": "` + digest + `"}`,
		wrong: map[string][2]string{
			"a check not in words":     {`"login.clear"`, `"login.luck"`},
			"an outcome not in words":  {`"bad"`, `"worse"`},
			"a port without protocol":  {`"tried": ["tcp/80"]`, `"tried": ["80"]`},
			"a fault not in words":     {`"fault": ""`, `"fault": "sad"`},
			"exchange 0":               {`"exchanges": [1]`, `"exchanges": [0]`},
			"a password kept":          {`"detail": "d"`, `"detail": "d", "password": "p"`},
			"a capital in a MAC":       {`"mac": "02:00:5e`, `"mac": "02:00:5E`},
			"it ended at no time":      {`"ended": "2026-11-22T20:06:00Z"`, `"ended": ""`},
			"a key of an unknown kind": {`"ssh"`, `"door"`},
		},
	},
	"label-assess.json": {
		good: `{"schema": "plimsoll.label.assess/1", "product": {"gtin": "09506000134352", "version": 1, "maker": "Example Lamps", "model": "LP-110", "profile": 1,
			"norms": {"etsi.5.1-1": "refuted"}, "sensors": [], "practices": [], "status_index": 0}, "category": "plug", "lab": "", "declaration": null,
			"evidence": [{"number": 1, "name": "probe.json", "kind": "probe", "sha256": "` + digest + `", "device": "", "first": "2026-11-22T20:05:00Z", "last": ""}],
			"summary": {"classes": {"not-claimed": 0, "declared": 0, "web-checked": 0, "seen": 0, "lab-tested": 0, "refuted": 1},
				"mandatory": {"inconclusive": 0, "pass": 0, "fail": 1, "not-applicable": 0}, "others": {"inconclusive": 0, "pass": 0, "fail": 0, "not-applicable": 0}},
			"norms": [{"norm": "etsi.5.1-1", "level": "M", "class": "refuted", "verdict": "fail", "reasons": [{"code": "c", "text": {"en": "t", "fr": "u"},
				"evidence": [{"source": 1, "at": "check 1"}]}], "raise": [], "first": "2026-11-22T20:05:00Z", "last": "", "sources": 1}], "problems": []}`,
		wrong: map[string][2]string{
			"a class not in words":   {`"class": "refuted"`, `"class": "fine"`},
			"a verdict not in words": {`"verdict": "fail"`, `"verdict": "secure"`},
			"a class for no reason": {`"reasons": [{"code": "c", "text": {"en": "t", "fr": "u"},
				"evidence": [{"source": 1, "at": "check 1"}]}]`, `"reasons": []`},
			"one language":             {`"fr": "u"`, `"de": "u"`},
			"a count less":             {`"seen": 0, `, ``},
			"evidence of unknown kind": {`"kind": "probe"`, `"kind": "rumour"`},
		},
	},
	"mud-check.json": {
		good: `{"schema": "plimsoll.mud.check/1", "file": "lamp.json", "ok": true, "form": "draft", "mud_url": "https://lamps.example/lamp.json",
			"is_supported": true, "aces": {"from": 1, "to": 0}, "names": ["cloud.lamps.example"],
			"problems": [{"level": "warning", "code": "cache.short", "path": "/ietf-mud:mud/cache-validity", "rfc": "8520 §3.5", "text": "t"}]}`,
		wrong: map[string][2]string{
			"a form not in words":  {`"draft"`, `"old"`},
			"a level not in words": {`"warning"`, `"bad"`},
			"a path that is none":  {`"/ietf-mud:mud/`, `"ietf-mud:mud/`},
			"no code":              {`"code": "cache.short", `, ``},
			"another section sign": {`8520 §3.5`, `RFC 8520, 3.5`},
		},
	},
	"mud-compile.json": {
		good: `{"schema": "plimsoll.policy/1", "device": "02:00:5e:10:00:01", "mud_url": "https://lamps.example/lamp.json", "addresses": ["192.0.2.7"],
			"entries": [{"number": 1, "acl": "from", "name": "cloud", "origin": "declared", "direction": "from-device", "action": "accept", "matches": "beginnings",
				"family": "ipv4", "service": "tcp/443", "peers": [{"class": "name", "value": "cloud.lamps.example"}], "addresses": ["198.51.100.7/32"],
				"peer_ports": [[443, 443]], "own_ports": [], "text": "t"}]}`,
		wrong: map[string][2]string{
			"an action not in words":    {`"accept"`, `"allow"`},
			"a direction not in words":  {`"from-device"`, `"out"`},
			"a class not in words":      {`"class": "name"`, `"class": "friend"`},
			"a port out of range":       {`[[443, 443]]`, `[[443, 70000]]`},
			"an address without length": {`"198.51.100.7/32"`, `"198.51.100.7"`},
			"a capital in a MAC":        {"02:00:5e", "02:00:5E"},
			"nobody says what matches":  {`"matches": "beginnings",`, ``},
		},
	},
	"mud-diff.json": {
		good: `{"schema": "plimsoll.mud.diff/1", "old": "a", "new": "b", "grows": true, "changes": [{"change": "widened", "starts": "device",
			"peer": {"kind": "name", "value": "lamps.example", "address": "", "text": "t"}, "service": {"protocol": "tcp", "ports": [[443, 443]], "name": "HTTPS", "text": "t"},
			"family": "ipv4", "before": {"peer": {"kind": "anyone", "value": "", "address": "", "text": "t"}, "service": {"protocol": "", "ports": [], "name": "", "text": "t"}}, "text": "t"}]}`,
		wrong: map[string][2]string{
			"a change not in words": {`"widened"`, `"more"`},
			"either may begin":      {`"device"`, `"either"`},
			"a port out of range":   {`[443, 443]`, `[443, 70000]`},
			"a peer of no kind":     {`"anyone"`, `""`},
		},
	},
	"mud-fetch.json": {
		good: `{"schema": "plimsoll.mud.fetch/1", "url": "https://lamps.example/lamp.json",
			"current": {"sha256": "` + digest + `", "bytes": 900, "state": "verified", "usable": true, "reason": "", "signer": "CN=lamps",
				"signed": "2026-11-01T00:00:00Z", "expired": false, "fetched": "2026-11-22T20:05:00Z", "approved_by": "", "notes": ["n"]},
			"next": null, "checked": "2026-11-22T20:05:00Z", "due": "", "fault": ""}`,
		wrong: map[string][2]string{
			"a state not in words": {`"verified"`, `"trusted"`},
			"a digest cut":         {digest, digest[1:]},
			"a property less":      {`"next": null,`, ``},
			"octets below none":    {`900`, `-1`},
		},
	},
	"mud-qr.json": {
		good: `{"schema": "plimsoll.mud.qr/1", "file": "lamp.json", "payload": "p", "brand": "Lamps", "product": "", "model": "L1",
			"mud_url": "https://lamps.example/lamp.json", "mac": "02:00:5e:10:00:01", "modules": 45}`,
		wrong: map[string][2]string{
			"no brand":           {`"Lamps"`, `""`},
			"a URL not of https": {`https:`, `http:`},
			"a MAC cut":          {`:00:01"`, `"`},
			"no code so small":   {`45`, `20`},
		},
	},
	"mud-rehearse.json": {
		good: `{"schema": "plimsoll.rehearse/1", "flows": {"total": 2, "allowed": 1, "stopped": 1}, "stopped": [{"flow": "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
			"peer": "cloud.lamps.example", "service": "tcp/8080", "count": 1, "guess": "g", "direction": "from-device", "text": "t"}]}`,
		wrong: map[string][2]string{
			"a Community ID cut":       {"PMibrg=", "PMib"},
			"what never happened":      {`"count": 1`, `"count": 0`},
			"a service that is none":   {"tcp/8080", "HTTP tcp"},
			"a direction not in words": {"from-device", "out"},
			"no guess":                 {`"guess": "g", `, ``},
		},
	},
	"mud-scan.json": {
		good: `{"schema": "plimsoll.mud.scan/1", "mud_url": "https://lamps.example/lamp.json", "brand": "Lamps", "product": "", "model": "L1", "mac": "",
			"dropped_query": "x=1", "skipped": ["S001"]}`,
		wrong: map[string][2]string{
			"a URL with a query":  {`lamp.json"`, `lamp.json?x"`},
			"an identifier short": {`"S001"`, `"S1"`},
		},
	},
	"mud-show.json": {
		good: `{"schema": "plimsoll.mud.show/1", "file": "lamp.json", "mud_url": "https://lamps.example/lamp.json", "maker": "", "model": "", "systeminfo": "",
			"is_supported": false, "last_update": "2026-01-02T03:04:05Z", "permissions": [{"allowed": true, "starts": "either",
				"peer": {"kind": "local-networks", "value": "", "address": "224.0.0.251/32", "text": "t"}, "services": [{"protocol": "udp", "ports": [], "name": "", "text": "t"}]}], "dead": 0}`,
		wrong: map[string][2]string{
			"nobody begins":       {`"either"`, `""`},
			"no service":          {`[{"protocol": "udp", "ports": [], "name": "", "text": "t"}]`, `[]`},
			"a protocol by names": {`"udp"`, `"UDP"`},
			"a local time":        {`04:05Z`, `04:05`},
		},
	},
	"mud-verify.json": {
		good: `{"schema": "plimsoll.mud.verify/1", "file": "lamp.json", "sha256": "` + digest + `", "verified": false, "signer": "CN=lamps",
			"signed": "2026-11-01T00:00:00Z", "expired": true, "chain": ["CN=lamps"], "problem": "trust", "text": "t"}`,
		wrong: map[string][2]string{
			"a problem not in words": {`"trust"`, `"bad"`},
			"a time that is none":    {`"2026-11-01T00:00:00Z"`, `"yesterday"`},
			"a property more":        {`"text"`, `"colour": 1, "text"`},
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
	"norms.json": {
		good: `{"schema": "plimsoll.norms/1",
			"sources": [{"id": "etsi-en-303-645-3.1.3", "title": {"en": "t", "fr": "u"}, "publisher": {"en": "ETSI", "fr": "ETSI"}, "edition": "V3.1.3",
				"date": "2024-09", "url": "https://www.example.com/", "counts": {"M": 36, "R": 42}, "conditions": {"14": {"en": "c", "fr": "d"}},
				"features": {"e": {"en": "f", "fr": "g"}}, "references": [{"id": "table", "text": {"en": "r", "fr": "s"}}]}],
			"norms": [{"id": "etsi.5.1-5", "source": "etsi-en-303-645-3.1.3", "source_id": "5.1-5",
				"status": {"level": "M", "conditions": ["14"], "features": ["e"]},
				"history": [{"edition": "V2.1.1", "source_id": "5.1-5", "status": "M C(5)", "state": "unverified"}],
				"title": {"en": "t", "fr": "u"}, "text": {"en": "t", "fr": "u"}, "pillar": "resiliency", "assessment": "probe",
				"also": ["declare"], "channel": "lan", "evidence": "both", "how": {"en": "h", "fr": "i"}, "related": ["cra.I.2d"],
				"sources": ["table"], "state": "unverified", "reason": {"en": "w", "fr": "x"}}],
			"kernel": [{"id": "kernel.few-ways-in", "title": {"en": "t", "fr": "u"}, "text": {"en": "t", "fr": "u"},
				"norms": ["etsi.5.1-5", "ota.15"], "cta_2120": ["access_control"], "note": {"en": "n", "fr": "o"}}]}`,
		wrong: map[string][2]string{
			"a norm of no source":          {`"id": "etsi.5.1-5"`, `"id": "5.1-5"`},
			"a state without its reason":   {`, "reason": {"en": "w", "fr": "x"}`, ``},
			"a reason against nothing":     {`"state": "unverified", "reason"`, `"state": "verified", "reason"`},
			"a pillar in other spelling":   {`"resiliency"`, `"resilience"`},
			"evidence that proves":         {`"evidence": "both"`, `"evidence": "prove"`},
			"one language only":            {`"how": {"en": "h", "fr": "i"}`, `"how": {"en": "h"}`},
			"a word for nobody":            {`"note": {"en": "n", "fr": "o"}`, `"note": {"en": "n", "fr": ""}`},
			"an edition that says nothing": {`, "source_id": "5.1-5", "status": "M C(5)", "state": "unverified"`, ``},
			"a kernel of one":              {`"norms": ["etsi.5.1-5", "ota.15"]`, `"norms": ["etsi.5.1-5"]`},
			"a title that runs on":         {`"title": {"en": "t", "fr": "u"}, "text": {"en": "t", "fr": "u"}, "pillar"`, `"title": {"en": "` + strings.Repeat("t", 61) + `", "fr": "u"}, "text": {"en": "t", "fr": "u"}, "pillar"`},
		},
	},
	"registry-accounts.json": {
		good: `{"schema": "plimsoll.registry.accounts/1", "accounts": [{"id": "body", "name": "Example", "role": "certification-body", "since": "2026-11-27T11:00:00Z",
			"keys": [{"public": "AAAA", "from": "2026-11-27"}], "blocks": [{"first": 0, "size": 65536}]}]}`,
		wrong: map[string][2]string{
			"a role not in words":     {`"certification-body"`, `"king"`},
			"a day that is none":      {`"from": "2026-11-27"`, `"from": "now"`},
			"a block that is no size": {`"size": 65536`, `"size": -1`},
		},
	},
	"registry-audit.json": {
		good: `{"schema": "plimsoll.registry.audit/1", "audit": [{"seq": 1, "at": "2026-11-27T11:00:00Z", "account": "body", "action": "grant", "subject": "s", "outcome": "done"}]}`,
		wrong: map[string][2]string{
			"no outcome":   {`, "outcome": "done"`, ``},
			"a local time": {`11:00:00Z`, `11:00`},
		},
	},
	"registry-dump.json": {
		good: `{"schema": "plimsoll.registry.dump/1", "made": "2026-11-27T11:00:00Z", "labels": 2, "sha256": "` + digest + `", "signature": "AAAA"}`,
		wrong: map[string][2]string{
			"no signature":  {`, "signature": "AAAA"`, ``},
			"a digest less": {digest, digest[1:]},
		},
	},
	"registry-label.json": {
		good: `{"schema": "plimsoll.registry.label/1", "id": "` + digest + `", "issuer": {"id": "body", "name": "Example", "role": "certification-body"}, "product": {"gtin": "09506000134352",
			"version": 1, "maker": "Example Lamps", "model": "LP-110", "profile": 1, "norms": {"etsi.5.1-1": "lab-tested"}, "issued": "2026-11-27", "status_index": 2, "sensors": [],
			"practices": []}, "category": "light", "status": "suspended", "changed": "2026-11-27T12:00:00Z", "granted": "2026-11-27T11:00:00Z", "leaf": 3, "picture": "https://registry.example/api/v1/pictures/` + digest + `", "changes": [{"number": 1,
			"verb": "suspend", "status": "suspended", "at": "2026-11-27T12:00:00Z", "reason": "exploited", "note": "", "by": {"id": "registry", "name": "Example", "role": "scheme-owner"},
			"evidence": ["` + digest + `"], "leaf": 4, "record": "AAAA"}], "label": "AAAA"}`,
		wrong: map[string][2]string{
			"a status not in words": {`"status": "suspended", "changed"`, `"status": "fine", "changed"`},
			"a reason not in words": {`"exploited"`, `"whim"`},
			"change 0":              {`"number": 1`, `"number": 0`},
			"a property more":       {`"leaf": 3`, `"leaf": 3, "secure": true`},
			"a picture by number":   {`"picture": "https`, `"picture": 7, "x": "https`},
			"a GTIN cut":            {`09506000134352`, `9506000134352`},
			"no base64":             {`"label": "AAAA"`, `"label": "<b>"`},
		},
	},
	"registry-people.json": {
		good: `{"schema": "plimsoll.registry.people/1", "people": [{"name": "bea", "account": "authority", "since": "2026-11-27T11:00:00Z", "passkeys": 1}]}`,
		wrong: map[string][2]string{
			"no account": {`"account": "authority", `, ``},
			"a password": {`"name": "bea"`, `"name": "bea", "password": "x"`},
		},
	},
	"registry-product.json": {
		good: `{"schema": "plimsoll.registry.product/1", "gtin": "09506000134352", "maker": "Example Lamps", "model": "LP-110", "category": "light", "labels": [{"schema": "plimsoll.registry.label/1", "id": "` + digest + `", "issuer": {"id": "body", "name": "Example", "role": "certification-body"}, "product": {"gtin": "09506000134352",
			"version": 1, "maker": "Example Lamps", "model": "LP-110", "profile": 1, "norms": {"etsi.5.1-1": "lab-tested"}, "issued": "2026-11-27", "status_index": 2, "sensors": [],
			"practices": []}, "category": "light", "status": "suspended", "changed": "2026-11-27T12:00:00Z", "granted": "2026-11-27T11:00:00Z", "leaf": 3, "picture": "https://registry.example/api/v1/pictures/` + digest + `", "changes": [{"number": 1,
			"verb": "suspend", "status": "suspended", "at": "2026-11-27T12:00:00Z", "reason": "exploited", "note": "", "by": {"id": "registry", "name": "Example", "role": "scheme-owner"},
			"evidence": ["` + digest + `"], "leaf": 4, "record": "AAAA"}], "label": "AAAA"}]}`,
		wrong: map[string][2]string{
			"no label":     {`"labels": [`, `"labels": [], "x": [`},
			"another GTIN": {`"gtin": "09506000134352", "maker": "Example Lamps", "model": "LP-110", "category"`, `"gtin": "1", "maker": "Example Lamps", "model": "LP-110", "category"`},
		},
	},
	"registry-keys.json": {
		good: `{"schema": "plimsoll.registry.keys/1", "log": "log.registry.example/labels", "size": 2, "issuers": [
			{"name": "authority", "key": "` + digest + `", "from": "2026-11-27"}, {"name": "lab", "key": "` + digest + `", "from": "2026-11-27", "until": "2027-11-27"}]}`,
		wrong: map[string][2]string{
			"a key cut":          {digest, digest[1:]},
			"a day that is none": {`"2027-11-27"`, `"never"`},
			"a property more":    {`"size"`, `"trust": 1, "size"`},
		},
	},
	"registry-monitor.json": {
		good: `{"schema": "plimsoll.registry.monitor/1", "log": "log.registry.example/labels", "before": 1, "size": 4, "root": "` + digest + `",
			"cosigned": "2026-11-27T09:00:00Z", "leaves": [
			{"index": 1, "kind": "grant", "issuer": "authority", "label": "` + digest + `", "gtin": "09506000134352", "day": "2026-11-27"},
			{"index": 2, "kind": "status", "issuer": "authority", "label": "` + digest + `", "at": "2026-11-27T09:00:00Z", "status": "suspended", "reason": "exploited", "evidence": "` + digest + `"},
			{"index": 3, "kind": "landmark", "issuer": "", "day": "2026-11-27", "digest": "` + digest + `", "labels": 1}],
			"alarms": [{"kind": "unexpected", "index": 1, "issuer": "authority", "text": "t", "detail": "d"}]}`,
		wrong: map[string][2]string{
			"an alarm not in words": {`"unexpected"`, `"strange"`},
			"a kind not in words":   {`"grant"`, `"gift"`},
			"a status not in words": {`"suspended"`, `"unknown"`},
			"a leaf before all":     {`"index": 2`, `"index": -2`},
			"an alarm without text": {`"text": "t"`, `"text": ""`},
		},
	},
	"registry-proof.json": {
		good: `{"schema": "plimsoll.registry.proof/1", "log": "log.registry.example/labels", "leaf": "` + digest + `", "index": 1, "size": 2, "cosigned": ""}`,
		wrong: map[string][2]string{
			"a log of nothing":    {`"size": 2`, `"size": 0`},
			"a time that is none": {`"cosigned": ""`, `"cosigned": "now"`},
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
