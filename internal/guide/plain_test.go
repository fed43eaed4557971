package guide

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/locale"
)

// said are all texts of a language, by name: explanations of examples, cells, what the glossary says, and the words
// for values. The name of a public body stays out: it is not ours to choose.
func said(t *testing.T, lang locale.Lang) map[string]string {
	t.Helper()
	words, all := locale.New(lang), map[string]string{}
	for _, f := range cases() {
		text := Explain(words, f, "X")
		all[string(f.Kind)+" "+string(f.Role)+" "+text.Sure] = strings.ReplaceAll(strings.Join(text.parts(), "\n"), "Get Cyber Safe", "")
		here := ExplainHere(words, f, "X")
		all[string(f.Kind)+" "+string(f.Role)+" here"] = strings.Join(append(here.Do, here.Undo), "\n")
	}
	for _, about := range abouts() {
		for _, c := range Cells(words, about) {
			all[about+" "+c.Topic+" "+c.Stage] = c.Text
		}
	}
	for _, term := range Glossary(words) {
		all["glossary "+term.Forms[0]] = term.Meaning
	}
	for _, key := range keys(t, string(lang)+"/value.json") {
		all[key] = plainPart(findings.in(lang).Text(key))
	}
	return all
}

// plainPart is a text without what stands in brackets: there, a name follows the words that explain it.
func plainPart(text string) string { return regexp.MustCompile(`\([^)]*\)`).ReplaceAllString(text, "") }

// never are words that frighten, that promise too much, or that ask for what does harm.
var never = map[locale.Lang]*regexp.Regexp{
	locale.English: regexp.MustCompile(`(?i)\b(hack\w*|critical|danger\w*|immediately|urgent\w*|catastroph\w*|terrif\w*|panic\w*|victims?|cyber-?attacks?|` +
		`infected|compromised|malicious|hijack\w*|breach\w*|100 ?% secure|(fully|totally|completely|absolutely|perfectly) (secure|protected)|safe|safely|unhackable|IoT)\b`),
	locale.French: regexp.MustCompile(`(?i)(^|[^\pL])(pirat\pL*|critiques?|dangere?u?\pL*|immédiate\pL*|urgent\pL*|catastroph\pL*|terrifi\pL*|paniqu\pL*|victimes?|cyberattaques?|` +
		`infecté\pL*|compromis\pL*|malveillan\pL*|détourn(é|ée) par|100 % (sûr|sécur\pL*)|(entièrement|totalement|parfaitement) (sûr|protég\pL*)|sans risque|sans danger|sécuritaires?|IdO)([^\pL]|$)`),
}

// off finds advice to turn off what protects people's privacy.
var off = map[locale.Lang]*regexp.Regexp{
	locale.English: regexp.MustCompile(`(?i)(turn|switch) off (the |your )?(private address|random|changing (wi-fi )?address|encrypt|vpn|private network|firewall|two-step)`),
	locale.French:  regexp.MustCompile(`(?i)(coupez|désactivez|ôtez) (le |la |les |l’|votre )?(adresse (privée|qui change)|chiffrement|vpn|réseau privé|pare-feu|connexion en deux)`),
}

func TestNoTextFrightensOrPromisesTooMuch(t *testing.T) {
	for _, lang := range locale.Languages {
		for name, text := range said(t, lang) {
			if m := never[lang].FindString(text); m != "" {
				t.Errorf("%s %s: %q in %q", lang, name, strings.TrimSpace(m), text)
			}
			if m := off[lang].FindString(text); m != "" {
				t.Errorf("%s %s: asks to give up privacy: %q", lang, name, m)
			}
		}
	}
	for lang, text := range map[locale.Lang]string{locale.English: "You were hacked!", locale.French: "Un pirate est entré."} {
		if !never[lang].MatchString(text) {
			t.Errorf("%s: %q is let through", lang, text)
		}
	}
}

// jargon are words that not everybody knows. In capitals, anything is, but for what is listed as known to all.
var (
	jargon = map[locale.Lang]*regexp.Regexp{
		locale.English: regexp.MustCompile(`(?i)\b(access points?|bluetooth|bridge|browser|certificates?|cipher|cloud|encrypt\w*|extenders?|firmware|guest (wi-fi|network)|hub|isolation|` +
			`mesh|modem|name servers?|octets|passkeys?|password manager|pause|ping|ports?|private network|protocols?|packets?|phishing|malware|relay|remote (access|management|help)|reset|routers?|` +
			`servers?|services?|signed|smart devices?|telnet|trackers?|traffic|two-step sign-in|updates?|virus scanner|wi-fi|zigbee|z-wave|matter|bandwidth|domain|gateway|subnet)\b`),
		locale.French: regexp.MustCompile(`(?i)(?:^|[^\pL])(points? d’accès|bluetooth|pont|navigateur|certificats?|nuage|chiffré\pL*|chiffrement|répéteur|micrologiciel|(?:wi-fi|réseau) (?:des |d’)invités|centrale|isolement|` +
			`maillé|modem|serveurs? de noms|octets|coffre de mots de passe|pause|ping|ports?|réseau privé|protocoles?|paquets?|hameçonnage|maliciel|relais|(?:accès|gestion|aide) à distance|remise à zéro|routeurs?|` +
			`serveurs?|services?|signées?|appareils? intelligents?|telnet|traceurs|trafic|connexion en deux étapes|mises? à jour|antivirus|wi-fi|zigbee|z-wave|matter|bande passante|domaine|passerelle)(?:[^\pL]|$)`),
	}
	capitals = regexp.MustCompile(`\b[A-Z]{2,}[0-9]*\b`)
	known    = []string{"GPS", "TV", "II", "CD", "USB", "OPC", "RFC"}
)

func TestJargonIsInTheGlossary(t *testing.T) {
	for _, lang := range locale.Languages {
		var forms []string
		for _, term := range Glossary(locale.New(lang)) {
			for _, form := range term.Forms {
				forms = append(forms, strings.ToLower(form))
			}
		}
		explained := func(word string) bool {
			word = strings.ToLower(word)
			return slices.Contains(forms, word) || slices.ContainsFunc(forms, func(f string) bool { return slices.Contains(strings.Fields(f), word) })
		}
		for name, text := range said(t, lang) {
			for _, m := range jargon[lang].FindAllStringSubmatch(text, -1) {
				if word := m[1]; !explained(word) {
					t.Errorf("%s %s: the glossary does not explain %q", lang, name, word)
				}
			}
			for _, word := range capitals.FindAllString(text, -1) {
				if !slices.Contains(known, word) && !explained(word) {
					t.Errorf("%s %s: the glossary does not explain %q", lang, name, word)
				}
			}
		}
	}
}

func TestTheGlossaryHasOnlyWhatTheTextsUse(t *testing.T) {
	for _, lang := range locale.Languages {
		var all strings.Builder
		for name, text := range said(t, lang) {
			if !strings.HasPrefix(name, "glossary ") {
				all.WriteString(strings.ToLower(text) + "\n")
			}
		}
		for _, key := range keys(t, string(lang)+"/value.json") {
			all.WriteString(strings.ToLower(findings.in(lang).Text(key)) + "\n")
		}
		terms := Glossary(locale.New(lang))
		for i, term := range terms {
			if !slices.ContainsFunc(term.Forms, func(f string) bool { return strings.Contains(all.String(), strings.ToLower(f)) }) {
				t.Errorf("%s: no text says %q", lang, term.Forms)
			}
			if i > 0 && strings.ToLower(terms[i-1].Forms[0]) > strings.ToLower(term.Forms[0]) {
				t.Errorf("%s: %q is out of order", lang, term.Forms[0])
			}
			if g := grade(lang, term.Meaning); g > maxGrade+4 {
				t.Errorf("%s: %q is of grade %.1f", lang, term.Meaning, g)
			}
		}
	}
}

// Each token that detectors give has words of its own; what is not known is told as it is, in a whole sentence.
func TestTokensBecomeWords(t *testing.T) {
	for _, tt := range []struct {
		key, token, english, french string
	}{
		{"service", "tcp/23", "remote control (Telnet)", "commande à distance (Telnet)"},
		{"service", "tcp/4711", "a service that Plimsoll does not know (TCP port 4711)", "service que Plimsoll ne connaît pas (port TCP 4711)"},
		{"service", "tcp/4711 mqtt", "device messages (MQTT)", "messages d’appareils (MQTT)"},
		{"service", "ip/47", "a service that Plimsoll does not know (ip/47)", "service que Plimsoll ne connaît pas (ip/47)"},
		{"protocol", "rtsp", "video stream (RTSP)", "flux vidéo (RTSP)"},
		{"protocol", "HTTP", "web page without encryption (HTTP)", "page Web sans chiffrement (HTTP)"},
		{"protocol", "gopher", "gopher", "gopher"},
		{"peer", "192.168.1.7", "a device at home (192.168.1.7)", "un appareil de la maison (192.168.1.7)"},
		{"peer", "02:00:00:00:00:07", "a device at home (02:00:00:00:00:07)", "un appareil de la maison (02:00:00:00:00:07)"},
		{"peer", "203.0.113.9", "an internet address (203.0.113.9)", "une adresse Internet (203.0.113.9)"},
		{"peer", "239.255.255.250", "all devices nearby (239.255.255.250)", "tous les appareils proches (239.255.255.250)"},
		{"peer", "2001:db8::7", "2001:db8::7", "2001:db8::7"},
		{"peer", "cloud.example", "cloud.example", "cloud.example"},
		{"weakness", "TLS 1.0", "an encryption of 1999 (TLS 1.0)", "un chiffrement de 1999 (TLS 1.0)"},
		{"fault", "self_signed", "it vouches for itself", "il se porte garant de lui-même"},
	} {
		for lang, want := range map[locale.Lang]string{locale.English: tt.english, locale.French: tt.french} {
			if got := inWords(findings.in(lang), tt.key, tt.token); got != want {
				t.Errorf("%s %s %s: got %q, want %q", lang, tt.key, tt.token, got, want)
			}
		}
	}
}

// What flows are called, inspect has words for: findings name them too.
func TestEveryProtocolHasWords(t *testing.T) {
	messages, err := os.ReadFile("../locale/en.json")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`"service\.([a-z0-9-]+)"`).FindAllSubmatch(messages, -1)
	if len(names) < 30 {
		t.Fatalf("only %d protocols", len(names))
	}
	for _, name := range names {
		if _, ok := lookUp(findings.in(locale.English), "protocol", string(name[1])); !ok {
			t.Errorf("no words for %s", name[1])
		}
	}
}
