// Command gen converts fingerprints of Rapid7's Recog (BSD-2-Clause, github.com/rapid7/recog) into
// entries of the knowledge base:
//
//	go run ./internal/identify/gen [-o knowledge/recog.txt] FOLDER
//
// Only those are taken that tell of a sort of device, whose regular expression can be said as a pattern
// with enough text of its own, and whose examples the pattern then matches.
package main

import (
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// facts says what the files of Recog look at, and what must be cut or put before its patterns.
var facts = []struct{ file, fact, before string }{
	{"dhcp_vendor_class.xml", "dhcp.vendor_class", ""},
	{"mdns_device-info_txt.xml", "mdns.txt", ""},
	{"http_servers.xml", "http.server", ""},
	{"http_wwwauth.xml", "http.realm", ""},
	{"html_title.xml", "http.title", ""},
	{"telnet_banners.xml", "telnet.banner", ""},
	{"ftp_banners.xml", "ftp.banner", ""},
	{"ssh_banners.xml", "ssh.banner{side=server}", "SSH-*-"},
	{"rtsp_servers.xml", "rtsp.server", ""},
	{"snmp_sysdescr.xml", "snmp.sysdescr", ""},
	{"snmp_sysobjid.xml", "snmp.sysobjectid", ""},
	{"sip_user_agents.xml", "sip.user_agent", ""},
	{"sip_banners.xml", "sip.server", ""},
	{"hp_pjl_id.xml", "pjl.id", ""},
}

// sorts says what Recog's devices are in our words; others are left out.
var sorts = map[string]string{
	"Printer": "printer 95", "Multifunction Device": "printer 95", "Print Server": "printer 88", "Scanner": "printer 88",
	"IP Camera": "camera 95", "Web Cam": "camera 94", "DVR": "camera 88", "Video Encoder": "camera 80",
	"Router": "router 80, network 12", "Broadband Router": "router 93", "ADSL Modem": "router 93", "DSL Modem": "router 93",
	"Cable Modem": "router 92", "DOCSIS Cable Modem": "router 92", "Firewall": "router 80, network 14",
	"WAP": "router 50, access-point 44", "WLAN Repeater": "access-point 92", "Wireless Controller": "network 80",
	"Switch": "network 90", "Powerline": "access-point 55, network 38",
	"NAS": "nas 94", "Storage": "nas 85", "Storage Appliance": "nas 85",
	"Laptop": "computer 97", "Desktop": "computer 97", "Thin Client": "computer 92", "Hypervisor": "computer 94",
	"Mobile Phone": "phone 96", "Tablet": "tablet 96", "Smart TV": "tv 95", "Media Player": "streamer 85",
	"Media Receiver": "streamer 85", "Network Audio": "speaker 90", "AV Receiver": "speaker 93",
	"VoIP": "other 88", "Video Conferencing": "other 85", "SIP Device": "other 80",
	"Power Relay": "plug 80", "Relay Controller": "plug 75", "Device Hub": "hub 80", "Building Automation": "hub 55, other 30",
	"Alarm Panel": "alarm 92", "Sensor": "sensor 88", "Environment Control": "sensor 60", "UPS": "other 85",
}

// makers gives our name where Recog's differs.
var makers = map[string]string{
	"Hewlett-Packard": "HP", "Hewlett Packard": "HP", "Asus": "ASUS", "TP-LINK": "TP-Link", "TP-LINK Technologies": "TP-Link",
	"Konica-Minolta": "Konica Minolta", "Ubiquiti Networks": "Ubiquiti", "MikroTik": "MikroTik", "Mikrotik": "MikroTik", "NETGEAR": "Netgear",
	"ZyXEL": "Zyxel", "Seiko Epson": "Epson", "EPSON": "Epson", "TRENDnet": "TRENDnet", "Buffalo Technology": "Buffalo", "Linksys by Cisco": "Linksys",
	"Axis Communications": "Axis", "Cisco Linksys": "Linksys", "Extreme Networks": "Extreme", "AXIS": "Axis", "Tivo": "TiVo", "ADTRAN": "Adtran",
	"Airties": "AirTies", "FUJI XEROX": "Xerox", "Fuji Xerox": "Xerox", "Aruba Networks": "Aruba",
	"Cambium Networks": "Cambium", "Kyocera Mita": "Kyocera", "Juniper Networks": "Juniper", "FUJITSU": "Fujitsu", "Hikvision Digital Technology": "Hikvision",
}

type param struct {
	Pos   int    `xml:"pos,attr"`
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type fingerprint struct {
	Pattern  string   `xml:"pattern,attr"`
	Flags    string   `xml:"flags,attr"`
	Examples []string `xml:"example"`
	Params   []param  `xml:"param"`
}

func main() {
	out := flag.String("o", "internal/identify/knowledge/recog.txt", "file to write")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: gen [-o FILE] FOLDER")
		os.Exit(2)
	}
	text, err := convert(flag.Arg(0))
	if err == nil {
		err = os.WriteFile(*out, []byte(text), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func convert(folder string) (string, error) {
	var b strings.Builder
	b.WriteString("# Made by internal/identify/gen from Rapid7 Recog. Copyright 2014, Rapid7, Inc.; BSD-2-Clause,\n" +
		"# see LICENSE.recog. Correct the command, not this file.\n\n[recog]\n")
	seen := map[string]bool{}
	for _, f := range facts {
		data, err := os.ReadFile(filepath.Join(folder, f.file))
		if err != nil {
			return "", err
		}
		var doc struct {
			Fingerprints []fingerprint `xml:"fingerprint"`
		}
		if err := xml.Unmarshal(data, &doc); err != nil {
			return "", fmt.Errorf("%s: %w", f.file, err)
		}
		for _, fp := range doc.Fingerprints {
			for _, line := range entries(fp, f.fact, f.before) {
				pattern := strings.ToLower(f.fact + strings.SplitN(line, "|", 3)[1])
				if !seen[pattern] {
					seen[pattern] = true
					b.WriteString(line + "\n")
				}
			}
		}
	}
	return b.String(), nil
}

// entries are the lines that say what fp says.
func entries(fp fingerprint, fact, before string) (lines []string) {
	value := func(names ...string) (string, int) {
		for _, n := range names {
			for _, p := range fp.Params {
				if p.Name == n && (p.Value != "" || p.Pos > 0) {
					return p.Value, p.Pos
				}
			}
		}
		return "", 0
	}
	device, _ := value("hw.device", "os.device")
	if device == "" && fact == "pjl.id" {
		device = "Printer"
	}
	sort, ok := sorts[device]
	if !ok {
		return nil
	}
	maker, _ := value("hw.vendor", "os.vendor")
	if ours, ok := makers[maker]; ok {
		maker = ours
	}
	switch maker {
	case "Microsoft", "HiSilicon", "OEM", "Tomato", "DD-WRT", "OpenWrt": // of the software or the chip
		maker = ""
	}
	model, group := value("hw.product", "hw.family", "hw.model")
	if strings.HasPrefix(model, "iPod") {
		return nil // a telephone in all but name
	}
	if strings.Contains(model, "{") {
		model, group = value("hw.family", "hw.model")
	}
	re := fp.Pattern
	if strings.Contains(fp.Flags, "REG_ICASE") {
		re = "(?i)" + re
	}
	tree, err := syntax.Parse(re, syntax.Perl)
	if err != nil {
		return nil
	}
	forms, ok := globs(tree.Simplify(), group)
	if !ok || len(forms) > 8 {
		return nil
	}
	for _, g := range forms {
		g = finish(g, before)
		if fact == "http.realm" { // Recog looks at the whole header, we at the realm
			g = strings.TrimPrefix(g, "*")
			if g, ok = strings.CutPrefix(g, `Basic realm="`); !ok {
				continue
			}
			g = strings.TrimSuffix(strings.TrimSuffix(g, "*"), `"`)
		}
		if text(g) < 5 || g == "access" || strings.ContainsAny(g, "|\n\r\t") || strings.HasPrefix(g, "[") {
			continue
		}
		said := model
		if group > 0 {
			said = ""
			if strings.Contains(g, "(") {
				said = "$1"
			}
		}
		if said == "" {
			g = strings.NewReplacer(`\(`, `\(`, `\)`, `\)`, "(", "", ")", "").Replace(g) // no capture is asked for
		}
		line := fact + " | " + g + " | "
		if maker != "" {
			line += maker + " 92"
		}
		line += " | "
		if said != "" && maker != "" && !strings.EqualFold(said, maker) {
			sure := " 85"
			if !strings.Contains(g, "*") {
				sure = " 94"
			}
			line += said + sure
		}
		lines = append(lines, line+" | "+sort)
	}
	if len(fp.Examples) > 0 && !slices.ContainsFunc(fp.Examples, func(e string) bool { return anyMatches(forms, before, strings.TrimSpace(e)) }) {
		return nil
	}
	return lines
}

// finish makes a whole pattern of what lies between the marks of beginning and end.
func finish(g, before string) string {
	if rest, ok := strings.CutPrefix(g, "\x02"); ok {
		g = before + rest
	} else {
		g = "*" + g
	}
	if rest, ok := strings.CutSuffix(g, "\x03"); ok {
		g = rest
	} else {
		g += "*"
	}
	g = strings.NewReplacer("\x02", "", "\x03", "").Replace(g)
	for strings.Contains(g, "**") {
		g = strings.ReplaceAll(g, "**", "*")
	}
	return strings.TrimSpace(g)
}

// text counts the octets of its own that a pattern has.
func text(g string) (n int) {
	for i := 0; i < len(g); i++ {
		switch g[i] {
		case '*', '?', '#', '%', '(', ')':
		case '\\':
			i++
			n++
		default:
			n++
		}
	}
	return n
}

// globs says a regular expression as patterns, one for each way through its alternatives. What the group
// of this number matches is captured.
func globs(re *syntax.Regexp, group int) ([]string, bool) {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpWordBoundary:
		return []string{""}, true
	case syntax.OpLiteral:
		var b strings.Builder
		for _, r := range re.Rune {
			if r > 0x7e || r < ' ' {
				return nil, false
			}
			if strings.ContainsRune(`*?#%()\`, r) {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
		return []string{b.String()}, true
	case syntax.OpBeginText, syntax.OpBeginLine:
		return []string{"\x02"}, true
	case syntax.OpEndText, syntax.OpEndLine:
		return []string{"\x03"}, true
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return []string{"?"}, true
	case syntax.OpCharClass:
		if len(re.Rune) == 2 && re.Rune[0] == '0' && re.Rune[1] == '9' {
			return []string{"#"}, true
		}
		return []string{"?"}, true
	case syntax.OpStar, syntax.OpPlus, syntax.OpRepeat:
		return []string{"*"}, true
	case syntax.OpQuest:
		with, ok := globs(re.Sub[0], group)
		return append(with, ""), ok
	case syntax.OpCapture:
		in, ok := globs(re.Sub[0], group)
		if re.Cap == group && ok {
			for i, g := range in {
				in[i] = "(" + g + ")"
			}
		}
		return in, ok
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			in, ok := globs(sub, group)
			if !ok {
				return nil, false
			}
			all = append(all, in...)
		}
		return all, len(all) <= 16
	case syntax.OpConcat:
		all := []string{""}
		for _, sub := range re.Sub {
			in, ok := globs(sub, group)
			if !ok || len(all)*len(in) > 16 {
				return nil, false
			}
			var next []string
			for _, a := range all {
				for _, b := range in {
					next = append(next, a+b)
				}
			}
			all = next
		}
		return all, true
	}
	return nil, false
}

// anyMatches reports whether one of the patterns matches v.
func anyMatches(forms []string, before, v string) bool {
	for _, g := range forms {
		var b strings.Builder
		b.WriteString("(?is)^")
		g = finish(g, "")
		for i := 0; i < len(g); i++ {
			switch g[i] {
			case '*':
				b.WriteString(".*")
			case '?':
				b.WriteString(".")
			case '#':
				b.WriteString("[0-9]")
			case '(', ')':
			case '\\':
				i++
				b.WriteString(regexp.QuoteMeta(g[i : i+1]))
			default:
				b.WriteString(regexp.QuoteMeta(g[i : i+1]))
			}
		}
		if regexp.MustCompile(b.String() + "$").MatchString(v) {
			return true
		}
	}
	return false
}
