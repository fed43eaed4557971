package device

import (
	"fmt"
	"testing"
)

// phone says of itself what phones do, and is active from now on for a while.
func (h *home) phone(e end, name, params, id string, active int64) {
	h.say(e, "dhcp.parameters", params)
	if name != "" {
		h.say(e, "dhcp.hostname", name)
	}
	if id != "" {
		h.say(e, "dhcp.client_id", id)
	}
	start := h.now
	h.talk(e, server, tcp, 443)
	h.now = start + active
	h.talk(e, server, tcp, 443)
}

func TestRandomisedAddressesOfOnePhoneAreJoined(t *testing.T) {
	const params, id = "1,3,6,15,26,28,51,58,59,43", "ff000102030001000130a1b2c3d4e5"
	one, other := at("da:a1:19:00:00:01", "192.168.1.101"), at("da:a1:19:00:00:02", "192.168.1.102")
	for _, c := range []struct {
		name                string
		name1, params1, id1 string
		name2, params2, id2 string
		pause               int64 // between the end of the first and the beginning of the second
		active1, active2    int64
		one, other          end
		want                int // devices, the router among them
	}{
		{"same name and parameters", "Annas-iPhone", params, "", "Annas-iPhone", params, "", hour, hour, hour, one, other, 2},
		{"name in another case", "annas-iphone", params, "", "Annas-iPhone", params, "", hour, hour, hour, one, other, 2},
		{"same identifier alone", "", params, id, "", "1,3,6", id, hour, hour, hour, one, other, 2},
		{"the network still sends to the old address", "Annas-iPhone", params, "", "Annas-iPhone", params, "", -20 * second, hour, hour, one, other, 2},
		{"same name, other parameters", "Annas-iPhone", params, "", "Annas-iPhone", "1,3,6", "", hour, hour, hour, one, other, 3},
		{"other names", "Annas-iPhone", params, "", "Bens-iPhone", params, "", hour, hour, hour, one, other, 3},
		{"a name that says nothing", "iPhone", params, "", "iPhone", params, "", hour, hour, hour, one, other, 3},
		{"the name of a model", "Galaxy-S21-5G", params, "", "Galaxy-S21-5G", params, "", hour, hour, hour, one, other, 2},
		{"no name", "", params, "", "", params, "", hour, hour, hour, one, other, 3},
		{"identifiers that are addresses", "", params, "01daa119000001", "", params, "01daa119000002", hour, hour, hour, one, other, 3},
		{"an identifier of nothing", "", params, "00000000000000", "", params, "00000000000000", hour, hour, hour, one, other, 3},
		{"an identifier too short", "", params, "0011", "", params, "0011", hour, hour, hour, one, other, 3},
		{"both at home", "Annas-iPhone", params, id, "Annas-iPhone", params, id, -30 * minute, hour, hour, one, other, 3},
		{"both at home for a moment", "Annas-iPhone", params, id, "Annas-iPhone", params, id, -25 * second, 30 * second, 30 * second, one, other, 3},
		{"one comes and goes while the other is there", "Annas-iPhone", params, id, "Annas-iPhone", params, id, -30 * minute, hour, second, one, other, 3},
		{"addresses that are not randomised", "laptop", params, id, "laptop", params, id, hour, hour, hour, at("00:11:22:00:00:a1", "192.168.1.101"), at("00:11:22:00:00:a2", "192.168.1.102"), 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHome(t)
			h.arp(router)
			h.phone(c.one, c.name1, c.params1, c.id1, c.active1)
			h.now += c.pause
			h.phone(c.other, c.name2, c.params2, c.id2, c.active2)
			if h.count(c.want); c.want > 2 {
				return
			}
			d := h.device(c.other)
			if len(d.MACs) != 2 || d.MAC != c.one.mac || len(d.Own()) != 2 || d.Traffic().Flows != 4 {
				t.Errorf("identities %v, %d addresses, %+v", d.MACs, len(d.Own()), d.Traffic())
			}
			if h.network.Host(c.other.addr) != d {
				t.Error("the second address is nobody's")
			}
		})
	}
}

// Two phones of a model come and go, with other addresses each day: which is which can't be told.
func TestTwoPhonesOfAModelAreNotMixed(t *testing.T) {
	h := newHome(t)
	h.arp(router)
	for day := range 3 {
		for i := range 2 {
			e := at(fmt.Sprintf("da:a1:19:00:%02x:%02x", i, day), fmt.Sprintf("192.168.1.%d", 100+10*day+i))
			h.phone(e, "Galaxy-S21-5G", "1,3,6", "", hour)
			h.now -= hour / 2
		}
		h.now += 20 * hour
	}
	h.count(7)
}

func TestGenericNames(t *testing.T) {
	for name, want := range map[string]bool{
		"android": true, "Android.local": true, "localhost": true, "iPhone": true, "espressif": true,
		"Annas-iPhone": false, "android-1a2b3c4d5e6f7a8b": false, "DESKTOP-4F7K2M1": false, "Galaxy-S9": false,
	} {
		if Generic(name) != want {
			t.Errorf("Generic(%q) is %v", name, !want)
		}
	}
}
