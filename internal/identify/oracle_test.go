package identify

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
)

// shared is the folder of development data, which need not be there.
const shared = "../../../shared/data/"

// truth is what the publishers of a capture say of a device in it.
type truth struct{ make, model, category string }

// sameCategory and sameMaker are the tables of the scorer that comes with the development data.
var (
	sameCategory = map[string]string{"smart-plug": "plug", "smartphone": "phone", "voice-assistant": "speaker"}
	sameMaker    = map[string][]string{
		"eq-3": {"eq-3", "eq3", "homematic"}, "osram": {"osram", "ledvance", "lightify"}, "belkin": {"belkin", "wemo", "linksys"},
		"linksys/belkin": {"belkin", "linksys", "wemo"}, "philips": {"philips", "signify", "hue"}, "xiaodu (baidu)": {"xiaodu", "baidu"},
		"fitbit": {"fitbit"}, "withings": {"withings", "nokia"}, "raspberry pi": {"raspberry"}, "tp-link": {"tp-link", "tplink", "kasa"},
		"samsung": {"samsung", "smartthings", "physical graph"},
	}
)

func (t truth) categoryIs(said string) bool {
	want := t.category
	if same, ok := sameCategory[want]; ok {
		want = same
	}
	return said == want
}

func (t truth) makerIs(said string) bool {
	want := strings.ToLower(t.make)
	names, ok := sameMaker[want]
	if !ok {
		names = []string{want}
	}
	return slices.ContainsFunc(names, func(n string) bool { return strings.Contains(strings.ToLower(said), n) })
}

// lines calls yield with each line of JSON of a file of the development data, or skips the test.
func lines[T any](t *testing.T, name string, yield func(T)) {
	t.Helper()
	f, err := os.Open(shared + name)
	if err != nil {
		t.Skipf("the development data is not here: %v", err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		var row T
		if err := json.Unmarshal(s.Bytes(), &row); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		yield(row)
	}
}

// observe turns what tshark reads into observations as the engine makes them.
func observe(fact, value string) (out []device.Observation) {
	add := func(fact, value string, detail ...device.Detail) {
		out = append(out, device.Observation{Fact: fact, Value: value, Detail: detail, Packet: 1, Count: 1})
	}
	switch fact {
	case "dhcp_hostname":
		add("dhcp.hostname", value)
	case "dhcp_vendor_class":
		add("dhcp.vendor_class", value)
	case "dhcp_param_request_list":
		add("dhcp.parameters", value)
	case "dns_query":
		add("dns.query", value)
	case "tls_sni":
		add("tls.sni", value)
	case "http_host_cleartext":
		add("http.host", value)
	case "http_user_agent":
		add("http.user_agent", value)
	case "ssdp_server":
		add("ssdp.server", value)
	case "ssdp_user_agent":
		add("ssdp.user_agent", value)
	case "ssdp_location":
		add("ssdp.location", value)
	case "mdns_txt":
		add("mdns.txt", value)
	case "tcp_listens_on":
		add("flow.listens", "tcp/"+value)
	case "tcp_connects_to":
		add("flow.connects", "tcp/"+value)
	case "mdns_resp_name":
		name, local := strings.CutSuffix(value, ".local")
		at := strings.LastIndex(name, "._")
		if at < 0 && local {
			if strings.HasPrefix(name, "_") {
				add("mdns.service", name)
			} else {
				add("mdns.hostname", value)
			}
			break
		}
		for at > 0 && !strings.HasPrefix(name[at:], "._tcp") && !strings.HasPrefix(name[at:], "._udp") {
			at = strings.LastIndex(name[:at], "._")
		}
		if at <= 0 {
			break
		}
		if from := strings.LastIndex(name[:at], "._"); from >= 0 {
			add("mdns.service", name[from+1:], device.Detail{Key: "instance", Value: name[:from]})
		} else if strings.HasPrefix(name, "_") {
			add("mdns.service", name)
		}
	}
	return out
}

// announced reports whether a device says by this observation, in words, what it is.
func announced(o *device.Observation) bool {
	switch familyOf(o.Fact) {
	case familyMDNS, familyUPnP:
		return true
	}
	for _, g := range groups {
		if g.name == "hostname" && slices.Contains(g.facts, o.Fact) {
			return true
		}
	}
	return o.Fact == "kasa.device" || o.Fact == "http.title" || o.Fact == "http.realm"
}

// score counts how often something was said, and was right when said.
type score struct {
	devices, category, categoryRight, maker, makerRight int
	bins                                                [5][2]int
}

func (s *score) add(t truth, id device.Identity) {
	s.devices++
	if id.Category != "" {
		s.category++
		b := &s.bins[min(4, int(id.Confidence*5))]
		b[1]++
		if t.categoryIs(id.Category) {
			s.categoryRight++
			b[0]++
		}
	}
	if id.Maker != "" && t.make != "" {
		s.maker++
		if t.makerIs(id.Maker) {
			s.makerRight++
		}
	}
}

func (s *score) String() string {
	percent := func(a, b int) string {
		if b == 0 {
			return "none"
		}
		return fmt.Sprintf("%d/%d (%.0f %%)", a, b, 100*float64(a)/float64(b))
	}
	text := fmt.Sprintf("category said %s, right %s; maker said %s, right %s; right by confidence",
		percent(s.category, s.devices), percent(s.categoryRight, s.category), percent(s.maker, s.devices), percent(s.makerRight, s.maker))
	for i, b := range s.bins {
		if b[1] > 0 {
			text += fmt.Sprintf(" %.1f–%.1f: %d/%d", float64(i)/5, float64(i+1)/5, b[0], b[1])
		}
	}
	return text
}

// sighting is one device in the captures of one folder.
type sighting struct{ folder, mac string }

// development is what another program read of the devices in the development captures, and the truth.
func development(t *testing.T) (sightings []sighting, truths map[sighting]truth, seen map[sighting][]device.Observation) {
	t.Helper()
	truths = map[sighting]truth{}
	lines(t, "captures/manifest.jsonl", func(row struct {
		Path    string
		Kind    string
		Devices []struct{ Mac, Make, Model, Category string }
	},
	) {
		for _, d := range row.Devices {
			if at := (sighting{path.Dir(row.Path), d.Mac}); d.Mac != "" && (row.Kind == "benign" || row.Kind == "mixed") {
				truths[at] = truth{d.Make, d.Model, d.Category}
			}
		}
	})
	all := map[sighting]map[string]device.Observation{}
	lines(t, "oracle/identity.jsonl", func(row struct {
		Path, Mac string
		Facts     map[string]map[string]int
	},
	) {
		at := sighting{path.Dir(row.Path), row.Mac}
		if all[at] == nil {
			all[at] = map[string]device.Observation{}
		}
		for fact, values := range row.Facts {
			for value := range values {
				for _, o := range observe(fact, value) {
					all[at][o.Fact+" "+o.Value] = o
				}
			}
		}
	})
	seen = map[sighting][]device.Observation{}
	for at := range truths {
		sightings = append(sightings, at)
		for _, key := range slices.Sorted(maps.Keys(all[at])) {
			seen[at] = append(seen[at], all[at][key])
		}
		if truths[at].category == "router" { // what the engine sees of it, and the list does not tell
			seen[at] = append(seen[at], device.Observation{Fact: "net.gateway", Value: "192.168.1.1"})
		}
	}
	slices.SortFunc(sightings, func(a, b sighting) int { return strings.Compare(a.folder+a.mac, b.folder+b.mac) })
	return sightings, truths, seen
}

func parse(t *testing.T, mac string) frame.MAC {
	t.Helper()
	m, err := frame.ParseMAC(mac)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What another program read from the development captures is enough to tell what is in them.
func TestIdentifiesTheDevelopmentCaptures(t *testing.T) {
	k := load(t)
	sightings, truths, seen := development(t)
	var with, without score
	for _, at := range sightings {
		s := Subject{MAC: parse(t, at.mac), Observations: seen[at]}
		id := k.Identify(s)
		with.add(truths[at], id)
		t.Logf("%s %v: %s / %s / %s (%.2f) %s", at.folder, truths[at], id.Maker, id.Model, id.Category, id.Confidence, id.Kind)
		for _, r := range id.Because {
			t.Logf("      %5.2f %s %s", r.Weight, r.Fact, r.Value)
		}
		s.Observations = slices.DeleteFunc(slices.Clone(s.Observations), func(o device.Observation) bool { return announced(&o) })
		id = k.Identify(s)
		without.add(truths[at], id)
		t.Logf("   without what it announces: %s / %s / %s (%.2f) %s", id.Maker, id.Model, id.Category, id.Confidence, id.Kind)
	}
	t.Logf("%d devices, with what they announce: %v", with.devices, &with)
	t.Logf("%d devices, without: %v", without.devices, &without)
	// The list lacks much that the engine sees, such as searches and files asked for.
	if with.category*4 < with.devices*3 || with.categoryRight*100 < with.category*97 || with.makerRight*100 < with.maker*97 {
		t.Errorf("too little is said, or too much is wrong: %v", &with)
	}
}

// However little of a device is seen, what is said is right as often as the confidence tells.
func TestConfidenceIsHonest(t *testing.T) {
	k := load(t)
	sightings, truths, seen := development(t)
	random := rand.New(rand.NewPCG(1, 2))
	var all score
	for _, share := range []float64{0.02, 0.05, 0.1, 0.3} {
		for _, withMAC := range []bool{true, false} {
			var some score
			for _, at := range sightings {
				for range 30 {
					var s Subject
					if withMAC {
						s.MAC = parse(t, at.mac)
					}
					for _, o := range seen[at] {
						if random.Float64() < share {
							s.Observations = append(s.Observations, o)
						}
					}
					id := k.Identify(s)
					some.add(truths[at], id)
					all.add(truths[at], id)
				}
			}
			t.Logf("%2.0f %% of the observations, address known %v: %v", 100*share, withMAC, &some)
		}
	}
	t.Logf("all: %v", &all)
	for i, least := range []float64{0, 0, 0.5, 0.7, 0.9} {
		if b := all.bins[i]; float64(b[0]) < least*float64(b[1]) {
			t.Errorf("of what is said with confidence %.1f–%.1f, only %d of %d are right", float64(i)/5, float64(i+1)/5, b[0], b[1])
		}
	}
	if all.makerRight*100 < all.maker*97 {
		t.Errorf("of the makers said, only %d of %d are right", all.makerRight, all.maker)
	}
}
