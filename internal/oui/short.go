package oui

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// alias gives the name by which people know an organisation whose registered name, in lower case, begins
// with prefix, at the border of a word.
type alias struct{ prefix, short string }

// aliases is sorted by prefix; of those that fit the longest wins.
var aliases = [...]alias{
	{"2wire", "2Wire"},
	{"3com", "3Com"},
	{"actiontec", "Actiontec"},
	{"amazon", "Amazon"},
	{"apple", "Apple"},
	{"arcadyan", "Arcadyan"},
	{"arlo", "Arlo"},
	{"arris", "Arris"},
	{"askey", "Askey"},
	{"asrock", "ASRock"},
	{"assmann", "Assmann"},
	{"asustek", "ASUS"},
	{"asustor", "Asustor"},
	{"avm", "AVM"},
	{"axis communications", "Axis"},
	{"azurewave", "AzureWave"},
	{"bang & olufsen", "Bang & Olufsen"},
	{"belkin", "Belkin"},
	{"blink by amazon", "Blink"},
	{"bose", "Bose"},
	{"brother industries", "Brother"},
	{"bsh", "BSH"},
	{"buffalo", "Buffalo"},
	{"canary connect", "Canary"},
	{"canon", "Canon"},
	{"chengdu meross", "Meross"},
	{"cisco", "Cisco"},
	{"cisco meraki", "Meraki"},
	{"cisco-linksys", "Linksys"},
	{"d&m holdings", "Denon Marantz"},
	{"d-link", "D-Link"},
	{"dell", "Dell"},
	{"devolo", "devolo"},
	{"draytek", "DrayTek"},
	{"dyson", "Dyson"},
	{"ecobee", "ecobee"},
	{"edimax", "Edimax"},
	{"eero", "eero"},
	{"enphase", "Enphase"},
	{"eq-3", "eQ-3"},
	{"espressif", "Espressif"},
	{"fantasia trading", "Anker"},
	{"fitbit", "Fitbit"},
	{"freebox", "Free"},
	{"garmin", "Garmin"},
	{"gd midea", "Midea"},
	{"giga-byte", "Gigabyte"},
	{"google", "Google"},
	{"gree electric", "Gree"},
	{"guangdong oppo", "OPPO"},
	{"hangzhou broadlink", "BroadLink"},
	{"hangzhou ezviz", "EZVIZ"},
	{"hangzhou h3c", "H3C"},
	{"hangzhou hikvision", "Hikvision"},
	{"harman", "Harman"},
	{"hewlett packard", "HP"},
	{"hewlett packard enterprise", "HPE"},
	{"hisense", "Hisense"},
	{"hon hai", "Foxconn"},
	{"hp inc", "HP"},
	{"htc", "HTC"},
	{"huawei", "Huawei"},
	{"humax", "Humax"},
	{"ikea", "IKEA"},
	{"intel", "Intel"},
	{"irobot", "iRobot"},
	{"juniper", "Juniper"},
	{"kyocera", "Kyocera"},
	{"ledvance", "Ledvance"},
	{"lenovo", "Lenovo"},
	{"lexmark", "Lexmark"},
	{"lg electronics", "LG"},
	{"lg innotek", "LG Innotek"},
	{"linksys", "Linksys"},
	{"liteon", "Lite-On"},
	{"logitech", "Logitech"},
	{"lumi united", "Aqara"},
	{"lutron", "Lutron"},
	{"micro-star", "MSI"},
	{"microsoft", "Microsoft"},
	{"miele", "Miele"},
	{"mitrastar", "MitraStar"},
	{"motorola mobility", "Motorola"},
	{"murata", "Murata"},
	{"nest labs", "Nest"},
	{"netatmo", "Netatmo"},
	{"netgear", "Netgear"},
	{"nintendo", "Nintendo"},
	{"nokia", "Nokia"},
	{"oneplus", "OnePlus"},
	{"osram", "Osram"},
	{"panasonic", "Panasonic"},
	{"pegatron", "Pegatron"},
	{"philips", "Philips"},
	{"philips lighting", "Philips"},
	{"physical graph", "SmartThings"},
	{"pioneer", "Pioneer"},
	{"qingdao haier", "Haier"},
	{"qnap", "QNAP"},
	{"raspberry pi", "Raspberry Pi"},
	{"realme", "realme"},
	{"realtek", "Realtek"},
	{"reolink", "Reolink"},
	{"ricoh", "Ricoh"},
	{"ring llc", "Ring"},
	{"robert bosch", "Bosch"},
	{"roku", "Roku"},
	{"routerboard", "MikroTik"},
	{"ruckus", "Ruckus"},
	{"sagemcom", "Sagemcom"},
	{"samsung", "Samsung"},
	{"samsung electro", "Samsung Electro-Mechanics"},
	{"seiko epson", "Epson"},
	{"shanghai imilab", "Imilab"},
	{"shanghai xiaodu", "Xiaodu"},
	{"sharp", "Sharp"},
	{"shenzhen skyworth", "Skyworth"},
	{"siemens", "Siemens"},
	{"signify", "Philips"},
	{"sky uk", "Sky"},
	{"sma solar", "SMA"},
	{"smartthings", "SmartThings"},
	{"solaredge", "SolarEdge"},
	{"sonos", "Sonos"},
	{"sony", "Sony"},
	{"synology", "Synology"},
	{"tado", "tado°"},
	{"taicang t&w", "T&W"},
	{"tcl", "TCL"},
	{"tct mobile", "TCL"},
	{"tenda", "Tenda"},
	{"tesla", "Tesla"},
	{"texas instruments", "Texas Instruments"},
	{"the linksys", "Linksys"},
	{"tp-link", "TP-Link"},
	{"trendnet", "TRENDnet"},
	{"tuya", "Tuya"},
	{"ubiquiti", "Ubiquiti"},
	{"vestel", "Vestel"},
	{"vivo mobile", "vivo"},
	{"vizio", "Vizio"},
	{"western digital", "Western Digital"},
	{"withings", "Withings"},
	{"wiz", "WiZ"},
	{"wyze", "Wyze"},
	{"xerox", "Xerox"},
	{"xiaomi", "Xiaomi"},
	{"yamaha", "Yamaha"},
	{"yealink", "Yealink"},
	{"yeelink", "Yeelight"},
	{"zhejiang dahua", "Dahua"},
	{"zte", "ZTE"},
	{"zyxel", "Zyxel"},
}

// legal are words that say how an organisation is set up, not what it is called; general are words that
// many have in common; cities are where they sit.
const (
	legal = " a/s a.s ab ag aps as b.v bv bvba co co.ltd company corp corporation crop gmbh inc incorporated kft kg k.k " +
		"limited llc ltd l.l.c n.v nv oy oyj plc private pte pty pvt s.a s.a.s s.l s.p.a s.r.l s.r.o sa sarl sas sau sdn bhd se sl " +
		"sp spa srl srlu z o.o & cv kk "
	general = " corporate electronic electronics group holding holdings home industrial industries info international labs " +
		"mobile network networks share solutions systems tech technologies technology telecom telecommunication " +
		"telecommunications trading communication communications intelligent intelligence information software smart device devices "
	cities = " beijing chengdu chongqing dongguan fujian guangdong guangzhou hangzhou hefei huizhou hunan jiangsu " +
		"nanjing ningbo qingdao shanghai shenzhen sichuan suzhou tianjin wuhan xiamen zhejiang zhongshan zhuhai "
)

// Short is the name by which people know an assignee, as far as it can be told: "TP-Link" for
// "TP-LINK TECHNOLOGIES CO.,LTD.".
func Short(assignee string) string {
	if len(assignee) > maxShort {
		assignee = strings.ToValidUTF8(assignee[:maxShort], "")
	}
	if s := aliasOf(assignee); s != "" {
		return s
	}
	name := strings.NewReplacer("，", ",", "（", "(", "）", ")", "\u00a0", " ").Replace(assignee)
	if i := strings.IndexByte(name, '('); i > 0 {
		name = name[:i]
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == ',' })
	if len(words) > 1 && (isWord(cities, words[0]) || strings.EqualFold(words[0], "the")) {
		words = words[1:]
	}
	for len(words) > 1 && isWord(legal, words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	for len(words) > 1 && isWord(general, words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	if len(words) == 0 {
		return strings.TrimSpace(assignee)
	}
	for i, w := range words {
		words[i] = calm(w)
	}
	return strings.Join(words, " ")
}

const maxShort = 128 // octets of an assignee that are looked at

func isWord(list, w string) bool {
	w = strings.TrimRight(w, ".")
	if w == "" || len(w) > 20 {
		return w == ""
	}
	var buf [22]byte
	b := append(append(append(buf[:0], ' '), w...), ' ')
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return strings.Contains(list, string(b))
}

// calm writes a shouted word as a name: "EDIFIER" becomes "Edifier", "LG" remains.
func calm(w string) string {
	if len(w) <= 4 || strings.ToUpper(w) != w || strings.ContainsAny(w, "0123456789&-/.") {
		return w
	}
	_, n := utf8.DecodeRuneInString(w)
	return w[:n] + strings.Map(unicode.ToLower, w[n:])
}

func aliasOf(assignee string) string {
	var buf [maxShort]byte
	name := buf[:copy(buf[:], assignee)]
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			name[i] = c + 'a' - 'A'
		}
	}
	if len(name) == 0 {
		return ""
	}
	best := ""
	longest := 0
	for _, a := range aliases {
		if a.prefix[0] != name[0] || len(a.prefix) <= longest || len(a.prefix) > len(name) {
			continue
		}
		if string(name[:len(a.prefix)]) == a.prefix && (len(a.prefix) == len(name) || !isLetter(name[len(a.prefix)])) {
			best, longest = a.short, len(a.prefix)
		}
	}
	return best
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c >= utf8.RuneSelf }
