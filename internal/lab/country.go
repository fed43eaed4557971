package lab

import (
	"fmt"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/country"
)

// registered is where the addresses of servers are said to be registered. It is played, like the addresses.
var registered = map[string]string{
	"pool.ntp.org": "CA", "time.windows.com": "US", "discovery.meethue.com": "NL", "diagnostics.meethue.com": "US",
	"devs.tplinkcloud.com": "IE", "m1.tuyaeu.com": "DE", "a1.tuyaeu.com": "DE", "dev.hik-connect.com": "SG", "msmetrics.ws.sonos.com": "US",
	"radio.example.net": "CA", "cdn.samsungcloudsolution.com": "US", "osb.samsungqbe.com": "KR", "video.example.com": "CA", "home.ecobee.com": "CA",
	"xmpp005.hpeprint.com": "US", "api.ring.com": "US", "fw.ring.com": "US", "stun.example.net": "FR", "update.synology.com": "TW",
	"coap.example.net": "CA", "connectivitycheck.gstatic.com": "US", "www.example.org": "FR", "news.example.com": "CA",
	"mail.example.org": "CA", "www.msftconnecttest.com": "US", "maps.example.com": "US", "alarm.example.com": "GB",
	"cnc.example.net": "BR", "loader.example.net": "BR",
}

// Countries is a table for the home’s servers, whose addresses are those kept for documentation and registered nowhere.
func (h *Home) Countries() (country.Table, error) {
	var ranges []country.Range
	for i := range h.Servers {
		s := &h.Servers[i]
		for _, a := range slices.Concat(s.IPv4, s.IPv6) {
			ranges = append(ranges, country.Range{First: a, Last: a, Country: registered[s.Name]})
		}
	}
	slices.SortFunc(ranges, func(a, b country.Range) int { return a.First.Compare(b.First) }) // IPv4 first
	block, err := country.Pack(time.Time{}, ranges)
	if err != nil {
		return country.Table{}, fmt.Errorf("countries of a played home: %w", err)
	}
	return country.Parse(block)
}
