package mud_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/mud"
)

// good is a file with which nothing is wrong. What each kind of problem is about is a change of it.
const good = `{
  "ietf-mud:mud": {
    "mud-version": 1,
    "mud-url": "https://mud.lamps.example/lamp.json",
    "last-update": "2026-01-02T03:04:05Z",
    "mud-signature": "https://mud.lamps.example/lamp.p7s",
    "cache-validity": 48,
    "is-supported": true,
    "systeminfo": "A lamp",
    "mfg-name": "Lamps Inc.",
    "model-name": "L1",
    "from-device-policy": {"access-lists": {"access-list": [{"name": "from"}]}},
    "to-device-policy": {"access-lists": {"access-list": [{"name": "to"}]}}
  },
  "ietf-access-control-list:acls": {
    "acl": [
      {"name": "from", "type": "ipv4-acl-type", "aces": {"ace": [
        {"name": "cloud", "matches": {"ipv4": {"protocol": 6, "ietf-acldns:dst-dnsname": "cloud.lamps.example"}, "tcp": {"ietf-mud:direction-initiated": "from-device", "destination-port": {"operator": "eq", "port": 443}}}, "actions": {"forwarding": "accept"}}
      ]}},
      {"name": "to", "type": "ipv4-acl-type", "aces": {"ace": [
        {"name": "cloud", "matches": {"ipv4": {"protocol": 6, "ietf-acldns:src-dnsname": "cloud.lamps.example"}, "tcp": {"ietf-mud:direction-initiated": "from-device", "source-port": {"operator": "eq", "port": 443}}}, "actions": {"forwarding": "accept"}}
      ]}}
    ]
  }
}
`

func TestNothingIsWrongWithAGoodFile(t *testing.T) {
	f, problems, err := mud.Check([]byte(good), true)
	if err != nil || len(problems) > 0 || f.Form != mud.RFC {
		t.Errorf("form %s, problems %v, %v", f.Form, problems, err)
	}
}

// fault is a change of the good file, and where its problem is.
type fault struct{ old, new, path string }

const (
	mudPath  = "/ietf-mud:mud"
	fromList = "/ietf-access-control-list:acls/acl/0"
	toList   = "/ietf-access-control-list:acls/acl/1"
	fromACE  = fromList + "/aces/ace/0"
	toACE    = toList + "/aces/ace/0"
	dstName  = `"ietf-acldns:dst-dnsname": "cloud.lamps.example"`
	srcName  = `"ietf-acldns:src-dnsname": "cloud.lamps.example"`
	port443  = `"destination-port": {"operator": "eq", "port": 443}`
	aType    = `"type": "ipv4-acl-type"`
	system   = `"systeminfo": "A lamp"`
)

// entry puts an entry before the one to the cloud.
func entry(text string) string { return `"aces": {"ace": [` + text + `,` }

const firstEntry = `"aces": {"ace": [`

// another is the entry to the cloud, by another name.
const another = `{"name": "x", "matches": {"ipv4": {"protocol": 6, "ietf-acldns:dst-dnsname": "cloud.lamps.example"}, "tcp": {"ietf-mud:direction-initiated": "from-device", "destination-port": {"operator": "eq", "port": 443}}}, "actions": {"forwarding": "accept"}}`

var faults = map[string]fault{
	"file.size":      {system, `"systeminfo": "` + strings.Repeat("x", mud.MaxBytes) + `"`, ""},
	"file.utf8":      {"A lamp", "A l\xffmp", ""},
	"file.depth":     {system, `"x": ` + strings.Repeat("[", 40) + strings.Repeat("]", 40), mudPath + "/x" + strings.Repeat("/0", mud.MaxDepth-2)},
	"file.nodes":     {system, `"x": [` + strings.Repeat("0,", mud.MaxNodes) + `0]`, mudPath + "/x/99991"},
	"file.entries":   {firstEntry, firstEntry + entries(mud.MaxEntries-1), toList + "/aces/ace/0"},
	"file.problems":  {system, `"x": 0` + many(mud.MaxProblems), ""},
	"json.syntax":    {`"A lamp",`, `"A lamp"`, mudPath},
	"json.more":      {"\n}\n", "\n}\n{}", ""},
	"json.duplicate": {system, `"systeminfo": "a", "systeminfo": "b"`, mudPath + "/systeminfo"},

	"yang.type":       {`"A lamp"`, `7`, mudPath + "/systeminfo"},
	"yang.missing":    {`"is-supported": true,`, ``, mudPath},
	"yang.character":  {"A lamp", `A\u0001lamp`, mudPath + "/systeminfo"},
	"yang.length":     {system, `"extensions": ["` + strings.Repeat("x", 41) + `"]`, mudPath + "/extensions/0"},
	"yang.empty":      {`"name": "from"}`, `"name": ""}`, mudPath + "/from-device-policy/access-lists/access-list/0/name"},
	"yang.uri":        {system, `"documentation": "here"`, mudPath + "/documentation"},
	"yang.number":     {`"port": 443`, `"port": 65536`, fromACE + "/matches/tcp/destination-port/port"},
	"yang.time":       {"2026-01-02T03:04:05Z", "yesterday", mudPath + "/last-update"},
	"yang.word":       {`"eq", "port": 443}}}, "actions": {"forwarding": "accept"`, `"eq", "port": 443}}}, "actions": {"forwarding": "maybe"`, fromACE + "/actions/forwarding"},
	"yang.binary":     {port443, `"options": "?"`, fromACE + "/matches/tcp/options"},
	"yang.prefix":     {dstName, `"destination-ipv4-network": "2001:db8::/32"`, fromACE + "/matches/ipv4/destination-ipv4-network"},
	"yang.mac":        {`"ipv4": {"protocol": 6, ` + dstName, `"eth": {"source-mac-address": "x"}, "ipv4": {"protocol": 6, ` + dstName, fromACE + "/matches/eth/source-mac-address"},
	"yang.host":       {`-dnsname": "cloud.`, `-dnsname": "cloud..`, fromACE + "/matches/ipv4/ietf-acldns:dst-dnsname"},
	"yang.ethertype":  {`"ipv4": {"protocol": 6, ` + dstName, `"eth": {"ethertype": "mud"}, "ipv4": {"protocol": 6, ` + dstName, fromACE + "/matches/eth/ethertype"},
	"yang.empty-leaf": {`"ipv4": {"protocol": 6, ` + dstName, `"ietf-mud:mud": {"local-networks": "yes"}, "ipv4": {"protocol": 6`, fromACE + "/matches/ietf-mud:mud/local-networks"},
	"yang.twice":      {system, `"extensions": ["a", "a"]`, mudPath + "/extensions/1"},
	"yang.qualified":  {`"systeminfo"`, `"ietf-mud:systeminfo"`, mudPath + "/ietf-mud:systeminfo"},
	"yang.unknown":    {system, `"colour": "red"`, mudPath + "/colour"},

	"mud.root":            {"\n}\n", `, "colour": "red"}`, "/colour"},
	"mud.version":         {`"mud-version": 1`, `"mud-version": 2`, mudPath + "/mud-version"},
	"time.calendar":       {"2026-01-02T03:04:05Z", "2019-18-06T03:56:40.105+10:00", mudPath + "/last-update"}, // as drafts of RFC 9761 have it
	"transparency.name":   {system, transparent(`"contact-info": "tel:+1"`), mudPath + "/ietf-mud-transparency:transparency/contact-info"},
	"cache.range":         {`: 48`, `: 169`, mudPath + "/cache-validity"},
	"policy.missing-acl":  {`[{"name": "from"}]`, `[{"name": "form"}]`, mudPath + "/from-device-policy"},
	"policy.twice":        {`[{"name": "from"}]`, `[{"name": "from"}, {"name": "from"}]`, mudPath + "/from-device-policy/access-lists/access-list/1"},
	"acl.twice":           {`{"name": "to", "type"`, `{"name": "from", "type"`, toList},
	"acl.type":            {aType, `"type": "ipx-acl-type"`, fromList + "/type"},
	"acl.name-length":     {`"name": "cloud"`, `"name": "` + strings.Repeat("n", 65) + `"`, fromACE + "/name"},
	"acl.host-bits":       {dstName, `"destination-ipv4-network": "192.0.2.1/24"`, fromACE + "/matches/ipv4/destination-ipv4-network"},
	"acl.eth":             {`"ipv4": {"protocol": 6, ` + dstName, `"eth": {"ethertype": 2054}, "ipv4": {"protocol": 6, ` + dstName, fromACE + "/matches/eth"},
	"acl.not-in-mud":      {`"forwarding": "accept"}`, `"forwarding": "accept", "logging": "log-syslog"}`, fromACE + "/actions/logging"},
	"ace.twice":           {firstEntry, entry(strings.Replace(another, `"x"`, `"cloud"`, 1)), fromList + "/aces/ace/1"},
	"ace.unknown":         {`"protocol": 6, `, `"protocol": 6, "colour": "red", `, fromACE + "/matches/ipv4/colour"},
	"ace.choice":          {`"tcp": {`, `"udp": {}, "tcp": {`, fromACE + "/matches"},
	"port.order":          {`"operator": "eq", "port": 443`, `"lower-port": 2, "upper-port": 1`, fromACE + "/matches/tcp/destination-port"},
	"port.choice":         {`"operator": "eq", "port": 443`, `"operator": "eq"`, fromACE + "/matches/tcp/destination-port"},
	"dns.wildcard":        {`-dnsname": "cloud.`, `-dnsname": "*.`, fromACE + "/matches/ipv4/ietf-acldns:dst-dnsname"},
	"transparency.choice": {system, transparent(`"sbom-local-well-known": "https", "sbom-contact-uri": "tel:+1"`), mudPath + "/ietf-mud-transparency:transparency"},
	"transparency.prefix": {system, strings.Replace(transparent(`"sbom-local-well-known": "https"`), "ietf-mud-transparency", "mudtx", 1), mudPath + "/mudtx:transparency"},
	"signature.relative":  {`"https://mud.lamps.example/lamp.p7s"`, `"lamp.p7s"`, mudPath + "/mud-signature"},

	"draft.bom":           {"{\n  \"ietf-mud:mud\"", "\ufeff{\n  \"ietf-mud:mud\"", ""},
	"draft.prefix":        {"ietf-acldns:dst-dnsname", "dst-dnsname", fromACE + "/matches/ipv4/dst-dnsname"},
	"draft.name":          {"ietf-access-control-list:acls", "ietf-access-control-list:access-lists", "/ietf-access-control-list:access-lists"},
	"draft.boolean":       {`"is-supported": true`, `"is-supported": "true"`, mudPath + "/is-supported"},
	"draft.empty":         {`"ipv4": {"protocol": 6, ` + dstName, `"ietf-mud:mud": {"local-networks": []}, "ipv4": {"protocol": 6`, fromACE + "/matches/ietf-mud:mud/local-networks"},
	"draft.number":        {`"port": 443`, `"port": "443"`, fromACE + "/matches/tcp/destination-port/port"},
	"draft.time":          {"2026-01-02T03:04:05Z", "2026-01-02T03:04:05+0100", mudPath + "/last-update"},
	"draft.prefix-length": {dstName, `"destination-ipv4-network": "192.0.2.1"`, fromACE + "/matches/ipv4/destination-ipv4-network"},
	"draft.ethertype":     {`"ipv4": {"protocol": 6, ` + dstName, `"eth": {"ethertype": "0x0806"}, "ipv4": {"protocol": 6, ` + dstName, fromACE + "/matches/eth/ethertype"},
	"draft.version":       {`"mud-version": 1,`, ``, mudPath},
	"draft.policy-type":   {`[{"name": "from"}]`, `[{"name": "from", "acl-type": "ipv4"}]`, mudPath + "/from-device-policy/access-lists/access-list/0/acl-type"},
	"draft.acl-type":      {aType, `"type": "ipv4-acl"`, fromList + "/type"},
	"draft.action":        {`"accept"`, `"permit"`, fromACE + "/actions/forwarding"},
	"draft.port-range":    {dstName, dstName + `, "source-port-range": {"lower-port": 1, "upper-port": 2}`, fromACE + "/matches/ipv4/source-port-range"},
	"draft.operator":      {`"operator": "eq", "port": 443`, `"operator": "range", "lower-port": 1, "upper-port": 2`, fromACE + "/matches/tcp/destination-port/operator"},
	"draft.list":          {system, transparent(`"vuln-url": "https://lamps.example/vuln"`), mudPath + "/ietf-mud-transparency:transparency/vuln-url"},

	"url.scheme":           {"https://mud.lamps.example/lamp.json", "http://mud.lamps.example/lamp.json", mudPath + "/mud-url"},
	"url.invalid":          {"https://mud.lamps.example/lamp.json", "https:///lamp.json", mudPath + "/mud-url"},
	"url.query":            {"lamp.json", "lamp.json?v=2", mudPath + "/mud-url"},
	"url.fragment":         {"lamp.json", "lamp.json#v2", mudPath + "/mud-url"},
	"url.length":           {"lamp.json", strings.Repeat("l", 300), mudPath + "/mud-url"},
	"url.address":          {"https://mud.lamps.example/lamp.json", "https://192.0.2.1/lamp.json", mudPath + "/mud-url"},
	"signature.missing":    {`"mud-signature": "https://mud.lamps.example/lamp.p7s",`, "", mudPath},
	"signature.scheme":     {"https://mud.lamps.example/lamp.p7s", "http://mud.lamps.example/lamp.p7s", mudPath + "/mud-signature"},
	"signature.authority":  {"https://mud.lamps.example/lamp.p7s", "https://signatures.example/lamp.p7s", mudPath + "/mud-signature"},
	"cache.short":          {": 48", ": 23", mudPath + "/cache-validity"},
	"support.ended":        {`"is-supported": true`, `"is-supported": false`, mudPath + "/is-supported"},
	"systeminfo.missing":   {system + ",", "", mudPath},
	"systeminfo.length":    {"A lamp", strings.Repeat("灯", 31), mudPath + "/systeminfo"},
	"names.missing":        {`"model-name": "L1",`, "", mudPath},
	"revision.fixed":       {system, `"firmware-rev": "1.2"`, mudPath + "/firmware-rev"},
	"maker.authority":      {"Lamps Inc.", "Toasters Inc.", mudPath + "/mfg-name"},
	"extension.undeclared": {system, `"ietf-ol:ol": {"owners": ["Lamps"]}`, mudPath},
	"extension.unused":     {system, `"extensions": ["ol"]`, mudPath + "/extensions"},
	"extension.unknown":    {system, `"extensions": ["masa"]`, mudPath + "/extensions/0"},
	"tls.not-supported":    {`"tcp": {`, `"ietf-acl-tls:client-profiles": {"tls-dtls-profile": [{"name": "p", "supported-tls-version": ["tls13"]}]}, "tcp": {`, mudPath},
	"transparency.plain":   {system, transparent(`"sbom-local-well-known": "http"`), mudPath + "/ietf-mud-transparency:transparency"},
	"transparency.contact": {system, transparent(`"vuln-contact-uri": "gopher://lamps.example"`), mudPath + "/ietf-mud-transparency:transparency"},
	"policy.empty": {`[{"name": "from"}]}},
    "to-device-policy": {"access-lists": {"access-list": [{"name": "to"}]}}`, `[]}}`, mudPath},
	"policy.one-way": {`,
    "to-device-policy": {"access-lists": {"access-list": [{"name": "to"}]}}`, ``, mudPath},
	"acl.unreferenced":       {`[{"name": "to"}]`, `[]`, toList},
	"acl.both-ways":          {`[{"name": "to"}]`, `[{"name": "from"}]`, fromList},
	"acl.empty":              {`"acl": [`, `"acl": [{"name": "more"},`, fromList},
	"acl.family":             {aType, `"type": "ipv6-acl-type"`, fromACE + "/matches/ipv4"},
	"dns.wrong-side":         {dstName, srcName, fromACE + "/matches/ipv4"},
	"dns.address":            {`-dnsname": "cloud.lamps.example`, `-dnsname": "192.0.2.1`, fromACE + "/matches/ipv4"},
	"dns.local":              {`-dnsname": "cloud.lamps.example`, `-dnsname": "printer.local`, fromACE + "/matches/ipv4"},
	"address.literal":        {dstName, `"destination-ipv4-network": "192.0.2.0/24"`, fromACE + "/matches/ipv4"},
	"address.private":        {dstName, `"destination-ipv4-network": "192.168.1.1/32"`, fromACE + "/matches/ipv4"},
	"address.own-side":       {dstName, dstName + `, "source-ipv4-network": "192.0.2.1/32"`, fromACE + "/matches/ipv4/source-ipv4-network"},
	"controller.urn":         {`"ipv4": {"protocol": 6, ` + dstName, `"ietf-mud:mud": {"controller": "urn:ietf:params:mud:gateway"}, "ipv4": {"protocol": 6`, fromACE},
	"ace.abstractions":       {`"tcp": {`, `"ietf-mud:mud": {"my-controller": [null]}, "tcp": {`, fromACE},
	"ace.broad":              {`, ` + dstName, ``, fromACE},
	"ace.direction":          {`"ietf-mud:direction-initiated": "from-device", "source-port"`, `"source-port"`, toACE},
	"ace.direction-protocol": {`{"protocol": 6, ` + dstName, `{"protocol": 17, ` + dstName, fromACE},
	"ace.udp-reply":          {`"protocol": 6, ` + srcName + `}, "tcp": {"ietf-mud:direction-initiated": "from-device", `, `"protocol": 17, ` + srcName + `}, "udp": {`, toACE},
	"ace.duplicate":          {firstEntry, entry(another), fromList + "/aces/ace/1"},
	"ace.shadowed":           {firstEntry, entry(`{"name": "x", "matches": {"ipv4": {"protocol": 6}}, "actions": {"forwarding": "drop"}}`), fromList + "/aces/ace/1"},
	"ace.redundant":          {firstEntry, entry(`{"name": "x", "matches": {"ipv4": {` + dstName + `}}, "actions": {"forwarding": "accept"}}`), fromList + "/aces/ace/1"},
	"ace.protocol":           {`{"protocol": 6, ` + dstName, `{"protocol": 17, ` + dstName, fromACE},
	"ace.leaf":               {dstName, dstName + `, "dscp": 3`, fromACE},
	"ace.reject":             {`"accept"`, `"reject"`, fromACE},
	"ace.cleartext":          {`443`, `23`, fromACE},
}

func transparent(members string) string {
	return `"extensions": ["transparency"], "ietf-mud-transparency:transparency": {` + members + `}`
}

// entries are as many that drop.
func entries(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"name": "e%d", "matches": {}, "actions": {"forwarding": "drop"}},`, i)
	}
	return b.String()
}

// many are members that are not known.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`, "x`)
		b.WriteString(strings.Repeat("x", i%900))
		b.WriteByte(byte('a' + i/900))
		b.WriteString(`": 0`)
	}
	return b.String()
}

func TestEachKindOfProblemIsFoundWhereItIs(t *testing.T) {
	en, fr := mud.In("en"), mud.In("fr")
	for _, code := range mud.Codes() {
		t.Run(code, func(t *testing.T) {
			f, ok := faults[code]
			if !ok {
				t.Fatal("no test")
			}
			text := strings.Replace(good, f.old, f.new, 1)
			if text == good {
				t.Fatalf("the good file has no %q", f.old)
			}
			for _, strict := range []bool{false, true} {
				_, problems, err := mud.Check([]byte(text), strict)
				i := slices.IndexFunc(problems, func(p mud.Problem) bool { return p.Code == code })
				if i < 0 {
					t.Fatalf("not found; found: %v, %v", problems, err)
				}
				p := problems[i]
				if p.Path != f.path {
					t.Errorf("found at %q, want %q", p.Path, f.path)
				}
				if wrong := slices.ContainsFunc(problems, func(p mud.Problem) bool { return p.Level == mud.Error }); wrong != (err != nil) {
					t.Errorf("strict %t: %v, and the error is %v", strict, problems, err)
				}
				for _, w := range []mud.Words{en, fr} {
					if text := p.Text(w); text == "mud.problem."+code || strings.ContainsAny(text, "{}") {
						t.Errorf("its text is %q", text)
					}
				}
			}
		})
	}
	for code := range faults {
		if !slices.Contains(mud.Codes(), code) {
			t.Errorf("there is no %s", code)
		}
	}
}

// Makers look a code up.
func TestEachKindOfProblemIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/mud.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range mud.Codes() {
		if !bytes.Contains(page, []byte("| `"+code+"` |")) {
			t.Errorf("docs/mud.md does not explain %s", code)
		}
	}
}
