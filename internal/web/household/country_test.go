package household_test

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/country"
	"plimsoll.example/plimsoll/internal/home"
)

var tags = regexp.MustCompile(`<[^>]*>`)

// said is the text of a part of a page, from a heading on.
func said(page, id string) string {
	_, part, _ := strings.Cut(page, `<h2 id="`+id+`">`)
	part, _, _ = strings.Cut(part, "</section>")
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(part, " "))), " ")
}

func TestADeviceShowsWhomItTalksToByPurposeWithTheCountriesOfAddresses(t *testing.T) {
	h := furnish(t, false)
	for lang, want := range map[string][]string{
		"en": {
			"Its maker cloud.lampsco.example encrypted · address registered in: Canada, United States", "Updates updates.lampsco.example encrypted · address registered in: Netherlands",
			"In the home", "registered on paper", "IPFire Location, CC BY-SA 4.0, as of 25 June 2026",
		},
		"fr": {"Son fabricant cloud.lampsco.example chiffré · adresse enregistrée\u00a0: Canada, États-Unis", "Pays-Bas", "sur le papier", "état au 25 juin 2026"},
	} {
		got := said(h.get(t, "/"+lang+"/devices/"+h.Camera.ID), "talks")
		for _, w := range want {
			if !strings.Contains(got, strings.Join(strings.Fields(w), " ")) {
				t.Errorf("%s: %q is not in %q", lang, w, got)
			}
		}
	}
	if got := said(h.get(t, "/en/devices/"+h.Camera.ID), "does"); !strings.Contains(got, "The addresses are registered in: Canada, United States and Netherlands.") {
		t.Error(got)
	}
}

func TestTheHomeShowsHowManyDevicesTalkToWhichCountries(t *testing.T) {
	h := furnish(t, false)
	page := h.get(t, "/en/protection")
	got := said(page, "abroad")
	for _, w := range []string{"Canada lamp , porch 2", "United States porch 1", "Netherlands porch 1", "IPFire Location"} {
		if !strings.Contains(got, w) {
			t.Errorf("%q is not in %q", w, got)
		}
	}
	if strings.Index(got, "Canada") > strings.Index(got, "United States") {
		t.Error("the country with the most devices is not the first")
	}
	for path, want := range map[string]string{
		"/en/week":  "Devices talked to addresses registered in: Canada, Netherlands and United States.",
		"/en/guest": "they talked to addresses registered in: Canada, Netherlands and United States.",
		"/en/devices/" + h.Camera.ID + "/letter/commissioner": "exchanged data with addresses registered in: Canada, Netherlands and United States.",
		"/fr/devices/" + h.Camera.ID + "/letter/maker":        "des adresses enregistrées dans ces pays",
	} {
		if page := h.get(t, path); !strings.Contains(page, want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
	if page := h.get(t, "/en/devices/"+h.Lamp.ID+"/letter/maker"); strings.Contains(page, "United States") {
		t.Error("the letter about the lamp names a country of the camera")
	}
}

func TestAGatewayWithoutAListOfCountriesSaysSo(t *testing.T) {
	h := furnish(t, false)
	h.Pages.Countries = country.Table{}
	got := said(h.get(t, "/en/devices/"+h.Lamp.ID), "talks")
	if !strings.Contains(got, "Canada") { // what was kept stays known
		t.Error(got)
	}
	phone := ""
	for _, d := range h.Devices() {
		if d.Title() == "phone" {
			phone = d.ID
		}
	}
	if err := h.Store.AddTraffic(t.Context(), traffic(phone, "192.0.2.200")); err != nil {
		t.Fatal(err)
	}
	if got := said(h.get(t, "/fr/devices/"+phone), "talks"); !strings.Contains(got, "cette passerelle n’a pas de liste") {
		t.Error(got)
	}
	h.Pages.Countries = country.Builtin()
	if got := said(h.get(t, "/en/devices/"+phone), "talks"); !strings.Contains(got, "nobody that it talks to on the Internet is in the list") {
		t.Error(got)
	}
	if err := h.Store.AddTraffic(t.Context(), traffic(phone, "137.194.2.1")); err != nil {
		t.Fatal(err)
	}
	if got := said(h.get(t, "/en/devices/"+phone), "talks"); !strings.Contains(got, "137.194.2.1 encrypted · address registered in: France") {
		t.Error(got) // an address without a name is looked up
	}
}

func traffic(device, peer string) []home.Traffic {
	return []home.Traffic{{At: time.Now(), Device: device, Peer: peer, Scope: "internet", Service: "tcp/443 tls", Began: true, Flows: 1, Out: 9, In: 9}}
}
